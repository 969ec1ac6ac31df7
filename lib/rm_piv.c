/* SPDX-License-Identifier: ISC */
/*
 * PIV by its letters, and by the ways of real cards: answers in pieces (61xx),
 * answers with another Le (6Cxx), pieces of any size, two ways of saying that
 * the PIN is blocked.  The order of calls is the caller's (rm_card.c), as is
 * the card transaction around them.
 *
 * MUST: no VERIFY with a PIN is ever repeated here, whatever the card says.
 * MUST: what held the PIN is wiped before rm_piv_verify returns.
 * MUST: every loop over a card's answers ends: each takes at least one byte,
 * and there is an end to the room for them.
 */
#include "rm_piv.h"

#include <string.h>
#define ZLIB_CONST
#include <zlib.h>

enum {
	TAG_OBJECT = 0x53,
	TAG_CERTIFICATE = 0x70,
	TAG_CERT_INFO = 0x71,
	CERT_INFO_GZIP = 0x01,
	GZIP_MAGIC = 0x1f,		/* first byte; a plain one has 30 */
	ANSWER_MAX = 258		/* of one command with a short Le */
};

static const struct rm_apdu_head cmd_select = { 0x00, 0xa4, 0x04, 0x00 };
static const struct rm_apdu_head cmd_get_data = { 0x00, 0xcb, 0x3f, 0xff };
static const struct rm_apdu_head cmd_response = { 0x00, 0xc0, 0x00, 0x00 };
static const struct rm_apdu_head cmd_verify = { 0x00, 0x20, 0x00, 0x80 };

/* The application's name without its version: every version answers. */
static const uint8_t piv_aid[] = {
	0xa0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00
};

/* Sends piv->cmd once and puts its answer behind what there is. */
static int
transmit(struct rm_piv *piv)
{
	size_t n = ANSWER_MAX;
	const uint8_t *end;

	if (sizeof(piv->answer) - piv->len < n)
		return rm_err_set(&piv->err, RM_CODE_FAILED,
		    "the card's answer is too long");
	if (piv->transmit(piv->arg, &piv->cmd, piv->answer + piv->len, &n,
	    &piv->err) == -1)
		return -1;
	if (n < 2)
		return rm_err_set(&piv->err, RM_CODE_CARD_LOST,
		    "the card broke off in its answer");
	piv->len += n - 2;
	end = piv->answer + piv->len;
	piv->sw = (unsigned int)end[0] << 8 | end[1];
	return 0;
}

/* The same, and again if the card wants another Le. */
static int
transmit_le(struct rm_piv *piv)
{
	size_t before = piv->len;

	if (transmit(piv) == -1)
		return -1;
	if (piv->sw >> 8 != RM_SW_LE)
		return 0;
	rm_apdu_set_le(&piv->cmd, piv->sw & 0xff);
	piv->len = before;
	return transmit(piv);
}

/* A command with an answer, in as many parts as it takes. */
static int
command(struct rm_piv *piv, const struct rm_apdu_head *head,
    const uint8_t *data, size_t len)
{
	size_t offset = 0;

	do {
		piv->len = 0;
		rm_apdu_part(&piv->cmd, head, data, len, &offset, true);
		if ((offset < len ? transmit(piv) : transmit_le(piv)) == -1)
			return -1;
	} while (offset < len && piv->sw == RM_SW_OK);
	return 0;
}

static bool
has_more(const struct rm_piv *piv)
{
	return piv->sw >> 8 == RM_SW_MORE;
}

/* The next piece of an answer: the card has to give at least one byte. */
static int
more(struct rm_piv *piv)
{
	size_t before = piv->len, offset = 0;

	rm_apdu_part(&piv->cmd, &cmd_response, NULL, 0, &offset, true);
	rm_apdu_set_le(&piv->cmd, piv->sw & 0xff);
	if (transmit_le(piv) == -1)
		return -1;
	if (has_more(piv) && piv->len == before)
		return rm_err_set(&piv->err, RM_CODE_FAILED,
		    "the card's answer has an empty piece");
	return 0;
}

bool
rm_piv_is_slot(unsigned int slot)
{
	return slot == 0x9a || (slot >= 0x9c && slot <= 0x9e) ||
	    (slot >= 0x82 && slot <= 0x95);
}

uint8_t
rm_piv_algorithm(const struct rm_pub *pub)
{
	switch (rm_pub_kind(pub)) {
	case RM_PUB_P256:
		return 0x11;
	case RM_PUB_P384:
		return 0x14;
	case RM_PUB_ED25519:
		return 0xe0;		/* a vendor's */
	case RM_PUB_RSA:
		break;
	}
	switch (rm_pub_bits(pub)) {
	case 2048:
		return 0x07;
	case 3072:
		return 0x05;		/* SP 800-78-5 */
	case 4096:
		return 0x16;		/* a vendor's */
	}
	return 0;
}

int
rm_piv_select(struct rm_piv *piv)
{
	if (command(piv, &cmd_select, piv_aid, sizeof(piv_aid)) == -1)
		return -1;
	/* What the application says about itself is of no use here. */
	if (piv->sw != RM_SW_OK && !has_more(piv))
		return rm_err_set(&piv->err, RM_CODE_NO_CARD,
		    "not a PIV card (%04X)", piv->sw);
	return 0;
}

/* The object that holds the certificate of a slot: last byte of 5FC1xx. */
static uint8_t
cert_object(uint8_t slot)
{
	switch (slot) {
	case 0x9a:
		return 0x05;
	case 0x9c:
		return 0x0a;
	case 0x9d:
		return 0x0b;
	case 0x9e:
		return 0x01;
	}
	return (uint8_t)(0x0d + slot - 0x82);
}

/* Inflates all of a gzip file into piv->plain; -1 if it is none, or larger. */
static int
inflate_cert(struct rm_piv *piv, struct rm_tlv gz, size_t *ret_len)
{
	z_stream z = { .next_in = gz.p, .avail_in = (uInt)gz.left,
	    .next_out = piv->plain, .avail_out = sizeof(piv->plain) };
	int rc;

	if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
		return -1;
	rc = inflate(&z, Z_FINISH);
	*ret_len = z.total_out;
	(void)inflateEnd(&z);
	return rc == Z_STREAM_END && z.avail_in == 0 ? 0 : -1;
}

/*
 * 53 { 70 certificate, 71 info, ... }.  A plain certificate is read from as
 * much of it as there is; a gzipped one has to be whole.
 */
static int
read_object(struct rm_piv *piv, struct rm_cert *ret)
{
	struct rm_tlv cur = { piv->answer, piv->len }, object, cert, info;
	size_t len;

	if (rm_tlv_open(&cur, TAG_OBJECT, &object) == -1)
		return -1;
	cur = object;
	if (rm_tlv_open(&cur, TAG_CERTIFICATE, &cert) == -1 || cert.left == 0)
		return -1;
	if (cert.p[0] != GZIP_MAGIC)
		return rm_cert_parse(ret, cert.p, cert.left);
	if (rm_tlv_take(&object, TAG_CERTIFICATE, &cert) == -1 ||
	    rm_tlv_take(&object, TAG_CERT_INFO, &info) == -1 ||
	    info.left != 1 || info.p[0] != CERT_INFO_GZIP ||
	    inflate_cert(piv, cert, &len) == -1)
		return -1;
	return rm_cert_parse(ret, piv->plain, len);
}

int
rm_piv_read_key(struct rm_piv *piv, uint8_t slot, struct rm_cert *ret)
{
	const uint8_t name[] = { 0x5c, 0x03, 0x5f, 0xc1, cert_object(slot) };
	static const uint8_t empty[] = { TAG_OBJECT, 0x00 };

	if (command(piv, &cmd_get_data, name, sizeof(name)) == -1)
		return -1;
	if (piv->sw == RM_SW_NOT_FOUND || (piv->sw == RM_SW_OK &&
	    piv->len == sizeof(empty) &&
	    memcmp(piv->answer, empty, sizeof(empty)) == 0))
		return rm_err_set(&piv->err, RM_CODE_NO_CARD,
		    "slot %02x is empty", slot);
	if (piv->sw != RM_SW_OK && !has_more(piv))
		return rm_err_set(&piv->err, RM_CODE_NO_CARD,
		    "slot %02x cannot be read (%04X)", slot, piv->sw);
	/* The key mostly is in the first piece: then the rest stays there. */
	while (read_object(piv, ret) == -1) {
		if (!has_more(piv))
			return rm_err_set(&piv->err, RM_CODE_NO_CARD,
			    "slot %02x holds no certificate that makes sense",
			    slot);
		if (more(piv) == -1)
			return -1;
	}
	return 0;
}

int
rm_piv_tries(struct rm_piv *piv, int *ret_tries)
{
	size_t offset = 0;

	piv->len = 0;
	rm_apdu_part(&piv->cmd, &cmd_verify, NULL, 0, &offset, false);
	if (transmit(piv) == -1)
		return -1;
	*ret_tries = piv->sw == RM_SW_OK ? RM_PIV_VERIFIED :
	    rm_apdu_tries(piv->sw);
	return 0;
}

int
rm_piv_verify(struct rm_piv *piv, const char *pin, size_t len)
{
	uint8_t *block = piv->plain;	/* in the caller's locked memory */
	size_t offset = 0;
	int left, rc;

	if (rm_apdu_pin(block, pin, len) == -1)
		return rm_err_set(&piv->err, RM_CODE_USAGE, "a PIN has 6 to 8 "
		    "characters: none was sent, no try was used");
	piv->len = 0;
	rm_apdu_part(&piv->cmd, &cmd_verify, block, RM_APDU_PIN, &offset,
	    false);
	rc = transmit(piv);
	explicit_bzero(block, RM_APDU_PIN);
	explicit_bzero(&piv->cmd, sizeof(piv->cmd));
	if (rc == -1 || piv->sw == RM_SW_OK)
		return rc;
	left = rm_apdu_tries(piv->sw);
	if (left == 0)
		return rm_err_set(&piv->err, RM_CODE_PIN_BLOCKED, "wrong PIN: "
		    "a try was used, none is left: the PIN is blocked");
	if (left > 0)
		return rm_err_set(&piv->err, RM_CODE_WRONG_PIN, "wrong PIN: "
		    "a try was used, %d left", left);
	return rm_err_set(&piv->err, RM_CODE_FAILED, "the card refused the "
	    "PIN but did not call it wrong (%04X): a try may have been used",
	    piv->sw);
}

int
rm_piv_sign(struct rm_piv *piv, uint8_t slot, uint8_t algorithm,
    const uint8_t *challenge, size_t len,
    uint8_t ret_sig[static RM_PUB_SIG_MAX], size_t *ret_len)
{
	const struct rm_apdu_head head = { 0x00, 0x87, algorithm, slot };
	struct rm_tlv sig;
	size_t n;

	n = rm_apdu_sign_data(piv->plain, sizeof(piv->plain), challenge, len);
	if (n == 0)
		return rm_err_set(&piv->err, RM_CODE_USAGE,
		    "too long to be signed");
	if (command(piv, &head, piv->plain, n) == -1)
		return -1;
	while (has_more(piv))
		if (more(piv) == -1)
			return -1;
	if (piv->sw == RM_SW_NOT_VERIFIED)
		return rm_err_set(&piv->err, RM_CODE_FAILED, "the card took "
		    "the PIN but did not sign: is its key to be touched?");
	if (piv->sw != RM_SW_OK)
		return rm_err_set(&piv->err, RM_CODE_FAILED,
		    "the card refused to sign (%04X)", piv->sw);
	if (rm_apdu_signature(piv->answer, piv->len, &sig) == -1 ||
	    sig.left > RM_PUB_SIG_MAX)
		return rm_err_set(&piv->err, RM_CODE_FAILED,
		    "what the card answered is no signature");
	memcpy(ret_sig, sig.p, sig.left);
	*ret_len = sig.left;
	return 0;
}
