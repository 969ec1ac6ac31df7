/* SPDX-License-Identifier: ISC */
#ifndef RM_PIV_H
#define RM_PIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_apdu.h"
#include "rm_cert.h"
#include "rm_die.h"
#include "rm_err.h"
#include "rm_pub.h"

/*
 * A PIV card (NIST SP 800-73-4) at the other end of a function.  All state is
 * in struct rm_piv, which for a moment holds the PIN as well: it belongs in
 * memory from rm_secret_alloc.
 *
 * Every function returns 0, or -1 with piv->err: CARD_LOST if the card could
 * not be reached, FAILED if what it said makes no sense, and what is named
 * below.
 */

#define RM_PIV_OBJECT_MAX	16384	/* bytes of a certificate's object */

enum {
	RM_PIV_TRIES_UNKNOWN = -1,	/* the card does not tell */
	RM_PIV_VERIFIED = -2		/* somebody's PIN is in force already */
};

/*
 * Sends one command APDU and waits for its answer, status word included;
 * *len is the room in ret before and the length after.  0, or -1 with err.
 */
typedef int rm_piv_transmit(void *arg, const struct rm_apdu *cmd,
    uint8_t *ret, size_t *len, struct rm_err *err);

struct rm_piv {
	rm_piv_transmit *transmit;	/* the two are set by the caller */
	void *arg;
	struct rm_err err;
	struct rm_apdu cmd;
	unsigned int sw;
	size_t len;			/* of the answer so far */
	uint8_t answer[RM_PIV_OBJECT_MAX];
	uint8_t plain[RM_PIV_OBJECT_MAX];	/* inflated certificate */
};

/* True for 9a, 9c, 9d, 9e and 82 to 95: the slots that hold signing keys. */
bool rm_piv_is_slot(unsigned int slot);

/*
 * The card's number for signatures of a key, or 0 if it has none.
 */
uint8_t rm_piv_algorithm(const struct rm_pub *pub);

/* SELECT: NO_CARD if the card has no PIV application. */
RM_MUST_CHECK int rm_piv_select(struct rm_piv *piv);

/*
 * Reads the certificate of a slot, as far as its key; what ret points to
 * stands until the next call.  NO_CARD if the slot is empty, or holds no
 * certificate.
 */
RM_MUST_CHECK int rm_piv_read_key(struct rm_piv *piv, uint8_t slot,
    struct rm_cert *ret);

/* PIN tries left, RM_PIV_TRIES_UNKNOWN or RM_PIV_VERIFIED.  Costs no try. */
RM_MUST_CHECK int rm_piv_tries(struct rm_piv *piv, int *ret_tries);

/*
 * VERIFY, once.  WRONG_PIN and PIN_BLOCKED say that a try was used and how
 * many are left.  USAGE: it is no PIN, and was not sent.
 */
RM_MUST_CHECK int rm_piv_verify(struct rm_piv *piv, const char *pin,
    size_t len);

/*
 * GENERAL AUTHENTICATE over what rm_pub_challenge makes of a text.  FAILED:
 * the card refused, or answered what is no signature.
 */
RM_MUST_CHECK int rm_piv_sign(struct rm_piv *piv, uint8_t slot,
    uint8_t algorithm, const uint8_t *challenge, size_t len,
    uint8_t ret_sig[static RM_PUB_SIG_MAX], size_t *ret_len);

#endif
