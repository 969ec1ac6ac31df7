/* SPDX-License-Identifier: ISC */
/*
 * The front of an X.509 certificate (RFC 5280), read from a card, up to its
 * public key.  A certificate is longer than what a card can send at once;
 * its key mostly is within the first piece, so the rest need not be fetched.
 * Nothing here is trusted: that the key is the card's own is proved by a
 * signature, that it may do something by its enrolment.
 */
#include "rm_cert.h"

#include <string.h>

#include "rm_apdu.h"
#include "rm_text.h"

enum {
	TAG_INTEGER = 0x02,
	TAG_OID = 0x06,
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	TAG_VERSION = 0xa0
};

static const uint8_t oid_cn[] = { 0x55, 0x04, 0x03 };

/* AttributeTypeAndValue: a common name replaces the one found before. */
static void
read_attribute(char ret_cn[static RM_CERT_CN_MAX], struct rm_tlv pair)
{
	struct rm_tlv oid, text;
	unsigned int tag;

	if (rm_tlv_take(&pair, TAG_OID, &oid) == -1 ||
	    oid.left != sizeof(oid_cn) ||
	    memcmp(oid.p, oid_cn, sizeof(oid_cn)) != 0 ||
	    rm_tlv_next(&pair, &tag, &text) == -1)
		return;
	rm_text_clean(ret_cn, RM_CERT_CN_MAX, text.p, text.left);
}

/* A name is for people's eyes only: one without a CN is an empty one. */
static void
read_name(char ret_cn[static RM_CERT_CN_MAX], struct rm_tlv name)
{
	struct rm_tlv set, pair;

	ret_cn[0] = '\0';
	while (rm_tlv_take(&name, TAG_SET, &set) == 0)
		while (rm_tlv_take(&set, TAG_SEQUENCE, &pair) == 0)
			read_attribute(ret_cn, pair);
}

int
rm_cert_parse(struct rm_cert *ret, const uint8_t *der, size_t len)
{
	struct rm_tlv cur = { der, len }, whole, tbs, skip, subject, key;
	struct rm_cert cert;

	if (rm_tlv_open(&cur, TAG_SEQUENCE, &whole) == -1 ||
	    rm_tlv_open(&whole, TAG_SEQUENCE, &tbs) == -1)
		return -1;
	/* Certificates of version 1 do not say so. */
	(void)!rm_tlv_take(&tbs, TAG_VERSION, &skip);
	if (rm_tlv_take(&tbs, TAG_INTEGER, &skip) == -1 ||	/* serial */
	    rm_tlv_take(&tbs, TAG_SEQUENCE, &skip) == -1 ||	/* signature */
	    rm_tlv_take(&tbs, TAG_SEQUENCE, &skip) == -1 ||	/* issuer */
	    rm_tlv_take(&tbs, TAG_SEQUENCE, &skip) == -1 ||	/* validity */
	    rm_tlv_take(&tbs, TAG_SEQUENCE, &subject) == -1)
		return -1;
	cert.spki = tbs.p;
	if (rm_tlv_take(&tbs, TAG_SEQUENCE, &key) == -1)
		return -1;
	cert.spki_len = (size_t)(tbs.p - cert.spki);
	read_name(cert.cn, subject);
	*ret = cert;
	return 0;
}
