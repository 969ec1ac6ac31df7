/* SPDX-License-Identifier: ISC */
#ifndef RM_MODE_H
#define RM_MODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_err.h"

#define RM_MODE_MAX	16384	/* bytes of the file */
#define RM_MODE_RULES	256
#define RM_MODE_HASHES	8	/* of one mechanism */

/* What a mechanism may be used for. */
enum rm_use {
	RM_USE_SIGN = 1 << 0,
	RM_USE_VERIFY = 1 << 1,
	RM_USE_ENCRYPT = 1 << 2,
	RM_USE_DECRYPT = 1 << 3,
	RM_USE_DIGEST = 1 << 4,
	RM_USE_GENERATE = 1 << 5,
	RM_USE_WRAP = 1 << 6,
	RM_USE_UNWRAP = 1 << 7,
	RM_USE_DERIVE = 1 << 8,
	RM_USE_ALL = (1 << 9) - 1
};

struct rm_mode_rule {
	unsigned long mechanism;
	uint32_t min, max;	/* bits of a key */
	unsigned int use;	/* RM_USE_ bits */
	size_t n_hashes;	/* 0: any that the mode allows by itself */
	unsigned long hash[RM_MODE_HASHES];
};

/* An operating mode (rm-mode(5)): what the engine may be asked for. */
struct rm_mode {
	bool deny;		/* what has no line is refused */
	size_t n;
	struct rm_mode_rule rule[RM_MODE_RULES];
	uint32_t curves;	/* a bit for each curve that is allowed */
};

/*
 * Takes the text of a mode file apart.  What is not understood makes all of
 * it void.  Returns 0, or -1 with the line and its fault in err.  Pure.
 */
RM_MUST_CHECK int rm_mode_parse(struct rm_mode *ret, const char *text,
    size_t len, struct rm_err *err);

/*
 * The rule for a mechanism: its own, or one that allows everything if the
 * mode allows what it does not name; NULL if the mechanism is refused.  The
 * mode's memory, or static.
 */
const struct rm_mode_rule *rm_mode_find(const struct rm_mode *mode,
    unsigned long mechanism);

/* True if the mode lets the rule's mechanism go with that hash. */
bool rm_mode_hash(const struct rm_mode *mode, const struct rm_mode_rule *rule,
    unsigned long hash);

/*
 * True if the mode allows a curve, given by its CKA_EC_PARAMS: an object
 * identifier or a name.  A curve that is spelled out is refused wherever
 * curves are, since nobody can tell which it is.  Sets *ret_bits to the bits
 * of its keys, 0 if it is not known.
 */
bool rm_mode_curve(const struct rm_mode *mode, const uint8_t *params,
    size_t len, uint32_t *ret_bits);

#endif
