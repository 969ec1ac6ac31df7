/* SPDX-License-Identifier: ISC */
/*
 * rm-tls: TLS 1.3 between the peer and a program.
 * Fed by rm-listen: 0 and 1 are the peer.  It forks a copier, which alone
 * reads the key and, in a jail, the peer; waits for what was agreed, checks
 * that as if a stranger had said it, sets it in the environment and becomes
 * the program, with pipes to the copier as 0 and 1.
 * It must never have the key in a process that goes on to exec.
 * Example: rm-listen 127.0.0.1 4433 -- rm-tls -a rm/1 crt key -- cat
 */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "rm_chain.h"
#include "rm_copier.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_known.h"
#include "rm_num.h"
#include "rm_relay.h"
#include "rm_sandbox.h"
#include "rm_talk.h"
#include "rm_tls.h"

#define USAGE		"rm-tls [-a alpn] [-n folder] [-t seconds] " \
			"cert key [--] prog [arg ...]"
#define LIMIT_MS	10000		/* for the handshake, if none is told */
#define LIMIT_MAX_MS	3600000

static struct opts {
	const char *alpn, *nodes, *cert, *key;
	uint32_t limit_ms;
	char **prog;
} opts;

static char pins[RM_KNOWN_PINS_MAX][RM_HASH_HEX];
static size_t n_pins;

static void
parse_args(int argc, char *argv[])
{
	int ch;

	while ((ch = getopt(argc, argv, "+a:n:t:")) != -1) {
		switch (ch) {
		case 'a':
			if (opts.alpn != NULL)
				diex(RM_EXIT_USAGE, "-a is given twice");
			opts.alpn = optarg;
			break;
		case 'n':
			if (opts.nodes != NULL)
				diex(RM_EXIT_USAGE, "-n is given twice");
			opts.nodes = optarg;
			break;
		case 't':
			if (opts.limit_ms != 0)
				diex(RM_EXIT_USAGE, "-t is given twice");
			if (rm_num_ms(&opts.limit_ms, optarg,
			    LIMIT_MAX_MS) == -1)
				diex(RM_EXIT_USAGE,
				    "bad number of seconds: %s", optarg);
			break;
		default:
			die_usage(USAGE);
		}
	}
	if (argc - optind < 3)
		die_usage(USAGE);
	opts.cert = argv[optind];
	opts.key = argv[optind + 1];
	opts.prog = rm_chain_prog(argv + optind + 2, USAGE);
	if (opts.limit_ms == 0)
		opts.limit_ms = LIMIT_MS;
}

static void
jail(void)
{
	rm_chain_jail(rm_sandbox_tls);
}

static _Noreturn void
copy(struct rm_pipes *pipes)
{
	struct rm_tls_conf tls = { .server = true, .alpn = opts.alpn,
	    .cert = opts.cert, .key = opts.key,
	    .peer = opts.nodes != NULL ? RM_TLS_PEER_PINNED :
	    RM_TLS_PEER_NONE, .pins = pins, .n_pins = n_pins };
	struct rm_relay_conf relay = { .role = RM_RELAY_SERVER, .rfd = 0,
	    .wfd = 1, .in = pipes->from_prog, .out = pipes->to_prog };
	struct rm_err err;
	int code;

	rm_chain_take_copier(pipes);
	if (rm_sandbox_no_dump() == -1)
		die(RM_EXIT_SYSTEM, "unable to protect the key's memory");
	/* The parent has the deadline: it would have to have one anyway. */
	code = rm_copier_run(&tls, &relay, pipes->also, RM_TALK_NEVER, jail,
	    &err);
	if (code != 0)
		rm_fatalx("%s", err.text);
	/* No handler of exit(3) is made for a jail. */
	_exit(code);
}

int
main(int argc, char *argv[])
{
	struct rm_pipes pipes;
	struct rm_err err;
	int64_t deadline;
	int report[2];
	pid_t pid;

	rm_die_init("rm-tls");
	parse_args(argc, argv);
	rm_chain_refuse_root();
	deadline = rm_num_now_ms() + opts.limit_ms;
	if (opts.nodes != NULL &&
	    rm_known_folder(opts.nodes, pins, &n_pins, &err) == -1)
		diex(RM_EXIT_USAGE, "%s", err.text);

	rm_chain_pipes(&pipes);
	if (pipe2(report, O_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	pipes.also = report[1];
	if ((pid = fork()) == -1)
		die(RM_EXIT_SYSTEM, "unable to fork");
	if (pid == 0)
		copy(&pipes);

	(void)close(report[1]);
	rm_copier_become(report[0], pid, deadline, &pipes, opts.prog);
}
