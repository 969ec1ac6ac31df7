/* SPDX-License-Identifier: ISC */
/*
 * rmctl partition: users of the HSM service and their partitions, as master,
 * through the service.  The operations are the appliance's; what is done here
 * is to ask for the secrets that go with them.
 *
 * MUST: all secrets are there before anything is dialled, so that no
 *	connection waits for a person.
 * MUST: they are in locked memory only, and wiped when they are sent.
 */
#include "rmctl.h"

#include <stdio.h>
#include <string.h>

#include "rm_secret.h"

#define ADMINISTRATOR	"master"
#define SECRETS_MAX	2
#define PROMPT_MAX	512

static const struct verb {
	const char *name, *operation;
	bool user;
	const char *secrets[SECRETS_MAX];	/* lines of the payload */
	bool twice[SECRETS_MAX];		/* new ones: as a check */
} verbs[] = {
	{ "list", "partition-list", false, { NULL }, { false } },
	{ "create", "partition-create", true,
	    { "New password of user", "New PIN of the partition of" },
	    { true, true } },
	{ "delete", "partition-delete", true, { NULL }, { false } },
	{ "change-pin", "partition-change-pin", true,
	    { "Old PIN of the partition of", "New PIN of the partition of" },
	    { false, true } },
};

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* --- secrets -------------------------------------------------------------- */

static int
ask_once(struct rm_secret *ret, const char *what, const char *user)
{
	char prompt[PROMPT_MAX];
	struct rm_err err;

	(void)snprintf(prompt, sizeof(prompt), "%s %s: ", what, user);
	if (rm_secret_from_tty(ret, prompt, -1, &err) == 0)
		return RM_CODE_OK;
	return rmctl_fail(err.code, "%s; or use --payload FILE", err.text);
}

/* Asks for one secret, twice if it is new. */
static int
ask(struct rm_secret *ret, struct rm_secret *again, const char *what,
    bool twice, const char *user)
{
	int rc;

	rc = ask_once(ret, what, user);
	if (rc != RM_CODE_OK || !twice)
		return rc;
	rc = ask_once(again, "The same again for", user);
	if (rc != RM_CODE_OK || rm_secret_is(ret, again))
		return rc;
	return rmctl_fail(RM_CODE_USAGE, "what was typed again is something "
	    "else");
}

/* Each is a line of the payload, which has room for all of them. */
static int
ask_all(struct payload *ret, const struct verb *verb, const char *user,
    struct rm_secret *one, struct rm_secret *again)
{
	size_t i;
	int rc;

	for (i = 0; i < SECRETS_MAX && verb->secrets[i] != NULL; i++) {
		rc = ask(one, again, verb->secrets[i], verb->twice[i], user);
		if (rc != RM_CODE_OK)
			return rc;
		memcpy(ret->bytes + ret->len, one->text, one->len);
		ret->len += one->len;
		ret->bytes[ret->len++] = '\n';
	}
	return RM_CODE_OK;
}

/* What goes with the operation: a file if one was given, else as typed. */
static int
take_secrets(struct payload *ret, const struct verb *verb, const char *user)
{
	struct rm_secret *one, *again;
	int rc;

	if (verb->secrets[0] == NULL)
		return rmctl_opts.payload == NULL ? RM_CODE_OK :
		    rmctl_fail(RM_CODE_USAGE, "partition %s takes no payload",
		    verb->name);
	if (rmctl_opts.payload != NULL)
		return payload_load(ret, rmctl_opts.payload);
	one = rm_secret_alloc(sizeof(*one));
	again = rm_secret_alloc(sizeof(*again));
	ret->bytes = rm_secret_alloc(SECRETS_MAX * (sizeof(one->text) + 1));
	rc = one == NULL || again == NULL || ret->bytes == NULL ?
	    rmctl_fail(RM_CODE_SYSTEM, "no memory for secrets") :
	    ask_all(ret, verb, user, one, again);
	rm_secret_free(one);
	rm_secret_free(again);
	return rc;
}

/* --- the operation -------------------------------------------------------- */

static int
run(const struct verb *verb, const char *user, struct payload *payload,
    struct rm_secret **password)
{
	char operation[32], name[64];
	char *const words[] = { operation, name };
	static struct link service;
	struct link *l = &service;
	int rc;

	(void)snprintf(operation, sizeof(operation), "%s", verb->operation);
	(void)snprintf(name, sizeof(name), "%s", user);
	if ((rc = link_find_service(l, rmctl_opts.host)) != RM_CODE_OK ||
	    (rc = service_password(password, ADMINISTRATOR, l->where)) !=
	    RM_CODE_OK || (rc = take_secrets(payload, verb, user)) !=
	    RM_CODE_OK)
		return rc;
	if ((rc = service_dial(l)) == RM_CODE_OK &&
	    (rc = link_shake(l)) == RM_CODE_OK)
		rc = service_enter(l, ADMINISTRATOR, *password);
	rm_secret_free(*password);
	*password = NULL;
	if (rc == RM_CODE_OK)
		rc = session_run(l, verb->user ? 2 : 1, words, payload);
	payload_free(payload);
	return session_leave(l, rc);
}

static const struct verb *
find(int argc, char *argv[])
{
	size_t i;

	for (i = 0; argc > 1 && i < N(verbs); i++)
		if (strcmp(argv[1], verbs[i].name) == 0 &&
		    argc == (verbs[i].user ? 3 : 2))
			return &verbs[i];
	return NULL;
}

int
rmctl_partition(int argc, char *argv[])
{
	struct payload payload = { .bytes = NULL };
	const struct verb *verb = find(argc, argv);
	struct rm_secret *password = NULL;
	int rc;

	if (verb == NULL)
		return rmctl_fail(RM_CODE_USAGE, "partition: list, create "
		    "USER, delete USER or change-pin USER");
	if (rmctl_opts.user != NULL &&
	    strcmp(rmctl_opts.user, ADMINISTRATOR) != 0)
		return rmctl_fail(RM_CODE_USAGE, "partition: only "
		    ADMINISTRATOR " administers, not %s", rmctl_opts.user);
	if ((rc = session_need_host()) != RM_CODE_OK)
		return rc;
	if (rmctl_opts.payload != NULL && rmctl_opts.password_fd == 0 &&
	    strcmp(rmctl_opts.payload, "-") == 0)
		return rmctl_fail(RM_CODE_USAGE, "standard input has either "
		    "the password or the payload");
	rc = run(verb, verb->user ? argv[2] : "-", &payload, &password);
	rm_secret_free(password);
	payload_free(&payload);
	return rc;
}
