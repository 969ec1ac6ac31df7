/* SPDX-License-Identifier: ISC */
#ifndef RM_SIGNER_H
#define RM_SIGNER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_card.h"
#include "rm_die.h"
#include "rm_err.h"
#include "rm_pcsc.h"
#include "rm_piv.h"
#include "rm_pub.h"
#include "rm_secret.h"

/*
 * One signature from one card, step by step: find, read_pin, sign, end.  It is
 * done in the card's process (rm_card.c), because every step can hang: while
 * a card is waited for, ITIMER_REAL runs, and SIGALRM must end the process
 * with what mute says; while a person is waited for, none runs.
 */

/* How far the PIN is: what a person has to know when something goes wrong. */
enum rm_signer_stage {
	RM_SIGNER_NOT_SENT,
	RM_SIGNER_SENT,		/* between rm_signer_sign and the answer */
	RM_SIGNER_RIGHT		/* the card took it */
};

struct rm_signer {
	const struct rm_card_want *want;	/* set by the caller */
	enum rm_signer_stage stage;
	struct rm_err mute;		/* what to say if the timer strikes */
	char consequence[64];		/* of the stage, for messages */
	struct rm_pcsc *pcsc;
	struct rm_piv *piv;
	struct rm_secret *pin;		/* NULL: not read, or wiped */
	struct rm_pub *pub;
	char reader[RM_PCSC_NAME_MAX];	/* as it is, not cleaned */
	struct rm_card_facts card;
};

/* All readers, in the order of their names: -1 with err if there is none. */
RM_MUST_CHECK int rm_signer_list(struct rm_signer *signer,
    struct rm_pcsc_reader ret[static RM_PCSC_READERS_MAX], size_t *ret_n,
    struct rm_err *err);

/* Told once, when find has to wait: why says for what. */
typedef void rm_signer_waiting(void *arg, const struct rm_err *why);

/*
 * Finds a card that fits the wish and fills in card; begins the transaction
 * that lasts until the end.  0, or -1 with err.
 */
RM_MUST_CHECK int rm_signer_find(struct rm_signer *signer,
    rm_signer_waiting *waiting, void *arg, struct rm_err *err);

/*
 * Reads the PIN from where it is, unless it may not be sent: blocked, or one
 * try left that is to be kept.  stop: as in rm_secret_from_tty.
 */
RM_MUST_CHECK int rm_signer_read_pin(struct rm_signer *signer, int stop,
    struct rm_err *err);

/*
 * Sends the PIN, once, and has the text signed; checks the signature.  After
 * it, whatever it returned, there is only the end.
 */
RM_MUST_CHECK int rm_signer_sign(struct rm_signer *signer, const void *text,
    size_t len, uint8_t ret_sig[static RM_PUB_SIG_MAX], size_t *ret_len,
    struct rm_err *err);

/* Wipes the PIN, resets the card, lets it go.  May be called at any time. */
void rm_signer_end(struct rm_signer *signer);

#endif
