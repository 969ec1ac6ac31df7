/* SPDX-License-Identifier: ISC */
/*
 * Who looks at foreign bytes: a child in the reader's jail.  It reads a line
 * when asked, and nothing behind that line, since what follows the last vote
 * belongs to the program; it writes a struct rm_vote in one piece.
 */
#include "reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_chain.h"
#include "rm_die.h"
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

static _Noreturn void
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
	_exit(0);
}

void
reader_start(struct reader *ret, int not_for_it)
{
	pid_t parent = getpid();
	int asks[2], answers[2];

	/* Written in one piece: a half-written answer would be one to wait
	 * for. */
	_Static_assert(sizeof(struct rm_vote) <= 4096, "at most PIPE_BUF");
	if (pipe2(asks, O_CLOEXEC) == -1 || pipe2(answers, O_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	if ((ret->pid = fork()) == -1)
		die(RM_EXIT_SYSTEM, "unable to fork");
	if (ret->pid == 0) {
		/* TERM and HUP are blocked here and stay so. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
		    getppid() != parent)
			_exit(RM_EXIT_SYSTEM);
		(void)close(asks[1]);
		(void)close(answers[0]);
		(void)close(1);
		if (not_for_it != -1)
			(void)close(not_for_it);
		serve(asks[0], answers[1]);
	}
	(void)close(asks[0]);
	(void)close(answers[1]);
	ret->ask = asks[1];
	ret->answer = answers[0];
}

void
reader_ask(struct reader *reader)
{
	/* A reader that is gone shows at reader_take. */
	(void)!rm_io_write(reader->ask, "", 1);
}

bool
reader_take(struct reader *reader, struct rm_vote *ret)
{
	ssize_t n = read(reader->answer, ret, sizeof(*ret));

	return n == (ssize_t)sizeof(*ret) && rm_vote_is_sound(ret);
}

void
reader_end(struct reader *reader)
{
	(void)kill(reader->pid, SIGKILL);
	while (waitpid(reader->pid, NULL, 0) == -1 && errno == EINTR)
		;
	(void)close(reader->ask);
	(void)close(reader->answer);
}
