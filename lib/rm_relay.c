/* SPDX-License-Identifier: ISC */
/*
 * The copy loop of rm-tls and rm-connect.
 *
 *	peer --- pull ---> down ---> out	ends: end_down
 *	peer <--- up <--- push --- in		ends: end_up
 *
 * Each direction has one buffer, which is filled when it is empty and emptied
 * before it is filled again: that is the back-pressure.  Neither direction
 * ever waits inside a call, so a full one cannot stop the other.
 *
 * MUST: poll only for what can be used, or the loop spins; a hangup cannot be
 * masked, so a descriptor of which nothing is wanted is left out.
 * MUST NOT: enter a call that rm_sandbox_tls forbids.
 */
#include "rm_relay.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_num.h"
#include "rm_tls.h"

#define LINGER_MS	1000	/* for the peer to close, once all is said */
#define STUCK_MS	30000	/* for a peer to take our last bytes */

/* What the last poll said can be done. */
enum ready {
	PEER_IN = 1, PEER_OUT = 2, IN = 4, OUT = 8
};

struct flow {
	bool ended;			/* nothing more comes in */
	enum rm_tls_result wants;	/* what the peer's side waits for */
	size_t from, to;
	char buf[RM_TLS_RECORD];
};

struct rm_relay {
	struct rm_relay_conf conf;
	struct flow down, up;
	bool out_broken;		/* nobody reads what we write to out */
	bool said_end;			/* our close_notify is out */
	bool hangup;			/* of the peer; its bytes may stay */
	size_t out_max;			/* bytes one write may have */
	unsigned int ready;		/* bits of enum ready */
	enum rm_relay_end end;		/* set when a step returns false */
	struct rm_err err;
};

static bool
is_empty(const struct flow *flow)
{
	return flow->from == flow->to;
}

static bool
is_blocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags == -1 || (flags & O_NONBLOCK) == 0;
}

struct rm_relay *
rm_relay_new(const struct rm_relay_conf *conf)
{
	struct rm_relay *r;

	if ((r = calloc(1, sizeof(*r))) == NULL)
		return NULL;
	r->conf = *conf;
	/*
	 * The end of a pipe to a program is nobody's but ours.  What a PIPE has
	 * as out may be shared with others, so it stays as it is: if it blocks,
	 * poll(2) promises room for PIPE_BUF bytes and not for more.
	 */
	if (conf->role != RM_RELAY_PIPE && rm_io_unblock(conf->out) == -1) {
		free(r);
		return NULL;
	}
	r->out_max = is_blocking(conf->out) ? PIPE_BUF : RM_TLS_RECORD;
	r->down.wants = RM_TLS_READ;
	r->up.wants = RM_TLS_WRITE;
	r->ready = PEER_IN;
	return r;
}

void
rm_relay_free(struct rm_relay *relay)
{
	free(relay);
}

/* The last step: what it came to, and for a failure why. */
static bool
ended(struct rm_relay *r, enum rm_relay_end end, const char *what)
{
	r->end = end;
	if (what != NULL)
		(void)rm_err_set(&r->err, end == RM_RELAY_LOST ?
		    RM_CODE_CONNECTION : RM_CODE_SYSTEM, "%s: %s", what,
		    strerror(errno));
	return false;
}

static bool
lost(struct rm_relay *r)
{
	if (r->conf.tls == NULL)
		return ended(r, RM_RELAY_LOST, "connection lost");
	r->err = *rm_tls_why(r->conf.tls);
	return ended(r, RM_RELAY_LOST, NULL);
}

/* What recv(2) or send(2) on a plain socket comes to. */
static enum rm_tls_result
plain(ssize_t n, enum rm_tls_result again, size_t *ret_n)
{
	if (n > 0) {
		*ret_n = (size_t)n;
		return RM_TLS_OK;
	}
	if (n == 0)
		return RM_TLS_END;
	return errno == EAGAIN || errno == EINTR ? again : RM_TLS_LOST;
}

static enum rm_tls_result
peer_read(struct rm_relay *r, size_t *ret_n)
{
	struct flow *f = &r->down;

	if (r->conf.tls != NULL)
		return rm_tls_read(r->conf.tls, f->buf, sizeof(f->buf),
		    ret_n);
	return plain(recv(r->conf.rfd, f->buf, sizeof(f->buf), MSG_DONTWAIT),
	    RM_TLS_READ, ret_n);
}

static enum rm_tls_result
peer_write(struct rm_relay *r, size_t *ret_n)
{
	struct flow *f = &r->up;

	if (r->conf.tls != NULL)
		return rm_tls_write(r->conf.tls, f->buf + f->from,
		    f->to - f->from, ret_n);
	return plain(send(r->conf.wfd, f->buf + f->from, f->to - f->from,
	    MSG_DONTWAIT | MSG_NOSIGNAL), RM_TLS_WRITE, ret_n);
}

static enum rm_tls_result
peer_end(struct rm_relay *r)
{
	if (r->conf.tls != NULL)
		return rm_tls_end(r->conf.tls);
	(void)shutdown(r->conf.wfd, SHUT_WR);
	return RM_TLS_OK;
}

/* Hands what came from the peer to out, or drops it if nobody reads. */
static bool
write_out(struct rm_relay *r)
{
	struct flow *f = &r->down;
	size_t len = f->to - f->from;
	ssize_t n;

	if (r->out_broken) {
		f->from = f->to;
		return true;
	}
	n = write(r->conf.out, f->buf + f->from,
	    len < r->out_max ? len : r->out_max);
	if (n >= 0) {
		f->from += (size_t)n;
		return true;
	}
	if (errno == EAGAIN || errno == EINTR)
		return true;
	if (r->conf.role == RM_RELAY_PIPE)
		return ended(r, RM_RELAY_FAILED,
		    "unable to write standard output");
	r->out_broken = true;
	return true;
}

/* The peer has said all, and out has it: only the other way is left. */
static bool
end_down(struct rm_relay *r)
{
	if (r->conf.role == RM_RELAY_PIPE) {
		if (!r->said_end)
			(void)!peer_end(r);
		return ended(r, RM_RELAY_CLEAN, NULL);
	}
	if (r->conf.out != -1)
		(void)close(r->conf.out);
	r->conf.out = -1;
	return true;
}

static bool
pull(struct rm_relay *r)
{
	struct flow *f = &r->down;
	size_t n = 0;

	if (is_empty(f) && !f->ended && (r->ready &
	    (f->wants == RM_TLS_WRITE ? PEER_OUT : PEER_IN)) != 0) {
		f->wants = peer_read(r, &n);
		if (f->wants == RM_TLS_LOST)
			return lost(r);
		f->ended = f->wants == RM_TLS_END;
		f->from = 0;
		f->to = n;
	}
	if (!is_empty(f) && ((r->ready & OUT) != 0 || r->out_broken ||
	    r->out_max > PIPE_BUF) && !write_out(r))
		return false;
	if (f->ended && is_empty(f))
		return end_down(r);
	return true;
}

void
rm_relay_linger(int rfd, int wfd)
{
	struct pollfd pfd = { .fd = rfd, .events = POLLIN };
	int64_t left, until = rm_num_now_ms() + LINGER_MS;
	char buf[4096];
	ssize_t n;

	(void)shutdown(wfd, SHUT_WR);
	while ((left = until - rm_num_now_ms()) > 0) {
		if (poll(&pfd, 1, (int)left) == 0)
			return;
		n = recv(rfd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n == 0 || (n == -1 && errno != EAGAIN && errno != EINTR))
			return;
	}
}

/* in has ended, and the peer has all of it. */
static bool
end_up(struct rm_relay *r)
{
	if (!r->said_end) {
		r->up.wants = peer_end(r);
		if (r->up.wants == RM_TLS_LOST)
			return lost(r);
		if (r->up.wants != RM_TLS_OK)
			return true;
		r->said_end = true;
	}
	if (r->conf.role == RM_RELAY_SERVER) {
		rm_relay_linger(r->conf.rfd, r->conf.wfd);
		return ended(r, RM_RELAY_CLEAN, NULL);
	}
	/* CLIENT: the peer had ended before. */
	if (r->conf.out == -1)
		return ended(r, RM_RELAY_CLEAN, NULL);
	return true;
}

static bool
push(struct rm_relay *r)
{
	struct flow *f = &r->up;
	size_t moved = 0;
	ssize_t n;

	if (is_empty(f) && !f->ended && (r->ready & IN) != 0) {
		n = read(r->conf.in, f->buf, sizeof(f->buf));
		if (n == -1 && errno != EAGAIN && errno != EINTR)
			return ended(r, RM_RELAY_FAILED,
			    "unable to read standard input");
		f->ended = n == 0;
		f->from = 0;
		f->to = n > 0 ? (size_t)n : 0;
	}
	if (!is_empty(f)) {
		f->wants = peer_write(r, &moved);
		if (f->wants == RM_TLS_LOST)
			return lost(r);
		f->from += moved;
	}
	if (f->ended && is_empty(f))
		return end_up(r);
	return true;
}

/* Which of these is to be polled for; the same bits as ready. */
static unsigned int
wanted(const struct rm_relay *r)
{
	const struct flow *down = &r->down, *up = &r->up;
	unsigned int want = 0;

	if (is_empty(down) && !down->ended)
		want |= down->wants == RM_TLS_WRITE ? PEER_OUT : PEER_IN;
	if (!is_empty(up) || (up->ended && !r->said_end))
		want |= up->wants == RM_TLS_READ ? PEER_IN : PEER_OUT;
	if (is_empty(up) && !up->ended)
		want |= IN;
	if (!is_empty(down))
		want |= OUT;
	return want;
}

/*
 * An event on one of the peer's descriptors.  A read or a write that is due
 * finds out by itself what it means.  If none is due, an error is a loss, and
 * a hangup is one if all that was sent has been read.
 */
static bool
peer_event(struct rm_relay *r, const struct pollfd *pfd, unsigned int bit)
{
	socklen_t len = sizeof(int);
	int errnum = 0;

	if (pfd->revents == 0)
		return true;
	if (pfd->events != 0) {
		r->ready |= bit;
		return true;
	}
	if ((pfd->revents & POLLERR) != 0 || r->down.ended) {
		(void)getsockopt(pfd->fd, SOL_SOCKET, SO_ERROR, &errnum, &len);
		errno = errnum != 0 ? errnum : EPIPE;
		return ended(r, RM_RELAY_LOST, "connection lost");
	}
	r->hangup = true;
	return true;
}

static bool
wait_ready(struct rm_relay *r)
{
	unsigned int want = wanted(r);
	bool watch_out = r->conf.role != RM_RELAY_SERVER && r->said_end;
	struct pollfd pfd[4] = {
		{ .fd = r->conf.rfd, .events = want & PEER_IN ? POLLIN : 0 },
		{ .fd = r->conf.wfd, .events = want & PEER_OUT ? POLLOUT : 0 },
		{ .fd = want & IN ? r->conf.in : -1, .events = POLLIN },
		{ .fd = want & OUT || watch_out ? r->conf.out : -1,
		    .events = want & OUT ? POLLOUT : 0 }
	};
	int n;

	if (r->hangup && pfd[0].events == 0)
		pfd[0].fd = -1;
	if (r->hangup && pfd[1].events == 0)
		pfd[1].fd = -1;
	r->ready = 0;
	n = poll(pfd, 4, r->up.ended && r->conf.role == RM_RELAY_SERVER ?
	    STUCK_MS : -1);
	if (n == -1)
		return true;
	errno = ETIMEDOUT;
	if (n == 0)
		return ended(r, RM_RELAY_LOST, "connection lost");
	if (pfd[2].revents != 0)
		r->ready |= IN;
	if (pfd[3].revents != 0) {
		/* Nobody reads, and nobody has anything to say. */
		if ((want & OUT) == 0)
			return ended(r, RM_RELAY_CLEAN, NULL);
		r->ready |= OUT;
	}
	return peer_event(r, &pfd[0], PEER_IN) &&
	    peer_event(r, &pfd[1], PEER_OUT);
}

enum rm_relay_end
rm_relay_run(struct rm_relay *relay, struct rm_err *err)
{
	while (pull(relay) && push(relay) && wait_ready(relay))
		;
	if (relay->end != RM_RELAY_CLEAN)
		*err = relay->err;
	return relay->end;
}
