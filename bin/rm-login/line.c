/* SPDX-License-Identifier: ISC */
/*
 * Who looks at the foreign line: a child in the reader's jail.  It reads that
 * line and nothing behind it, since what follows belongs to the program.  The
 * line is in locked memory from its first byte on.
 */
#include <errno.h>
#include <string.h>

#include "login.h"
#include "rm_chain.h"
#include "rm_io.h"
#include "rm_sandbox.h"
#include "rm_secret.h"

struct room {
	struct rm_login login;
	struct rm_words words;
	char line[RM_LOGIN_LINE];
};

static void
read_line(struct room *room)
{
	ssize_t n = rm_io_line(0, room->line, sizeof(room->line));

	if (n >= 0) {
		rm_login_parse(&room->login, &room->words,
		    (const uint8_t *)room->line, (size_t)n);
	} else if (errno == EMSGSIZE) {
		room->login.kind = RM_LOGIN_BAD;
		strcpy(room->login.why, "line too long");
	} else {
		room->login.kind = RM_LOGIN_END;
	}
}

static void
serve(int asked, int answer)
{
	struct room *room;
	char c;

	/* A child does not inherit locks on memory, and cannot lock in jail. */
	if ((room = rm_secret_alloc(sizeof(*room))) == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	rm_chain_jail(rm_sandbox_reader);
	if (rm_io_read(asked, &c, 1) != 1)
		return;
	read_line(room);
	(void)!rm_io_write(answer, &room->login, sizeof(room->login));
	rm_password_wipe(room, sizeof(*room));
}

void
line_start(struct rm_reader *ret, int not_for_it)
{
	_Static_assert(sizeof(struct rm_login) <= 4096, "at most PIPE_BUF");

	rm_reader_start(ret, not_for_it, serve);
}

bool
line_take(struct rm_reader *reader, struct rm_login *ret)
{
	bool good = rm_reader_take(reader, ret, sizeof(*ret)) &&
	    rm_login_is_sound(ret);

	rm_reader_end(reader);
	return good;
}
