/* SPDX-License-Identifier: ISC */
/*
 * rmctl p11 --socket PATH: the agent, for applications that have a socket to
 * connect to and no way to a password.  It asks once, keeps the password in
 * locked memory, and has a child for each connection, with a log-in of its
 * own; it never sees what goes through them.
 *
 * MUST: serve nobody but the user who runs it, and root.
 * MUST: a password that the service refuses is not tried again: log-ins come
 *	one after another (tries), and the first refusal is the last.
 * MUST NOT: end a child: its application would not survive that.  Children go
 *	when their applications do.
 */
#include "rmctl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_addr.h"
#include "rm_lock.h"

#define RETRY_MS	100	/* when the system lacks something */

static struct {
	struct rm_secret *password;
	struct stat made;		/* the socket, as we made it */
	int fd;
	int tries;			/* see begin_try */
	int signals;
} a = { .fd = -1, .tries = -1, .signals = -1 };

/*
 * A file without a name: locked by whoever logs in, and no longer empty when
 * the password was refused.  A child opens it anew, to have a lock of its own.
 * Returns that, or -1.
 */
static int
begin_try(void)
{
	char path[64];
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", a.tries);
	if ((fd = open(path, O_RDWR | O_CLOEXEC)) == -1)
		return -1;
	if (rm_lock_wait_fd(fd, rmctl_opts.call_ms) == 0)
		return fd;
	(void)close(fd);
	return -1;
}

static bool
was_refused(void)
{
	struct stat st;

	return fstat(a.tries, &st) == 0 && st.st_size > 0;
}

static int
log_in(struct link *l)
{
	int fd, rc;

	if ((rc = link_shake(l)) != RM_CODE_OK)
		return rc;
	if ((fd = begin_try()) == -1)
		return rmctl_fail(RM_CODE_SYSTEM, "no turn to log in");
	if (was_refused())
		rc = rmctl_fail(RM_CODE_DENIED, "the password was refused "
		    "before, and is not tried again");
	else
		rc = service_enter(l, rmctl_opts.user, a.password);
	if (rc == RM_CODE_DENIED && write(fd, "!", 1) != 1)
		rm_warn("unable to note the refusal");
	(void)close(fd);
	return rc;
}

/* One connection; in a group of its own, out of reach of a ^C. */
static _Noreturn void
serve(int conn)
{
	static struct link l;
	sigset_t none;
	int rc;

	(void)setpgid(0, 0);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)close(a.signals);
	(void)close(a.fd);
	/* Locks on memory are not inherited. */
	rm_secret_lock(a.password);
	if ((rc = link_find_service(&l, rmctl_opts.host)) == RM_CODE_OK &&
	    (rc = service_dial(&l)) == RM_CODE_OK)
		rc = log_in(&l);
	rm_secret_free(a.password);
	p11_carry(&l, conn, conn, rc);
}

static bool
is_ours(int conn)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(conn, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 &&
	    (peer.uid == geteuid() || peer.uid == 0);
}

/* All who wait: to hang up could kill them. */
static void
accept_all(void)
{
	pid_t pid;
	int conn;

	while ((conn = accept4(a.fd, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		pid = is_ours(conn) ? fork() : 1;
		while (pid == -1) {
			(void)poll(NULL, 0, RETRY_MS);
			pid = fork();
		}
		if (pid == 0)
			serve(conn);
		(void)close(conn);
	}
	if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
		(void)poll(NULL, 0, RETRY_MS);
}

/* Returns true if we are to end. */
static bool
read_signals(void)
{
	struct signalfd_siginfo si;
	bool end = false;

	while (read(a.signals, &si, sizeof(si)) == (ssize_t)sizeof(si))
		if (si.ssi_signo != SIGCHLD)
			end = true;
	while (waitpid(-1, NULL, WNOHANG) > 0)
		continue;
	return end;
}

static int
take_signals(void)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	if (sigprocmask(SIG_BLOCK, &set, NULL) == -1)
		return -1;
	a.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return a.signals == -1 ? -1 : 0;
}

/*
 * A log-in for its own sake, so that a wrong password is told here and now.
 * What only time can mend does not keep the agent from starting.
 */
static int
try_once(void)
{
	static struct link l;
	int rc;

	if ((rc = link_find_service(&l, rmctl_opts.host)) == RM_CODE_OK &&
	    (rc = service_password(&a.password, rmctl_opts.user,
	    rmctl_opts.host)) != RM_CODE_OK)
		return rc;
	if (rc == RM_CODE_OK && (rc = service_dial(&l)) == RM_CODE_OK)
		rc = log_in(&l);
	link_end(&l);
	link_close(&l);
	if (a.password == NULL || (rc != RM_CODE_NOT_ARMED &&
	    rc != RM_CODE_CONNECTION && rc != RM_CODE_SYSTEM &&
	    rc != RM_CODE_BUSY))
		return rc;
	rmctl_info("the password could not be tried yet");
	return RM_CODE_OK;
}

static int
listen_there(void)
{
	char path[PATH_MAX];

	a.fd = rm_addr_listen_unix(rmctl_opts.socket, 0600, &a.made);
	if (a.fd == -1)
		return rmctl_fail(errno == EADDRINUSE ? RM_CODE_BUSY :
		    RM_CODE_SYSTEM, "unable to listen on %s: %s",
		    rmctl_opts.socket, strerror(errno));
	if (realpath(rmctl_opts.socket, path) == NULL)
		return rmctl_fail(RM_CODE_SYSTEM, "unable to find %s: %s",
		    rmctl_opts.socket, strerror(errno));
	(void)printf("P11_KIT_SERVER_ADDRESS=unix:path=%s\n", path);
	if (fflush(stdout) == EOF)
		return rmctl_fail(RM_CODE_SYSTEM, "unable to say where: %s",
		    strerror(errno));
	return RM_CODE_OK;
}

static void
stop_listening(void)
{
	struct stat st;

	if (a.fd == -1)
		return;
	(void)close(a.fd);
	if (lstat(rmctl_opts.socket, &st) == 0 &&
	    st.st_dev == a.made.st_dev && st.st_ino == a.made.st_ino)
		(void)unlink(rmctl_opts.socket);
}

/* A refusal is seen at the next event; no password is sent before. */
static int
serve_all(void)
{
	struct pollfd pfd[2] = { { .fd = a.signals, .events = POLLIN },
	    { .fd = a.fd, .events = POLLIN } };

	for (;;) {
		if (poll(pfd, 2, -1) == -1)
			continue;
		if (pfd[0].revents != 0 && read_signals())
			return RM_CODE_OK;
		if (pfd[1].revents != 0)
			accept_all();
		if (was_refused())
			return rmctl_fail(RM_CODE_DENIED, "the service does "
			    "not take the password of %s any more",
			    rmctl_opts.user);
	}
}

int
agent_run(void)
{
	int rc;

	a.tries = memfd_create("tries", MFD_CLOEXEC);
	if (a.tries == -1)
		return rmctl_fail(RM_CODE_SYSTEM, "unable to begin: %s",
		    strerror(errno));
	rc = try_once();
	if (rc == RM_CODE_OK && take_signals() == -1)
		rc = rmctl_fail(RM_CODE_SYSTEM, "unable to take signals: %s",
		    strerror(errno));
	if (rc == RM_CODE_OK && (rc = listen_there()) == RM_CODE_OK)
		rc = serve_all();
	stop_listening();
	rm_secret_free(a.password);
	return rc;
}
