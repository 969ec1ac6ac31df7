/* SPDX-License-Identifier: ISC */
/*
 * One operation, from fork to the end of all that it started.
 *
 *   RUNNING -> TERMED   its time is over, or the wire half has gone  (stop)
 *   TERMED  -> KILLED   it is still there 2 s later                  (tick)
 *   any     -> over     its process has ended                        (reap)
 *
 * MUST: hand on 0, 1, 2 and the operation lock, and nothing else.
 * MUST: keep the ends of its pipes open until it has ended, so that it never
 *       dies of EPIPE, and read them, so that it never waits for a peer who
 *       is no longer there.
 * MUST NOT: leave anything alive.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "exec.h"
#include "rm_below.h"
#include "rm_chain.h"
#include "rm_die.h"
#include "rm_num.h"

#define GRACE_MS	2000	/* from TERM to KILL: a promise, no setting */
#define SWEEP_MS	1000
#define OP_LOCK_FD	3	/* where the operation finds its lock */

enum stage { RUNNING, TERMED, KILLED };

struct run {
	const struct job *job;
	pid_t pid;
	int pidfd, out, err;		/* -1 when done with */
	int status;			/* of waitpid, once pidfd is -1 */
	enum stage stage;
	bool cut, late;
	int64_t stage_end, progress_due;
	struct packet packet;
	struct lines lines;
	size_t err_fill;
	char err_line[REASON_MAX], err_last[REASON_MAX];
};

/* In the child: becomes the operation. */
static _Noreturn void
become(const struct job *job, pid_t runner, int out, int err)
{
	sigset_t none;
	int in, sig;

	/* The runner's death is the end of it too. */
	rm_chain_die_with(runner);
	(void)setsid();
	if ((in = payload_open(job->payload)) == -1 || dup2(in, 0) == -1 ||
	    dup2(out, 1) == -1 || dup2(err, 2) == -1)
		die(RM_EXIT_SYSTEM, "unable to redirect %s", job->operation);
	/* dup2 to itself would keep it close-on-exec. */
	if (job->lock_fd == OP_LOCK_FD ?
	    fcntl(OP_LOCK_FD, F_SETFD, 0) == -1 :
	    dup2(job->lock_fd, OP_LOCK_FD) == -1)
		die(RM_EXIT_SYSTEM, "unable to hand on the operation lock");
	if (close_range(OP_LOCK_FD + 1, ~0U, 0) == -1)
		die(RM_EXIT_SYSTEM, "unable to close descriptors");
	for (sig = 1; sig <= SIGRTMAX; sig++)
		(void)signal(sig, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	rm_chain_exec(job->argv);
}

/* Pipes and process.  0, or -1 with errno and nothing left behind. */
static int
start(struct run *r)
{
	int out[2] = { -1, -1 }, err[2] = { -1, -1 }, saved;
	pid_t runner = getpid();

	if (pipe2(out, O_CLOEXEC) == -1 || pipe2(err, O_CLOEXEC) == -1 ||
	    fcntl(out[0], F_SETFL, O_NONBLOCK) == -1 ||
	    fcntl(err[0], F_SETFL, O_NONBLOCK) == -1 ||
	    (r->pid = fork()) == -1)
		goto fail;
	if (r->pid == 0)
		become(r->job, runner, out[1], err[1]);
	(void)close(out[1]);
	(void)close(err[1]);
	r->out = out[0];
	r->err = err[0];
	if ((r->pidfd = pidfd_open(r->pid, 0)) == -1)
		die(RM_EXIT_SYSTEM, "unable to watch %s", r->job->operation);
	return 0;

fail:
	saved = errno;
	(void)close(out[0]);
	(void)close(out[1]);
	(void)close(err[0]);
	(void)close(err[1]);
	errno = saved;
	return -1;
}

static void
signal_group(const struct run *r, int sig)
{
	/* Not reaped yet, so the number is still its own. */
	if (r->pidfd != -1 && kill(-r->pid, sig) == -1)
		(void)kill(r->pid, sig);	/* no setsid yet */
}

static void
stop(struct run *r, int64_t now)
{
	if (r->stage != RUNNING)
		return;
	signal_group(r, SIGTERM);
	r->stage = TERMED;
	r->stage_end = now + GRACE_MS;
}

/* What is due by the clock. */
static void
tick(struct run *r, int64_t now)
{
	if (r->stage == RUNNING && now >= r->stage_end) {
		r->late = true;
		stop(r, now);
	} else if (r->stage == TERMED && now >= r->stage_end) {
		signal_group(r, SIGKILL);
		r->stage = KILLED;
		r->stage_end = INT64_MAX;
	}
	if (r->lines.progressed || now >= r->progress_due) {
		/* A peer who does not read needs no more of it. */
		if (!r->lines.progressed && r->packet.len == 0)
			(void)packet_put(&r->packet, '%', r->lines.progress,
			    strlen(r->lines.progress));
		if (r->lines.progressed)
			record_progress(r->lines.progress);
		r->lines.progressed = false;
		r->progress_due = now + r->job->progress_ms;
	}
}

/* Its process has ended: so has all that it started. */
static void
reap(struct run *r)
{
	signal_group(r, SIGKILL);
	(void)close(r->pidfd);
	r->pidfd = -1;
	while (waitpid(r->pid, &r->status, 0) == -1 && errno == EINTR)
		continue;
	if (rm_below_end(SWEEP_MS) == -1)
		rm_warn("something of %s is left", r->job->operation);
}

/* Relays a line of its standard error to the log; the last one is kept. */
static void
log_line(struct run *r)
{
	if (r->err_fill == 0)
		return;
	rm_text_clean(r->err_last, sizeof(r->err_last),
	    (const uint8_t *)r->err_line, r->err_fill);
	rm_info("%s: %s", r->job->operation, r->err_last);
	r->err_fill = 0;
}

/* Closes a pipe at its end: nobody writes to it once all is reaped. */
static bool
at_end(struct run *r, int *fd, ssize_t n)
{
	if (n > 0 || (n == -1 && (errno == EINTR ||
	    (errno == EAGAIN && r->pidfd != -1))))
		return false;
	(void)close(*fd);
	*fd = -1;
	return true;
}

static void
read_err(struct run *r)
{
	char buf[RM_LINE_MAX];
	ssize_t i, n;

	n = read(r->err, buf, sizeof(buf));
	for (i = 0; i < n; i++) {
		if (buf[i] == '\n' || r->err_fill == sizeof(r->err_line))
			log_line(r);
		if (buf[i] != '\n')
			r->err_line[r->err_fill++] = buf[i];
	}
	if (at_end(r, &r->err, n))
		log_line(r);
}

static void
read_out(struct run *r)
{
	ssize_t n;

	n = read(r->out, r->lines.raw, sizeof(r->lines.raw));
	if (n > 0)
		r->lines.len = (size_t)n;
	(void)at_end(r, &r->out, n);
}

/* The wire half has gone, or says things that it must not: the same. */
static void
cut(struct run *r)
{
	if (!r->cut)
		runner_hear_bye(r->job->sock);
	r->cut = true;
}

/* Hands over what there is; true if nothing is left, false if it must wait. */
static bool
deliver(struct run *r)
{
	bool all;

	for (;;) {
		all = r->out == -1 ? lines_finish(&r->lines, &r->packet) :
		    lines_pump(&r->lines, &r->packet);
		if (r->packet.len > 0 && !r->cut) {
			if (send(r->job->sock, r->packet.text, r->packet.len,
			    MSG_DONTWAIT | MSG_NOSIGNAL) == -1) {
				if (errno == EAGAIN || errno == EINTR)
					return false;
				cut(r);
			}
		}
		/* Sent, or nobody is there to read it. */
		r->packet.len = 0;
		if (all)
			return true;
	}
}

static int
timeout(const struct run *r, int64_t now)
{
	int64_t due = r->stage_end;

	if (r->pidfd == -1)
		/* Only what the pipes still hold, as fast as it is taken. */
		return r->packet.len > 0 ? -1 : 0;
	if (r->progress_due < due)
		due = r->progress_due;
	return due <= now ? 0 : due - now > 60000 ? 60000 : (int)(due - now);
}

/* One turn; false when all is over. */
static bool
turn(struct run *r)
{
	bool more = r->packet.len == 0 && r->lines.len == 0;
	struct pollfd fds[4] = {
		{ r->cut ? -1 : r->job->sock,
		    r->packet.len > 0 ? POLLIN | POLLOUT : POLLIN, 0 },
		{ more ? r->out : -1, POLLIN, 0 },
		{ r->err, POLLIN, 0 },
		{ r->pidfd, POLLIN, 0 }
	};

	if (poll(fds, 4, timeout(r, rm_num_now_ms())) == -1 && errno != EINTR)
		die(RM_EXIT_SYSTEM, "unable to wait for %s",
		    r->job->operation);
	if (fds[0].revents & ~POLLOUT)
		cut(r);
	if (fds[3].revents != 0)
		reap(r);
	if (r->err != -1 && (fds[2].revents != 0 || r->pidfd == -1))
		read_err(r);
	if (more && r->out != -1 && (fds[1].revents != 0 || r->pidfd == -1))
		read_out(r);
	if (r->pidfd != -1) {
		if (r->cut)
			stop(r, rm_num_now_ms());
		tick(r, rm_num_now_ms());
	}
	return !deliver(r) || r->pidfd != -1 || r->out != -1 || r->err != -1;
}

/* Why it failed: its own word, or the last that it said, or its status. */
static void
explain(const struct run *r, struct job_result *ret)
{
	const char *why = r->lines.code != RM_CODE_OK ? r->lines.reason :
	    r->err_last;

	ret->code = r->lines.code != RM_CODE_OK ? r->lines.code :
	    RM_CODE_FAILED;
	if (*why != '\0')
		(void)snprintf(ret->reason, sizeof(ret->reason), "%s", why);
	else if (WIFSIGNALED(r->status))
		(void)snprintf(ret->reason, sizeof(ret->reason),
		    "killed by signal %d", WTERMSIG(r->status));
	else
		(void)snprintf(ret->reason, sizeof(ret->reason),
		    "exit status %d", WEXITSTATUS(r->status));
}

static void
judge(const struct run *r, struct job_result *ret)
{
	if (r->late) {
		ret->end = JOB_LIMIT;
		ret->code = RM_CODE_FAILED;
		(void)snprintf(ret->reason, sizeof(ret->reason),
		    "time limit of %u s is over", r->job->limit_ms / 1000);
	} else if (WIFEXITED(r->status) && WEXITSTATUS(r->status) == 0) {
		ret->end = JOB_DONE;
		ret->code = RM_CODE_OK;
		strcpy(ret->reason, "done");
	} else {
		ret->end = JOB_FAILED;
		explain(r, ret);
	}
	if (r->cut)
		ret->end = JOB_CUT;
}

void
job_run(const struct job *job, struct job_result *ret)
{
	static struct run r;
	int64_t now = rm_num_now_ms();

	memset(&r, 0, sizeof(r));
	r.job = job;
	r.stage_end = now + job->limit_ms;
	r.progress_due = now + job->progress_ms;
	strcpy(r.lines.progress, "0 running");
	if (start(&r) == -1) {
		rm_warn("unable to start %s", job->operation);
		ret->end = JOB_FAILED;
		ret->code = RM_CODE_SYSTEM;
		strcpy(ret->reason, "the operation cannot be started");
		return;
	}
	while (turn(&r))
		continue;
	record_progress(NULL);
	judge(&r, ret);
}
