/* SPDX-License-Identifier: ISC */
/*
 * Where secrets come from and where they are kept (libsodium).
 *
 * MUST: read(2), never stdio, which would keep a copy.
 * MUST: every way out of the prompt restores the terminal first: the end of
 * this function, of this process, and its being stopped by ^Z.
 */
#include "rm_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "rm_io.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

int
rm_secret_harden(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return -1;
#ifndef __SANITIZE_ADDRESS__	/* its leak checker is such a debugger */
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return -1;
#endif
	return 0;
}

void *
rm_secret_alloc(size_t size)
{
	void *p;

	if (sodium_init() == -1) {
		errno = ENOSYS;
		return NULL;
	}
	if ((p = sodium_malloc(size)) != NULL)
		sodium_memzero(p, size);
	return p;
}

void
rm_secret_lock(struct rm_secret *secret)
{
	/* As in rm_secret_alloc, a host that allows no more is no obstacle. */
	(void)sodium_mlock(secret, sizeof(*secret));
}

void
rm_secret_free(void *secret)
{
	sodium_free(secret);
}

bool
rm_secret_is(const struct rm_secret *a, const struct rm_secret *b)
{
	return sodium_memcmp(a->text, b->text, sizeof(a->text)) == 0 &&
	    a->len == b->len;
}

static void
clear(struct rm_secret *secret)
{
	sodium_memzero(secret, sizeof(*secret));
}

int
rm_secret_next(struct rm_secret *ret, int fd, struct rm_err *err)
{
	ssize_t n;

	ret->len = 0;
	for (;;) {
		if (ret->len == sizeof(ret->text)) {
			clear(ret);
			return rm_err_set(err, RM_CODE_USAGE,
			    "the line is too long");
		}
		n = rm_io_read(fd, ret->text + ret->len, 1);
		if (n == -1) {
			clear(ret);
			return rm_err_set(err, RM_CODE_USAGE,
			    "unable to read its line: %s", strerror(errno));
		}
		if (n == 0 || ret->text[ret->len] == '\n')
			break;
		ret->len++;
	}
	return ret->len > 0;
}

int
rm_secret_from_fd(struct rm_secret *ret, int fd, struct rm_err *err)
{
	int rc = rm_secret_next(ret, fd, err);

	if (rc == 0)
		return rm_err_set(err, RM_CODE_USAGE,
		    "no line is left to be read");
	return rc == 1 ? 0 : -1;
}

void
rm_secret_signals(sigset_t *ret)
{
	static const int sigs[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
	struct sigaction sa;
	size_t i;

	(void)sigemptyset(ret);
	for (i = 0; i < N(sigs); i++)
		if (sigaction(sigs[i], NULL, &sa) == 0 &&
		    sa.sa_handler != SIG_IGN)
			(void)sigaddset(ret, sigs[i]);
}

/*
 * One prompt.  Signals that end or stop a process are kept waiting until the
 * terminal is as it was, and then take their course; signalfd(2) only tells
 * that there is one, and is never read.  Returns 0; 1 if a signal came and
 * left us alive (^Z and then fg); -1 with err.
 */
static int
ask(int tty, const char *prompt, int stop, struct rm_secret *ret,
    struct rm_err *err)
{
	struct termios before, silent;
	struct pollfd fds[3] = { { .fd = -1, .events = POLLIN },
	    { .fd = stop, .events = POLLIN }, { .fd = tty, .events = POLLIN } };
	sigset_t set, mask;
	ssize_t n = -1;

	rm_secret_signals(&set);
	(void)sigprocmask(SIG_BLOCK, &set, &mask);
	/* In the background this stops the whole job until it is wanted. */
	if ((fds[0].fd = signalfd(-1, &set, SFD_CLOEXEC)) == -1 ||
	    tcgetattr(tty, &before) == -1)
		goto out;
	silent = before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (tcsetattr(tty, TCSAFLUSH, &silent) == -1)
		goto out;
	if (rm_io_write(tty, prompt, strlen(prompt)) == 0 &&
	    poll(fds, N(fds), -1) > 0 && fds[0].revents == 0 &&
	    fds[1].revents == 0)
		n = read(tty, ret->text, sizeof(ret->text));
	/* Also if we were sent to the background: the echo has to come back. */
	(void)sigaddset(&set, SIGTTOU);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)!rm_io_write(tty, "\n", 1);
out:
	if (fds[0].fd != -1)
		(void)close(fds[0].fd);
	(void)sigprocmask(SIG_SETMASK, &mask, NULL);
	if (fds[0].revents != 0)
		return 1;
	if (fds[1].revents != 0 || n == -1)
		return rm_err_set(err, RM_CODE_SYSTEM, "not asked any more");
	ret->len = (size_t)n;
	return 0;
}

int
rm_secret_from_tty(struct rm_secret *ret, const char *prompt, int stop,
    struct rm_err *err)
{
	int rc, tty;

	ret->len = 0;
	if ((tty = open("/dev/tty", O_RDWR | O_CLOEXEC)) == -1)
		return rm_err_set(err, RM_CODE_USAGE,
		    "there is no terminal to ask at");
	do
		rc = ask(tty, prompt, stop, ret, err);
	while (rc == 1);
	(void)close(tty);
	if (rc == -1)
		return -1;
	/* A line that did not fit comes without its LF. */
	if (ret->len == 0 || ret->text[--ret->len] != '\n' || ret->len == 0) {
		clear(ret);
		return rm_err_set(err, RM_CODE_USAGE, "nothing was typed, or "
		    "more than fits");
	}
	return 0;
}
