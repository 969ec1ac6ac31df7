/* SPDX-License-Identifier: ISC */
/*
 * piv-data: what can be read from the test card, and BER-TLV both ways.
 * Objects are made at the moment they are read (SP 800-73-4 part 1,
 * appendix A); the numbers in comments are from there.
 */
#include "piv-card.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t piv_aid[] = {
	0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00, 0x01, 0x00
};

enum { RID_LEN = 5 };

void
buf_add(struct buf *b, const void *p, size_t len)
{
	if (len > b->cap - b->len) {
		b->cap = b->len + len + 256;
		if ((b->p = realloc(b->p, b->cap)) == NULL)
			err(111, "out of memory");
	}
	if (len != 0)
		memcpy(b->p + b->len, p, len);
	b->len += len;
}

void
buf_byte(struct buf *b, unsigned byte)
{
	uint8_t c;

	c = (uint8_t)byte;
	buf_add(b, &c, 1);
}

void
buf_free(struct buf *b)
{
	free(b->p);
	memset(b, 0, sizeof(*b));
}

static void
buf_head(struct buf *b, unsigned tag, size_t len)
{
	if (tag > 0xff)
		buf_byte(b, tag >> 8);
	buf_byte(b, tag);
	if (len > 0xffff) {
		buf_byte(b, 0x83);
		buf_byte(b, (unsigned)(len >> 16));
	} else if (len > 0xff)
		buf_byte(b, 0x82);
	else if (len > 0x7f)
		buf_byte(b, 0x81);
	if (len > 0xff)
		buf_byte(b, (unsigned)(len >> 8));
	buf_byte(b, (unsigned)len);
}

void
buf_tlv(struct buf *b, unsigned tag, const void *p, size_t len)
{
	buf_head(b, tag, len);
	buf_add(b, p, len);
}

void
buf_wrap(struct buf *b, unsigned tag)
{
	struct buf whole = {0};

	buf_tlv(&whole, tag, b->p, b->len);
	buf_free(b);
	*b = whole;
}

size_t
tlv_take(const uint8_t *p, size_t len, unsigned *ret_tag,
    const uint8_t **ret_value, size_t *ret_len)
{
	size_t at, n, wide;

	if (len < 2)
		return 0;
	at = 2;
	n = p[1];
	if (n == 0x81 || n == 0x82) {
		wide = n - 0x80;
		if (len < at + wide)
			return 0;
		for (n = 0; wide != 0; wide--)
			n = n << 8 | p[at++];
	} else if (n > 0x7f)
		return 0;
	if (n > len - at)
		return 0;
	*ret_tag = p[0];
	*ret_value = p + at;
	*ret_len = n;
	return at + n;
}

struct card_slot *
card_slot(struct card *c, unsigned id)
{
	switch (id) {
	case 0x9a:
		return &c->slot[0];
	case 0x9c:
		return &c->slot[1];
	case 0x9d:
		return &c->slot[2];
	case 0x9e:
		return &c->slot[3];
	}
	if (id >= 0x82 && id <= 0x95)
		return &c->slot[4 + id - 0x82];
	return NULL;
}

/* The slot whose certificate object has this tag, or NULL. */
static struct card_slot *
slot_of_tag(struct card *c, unsigned tag)
{
	switch (tag) {
	case 0x5fc105:
		return card_slot(c, 0x9a);
	case 0x5fc10a:
		return card_slot(c, 0x9c);
	case 0x5fc10b:
		return card_slot(c, 0x9d);
	case 0x5fc101:
		return card_slot(c, 0x9e);
	}
	if (tag >= 0x5fc10d && tag <= 0x5fc120)
		return card_slot(c, 0x82 + tag - 0x5fc10d);
	return NULL;
}

/* B tells its whole name, its label and its algorithms; A the minimum. */
unsigned
data_select(struct card *c, struct buf *ret)
{
	static const char label[] = "Test PIV card B ";
	static const char url[] =
	    "https://csrc.nist.gov/publications/detail/sp/800-73/4/final/page1";
	static const uint8_t algorithms[] = {
		0x80, 1, 0x07, 0x80, 1, 0x11, 0x80, 1, 0x14, 0x06, 1, 0x00
	};
	struct buf authority = {0};

	buf_tlv(&authority, 0x4f, piv_aid, RID_LEN);
	buf_wrap(&authority, 0x79);
	if (c->kind == CARD_A) {
		buf_tlv(ret, 0x4f, piv_aid + RID_LEN,
		    sizeof(piv_aid) - RID_LEN);
		buf_add(ret, authority.p, authority.len);
	} else {
		buf_tlv(ret, 0x4f, piv_aid, sizeof(piv_aid));
		buf_add(ret, authority.p, authority.len);
		buf_tlv(ret, 0x50, label, sizeof(label) - 1);
		buf_tlv(ret, 0x5f50, url, sizeof(url) - 1);
		buf_tlv(ret, 0xac, algorithms, sizeof(algorithms));
	}
	buf_free(&authority);
	buf_wrap(ret, 0x61);
	return SW_OK;
}

static unsigned
data_certificate(struct card *c, const struct card_slot *slot, struct buf *ret)
{
	static const uint8_t lie[] = { 0x53, 0x82, 0x7f, 0xff, 0x70, 0x84, 1 };
	struct buf huge = {0};
	uint8_t info;

	if (slot->cert.len == 0)
		return SW_NOT_FOUND;
	if (c->faults & FAULT_BAD_TLV) {
		buf_add(ret, lie, sizeof(lie));
		return SW_OK;
	}
	if (c->faults & FAULT_HUGE_OBJECT) {
		huge.len = huge.cap = CARD_HUGE;
		if ((huge.p = calloc(1, huge.cap)) == NULL)
			err(111, "out of memory");
		buf_tlv(ret, 0x70, huge.p, huge.len);
		buf_free(&huge);
	} else
		buf_tlv(ret, 0x70, slot->cert.p, slot->cert.len);
	info = slot->gzipped ? 1 : 0;
	buf_tlv(ret, 0x71, &info, 1);
	buf_tlv(ret, 0xfe, NULL, 0);
	buf_wrap(ret, 0x53);
	return SW_OK;
}

/* Card holder unique identifier: the GUID follows from the first key. */
static unsigned
data_chuid(struct card *c, struct buf *ret)
{
	static const uint8_t fascn[25] = {
		0xd4, 0xe7, 0x39, 0xda, 0x73, 0x9c, 0xed, 0x39, 0xce, 0x73,
		0x9d, 0x83, 0x68, 0x58, 0x21, 0x08, 0x42, 0x10, 0x84, 0x21,
		0xc8, 0x42, 0x10, 0xc3, 0xeb
	};
	uint8_t guid[16] = {0};
	size_t i;

	for (i = 0; i < CARD_SLOTS && c->slot[i].key == NULL; i++)
		continue;
	if (i < CARD_SLOTS)
		key_id(c->slot[i].key, guid);
	buf_tlv(ret, 0x30, fascn, sizeof(fascn));
	buf_tlv(ret, 0x34, guid, sizeof(guid));
	buf_tlv(ret, 0x35, "20991231", 8);
	buf_tlv(ret, 0x3e, NULL, 0);
	buf_tlv(ret, 0xfe, NULL, 0);
	buf_wrap(ret, 0x53);
	return SW_OK;
}

/* Discovery object: 5F2F 40 = card PIN only; 10 says "card PIN is primary". */
static unsigned
data_discovery(struct card *c, struct buf *ret)
{
	uint8_t policy[2] = { 0x40, 0x00 };

	if (c->kind == CARD_A)
		policy[1] = 0x10;
	buf_tlv(ret, 0x4f, piv_aid, sizeof(piv_aid));
	buf_tlv(ret, 0x5f2f, policy, sizeof(policy));
	buf_wrap(ret, 0x7e);
	return SW_OK;
}

/* Key history: retired keys, all with their certificates on the card. */
static unsigned
data_history(struct card *c, struct buf *ret)
{
	uint8_t n;
	size_t i;

	if (c->kind == CARD_A)
		return SW_NOT_FOUND;
	for (i = 4, n = 0; i < CARD_SLOTS; i++)
		n = (uint8_t)(n + (c->slot[i].key != NULL));
	buf_tlv(ret, 0xc1, &n, 1);
	n = 0;
	buf_tlv(ret, 0xc2, &n, 1);
	buf_tlv(ret, 0xfe, NULL, 0);
	buf_wrap(ret, 0x53);
	return SW_OK;
}

unsigned
data_object(struct card *c, unsigned tag, struct buf *ret)
{
	const struct card_slot *slot;

	switch (tag) {
	case 0x7e:
		return data_discovery(c, ret);
	case 0x5fc102:
		return data_chuid(c, ret);
	case 0x5fc10c:
		return data_history(c, ret);
	}
	if ((slot = slot_of_tag(c, tag)) == NULL)
		return SW_NOT_FOUND;
	return data_certificate(c, slot, ret);
}

/* A vendor's extension which both models have: type and policy of a key. */
unsigned
data_metadata(struct card *c, unsigned id, struct buf *ret)
{
	const struct card_slot *slot;
	uint8_t algorithm, policy[2], origin;

	if ((slot = card_slot(c, id)) == NULL || slot->key == NULL)
		return SW_NO_REFERENCE;
	algorithm = (uint8_t)key_algorithm(slot->key);
	policy[0] = 2;			/* PIN once */
	if (id == 0x9e)
		policy[0] = 1;		/* never */
	else if (id == 0x9c && c->kind == CARD_B)
		policy[0] = 3;		/* always */
	policy[1] = 1;			/* no touch */
	origin = 2;			/* imported */
	buf_tlv(ret, 0x01, &algorithm, 1);
	buf_tlv(ret, 0x02, policy, sizeof(policy));
	buf_tlv(ret, 0x03, &origin, 1);
	return SW_OK;
}
