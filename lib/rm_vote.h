/* SPDX-License-Identifier: ISC */
#ifndef RM_VOTE_H
#define RM_VOTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_text.h"

#define RM_VOTES_MAX		64	/* on one connection */
#define RM_VOTE_ALG_MAX		16	/* bytes of the longest word */
#define RM_VOTE_SIG_MAX		512	/* RSA 4096 */
#define RM_VOTE_KEYID_LEN	64

enum rm_vote_kind {
	RM_VOTE_GIVEN = 1,	/* the line is a vote; nothing is verified */
	RM_VOTE_KEEP,		/* so is this, to be kept for its manager */
	RM_VOTE_BAD,		/* it is not: see why */
	RM_VOTE_END,		/* end of input */
	RM_VOTE_FULL		/* the peer has said more than it may */
};

/*
 * What a jailed reader hands up for one line: fixed size, written in one
 * piece.  All texts end with a NUL within their arrays.
 */
struct rm_vote {
	uint32_t kind;		/* enum rm_vote_kind */
	uint32_t sig_len;
	char manager[RM_NAME_MAX + 1];
	char keyid[RM_VOTE_KEYID_LEN + 1];
	char alg[RM_VOTE_ALG_MAX + 1];
	char why[80];
	uint8_t sig[RM_VOTE_SIG_MAX];
};

/*
 * Takes a line (without its LF) apart: present|keep MANAGER KEYID ALG
 * SIGNATURE (rm-toolkit(7), THE WIRE).  *ret is RM_VOTE_GIVEN, RM_VOTE_KEEP or
 * RM_VOTE_BAD.  Pure.
 */
void rm_vote_parse(struct rm_vote *ret, const uint8_t *line, size_t len);

/*
 * True if every field has its form: for who gets a struct rm_vote from a
 * process that foreign bytes may have taken over.
 */
bool rm_vote_is_sound(const struct rm_vote *vote);

#endif
