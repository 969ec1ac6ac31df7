/* SPDX-License-Identifier: ISC */
/*
 * Public keys and what they sign, by OpenSSL.  Keys come from cards, from
 * enrolments and from the custodians' folder; certificates from cards.  All of
 * them are foreign bytes: what is not exactly one of the four kinds of key, in
 * its only encoding, MUST NOT become a struct rm_pub.
 */
#include "rm_pub.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rm_io.h"
#include "rm_text.h"

#define RSA_MIN_BITS	2048
#define RSA_MAX_BITS	4096
#define EXP_MAX_BITS	64	/* more only makes verifying slow */
#define HASH_MAX	48	/* SHA-384 */

struct rm_pub {
	EVP_PKEY *key;
	enum rm_pub_kind kind;
	size_t der_len;
	uint8_t der[RM_PUB_DER_MAX];
	char keyid[RM_PUB_KEYID_LEN + 1];
};

/* Modulus and exponent are odd, the exponent is no toy (FIPS 186-5, A.1.1). */
static const char *
check_rsa(EVP_PKEY *key)
{
	BIGNUM *n = NULL, *e = NULL;
	const char *why = "RSA key without modulus or exponent";
	int bits = EVP_PKEY_get_bits(key);

	if (EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_N, &n) != 1 ||
	    EVP_PKEY_get_bn_param(key, OSSL_PKEY_PARAM_RSA_E, &e) != 1)
		goto out;
	why = "RSA key outside 2048 to 4096 bits";
	if (bits < RSA_MIN_BITS || bits > RSA_MAX_BITS)
		goto out;
	why = "RSA key with an even modulus";
	if (!BN_is_odd(n))
		goto out;
	why = "RSA key with an exponent that is even, below 65537 or huge";
	if (!BN_is_odd(e) || BN_num_bits(e) < 17 ||
	    BN_num_bits(e) > EXP_MAX_BITS)
		goto out;
	why = NULL;
out:
	BN_free(n);
	BN_free(e);
	return why;
}

static const char *
check_ec(EVP_PKEY *key, enum rm_pub_kind *ret_kind)
{
	char name[32];
	int explicit = 1;

	/* A curve given by parameters can be a weak one that looks right. */
	if (EVP_PKEY_get_int_param(key,
	    OSSL_PKEY_PARAM_EC_DECODED_FROM_EXPLICIT_PARAMS, &explicit) != 1 ||
	    explicit)
		return "curve given by parameters instead of a name";
	if (EVP_PKEY_get_utf8_string_param(key, OSSL_PKEY_PARAM_GROUP_NAME,
	    name, sizeof(name), NULL) != 1)
		return "curve without a name";
	if (strcmp(name, "prime256v1") == 0)
		*ret_kind = RM_PUB_P256;
	else if (strcmp(name, "secp384r1") == 0)
		*ret_kind = RM_PUB_P384;
	else
		return "curve other than P-256 and P-384";
	return NULL;
}

static const char *
check(EVP_PKEY *key, enum rm_pub_kind *ret_kind)
{
	if (EVP_PKEY_is_a(key, "EC"))
		return check_ec(key, ret_kind);
	if (EVP_PKEY_is_a(key, "RSA")) {
		*ret_kind = RM_PUB_RSA;
		return check_rsa(key);
	}
	if (EVP_PKEY_is_a(key, "ED25519")) {
		*ret_kind = RM_PUB_ED25519;
		return NULL;
	}
	return "key other than P-256, P-384, RSA and Ed25519";
}

/*
 * One key, one KEYID: another spelling of the same key would give it a second
 * one, and with it a second name.  OpenSSL writes a point in the form in which
 * it was read, so that form is looked at by itself: 04 is uncompressed.
 */
static const char *
check_encoding(EVP_PKEY *key, enum rm_pub_kind kind, const uint8_t *der,
    size_t len)
{
	uint8_t *again = NULL;
	int n = i2d_PUBKEY(key, &again);
	bool same = n > 0 && (size_t)n == len && memcmp(again, der, len) == 0;

	OPENSSL_free(again);
	if (!same)
		return "key that is not in its canonical encoding";
	if ((kind == RM_PUB_P256 && (len < 65 || der[len - 65] != 4)) ||
	    (kind == RM_PUB_P384 && (len < 97 || der[len - 97] != 4)))
		return "point that is not uncompressed";
	return NULL;
}

struct rm_pub *
rm_pub_from_der(const uint8_t *der, size_t len, const char **ret_why)
{
	const uint8_t *p = der;
	uint8_t hash[RM_PUB_KEYID_LEN / 2];
	struct rm_pub *pub;
	EVP_PKEY *key;

	*ret_why = "no public key";
	if (len > RM_PUB_DER_MAX ||
	    (key = d2i_PUBKEY(NULL, &p, (long)len)) == NULL)
		return NULL;
	if ((pub = calloc(1, sizeof(*pub))) == NULL) {
		*ret_why = strerror(ENOMEM);
		goto fail;
	}
	if ((*ret_why = check(key, &pub->kind)) != NULL ||
	    (*ret_why = check_encoding(key, pub->kind, der, len)) != NULL)
		goto fail;
	*ret_why = "no SHA-256";
	if (EVP_Digest(der, len, hash, NULL, EVP_sha256(), NULL) != 1)
		goto fail;
	rm_text_hex(pub->keyid, hash, sizeof(hash));
	memcpy(pub->der, der, len);
	pub->der_len = len;
	pub->key = key;		/* pub owns it now */
	return pub;
fail:
	EVP_PKEY_free(key);
	free(pub);
	return NULL;
}

struct rm_pub *
rm_pub_from_pem(const char *text, size_t len, const char **ret_why)
{
	char *name = NULL, *header = NULL;
	uint8_t *der = NULL;
	struct rm_pub *pub = NULL;
	long der_len = 0;
	const char *rest;
	size_t rest_len;
	BIO *bio;

	*ret_why = "no block PUBLIC KEY and nothing else";
	len = strnlen(text, len);
	if (len > RM_PUB_PEM_MAX * 2 || len < 11 ||
	    memcmp(text, "-----BEGIN ", 11) != 0)
		return NULL;
	if ((bio = BIO_new_mem_buf(text, (int)len)) == NULL) {
		*ret_why = strerror(ENOMEM);
		return NULL;
	}
	if (PEM_read_bio(bio, &name, &header, &der, &der_len) != 1 ||
	    strcmp(name, "PUBLIC KEY") != 0 || *header != '\0')
		goto out;
	/* What stands behind the block could be a second key. */
	rest_len = (size_t)BIO_get_mem_data(bio, &rest);
	if (rest_len != 0)
		goto out;
	pub = rm_pub_from_der(der, (size_t)der_len, ret_why);
out:
	OPENSSL_free(name);
	OPENSSL_free(header);
	OPENSSL_free(der);
	BIO_free(bio);
	return pub;
}

struct rm_pub *
rm_pub_load_pem(const char *path, const char **ret_why)
{
	char text[RM_PUB_PEM_MAX * 2];
	ssize_t len = rm_io_load(path, text, sizeof(text));

	if (len == -1) {
		*ret_why = strerror(errno);
		return NULL;
	}
	return rm_pub_from_pem(text, (size_t)len, ret_why);
}

static void
common_name(X509 *cert, char *ret_cn, size_t size)
{
	X509_NAME *subject = X509_get_subject_name(cert);
	X509_NAME_ENTRY *entry = NULL;
	ASN1_STRING *text;
	int at = -1, i;

	*ret_cn = '\0';
	while ((i = X509_NAME_get_index_by_NID(subject, NID_commonName,
	    at)) >= 0)
		at = i;
	if (at == -1 || (entry = X509_NAME_get_entry(subject, at)) == NULL)
		return;
	text = X509_NAME_ENTRY_get_data(entry);
	rm_text_clean(ret_cn, size, ASN1_STRING_get0_data(text),
	    (size_t)ASN1_STRING_length(text));
}

struct rm_pub *
rm_pub_from_cert_der(const uint8_t *der, size_t len, char *ret_cn,
    size_t cn_size, const char **ret_why)
{
	const uint8_t *p = der;
	uint8_t *spki = NULL;
	struct rm_pub *pub = NULL;
	X509 *cert = NULL;
	int n;

	*ret_why = "no certificate";
	if (len > RM_PUB_CERT_MAX ||
	    (cert = d2i_X509(NULL, &p, (long)len)) == NULL ||
	    p != der + len)
		goto out;
	*ret_why = "certificate without a public key";
	n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &spki);
	if (n <= 0 ||
	    (pub = rm_pub_from_der(spki, (size_t)n, ret_why)) == NULL)
		goto out;
	common_name(cert, ret_cn, cn_size);
out:
	OPENSSL_free(spki);
	X509_free(cert);
	return pub;
}

void
rm_pub_free(struct rm_pub *pub)
{
	if (pub == NULL)
		return;
	EVP_PKEY_free(pub->key);
	free(pub);
}

const char *
rm_pub_keyid(const struct rm_pub *pub)
{
	return pub->keyid;
}

enum rm_pub_kind
rm_pub_kind(const struct rm_pub *pub)
{
	return pub->kind;
}

unsigned int
rm_pub_bits(const struct rm_pub *pub)
{
	if (pub->kind == RM_PUB_ED25519)
		return 256;	/* OpenSSL says 253 */
	return (unsigned int)EVP_PKEY_get_bits(pub->key);
}

const char *
rm_pub_alg(const struct rm_pub *pub)
{
	switch (pub->kind) {
	case RM_PUB_P256:
		return "ecdsa-sha256";
	case RM_PUB_P384:
		return "ecdsa-sha384";
	case RM_PUB_RSA:
		return "rsa-pkcs1-sha256";
	case RM_PUB_ED25519:
		return "ed25519";
	}
	abort();
}

const uint8_t *
rm_pub_der(const struct rm_pub *pub, size_t *ret_len)
{
	*ret_len = pub->der_len;
	return pub->der;
}

void
rm_pub_base64(const struct rm_pub *pub, char ret[static RM_PUB_PEM_MAX])
{
	_Static_assert((RM_PUB_DER_MAX + 2) / 3 * 4 < RM_PUB_PEM_MAX,
	    "base64 of the longest key fits");
	(void)EVP_EncodeBlock((uint8_t *)ret, pub->der, (int)pub->der_len);
}

void
rm_pub_pem(const struct rm_pub *pub, char ret[static RM_PUB_PEM_MAX])
{
	static const char begin[] = "-----BEGIN PUBLIC KEY-----\n";
	static const char end[] = "-----END PUBLIC KEY-----\n";
	size_t at, n;
	char *p = ret;

	_Static_assert(sizeof(begin) + sizeof(end) +
	    (RM_PUB_DER_MAX / 48 + 1) * 65 < RM_PUB_PEM_MAX,
	    "PEM of the longest key fits");
	p = stpcpy(p, begin);
	for (at = 0; at < pub->der_len; at += n) {
		n = pub->der_len - at < 48 ? pub->der_len - at : 48;
		p += EVP_EncodeBlock((uint8_t *)p, pub->der + at, (int)n);
		*p++ = '\n';
	}
	(void)stpcpy(p, end);
}

/* NULL: the algorithm hashes by itself. */
static const EVP_MD *
hash_of(const struct rm_pub *pub)
{
	switch (pub->kind) {
	case RM_PUB_P256:
	case RM_PUB_RSA:
		return EVP_sha256();
	case RM_PUB_P384:
		return EVP_sha384();
	case RM_PUB_ED25519:
		return NULL;
	}
	abort();
}

int
rm_pub_verify(const struct rm_pub *pub, const void *text, size_t len,
    const uint8_t *sig, size_t sig_len)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int rc = -1;

	/* PKCS#1 v1.5 is the preset for RSA keys. */
	if (ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, hash_of(pub), NULL,
	    pub->key) == 1 &&
	    EVP_DigestVerify(ctx, sig, sig_len, text, len) == 1)
		rc = 0;
	EVP_MD_CTX_free(ctx);
	return rc;
}

/* 00 01 FF ... FF 00 DigestInfo: EMSA-PKCS1-v1_5 of RFC 8017. */
static void
pad(uint8_t *ret, size_t size, const uint8_t *hash, size_t hash_len)
{
	/* SEQUENCE { SEQUENCE { sha256, NULL }, OCTET STRING hash } */
	static const uint8_t info[] = { 0x30, 0x31, 0x30, 0x0d, 0x06, 0x09,
		0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05,
		0x00, 0x04, 0x20 };
	size_t fill = size - 3 - sizeof(info) - hash_len;

	*ret++ = 0;
	*ret++ = 1;
	memset(ret, 0xff, fill);
	ret += fill;
	*ret++ = 0;
	memcpy(ret, info, sizeof(info));
	memcpy(ret + sizeof(info), hash, hash_len);
}

int
rm_pub_challenge(const struct rm_pub *pub, const void *text, size_t len,
    uint8_t *ret, size_t max, size_t *ret_len)
{
	size_t need, modulus = (rm_pub_bits(pub) + 7) / 8;
	const EVP_MD *md = hash_of(pub);
	uint8_t hash[HASH_MAX];
	unsigned int hash_len;

	if (md == NULL) {
		if (len > max)
			return -1;
		memcpy(ret, text, len);
		*ret_len = len;
		return 0;
	}
	if (EVP_Digest(text, len, hash, &hash_len, md, NULL) != 1)
		return -1;
	need = pub->kind == RM_PUB_RSA ? modulus : hash_len;
	if (need > max)
		return -1;
	if (pub->kind == RM_PUB_RSA)
		pad(ret, modulus, hash, hash_len);
	else
		memcpy(ret, hash, hash_len);
	*ret_len = need;
	return 0;
}
