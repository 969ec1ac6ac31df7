/* SPDX-License-Identifier: ISC */
/*
 * rm-once: run prog unless another holds the lock.
 * Fed by rm-auth in the chain; reads nothing from the peer.  The lock belongs
 * to an open description that crosses the exec in RM_LOCK_FD: it is free again
 * when the last of prog and its heirs has gone, however they went.  Who holds
 * it stands in lockfile.holder, for display; only the lock itself decides.
 * With -q and -n it only asks, which gets in nobody's way; with -d it takes
 * the lock for a descriptor that it was given, so that a shell has it for as
 * long as it, or any heir, keeps that open.
 * Example: rm-once run/session -- sleep 9
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_chain.h"
#include "rm_code.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"

#define USAGE		"rm-once [-w seconds] lockfile [--] prog [arg ...]\n" \
			"       rm-once -q [-w seconds] lockfile\n" \
			"       rm-once -n lockfile ...\n" \
			"       rm-once -d fd [-w seconds]"
#define WAIT_MAX_MS	3600000
#define ASK_MS		20	/* between two looks of -q -w */

static struct {
	bool ask, count;
	uint32_t fd;			/* -d, or 0 */
	uint32_t wait_ms;
} opts;

static void
parse_args(int argc, char *argv[])
{
	int ch;

	while ((ch = getopt(argc, argv, "+d:nqw:")) != -1) {
		switch (ch) {
		case 'd':
			if (opts.fd != 0)
				diex(RM_EXIT_USAGE, "-d is given twice");
			if (rm_num_u32(&opts.fd, optarg, 3, 65535) == -1)
				diex(RM_EXIT_USAGE, "bad descriptor: %s",
				    optarg);
			break;
		case 'n':
			if (opts.count)
				diex(RM_EXIT_USAGE, "-n is given twice");
			opts.count = true;
			break;
		case 'q':
			if (opts.ask)
				diex(RM_EXIT_USAGE, "-q is given twice");
			opts.ask = true;
			break;
		case 'w':
			if (opts.wait_ms != 0)
				diex(RM_EXIT_USAGE, "-w is given twice");
			if (rm_num_ms(&opts.wait_ms, optarg, WAIT_MAX_MS) == -1)
				diex(RM_EXIT_USAGE, "bad number of seconds: %s",
				    optarg);
			break;
		default:
			die_usage(USAGE);
		}
	}
	if (opts.count && (opts.ask || opts.fd != 0 || opts.wait_ms != 0))
		die_usage(USAGE);
	if (opts.fd != 0 ? opts.ask || optind != argc :
	    opts.ask ? argc - optind != 1 :
	    argc - optind < (opts.count ? 1 : 2))
		die_usage(USAGE);
}

/* The open description is our parent's too: the lock stays when we go. */
static _Noreturn void
lock_descriptor(void)
{
	if (rm_lock_wait_fd((int)opts.fd, opts.wait_ms) == 0)
		exit(RM_EXIT_OK);
	if (errno == EAGAIN)
		diex(RM_EXIT_REFUSED, "refused: descriptor %u is of a file "
		    "that another holds", opts.fd);
	die(RM_EXIT_SYSTEM, "unable to lock descriptor %u", opts.fd);
}

/* Exits 0 when nobody holds the lock, 1 when somebody does. */
static _Noreturn void
ask(const char *lock)
{
	int64_t end = rm_num_now_ms() + opts.wait_ms;
	int held;

	while ((held = rm_lock_ask(lock)) == 1 && rm_num_now_ms() < end)
		(void)poll(NULL, 0, ASK_MS);
	if (held == -1)
		die(RM_EXIT_SYSTEM, "unable to ask %s", lock);
	exit(held == 1 ? RM_EXIT_REFUSED : RM_EXIT_OK);
}

/* A line for each lock: how many hold it, or a place of it. */
static _Noreturn void
count(char *lock[])
{
	uint32_t n;

	for (; *lock != NULL; lock++) {
		if (rm_lock_count(&n, *lock) == -1)
			die(RM_EXIT_SYSTEM, "unable to ask %s", *lock);
		(void)printf("%u\n", n);
	}
	rm_die_done();
}

static const char *
fact(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : "-";
}

/* Who we are, by rename, so that a reader never sees half of it. */
static void
write_holder(const char *lock)
{
	char path[PATH_MAX], text[8192];
	int n;

	n = snprintf(path, sizeof(path), "%s.holder", lock);
	if ((size_t)n >= sizeof(path))
		diex(RM_EXIT_USAGE, "path too long: %s", lock);
	n = snprintf(text, sizeof(text), "pid %ld\nmanager %s\ncustodians %s\n"
	    "since %s\nip %s\ntls %s %s %s %s\n", (long)getpid(),
	    fact("RM_AUTH_MANAGER"), fact("RM_AUTH_CUSTODIANS"),
	    fact("RM_AUTH_SINCE"), fact("TCPREMOTEIP"),
	    fact("RM_TLS_VERSION"), fact("RM_TLS_GROUP"),
	    fact("RM_TLS_SIGNATURE"), fact("RM_TLS_CIPHER"));
	if ((size_t)n >= sizeof(text))
		diex(RM_EXIT_USAGE, "facts too long");
	if (rm_io_replace(path, text, (size_t)n, 0644, false) == -1)
		die(RM_EXIT_SYSTEM, "unable to write %s", path);
}

/* A peer is told in its own language; a shell reads the log. */
static _Noreturn void
refuse(const char *lock)
{
	const char word[] = "! busy another session is under way\n";

	if (getenv("PROTO") != NULL)
		(void)!rm_io_write(1, word, sizeof(word) - 1);
	diex(RM_EXIT_REFUSED, "refused: %s is held by another", lock);
}

int
main(int argc, char *argv[])
{
	const char *lock;
	char number[16], **prog;
	int fd;

	rm_die_init("rm-once");
	parse_args(argc, argv);
	if (opts.fd != 0)
		lock_descriptor();
	if (opts.count)
		count(argv + optind);
	lock = argv[optind];
	if (opts.ask)
		ask(lock);
	prog = rm_chain_prog(argv + optind + 1, USAGE);

	if ((fd = rm_lock_wait(lock, opts.wait_ms)) == -1) {
		if (errno == EAGAIN)
			refuse(lock);
		die(RM_EXIT_SYSTEM, "unable to lock %s", lock);
	}
	write_holder(lock);
	/* The one descriptor that crosses: prog must inherit the lock. */
	(void)snprintf(number, sizeof(number), "%d", fd);
	if (fcntl(fd, F_SETFD, 0) == -1)
		die(RM_EXIT_SYSTEM, "unable to hand on %s", lock);
	rm_env_set("RM_LOCK_FD", number);
	rm_chain_exec(prog);
}
