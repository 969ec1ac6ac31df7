/* SPDX-License-Identifier: ISC */
/*
 * Cards for an operation at the console itself, where the owner's policy asks
 * for them: one after another, of different custodians, over this operation
 * with these arguments.  Never for a return to factory mode.
 *
 *	quorum_gather -- form: PIN -- rm-card -- again, until all have signed
 *	                                      `- then
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rm_custodians.h"
#include "rm_env.h"
#include "rm_hash.h"
#include "rm_io.h"
#include "rm_policy.h"
#include "view.h"

#define NEVER	"factory-reset"

static struct {
	char title[64], words[RUN_ARGS + 1][FORM_VALUE];
	char payload[RM_HASH_HEX];
	const char *argv[RUN_ARGS + 4];
	size_t want, have;
	char name[RM_POLICY_QUORUM_MAX][RM_NAME_MAX + 1];
	void (*then)(void);
} q;

/* What is in force, and how many custodians there are; -1: nobody knows. */
static int
load(struct rm_policy *ret, size_t *ret_people, struct rm_err *err)
{
	struct rm_custodians *list = malloc(sizeof(*list));
	char path[PATH_MAX], text[RM_POLICY_MAX];
	ssize_t len;
	int rc;

	if (list == NULL)
		die(RM_EXIT_SYSTEM, "there is no memory");
	rm_env_state_path(path, sizeof(path), "policy");
	len = rm_io_load_owned(path, S_IWGRP | S_IWOTH, text, sizeof(text));
	rc = len == -1 ? rm_err_set(err, RM_CODE_POLICY,
	    "unable to read the policy: %s", strerror(errno)) :
	    rm_policy_parse(ret, text, (size_t)len, err);
	rm_env_state_path(path, sizeof(path), "custodians");
	if (rc == 0)
		rc = rm_custodians_load(list, path, err);
	*ret_people = rc == 0 ? list->people : 0;
	free(list);
	return rc;
}

const char *
quorum_wants(unsigned int *ret, const char *operation, bool destructive)
{
	static char why[512];
	static struct rm_policy policy;
	struct rm_err err;
	size_t people;

	*ret = 0;
	/* Whatever is written there: nobody is locked out for good. */
	if (strcmp(operation, NEVER) == 0)
		return NULL;
	if (load(&policy, &people, &err) == -1) {
		if (!destructive)
			return NULL;
		(void)snprintf(why, sizeof(why), "not done: %s\nNobody knows "
		    "how many cards it asks for.  A return to factory\nmode "
		    "is possible all the same.\n", err.text);
		return why;
	}
	*ret = rm_policy_console(&policy, operation);
	if (*ret <= people)
		return NULL;
	(void)snprintf(why, sizeof(why), "not done: the policy asks for %u "
	    "custodians' cards, enrolled are %zu\n", *ret, people);
	return why;
}

static void ask(void);

static bool
has(const char *who)
{
	size_t i;

	for (i = 0; i < q.have; i++)
		if (strcmp(q.name[i], who) == 0)
			return true;
	return false;
}

static void
take(const char *answer, size_t len)
{
	char who[RM_NAME_MAX + 1];
	int tries;

	if (!cards_signer(who, &tries, answer)) {
		ask();
		work_tell(q.title, answer, len);
		return;
	}
	if (!has(who))
		strcpy(q.name[q.have++], who);
	if (q.have < q.want)
		ask();
	else
		q.then();
}

static void
ask(void)
{
	char text[512];
	size_t i, len;

	len = (size_t)snprintf(text, sizeof(text), "%s: card %zu of %zu",
	    q.words[0], q.have + 1, q.want);
	for (i = 0; i < q.have && len < sizeof(text) - RM_NAME_MAX - 8; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s%s", i == 0 ? "; signed: " : ", ", q.name[i]);
	(void)snprintf(text + len, sizeof(text) - len, "\n");
	cards_ask_sign(q.title, text, q.argv, take);
}

void
quorum_payload(const char *payload, size_t len, bool secret)
{
	if (len == 0 || secret)
		(void)snprintf(q.payload, sizeof(q.payload), "%s",
		    len == 0 ? "none" : "secret");
	else
		rm_hash_sha256(q.payload, payload, len);
}

void
quorum_gather(const char *title, unsigned int want,
    const char *const words[], size_t n, void (*then)(void))
{
	size_t i;

	(void)snprintf(q.title, sizeof(q.title), "%s", title);
	q.argv[0] = "operation";
	q.argv[1] = q.payload;
	for (i = 0; i < n && i <= RUN_ARGS; i++) {
		(void)snprintf(q.words[i], FORM_VALUE, "%s", words[i]);
		q.argv[i + 2] = q.words[i];
	}
	q.argv[i + 2] = NULL;
	q.want = want;
	q.have = 0;
	q.then = then;
	ask();
}
