/* SPDX-License-Identifier: ISC */
/*
 * rm-listen: accept connections and run prog for each.
 * The first link: its peers are strangers, of whom it reads not one byte.  It
 * caps how many there are, in all and per address; with -a it also ends those
 * that no later link (rm-auth) admits in time, and a stranger never keeps
 * another out.  Every connection is a process group of its own, and nothing
 * that it started outlives rm-listen, unless that is killed itself: then the
 * kernel sends TERM to every program.
 * Example: rm-listen 127.0.0.1 8018 -- cat
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm-listen/listen.h"
#include "rm_chain.h"
#include "rm_drop.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"

#define USAGE	"rm-listen [-R fd] [-U user] [-a seconds] [-c max] " \
		"[-k seconds] [-l addrfile] [-p each] addr port [--] prog " \
		"[arg ...]\n" \
		"       rm-listen -u [-R fd] [-U user] [-a seconds] [-c max] " \
		"[-k seconds] [-l addrfile] [-m mode] [-o owner] [-p each] " \
		"path [--] prog [arg ...]"

#define ADMIT_MAX_MS	3600000
#define CAP_MAX		1024
#define WORD_MS		50
#define WORD_MAX_MS	2000

static struct opts {
	uint32_t ready_fd;
	mode_t mode;
	const char *addr_file, *user, *owner, *ip, *port;
	uid_t uid;
	gid_t gid;
} o = { .mode = 0600 };

static struct listener l = { .word_ms = WORD_MS };

static mode_t
parse_mode(const char *s)
{
	unsigned long n;
	char *end;

	n = strtoul(s, &end, 8);
	if (*s < '0' || *s > '7' || *end != '\0' || n > 0777)
		diex(RM_EXIT_USAGE, "bad mode: %s", s);
	return (mode_t)n;
}

static uint32_t
parse_seconds(const char *s, uint32_t max_ms)
{
	uint32_t ms;

	if (rm_num_ms(&ms, s, max_ms) == -1)
		diex(RM_EXIT_USAGE, "bad number of seconds: %s", s);
	return ms;
}

static uint32_t
parse_cap(const char *s)
{
	uint32_t n;

	if (rm_num_u32(&n, s, 1, CAP_MAX) == -1)
		diex(RM_EXIT_USAGE, "bad cap: %s", s);
	return n;
}

static void
parse_option(int ch)
{
	switch (ch) {
	case 'R':
		if (rm_num_u32(&o.ready_fd, optarg, 1, 65535) == -1 ||
		    o.ready_fd == 2)
			diex(RM_EXIT_USAGE, "bad descriptor: %s", optarg);
		if (fcntl((int)o.ready_fd, F_GETFD) == -1)
			die(RM_EXIT_USAGE, "unable to use descriptor %s",
			    optarg);
		break;
	case 'U':
		o.user = optarg;
		if (rm_drop_find(optarg, &o.uid, &o.gid) == -1)
			die(RM_EXIT_USAGE, "unable to find user %s", optarg);
		break;
	case 'a':
		l.admit_ms = parse_seconds(optarg, ADMIT_MAX_MS);
		break;
	case 'c':
		l.max = parse_cap(optarg);
		break;
	case 'k':
		l.word_ms = parse_seconds(optarg, WORD_MAX_MS);
		break;
	case 'l':
		o.addr_file = optarg;
		break;
	case 'm':
		o.mode = parse_mode(optarg);
		break;
	case 'o':
		o.owner = optarg;
		if (rm_drop_find(optarg, &o.uid, &o.gid) == -1)
			die(RM_EXIT_USAGE, "unable to find user %s", optarg);
		break;
	case 'p':
		l.each = parse_cap(optarg);
		break;
	case 'u':
		l.local = true;
		break;
	default:
		die_usage(USAGE);
	}
}

static void
parse_args(int argc, char *argv[])
{
	bool seen[UCHAR_MAX + 1] = { false };
	int ch;

	while ((ch = getopt(argc, argv, "+R:U:a:c:k:l:m:o:p:u")) != -1) {
		if (ch != '?' && seen[ch])
			diex(RM_EXIT_USAGE, "-%c is given twice", ch);
		seen[ch] = true;
		parse_option(ch);
	}
	if (argc - optind < (l.local ? 2 : 3) ||
	    ((seen['m'] || seen['o']) && !l.local) ||
	    (seen['o'] && seen['U']))
		die_usage(USAGE);
	if (l.local)
		l.path = argv[optind++];
	else {
		o.ip = argv[optind++];
		o.port = argv[optind++];
	}
	l.prog = rm_chain_prog(argv + optind, USAGE);
	/* Without -a nobody can be told from a stranger: caps are wide. */
	if (l.max == 0)
		l.max = l.admit_ms != 0 ? 64 : 512;
	if (l.each == 0)
		l.each = l.admit_ms != 0 ? 8 : 512;
}

/* Later code counts on 0, 1 and 2 never being the number of a socket. */
static void
fill_standard_descriptors(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDWR)) != -1 && fd <= 2)
		continue;
	if (fd == -1)
		die(RM_EXIT_SYSTEM, "unable to open /dev/null");
	(void)close(fd);
}

/* The lock stays with us to the end: as long as it is held, it is true. */
static int
take_addr_file(void)
{
	int fd;

	if (o.addr_file == NULL)
		return -1;
	if ((fd = rm_lock_take(o.addr_file)) == -1) {
		if (errno == EAGAIN)
			diex(RM_EXIT_REFUSED, "refused: %s is held by another",
			    o.addr_file);
		die(RM_EXIT_SYSTEM, "unable to lock %s", o.addr_file);
	}
	/* What stands there is the address of one that has ended. */
	if (ftruncate(fd, 0) == -1 || (o.user != NULL &&
	    fchown(fd, o.uid, o.gid) == -1))
		die(RM_EXIT_SYSTEM, "unable to prepare %s", o.addr_file);
	return fd;
}

/* Opens the socket, as root if we are; then we are not any more. */
static void
start_listening(void)
{
	struct sockaddr_storage ss;

	if (l.local) {
		l.fd = rm_addr_listen_unix(l.path, o.mode, &l.made);
		if (l.fd == -1)
			die(RM_EXIT_SYSTEM, "unable to listen on %s", l.path);
	} else {
		if (rm_addr_parse(&ss, o.ip, o.port) == -1)
			diex(RM_EXIT_USAGE, "bad address or port: %s %s",
			    o.ip, o.port);
		if ((l.fd = rm_addr_listen(&ss)) == -1)
			die(RM_EXIT_SYSTEM, "unable to listen on %s port %s",
			    o.ip, o.port);
	}
	if (o.user == NULL && o.owner == NULL)
		return;
	if (l.local && lchown(l.path, o.uid, o.gid) == -1)
		die(RM_EXIT_SYSTEM, "unable to give %s to %s", l.path,
		    o.user != NULL ? o.user : o.owner);
	if (o.user == NULL)
		return;
	if (rm_drop_to(o.uid, o.gid) == -1)
		die(RM_EXIT_SYSTEM, "unable to become %s", o.user);
}

/* Tells those who wait for it where we listen. */
static void
say_where(int addr_fd)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	struct rm_addr here;
	char where[PATH_MAX];
	const char *ready;

	if (l.local) {
		(void)snprintf(where, sizeof(where), "%s\n", l.path);
		ready = where;
	} else {
		if (getsockname(l.fd, (struct sockaddr *)&ss, &len) == -1)
			die(RM_EXIT_SYSTEM, "unable to learn the port");
		rm_addr_spell(&here, &ss);
		(void)snprintf(where, sizeof(where), "%s %s\n", here.ip,
		    here.port);
		ready = strchr(where, ' ') + 1;
	}
	if (addr_fd != -1 && rm_io_write(addr_fd, where, strlen(where)) == -1)
		die(RM_EXIT_SYSTEM, "unable to write %s", o.addr_file);
	rm_info("listening on %.*s", (int)strcspn(where, "\n"), where);
	if (o.ready_fd == 0)
		return;
	if (rm_io_write((int)o.ready_fd, ready, strlen(ready)) == -1)
		rm_warn("unable to write to descriptor %u", o.ready_fd);
	if (o.ready_fd > 2)
		(void)close((int)o.ready_fd);
}

int
main(int argc, char *argv[])
{
	int addr_fd, signal_fd;

	rm_die_init("rm-listen");
	parse_args(argc, argv);
	/* Root may serve one of its users, whom the kernel lets through. */
	if (o.user == NULL && o.owner == NULL)
		rm_chain_refuse_root();
	fill_standard_descriptors();
	addr_fd = take_addr_file();
	start_listening();
	if ((signal_fd = serve_signals()) == -1)
		die(RM_EXIT_SYSTEM, "unable to take signals");
	say_where(addr_fd);
	serve(&l, signal_fd);
	return RM_EXIT_OK;
}
