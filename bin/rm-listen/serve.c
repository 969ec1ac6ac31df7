/* SPDX-License-Identifier: ISC */
/*
 * The life of rm-listen.  It sleeps in one poll: for signals, for connections
 * and for the byte that admits a visitor.
 *
 *	newcomer -- make_room --> start --> HERE -- look_admitted --> ADMITTED
 *	                                     |                           |
 *	             make_room, end_late: doom                           |
 *	                                     v                           v
 *	                                  DOOMED ------- reap --------> gone
 *
 * Without -a nobody leaves HERE but by reap.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "listen.h"
#include "rm_below.h"
#include "rm_num.h"
#include "rm_tally.h"
#include "rm_visitors.h"

#define PAUSE_MS	100	/* when the system lacks something */
#define SAY_MS		1000	/* strangers are not worth more lines */
#define BELOW_MS	3000	/* for who ends in order, outside the groups */
#define GONE_MS		1000	/* for the kernel to make an end of it */

static struct rm_visitors all;
static int64_t pause_until;
static struct {
	unsigned int evicted, refused, late, lost;
	int64_t next_ms;
} strangers;

int
serve_signals(void)
{
	sigset_t set;
	int fd;

	(void)signal(SIGTERM, SIG_DFL);		/* for our children */
	(void)signal(SIGHUP, SIG_DFL);
	(void)signal(SIGCHLD, SIG_DFL);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_SETMASK, &set, NULL) == -1)
		return -1;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd == -1 || prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		return -1;
	return fd;
}

/* Returns the signal that asks us to end (TERM or HUP), or 0. */
static int
read_signals(int signal_fd)
{
	struct signalfd_siginfo si;
	int end = 0;

	while (read(signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			end = SIGHUP;
		else if (si.ssi_signo != SIGCHLD && end == 0)
			end = SIGTERM;
	}
	return end;
}

static void
say_strangers(int64_t now)
{
	if (strangers.evicted + strangers.refused + strangers.late +
	    strangers.lost == 0 || now < strangers.next_ms)
		return;
	rm_info("strangers: %u evicted, %u refused, %u too late, %u lost",
	    strangers.evicted, strangers.refused, strangers.late,
	    strangers.lost);
	strangers.evicted = strangers.refused = strangers.late = 0;
	strangers.lost = 0;
	strangers.next_ms = now + SAY_MS;
}

static void
drop_admit_fd(struct rm_visitor *one)
{
	if (one->admit_fd != -1)
		(void)close(one->admit_fd);
	one->admit_fd = -1;
}

static void
look_admitted(struct rm_visitor *one)
{
	ssize_t n;
	char byte;

	if (one->admit_fd == -1 || (n = read(one->admit_fd, &byte, 1)) == -1)
		return;
	/* At the end of file nobody is left who could admit it. */
	drop_admit_fd(one);
	if (n == 1)
		one->state = RM_VISITOR_ADMITTED;
}

static void
doom(struct rm_visitor *one)
{
	(void)kill(-one->group, SIGKILL);
	one->state = RM_VISITOR_DOOMED;
	drop_admit_fd(one);
}

/* False if a newcomer from net has to be refused. */
static bool
make_room(const uint8_t *net)
{
	enum rm_visitors_verdict verdict;
	size_t victim = 0;

	while ((verdict = rm_visitors_choose(&all, net, &victim)) ==
	    RM_VISITORS_EVICT) {
		doom(&all.v[victim]);
		strangers.evicted++;
		rm_tally_add(RM_TALLY_REFUSED, 1);
	}
	return verdict == RM_VISITORS_WELCOME;
}

/*
 * Reaps all that has ended, ours or not.  A connection lives until no child
 * of ours is left in its group: up to then the group's number is its own and
 * may be signalled.  Returns false if we have no children at all.
 */
static bool
reap(void)
{
	siginfo_t si;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (i = 0; i < all.n; i++)
			if (all.v[i].group == pid)
				all.v[i].leader_gone = true;
	for (i = all.n; i-- > 0;) {
		if (!all.v[i].leader_gone || waitid(P_PGID,
		    (id_t)all.v[i].group, &si, WEXITED | WNOHANG | WNOWAIT) !=
		    -1 || errno != ECHILD)
			continue;
		drop_admit_fd(&all.v[i]);
		rm_visitors_remove(&all, i);
	}
	return pid == 0;
}

/* Forks prog for conn, which the caller closes.  0, or -1 with errno. */
static int
start(const struct listener *l, int conn, const struct peer *peer)
{
	struct rm_visitor one = { .admit_fd = -1 };
	int admit[2] = { -1, -1 }, saved;
	pid_t self = getpid();
	size_t i;

	if (l->admit_ms != 0 && (pipe2(admit, O_CLOEXEC) == -1 ||
	    fcntl(admit[0], F_SETFL, O_NONBLOCK) == -1))
		goto out;
	one.admit_fd = admit[0];
	one.since_ms = rm_num_now_ms();
	for (i = 0; i < RM_ADDR_NET; i++)
		one.net[i] = peer->remote.net[i];
	/* Noted first: whoever was forked must not be forgotten. */
	if (rm_visitors_add(&all, &one) == -1)
		goto out;
	if ((one.group = fork()) == 0)
		peer_serve(peer, l, self, conn, admit[1]);
	if (one.group == -1) {
		rm_visitors_remove(&all, all.n - 1);
		goto out;
	}
	(void)setpgid(one.group, one.group);
	all.v[all.n - 1].group = one.group;
	(void)close(admit[1]);
	return 0;
out:
	saved = errno;
	(void)close(admit[0]);
	(void)close(admit[1]);
	errno = saved;
	return -1;
}

/* What the system lacks comes back; asking again and again would spin. */
static void
pause_accepting(const char *what)
{
	static int64_t next_ms;
	int64_t now = rm_num_now_ms();

	if (now >= next_ms) {
		rm_warn("unable to %s", what);
		next_ms = now + SAY_MS;
	}
	pause_until = now + PAUSE_MS;
}

static void
welcome(const struct listener *l)
{
	struct sockaddr_storage from;
	socklen_t len = sizeof(from);
	struct peer peer;
	int conn;

	conn = accept4(l->fd, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
	if (conn == -1) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			pause_accepting("accept a connection");
		else if (errno == EBADF || errno == EINVAL ||
		    errno == ENOTSOCK)
			die(RM_EXIT_SYSTEM, "unable to accept");
		return;		/* it went away again, says any other */
	}
	if (peer_know(&peer, l, conn, &from) == -1)
		strangers.lost++;
	else if (!make_room(peer.remote.net)) {
		strangers.refused++;
		rm_tally_add(RM_TALLY_REFUSED, 1);
	} else if (start(l, conn, &peer) == -1)
		pause_accepting("start the program");
	else
		rm_info("connection %s (%zu %s)", peer.text,
		    rm_visitors_count(&all),
		    all.evict ? "visitors" : "connections");
	(void)close(conn);
}

/* Ends the visitors whose time is up; returns when that of the next is. */
static int64_t
end_late(const struct listener *l, int64_t now)
{
	struct rm_visitor *one;
	size_t i;

	for (i = 0; l->admit_ms != 0 && i < all.n; i++) {
		one = &all.v[i];
		if (one->state != RM_VISITOR_HERE)
			continue;
		if (now < one->since_ms + l->admit_ms)
			return one->since_ms + l->admit_ms;
		doom(one);
		strangers.late++;
	}
	return INT64_MAX;
}

/* Sleeps until something happens; true if it is a connection. */
static bool
rest(const struct listener *l, int signal_fd, struct pollfd *fds)
{
	int64_t now = rm_num_now_ms(), until = end_late(l, now);
	nfds_t n = 2;
	size_t i;

	say_strangers(now);
	if (now < strangers.next_ms && strangers.next_ms < until)
		until = strangers.next_ms;
	if (now < pause_until && pause_until < until)
		until = pause_until;
	fds[0] = (struct pollfd){ .fd = signal_fd, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = now < pause_until ? -1 : l->fd,
	    .events = POLLIN };
	for (i = 0; i < all.n; i++)
		if (all.v[i].admit_fd != -1)
			fds[n++] = (struct pollfd){ .fd = all.v[i].admit_fd,
			    .events = POLLIN };
	if (poll(fds, n, until == INT64_MAX ? -1 : (int)(until - now)) == -1)
		die(RM_EXIT_SYSTEM, "unable to wait");
	/* Before anybody is evicted, whoever was admitted is. */
	for (i = 0; i < all.n; i++)
		look_admitted(&all.v[i]);
	return fds[1].revents != 0;
}

static void
stop_listening(struct listener *l)
{
	struct stat st;

	(void)close(l->fd);
	l->fd = -1;
	if (!l->local || lstat(l->path, &st) == -1 ||
	    st.st_dev != l->made.st_dev || st.st_ino != l->made.st_ino)
		return;
	if (unlink(l->path) == -1)
		rm_warn("unable to remove %s", l->path);
}

static void
signal_groups(int sig)
{
	size_t i;

	for (i = 0; i < all.n; i++)
		(void)kill(-all.v[i].group, sig);
}

/* The end in order: a word, a moment to say it, then nothing is left. */
static void
end_all(const struct listener *l, int signal_fd, int sig)
{
	struct pollfd fd = { .fd = signal_fd, .events = POLLIN };
	int64_t begun = rm_num_now_ms(), spent = 0;
	bool killed = false;

	signal_groups(sig);
	while (reap() && (spent = rm_num_now_ms() - begun) < BELOW_MS) {
		if (!killed && spent >= l->word_ms) {
			signal_groups(SIGKILL);
			killed = true;
		}
		(void)poll(&fd, 1, (int)((killed ? BELOW_MS :
		    l->word_ms) - spent));
		(void)read_signals(signal_fd);
	}
	if (spent >= BELOW_MS && rm_below_end(GONE_MS) == -1)
		rm_warn("unable to end everything");
}

void
serve(struct listener *l, int signal_fd)
{
	struct pollfd *fds;
	bool called;
	int sig = 0;

	all.max = l->max;
	all.max_each = l->each;
	all.evict = l->admit_ms != 0;
	/* No more than max have an admission pipe at a time. */
	if ((fds = calloc((size_t)l->max + 2, sizeof(*fds))) == NULL)
		die(RM_EXIT_SYSTEM, "unable to start");
	for (;;) {
		called = rest(l, signal_fd, fds);
		if ((sig = read_signals(signal_fd)) != 0)
			break;
		(void)reap();
		if (called)
			welcome(l);
	}
	stop_listening(l);
	end_all(l, signal_fd, sig);
	strangers.next_ms = 0;
	say_strangers(rm_num_now_ms());
	free(fds);
	free(all.v);
}
