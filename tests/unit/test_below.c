/* SPDX-License-Identifier: ISC */
/* Processes that fork away, and that leave their group, are still ended. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_below.h"
#include "tap.h"

/* A chain of processes; each has a session of its own and loses its parent. */
static void
fork_away(int depth, int up)
{
	const char byte = 'x';

	for (; depth > 0; depth--) {
		if (fork() != 0)
			_exit(0);
		(void)setsid();
		if (fork() == 0) {
			(void)!write(up, &byte, 1);
			for (;;)
				(void)pause();
		}
	}
	_exit(0);
}

int
main(void)
{
	int up[2], i;
	char byte;

	(void)fflush(stdout);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1 || pipe(up) == -1)
		return 111;
	ok(rm_below_end(0) == 0, "nothing below is fine");
	(void)fflush(stdout);
	if (fork() == 0)
		fork_away(5, up[1]);
	(void)close(up[1]);
	for (i = 0; i < 5; i++)
		(void)!read(up[0], &byte, 1);
	/* Those in between may not have exited yet. */
	for (i = 0; i < 2000 && rm_below_signal(0) < 5; i++)
		(void)poll(NULL, 0, 5);
	ok(rm_below_signal(0) >= 5, "those that forked away are ours");
	ok(rm_below_end(10000) == 0, "all are ended");
	ok(waitpid(-1, NULL, 0) == -1 && errno == ECHILD, "and reaped");
	/* The pipe's writers are all dead when it ends. */
	ok(read(up[0], &byte, 1) == 0, "none holds a descriptor");
	printf("1..%d\n", tests);
	return 0;
}
