/* SPDX-License-Identifier: ISC */
#ifndef QUORUM_H
#define QUORUM_H

#include <stdbool.h>
#include <stddef.h>

#include "rm_custodians.h"
#include "rm_text.h"

#define QUORUM_TEXT_MAX	(RM_CUSTODIANS_MAX * (RM_NAME_MAX + 2) + 192)

/* Who has voted on this connection, and for whom; the names are sorted. */
struct quorum {
	unsigned int want;
	size_t n;
	char manager[RM_NAME_MAX + 1];
	char who[RM_CUSTODIANS_MAX][RM_NAME_MAX + 1];
};

/* True if that person has voted already: people count, not cards. */
bool quorum_has(const struct quorum *q, const char *who);

/* Counts a person who has not voted; the first vote fixes the manager. */
void quorum_add(struct quorum *q, const char *who, const char *manager);

/* M people have voted, and the manager is one of them. */
bool quorum_is_complete(const struct quorum *q);

/*
 * "1 of 2 for bob: alice".  The first number reaches the second only when the
 * quorum is complete, so a station needs no other sign.
 */
void quorum_tell(const struct quorum *q, char ret[static QUORUM_TEXT_MAX]);

/* The names, parted by separator. */
void quorum_names(const struct quorum *q, const char *separator,
    char ret[static QUORUM_TEXT_MAX]);

#endif
