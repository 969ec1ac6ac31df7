/* SPDX-License-Identifier: ISC */
#ifndef RM_CARD_H
#define RM_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_err.h"
#include "rm_hash.h"
#include "rm_pub.h"

/*
 * A smart card at this station, worked by a process of its own.
 *
 * A card that does not answer blocks its reader's caller for good, so only a
 * process that can be ended may talk to it; and the PIN is read, held and
 * wiped in that process alone: the one that has the network never sees it.
 * One process serves one card and gives one signature:
 *
 *	rm_card_start  ->  WAITING (if no card is there yet)  ->  SEEN
 *	rm_card_ask    ->  PIN     (optional: the PIN is read before it is due)
 *	rm_card_sign   ->  SIGNED  (VERIFY and GENERAL AUTHENTICATE)
 *	anywhere       ->  FAILED
 *
 * From SEEN to the end one card transaction is held, the card is reset at the
 * end, and no PIN is ever sent twice.  There is no other way to a signature.
 */

#define RM_CARD_TEXT_MAX	8192	/* bytes of a text to be signed */
#define RM_CARD_READER_MAX	128	/* bytes of a reader's name, with NUL */
#define RM_CARD_CN_MAX		65	/* bytes of a common name, with NUL */
#define RM_CARD_ALG_MAX		24	/* bytes of an ALG word, with NUL */
#define RM_CARD_READERS_MAX	16	/* PC/SC has no more */

#define RM_CARD_SLOT		0x9a	/* the slot if none is told */
#define RM_CARD_ANSWER_MS	20000	/* a key may want to be touched */

enum {
	RM_CARD_TRIES_UNKNOWN = -1	/* the card does not tell its counter */
};

/* What is wanted of a card; zeros and NULLs where there is no wish. */
struct rm_card_want {
	const char *reader;	/* name of a reader, or a part of it */
	uint8_t slot;		/* 0x9a, 0x9c, 0x9d, 0x9e, 0x82 to 0x95 */
	uint32_t wait_ms;	/* how long a card may take to come */
	uint32_t answer_ms;	/* how long it may take to answer */
	bool last_try;		/* the last PIN try may be spent */
	bool pin_from_fd;	/* the PIN is the next line of pin_fd, */
	int pin_fd;		/* not a byte more; else: /dev/tty */
	/* Keys that are not wanted, because they have voted already. */
	const char (*skip)[RM_HASH_HEX];
	size_t n_skip;
};

/* A card and its key. */
struct rm_card_facts {
	char reader[RM_CARD_READER_MAX];
	char keyid[RM_HASH_HEX];
	char alg[RM_CARD_ALG_MAX];	/* as on the wire: ecdsa-sha256 ... */
	char cn[RM_CARD_CN_MAX];	/* of the certificate, cleaned */
	int tries;			/* PIN tries left, when SEEN */
	size_t der_len;
	uint8_t der[RM_PUB_DER_MAX];	/* SubjectPublicKeyInfo */
};

enum rm_card_what {
	RM_CARD_WAITING,	/* no fitting card yet; why says what is */
	RM_CARD_SEEN,		/* card is set */
	RM_CARD_PIN,		/* the PIN has been read; nothing is sent yet */
	RM_CARD_SIGNED,		/* sig is set, and was checked on the host */
	RM_CARD_FAILED		/* why is set: tries left, cause; it is over */
};

struct rm_card_news {
	enum rm_card_what what;
	struct rm_err why;
	struct rm_card_facts card;
	size_t sig_len;
	uint8_t sig[RM_PUB_SIG_MAX];	/* as rm_pub_verify wants it */
};

struct rm_card;

/*
 * Starts the process: it begins to look for the card at once.  The strings of
 * want may go when this returns; pin_fd stays the caller's (the process has
 * its copy), and should be closed when no further card will read from it.
 * Never blocks.  NULL with errno when there is no process to be had.
 */
RM_MUST_CHECK struct rm_card *rm_card_start(const struct rm_card_want *want);

/*
 * Waits until rm_card_next would not block (true), or only other has something
 * to read (false; -1: nothing else to wait for).
 */
RM_MUST_CHECK bool rm_card_wait(struct rm_card *card, int other);

/*
 * Waits for the next piece of news and writes it to ret.  A process that
 * ended without a word is FAILED, card-lost.  While a person is asked for the
 * PIN, signals that end the caller wait, here and in rm_card_wait, until the
 * terminal is as it was.
 * After SIGNED and FAILED there is nothing more.
 */
void rm_card_next(struct rm_card *card, struct rm_card_news *ret);

/*
 * After SEEN: has the PIN read; the prompt names card and tries left.  A PIN
 * that may not be sent (one try left, none left) is not asked for.  0, or -1
 * with errno.
 */
RM_MUST_CHECK int rm_card_ask(struct rm_card *card);

/*
 * After SEEN or PIN: has len bytes, at most RM_CARD_TEXT_MAX, hashed, and
 * signed by the card; reads the PIN first if that is still to be done.  0, or
 * -1 with errno.
 */
RM_MUST_CHECK int rm_card_sign(struct rm_card *card, const void *text,
    size_t len);

/*
 * Ends the process, whatever it is at, and waits until it has gone and the
 * card is reset.  NULL is allowed.
 */
void rm_card_free(struct rm_card *card);

/* A reader, for a list. */
struct rm_card_reader {
	char name[RM_CARD_READER_MAX];
	bool present;			/* holds a card, of whatever kind */
};

/*
 * Writes the readers, sorted by name, to ret.  No card is touched, and it is
 * done in a process with a deadline as well.  0, or -1 with err (NO_READER: no
 * reader, or no pcscd).
 */
RM_MUST_CHECK int rm_card_readers(
    struct rm_card_reader ret[static RM_CARD_READERS_MAX], size_t *ret_n,
    struct rm_err *err);

#endif
