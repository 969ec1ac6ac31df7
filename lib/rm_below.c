/* SPDX-License-Identifier: ISC */
/*
 * Nothing outlives its subreaper.  A killed child hands its own children to
 * us, so that round after round the whole tree comes within reach.
 */
#include "rm_below.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/types.h>
#include <sys/wait.h>

#include "rm_num.h"

#define ROUND_MS	2	/* a killed process is gone well within that */

int
rm_below_signal(int sig)
{
	FILE *f;
	long pid;
	int n = 0;

	if ((f = fopen("/proc/thread-self/children", "re")) == NULL)
		return -1;
	while (fscanf(f, "%ld", &pid) == 1)
		if (pid > 1 && kill((pid_t)pid, sig) == 0)
			n++;
	(void)fclose(f);
	return n;
}

int
rm_below_end(unsigned int ms)
{
	int64_t end = rm_num_now_ms() + ms;
	pid_t pid;

	for (;;) {
		if (rm_below_signal(SIGKILL) == -1)
			return -1;
		while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
			continue;
		if (pid == -1 && errno == ECHILD)
			return 0;
		if (rm_num_now_ms() >= end) {
			errno = ETIMEDOUT;
			return -1;
		}
		(void)poll(NULL, 0, ROUND_MS);
	}
}
