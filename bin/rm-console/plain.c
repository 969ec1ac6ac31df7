/* SPDX-License-Identifier: ISC */
/*
 * The console for a terminal that cannot draw, or for a program: the same
 * facts, one line for each change.  Input has no meaning but that somebody is
 * there.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "console.h"

/* A byte counts when it is typed, not when its line is ended. */
static void
take_bytes_at_once(void)
{
	struct termios t;

	if (tcgetattr(0, &t) == -1)
		return;
	t.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	(void)tcsetattr(0, TCSANOW, &t);
}

static void
print_session(const struct facts *f)
{
	if (f->holder == 0)
		return;		/* who it is comes with the next event */
	(void)printf("active manager %s custodians %s tls %s\n", f->ip,
	    f->custodians, f->tls);
}

/* before is NULL at the first look. */
static void
print_changes(const struct facts *before, const struct facts *f)
{
	if (before == NULL || before->service != f->service)
		(void)printf("service %s\n", f->service ? "running" :
		    "stopped");
	if (before == NULL || before->armed != f->armed)
		(void)printf("%s\n", f->armed ? "armed" : "disarmed");
	if (f->session && (before == NULL || before->holder != f->holder ||
	    strcmp(before->custodians, f->custodians) != 0 ||
	    strcmp(before->ip, f->ip) != 0))
		print_session(f);
	if (before != NULL && before->session && !f->session)
		(void)printf("session ended\n");
	if (fflush(stdout) != 0)
		die(RM_EXIT_SYSTEM, "unable to write standard output");
}

void
plain_run(int events)
{
	struct pollfd fds[2] = {
		{ .fd = 0, .events = POLLIN },
		{ .fd = events, .events = POLLIN }
	};
	static struct facts f, before;
	char bytes[256];
	ssize_t n;
	unsigned int what;
	bool record;

	take_bytes_at_once();
	facts_look(&f);
	print_changes(NULL, &f);
	for (;;) {
		watch_holder(f.session ? f.holder : 0);
		reader_follow(f.armed);
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			die(RM_EXIT_SYSTEM, "unable to wait");
		record = false;
		if (fds[0].revents != 0) {
			if ((n = read(0, bytes, sizeof(bytes))) > 0)
				record = local_activity();
			else
				fds[0].fd = -1;	/* nobody types here */
		}
		what = fds[1].revents != 0 ? watch_take() : 0;
		if ((what & WATCH_END) != 0)
			rm_die_done();
		if ((what & WATCH_CARD) != 0 && reader_take())
			record |= local_activity();
		before = f;
		facts_look(&f);
		print_changes(&before, &f);
		if (record)
			record_disarm();
	}
}
