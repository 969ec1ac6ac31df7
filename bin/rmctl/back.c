/* SPDX-License-Identifier: ISC */
/*
 * restart --wait: until the appliance is back.  It is when whoever holds the
 * pinned key greets with another arming than before; a greeting is all that is
 * asked for, so no card signs again.  Nothing is said of tries that fail: an
 * appliance on its way up is expected not to be there.
 */
#include "rmctl.h"

#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "rm_dial.h"
#include "rm_num.h"

#define ALPN		"rm/1"
#define TRY_MS		5000	/* from dialling to the greeting */
#define PAUSE_MS	250	/* between two tries */
#define WAIT_MS		300000	/* unless told */
#define WAIT_MAX_MS	86400000

int
back_wanted(int *argc, char *argv[], uint32_t *ret_ms)
{
	*ret_ms = 0;
	if (*argc < 2 || strcmp(argv[0], "restart") != 0 ||
	    strcmp(argv[1], "--wait") != 0)
		return RM_CODE_OK;
	*ret_ms = WAIT_MS;
	if (*argc > 3 || (*argc == 3 &&
	    rm_num_ms(ret_ms, argv[2], WAIT_MAX_MS) == -1))
		return rmctl_fail(RM_CODE_USAGE, "restart --wait [SECONDS]");
	*argc = 1;
	return RM_CODE_OK;
}

/* One greeting, over a connection of its own. */
static enum rm_code
greeting(struct link *l, struct rm_err *err)
{
	const struct rm_tls_conf conf = { .rfd = l->fd, .wfd = l->fd,
		.alpn = ALPN, .peer = RM_TLS_PEER_PINNED,
		.pins = &l->peer.keyid, .n_pins = 1 };
	int64_t deadline = rm_num_now_ms() + TRY_MS;
	char line[RM_LINE_MAX];

	if (rm_tls_new(&l->tls, &conf, err) == -1 ||
	    rm_talk_handshake(l->tls, deadline, -1, err) == -1)
		return err->code;
	rm_talk_init(&l->talk, l->tls);
	if (rm_talk_line(&l->talk, line, deadline) != RM_TLS_OK ||
	    rm_reply_greeting(&l->greeting, (uint8_t *)line,
	    strlen(line)) == -1)
		return RM_CODE_CONNECTION;
	(void)!rm_tls_end(l->tls);
	return RM_CODE_OK;
}

static enum rm_code
attempt(const struct link *before, struct link *l, struct rm_err *err)
{
	enum rm_code code;

	memset(l, 0, sizeof(*l));
	l->fd = -1;
	l->peer = before->peer;
	if (rm_dial_tcp(&l->fd, before->peer.host, before->peer.port,
	    rm_num_now_ms() + TRY_MS, err) == -1)
		return err->code;
	code = greeting(l, err);
	link_close(l);
	return code;
}

int
back_wait(const struct link *before, uint32_t ms)
{
	int64_t end = rm_num_now_ms() + ms;
	struct rm_err err = { .code = RM_CODE_NOT_ARMED };
	static struct link l;
	enum rm_code code;

	for (;;) {
		code = attempt(before, &l, &err);
		if (code == RM_CODE_CHANGED_KEY)
			return rmctl_fail_err(&err);
		if (code == RM_CODE_OK && strcmp(l.greeting.arming,
		    before->greeting.arming) != 0) {
			rmctl_info("%s is back", before->where);
			return RM_CODE_OK;
		}
		if (rm_num_now_ms() >= end)
			break;
		(void)poll(NULL, 0, PAUSE_MS);
	}
	return rmctl_fail(RM_CODE_NOT_ARMED, "%s has not come back, armed, "
	    "within %u.%u s", before->where, ms / 1000, ms % 1000 / 100);
}
