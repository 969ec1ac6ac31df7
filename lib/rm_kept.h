/* SPDX-License-Identifier: ISC */
#ifndef RM_KEPT_H
#define RM_KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_hash.h"
#include "rm_vote.h"

#define RM_KEPT_MAX	2048	/* bytes of the file, and a NUL */

/*
 * A vote that waits for its manager's connection (rm-toolkit(7), FILES): until
 * when, and the channel of the connection on which it was given, which is a
 * part of what was signed.
 */
struct rm_kept {
	uint64_t until_ms;		/* of CLOCK_BOOTTIME */
	char channel[RM_HASH_HEX];
	struct rm_vote vote;		/* of kind RM_VOTE_KEEP */
};

/* Writes its text to ret.  Returns its length, or -1 if it does not fit. */
RM_MUST_CHECK int rm_kept_write(char *ret, size_t size,
    const struct rm_kept *kept);

/*
 * Takes such a text apart.  Returns 0; or -1 if it is none, to its last byte.
 * Nothing is verified.  Pure.
 */
RM_MUST_CHECK int rm_kept_parse(struct rm_kept *ret, const char *text,
    size_t len);

#endif
