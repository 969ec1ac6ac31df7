/* SPDX-License-Identifier: ISC */
#ifndef RM_PCSC_H
#define RM_PCSC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_apdu.h"
#include "rm_die.h"
#include "rm_err.h"

/*
 * Readers and cards by PC/SC.  Any of these functions can block for good when
 * a card or the PC/SC service does not answer: they are called only by a
 * process that somebody ends in time (rm_card.c).
 *
 * Functions that can fail return 0, or -1 with err: NO_READER (no reader, no
 * service), NO_CARD, CARD_LOST (pulled out, reset, failed), SYSTEM.
 */

#define RM_PCSC_NAME_MAX	128	/* bytes of a reader's name, with NUL */
#define RM_PCSC_READERS_MAX	16	/* the service has no more */

struct rm_pcsc;

struct rm_pcsc_reader {
	char name[RM_PCSC_NAME_MAX];
	bool present;			/* a card that is ready, of any kind */
	bool mute;			/* a card without a sign of life */
	unsigned long state;		/* for rm_pcsc_wait */
};

/* Connects to the service.  The caller closes. */
RM_MUST_CHECK int rm_pcsc_open(struct rm_pcsc **ret, struct rm_err *err);

/* Ends what is open, card and all; NULL is allowed. */
void rm_pcsc_close(struct rm_pcsc *pcsc);

/* All readers as they are now, sorted by name; there may be none. */
RM_MUST_CHECK int rm_pcsc_readers(struct rm_pcsc *pcsc,
    struct rm_pcsc_reader ret[static RM_PCSC_READERS_MAX], size_t *ret_n,
    struct rm_err *err);

/*
 * Sleeps until a reader of the list is not as it is there, or a reader comes
 * or goes, or ms have passed.  Does not poll.
 */
RM_MUST_CHECK int rm_pcsc_wait(struct rm_pcsc *pcsc,
    const struct rm_pcsc_reader *readers, size_t n, uint32_t ms,
    struct rm_err *err);

/*
 * Connects to the card in a reader, beside whoever else has it, and begins a
 * transaction: from now on nobody else's command comes between ours.
 */
RM_MUST_CHECK int rm_pcsc_begin(struct rm_pcsc *pcsc, const char *reader,
    struct rm_err *err);

/*
 * Ends transaction and connection.  With reset, what was verified is
 * forgotten by the card before anybody else can reach it.
 */
void rm_pcsc_end(struct rm_pcsc *pcsc, bool reset);

/* Asks whether the card is still there, and not reset; sends it nothing. */
RM_MUST_CHECK int rm_pcsc_check(struct rm_pcsc *pcsc, struct rm_err *err);

/* True if the last failure was that somebody had reset the card. */
bool rm_pcsc_was_reset(const struct rm_pcsc *pcsc);

/* A rm_piv_transmit; arg is the struct rm_pcsc. */
RM_MUST_CHECK int rm_pcsc_transmit(void *arg, const struct rm_apdu *cmd,
    uint8_t *ret, size_t *len, struct rm_err *err);

#endif
