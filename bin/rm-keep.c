/* SPDX-License-Identifier: ISC */
/*
 * rm-keep: keep prog running while a file exists with the same content.
 *
 * The lease of remote management and the only parent of daemons.  It trusts
 * the file's folder and nothing below it: prog is told to end when the lease
 * goes, and what does not go is killed.  It must never have two keepings side
 * by side, and never wait for a process without a limit.
 * Example: rm-keep run/console/armed -- rm-listen 127.0.0.1 0 -- cat
 *
 *	        start()               lease gone, quit: end()
 *	  OFF ----------> RUNNING -----------------------------> ENDING
 *	   ^  lease, pause over  \   prog exits: gone(), end()  / | ^
 *	   |                      `--------------------------->'  `-' 3 s: KILL
 *	   `------------------- nothing is below: reap() ---------'
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_below.h"
#include "rm_chain.h"
#include "rm_die.h"
#include "rm_io.h"
#include "rm_num.h"

#define USAGE		"rm-keep [-g instead] [-p pid] file [--] prog " \
			"[arg ...]"

#define LEASE_MAX	4096	/* bytes of the file */
#define LOOK_MS		1000	/* without any event */
#define LIMIT_MS	3000	/* for an orderly end */
#define GIVE_UP_MS	2000	/* after KILL, when we are to end ourselves */
#define PAUSE_MIN_MS	50	/* before a restart, doubled each time ... */
#define PAUSE_MAX_MS	5000
#define LIVED_MS	5000	/* ... unless it had lived so long */
#define MISSED_MS	2000	/* until -g takes prog's place once */

#define EVENTS	(IN_CREATE | IN_DELETE | IN_MOVE | IN_MODIFY | \
	IN_CLOSE_WRITE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct lease {
	ssize_t len;			/* -1: not there */
	char text[LEASE_MAX + 1];
};

struct keep {
	const char *path;
	char folder[PATH_MAX];
	char **prog;
	char *instead[2];		/* -g, or NULL */
	char **runs;			/* the one of them that is our child */
	int watch, wd;			/* inotify, and the folder's watch */
	int signals;			/* signalfd */
	struct lease now, kept;		/* at the last look; at the start */
	int why;			/* errno of the last look */
	pid_t child;			/* or 0 */
	bool below;			/* somebody is still below us */
	bool ending, killing, quit;
	int word;			/* the signal that says it */
	int64_t born, deadline, next;
	int64_t missed;			/* when -g is due; 0: prog is there */
	uint32_t pause_ms;
};

static void
tell_children(int sig)
{
	if (rm_below_signal(sig) == -1)
		rm_warn("unable to list children");
}

/*
 * MUST watch before it looks.  The watch is asked for by path each time: for
 * the same folder the kernel gives the same number, and another one for a
 * folder that was put in its place.
 */
static void
look(struct keep *k)
{
	int wd, why;

	wd = inotify_add_watch(k->watch, k->folder, EVENTS);
	if (wd != k->wd && k->wd != -1)
		(void)inotify_rm_watch(k->watch, k->wd);
	k->wd = wd;
	k->now.len = rm_io_load(k->path, k->now.text, sizeof(k->now.text));
	why = k->now.len == -1 ? errno : 0;
	if (why != k->why && why != 0 && why != ENOENT)
		rm_warn("%s is no lease", k->path);
	k->why = why;
}

static bool
same(const struct keep *k)
{
	return k->now.len != -1 && k->now.len == k->kept.len &&
	    memcmp(k->now.text, k->kept.text, (size_t)k->now.len) == 0;
}

/* Tells prog, or what it left behind, to go; LIMIT_MS from now it is killed. */
static void
end(struct keep *k)
{
	k->ending = true;
	k->killing = false;
	k->deadline = rm_num_now_ms() + LIMIT_MS;
	if (k->child != 0)
		(void)kill(k->child, k->word);
	else
		tell_children(k->word);
}

static void
pause_longer(struct keep *k)
{
	int64_t now = rm_num_now_ms();

	if (now - k->born >= LIVED_MS)
		k->pause_ms = 0;
	k->pause_ms = k->pause_ms == 0 ? PAUSE_MIN_MS : k->pause_ms * 2;
	if (k->pause_ms > PAUSE_MAX_MS)
		k->pause_ms = PAUSE_MAX_MS;
	k->next = now + k->pause_ms;
}

/* prog has gone; whoever it left behind is told once, too. */
static void
gone(struct keep *k, int status)
{
	int64_t now = rm_num_now_ms();

	k->child = 0;
	if (k->ending) {
		tell_children(k->word);
		return;
	}
	/* What has lived for a moment only was not back. */
	if (k->missed == 0 || now - k->born >= MISSED_MS)
		k->missed = now + MISSED_MS;
	pause_longer(k);
	if (WIFSIGNALED(status))
		rm_info("%s was killed by signal %d, again in %u ms",
		    k->runs[0], WTERMSIG(status), k->pause_ms);
	else
		rm_info("%s exited with status %d, again in %u ms",
		    k->runs[0], WEXITSTATUS(status), k->pause_ms);
}

/* Every process below that ends lands with us, whoever started it. */
static void
reap(struct keep *k)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		if (pid == k->child)
			gone(k, status);
	k->below = pid == 0;
	if (!k->below)
		k->ending = false;
}

static void
start(struct keep *k, char **prog)
{
	pid_t self = getpid();
	sigset_t none;

	k->kept = k->now;
	k->runs = prog;
	k->born = rm_num_now_ms();
	if ((k->child = fork()) == -1) {
		k->child = 0;
		pause_longer(k);
		rm_warn("unable to fork, again in %u ms", k->pause_ms);
		return;
	}
	if (k->child == 0) {
		rm_chain_die_with(self);
		(void)signal(SIGPIPE, SIG_DFL);
		(void)sigemptyset(&none);
		(void)sigprocmask(SIG_SETMASK, &none, NULL);
		rm_chain_exec(prog);
	}
	k->below = true;
	rm_info("%s is there: %s runs as %ld", k->path, prog[0],
	    (long)k->child);
}

/* Nothing is below us, and the lease is there. */
static void
start_what_is_due(struct keep *k, int64_t now)
{
	/* A try that was due before comes first, however late we are. */
	if (k->instead[0] != NULL && k->missed != 0 && now >= k->missed &&
	    k->missed < k->next) {
		k->missed = INT64_MAX;	/* once, until prog has lived again */
		start(k, k->instead);
	} else if (now >= k->next)
		start(k, k->prog);
}

/* One step of the drawing above; true when we may end. */
static bool
step(struct keep *k)
{
	int64_t now = rm_num_now_ms();

	if (!same(k)) {
		if (k->child != 0 && !k->ending) {
			rm_info("%s %s: ending %s", k->path,
			    k->now.len == -1 ? "is gone" : "has changed",
			    k->prog[0]);
			end(k);
		}
		/* Another lease does not pay for the last one's failures. */
		k->pause_ms = 0;
		k->next = k->missed = 0;
	}
	if (k->below && !k->ending && (k->quit || k->child == 0))
		end(k);
	if (!k->below) {
		if (!k->quit && k->now.len != -1)
			start_what_is_due(k, now);
		return k->quit;
	}
	if (k->ending && now >= k->deadline) {
		if (!k->killing)
			rm_warnx("killing what %s left", k->prog[0]);
		k->killing = true;
		tell_children(SIGKILL);
	}
	if (k->quit && now >= k->deadline + GIVE_UP_MS)
		diex(RM_EXIT_SYSTEM, "unable to kill all that %s left",
		    k->prog[0]);
	return false;
}

static int
timeout_of(const struct keep *k)
{
	int64_t now = rm_num_now_ms(), at = now + LOOK_MS;

	if (k->ending && k->deadline > now && k->deadline < at)
		at = k->deadline;
	if (!k->below && k->now.len != -1 && k->next < at)
		at = k->next;
	if (!k->below && k->instead[0] != NULL && k->missed != 0 &&
	    k->missed < at)
		at = k->missed;
	return at > now ? (int)(at - now) : 0;
}

/* Waits for an event, a signal or a time, and takes what came. */
static void
rest(struct keep *k)
{
	struct pollfd fds[2] = {
		{ .fd = k->watch, .events = POLLIN },
		{ .fd = k->signals, .events = POLLIN }
	};
	struct signalfd_siginfo sig;
	char events[4096];

	if (poll(fds, 2, timeout_of(k)) == -1 && errno != EINTR)
		die(RM_EXIT_SYSTEM, "unable to wait");
	/* What happened does not matter: after any event, look. */
	while (read(k->watch, events, sizeof(events)) > 0)
		;
	while (read(k->signals, &sig, sizeof(sig)) == sizeof(sig)) {
		if (sig.ssi_signo == SIGCHLD || k->quit)
			continue;
		k->quit = true;
		k->word = sig.ssi_signo == SIGHUP ? SIGHUP : SIGTERM;
	}
}

static void
open_all(struct keep *k)
{
	char path[PATH_MAX];
	sigset_t set;

	if (strlen(k->path) >= sizeof(path))
		diex(RM_EXIT_USAGE, "path too long: %s", k->path);
	strcpy(path, k->path);
	strcpy(k->folder, dirname(path));

	/* What we were given stays with us: a lock of our parent's, say. */
	if (close_range(3, ~0U, CLOSE_RANGE_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to keep descriptors from %s",
		    k->prog[0]);
	(void)unsetenv("RM_LOCK_FD");
	(void)unsetenv("RM_ADMIT_FD");

	(void)signal(SIGTERM, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1 ||
	    (k->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) == -1)
		die(RM_EXIT_SYSTEM, "unable to take signals");
	if ((k->watch = inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) == -1)
		die(RM_EXIT_SYSTEM, "unable to watch %s", k->folder);
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		die(RM_EXIT_SYSTEM, "unable to take orphans");
	if (rm_below_signal(0) == -1)
		die(RM_EXIT_SYSTEM, "unable to list children");
}

int
main(int argc, char *argv[])
{
	static struct keep k = {
		.wd = -1, .word = SIGTERM, .now.len = -1, .kept.len = -1
	};
	uint32_t parent = 0;
	int ch;

	rm_die_init("rm-keep");
	while ((ch = getopt(argc, argv, "+g:p:")) != -1) {
		if (ch == 'g' && k.instead[0] == NULL) {
			k.instead[0] = optarg;
			continue;
		}
		if (ch != 'p')
			die_usage(USAGE);
		if (parent != 0)
			diex(RM_EXIT_USAGE, "-p is given twice");
		if (rm_num_u32(&parent, optarg, 1, INT32_MAX) == -1)
			diex(RM_EXIT_USAGE, "bad process number: %s", optarg);
	}
	if (argc - optind < 2)
		die_usage(USAGE);
	k.path = argv[optind];
	k.prog = rm_chain_prog(argv + optind + 1, USAGE);

	/* By number: who started us may be gone before we can ask. */
	if (parent != 0)
		rm_chain_die_with((pid_t)parent);
	open_all(&k);
	for (;;) {
		look(&k);
		reap(&k);
		if (step(&k))
			return RM_EXIT_OK;
		rest(&k);
	}
}
