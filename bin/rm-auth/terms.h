/* SPDX-License-Identifier: ISC */
#ifndef TERMS_H
#define TERMS_H

#include <stdbool.h>

#include "rm_err.h"
#include "rm_hash.h"
#include "rm_pub.h"
#include "rm_rules.h"
#include "rm_statement.h"
#include "rm_vote.h"

#define TERMS_HEAD_MAX	96	/* NUMBER:HASH and a NUL */

/* What is in force, and so what a vote has to be over. */
struct terms {
	char appliance[RM_HASH_HEX];
	char arming[33];
	struct rm_rules rules;
};

/* Reads policy and custodians. */
void terms_load_rules(struct rm_rules *ret);

/*
 * Reads all.  Returns 0; or -1 with the reason in the rules' fault if this is
 * no appliance (RM_CODE_SYSTEM) or not an armed one.
 */
RM_MUST_CHECK int terms_load(struct terms *ret);

/* True if what is in force at this moment is still the same. */
bool terms_hold(const struct terms *terms);

/* The head of the audit log, as the greeting has it; exits 111 if broken. */
void terms_load_head(char ret[static TERMS_HEAD_MAX]);

/*
 * OpenSSL takes ten times as long over its first key as over the next: let
 * that be while the peer's card is at work.
 */
void terms_warm_up(const struct terms *terms);

/*
 * Verifies a vote on this channel.  Returns the key (the caller frees), and
 * sets *ret_who to its owner, in terms' memory, and the signed text; or NULL
 * with the reason in err.
 */
struct rm_pub *terms_verify(const struct terms *terms, const char *channel,
    const struct rm_vote *vote, const char **ret_who,
    char ret_text[static RM_STATEMENT_MAX], struct rm_err *err);

#endif
