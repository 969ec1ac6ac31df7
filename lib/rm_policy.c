/* SPDX-License-Identifier: ISC */
/*
 * The one reader of the policy: rm-auth enforces what is found here, and
 * "rmctl explain" shows the same table.  Pure.
 */
#include "rm_policy.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rm_num.h"
#include "rm_text.h"

#define LINE_BYTES	256
#define WORDS		4	/* one more than a rule has */
#define CONSOLE		"console="
#define NEVER		"factory-reset"	/* wants no card at the console */

static const char *
parse_approval(struct rm_rule *ret, const char *word)
{
	uint32_t n;

	ret->number = 0;
	if (strcmp(word, "session") == 0) {
		ret->approval = RM_APPROVAL_SESSION;
	} else if (strcmp(word, "master") == 0) {
		ret->approval = RM_APPROVAL_MASTER;
	} else if (strcmp(word, "local-only") == 0) {
		ret->approval = RM_APPROVAL_LOCAL;
	} else {
		if (rm_num_u32(&n, word, 1, RM_POLICY_QUORUM_MAX) == -1)
			return "approvals are a number from 1 to 64, "
			    "session, master or local-only";
		ret->approval = RM_APPROVAL_NUMBER;
		ret->number = n;
	}
	return NULL;
}

static const char *
parse_option(struct rm_rule *ret, const char *word)
{
	const size_t len = sizeof(CONSOLE) - 1;
	uint32_t n;

	if (strncmp(word, CONSOLE, len) != 0)
		return "an option that is not known";
	if (rm_num_u32(&n, word + len, 1, RM_POLICY_QUORUM_MAX) == -1)
		return "console= wants a number from 1 to 64";
	ret->console = n;
	return NULL;
}

static const char *
add_rule(struct rm_policy *ret, char *const word[], size_t n)
{
	struct rm_rule *rule;
	const char *why;
	size_t i;

	if (n < 2 || n == WORDS)
		return n < 2 ? "an operation without approvals" :
		    "more options than there are";
	if (ret->n == RM_POLICY_RULES)
		return "too many operations";
	if (strcmp(word[0], "*") != 0 && !rm_text_is_name(word[0]))
		return "not the name of an operation";
	for (i = 0; i < ret->n; i++)
		if (strcmp(ret->rule[i].operation, word[0]) == 0)
			return "a second line for the same operation";
	rule = &ret->rule[ret->n];
	rule->console = 0;
	if ((why = parse_approval(rule, word[1])) != NULL ||
	    (n > 2 && (why = parse_option(rule, word[2])) != NULL))
		return why;
	if (strcmp(word[0], "session") == 0) {
		if (rule->approval != RM_APPROVAL_NUMBER)
			return "the quorum of a session is a number";
		ret->session = rule->number;
	}
	strcpy(rule->operation, word[0]);
	ret->n++;
	return NULL;
}

int
rm_policy_parse(struct rm_policy *ret, const char *text, size_t len,
    struct rm_err *err)
{
	const char *end, *why, *p = text;
	char line[LINE_BYTES], *word[WORDS];
	unsigned int number = 0;
	size_t n;

	ret->n = 0;
	ret->session = 0;
	for (; len > 0; len -= (size_t)(end + 1 - p), p = end + 1) {
		number++;
		/* A file that was cut off may end in the middle of a number. */
		if ((end = memchr(p, '\n', len)) == NULL)
			return rm_err_set(err, RM_CODE_POLICY, "policy line "
			    "%u: no end of line", number);
		if (*p == '#')
			continue;
		why = rm_text_setting(line, sizeof(line), p,
		    (size_t)(end - p));
		if (why == NULL && (n = rm_text_cut(word, WORDS, line)) > 0)
			why = add_rule(ret, word, n);
		if (why != NULL)
			return rm_err_set(err, RM_CODE_POLICY,
			    "policy line %u: %s", number, why);
	}
	if (ret->session == 0)
		return rm_err_set(err, RM_CODE_POLICY, "the policy has no "
		    "line \"session N\"");
	return 0;
}

int
rm_policy_fits(const struct rm_policy *policy, size_t people,
    struct rm_err *err)
{
	const struct rm_rule *rule;
	unsigned int want;
	size_t i;

	for (i = 0; i < policy->n; i++) {
		rule = &policy->rule[i];
		want = rm_policy_console(policy, rule->operation);
		if (want < rule->number)
			want = rule->number;
		if (want > people)
			return rm_err_set(err, RM_CODE_POLICY, "the policy "
			    "asks for %u custodians for %s, enrolled %s %zu",
			    want, rule->operation, people == 1 ? "is" : "are",
			    people);
	}
	return 0;
}

unsigned int
rm_policy_console(const struct rm_policy *policy, const char *operation)
{
	const struct rm_rule *rule = rm_policy_find(policy, operation);

	return strcmp(operation, NEVER) == 0 || strcmp(rule->operation,
	    operation) != 0 ? 0 : rule->console;
}

int
rm_policy_check_console(const struct rm_policy *policy, struct rm_err *err)
{
	static const char *const without[] = { NEVER, "session", "*" };
	size_t i, j;

	for (i = 0; i < policy->n; i++)
		for (j = 0; j < 3; j++)
			if (policy->rule[i].console > 0 && strcmp(
			    policy->rule[i].operation, without[j]) == 0)
				return rm_err_set(err, RM_CODE_POLICY,
				    "no cards are asked for at the console "
				    "for %s", without[j]);
	return 0;
}

const struct rm_rule *
rm_policy_find(const struct rm_policy *policy, const char *operation)
{
	static const struct rm_rule local = { .operation = "*",
		.approval = RM_APPROVAL_LOCAL };
	const struct rm_rule *found = &local;
	size_t i;

	for (i = 0; i < policy->n; i++) {
		if (strcmp(policy->rule[i].operation, operation) == 0)
			return &policy->rule[i];
		if (strcmp(policy->rule[i].operation, "*") == 0)
			found = &policy->rule[i];
	}
	return found;
}

int
rm_policy_allows(const struct rm_policy *policy, const char *operation,
    const struct rm_asker *asker, struct rm_err *err)
{
	const struct rm_rule *rule = rm_policy_find(policy, operation);
	size_t want = policy->session;

	switch (rule->approval) {
	case RM_APPROVAL_LOCAL:
		return rm_err_set(err, RM_CODE_POLICY, "%s is for the local "
		    "console only", operation);
	case RM_APPROVAL_MASTER:
		if (asker->master)
			return 0;
		return rm_err_set(err, RM_CODE_POLICY, "%s is for user master "
		    "of the service", operation);
	case RM_APPROVAL_NUMBER:
		want = rule->number;
		break;
	case RM_APPROVAL_SESSION:
		break;
	}
	if (asker->custodians == 0)
		return rm_err_set(err, RM_CODE_POLICY, "%s needs a session of "
		    "custodians, %zu of them", operation, want);
	if (asker->custodians < want)
		return rm_err_set(err, RM_CODE_POLICY, "%s needs %zu "
		    "custodians, this session has %zu", operation, want,
		    asker->custodians);
	return 0;
}

void
rm_policy_explain(char *ret, size_t size, const struct rm_policy *policy,
    const char *operation, size_t people)
{
	const struct rm_rule *rule = rm_policy_find(policy, operation);
	unsigned int cards = rm_policy_console(policy, operation);
	size_t len;

	switch (rule->approval) {
	case RM_APPROVAL_LOCAL:
		(void)snprintf(ret, size, "the local console");
		break;
	case RM_APPROVAL_MASTER:
		(void)snprintf(ret, size, "user master, logged in at the "
		    "service");
		break;
	case RM_APPROVAL_NUMBER:
		(void)snprintf(ret, size, "%u of %zu custodians",
		    rule->number, people);
		break;
	case RM_APPROVAL_SESSION:
		(void)snprintf(ret, size, "the session's quorum, %u of %zu "
		    "custodians", policy->session, people);
		break;
	}
	len = strlen(ret);
	if (cards > 0)
		(void)snprintf(ret + len, size - len, "; at the console %u "
		    "card%s", cards, cards == 1 ? "" : "s");
}
