/* SPDX-License-Identifier: ISC */
#ifndef RM_TOKEN_H
#define RM_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_err.h"
#include "rm_secret.h"

/*
 * A PKCS#11 module and its tokens, for whoever administers them: the few calls
 * that make a token, look at it, change its PIN and try it out.  One module at
 * a time in a process, from one thread.
 *
 * Functions return 0, or -1 with err: WRONG_PIN, PIN_BLOCKED, USAGE (a PIN of
 * the wrong length), DENIED (the module has no such token, or no room for
 * one), SYSTEM (it cannot be used), FAILED (any other answer of it).  No text
 * has anything of a PIN.
 */

#define RM_TOKEN_LABEL		32	/* bytes */
#define RM_TOKEN_SERIAL		16
#define RM_TOKEN_MAX		64	/* slots that are looked at */
#define RM_TOKEN_UNKNOWN	UINT64_MAX

/* What a token says of itself; text is cleaned, blanks at its end are off. */
struct rm_token_facts {
	char label[RM_TOKEN_LABEL + 1];
	char serial[RM_TOKEN_SERIAL + 1];
	uint64_t objects;	/* those that are seen without a PIN */
	uint64_t free;		/* bytes, or RM_TOKEN_UNKNOWN */
	bool pin_set, pin_locked, so_locked;
};

/* Loads and initializes the module, which stays loaded until rm_token_end. */
RM_MUST_CHECK int rm_token_begin(const char *module, struct rm_err *err);
void rm_token_end(void);

/* Who made the module, and which version it is; cleaned. */
RM_MUST_CHECK int rm_token_version(char *ret, size_t size,
    struct rm_err *err);

/* True if label can be one: 1 to 32 bytes of printable ASCII. */
bool rm_token_is_label(const char *label);

/* Makes a token in a free slot, with both PINs; no other has its label. */
RM_MUST_CHECK int rm_token_init(const char *label, const struct rm_secret *so,
    const struct rm_secret *pin, struct rm_err *err);

/* All tokens that have been made; *ret_room: there is a slot for another. */
RM_MUST_CHECK int rm_token_list(struct rm_token_facts ret[static RM_TOKEN_MAX],
    size_t *ret_n, bool *ret_room, struct rm_err *err);

/*
 * Changes the user's PIN of the only token; where there are several, of the
 * one with that label.
 */
RM_MUST_CHECK int rm_token_change(const char *label,
    const struct rm_secret *old, const struct rm_secret *new,
    struct rm_err *err);

/*
 * With a token of that label: makes a pair of keys of each kind in it, signs,
 * verifies, has a spoilt signature refused, and destroys the keys.  passed is
 * called for each kind that went well.
 */
RM_MUST_CHECK int rm_token_try(const char *label, const struct rm_secret *pin,
    void (*passed)(const char *kind), struct rm_err *err);

#endif
