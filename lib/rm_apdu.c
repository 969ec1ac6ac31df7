/* SPDX-License-Identifier: ISC */
/*
 * Command APDUs and BER-TLV.  What is read here was written by a card that
 * anybody may have put into the reader: every length is checked against what
 * is there before it is believed.
 */
#include "rm_apdu.h"

#include <string.h>

enum {
	CLA_CHAIN = 0x10,
	TAG_AUTHENTICATE = 0x7c,
	TAG_CHALLENGE = 0x81,
	TAG_RESPONSE = 0x82
};

void
rm_apdu_part(struct rm_apdu *ret, const struct rm_apdu_head *head,
    const uint8_t *data, size_t len, size_t *offset, bool answer)
{
	size_t n = len - *offset;
	bool last = n <= RM_APDU_PART;
	uint8_t *p = ret->bytes;

	if (!last)
		n = RM_APDU_PART;
	*p++ = last ? head->cla : head->cla | CLA_CHAIN;
	*p++ = head->ins;
	*p++ = head->p1;
	*p++ = head->p2;
	if (n > 0) {
		*p++ = (uint8_t)n;
		memcpy(p, data + *offset, n);
		p += n;
	}
	if (last && answer)
		*p++ = 0;
	ret->len = (size_t)(p - ret->bytes);
	*offset += n;
}

void
rm_apdu_set_le(struct rm_apdu *cmd, uint8_t le)
{
	cmd->bytes[cmd->len - 1] = le;
}

int
rm_apdu_pin(uint8_t ret[static RM_APDU_PIN], const char *pin, size_t len)
{
	size_t i;

	if (len < 6 || len > RM_APDU_PIN)
		return -1;
	for (i = 0; i < len; i++)
		if (pin[i] < 0x20 || pin[i] > 0x7e)
			return -1;
	memset(ret, 0xff, RM_APDU_PIN);
	memcpy(ret, pin, len);
	return 0;
}

int
rm_apdu_tries(unsigned int sw)
{
	if (sw == RM_SW_BLOCKED)
		return 0;
	if ((sw & 0xfff0) == RM_SW_TRIES)
		return (int)(sw & 0x0f);
	return -1;
}

/* Writes tag and length of an element; at most 4 bytes. */
static size_t
put_head(uint8_t *ret, uint8_t tag, size_t len)
{
	size_t n = 0;

	ret[n++] = tag;
	if (len > 0xff) {
		ret[n++] = 0x82;
		ret[n++] = (uint8_t)(len >> 8);
	} else if (len > 0x7f) {
		ret[n++] = 0x81;
	}
	ret[n++] = (uint8_t)len;
	return n;
}

size_t
rm_apdu_sign_data(uint8_t *ret, size_t size, const uint8_t *challenge,
    size_t len)
{
	uint8_t inner[8], outer[4];
	size_t n_inner, n_outer;

	if (len > 0xff00)
		return 0;
	n_inner = put_head(inner, TAG_RESPONSE, 0);
	n_inner += put_head(inner + n_inner, TAG_CHALLENGE, len);
	n_outer = put_head(outer, TAG_AUTHENTICATE, n_inner + len);
	if (size < n_outer + n_inner + len)
		return 0;
	memcpy(ret, outer, n_outer);
	memcpy(ret + n_outer, inner, n_inner);
	memcpy(ret + n_outer + n_inner, challenge, len);
	return n_outer + n_inner + len;
}

/*
 * Tag and length of the next element.  Returns how many bytes they take, 0 if
 * they are not whole or of a form that no object of ours has.
 */
static size_t
read_head(const struct rm_tlv *cur, unsigned int *ret_tag, size_t *ret_len)
{
	const uint8_t *p = cur->p;
	size_t at = 0, len, wide;
	unsigned int tag;

	if (cur->left < 2)
		return 0;
	tag = p[at++];
	if ((tag & 0x1f) == 0x1f) {
		if (p[at] & 0x80)
			return 0;
		tag = tag << 8 | p[at++];
	}
	if (at == cur->left)
		return 0;
	len = p[at++];
	if (len == 0x81 || len == 0x82) {
		wide = len - 0x80;
		if (cur->left - at < wide)
			return 0;
		for (len = 0; wide > 0; wide--)
			len = len << 8 | p[at++];
	} else if (len >= 0x80) {
		return 0;
	}
	*ret_tag = tag;
	*ret_len = len;
	return at;
}

int
rm_tlv_next(struct rm_tlv *cur, unsigned int *ret_tag,
    struct rm_tlv *ret_value)
{
	unsigned int tag;
	size_t head, len;

	if ((head = read_head(cur, &tag, &len)) == 0 || len > cur->left - head)
		return -1;
	*ret_tag = tag;
	*ret_value = (struct rm_tlv){ cur->p + head, len };
	cur->p += head + len;
	cur->left -= head + len;
	return 0;
}

int
rm_tlv_take(struct rm_tlv *cur, unsigned int tag, struct rm_tlv *ret_value)
{
	struct rm_tlv at = *cur, value;
	unsigned int found;

	if (rm_tlv_next(&at, &found, &value) == -1 || found != tag)
		return -1;
	*cur = at;
	*ret_value = value;
	return 0;
}

int
rm_tlv_open(struct rm_tlv *cur, unsigned int tag, struct rm_tlv *ret_value)
{
	unsigned int found;
	size_t head, len;

	if ((head = read_head(cur, &found, &len)) == 0 || found != tag)
		return -1;
	if (len > cur->left - head)
		len = cur->left - head;
	*ret_value = (struct rm_tlv){ cur->p + head, len };
	cur->p += head + len;
	cur->left -= head + len;
	return 0;
}

int
rm_apdu_signature(const uint8_t *answer, size_t len, struct rm_tlv *ret_sig)
{
	struct rm_tlv cur = { answer, len }, template, sig;

	if (rm_tlv_take(&cur, TAG_AUTHENTICATE, &template) == -1 ||
	    cur.left != 0 ||
	    rm_tlv_take(&template, TAG_RESPONSE, &sig) == -1 ||
	    template.left != 0 || sig.left == 0)
		return -1;
	*ret_sig = sig;
	return 0;
}
