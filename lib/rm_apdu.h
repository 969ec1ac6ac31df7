/* SPDX-License-Identifier: ISC */
#ifndef RM_APDU_H
#define RM_APDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

/*
 * The bytes that a card and its host exchange (ISO 7816-4, NIST SP 800-73-4):
 * commands are built, BER-TLV is taken apart.  All of it is pure.  Short
 * lengths and chaining only: they work with every card and every reader.
 */

#define RM_APDU_MAX	261	/* header, Lc, 255 bytes of data, Le */
#define RM_APDU_PART	255	/* bytes of data in one part of a chain */
#define RM_APDU_PIN	8	/* bytes of a PIN as PIV sends it */

enum {
	RM_SW_OK = 0x9000,
	RM_SW_MORE = 0x61,		/* high byte: low one says how much */
	RM_SW_LE = 0x6c,		/* high byte: again, with this Le */
	RM_SW_TRIES = 0x63c0,		/* low digit: tries left */
	RM_SW_NOT_VERIFIED = 0x6982,
	RM_SW_BLOCKED = 0x6983,
	RM_SW_NOT_FOUND = 0x6a82
};

struct rm_apdu_head {
	uint8_t cla, ins, p1, p2;
};

struct rm_apdu {
	size_t len;
	uint8_t bytes[RM_APDU_MAX];
};

/*
 * Builds the part of a command whose data begins at *offset of len bytes and
 * moves *offset behind it: all parts but the last have the chaining bit and
 * no Le; the last one has Le 00 if an answer is wanted.  A command without
 * data has one part.
 */
void rm_apdu_part(struct rm_apdu *ret, const struct rm_apdu_head *head,
    const uint8_t *data, size_t len, size_t *offset, bool answer);

/* Sets the Le of a command that was built with one. */
void rm_apdu_set_le(struct rm_apdu *cmd, uint8_t le);

/*
 * A PIN as PIV wants it: 6 to 8 printable characters, filled up with FF.
 * Returns 0, or -1 if it is no such PIN.  ret holds a secret.
 */
RM_MUST_CHECK int rm_apdu_pin(uint8_t ret[static RM_APDU_PIN],
    const char *pin, size_t len);

/*
 * Tries left as a status word tells them (63Cx, 6983), or -1 if it tells
 * nothing of the kind.
 */
int rm_apdu_tries(unsigned int sw);

/*
 * Data of GENERAL AUTHENTICATE for a signature over challenge: 7C { 82 (no
 * value), 81 challenge }.  Returns its length, 0 if it does not fit in size.
 */
size_t rm_apdu_sign_data(uint8_t *ret, size_t size, const uint8_t *challenge,
    size_t len);

/* Bytes of BER-TLV still to be read; a value is a cursor of its own. */
struct rm_tlv {
	const uint8_t *p;
	size_t left;
};

/*
 * Reads one element: tag of one or two bytes, length of one to three.  The
 * cursor moves behind it, the value stays within the cursor's bytes.  0; -1
 * (nothing moved) if there is no whole element.
 */
RM_MUST_CHECK int rm_tlv_next(struct rm_tlv *cur, unsigned int *ret_tag,
    struct rm_tlv *ret_value);

/* The same for an element that has to have this tag. */
RM_MUST_CHECK int rm_tlv_take(struct rm_tlv *cur, unsigned int tag,
    struct rm_tlv *ret_value);

/*
 * Enters an element whose end may not have been read yet: the value is as
 * much of it as there is.
 */
RM_MUST_CHECK int rm_tlv_open(struct rm_tlv *cur, unsigned int tag,
    struct rm_tlv *ret_value);

/*
 * The signature in an answer to GENERAL AUTHENTICATE: 7C { 82 signature },
 * nothing more, nothing behind.  0, or -1.
 */
RM_MUST_CHECK int rm_apdu_signature(const uint8_t *answer, size_t len,
    struct rm_tlv *ret_sig);

#endif
