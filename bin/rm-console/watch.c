/* SPDX-License-Identifier: ISC */
/*
 * Events: folders (inotify), the session's holder (pidfd), signals, a task's
 * output.  Nothing here happens by itself: an idle console sleeps.  The one
 * timer is set by an event: the kernel tells of the last close of a file just
 * before it frees the lock on it, so a look at once may come too early.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/pidfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "console.h"
#include "rm_env.h"

#define AGAIN_NS	50000000	/* after an event, one more look */
#define EVENTS	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | \
	IN_MODIFY | IN_CLOSE_WRITE | IN_ONLYDIR)
/* Of files that are replaced, and not written to. */
#define COMING_GOING	(IN_CREATE | IN_DELETE | IN_MOVED_FROM | \
	IN_MOVED_TO | IN_ONLYDIR)

static struct {
	int all, signals, folders, again, holder, reader, state;
	pid_t holder_pid, dead_pid;
	bool log;		/* what is written to it is an event */
	bool waiting, more;	/* for again; and something came meanwhile */
} w = { -1, -1, -1, -1, -1, -1, -1, 0, 0, false, false, false };

static void
follow(int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (fd == -1 || epoll_ctl(w.all, EPOLL_CTL_ADD, fd, &ev) == -1)
		die(RM_EXIT_SYSTEM, "unable to watch");
}

static void
follow_folder(const char *path)
{
	if (inotify_add_watch(w.folders, path, EVENTS) == -1)
		die(RM_EXIT_SYSTEM, "unable to watch %s", path);
}

int
watch_open(void)
{
	char path[PATH_MAX];
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGCHLD);
	(void)sigaddset(&set, SIGWINCH);
	(void)signal(SIGCHLD, SIG_DFL);
	if (sigprocmask(SIG_SETMASK, &set, NULL) == -1)
		die(RM_EXIT_SYSTEM, "unable to take signals");
	w.all = epoll_create1(EPOLL_CLOEXEC);
	w.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	w.folders = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	w.again = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	follow(w.signals);
	follow(w.folders);
	follow(w.again);
	follow_folder(rm_env_run());
	rm_env_run_path(path, sizeof(path), "console");
	follow_folder(path);
	watch_log(false);
	return w.all;
}

/* True if the console shows anything that depends on this file. */
static bool
matters(const struct inotify_event *ev)
{
	static const char *const names[] = { "armed", "service.addr",
	    "remote.addr", "session", "session.holder", "operation",
	    "operation.holder", "operation.progress", "audit.head", NULL };
	size_t i;

	if (ev->len == 0)		/* a folder went, or events were lost */
		return true;
	if (ev->wd == w.state)
		return strcmp(ev->name, "locked") == 0 ||
		    (w.log && strcmp(ev->name, "audit.log") == 0);
	for (i = 0; names[i] != NULL; i++)
		if (strcmp(ev->name, names[i]) == 0)
			return true;
	return strncmp(ev->name, "quorum.", 7) == 0;
}

static void
look_later(void)
{
	const struct itimerspec once = { .it_value.tv_nsec = AGAIN_NS };

	(void)timerfd_settime(w.again, 0, &once, NULL);
	w.waiting = true;
	w.more = false;
}

/* However many events there are, we look twenty times a second at most. */
static unsigned int
look_now(void)
{
	if (w.waiting) {
		w.more = true;
		return 0;
	}
	look_later();
	return WATCH_FACTS;
}

static unsigned int
take_again(void)
{
	uint64_t ticks;

	(void)!read(w.again, &ticks, sizeof(ticks));
	w.waiting = false;
	if (w.more)
		look_later();
	return WATCH_FACTS;
}

static unsigned int
take_folders(void)
{
	_Alignas(struct inotify_event) char buf[4096];
	const struct inotify_event *ev;
	unsigned int got = 0;
	ssize_t n, i;

	while ((n = read(w.folders, buf, sizeof(buf))) > 0)
		for (i = 0; i < n; i += (ssize_t)(sizeof(*ev) + ev->len)) {
			ev = (const struct inotify_event *)(buf + i);
			if (matters(ev))
				got = WATCH_FACTS;
		}
	return got != 0 ? look_now() : 0;
}

static unsigned int
take_signals(void)
{
	struct signalfd_siginfo si;
	unsigned int got = 0;

	while (read(w.signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGWINCH)
			got |= WATCH_RESIZE;
		else if (si.ssi_signo != SIGCHLD)
			got |= WATCH_END;
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	return got;
}

unsigned int
watch_take(void)
{
	struct epoll_event ev[8];
	unsigned int got = 0;
	int i, n;

	n = epoll_wait(w.all, ev, 8, 0);
	for (i = 0; i < n; i++) {
		if (ev[i].data.fd == w.folders)
			got |= take_folders();
		else if (ev[i].data.fd == w.signals)
			got |= take_signals();
		else if (ev[i].data.fd == w.again)
			got |= take_again();
		else if (ev[i].data.fd == w.holder) {
			/* It may stay a zombie: that is no event any more. */
			w.dead_pid = w.holder_pid;
			watch_holder(0);
			got |= WATCH_FACTS;
		} else if (ev[i].data.fd == w.reader)
			got |= WATCH_CARD;
		else
			got |= WATCH_TASK;
	}
	return got;
}

void
watch_holder(pid_t pid)
{
	if (pid != 0 && (pid == w.holder_pid || pid == w.dead_pid))
		return;
	if (w.holder != -1)
		(void)close(w.holder);
	w.holder = -1;
	w.holder_pid = 0;
	if (pid == 0 || (w.holder = pidfd_open(pid, 0)) == -1)
		return;
	w.holder_pid = pid;
	follow(w.holder);
}

void
watch_reader(int fd)
{
	w.reader = fd;
	if (fd != -1)
		follow(fd);
}

/* One watch for both: a second one of the same folder replaces the first. */
void
watch_log(bool on)
{
	w.log = on;
	w.state = inotify_add_watch(w.folders, rm_env_state(),
	    on ? EVENTS : COMING_GOING);
}

void
watch_task(int fd)
{
	follow(fd);
}
