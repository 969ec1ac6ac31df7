/* SPDX-License-Identifier: ISC */
/*
 * piv-card: a small PIV card (NIST SP 800-73-4) for tests.
 * piv-card.c is the plug (options, and the reader's wire), piv-apdu.c the
 * card's command processor, piv-data.c what can be read from it, piv-key.c
 * its keys.  It shares no code with the toolkit on purpose: a mistake made
 * twice in the same way would not be seen.
 */
#ifndef PIV_CARD_H
#define PIV_CARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CARD_FRAME_MAX = 65535,		/* the wire's length field */
	CARD_PIN_LEN = 8,
	CARD_SLOTS = 24,		/* 9A 9C 9D 9E and 82 to 95 */
	CARD_HUGE = 1 << 20		/* what FAULT_HUGE_OBJECT sends */
};

/* Two real cards' ways; piv-apdu.c says where they differ. */
enum card_kind {
	CARD_A,			/* firmware of a USB token */
	CARD_B			/* a JavaCard applet */
};

enum card_fault {
	FAULT_MUTE = 1 << 0,		/* answers nothing after its ATR */
	FAULT_MUTE_ON_SIGN = 1 << 1,
	FAULT_PULLED_ON_SIGN = 1 << 2,	/* leaves instead of answering */
	FAULT_WRONG_LENGTH = 1 << 3,	/* signature shorter than announced */
	FAULT_BLOCKED = 1 << 4,		/* no PIN tries left from the start */
	FAULT_WRONG_SIGNATURE = 1 << 5,	/* well formed, over something else */
	FAULT_BAD_TLV = 1 << 6,		/* certificates with broken lengths */
	FAULT_HUGE_OBJECT = 1 << 7,	/* certificates of 1 MiB */
	FAULT_SLOW = 1 << 8		/* 44 ms an APDU, as slow hardware */
};

/* Status words, by the names of ISO 7816-4. */
enum {
	SW_OK = 0x9000,
	SW_MORE = 0x6100,		/* + bytes left */
	SW_TRIES = 0x63c0,		/* + tries left */
	SW_LENGTH = 0x6700,
	SW_CHAINING = 0x6883,		/* last command of a chain expected */
	SW_NOT_VERIFIED = 0x6982,
	SW_BLOCKED = 0x6983,
	SW_CONDITIONS = 0x6985,
	SW_NOT_SELECTED = 0x6986,
	SW_DATA = 0x6a80,
	SW_NOT_FOUND = 0x6a82,
	SW_P1P2 = 0x6a86,
	SW_NO_REFERENCE = 0x6a88,
	SW_INS = 0x6d00,
	SW_INTERNAL = 0x6f00
};

struct evp_pkey_st;

/** struct buf: bytes that grow; {0} is empty, buf_free makes it so again. */
struct buf {
	uint8_t	*p;
	size_t	 len;
	size_t	 cap;
};

struct card_slot {
	struct evp_pkey_st	*key;
	struct buf		 cert;		/* DER, perhaps gzipped */
	bool			 gzipped;
};

struct card {
	enum card_kind	 kind;
	unsigned	 faults;		/* of enum card_fault */
	uint8_t		 pin[CARD_PIN_LEN];	/* padded with FF */
	unsigned	 tries;			/* left */
	unsigned	 tries_max;
	const char	*state;			/* file of tries, or NULL */
	int		 log;			/* descriptor, or -1 */
	struct card_slot slot[CARD_SLOTS];

	bool		 selected;		/* cleared by a reset */
	bool		 verified;
	bool		 fresh;			/* no 9C signature since */
	bool		 gone;			/* pull the plug */
	struct buf	 chain;			/* parts of a long command */
	uint8_t		 chain_head[4];
	struct buf	 out;			/* answer, and ... */
	size_t		 out_sent;		/* ... how much is taken */
};

/* piv-apdu.c */

/** card_reset(c): what loss of power does. */
void	card_reset(struct card *c);

/**
 * card_command(c, cmd, len, ret): answer one command APDU.  The answer with
 * its status word replaces ${ret}; an empty one means that the card is mute.
 * If c->gone is set the card is to leave instead of answering.
 */
void	card_command(struct card *c, const uint8_t *cmd, size_t len,
	    struct buf *ret);

/* piv-data.c */

/** buf_*: append; out of memory ends the program. */
void	buf_add(struct buf *b, const void *p, size_t len);
void	buf_byte(struct buf *b, unsigned byte);
void	buf_tlv(struct buf *b, unsigned tag, const void *p, size_t len);
void	buf_wrap(struct buf *b, unsigned tag);
void	buf_free(struct buf *b);

/** tlv_take(p, len, tag, ret_value, ret_len): first bytes must be that tag. */
size_t	tlv_take(const uint8_t *p, size_t len, unsigned *ret_tag,
	    const uint8_t **ret_value, size_t *ret_len);

/** card_slot(c, id): the slot of a key reference, or NULL. */
struct card_slot *card_slot(struct card *c, unsigned id);

/** data_select(c, ret), data_object(c, tag, ret): status word. */
unsigned data_select(struct card *c, struct buf *ret);
unsigned data_object(struct card *c, unsigned tag, struct buf *ret);
unsigned data_metadata(struct card *c, unsigned id, struct buf *ret);

/* piv-key.c */

/** key_load, cert_load: from PEM; a file that is none ends the program. */
struct evp_pkey_st *key_load(const char *path);
void	cert_load(const char *path, struct buf *ret);

/** key_algorithm(key): its algorithm id in PIV, or 0. */
unsigned key_algorithm(const struct evp_pkey_st *key);

/** key_size(key): bytes of a challenge: modulus, or field; 0 for any. */
size_t	key_size(const struct evp_pkey_st *key);

/** key_sign(key, p, len, ret): 0 or -1.  EC gives DER, RSA is raw. */
int	key_sign(struct evp_pkey_st *key, const uint8_t *p, size_t len,
	    struct buf *ret);

/** key_id(key, ret): 16 bytes which are this key's alone. */
void	key_id(struct evp_pkey_st *key, uint8_t ret[static 16]);

#endif
