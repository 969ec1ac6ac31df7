/* SPDX-License-Identifier: ISC */
/*
 * The pinned appliances of this station: trust, distrust.  A key is pinned
 * only when a person has compared it with the appliance's console, by typing
 * what is not shown here, or has brought the whole fingerprint along.
 */
#include "rmctl.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "rm_dial.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_tls.h"

#define CONNECT_MS	10000
#define TYPED		8	/* digits that a person compares */

static struct pins {
	char path[PATH_MAX];
	char text[RM_KNOWN_FILE_MAX];
	size_t len;
} pins;

static int
load_pins(void)
{
	ssize_t n;

	link_pins_path(pins.path, sizeof(pins.path));
	n = rm_io_load_owned(pins.path, 022, pins.text, sizeof(pins.text));
	if (n == -1 && errno != ENOENT)
		return rmctl_fail(RM_CODE_USAGE, "unable to use %s: %s",
		    pins.path, strerror(errno));
	pins.len = n > 0 ? (size_t)n : 0;
	return RM_CODE_OK;
}

static int
save_pins(void)
{
	if (input_replace(pins.path, pins.text, pins.len) == 0)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_SYSTEM, "unable to write %s: %s", pins.path,
	    strerror(errno));
}

/* rm_known_find over all lines, with a message if one of them is bad. */
static int
find_pin(const char *name, const struct rm_known *address,
    struct rm_known *ret, int *ret_found)
{
	size_t line;

	*ret_found = rm_known_find(pins.text, pins.len, name, address->host,
	    address->port, ret, &line);
	if (*ret_found != -1)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_USAGE, "%s: line %zu is not \"NAME "
	    "HOST:PORT KEYID\", or contradicts another", pins.path, line);
}

/* Takes the lines of a name, or of an address, out of the text. */
static size_t
cut_pins(const char *name, const struct rm_known *address)
{
	char *from = pins.text, *end = pins.text + pins.len, *to = from;
	struct rm_known known;
	size_t len, line, n = 0;
	char *stop;

	for (; from < end; from += len) {
		stop = memchr(from, '\n', (size_t)(end - from));
		len = (size_t)((stop != NULL ? stop + 1 : end) - from);
		if (rm_known_find(from, len, name, address->host,
		    address->port, &known, &line) == 1) {
			n++;
			continue;
		}
		memmove(to, from, len);
		to += len;
	}
	pins.len = (size_t)(to - pins.text);
	return n;
}

static int
add_pin(const struct rm_known *known)
{
	char line[RM_KNOWN_HOST_MAX + RM_HASH_HEX + 64];
	size_t len;

	if (rm_known_write(known, line, sizeof(line)) == -1)
		return rmctl_fail(RM_CODE_USAGE, "%s cannot be written to %s",
		    known->host, pins.path);
	len = strlen(line);
	if (pins.len > 0 && pins.text[pins.len - 1] != '\n')
		pins.text[pins.len++] = '\n';
	if (pins.len + len >= sizeof(pins.text))
		return rmctl_fail(RM_CODE_USAGE, "%s is full", pins.path);
	memcpy(pins.text + pins.len, line, len);
	pins.len += len;
	return save_pins();
}

/* One handshake in the hope that alpn is spoken there. */
static int
shake(struct link *l, const char *alpn, struct rm_known *known,
    struct rm_err *err)
{
	const struct rm_tls_conf conf = { .rfd = l->fd, .wfd = l->fd,
		.alpn = alpn, .peer = RM_TLS_PEER_ANY };
	struct rm_tls_facts facts;

	if (rm_tls_new(&l->tls, &conf, err) == -1 ||
	    rm_talk_handshake(l->tls, rm_num_now_ms() + CONNECT_MS, -1,
	    err) == -1)
		return -1;
	rm_tls_facts(l->tls, &facts);
	strcpy(known->keyid, facts.peer);
	(void)!rm_tls_end(l->tls);
	return 0;
}

/*
 * The key that whoever answers there holds, appliance or service; each has a
 * name of its own for what it speaks, and refuses the other's.
 */
static int
see_key(struct rm_known *known, bool *ret_service)
{
	const char *const alpn[2] = { LINK_ALPN, LINK_ALPN_SERVICE };
	bool other = strcmp(known->port, LINK_SERVICE_PORT) == 0;
	static struct link l;
	struct rm_err err;
	int i, rc;

	for (i = 0; i < 2; i++, other = !other) {
		l.peer = *known;
		l.service = other;
		if ((rc = link_dial(&l)) != RM_CODE_OK)
			return rc;
		rc = shake(&l, alpn[other], known, &err);
		link_close(&l);
		*ret_service = other;
		if (rc == 0)
			return RM_CODE_OK;
		if (err.code != RM_CODE_DENIED)
			break;
	}
	return rmctl_fail_err(&err);
}

/* What the person types is what we do not show. */
static int
compare_typed(const struct rm_known *known)
{
	const char *last = known->keyid + strlen(known->keyid) - TYPED;
	char prompt[512], typed[INPUT_MAX];

	if (!input_is_person())
		return rmctl_fail(RM_CODE_UNKNOWN_KEY, "%s is not pinned: "
		    "there is no terminal to ask on, so give --fingerprint",
		    known->host);
	(void)snprintf(prompt, sizeof(prompt), "The fingerprint of %s port %s "
	    "is\n%.*s????????\nType its last %d digits as the console of the "
	    "appliance shows them: ", known->host, known->port,
	    (int)(last - known->keyid), known->keyid, TYPED);
	if (input_ask(prompt, typed) == 0 && strcmp(typed, last) == 0)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_UNKNOWN_KEY, "not pinned: the fingerprint "
	    "seen ends with other digits");
}

static int
compare(const struct rm_known *known)
{
	if (rmctl_opts.fingerprint == NULL)
		return compare_typed(known);
	if (strcmp(rmctl_opts.fingerprint, known->keyid) == 0)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_UNKNOWN_KEY, "not pinned: told %s, seen %s",
	    rmctl_opts.fingerprint, known->keyid);
}

/*
 * The first label of the host, if it is a name; else some of the key.  A
 * service's name is not its appliance's, for it has another key.
 */
static void
give_name(struct rm_known *known, bool service)
{
	size_t len = strcspn(known->host, ".:");
	int n;

	n = snprintf(known->name, sizeof(known->name), "%.*s%s", (int)len,
	    known->host, service ? "-service" : "");
	if (n > 0 && (size_t)n < sizeof(known->name) &&
	    rm_text_is_name(known->name))
		return;
	(void)snprintf(known->name, sizeof(known->name), "key-%.8s",
	    known->keyid);
}

/* A name is one appliance's, whatever addresses it has. */
static int
check_name(const struct rm_known *known)
{
	struct rm_known other;
	int found, rc;

	rc = find_pin(known->name, known, &other, &found);
	if (rc == RM_CODE_OK && found == 1 &&
	    strcmp(other.keyid, known->keyid) != 0)
		return rmctl_fail(RM_CODE_USAGE, "%s is the name of another "
		    "appliance, %s port %s: give a name of its own, or "
		    "distrust that one", known->name, other.host, other.port);
	return rc;
}

static int
pin(struct rm_known *known, bool service)
{
	struct rm_known old;
	int found, rc;

	if ((rc = find_pin(NULL, known, &old, &found)) != RM_CODE_OK)
		return rc;
	if (found == 1 && strcmp(old.keyid, known->keyid) != 0 &&
	    !rmctl_opts.replace) {
		rm_warnx("THE KEY OF %s (%s port %s) HAS CHANGED", old.name,
		    old.host, old.port);
		return rmctl_fail(RM_CODE_CHANGED_KEY, "pinned %s, seen %s; "
		    "if its console agrees, use --replace", old.keyid,
		    known->keyid);
	}
	if (found == 1 && strcmp(old.keyid, known->keyid) == 0 &&
	    rmctl_opts.fingerprint == NULL &&
	    (*known->name == '\0' || strcmp(known->name, old.name) == 0)) {
		rmctl_info("%s is trusted already: %s", old.name, old.keyid);
		return RM_CODE_OK;
	}
	if ((rc = compare(known)) != RM_CODE_OK)
		return rc;
	if (*known->name == '\0' && found == 1)
		strcpy(known->name, old.name);
	else if (*known->name == '\0')
		give_name(known, service);
	(void)cut_pins(NULL, known);
	if ((rc = check_name(known)) != RM_CODE_OK ||
	    (rc = add_pin(known)) != RM_CODE_OK)
		return rc;
	rmctl_info("%s (%s port %s) is trusted: %s", known->name, known->host,
	    known->port, known->keyid);
	return RM_CODE_OK;
}

static int
list_pins(void)
{
	int rc = load_pins();

	if (rc != RM_CODE_OK)
		return rc;
	(void)fwrite(pins.text, 1, pins.len, stdout);
	rm_die_done();
}

static int
bad_host(const char *text)
{
	return rmctl_fail(RM_CODE_USAGE, "bad HOST[:PORT]: %s", text);
}

int
rmctl_trust(int argc, char *argv[])
{
	struct rm_known known = { .name = "" };
	bool service;
	int rc;

	if (rmctl_opts.list && argc == 1)
		return list_pins();
	if (rmctl_opts.list || argc < 2 || argc > 3)
		return rmctl_fail(RM_CODE_USAGE, "trust wants [NAME] "
		    "HOST[:PORT], or --list");
	if (argc == 3 && !rm_text_is_name(argv[1]))
		return rmctl_fail(RM_CODE_USAGE, "bad name: %s", argv[1]);
	if (rm_known_address(argv[argc - 1], strlen(argv[argc - 1]),
	    &known) == -1)
		return bad_host(argv[argc - 1]);
	if (argc == 3)
		strcpy(known.name, argv[1]);
	if ((rc = load_pins()) != RM_CODE_OK ||
	    (rc = see_key(&known, &service)) != RM_CODE_OK)
		return rc;
	return pin(&known, service);
}

int
rmctl_distrust(int argc, char *argv[])
{
	struct rm_known address;
	size_t n = 0;
	int rc;

	if (argc != 2)
		return rmctl_fail(RM_CODE_USAGE, "distrust wants a name or "
		    "HOST[:PORT]");
	if (rm_known_address(argv[1], strlen(argv[1]), &address) == -1)
		return bad_host(argv[1]);
	if ((rc = load_pins()) != RM_CODE_OK)
		return rc;
	if (rm_text_is_name(argv[1]))
		n = cut_pins(argv[1], &address);
	if (n == 0)
		n = cut_pins(NULL, &address);
	if (n == 0)
		return rmctl_fail(RM_CODE_UNKNOWN_KEY, "%s is not pinned",
		    argv[1]);
	return save_pins();
}
