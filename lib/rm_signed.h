/* SPDX-License-Identifier: ISC */
#ifndef RM_SIGNED_H
#define RM_SIGNED_H

#include "rm_die.h"
#include "rm_err.h"
#include "rm_pub.h"
#include "rm_vote.h"

/*
 * A custodian's signature over a text of ours, wherever the card was: at a
 * station or in the console's own reader.
 */

/*
 * The enrolled key of who, from its file below the folder of the custodians,
 * which none but its owner may write.  NULL with *ret_why set (our text, or
 * strerror's) if it cannot be used.  The caller frees.
 */
RM_MUST_CHECK struct rm_pub *rm_signed_key(const char *folder,
    const char *who, const char *keyid, const char **ret_why);

/*
 * Returns 0 if the vote has the key's algorithm and its signature over text;
 * else -1 with DENIED in err, which for the signature says what.
 */
RM_MUST_CHECK int rm_signed_check(const struct rm_vote *vote,
    const struct rm_pub *pub, const char *text, const char *what,
    struct rm_err *err);

/*
 * Adds text, alg, sig and key to an event: enough to prove away from the
 * appliance who signed what.
 */
struct rm_event;
void rm_signed_put(struct rm_event *ev, const char *text, const uint8_t *sig,
    size_t sig_len, const struct rm_pub *pub);

#endif
