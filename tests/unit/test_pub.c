/* SPDX-License-Identifier: ISC */
/* Which keys are accepted, in which encoding, and what they verify. */
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm_pub.h"

static const char text[] = "rm-session 1\nmanager bob\n";
static int tests;

static void
ok(bool good, const char *what, const char *detail)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++tests, what,
	    detail);
}

static void
none(struct rm_pub *pub, const char *what, const char **why)
{
	ok(pub == NULL, what, *why);
	rm_pub_free(pub);
}

static EVP_PKEY *
make(const char *type, const char *group, size_t bits)
{
	EVP_PKEY *key;

	if (strcmp(type, "RSA") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, type, bits);
	else if (strcmp(type, "EC") == 0)
		key = EVP_PKEY_Q_keygen(NULL, NULL, type, group);
	else
		key = EVP_PKEY_Q_keygen(NULL, NULL, type);
	if (key == NULL)
		abort();
	return key;
}

static size_t
sign(EVP_PKEY *key, const EVP_MD *md, uint8_t *sig)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = RM_PUB_SIG_MAX;

	if (EVP_DigestSignInit(ctx, NULL, md, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, sig, &len, (const uint8_t *)text,
	    sizeof(text)) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	return len;
}

/* A card signs what rm_pub_challenge gives it, without a hash of its own. */
static size_t
sign_as_card(EVP_PKEY *key, const uint8_t *in, size_t len, uint8_t *sig)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(key, NULL);
	size_t n = RM_PUB_SIG_MAX;

	if (EVP_PKEY_is_a(key, "ED25519")) {
		EVP_PKEY_CTX_free(ctx);
		return sign(key, NULL, sig);
	}
	if (EVP_PKEY_sign_init(ctx) != 1 || (EVP_PKEY_is_a(key, "RSA") &&
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_NO_PADDING) != 1) ||
	    EVP_PKEY_sign(ctx, sig, &n, in, len) != 1)
		abort();
	EVP_PKEY_CTX_free(ctx);
	return n;
}

static void
accept(EVP_PKEY *key, const EVP_MD *md, const char *alg, unsigned int bits)
{
	uint8_t *der = NULL, sig[RM_PUB_SIG_MAX], challenge[RM_PUB_SIG_MAX];
	int len = i2d_PUBKEY(key, &der);
	const char *why = "";
	struct rm_pub *pub = rm_pub_from_der(der, (size_t)len, &why), *again;
	char pem[RM_PUB_PEM_MAX];
	size_t n, m;

	ok(pub != NULL && strcmp(rm_pub_alg(pub), alg) == 0 &&
	    rm_pub_bits(pub) == bits, "accepted", alg);
	n = sign(key, md, sig);
	ok(rm_pub_verify(pub, text, sizeof(text), sig, n) == 0, "verifies",
	    alg);
	ok(rm_pub_verify(pub, text, sizeof(text) - 1, sig, n) == -1 &&
	    rm_pub_verify(pub, text, sizeof(text), sig, n - 1) == -1 &&
	    rm_pub_verify(pub, text, sizeof(text), sig, 0) == -1,
	    "does not verify another text, or a part", alg);
	sig[n / 2] ^= 1;
	ok(rm_pub_verify(pub, text, sizeof(text), sig, n) == -1,
	    "does not verify a changed signature", alg);
	ok(rm_pub_challenge(pub, text, sizeof(text), challenge,
	    sizeof(challenge), &m) == 0, "has a challenge", alg);
	n = sign_as_card(key, challenge, m, sig);
	ok(rm_pub_verify(pub, text, sizeof(text), sig, n) == 0,
	    "a card that signs the challenge signs the text", alg);
	ok(rm_pub_challenge(pub, text, sizeof(text), challenge, m - 1,
	    &n) == -1, "the challenge needs its room", alg);
	rm_pub_pem(pub, pem);
	again = rm_pub_from_pem(pem, strlen(pem), &why);
	ok(again != NULL && strcmp(rm_pub_keyid(again),
	    rm_pub_keyid(pub)) == 0, "PEM and back", alg);
	strcat(pem, "x\n");
	ok(rm_pub_from_pem(pem, strlen(pem), &why) == NULL,
	    "PEM with something behind it", alg);
	rm_pub_free(again);
	rm_pub_free(pub);
	OPENSSL_free(der);
}

static void
refuse(EVP_PKEY *key, const char *want)
{
	uint8_t *der = NULL;
	int len = i2d_PUBKEY(key, &der);
	const char *why = "";
	struct rm_pub *pub = rm_pub_from_der(der, (size_t)len, &why);

	ok(pub == NULL && strcmp(why, want) == 0, "refused", why);
	rm_pub_free(pub);
	OPENSSL_free(der);
	EVP_PKEY_free(key);
}

static EVP_PKEY *
make_rsa_with_exponent_3(void)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *three = BN_new();
	EVP_PKEY *key = NULL;

	if (BN_set_word(three, 3) != 1 || EVP_PKEY_keygen_init(ctx) != 1 ||
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, three) != 1 ||
	    EVP_PKEY_generate(ctx, &key) != 1)
		abort();
	BN_free(three);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

static void
refuse_forms(EVP_PKEY *key)
{
	const char *why;
	uint8_t *der = NULL, longer[RM_PUB_DER_MAX];
	size_t len;

	EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
	    OSSL_PKEY_EC_ENCODING_EXPLICIT);
	EVP_PKEY_up_ref(key);
	refuse(key, "curve given by parameters instead of a name");
	EVP_PKEY_set_utf8_string_param(key, OSSL_PKEY_PARAM_EC_ENCODING,
	    OSSL_PKEY_EC_ENCODING_GROUP);
	EVP_PKEY_set_utf8_string_param(key,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "compressed");
	EVP_PKEY_up_ref(key);
	refuse(key, "point that is not uncompressed");
	EVP_PKEY_set_utf8_string_param(key,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "hybrid");
	EVP_PKEY_up_ref(key);
	refuse(key, "point that is not uncompressed");
	EVP_PKEY_set_utf8_string_param(key,
	    OSSL_PKEY_PARAM_EC_POINT_CONVERSION_FORMAT, "uncompressed");
	len = (size_t)i2d_PUBKEY(key, &der);
	memcpy(longer, der, len);
	longer[len] = 0;
	none(rm_pub_from_der(longer, len + 1, &why), "refused", &why);
	none(rm_pub_from_der(longer, len - 1, &why), "refused", &why);
	none(rm_pub_from_der(longer, 0, &why), "refused", &why);
	/* 30 59 ... written as 30 81 59 ...: BER, not DER */
	longer[1] = 0x81;
	memcpy(longer + 2, der + 1, len - 1);
	none(rm_pub_from_der(longer, len + 1, &why), "refused", &why);
	/* off the curve */
	der[len - 1] ^= 1;
	none(rm_pub_from_der(der, len, &why), "refused", &why);
	OPENSSL_free(der);
}

static void
test_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);
	uint8_t *der = NULL, *spki = NULL;
	struct rm_pub *pub, *direct;
	const char *why;
	char cn[16];
	int len, len_spki;

	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const uint8_t *)"first", -1, -1, 0);
	(void)X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
	    (const uint8_t *)"al\x1b[ice-and-more-of-it", -1, -1, 0);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), 60);
	(void)X509_set_pubkey(cert, key);
	(void)X509_sign(cert, key, EVP_sha256());
	len = i2d_X509(cert, &der);
	pub = rm_pub_from_cert_der(der, (size_t)len, cn, sizeof(cn), &why);
	len_spki = i2d_PUBKEY(key, &spki);
	direct = rm_pub_from_der(spki, (size_t)len_spki, &why);
	ok(pub != NULL && direct != NULL && strcmp(rm_pub_keyid(pub),
	    rm_pub_keyid(direct)) == 0, "certificate", "the same key");
	ok(strcmp(cn, "al?[ice-and-mor") == 0, "last common name, cleaned",
	    cn);
	none(rm_pub_from_cert_der(der, (size_t)len - 1, cn, sizeof(cn),
	    &why), "certificate cut short", &why);
	rm_pub_free(pub);
	rm_pub_free(direct);
	OPENSSL_free(der);
	OPENSSL_free(spki);
	X509_free(cert);
}

int
main(void)
{
	EVP_PKEY *p256 = make("EC", "P-256", 0);
	EVP_PKEY *p384 = make("EC", "P-384", 0);
	EVP_PKEY *rsa = make("RSA", NULL, 2048);
	EVP_PKEY *ed = make("ED25519", NULL, 0);
	const char *why;

	accept(p256, EVP_sha256(), "ecdsa-sha256", 256);
	accept(p384, EVP_sha384(), "ecdsa-sha384", 384);
	accept(rsa, EVP_sha256(), "rsa-pkcs1-sha256", 2048);
	accept(ed, NULL, "ed25519", 256);
	refuse(make("EC", "P-521", 0), "curve other than P-256 and P-384");
	refuse(make("EC", "secp256k1", 0), "curve other than P-256 and P-384");
	refuse(make("EC", "brainpoolP256r1", 0),
	    "curve other than P-256 and P-384");
	refuse(make("RSA", NULL, 1024), "RSA key outside 2048 to 4096 bits");
	refuse(make_rsa_with_exponent_3(),
	    "RSA key with an exponent that is even, below 65537 or huge");
	refuse(make("X25519", NULL, 0),
	    "key other than P-256, P-384, RSA and Ed25519");
	refuse_forms(p256);
	test_certificate(p256);
	none(rm_pub_from_pem("", 0, &why), "refused", &why);
	none(rm_pub_load_pem("/nowhere", &why), "refused", &why);
	EVP_PKEY_free(p256);
	EVP_PKEY_free(p384);
	EVP_PKEY_free(rsa);
	EVP_PKEY_free(ed);
	printf("1..%d\n", tests);
	return 0;
}
