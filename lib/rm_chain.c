/* SPDX-License-Identifier: ISC */
/* What every link does with the program behind it. */
#include "rm_chain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

char **
rm_chain_prog(char *rest[], const char *usage)
{
	if (rest[0] != NULL && strcmp(rest[0], "--") == 0)
		rest++;
	if (rest[0] == NULL)
		die_usage(usage);
	return rest;
}

void
rm_chain_exec(char *prog[])
{
	(void)execvp(prog[0], prog);
	die(errno == ENOENT ? RM_EXIT_NOPROG : RM_EXIT_NOEXEC,
	    "unable to run %s", prog[0]);
}

void
rm_chain_pipes(struct rm_pipes *ret)
{
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) == -1 || pipe2(out, O_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	ret->prog_in = in[0];
	ret->to_prog = in[1];
	ret->from_prog = out[0];
	ret->prog_out = out[1];
	ret->also = -1;
}

void
rm_chain_take_program(struct rm_pipes *pipes)
{
	if (dup2(pipes->prog_in, 0) == -1 || dup2(pipes->prog_out, 1) == -1)
		die(RM_EXIT_SYSTEM, "unable to redirect the program");
	(void)close(pipes->prog_in);
	(void)close(pipes->prog_out);
	(void)close(pipes->to_prog);
	(void)close(pipes->from_prog);
}

/* Closes every descriptor above 2 but these. */
static void
close_all_but(int a, int b, int c)
{
	int fd, last = a > b ? a : b;

	if (c > last)
		last = c;
	for (fd = 3; fd < last; fd++)
		if (fd != a && fd != b && fd != c)
			(void)close(fd);
	closefrom(last + 1);
}

void
rm_chain_take_copier(struct rm_pipes *pipes)
{
	close_all_but(pipes->to_prog, pipes->from_prog, pipes->also);
	/* A copier ends by end of file, when all in it is delivered. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
}

void
rm_chain_refuse_root(void)
{
	if (geteuid() == 0)
		diex(RM_EXIT_USAGE, "refusing to run as root: start the chain "
		    "as a user of its own");
}

void
rm_chain_die_with(pid_t parent)
{
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1)
		die(RM_EXIT_SYSTEM, "unable to bind to the parent");
	if (getppid() != parent)
		_exit(RM_EXIT_SYSTEM);
}

void
rm_chain_jail(int (*enter)(void))
{
	const char *without = getenv("RM_NO_SANDBOX");

	if (without != NULL && strcmp(without, "1") == 0) {
		rm_warnx("no sandbox: RM_NO_SANDBOX=1 is set");
		return;
	}
	if (enter() == -1)
		die(RM_EXIT_USAGE, "no sandbox");
}
