/* SPDX-License-Identifier: ISC */
/* Policies that are understood, and those that let nobody in. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rm_policy.h"

static int tests;

static void
ok(bool good, const char *what, const char *detail)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++tests, what,
	    detail);
}

static int
allows(const struct rm_policy *p, const char *operation, size_t custodians,
    struct rm_err *err)
{
	const struct rm_asker asker = { .custodians = custodians };

	return rm_policy_allows(p, operation, &asker, err);
}

static void
test_good(void)
{
	static const char text[] = "# operation  approvals\n\n \t\n"
	    "session  2\nstatus\tsession\nset-mode 3 \n"
	    "  halt local-only\n# \xc3\xa4 comment\n* 1\n";
	struct rm_policy p;
	struct rm_err err = { .text = "" };

	ok(rm_policy_parse(&p, text, strlen(text), &err) == 0, "a policy",
	    err.text);
	ok(p.session == 2 && p.n == 5, "its rules", "all");
	ok(rm_policy_find(&p, "halt")->approval == RM_APPROVAL_LOCAL &&
	    rm_policy_find(&p, "set-mode")->number == 3 &&
	    rm_policy_find(&p, "other")->number == 1, "find", "own, then *");
	ok(allows(&p, "status", 2, &err) == 0 &&
	    allows(&p, "other", 2, &err) == 0 &&
	    allows(&p, "set-mode", 3, &err) == 0, "allowed", "");
	ok(allows(&p, "status", 1, &err) == -1, "not", err.text);
	ok(allows(&p, "set-mode", 2, &err) == -1 && strcmp(err.text,
	    "set-mode needs 3 custodians, this session has 2") == 0, "not",
	    err.text);
	ok(allows(&p, "halt", 64, &err) == -1 && strcmp(err.text,
	    "halt is for the local console only") == 0, "not", err.text);
	ok(rm_policy_fits(&p, 3, &err) == 0, "fits", "3 people");
	ok(rm_policy_fits(&p, 2, &err) == -1 && strcmp(err.text,
	    "the policy asks for 3 custodians for set-mode, "
	    "enrolled are 2") == 0, "does not fit", err.text);
	ok(rm_policy_parse(&p, "session 1\n", 10, &err) == 0 &&
	    rm_policy_find(&p, "x")->approval == RM_APPROVAL_LOCAL,
	    "what has no line", "is local-only");
}

/* Whoever is logged in at the service has no session, and the reverse. */
static void
test_master(void)
{
	static const char text[] = "session 1\nstatus session\n"
	    "partition-list master\nset-mode 1\n* local-only\n";
	const struct rm_asker master = { .master = true };
	const struct rm_asker nobody = { .custodians = 0 };
	const struct rm_asker both = { .custodians = 1, .master = true };
	struct rm_policy p;
	struct rm_err err = { .text = "" };

	ok(rm_policy_parse(&p, text, strlen(text), &err) == 0 &&
	    rm_policy_fits(&p, 1, &err) == 0, "a policy with master",
	    err.text);
	ok(rm_policy_allows(&p, "partition-list", &master, &err) == 0 &&
	    rm_policy_allows(&p, "partition-list", &both, &err) == 0 &&
	    rm_policy_allows(&p, "status", &both, &err) == 0, "allowed",
	    "to master");
	ok(allows(&p, "partition-list", 64, &err) == -1 && strcmp(err.text,
	    "partition-list is for user master of the service") == 0, "not",
	    err.text);
	ok(rm_policy_allows(&p, "partition-list", &nobody, &err) == -1, "not",
	    "another user");
	ok(rm_policy_allows(&p, "status", &master, &err) == -1 &&
	    strcmp(err.text, "status needs a session of custodians, 1 of "
	    "them") == 0, "not", err.text);
	ok(rm_policy_allows(&p, "set-mode", &master, &err) == -1, "not",
	    err.text);
	ok(rm_policy_allows(&p, "other", &both, &err) == -1, "not", err.text);
}

/* What is told is what is enforced. */
static void
test_explain(void)
{
	static const char text[] = "session 2\na session\nb 3\nc master\n"
	    "e local-only console=2\nf 1 console=1\n"
	    "factory-reset session console=3\n* local-only console=4\n";
	static const struct {
		const char *operation, *needs;
	} table[] = {
		{ "a", "the session's quorum, 2 of 5 custodians" },
		{ "b", "3 of 5 custodians" },
		{ "c", "user master, logged in at the service" },
		{ "d", "the local console" },
		{ "e", "the local console; at the console 2 cards" },
		{ "f", "1 of 5 custodians; at the console 1 card" },
		{ "factory-reset", "the session's quorum, 2 of 5 custodians" },
	};
	struct rm_policy p;
	struct rm_err err = { .text = "" };
	char needs[128];
	size_t i;

	ok(rm_policy_parse(&p, text, strlen(text), &err) == 0, "a policy", "");
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rm_policy_explain(needs, sizeof(needs), &p,
		    table[i].operation, 5);
		ok(strcmp(needs, table[i].needs) == 0, "needs", needs);
	}
}

/* Cards at the console itself: by an operation's own line, and not by all. */
static void
test_console(void)
{
	static const char text[] = "session 1\nset-mode local-only console=3\n"
	    "factory-reset 1 console=9\n* local-only\n";
	static const char *const refused[] = {
		"session 1\nfactory-reset session console=1\n",
		"session 1 console=1\n", "session 1\n* 1 console=1\n"
	};
	struct rm_policy p;
	struct rm_err err = { .text = "" };
	size_t i;

	ok(rm_policy_parse(&p, text, strlen(text), &err) == 0, "a policy",
	    err.text);
	ok(rm_policy_console(&p, "set-mode") == 3, "console", "its own line");
	ok(rm_policy_console(&p, "restart") == 0, "console", "no line");
	ok(rm_policy_console(&p, "factory-reset") == 0, "console",
	    "never for factory-reset");
	ok(rm_policy_fits(&p, 3, &err) == 0, "fits", "3 people");
	ok(rm_policy_fits(&p, 2, &err) == -1 && strcmp(err.text,
	    "the policy asks for 3 custodians for set-mode, enrolled are 2"
	    ) == 0, "does not fit", err.text);
	ok(rm_policy_check_console(&p, &err) == -1 && strcmp(err.text,
	    "no cards are asked for at the console for factory-reset") == 0,
	    "refused", err.text);
	for (i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		ok(rm_policy_parse(&p, refused[i], strlen(refused[i]),
		    &err) == 0 && rm_policy_console(&p, "x") == 0 &&
		    rm_policy_check_console(&p, &err) == -1, "refused",
		    err.text);
	ok(rm_policy_parse(&p, "session 1\nx 1 console=1\n", 24, &err) == 0 &&
	    rm_policy_check_console(&p, &err) == 0, "taken", "x");
}

static void
test_bad(void)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{ "", "the policy has no line \"session N\"" },
		{ "status session\n", "the policy has no line \"session N\"" },
		{ "session 1", "policy line 1: no end of line" },
		{ "session 1\n* 2", "policy line 2: no end of line" },
		{ "session 0\n", "policy line 1: approvals are a number from "
		    "1 to 64, session, master or local-only" },
		{ "session 65\n", NULL }, { "session -1\n", NULL },
		{ "session +1\n", NULL }, { "session 1x\n", NULL },
		{ "session 99999999999999999999\n", NULL },
		{ "session session\n",
		    "policy line 1: the quorum of a session is a number" },
		{ "session local-only\n",
		    "policy line 1: the quorum of a session is a number" },
		{ "session master\n",
		    "policy line 1: the quorum of a session is a number" },
		{ "session 1\nx Master\n", NULL },
		{ "session\n", "policy line 1: an operation without approvals"
		    },
		{ "session 2 any-manager\n",
		    "policy line 1: an option that is not known" },
		{ "session 2\nx 1 console=0\n",
		    "policy line 2: console= wants a number from 1 to 64" },
		{ "session 2\nx 1 console=65\n", NULL },
		{ "session 2\nx 1 console\n",
		    "policy line 2: an option that is not known" },
		{ "session 2\nx 1 console=1 console=2\n",
		    "policy line 2: more options than there are" },
		{ "session 2\nsession 1\n",
		    "policy line 2: a second line for the same operation" },
		{ "* 1\n* 1\nsession 1\n",
		    "policy line 2: a second line for the same operation" },
		{ "Session 1\n", "policy line 1: not the name of an operation"
		    },
		{ "session 1\n../x 1\n", NULL }, { "session 1\n** 1\n", NULL },
		{ "session 1\r\n", "policy line 1: not printable ASCII" },
		{ "session 1\na\xc3\xa4 1\n", NULL },
		{ "session 1\n\x1b[2J 1\n", NULL },
	};
	struct rm_policy p;
	struct rm_err err;
	char many[8192] = "session 1\n", longer[400];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		err.text[0] = '\0';
		ok(rm_policy_parse(&p, table[i].text, strlen(table[i].text),
		    &err) == -1 && err.code == RM_CODE_POLICY &&
		    (table[i].why == NULL ||
		    strcmp(err.text, table[i].why) == 0), "refused", err.text);
	}
	ok(rm_policy_parse(&p, "session 1\n\0\n", 12, &err) == -1, "refused",
	    "a NUL");
	for (i = 1; i < RM_POLICY_RULES; i++)
		(void)snprintf(many + strlen(many), 16, "op-%zu 1\n", i);
	ok(rm_policy_parse(&p, many, strlen(many), &err) == 0 &&
	    p.n == RM_POLICY_RULES, "as many rules as there may be", "");
	(void)strcpy(many + strlen(many), "one-more 1\n");
	ok(rm_policy_parse(&p, many, strlen(many), &err) == -1, "refused",
	    err.text);
	memset(longer, ' ', sizeof(longer));
	longer[sizeof(longer) - 1] = '\n';
	ok(rm_policy_parse(&p, longer, sizeof(longer), &err) == -1, "refused",
	    err.text);
}

int
main(void)
{
	test_good();
	test_master();
	test_explain();
	test_console();
	test_bad();
	printf("1..%d\n", tests);
	return 0;
}
