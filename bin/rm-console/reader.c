/* SPDX-License-Identifier: ISC */
/*
 * A card that is put into the console's own reader while it is armed is local
 * activity.  rm-card watch tells of it; it lives as long as that is wanted,
 * and no longer than we.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "console.h"
#include "rm_chain.h"

static struct {
	int fd, child;		/* what it says; a pidfd */
} r = { -1, -1 };

static void
start(void)
{
	static const char *const argv[] = { "rm-card", "watch", NULL };
	pid_t parent = getpid(), pid;
	int out[2], null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	if (null == -1 || pipe2(out, O_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	if ((pid = fork()) == 0) {
		rm_chain_die_with(parent);
		task_become(argv, null, out[1], false);
	}
	(void)close(null);
	(void)close(out[1]);
	if (pid == -1 || (r.child = pidfd_open(pid, 0)) == -1) {
		rm_warn("unable to watch the card reader");
		(void)close(out[0]);
		return;
	}
	r.fd = out[0];
	(void)fcntl(r.fd, F_SETFL, O_NONBLOCK);
	watch_reader(r.fd);
}

static void
stop(void)
{
	/* Its number may be a task's next, which is not to be taken for it. */
	watch_reader(-1);
	(void)pidfd_send_signal(r.child, SIGKILL, NULL, 0);
	(void)close(r.child);
	(void)close(r.fd);
	r.fd = r.child = -1;
}

void
reader_follow(bool wanted)
{
	if (wanted && r.fd == -1)
		start();
	else if (!wanted && r.fd != -1)
		stop();
}

bool
reader_take(void)
{
	char text[64];
	ssize_t n;

	if (r.fd == -1)
		return false;
	n = read(r.fd, text, sizeof(text));
	if (n > 0 || (n == -1 && (errno == EAGAIN || errno == EINTR)))
		return n > 0;
	/* It has ended, which it never does by itself. */
	rm_warnx("the card reader is watched no more");
	watch_reader(-1);
	(void)close(r.fd);
	r.fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	return false;
}
