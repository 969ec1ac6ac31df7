/* SPDX-License-Identifier: ISC */
#ifndef KEPT_H
#define KEPT_H

#include <stddef.h>
#include <stdint.h>

#include "quorum.h"
#include "rm_vote.h"
#include "terms.h"

/*
 * Votes that wait for their manager's own connection, in $RM_RUN/votes, one
 * for each custodian.  All of it happens between kept_lock and kept_unlock:
 * who counts them spends them before anybody else can count.
 */
struct kept_sum {
	size_t n;		/* votes that were added */
	uint64_t left_s;	/* until the first of them is over */
};

/* Exits 111 if the lock cannot be had. */
void kept_lock(void);
void kept_unlock(void);

/*
 * Keeps a vote of who's, which was verified on this channel, for so long, in
 * place of the one that is there.  0, or -1 with errno.
 */
RM_MUST_CHECK int kept_put(const char *who, const struct rm_vote *vote,
    const char *channel, uint32_t ms);

/*
 * Adds to q who has a vote kept for q's manager and is not in it.  Each is
 * verified again, against terms; what is over, or not in force any more, is
 * forgotten.
 */
void kept_count(struct quorum *q, const struct terms *terms,
    struct kept_sum *ret);

/* A session begins: there are none any more. */
void kept_void(void);

#endif
