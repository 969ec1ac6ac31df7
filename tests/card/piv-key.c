/* SPDX-License-Identifier: ISC */
/*
 * piv-key: the private keys of the test card.
 * Keys and certificates come from PEM files made by tests/card/make-card.
 * RSA is a bare private-key operation, as in a real card: the caller brings
 * the padding.
 */
#include "piv-card.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

struct evp_pkey_st *
key_load(const char *path)
{
	EVP_PKEY *key;
	FILE *f;

	if ((f = fopen(path, "re")) == NULL)
		err(111, "unable to open %s", path);
	if ((key = PEM_read_PrivateKey(f, NULL, NULL, NULL)) == NULL)
		errx(100, "no private key in %s", path);
	(void)fclose(f);
	if (key_algorithm(key) == 0)
		errx(100, "no PIV algorithm for the key in %s", path);
	return key;
}

void
cert_load(const char *path, struct buf *ret)
{
	uint8_t *der;
	X509 *x;
	FILE *f;
	int n;

	der = NULL;
	if ((f = fopen(path, "re")) == NULL)
		err(111, "unable to open %s", path);
	if ((x = PEM_read_X509(f, NULL, NULL, NULL)) == NULL)
		errx(100, "no certificate in %s", path);
	(void)fclose(f);
	if ((n = i2d_X509(x, &der)) <= 0)
		errx(111, "unable to encode %s", path);
	buf_add(ret, der, (size_t)n);
	OPENSSL_free(der);
	X509_free(x);
}

unsigned
key_algorithm(const struct evp_pkey_st *key)
{
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
		switch (EVP_PKEY_get_bits(key)) {
		case 2048:
			return 0x07;
		case 3072:
			return 0x05;
		case 4096:
			return 0x16;
		}
		return 0;
	case EVP_PKEY_EC:
		switch (EVP_PKEY_get_bits(key)) {
		case 256:
			return 0x11;
		case 384:
			return 0x14;
		}
		return 0;
	case EVP_PKEY_ED25519:
		return 0xe0;
	}
	return 0;
}

size_t
key_size(const struct evp_pkey_st *key)
{
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		return 0;
	return (size_t)EVP_PKEY_get_bits(key) / 8;
}

/* Ed25519 signs the message itself; its API is of another kind. */
static int
sign_message(EVP_PKEY *key, const uint8_t *p, size_t len, uint8_t *sig,
    size_t *sig_len)
{
	EVP_MD_CTX *ctx;
	int ok;

	if ((ctx = EVP_MD_CTX_new()) == NULL)
		return 0;
	ok = EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) == 1 &&
	    EVP_DigestSign(ctx, sig, sig_len, p, len) == 1;
	EVP_MD_CTX_free(ctx);
	return ok;
}

static int
sign_digest(EVP_PKEY *key, const uint8_t *p, size_t len, uint8_t *sig,
    size_t *sig_len)
{
	EVP_PKEY_CTX *ctx;
	int ok;

	if ((ctx = EVP_PKEY_CTX_new(key, NULL)) == NULL)
		return 0;
	ok = EVP_PKEY_sign_init(ctx) == 1;
	if (ok && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA)
		ok = EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) == 1;
	ok = ok && EVP_PKEY_sign(ctx, sig, sig_len, p, len) == 1;
	EVP_PKEY_CTX_free(ctx);
	return ok;
}

int
key_sign(struct evp_pkey_st *key, const uint8_t *p, size_t len,
    struct buf *ret)
{
	uint8_t sig[512];
	size_t n;
	int ok;

	n = sizeof(sig);
	if (EVP_PKEY_get_base_id(key) == EVP_PKEY_ED25519)
		ok = sign_message(key, p, len, sig, &n);
	else
		ok = sign_digest(key, p, len, sig, &n);
	if (!ok)
		return -1;
	buf_add(ret, sig, n);
	return 0;
}

void
key_id(struct evp_pkey_st *key, uint8_t ret[static 16])
{
	uint8_t hash[EVP_MAX_MD_SIZE], *der;
	unsigned n;
	int len;

	der = NULL;
	if ((len = i2d_PUBKEY(key, &der)) <= 0 ||
	    EVP_Digest(der, (size_t)len, hash, &n, EVP_sha256(), NULL) != 1)
		errx(111, "unable to hash a public key");
	OPENSSL_free(der);
	for (n = 0; n < 16; n++)
		ret[n] = hash[n];
}
