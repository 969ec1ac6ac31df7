/* SPDX-License-Identifier: ISC */
/*
 * rm-exec: read command lines, run the operations of these names.
 * The last program of the chain.  It works in two halves: the wire half (this
 * process, bin/rm-exec/wire.c) sees the peer's bytes and is jailed; the runner
 * half (a child, bin/rm-exec/runner.c and job.c) starts operations and never
 * sees the peer.  What they print becomes lines of the wire in lines.c.
 * Example: echo status | rm-exec lib/ops
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rm-exec/exec.h"
#include "rm_chain.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_num.h"
#include "rm_ophdr.h"
#include "rm_sandbox.h"
#include "rm_version.h"

#define USAGE		"rm-exec [-L] [-p seconds] opsdir\n" \
			"       rm-exec -l opsdir\n" \
			"       rm-exec -V"
#define PROGRESS_MS	10000
#define PROGRESS_MAX_MS	3600000

static struct {
	bool list, local, version;
	uint32_t progress_ms;
	const char *folder;
} opts;

static void
parse_args(int argc, char *argv[])
{
	int ch;

	while ((ch = getopt(argc, argv, "+Llp:V")) != -1) {
		switch (ch) {
		case 'L':
			if (opts.local)
				diex(RM_EXIT_USAGE, "-L is given twice");
			opts.local = true;
			break;
		case 'l':
			if (opts.list)
				diex(RM_EXIT_USAGE, "-l is given twice");
			opts.list = true;
			break;
		case 'p':
			if (opts.progress_ms != 0)
				diex(RM_EXIT_USAGE, "-p is given twice");
			if (rm_num_ms(&opts.progress_ms, optarg,
			    PROGRESS_MAX_MS) == -1)
				diex(RM_EXIT_USAGE, "bad number of seconds: %s",
				    optarg);
			break;
		case 'V':
			opts.version = true;
			break;
		default:
			die_usage(USAGE);
		}
	}
	if (argc - optind != (opts.version ? 0 : 1) ||
	    (opts.list && (opts.local || opts.progress_ms != 0)))
		die_usage(USAGE);
	opts.folder = argv[optind];
	if (opts.progress_ms == 0)
		opts.progress_ms = PROGRESS_MS;
}

static _Noreturn void
print_version(void)
{
	(void)printf("version %s\nlandlock %s\n", RM_VERSION,
	    rm_sandbox_has_landlock() ? "yes" : "no");
	rm_die_done();
}

static void
print_operation(const struct rm_ophdr *hdr, const char *name)
{
	char form[RM_OPHDR_USAGE];

	rm_ophdr_usage(form, sizeof(form), hdr, name, false);
	(void)printf("%s - %s\n", form, hdr->summary);
}

/* The operations on offer, sorted; the same headers that rm-exec goes by. */
static _Noreturn void
print_list(void)
{
	struct dirent **entry;
	struct rm_ophdr hdr;
	const char *why;
	int fd, folder, i, n;

	if ((folder = open(opts.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) ==
	    -1 || (n = scandir(opts.folder, &entry, NULL, alphasort)) == -1)
		die(RM_EXIT_USAGE, "unable to read %s", opts.folder);
	for (i = 0; i < n; i++) {
		if (entry[i]->d_name[0] == '.') {
			free(entry[i]);
			continue;
		}
		fd = rm_ophdr_open(folder, entry[i]->d_name, &hdr, &why);
		if (fd == -1)
			rm_warnx("%s/%s is not offered: %s", opts.folder,
			    entry[i]->d_name, why);
		else
			print_operation(&hdr, entry[i]->d_name);
		if (fd != -1)
			(void)close(fd);
		free(entry[i]);
	}
	free(entry);
	(void)close(folder);
	rm_die_done();
}

/*
 * The session's lock, which the runner keeps until nothing of the session is
 * left; -1 if nobody handed one on.  Everything else from outside is closed.
 */
static int
keep_lock(void)
{
	const char *text = getenv("RM_LOCK_FD");
	uint32_t fd = 2;

	if (text != NULL) {
		if (rm_num_u32(&fd, text, 3, 65535) == -1 ||
		    fcntl((int)fd, F_SETFD, FD_CLOEXEC) == -1)
			diex(RM_EXIT_USAGE, "RM_LOCK_FD is no descriptor: %s",
			    text);
		if (fd > 3)
			(void)close_range(3, fd - 1, 0);
	}
	(void)close_range(fd + 1, ~0U, 0);
	return text != NULL ? (int)fd : -1;
}

static void
check_surroundings(void)
{
	const char *proto = getenv("PROTO");
	sigset_t set;
	int fd;

	for (fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) == -1)
			diex(RM_EXIT_USAGE, "descriptor %d is closed", fd);
	/* Root serves its own users over a socket, never a network. */
	if (proto == NULL || strcmp(proto, "UNIX") != 0)
		rm_chain_refuse_root();
	/* Who stands at the appliance has no address, a socket an owner. */
	if (opts.local && proto != NULL && strcmp(proto, "UNIX") != 0)
		diex(RM_EXIT_USAGE, "-L is not for peers");
	/* They come in when the wire half is at rest; the runner wants none. */
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The peer is the wire half's alone. */
static void
leave_peer(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null == -1 || dup2(null, 0) == -1 || dup2(null, 1) == -1)
		die(RM_EXIT_SYSTEM, "unable to leave the peer");
	(void)close(null);
	(void)setsid();
}

int
main(int argc, char *argv[])
{
	struct runner_opts ro;
	int sock[2];

	rm_die_init("rm-exec");
	parse_args(argc, argv);
	if (opts.version)
		print_version();
	if (opts.list)
		print_list();
	check_surroundings();
	ro.folder = opts.folder;
	ro.local = opts.local;
	ro.progress_ms = opts.progress_ms;
	ro.lock_fd = keep_lock();
	rm_env_conf(ro.name, sizeof(ro.name), "name", "");
	ro.folder_fd = open(opts.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (ro.folder_fd == -1)
		die(RM_EXIT_USAGE, "unable to open %s", opts.folder);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sock) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pair of sockets");
	switch (fork()) {
	case -1:
		die(RM_EXIT_SYSTEM, "unable to fork");
	case 0:
		(void)close(sock[0]);
		leave_peer();
		runner_run(sock[1], &ro);
	}
	(void)close(sock[1]);
	(void)close(ro.folder_fd);
	wire_run(sock[0]);
}
