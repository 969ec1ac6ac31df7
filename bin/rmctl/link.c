/* SPDX-License-Identifier: ISC */
/*
 * The connection to an appliance: its pin, TCP, TLS, the greeting, and lines.
 * What comes in is foreign until the key was found to be the pinned one, and
 * is cleaned by rm_reply even then.
 */
#include "rmctl.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rm_dial.h"
#include "rm_num.h"

#define CONNECT_MS	10000	/* from dialling to the greeting */
#define SEND_MS		10000
#define END_MS		3000	/* for the appliance to close its end */

static int64_t connect_deadline;

void
link_pins_path(char *ret, size_t size)
{
	if (input_path(ret, size, "XDG_CONFIG_HOME", ".config",
	    "appliances") == -1)
		diex(RM_EXIT_USAGE, "neither XDG_CONFIG_HOME nor HOME is set");
}

/* Nothing is said to an unpinned host; but it may not even be there. */
static int
refuse_unpinned(struct link *l, const char *where)
{
	int rc = link_dial(l);

	link_close(l);
	if (rc != RM_CODE_OK)
		return rc;
	return rmctl_fail(RM_CODE_UNKNOWN_KEY, "%s is not pinned: compare its "
	    "fingerprint with its console by \"rmctl trust %s\"", where,
	    where);
}

/* The pin of a name (NULL: of an address) to l->peer: 1, 0, or -1 with err. */
static int
look(struct link *l, const char *name, const struct rm_known *address,
    struct rm_err *err)
{
	char path[PATH_MAX];

	link_pins_path(path, sizeof(path));
	return rm_known_load(path, name, address->host, address->port,
	    &l->peer, err);
}

/* A link that is not there yet, and where it goes. */
static int
begin(struct link *l, const char *where, struct rm_known *ret)
{
	memset(l, 0, sizeof(*l));
	l->where = where;
	l->fd = -1;
	if (rm_known_address(where, strlen(where), ret) == -1)
		return rmctl_fail(RM_CODE_USAGE, "bad HOST[:PORT]: %s", where);
	return RM_CODE_OK;
}

int
link_find(struct link *l, const char *where)
{
	struct rm_known address;
	struct rm_err err;
	int rc;

	if ((rc = begin(l, where, &address)) != RM_CODE_OK)
		return rc;
	rc = 0;
	if (rm_text_is_name(where))
		rc = look(l, where, &address, &err);
	if (rc == 0)
		rc = look(l, NULL, &address, &err);
	if (rc == -1)
		return rmctl_fail_err(&err);
	if (rc == 1)
		return RM_CODE_OK;
	l->peer = address;
	return refuse_unpinned(l, where);
}

static bool
has_port(const char *where)
{
	return *where == '[' ? strstr(where, "]:") != NULL :
	    strchr(where, ':') != NULL;
}

/*
 * A name is that of the appliance, beside whose port the service has its own,
 * or that of a service itself.
 */
int
link_find_service(struct link *l, const char *where)
{
	char text[RM_KNOWN_HOST_MAX + 16];
	struct rm_known address;
	struct rm_err err;
	int rc;

	if ((rc = begin(l, where, &address)) != RM_CODE_OK)
		return rc;
	rc = 0;
	l->service = true;
	if (!has_port(where))
		strcpy(address.port, LINK_SERVICE_PORT);
	if (rm_text_is_name(where))
		rc = look(l, where, &address, &err);
	if (rc == 1 && strcmp(l->peer.port, RM_KNOWN_PORT) == 0) {
		strcpy(address.host, l->peer.host);
		rc = 0;
	}
	if (rc == 0)
		rc = look(l, NULL, &address, &err);
	if (rc == -1)
		return rmctl_fail_err(&err);
	if (rc == 1)
		return RM_CODE_OK;
	l->peer = address;
	(void)snprintf(text, sizeof(text), strchr(address.host, ':') != NULL ?
	    "[%s]:%s" : "%s:%s", address.host, address.port);
	return refuse_unpinned(l, text);
}

int
link_dial(struct link *l)
{
	struct rm_err err;

	connect_deadline = rm_num_now_ms() + CONNECT_MS;
	if (rm_dial_tcp(&l->fd, l->peer.host, l->peer.port, connect_deadline,
	    &err) == 0)
		return RM_CODE_OK;
	l->fd = -1;
	if (err.code == RM_CODE_NOT_ARMED)
		return rmctl_fail(RM_CODE_NOT_ARMED, "nothing listens at %s "
		    "port %s: is %s?", l->peer.host, l->peer.port,
		    l->service ? "the service running" :
		    "remote management switched on at the console");
	return rmctl_fail_err(&err);
}

/* No handshake; a changed key so that nobody overlooks it. */
static int
no_handshake(const struct link *l, const struct rm_err *err)
{
	if (err->code != RM_CODE_CHANGED_KEY)
		return rmctl_fail_err(err);
	rm_warnx("THE KEY OF %s (%s port %s) HAS CHANGED", l->where,
	    l->peer.host, l->peer.port);
	rm_warnx("either this is another machine, or the appliance has a new "
	    "identity: compare with its console, then use \"rmctl trust "
	    "--replace\"");
	return rmctl_fail_err(err);
}

int
link_hello(struct link *l)
{
	const struct rm_tls_conf conf = { .rfd = l->fd, .wfd = l->fd,
		.alpn = l->service ? LINK_ALPN_SERVICE : LINK_ALPN,
		.peer = RM_TLS_PEER_PINNED, .pins = &l->peer.keyid,
		.n_pins = 1 };
	struct rm_err err;

	if (rm_tls_new(&l->tls, &conf, &err) == -1)
		return rmctl_fail_err(&err);
	if (rm_tls_step(l->tls) == RM_TLS_LOST)
		return no_handshake(l, rm_tls_why(l->tls));
	return RM_CODE_OK;
}

static int
take_greeting(struct link *l)
{
	char line[RM_LINE_MAX];
	struct rm_reply reply;
	size_t len;

	switch (rm_talk_line(&l->talk, line, connect_deadline)) {
	case RM_TLS_OK:
		break;
	case RM_TLS_LOST:
		return rmctl_fail_err(&l->talk.why);
	case RM_TLS_END:
		return rmctl_fail(RM_CODE_CONNECTION, "the appliance closed "
		    "without a greeting");
	case RM_TLS_READ:
	case RM_TLS_WRITE:
		return rmctl_fail(RM_CODE_CONNECTION, "no greeting in time");
	}
	len = strlen(line);
	if (rm_reply_greeting(&l->greeting, (uint8_t *)line, len) == 0)
		return RM_CODE_OK;
	if (rm_reply_line(&reply, (uint8_t *)line, len) == 0 &&
	    reply.code != RM_CODE_OK)
		return rmctl_fail(reply.code, "%s", reply.text);
	return rmctl_fail(RM_CODE_CONNECTION, "%s does not greet as an "
	    "appliance", l->where);
}

int
link_shake(struct link *l)
{
	struct rm_tls_facts facts;
	struct rm_err err;

	if (rm_talk_handshake(l->tls, connect_deadline, -1, &err) == -1)
		return no_handshake(l, &err);
	rm_tls_facts(l->tls, &facts);
	strcpy(l->channel, facts.exporter);
	rm_talk_init(&l->talk, l->tls);
	l->up = true;
	return RM_CODE_OK;
}

int
link_greet(struct link *l)
{
	int rc;

	if ((rc = link_shake(l)) != RM_CODE_OK ||
	    (rc = take_greeting(l)) != RM_CODE_OK)
		return rc;
	if (strcmp(l->greeting.appliance, l->peer.keyid) != 0)
		return rmctl_fail(RM_CODE_CHANGED_KEY, "%s calls itself %s, "
		    "its key is %s", l->where, l->greeting.appliance,
		    l->peer.keyid);
	if (l->greeting.busy)
		return rmctl_fail(RM_CODE_BUSY, "another session is under way "
		    "on %s", l->where);
	return RM_CODE_OK;
}

/* The connection is no more, in whatever way. */
static int
over(struct link *l, enum rm_code code, const char *text)
{
	l->over = true;
	return rmctl_fail(code, "%s", text);
}

int
link_send(struct link *l, const void *buf, size_t len)
{
	l->refused = RM_CODE_OK;
	switch (rm_talk_send(&l->talk, buf, len, rm_num_now_ms() + SEND_MS)) {
	case RM_TLS_OK:
		return RM_CODE_OK;
	case RM_TLS_LOST:
		return over(l, l->talk.why.code, l->talk.why.text);
	case RM_TLS_READ:
	case RM_TLS_WRITE:
	case RM_TLS_END:
		break;
	}
	return over(l, RM_CODE_CONNECTION, "the appliance takes nothing");
}

int
link_next(struct link *l, struct rm_reply *ret, int64_t deadline)
{
	char line[RM_LINE_MAX];

	for (;;) {
		switch (rm_talk_line(&l->talk, line, deadline)) {
		case RM_TLS_OK:
			break;
		case RM_TLS_READ:
		case RM_TLS_WRITE:
			return LINK_NOTHING;
		case RM_TLS_LOST:
			return over(l, l->talk.why.code, l->talk.why.text);
		case RM_TLS_END:
			/* A refusal that nobody asked for says why. */
			return over(l, l->refused != RM_CODE_OK ? l->refused :
			    RM_CODE_CONNECTION, "the appliance closed the "
			    "connection");
		}
		if (rm_reply_line(ret, (uint8_t *)line, strlen(line)) == -1)
			return over(l, RM_CODE_CONNECTION, "the appliance "
			    "said what makes no sense");
		if (ret->kind == RM_REPLY_REFUSED)
			l->refused = ret->code;
		if (ret->kind != RM_REPLY_NOTICE)
			return RM_CODE_OK;
		if (ret->code != RM_CODE_OK)
			return over(l, ret->code, ret->text);
		rmctl_info("%s: %s", l->where, ret->text);
	}
}

void
link_end(struct link *l)
{
	int64_t deadline = rm_num_now_ms() + END_MS;
	char line[RM_LINE_MAX];

	if (l->over || !l->up ||
	    rm_talk_end(&l->talk, deadline) != RM_TLS_OK)
		return;
	/* When it closes, the session is free for whoever comes next. */
	while (rm_talk_line(&l->talk, line, deadline) == RM_TLS_OK)
		continue;
}

void
link_close(struct link *l)
{
	l->up = false;
	rm_tls_free(l->tls);
	l->tls = NULL;
	if (l->fd != -1)
		(void)close(l->fd);
	l->fd = -1;
}
