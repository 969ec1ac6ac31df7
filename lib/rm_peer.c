/* SPDX-License-Identifier: ISC */
/*
 * Waiting and speaking.  A link is at rest only here, so TERM and HUP are let
 * in only here, and a last word never falls into a line.
 */
#include "rm_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_code.h"
#include "rm_die.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_text.h"

#define SAY_MS	15000	/* for a line to find room in the pipe */

static volatile sig_atomic_t came;
static sigset_t as_it_came, at_rest;

static void
note(int sig)
{
	came = sig;
}

void
rm_peer_init(void)
{
	struct sigaction sa = { .sa_handler = note };
	sigset_t both;

	(void)sigemptyset(&both);
	(void)sigaddset(&both, SIGTERM);
	(void)sigaddset(&both, SIGHUP);
	if (sigprocmask(SIG_BLOCK, &both, &as_it_came) == -1 ||
	    sigaction(SIGTERM, &sa, NULL) == -1 ||
	    sigaction(SIGHUP, &sa, NULL) == -1)
		die(RM_EXIT_SYSTEM, "unable to block signals");
	at_rest = as_it_came;
	(void)sigdelset(&at_rest, SIGTERM);
	(void)sigdelset(&at_rest, SIGHUP);
}

void
rm_peer_release(void)
{
	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGHUP, SIG_DFL);
	(void)sigprocmask(SIG_SETMASK, &as_it_came, NULL);
}

/* The pipe takes a short line at once, or its reader has not read for long. */
static _Noreturn void
last_word(void)
{
	struct pollfd out = { .fd = 1, .events = POLLOUT };
	const char *word = came == SIGTERM ?
	    "* " RM_NOTICE_LOCAL_CONSOLE "\n" : "* " RM_NOTICE_GOING_DOWN "\n";

	if (poll(&out, 1, 0) == 1 && (out.revents & POLLOUT) != 0)
		(void)!rm_io_write(1, word, strlen(word));
	diex(RM_EXIT_REFUSED, "ended: %.*s", (int)strcspn(word + 2, "\n"),
	    word + 2);
}

/* Waits for an event on fd (or -1); descriptor 1 is watched as well. */
static bool
rest(int fd, short events, int64_t deadline)
{
	struct pollfd pfd[2] = { { .fd = fd, .events = events },
		{ .fd = 1 } };
	struct timespec limit;
	int64_t left;
	int n;

	for (;;) {
		if ((left = deadline - rm_num_now_ms()) < 0)
			left = 0;
		limit.tv_sec = left / 1000;
		limit.tv_nsec = left % 1000 * 1000000;
		n = ppoll(pfd, 2, &limit, &at_rest);
		if (came != 0)
			last_word();
		if (n == -1 && errno != EINTR)
			die(RM_EXIT_SYSTEM, "unable to wait for the peer");
		if (n == 0)
			return false;
		if (n == -1)
			continue;
		if ((pfd[1].revents & (POLLERR | POLLNVAL)) != 0)
			diex(RM_EXIT_REFUSED, "the peer is gone");
		if (pfd[0].revents != 0)
			return true;
		/* A hangup alone is not gone, nor worth waking for again. */
		pfd[1].fd = -1;
	}
}

void
rm_peer_say(const char *fmt, ...)
{
	char line[RM_LINE_MAX];
	va_list ap;
	size_t len;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	len = (size_t)n < sizeof(line) ? (size_t)n : sizeof(line) - 1;
	line[len++] = '\n';
	if (!rest(1, POLLOUT, rm_num_now_ms() + SAY_MS))
		diex(RM_EXIT_REFUSED, "the peer does not read");
	if (rm_io_write(1, line, len) == -1)
		diex(RM_EXIT_REFUSED, "the peer is gone");
}

bool
rm_peer_wait(int fd, int64_t deadline)
{
	return rest(fd, POLLIN, deadline);
}

void
rm_peer_rest(int64_t deadline)
{
	(void)rest(-1, 0, deadline);
}

int
rm_peer_admit_fd(void)
{
	const char *text = getenv("RM_ADMIT_FD");
	uint32_t fd;

	if (text == NULL)
		return -1;
	if (rm_num_u32(&fd, text, 3, INT_MAX) == -1 ||
	    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == -1)
		diex(RM_EXIT_USAGE, "RM_ADMIT_FD is no descriptor: %s", text);
	(void)unsetenv("RM_ADMIT_FD");
	return (int)fd;
}

void
rm_peer_admit(int *fd)
{
	if (*fd == -1)
		return;
	(void)!rm_io_write(*fd, "a", 1);
	(void)close(*fd);
	*fd = -1;
}
