/* SPDX-License-Identifier: ISC */
#ifndef RM_RULES_H
#define RM_RULES_H

#include <stddef.h>

#include "rm_custodians.h"
#include "rm_die.h"
#include "rm_err.h"
#include "rm_hash.h"
#include "rm_policy.h"

/*
 * The rules in force: the owner's policy and who is enrolled.  One place reads
 * them, for who enforces, who explains and who changes them.
 */
struct rm_rules {
	struct rm_policy policy;
	struct rm_custodians custodians;
	char hash[RM_HASH_HEX];		/* "rules" of every signed text */
	struct rm_err fault;	/* code RM_CODE_OK, or why nobody gets in */
};

/*
 * Reads the file of the policy, which none but its owner may write, and the
 * folder of the custodians.  The first fault is told; the hash is made of what
 * could be read.
 */
void rm_rules_load(struct rm_rules *ret, const char *policy,
    const char *custodians);

/*
 * Takes who has that name out of the list, or only that key of theirs (NULL:
 * all).  Returns how many keys that were.
 */
size_t rm_rules_without(struct rm_custodians *list, const char *name,
    const char *keyid);

#endif
