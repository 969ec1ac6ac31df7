/* SPDX-License-Identifier: ISC */
/*
 * wait-card: wait until the PC/SC daemon answers, or until it reports a
 * reader as holding a card or as empty; for tests, in place of sleeping.
 * Example: wait-card present "Virtual PCD 00 00"
 */
#include <err.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include <winscard.h>

#define SOCKET_DIR	"/run/pcscd"

static long long deadline;

static long long
now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Milliseconds left; ends the program when there are none. */
static int
time_left(const char *what)
{
	long long left;

	if ((left = deadline - now_ms()) <= 0)
		errx(1, "still waiting for %s", what);
	return (int)left;
}

static SCARDCONTEXT
daemon_wait(void)
{
	struct pollfd change = { .events = POLLIN };
	SCARDCONTEXT ctx;
	char event[4096];

	if ((change.fd = inotify_init1(IN_CLOEXEC)) == -1 ||
	    inotify_add_watch(change.fd, SOCKET_DIR, IN_CREATE | IN_ATTRIB) ==
	    -1)
		err(111, "unable to watch %s", SOCKET_DIR);
	while (SCardEstablishContext(SCARD_SCOPE_SYSTEM, NULL, NULL, &ctx) !=
	    SCARD_S_SUCCESS) {
		if (poll(&change, 1, time_left("the PC/SC daemon")) == 1)
			(void)!read(change.fd, event, sizeof(event));
	}
	(void)close(change.fd);
	return ctx;
}

/*
 * The upper half of a state counts what the daemon's own poll has seen come
 * and go.  A fault can make the daemon report a reader as empty before that:
 * a card put in at this moment would not be seen, so that is not empty yet.
 */
static bool
is_there(DWORD state, const char *what)
{
	bool odd;

	odd = (state >> 16 & 1) != 0;
	if (strcmp(what, "empty") == 0)
		return (state & SCARD_STATE_EMPTY) != 0 && !odd;
	return (state & SCARD_STATE_PRESENT) != 0 &&
	    (state & SCARD_STATE_MUTE) == 0 && odd;
}

static void
reader_wait(SCARDCONTEXT ctx, const char *reader, const char *what)
{
	SCARD_READERSTATE state = { .szReader = reader };
	DWORD rv;

	while (!is_there(state.dwEventState, what)) {
		state.dwCurrentState = state.dwEventState;
		rv = (DWORD)SCardGetStatusChange(ctx,
		    (DWORD)time_left(reader), &state, 1);
		if (rv != SCARD_S_SUCCESS && rv != SCARD_E_TIMEOUT)
			errx(111, "%s: %s", reader,
			    pcsc_stringify_error((LONG)rv));
	}
}

int
main(int argc, char *argv[])
{
	SCARDCONTEXT ctx;

	if (argc == 2 && strcmp(argv[1], "daemon") == 0)
		;
	else if (argc != 3 || (strcmp(argv[1], "present") != 0 &&
	    strcmp(argv[1], "empty") != 0)) {
		(void)fprintf(stderr, "usage: wait-card daemon\n"
		    "       wait-card present|empty reader\n");
		return 100;
	}
	deadline = now_ms() + 10000;
	ctx = daemon_wait();
	if (argc == 3)
		reader_wait(ctx, argv[2], argv[1]);
	(void)SCardReleaseContext(ctx);
	return 0;
}
