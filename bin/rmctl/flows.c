/* SPDX-License-Identifier: ISC */
/*
 * The four ways of a relay (see relay.c): each moves what can be moved at
 * once, and follows the frames in it, so that relay.c knows which calls are
 * open.
 */
#include "relay.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rmctl.h"
#include "rm_num.h"

int
flow_room(struct flow *f, size_t len)
{
	size_t size = f->size > 0 ? f->size : RM_TLS_RECORD;
	uint8_t *p;

	if (f->from > 0) {
		memmove(f->buf, f->buf + f->from, f->to - f->from);
		f->whole -= f->from;
		f->to -= f->from;
		f->from = 0;
	}
	while (size < f->to + len)
		size *= 2;
	if (size == f->size)
		return 0;
	if ((p = realloc(f->buf, size)) == NULL)
		return -1;
	f->buf = p;
	f->size = size;
	return 0;
}

/* --- calls ---------------------------------------------------------------- */

/* Follows the frames in what has just come; true if one has ended in it. */
static bool
follow_calls(struct flow *f, size_t n)
{
	enum rm_p11frame_event event;
	bool ended = false;
	size_t used;

	for (;; n -= used) {
		event = rm_p11frame_step(&f->frame, f->buf + f->to, n, &used);
		f->to += used;
		if (event == RM_P11FRAME_MORE)
			return ended;
		if (event == RM_P11FRAME_BEGIN)
			relay.open[relay.n_open++] = f->frame.code;
		if (relay.n_open == 1)
			relay.since = rm_num_now_ms();
		if (event == RM_P11FRAME_BEGIN)
			continue;
		f->whole = f->to;
		ended = true;
	}
}

/*
 * No more bytes are read than can hold heads of as many calls as can be
 * remembered.
 */
static size_t
call_room(const struct flow *f)
{
	size_t room = RELAY_UP_MAX - f->to;
	size_t heads = (RELAY_CALLS - relay.n_open) * RM_P11FRAME_HEAD;

	return room < heads ? room : heads;
}

void
flow_take(void)
{
	struct flow *f = &relay.up;
	ssize_t n;

	if (f->from == f->to)
		f->from = f->whole = f->to = 0;
	n = read(relay.in, f->buf + f->to, call_room(f));
	if (n == -1 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		relay.over = true;
		return;
	}
	if (follow_calls(f, (size_t)n) && relay.l == NULL)
		relay_answer();
	if (relay.l == NULL)
		f->from = f->whole = f->to = 0;
}

/*
 * Whole frames only, so that a call that comes in three writes is one record;
 * but no frame has to fit.
 */
size_t
flow_rest(void)
{
	const struct flow *f = &relay.up;

	return (f->to == RELAY_UP_MAX ? f->to : f->whole) - f->from;
}

void
flow_feed(void)
{
	struct flow *f = &relay.up;
	size_t n = 0;

	f->wants = rm_tls_write(relay.l->tls, f->buf + f->from, flow_rest(),
	    &n);
	if (f->wants == RM_TLS_LOST) {
		relay_lose(rmctl_fail_err(rm_tls_why(relay.l->tls)));
		return;
	}
	if (n == 0)
		return;
	relay.since = rm_num_now_ms();
	f->from += n;
	if (f->whole < f->from)
		f->whole = f->from;
}

/* --- answers -------------------------------------------------------------- */

/* The open call of that code, or -1. */
static int
find_open(uint32_t code)
{
	size_t i;

	for (i = 0; i < relay.n_open && !relay_is_partial(i); i++)
		if (relay.open[i] == code)
			return (int)i;
	return -1;
}

bool
flow_follow(size_t n)
{
	struct flow *f = &relay.down;
	enum rm_p11frame_event event;
	size_t used;
	int i;

	for (;; n -= used) {
		event = rm_p11frame_step(&f->frame, f->buf + f->to, n, &used);
		f->to += used;
		if (event == RM_P11FRAME_MORE)
			return true;
		i = find_open(f->frame.code);
		if (event == RM_P11FRAME_BEGIN) {
			if (i == -1 || f->frame.left > RELAY_DOWN_MAX)
				return false;
			continue;
		}
		f->whole = f->to;
		if (event == RM_P11FRAME_END) {
			relay_close((size_t)i, 1);
			relay.since = rm_num_now_ms();
		}
	}
}

void
flow_hear(void)
{
	struct flow *f = &relay.down;
	size_t n = 0;

	if (flow_room(f, RM_TLS_RECORD) == -1) {
		relay_lose(rmctl_fail(RM_CODE_SYSTEM, "no memory for an "
		    "answer"));
		return;
	}
	f->wants = rm_tls_read(relay.l->tls, f->buf + f->to, RM_TLS_RECORD,
	    &n);
	if (f->wants == RM_TLS_LOST)
		relay_lose(rmctl_fail_err(rm_tls_why(relay.l->tls)));
	else if (f->wants == RM_TLS_END)
		relay_lose(rmctl_fail(RM_CODE_CONNECTION, "%s has ended the "
		    "connection", relay.l->where));
	else if (n > 0 && !flow_follow(n))
		relay_lose(rmctl_fail(RM_CODE_CONNECTION, "%s gave an answer "
		    "that makes no sense", relay.l->where));
}

void
flow_give(void)
{
	struct flow *f = &relay.down;
	ssize_t n;

	n = write(relay.out, f->buf + f->from, f->whole - f->from);
	if (n > 0)
		f->from += (size_t)n;
	else if (n == -1 && errno != EAGAIN && errno != EINTR)
		relay.over = true;
}
