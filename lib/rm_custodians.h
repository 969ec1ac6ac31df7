/* SPDX-License-Identifier: ISC */
#ifndef RM_CUSTODIANS_H
#define RM_CUSTODIANS_H

#include <stdbool.h>
#include <stddef.h>

#include "rm_die.h"
#include "rm_err.h"
#include "rm_hash.h"
#include "rm_policy.h"
#include "rm_text.h"

#define RM_CUSTODIANS_MAX	64	/* people */
#define RM_CUSTODIANS_KEYS	256	/* of all of them together */

struct rm_custodian {
	char name[RM_NAME_MAX + 1];
	char keyid[RM_HASH_HEX];
};

/*
 * Who is enrolled: the files NAME/KEYID.pem below a folder, known by their
 * names, sorted by name and KEYID.  One person may have several keys; no key
 * belongs to two people.
 */
struct rm_custodians {
	size_t people;
	size_t n;
	struct rm_custodian key[RM_CUSTODIANS_KEYS];
};

/*
 * Reads the folder; one that does not exist is empty.  Files of other names
 * are no enrolled keys.  Returns 0, or -1 with the reason in err.
 */
RM_MUST_CHECK int rm_custodians_load(struct rm_custodians *ret,
    const char *folder, struct rm_err *err);

/* Whose key that is, or NULL. */
const char *rm_custodians_owner(const struct rm_custodians *list,
    const char *keyid);

/* True if a person of that name is enrolled. */
bool rm_custodians_has(const struct rm_custodians *list, const char *name);

/*
 * The hash of policy and custodians in force (rm-toolkit(7), SIGNED TEXTS);
 * len is at most RM_POLICY_MAX.
 */
void rm_custodians_rules(char ret_hex[static RM_HASH_HEX],
    const struct rm_custodians *list, const char *policy, size_t len);

#endif
