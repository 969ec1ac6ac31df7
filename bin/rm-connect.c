/* SPDX-License-Identifier: ISC */
/*
 * rm-connect: the other end of rm-listen and rm-tls.
 * Connects to a host whose key is pinned, and is a pipe between that and its
 * own 0 and 1, or runs a program with the connection as 0 and 1.  The key of
 * the host decides, not who signed its certificate, nor its dates or names.
 * As a pipe it is one process, which ends when either side ends.
 * It must never hand a byte to, or take one from, a host without the pin.
 * Example: echo status | rm-connect -a rm/1 192.0.2.1 4433
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rm_addr.h"
#include "rm_chain.h"
#include "rm_copier.h"
#include "rm_dial.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_known.h"
#include "rm_num.h"
#include "rm_relay.h"
#include "rm_sandbox.h"
#include "rm_talk.h"
#include "rm_text.h"
#include "rm_tls.h"

#define USAGE		"rm-connect [-a alpn] [-c cert] [-i pem] [-k file] " \
			"[-p keyid] [-t seconds] host port " \
			"[[--] prog [arg ...]]\n" \
			"       rm-connect -u path [[--] prog [arg ...]]"
#define LIMIT_MS	10000		/* to connect and shake hands */
#define LIMIT_MAX_MS	3600000
#define MARGIN_MS	1000		/* the copier shall speak first */

static struct opts {
	const char *alpn, *cert, *pem, *known, *pin, *path, *limit;
	const char *host, *port;
	uint32_t limit_ms;
	char **prog;			/* NULL: be a pipe */
} opts;

static char known_path[PATH_MAX];
static char pins[1][RM_HASH_HEX];
static size_t n_pins;

static void
parse_option(int ch)
{
	const char **opt = NULL;

	switch (ch) {
	case 'a':
		opt = &opts.alpn;
		break;
	case 'c':
		opt = &opts.cert;
		break;
	case 'i':
		opt = &opts.pem;
		break;
	case 'k':
		opt = &opts.known;
		break;
	case 'p':
		opt = &opts.pin;
		break;
	case 't':
		opt = &opts.limit;
		break;
	case 'u':
		opt = &opts.path;
		break;
	default:
		die_usage(USAGE);
	}
	if (*opt != NULL)
		diex(RM_EXIT_USAGE, "-%c is given twice", ch);
	*opt = optarg;
}

static void
parse_args(int argc, char *argv[])
{
	int ch, fixed;

	while ((ch = getopt(argc, argv, "+a:c:i:k:p:t:u:")) != -1)
		parse_option(ch);
	fixed = opts.path != NULL ? 0 : 2;
	if (argc - optind < fixed || (opts.path != NULL && (opts.alpn != NULL ||
	    opts.pem != NULL || opts.known != NULL || opts.pin != NULL ||
	    opts.limit != NULL)))
		die_usage(USAGE);
	if (opts.cert != NULL && opts.pem == NULL)
		die_usage(USAGE);
	if (fixed == 2) {
		opts.host = argv[optind];
		opts.port = argv[optind + 1];
	}
	if (argv[optind + fixed] != NULL)
		opts.prog = rm_chain_prog(argv + optind + fixed, USAGE);
	opts.limit_ms = LIMIT_MS;
	if (opts.limit != NULL && rm_num_ms(&opts.limit_ms, opts.limit,
	    LIMIT_MAX_MS) == -1)
		diex(RM_EXIT_USAGE, "bad number of seconds: %s", opts.limit);
}

/* The key that the host must have; without one, all are refused. */
static void
find_pin(void)
{
	struct rm_known known;
	struct rm_err err;
	int n;

	if (opts.pin != NULL) {
		if (!rm_text_is_hex(opts.pin, RM_HASH_HEX - 1))
			diex(RM_EXIT_USAGE, "not a KEYID: %s", opts.pin);
		strcpy(pins[0], opts.pin);
		n_pins = 1;
		return;
	}
	if (opts.known == NULL) {
		rm_env_known_path(known_path, sizeof(known_path));
		opts.known = known_path;
	}
	n = rm_known_load(opts.known, NULL, opts.host, opts.port, &known,
	    &err);
	if (n == -1)
		diex(RM_EXIT_USAGE, "%s", err.text);
	if (n == 1)
		memcpy(pins[0], known.keyid, sizeof(pins[0]));
	n_pins = (size_t)n;
}

/* Why it came to nothing, and what a person can do about it. */
static _Noreturn void
fail(int code, const struct rm_err *err)
{
	bool v6 = opts.host != NULL && strchr(opts.host, ':') != NULL;

	rm_fatalx("%s", err->text);
	if (err->code == RM_CODE_UNKNOWN_KEY)
		rm_info("if the console of that host shows this fingerprint, "
		    "pin it by -p, or by a line \"NAME %s%s%s:%s KEYID\" in "
		    "%s", v6 ? "[" : "", opts.host, v6 ? "]" : "", opts.port,
		    opts.known);
	if (err->code == RM_CODE_CHANGED_KEY)
		rm_info("DO NOT GO ON unless you know why: somebody may be in "
		    "the middle, or that host got a new identity");
	/* No handler of exit(3) is made for a jail. */
	_exit(code);
}

static void
jail(void)
{
	rm_chain_jail(rm_sandbox_tls);
}

/* The connection, from the key to its end, in this process. */
static _Noreturn void
run_tls(struct rm_relay_conf *relay, int report, int64_t deadline)
{
	struct rm_tls_conf tls = { .alpn = opts.alpn,
	    .cert = opts.cert != NULL ? opts.cert : opts.pem,
	    .key = opts.pem, .peer = RM_TLS_PEER_PINNED, .pins = pins,
	    .n_pins = n_pins };
	struct rm_err err;
	int code;

	if (rm_sandbox_no_dump() == -1)
		die(RM_EXIT_SYSTEM, "unable to protect the key's memory");
	code = rm_copier_run(&tls, relay, report, deadline, jail, &err);
	if (code != 0)
		fail(code, &err);
	_exit(RM_EXIT_OK);
}

static _Noreturn void
pipe_plain(int fd)
{
	const struct rm_relay_conf conf = { .role = RM_RELAY_PIPE, .rfd = fd,
	    .wfd = fd, .in = 0, .out = 1 };
	struct rm_relay *relay = rm_relay_new(&conf);
	struct rm_err err;

	if (relay == NULL)
		diex(RM_EXIT_SYSTEM, "no memory");
	jail();
	if (rm_relay_run(relay, &err) != RM_RELAY_CLEAN)
		fail(RM_EXIT_SYSTEM, &err);
	_exit(RM_EXIT_OK);
}

static void
take_connection(int fd)
{
	if (dup2(fd, 0) == -1 || dup2(fd, 1) == -1)
		die(RM_EXIT_SYSTEM, "unable to redirect the connection");
	(void)close(fd);
}

/* The facts of a client (UCSPI); those of an outer chain are not ours. */
static void
set_tcp_facts(int fd)
{
	struct sockaddr_storage ss;
	struct rm_addr addr;
	socklen_t len = sizeof(ss);

	rm_env_unset_facts();
	rm_env_set("PROTO", "TCP");
	if (getpeername(fd, (struct sockaddr *)&ss, &len) == -1)
		die(RM_EXIT_SYSTEM, "unable to ask for the peer's address");
	rm_addr_spell(&addr, &ss);
	rm_env_set("TCPREMOTEIP", addr.ip);
	rm_env_set("TCPREMOTEPORT", addr.port);
	len = sizeof(ss);
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		die(RM_EXIT_SYSTEM, "unable to ask for our own address");
	rm_addr_spell(&addr, &ss);
	rm_env_set("TCPLOCALIP", addr.ip);
	rm_env_set("TCPLOCALPORT", addr.port);
}

static _Noreturn void
exec_plain(int fd)
{
	rm_env_unset_facts();
	rm_env_set("PROTO", "UNIX");
	take_connection(fd);
	rm_chain_exec(opts.prog);
}

/* As rm-tls does it: the copier speaks TLS, and we become the program. */
static _Noreturn void
exec_tls(int fd, int64_t deadline)
{
	struct rm_relay_conf relay = { .role = RM_RELAY_CLIENT, .rfd = 0,
	    .wfd = 1 };
	struct rm_pipes pipes;
	int report[2];
	pid_t pid;

	set_tcp_facts(fd);
	rm_chain_pipes(&pipes);
	if (pipe2(report, O_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	pipes.also = report[1];
	if ((pid = fork()) == -1)
		die(RM_EXIT_SYSTEM, "unable to fork");
	if (pid == 0) {
		take_connection(fd);
		rm_chain_take_copier(&pipes);
		relay.in = pipes.from_prog;
		relay.out = pipes.to_prog;
		run_tls(&relay, report[1], deadline);
	}
	(void)close(report[1]);
	(void)close(fd);
	rm_copier_become(report[0], pid, deadline + MARGIN_MS, &pipes,
	    opts.prog);
}

int
main(int argc, char *argv[])
{
	struct rm_relay_conf relay = { .role = RM_RELAY_PIPE, .in = 0,
	    .out = 1 };
	struct rm_err err;
	int64_t deadline;
	int fd;

	rm_die_init("rm-connect");
	parse_args(argc, argv);
	deadline = rm_num_now_ms() + opts.limit_ms;

	if (opts.path != NULL) {
		if (rm_dial_unix(&fd, opts.path, &err) == -1)
			diex(RM_EXIT_SYSTEM, "%s", err.text);
		if (opts.prog == NULL)
			pipe_plain(fd);
		exec_plain(fd);
	}
	find_pin();
	if (rm_dial_tcp(&fd, opts.host, opts.port, deadline, &err) == -1)
		diex(RM_EXIT_SYSTEM, "%s", err.text);
	if (opts.prog != NULL)
		exec_tls(fd, deadline);
	relay.rfd = relay.wfd = fd;
	run_tls(&relay, -1, deadline);
}
