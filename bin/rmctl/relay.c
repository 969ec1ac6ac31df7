/* SPDX-License-Identifier: ISC */
/*
 * Between a PKCS#11 application and the service.
 *
 *	application --- take ---> up ----- feed ----> service
 *	application <-- give ---- down <-- hear ----- service
 *
 * The application's library knows no time limits, and takes the end of its
 * connection badly: it may be killed by SIGPIPE in its next call.  So it never
 * sees that end.  What the service does not answer is answered here
 * (relay_lose, relay_answer).
 *
 * MUST: an answer goes on only when it is whole, for half of one cannot be
 * taken back; a call may be of any size, and goes on as it comes.
 * MUST: each call gets one answer, with its own code.
 * MUST NOT: wait in any call but poll(2).
 */
#include "relay.h"

#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "rmctl.h"
#include "rm_num.h"

#define END_MS	100	/* for our last word to the service */

struct relay relay;

bool
relay_is_partial(size_t i)
{
	return i + 1 == relay.n_open && rm_p11frame_is_open(&relay.up.frame);
}

void
relay_close(size_t i, size_t n)
{
	relay.n_open -= n;
	memmove(relay.open + i, relay.open + i + n,
	    (relay.n_open - i) * sizeof(relay.open[0]));
}

static void
say(const uint8_t *buf, size_t len)
{
	struct flow *f = &relay.down;

	if (flow_room(f, len) == -1)
		die(RM_EXIT_SYSTEM, "no memory for an answer");
	memcpy(f->buf + f->to, buf, len);
	f->to += len;
	f->whole = f->to;
}

static uint64_t
failure(void)
{
	return relay.code == RM_CODE_DENIED || relay.code == RM_CODE_USAGE ||
	    relay.code == RM_CODE_UNKNOWN_KEY ||
	    relay.code == RM_CODE_CHANGED_KEY ? RELAY_REFUSED : RELAY_REMOVED;
}

/*
 * A version that we have never heard of is as good as any: this answer is the
 * same in all of them.
 */
void
relay_answer(void)
{
	uint8_t failed[RM_P11FRAME_FAILED];
	size_t i;

	if (relay.up.frame.begun && !relay.down.frame.begun) {
		say(&relay.up.frame.version, 1);
		relay.down.frame.begun = true;
	}
	for (i = 0; i < relay.n_open && !relay_is_partial(i); i++) {
		rm_p11frame_failed(failed, relay.open[i], failure());
		say(failed, sizeof(failed));
	}
	relay_close(0, i);
}

void
relay_lose(int code)
{
	link_close(relay.l);
	relay.l = NULL;
	relay.code = code;
	relay.up.from = relay.up.whole = relay.up.to = 0;
	relay.down.to = relay.down.whole;
	relay_answer();
}

/*
 * Until when the service may be silent, as poll(2) wants it.  It is not its
 * fault if the application does not go on with a call.
 */
static int
time_left(void)
{
	int64_t left = relay.since + relay.limit_ms - rm_num_now_ms();

	if (relay.l == NULL || ((relay.n_open == 0 || relay_is_partial(0)) &&
	    flow_rest() == 0))
		return -1;
	return left < 0 ? 0 : left < INT_MAX ? (int)left : INT_MAX;
}

/*
 * The application is heard when all that it said has been sent, or when what
 * is left of it cannot be sent yet.
 */
static bool
wants_calls(void)
{
	const struct flow *f = &relay.up;

	return relay.n_open < RELAY_CALLS && (f->from == f->to ||
	    (f->to < RELAY_UP_MAX && flow_rest() == 0));
}

/* The service: what both directions wait for; a hangup cannot be masked. */
static void
want_service(struct pollfd *pfd)
{
	const struct flow *up = &relay.up, *down = &relay.down;

	pfd->events = 0;
	/* Who does not take its answers gets no more of them. */
	if (down->whole == down->from)
		pfd->events = down->wants == RM_TLS_WRITE ? POLLOUT : POLLIN;
	if (flow_rest() > 0)
		pfd->events |= up->wants == RM_TLS_READ ? POLLIN : POLLOUT;
	pfd->fd = pfd->events != 0 ? relay.l->fd : -1;
}

/* One turn: what has come in goes on at once, without asking again. */
static void
turn(void)
{
	struct pollfd pfd[3] = { { .fd = relay.in }, { .fd = relay.out },
	    { .fd = -1 } };
	struct flow *down = &relay.down;
	int n;

	pfd[0].events = wants_calls() ? POLLIN : 0;
	pfd[1].events = down->whole > down->from ? POLLOUT : 0;
	if (relay.l != NULL)
		want_service(&pfd[2]);
	n = poll(pfd, 3, time_left());
	if (n == -1)
		return;
	if (n == 0 && time_left() == 0) {
		relay_lose(rmctl_fail(RM_CODE_CONNECTION, "%s has not "
		    "answered in time", relay.l->where));
		return;
	}
	if ((pfd[0].revents & POLLIN) != 0)
		flow_take();
	else if ((pfd[0].revents & (POLLHUP | POLLERR)) != 0)
		relay.over = true;
	if (pfd[2].revents != 0 && down->whole == down->from)
		flow_hear();
	if (relay.l != NULL && flow_rest() > 0)
		flow_feed();
	if (down->whole > down->from)
		flow_give();
}

/* What came behind the answer to the log-in is the service's first word. */
static void
begin(struct link *l)
{
	struct rm_talk *talk = &l->talk;
	size_t n = talk->to - talk->from;

	relay.l = l;
	relay.since = rm_num_now_ms();
	relay.up.wants = RM_TLS_WRITE;
	relay.down.wants = RM_TLS_READ;
	if (flow_room(&relay.down, n) == -1)
		die(RM_EXIT_SYSTEM, "no memory for an answer");
	memcpy(relay.down.buf, talk->buf + talk->from, n);
	if (!flow_follow(n))
		relay_lose(rmctl_fail(RM_CODE_CONNECTION, "%s gave an answer "
		    "that makes no sense", l->where));
}

int
relay_run(struct link *l, int in, int out, uint32_t limit_ms, int code)
{
	relay.in = in;
	relay.out = out;
	relay.limit_ms = limit_ms;
	relay.code = code;
	if (flow_room(&relay.up, RELAY_UP_MAX) == -1)
		die(RM_EXIT_SYSTEM, "no memory for a call");
	if (code == RM_CODE_OK)
		begin(l);
	while (!relay.over)
		turn();
	if (relay.l != NULL) {
		(void)!rm_talk_end(&relay.l->talk, rm_num_now_ms() + END_MS);
		link_close(relay.l);
	}
	free(relay.up.buf);
	free(relay.down.buf);
	return relay.code;
}
