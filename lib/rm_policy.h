/* SPDX-License-Identifier: ISC */
#ifndef RM_POLICY_H
#define RM_POLICY_H

#include <stdbool.h>
#include <stddef.h>

#include "rm_die.h"
#include "rm_err.h"
#include "rm_text.h"

#define RM_POLICY_MAX		16384	/* bytes of the file */
#define RM_POLICY_RULES		128
#define RM_POLICY_QUORUM_MAX	64

/* How much an operation wants. */
enum rm_approval {
	RM_APPROVAL_NUMBER,	/* that many custodians */
	RM_APPROVAL_SESSION,	/* the session's quorum is enough */
	RM_APPROVAL_MASTER,	/* the service's administrator, nobody else */
	RM_APPROVAL_LOCAL	/* never remotely */
};

/* Who asks, as the chain found it out. */
struct rm_asker {
	size_t custodians;	/* of the session; 0: there is none */
	bool master;		/* user master, logged in at the service */
};

struct rm_rule {
	char operation[RM_NAME_MAX + 1];	/* or "*" */
	enum rm_approval approval;
	unsigned int number;			/* of RM_APPROVAL_NUMBER */
	unsigned int console;	/* cards at the console itself; 0: none */
};

/* The owner's policy (rm-toolkit(7), POLICY). */
struct rm_policy {
	unsigned int session;	/* the quorum of a session, 1 to 64 */
	size_t n;
	struct rm_rule rule[RM_POLICY_RULES];
};

/*
 * Takes the text of a policy apart.  What is not understood makes all of it
 * void: a rule that is ignored would allow more than its owner meant.  Returns
 * 0, or -1 with the line and its fault in err.  Pure.
 */
RM_MUST_CHECK int rm_policy_parse(struct rm_policy *ret, const char *text,
    size_t len, struct rm_err *err);

/*
 * Returns 0 if no rule asks for more than people custodians, or -1 with the
 * rule in err.
 */
RM_MUST_CHECK int rm_policy_fits(const struct rm_policy *policy,
    size_t people, struct rm_err *err);

/*
 * The rule for an operation: its own, else that of "*", else local-only.
 * The policy's memory, or static.
 */
const struct rm_rule *rm_policy_find(const struct rm_policy *policy,
    const char *operation);

/*
 * Returns 0 if the policy lets who asks do the operation, or -1 with the
 * reason in err.
 */
RM_MUST_CHECK int rm_policy_allows(const struct rm_policy *policy,
    const char *operation, const struct rm_asker *asker, struct rm_err *err);

/*
 * How many custodians' cards an operation wants at the local console: what its
 * own line says.  Never any for factory-reset, whatever stands there: nobody
 * is locked out for good.
 */
unsigned int rm_policy_console(const struct rm_policy *policy,
    const char *operation);

/*
 * Returns 0, or -1 with the reason in err if the policy asks for cards at the
 * console where none can be asked for.
 */
RM_MUST_CHECK int rm_policy_check_console(const struct rm_policy *policy,
    struct rm_err *err);

/*
 * Writes what an operation needs, by the rule that rm_policy_allows goes by,
 * for a person to read; people is the number of custodians.
 */
void rm_policy_explain(char *ret, size_t size, const struct rm_policy *policy,
    const char *operation, size_t people);

#endif
