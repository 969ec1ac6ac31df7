/* SPDX-License-Identifier: ISC */
/*
 * piv-apdu: the test card's command processor.
 * One command comes in, one answer goes out; in between stand chaining (a
 * long command in parts), GET RESPONSE (a long answer in parts) and the PIN.
 * Where real cards were seen to differ, kind A and kind B do as two of them
 * did: A talks in pieces of 256 bytes and honours extended lengths, forgets
 * the PIN at SELECT and counts to a blocked PIN one step earlier; B talks in
 * pieces of 255 bytes, wants a PIN for every signature of key 9C, and does
 * nothing before SELECT.
 */
#include "piv-card.h"

#include <err.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

enum {
	INS_VERIFY = 0x20,
	INS_AUTHENTICATE = 0x87,
	INS_SELECT = 0xa4,
	INS_RESPONSE = 0xc0,
	INS_GET_DATA = 0xcb,
	INS_METADATA = 0xf7,		/* vendor's, from here on */
	INS_SERIAL = 0xf8,
	INS_ATTEST = 0xf9,
	INS_VERSION = 0xfd,

	CLA_CHAIN = 0x10,
	CHAIN_MAX = 4096
};

struct apdu {
	uint8_t		 cla, ins, p1, p2;
	const uint8_t	*data;
	size_t		 lc;
	size_t		 le;		/* 0: not given */
	bool		 extended;
};

/* The four cases of ISO 7816-3, each short or extended. */
static int
apdu_parse(const uint8_t *p, size_t len, struct apdu *ret)
{
	struct apdu a = {0};
	size_t at, wide;

	if (len < 4)
		return -1;
	a.cla = p[0];
	a.ins = p[1];
	a.p1 = p[2];
	a.p2 = p[3];
	at = 4;
	wide = 1;
	if (len >= 7 && p[4] == 0) {
		a.extended = true;
		wide = 2;
		at = 5;
	}
	if (len > at + wide) {
		a.lc = wide == 1 ? p[at] : (size_t)p[at] << 8 | p[at + 1];
		at += wide;
		if (a.lc == 0 || a.lc > len - at)
			return -1;
		a.data = p + at;
		at += a.lc;
	}
	if (len == at + wide) {
		a.le = wide == 1 ? p[at] : (size_t)p[at] << 8 | p[at + 1];
		if (a.le == 0)
			a.le = wide == 1 ? 256 : 65536;
		at += wide;
	}
	if (at != len)
		return -1;
	*ret = a;
	return 0;
}

/* One line a command, without anything secret: tests count these. */
static void
log_command(const struct card *c, const struct apdu *a, unsigned sw)
{
	const char *part;
	size_t i;
	int fd;

	if ((fd = c->log) == -1)
		return;
	part = a->cla & CLA_CHAIN ? " part" : "";
	switch (a->ins) {
	case INS_SELECT:
		(void)dprintf(fd, "SELECT %04x\n", sw);
		break;
	case INS_VERIFY:
		(void)dprintf(fd, "VERIFY%s %04x\n",
		    a->lc == 0 ? " status" : "", sw);
		break;
	case INS_AUTHENTICATE:
		(void)dprintf(fd, "GENERAL AUTHENTICATE %02x %02x%s %04x\n",
		    a->p2, a->p1, part, sw);
		break;
	case INS_GET_DATA:
		(void)dprintf(fd, "GET DATA ");
		for (i = 2; i < a->lc; i++)
			(void)dprintf(fd, "%02x", a->data[i]);
		(void)dprintf(fd, " %04x\n", sw);
		break;
	case INS_RESPONSE:
		(void)dprintf(fd, "GET RESPONSE %04x\n", sw);
		break;
	default:
		(void)dprintf(fd, "INS %02x%s %04x\n", a->ins, part, sw);
		break;
	}
}

static void
tries_set(struct card *c, unsigned tries)
{
	int fd;

	c->tries = tries;
	if (c->state == NULL)
		return;
	fd = open(c->state, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd == -1 || dprintf(fd, "%u\n", tries) < 0)
		err(111, "unable to write %s", c->state);
	(void)close(fd);
}

void
card_reset(struct card *c)
{
	c->selected = c->kind == CARD_A;
	c->verified = false;
	c->fresh = false;
	buf_free(&c->chain);
	buf_free(&c->out);
}

static unsigned
do_select(struct card *c, const struct apdu *a)
{
	static const uint8_t aid[] = {
		0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00
	};

	if (a->p1 != 0x04 || a->lc < 5 || a->lc > sizeof(aid) ||
	    memcmp(a->data, aid, a->lc) != 0)
		return SW_NOT_FOUND;
	c->selected = true;
	if (c->kind == CARD_A)
		c->verified = c->fresh = false;
	return data_select(c, &c->out);
}

static unsigned
verify_status(const struct card *c)
{
	if (c->verified)
		return SW_OK;
	if (c->tries == 0 && c->kind == CARD_B)
		return SW_BLOCKED;
	return SW_TRIES + c->tries;
}

static unsigned
do_verify(struct card *c, const struct apdu *a)
{
	if (a->p2 != 0x80)
		return SW_NO_REFERENCE;
	if (a->p1 == 0xff && a->lc == 0) {
		c->verified = c->fresh = false;
		return SW_OK;
	}
	if (a->p1 != 0)
		return SW_P1P2;
	if (a->lc == 0)
		return verify_status(c);
	if (a->lc != CARD_PIN_LEN)
		return c->kind == CARD_A ? SW_LENGTH : SW_DATA;
	if (c->tries == 0)
		return SW_BLOCKED;
	c->verified = memcmp(a->data, c->pin, CARD_PIN_LEN) == 0;
	c->fresh = c->verified;
	tries_set(c, c->verified ? c->tries_max : c->tries - 1);
	if (c->verified)
		return SW_OK;
	if (c->tries == 0 && c->kind == CARD_A)
		return SW_BLOCKED;
	return SW_TRIES + c->tries;
}

static unsigned
do_get_data(struct card *c, const struct apdu *a)
{
	unsigned tag;
	size_t i;

	if (a->p1 != 0x3f || a->p2 != 0xff)
		return SW_P1P2;
	if (a->lc < 3 || a->lc > 5 || a->data[0] != 0x5c ||
	    a->data[1] != a->lc - 2)
		return SW_DATA;
	for (i = 2, tag = 0; i < a->lc; i++)
		tag = tag << 8 | a->data[i];
	return data_object(c, tag, &c->out);
}

/* 7C { 82 (empty), 81 challenge }, in either order. */
static int
challenge_take(const struct apdu *a, const uint8_t **ret, size_t *ret_len)
{
	const uint8_t *p, *value;
	size_t len, n, value_len;
	unsigned tag, seen;

	n = tlv_take(a->data, a->lc, &tag, &p, &len);
	if (n == 0 || n != a->lc || tag != 0x7c)
		return -1;
	for (seen = 0; len != 0; p += n, len -= n) {
		n = tlv_take(p, len, &tag, &value, &value_len);
		if (n == 0)
			return -1;
		if (tag == 0x82 && value_len == 0)
			seen |= 1;
		else if (tag == 0x81) {
			seen |= 2;
			*ret = value;
			*ret_len = value_len;
		}
	}
	return seen == 3 ? 0 : -1;
}

/*
 * RSA takes exactly its modulus.  The token pads a short EC challenge and
 * refuses a long one, the applet does the opposite.
 */
static unsigned
challenge_check(const struct card *c, const struct card_slot *slot, size_t len)
{
	size_t want;

	want = key_size(slot->key);
	if (want == 0 || len == want)
		return SW_OK;
	if (EVP_PKEY_get_base_id(slot->key) == EVP_PKEY_EC &&
	    len != 0 && (len < want) == (c->kind == CARD_A))
		return SW_OK;
	return c->kind == CARD_A ? SW_LENGTH : SW_DATA;
}

static unsigned
sign(struct card *c, const struct card_slot *slot, const uint8_t *p,
    size_t len)
{
	struct buf other = {0};
	int rc;

	buf_add(&other, p, len);
	if (c->faults & FAULT_WRONG_SIGNATURE && len != 0)
		other.p[len - 1] ^= 1;
	rc = key_sign(slot->key, other.p, len, &c->out);
	buf_free(&other);
	if (rc == -1)
		return SW_DATA;
	buf_wrap(&c->out, 0x82);
	buf_wrap(&c->out, 0x7c);
	if (c->faults & FAULT_WRONG_LENGTH)
		c->out.len -= 7;
	if (c->faults & FAULT_PULLED_ON_SIGN)
		c->gone = true;
	return SW_OK;
}

static unsigned
do_authenticate(struct card *c, const struct apdu *a)
{
	const struct card_slot *slot;
	const uint8_t *p;
	size_t len;
	unsigned sw;

	p = NULL;
	len = 0;
	if ((slot = card_slot(c, a->p2)) == NULL || slot->key == NULL)
		return SW_NO_REFERENCE;
	if (a->p1 != key_algorithm(slot->key))
		return SW_P1P2;
	if (a->p2 != 0x9e && !c->verified)
		return SW_NOT_VERIFIED;
	if (a->p2 == 0x9c && c->kind == CARD_B && !c->fresh)
		return SW_NOT_VERIFIED;
	if (challenge_take(a, &p, &len) == -1)
		return SW_DATA;
	if ((sw = challenge_check(c, slot, len)) != SW_OK)
		return sw;
	c->fresh = false;
	return sign(c, slot, p, len);
}

/* INS F7 to FD: one vendor's additions, which both models know. */
static unsigned
do_vendor(struct card *c, const struct apdu *a)
{
	static const uint8_t version_a[] = { 5, 7, 0 };
	static const uint8_t version_b[] = { 5, 4, 0 };
	const struct card_slot *slot;

	switch (a->ins) {
	case INS_METADATA:
		return data_metadata(c, a->p2, &c->out);
	case INS_SERIAL:
		buf_add(&c->out, "\0\0\x10\x01", 4);
		return SW_OK;
	case INS_VERSION:
		buf_add(&c->out, c->kind == CARD_A ? version_a : version_b, 3);
		return SW_OK;
	case INS_ATTEST:
		slot = card_slot(c, a->p1);
		if (c->kind == CARD_A || slot == NULL || slot->cert.len == 0)
			break;
		buf_add(&c->out, slot->cert.p, slot->cert.len);
		return SW_OK;
	}
	return SW_INS;
}

static unsigned
dispatch(struct card *c, const struct apdu *a)
{
	if (a->ins == INS_SELECT)
		return do_select(c, a);
	if (!c->selected)
		return SW_NOT_SELECTED;
	switch (a->ins) {
	case INS_VERIFY:
		return do_verify(c, a);
	case INS_AUTHENTICATE:
		return do_authenticate(c, a);
	case INS_GET_DATA:
		return do_get_data(c, a);
	}
	return do_vendor(c, a);
}

/*
 * Join the parts of a chained command.  Returns SW_CHAINING while there is
 * more to come, else SW_OK with ${a} made whole.
 */
static unsigned
chain_join(struct card *c, struct apdu *a)
{
	const uint8_t head[4] = { a->cla & 0xef, a->ins, a->p1, a->p2 };

	if (c->chain.len != 0 && memcmp(c->chain_head, head, 4) != 0)
		buf_free(&c->chain);
	if (!(a->cla & CLA_CHAIN) && c->chain.len == 0)
		return SW_OK;
	if (c->chain.len + a->lc > CHAIN_MAX) {
		buf_free(&c->chain);
		return SW_LENGTH;
	}
	memcpy(c->chain_head, head, 4);
	buf_add(&c->chain, a->data, a->lc);
	if (a->cla & CLA_CHAIN)
		return SW_CHAINING;
	a->data = c->chain.p;
	a->lc = c->chain.len;
	return SW_OK;
}

/* As much of the answer as fits, and 61xx if there is more. */
static unsigned
take_answer(struct card *c, const struct apdu *a, struct buf *ret)
{
	size_t room, n;

	room = c->kind == CARD_A ? 256 : 255;
	if (a->le != 0 && (a->le < room || c->kind == CARD_A))
		room = a->le;
	n = c->out.len - c->out_sent;
	if (n > room)
		n = room;
	if (n > CARD_FRAME_MAX - 2)
		n = CARD_FRAME_MAX - 2;
	buf_add(ret, c->out.p + c->out_sent, n);
	c->out_sent += n;
	if ((n = c->out.len - c->out_sent) != 0)
		return SW_MORE + (unsigned)(n > 255 ? 0 : n);
	buf_free(&c->out);
	return SW_OK;
}

void
card_command(struct card *c, const uint8_t *cmd, size_t len, struct buf *ret)
{
	struct apdu a, part;
	unsigned sw;
	bool muted;

	ret->len = 0;
	if (c->faults & FAULT_MUTE)
		return;
	if (apdu_parse(cmd, len, &a) == -1) {
		buf_byte(ret, SW_LENGTH >> 8);
		buf_byte(ret, SW_LENGTH & 0xff);
		return;
	}
	part = a;
	muted = false;
	if (a.ins == INS_RESPONSE) {
		sw = c->out.len != 0 ? SW_OK : SW_CONDITIONS;
	} else {
		buf_free(&c->out);
		c->out_sent = 0;
		sw = chain_join(c, &a);
		if (sw == SW_OK) {
			sw = dispatch(c, &a);
			muted = c->faults & FAULT_MUTE_ON_SIGN &&
			    a.ins == INS_AUTHENTICATE;
			buf_free(&c->chain);
		} else if (sw == SW_CHAINING)
			sw = SW_OK;
	}
	if (c->out.len != 0)
		sw = take_answer(c, &a, ret);
	log_command(c, &part, sw);
	buf_byte(ret, sw >> 8);
	buf_byte(ret, sw & 0xff);
	if (muted)
		ret->len = 0;
}
