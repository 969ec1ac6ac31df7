/* SPDX-License-Identifier: ISC */
/*
 * Who looks at foreign bytes: a child in the reader's jail.  It reads a line
 * when asked, and nothing behind that line, since what follows the last vote
 * belongs to the program; it writes a struct rm_vote in one piece.
 */
#include "reader.h"

#include <errno.h>
#include <string.h>

#include "rm_chain.h"
#include "rm_io.h"
#include "rm_sandbox.h"

/*
 * One line, or the rest of one that is too long, within the budget.  Returns
 * as rm_io_line; with the budget spent, -1 and ENOSPC.
 */
static ssize_t
line_within(uint8_t line[static RM_LINE_MAX], size_t *budget)
{
	size_t size = RM_LINE_MAX - 1;
	ssize_t n;

	if (size >= *budget)
		size = *budget - 1;
	n = rm_io_line(0, (char *)line, size);
	if (n >= 0)
		*budget -= (size_t)n + 1;
	else if (errno == EMSGSIZE)
		*budget -= size + 1;
	if (*budget == 0) {
		errno = ENOSPC;
		return -1;
	}
	return n;
}

/* Empty lines are nothing; a line that is too long is dropped to its end. */
static void
next(struct rm_vote *ret, size_t *budget)
{
	uint8_t line[RM_LINE_MAX];
	bool too_long = false;
	ssize_t n;

	do {
		n = line_within(line, budget);
		if (n == -1 && errno == EMSGSIZE)
			too_long = true;
	} while ((n == -1 && errno == EMSGSIZE) || (n == 0 && !too_long));
	memset(ret, 0, sizeof(*ret));
	if (n == -1) {
		ret->kind = errno == ENOSPC ? RM_VOTE_FULL : RM_VOTE_END;
	} else if (too_long) {
		ret->kind = RM_VOTE_BAD;
		strcpy(ret->why, "line too long");
	} else {
		rm_vote_parse(ret, line, (size_t)n);
	}
}

static void
serve(int asked, int answer)
{
	size_t budget = READER_BYTES_MAX + 1;	/* at 0 there was one more */
	struct rm_vote vote;
	char c;

	rm_chain_jail(rm_sandbox_reader);
	while (rm_io_read(asked, &c, 1) == 1) {
		next(&vote, &budget);
		if (rm_io_write(answer, &vote, sizeof(vote)) == -1)
			break;
	}
}

void
reader_start(struct rm_reader *ret, int not_for_it)
{
	/* A half-written answer would be one to wait for. */
	_Static_assert(sizeof(struct rm_vote) <= 4096, "at most PIPE_BUF");

	rm_reader_start(ret, not_for_it, serve);
}

bool
reader_take(struct rm_reader *reader, struct rm_vote *ret)
{
	return rm_reader_take(reader, ret, sizeof(*ret)) &&
	    rm_vote_is_sound(ret);
}
