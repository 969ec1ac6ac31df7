/* SPDX-License-Identifier: ISC */
/*
 * rm-auth: verify card signatures until the quorum of the policy is complete.
 * Fed by rm-tls in the chain; what the peer says is taken apart by a jailed
 * reader.  It trusts policy and custodians of RM_STATE and the channel of
 * RM_TLS_EXPORTER; it MUST NOT run the program before as many enrolled people
 * as the policy wants have signed this very connection.  Inside a session it
 * only looks into the policy.
 * Example: rm-tls device.crt device.key -- rm-auth session -- rm-exec ops/
 */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rm-auth/quorum.h"
#include "rm-auth/reader.h"
#include "rm-auth/terms.h"
#include "rm-auth/visit.h"
#include "rm_chain.h"
#include "rm_code.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_lock.h"
#include "rm_num.h"
#include "rm_peer.h"
#include "rm_reader.h"
#include "rm_tally.h"

#define USAGE		"rm-auth [-k seconds] [-t seconds] [-T seconds] " \
			"session [--] prog [arg ...]\n" \
			"       rm-auth operation [arg ...] -- prog [arg ...]"
#define FIRST_MS	15000	/* to the first valid signature */
#define NEXT_MS		120000	/* from one to the next: a card is changed */
#define KEEP_MS		600000	/* for a vote that waits for its manager */
#define LIMIT_MS	3600000

struct opts {
	uint32_t first_ms, next_ms, keep_ms;
	const char *operation;
	char **prog;
};

static void
parse_args(int argc, char *argv[], struct opts *opts)
{
	uint32_t *ms;
	int ch;

	while ((ch = getopt(argc, argv, "+k:t:T:")) != -1) {
		if (ch == '?')
			die_usage(USAGE);
		ms = ch == 'k' ? &opts->keep_ms :
		    ch == 't' ? &opts->first_ms : &opts->next_ms;
		if (*ms != 0)
			diex(RM_EXIT_USAGE, "-%c is given twice", ch);
		if (rm_num_ms(ms, optarg, LIMIT_MS) == -1)
			diex(RM_EXIT_USAGE, "bad number of seconds: %s",
			    optarg);
	}
	if (argc - optind < 2)
		die_usage(USAGE);
	opts->operation = argv[optind++];
	if (!rm_text_is_name(opts->operation))
		diex(RM_EXIT_USAGE, "bad name of an operation: %s",
		    opts->operation);
	/* Only "--" parts the arguments of an operation from a program. */
	if (strcmp(opts->operation, "session") != 0)
		while (argv[optind] != NULL && strcmp(argv[optind], "--") != 0)
			optind++;
	opts->prog = rm_chain_prog(argv + optind, USAGE);
	if (opts->first_ms == 0)
		opts->first_ms = FIRST_MS;
	if (opts->next_ms == 0)
		opts->next_ms = NEXT_MS;
	if (opts->keep_ms == 0)
		opts->keep_ms = KEEP_MS;
}

/* --- behind a session, or a login ------------------------------------- */

static bool
has_fact(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0';
}

/*
 * How many of the session's custodians still are: whoever has been removed
 * meanwhile counts no more, and a manager who has commands no more.
 */
static size_t
count_custodians(const struct rm_custodians *enrolled)
{
	char name[RM_NAME_MAX + 1];
	const char *p = rm_env_need("RM_AUTH_CUSTODIANS");
	size_t len, n = 0;

	if (!rm_custodians_has(enrolled, rm_env_need("RM_AUTH_MANAGER")))
		return 0;
	for (; *p != '\0'; p += len + (p[len] == ',')) {
		len = strcspn(p, ",");
		if (len == 0 || len >= sizeof(name))
			diex(RM_EXIT_USAGE, "RM_AUTH_CUSTODIANS are no names");
		memcpy(name, p, len);
		name[len] = '\0';
		n += rm_custodians_has(enrolled, name);
	}
	return n;
}

/* The runner makes its answer of a line that begins with "!!". */
static void
ask_policy(const char *operation)
{
	struct rm_asker asker = { .custodians = 0 };
	static struct rm_rules rules;

	/* Facts that leaked into a new chain are no authentication. */
	if (strcmp(operation, "session") == 0)
		diex(RM_EXIT_USAGE, "RM_AUTH_MANAGER is set: no session "
		    "begins inside another");
	terms_load_rules(&rules);
	if (has_fact("RM_AUTH_MANAGER")) {
		asker.custodians = count_custodians(&rules.custodians);
		if (asker.custodians == 0 && rules.fault.code == RM_CODE_OK)
			(void)rm_err_set(&rules.fault, RM_CODE_NOT_ENROLLED,
			    "%s is no custodian any more",
			    getenv("RM_AUTH_MANAGER"));
	}
	if (has_fact("RM_LOGIN_USER"))
		asker.master = strcmp(getenv("RM_LOGIN_USER"), "master") == 0;
	if (rules.fault.code == RM_CODE_OK && rm_policy_allows(&rules.policy,
	    operation, &asker, &rules.fault) == 0)
		return;
	(void)printf("!! %s %s\n", rm_code_word(rules.fault.code),
	    rules.fault.text);
	(void)fflush(stdout);
	diex(RM_EXIT_REFUSED, "refused: %s", rules.fault.text);
}

/* --- a visit ---------------------------------------------------------- */

static void
greet(struct visit *visit)
{
	char lock[PATH_MAX], head[TERMS_HEAD_MAX];
	struct terms *terms = &visit->terms;
	const struct rm_err *fault = &terms->rules.fault;
	int busy;

	if (terms_load(terms) == -1) {
		visit_refuse(visit, fault->code, fault->text);
		exit(fault->code == RM_CODE_SYSTEM ? RM_EXIT_USAGE :
		    RM_EXIT_REFUSED);
	}
	terms_load_head(head);
	rm_env_run_path(lock, sizeof(lock), "session");
	if ((busy = rm_lock_ask(lock)) == -1)
		die(RM_EXIT_SYSTEM, "unable to ask for the lock %s", lock);
	rm_peer_say("rm/1 %s %s arming=%s rules=%s log=%s", terms->appliance,
	    busy ? "busy" : "ready", terms->arming, terms->rules.hash, head);
	if (busy || fault->code != RM_CODE_OK)
		rm_tally_add(RM_TALLY_REFUSED, 1);
	if (busy) {
		visit_count(visit);
		diex(RM_EXIT_REFUSED, "%s: refused: a session is under way",
		    visit->ip);
	}
	if (fault->code != RM_CODE_OK) {
		visit_refuse(visit, fault->code, fault->text);
		exit(RM_EXIT_REFUSED);
	}
	visit->quorum.want = terms->rules.policy.session;
}

static void
set_facts(const struct quorum *q)
{
	char names[QUORUM_TEXT_MAX], since[32];
	time_t now = time(NULL);
	struct tm tm;

	quorum_names(q, ",", names);
	if (gmtime_r(&now, &tm) == NULL || strftime(since, sizeof(since),
	    "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		diex(RM_EXIT_SYSTEM, "unable to tell the time");
	rm_env_set("RM_AUTH_MANAGER", q->manager);
	rm_env_set("RM_AUTH_CUSTODIANS", names);
	rm_env_set("RM_AUTH_SINCE", since);
}

static void
receive(const struct opts *opts)
{
	struct visit visit = { .channel = rm_env_need("RM_TLS_EXPORTER"),
		.ip = rm_env_need("TCPREMOTEIP"), .next_ms = opts->next_ms,
		.keep_ms = opts->keep_ms,
		.deadline = rm_num_now_ms() + opts->first_ms };

	rm_chain_refuse_root();
	if (strcmp(opts->operation, "session") != 0)
		diex(RM_EXIT_USAGE, "RM_AUTH_MANAGER is missing: outside a "
		    "session only a session can be asked for");
	if (!rm_text_is_hex(visit.channel, RM_HASH_HEX - 1))
		diex(RM_EXIT_USAGE, "RM_TLS_EXPORTER is not 64 digits");
	visit.admit_fd = rm_peer_admit_fd();
	rm_peer_init();
	/* Before the files, so that it enters its jail meanwhile. */
	reader_start(&visit.reader, visit.admit_fd);
	greet(&visit);
	visit_collect(&visit);
	rm_reader_end(&visit.reader);
	set_facts(&visit.quorum);
	rm_tally_add(RM_TALLY_MANAGEMENT, 1);
	rm_peer_release();
}

int
main(int argc, char *argv[])
{
	struct opts opts = { .operation = NULL };

	rm_die_init("rm-auth");
	parse_args(argc, argv, &opts);
	/* A login is no quorum: behind one, votes can still be given. */
	if (has_fact("RM_AUTH_MANAGER") || (has_fact("RM_LOGIN_USER") &&
	    strcmp(opts.operation, "session") != 0))
		ask_policy(opts.operation);
	else
		receive(&opts);
	rm_env_set("RM_AUTH_OPERATION", opts.operation);
	rm_chain_exec(opts.prog);
}
