/* SPDX-License-Identifier: ISC */
/* Waiting on a TLS connection, for those who have nothing else to do. */
#include "rm_talk.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "rm_num.h"

/*
 * Waits for what a call on tls wanted.  Returns 1; 0 at the deadline; -1 if
 * watch has lost its other end.
 */
static int
wait_for(const struct rm_tls *tls, enum rm_tls_result res, int64_t deadline,
    int watch)
{
	struct pollfd pfd[2] = { { .fd = rm_tls_fd(tls, res) },
	    { .fd = watch } };
	int64_t left = -1;
	int n;

	pfd[0].events = res == RM_TLS_WRITE ? POLLOUT : POLLIN;
	do {
		if (deadline != RM_TALK_NEVER) {
			left = deadline - rm_num_now_ms();
			left = left < 0 ? 0 : left < INT_MAX ? left : INT_MAX;
		}
		n = poll(pfd, 2, (int)left);
	} while (n == -1 && errno == EINTR);
	if (n > 0 && pfd[1].revents != 0)
		return -1;
	return n != 0;
}

int
rm_talk_handshake(struct rm_tls *tls, int64_t deadline, int watch,
    struct rm_err *err)
{
	enum rm_tls_result res;
	int n;

	while ((res = rm_tls_step(tls)) != RM_TLS_OK) {
		if (res == RM_TLS_LOST) {
			*err = *rm_tls_why(tls);
			return -1;
		}
		if (res == RM_TLS_END)
			return rm_err_set(err, RM_CODE_CONNECTION,
			    "connection closed in the handshake");
		n = wait_for(tls, res, deadline, watch);
		if (n == 0)
			return rm_err_set(err, RM_CODE_CONNECTION,
			    "no handshake in time");
		if (n == -1)
			return rm_err_set(err, RM_CODE_SYSTEM,
			    "nobody waits for the handshake");
	}
	return 0;
}

void
rm_talk_init(struct rm_talk *talk, struct rm_tls *tls)
{
	talk->tls = tls;
	talk->why.code = RM_CODE_OK;
	talk->from = talk->to = 0;
}

bool
rm_talk_ready(const struct rm_talk *talk)
{
	return memchr(talk->buf + talk->from, '\n',
	    talk->to - talk->from) != NULL;
}

/* One step of a call; LOST and its cause go up. */
static enum rm_tls_result
again(struct rm_talk *talk, enum rm_tls_result res, int64_t deadline)
{
	if (res == RM_TLS_LOST)
		talk->why = *rm_tls_why(talk->tls);
	if ((res == RM_TLS_READ || res == RM_TLS_WRITE) &&
	    wait_for(talk->tls, res, deadline, -1) == 1)
		return RM_TLS_OK;
	return res;
}

/* Reads behind what there is, so that a whole record always fits. */
static enum rm_tls_result
fill(struct rm_talk *talk, int64_t deadline)
{
	enum rm_tls_result res;
	size_t n;

	memmove(talk->buf, talk->buf + talk->from, talk->to - talk->from);
	talk->to -= talk->from;
	talk->from = 0;
	if (talk->to >= RM_LINE_MAX) {
		(void)rm_err_set(&talk->why, RM_CODE_CONNECTION,
		    "the peer sent a line that is too long");
		return RM_TLS_LOST;
	}
	res = rm_tls_read(talk->tls, talk->buf + talk->to, RM_TLS_RECORD, &n);
	if (res == RM_TLS_OK)
		talk->to += n;
	return again(talk, res, deadline);
}

enum rm_tls_result
rm_talk_line(struct rm_talk *talk, char ret_line[static RM_LINE_MAX],
    int64_t deadline)
{
	enum rm_tls_result res;
	const char *start;
	size_t len;

	while (!rm_talk_ready(talk)) {
		res = fill(talk, deadline);
		if (res != RM_TLS_OK)
			return res == RM_TLS_WRITE ? RM_TLS_READ : res;
	}
	start = talk->buf + talk->from;
	len = (size_t)((char *)memchr(start, '\n', talk->to - talk->from) -
	    start);
	talk->from += len + 1;
	if (len >= RM_LINE_MAX) {
		(void)rm_err_set(&talk->why, RM_CODE_CONNECTION,
		    "the peer sent a line that is too long");
		return RM_TLS_LOST;
	}
	memcpy(ret_line, start, len);
	ret_line[len] = '\0';
	return RM_TLS_OK;
}

enum rm_tls_result
rm_talk_send(struct rm_talk *talk, const void *buf, size_t len,
    int64_t deadline)
{
	enum rm_tls_result res;
	const char *p = buf;
	size_t n;

	while (len > 0) {
		n = 0;
		res = again(talk, rm_tls_write(talk->tls, p, len, &n),
		    deadline);
		if (res != RM_TLS_OK)
			return res == RM_TLS_READ ? RM_TLS_WRITE : res;
		p += n;
		len -= n;
	}
	return RM_TLS_OK;
}

enum rm_tls_result
rm_talk_end(struct rm_talk *talk, int64_t deadline)
{
	enum rm_tls_result res;

	while ((res = rm_tls_end(talk->tls)) != RM_TLS_OK) {
		res = again(talk, res, deadline);
		if (res != RM_TLS_OK)
			return res == RM_TLS_READ ? RM_TLS_WRITE : res;
	}
	return RM_TLS_OK;
}
