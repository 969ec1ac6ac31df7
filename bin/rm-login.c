/* SPDX-License-Identifier: ISC */
/*
 * rm-login: user name and password, for the service's own port.
 * Fed by rm-tls in the chain; the one line of the peer is taken apart by a
 * jailed reader, and not a byte behind it is read.  It trusts the users'
 * folder; it MUST NOT run the program before the password of one of them came,
 * nor let a peer tell one reason of a refusal from another, by words or time.
 * Example: rm-tls service.crt service.key -- rm-login users -- cat
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm-login/login.h"
#include "rm_chain.h"
#include "rm_code.h"
#include "rm_env.h"
#include "rm_lock.h"
#include "rm_num.h"
#include "rm_peer.h"
#include "rm_secret.h"
#include "rm_tally.h"

#define USAGE		"rm-login [-c clients] [-d seconds] [-m mib] " \
			"[-t seconds] users [--] prog [arg ...]\n" \
			"       rm-login -s users name\n" \
			"       rm-login -u users name"
#define ADMINISTRATOR	"master"
#define LINE_MS		10000	/* for the line, and then for a turn */
#define DENY_MS		500	/* until a refusal is told */
#define RETRY_MS	10
#define LIMIT_MS	3600000
#define MEMORY_MIB	1024
#define MEMORY_MAX_MIB	1048576
#define CLIENTS_MAX	1024	/* of one user at once */

struct opts {
	uint32_t line_ms, deny_ms, memory_mib;
	char verb;			/* s, u; or 0: a link */
	const char *clients, *users, *name;
	char **prog;
};

/* One connection on its way to be a user. */
struct visit {
	const struct opts *opts;
	int admit_fd;
	char folder[PATH_MAX];		/* of the users, in one generation */
	char partition[PATH_MAX];	/* empty: the administrator's */
	char user[RM_USERS_NAME_MAX + 1];
};

static void
parse_ms(uint32_t *ret, int ch)
{
	if (*ret != 0)
		diex(RM_EXIT_USAGE, "-%c is given twice", ch);
	if (rm_num_ms(ret, optarg, LIMIT_MS) == -1)
		diex(RM_EXIT_USAGE, "bad number of seconds: %s", optarg);
}

static void
parse_option(int ch, struct opts *opts)
{
	switch (ch) {
	case 'c':
		if (opts->clients != NULL)
			diex(RM_EXIT_USAGE, "-c is given twice");
		opts->clients = optarg;
		break;
	case 'd':
		parse_ms(&opts->deny_ms, ch);
		break;
	case 'm':
		if (opts->memory_mib != 0)
			diex(RM_EXIT_USAGE, "-m is given twice");
		if (rm_num_u32(&opts->memory_mib, optarg, 16,
		    MEMORY_MAX_MIB) == -1)
			diex(RM_EXIT_USAGE, "bad number of MiB: %s", optarg);
		break;
	case 't':
		parse_ms(&opts->line_ms, ch);
		break;
	case 's':
	case 'u':
		if (opts->verb != 0)
			die_usage(USAGE);
		opts->verb = (char)ch;
		break;
	default:
		die_usage(USAGE);
	}
}

static void
parse_args(int argc, char *argv[], struct opts *opts)
{
	int ch, options = 0;

	for (; (ch = getopt(argc, argv, "+c:d:m:st:u")) != -1; options++)
		parse_option(ch, opts);
	if (argc - optind < 2 || (opts->verb != 0 &&
	    (argc - optind != 2 || options != 1)))
		die_usage(USAGE);
	opts->users = argv[optind];
	if (opts->verb != 0) {
		opts->name = argv[optind + 1];
		return;
	}
	opts->prog = rm_chain_prog(argv + optind + 1, USAGE);
	if (opts->line_ms == 0)
		opts->line_ms = LINE_MS;
	if (opts->deny_ms == 0)
		opts->deny_ms = DENY_MS;
	if (opts->memory_mib == 0)
		opts->memory_mib = MEMORY_MIB;
}

/* --- the answers ---------------------------------------------------------- */

/* The first of two: for faults that say nothing of a user. */
static _Noreturn void
refuse(enum rm_code code, const char *text)
{
	rm_tally_add(RM_TALLY_REFUSED, 1);
	rm_peer_say("! %s %s", rm_code_word(code), text);
	diex(RM_EXIT_REFUSED, "%s: refused: %s", record_peer(), text);
}

/*
 * One answer for all who do not get in, at the end of a whole number of times
 * -d since the line came: what was to be done, and how long it took, stays
 * here.
 */
static _Noreturn void
deny(const struct visit *visit, int64_t begun)
{
	int64_t step = visit->opts->deny_ms;
	int64_t spent = rm_num_now_ms() - begun;

	rm_tally_add(RM_TALLY_REFUSED, 1);
	rm_peer_rest(begun + (spent / step + 1) * step);
	rm_peer_say("! %s wrong user or password, or the user is blocked",
	    rm_code_word(RM_CODE_DENIED));
	exit(RM_EXIT_REFUSED);
}

static _Noreturn void
fail(const char *text, const char *what)
{
	int saved = errno;

	rm_peer_say("! %s %s", rm_code_word(RM_CODE_SYSTEM), text);
	errno = saved;
	die(RM_EXIT_SYSTEM, "%s: %s", text, what);
}

/* --- the line ------------------------------------------------------------- */

static void
read_line(const struct visit *visit, struct rm_login *ret)
{
	int64_t deadline = rm_num_now_ms() + visit->opts->line_ms;
	struct rm_reader reader;

	line_start(&reader, visit->admit_fd);
	rm_reader_ask(&reader);
	if (!rm_peer_wait(reader.answer, deadline))
		refuse(RM_CODE_DENIED, "no log-in came in time");
	if (!line_take(&reader, ret))
		diex(RM_EXIT_SYSTEM, "the reader failed");
	switch ((enum rm_login_kind)ret->kind) {
	case RM_LOGIN_TRY:
		return;
	case RM_LOGIN_BAD:
		refuse(RM_CODE_USAGE, ret->why);
	case RM_LOGIN_END:
		refuse(RM_CODE_USAGE, "no log-in came");
	}
}

/* Waits for a turn: at rest, so that who goes meanwhile takes none. */
static enum rm_users_result
check(const struct visit *visit, const struct rm_login *login, int64_t begun)
{
	enum rm_users_result result;

	while ((result = rm_users_check(visit->folder, login->user,
	    login->password, login->len)) == RM_USERS_FULL &&
	    rm_num_now_ms() < begun + visit->opts->line_ms)
		rm_peer_rest(rm_num_now_ms() + RETRY_MS);
	return result;
}

/* Returns when the password was right; the memory that had it is free. */
static void
log_in(struct visit *visit)
{
	enum rm_users_result result;
	struct rm_login *login;
	int64_t begun;

	if ((login = rm_secret_alloc(sizeof(*login))) == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	read_line(visit, login);
	begun = rm_num_now_ms();
	result = check(visit, login, begun);
	strcpy(visit->user, login->user);
	rm_secret_free(login);
	switch (result) {
	case RM_USERS_OK:
		return;
	case RM_USERS_WRONG:
		record_refused(visit->user, "wrong password", false);
		deny(visit, begun);
	case RM_USERS_LAST:
		record_refused(visit->user, "wrong password; blocked now",
		    true);
		deny(visit, begun);
	case RM_USERS_BLOCKED:
		record_refused(visit->user, "blocked", false);
		deny(visit, begun);
	case RM_USERS_NOBODY:
		record_refused(NULL, "no such user", false);
		deny(visit, begun);
	case RM_USERS_FULL:
		refuse(RM_CODE_BUSY, "too many log-ins at once: try again");
	case RM_USERS_ERROR:
		fail("passwords cannot be checked", visit->folder);
	}
}

/* --- what the user gets --------------------------------------------------- */

/* A place among the clients, held by the program and its heirs. */
static void
take_place(const struct visit *visit)
{
	char path[PATH_MAX], number[16];
	int fd, n;

	if (visit->opts->clients == NULL)
		return;
	n = snprintf(path, sizeof(path), "%s/%s", visit->opts->clients,
	    visit->user);
	if ((size_t)n >= sizeof(path))
		diex(RM_EXIT_USAGE, "path too long: %s",
		    visit->opts->clients);
	if ((fd = rm_lock_place(path, 0, CLIENTS_MAX)) == -1) {
		if (errno == EAGAIN)
			refuse(RM_CODE_BUSY, "this user has as many "
			    "connections as there may be");
		fail("clients cannot be counted", path);
	}
	(void)snprintf(number, sizeof(number), "%d", fd);
	if (fcntl(fd, F_SETFD, 0) == -1)
		fail("clients cannot be counted", path);
	rm_env_set("RM_LOCK_FD", number);
}

/* The administrator has no partition, everybody else has one. */
static void
find_partition(struct visit *visit)
{
	char path[PATH_MAX];
	int n;

	visit->partition[0] = '\0';
	if (strcmp(visit->user, ADMINISTRATOR) == 0)
		return;
	n = snprintf(path, sizeof(path), "%s/%s/partition", visit->folder,
	    visit->user);
	if ((size_t)n >= sizeof(path))
		diex(RM_EXIT_USAGE, "path too long: %s", visit->folder);
	if (realpath(path, visit->partition) == NULL ||
	    chdir(visit->partition) == -1)
		fail("the partition is not there", path);
}

static void
set_facts(const struct visit *visit)
{
	rm_env_set("RM_LOGIN_USER", visit->user);
	if (visit->partition[0] != '\0')
		rm_env_set("RM_LOGIN_PARTITION", visit->partition);
	else
		(void)unsetenv("RM_LOGIN_PARTITION");
}

/* What a user can make the program take, by any request. */
static void
limit_memory(uint32_t mib)
{
#ifndef __SANITIZE_ADDRESS__	/* it maps more than there is, at once */
	const rlim_t bytes = (rlim_t)mib << 20;
	const struct rlimit limit = { bytes, bytes };

	if (setrlimit(RLIMIT_AS, &limit) == -1)
		die(RM_EXIT_SYSTEM, "unable to limit memory");
#else
	(void)mib;
#endif
}

static void
receive(const struct opts *opts)
{
	struct visit visit = { .opts = opts };

	rm_chain_refuse_root();
	if (rm_secret_harden() == -1)
		die(RM_EXIT_SYSTEM, "unable to protect memory");
	visit.admit_fd = rm_peer_admit_fd();
	rm_peer_init();
	/* Once and for all: the link to a generation may change meanwhile. */
	if (realpath(opts->users, visit.folder) == NULL)
		fail("there are no users", opts->users);
	log_in(&visit);
	rm_peer_admit(&visit.admit_fd);
	record_admitted(visit.user);
	take_place(&visit);
	find_partition(&visit);
	set_facts(&visit);
	rm_tally_add(RM_TALLY_SERVICE, 1);
	rm_peer_say("+ %s", visit.user);
	limit_memory(opts->memory_mib);
	rm_peer_release();
}

int
main(int argc, char *argv[])
{
	struct opts opts = { .verb = 0 };

	rm_die_init("rm-login");
	parse_args(argc, argv, &opts);
	if (opts.verb == 's')
		keep_set(opts.users, opts.name);
	if (opts.verb == 'u')
		keep_unblock(opts.users, opts.name);
	receive(&opts);
	rm_chain_exec(opts.prog);
}
