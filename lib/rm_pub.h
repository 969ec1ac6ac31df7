/* SPDX-License-Identifier: ISC */
#ifndef RM_PUB_H
#define RM_PUB_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

#define RM_PUB_KEYID_LEN	64	/* digits of a KEYID, without the NUL */
#define RM_PUB_DER_MAX		576	/* bytes: RSA 4096 needs 550 */
#define RM_PUB_PEM_MAX		1024	/* bytes with the NUL */
#define RM_PUB_SIG_MAX		512	/* bytes: RSA 4096 */
#define RM_PUB_CERT_MAX		8192	/* bytes of a certificate */

/*
 * The public key of a card or an appliance.  Whoever has one may trust that
 * it is of a kind that may be enrolled: P-256 or P-384 by name, RSA of 2048
 * to 4096 bits, or Ed25519, and that its encoding is the only one for that
 * key (DER, uncompressed point), so that one key has one KEYID.
 */
struct rm_pub;

enum rm_pub_kind { RM_PUB_P256, RM_PUB_P384, RM_PUB_RSA, RM_PUB_ED25519 };

/*
 * From a SubjectPublicKeyInfo (DER); from PEM text, which is one block PUBLIC
 * KEY and nothing else; from a PEM file (never through a link).  NULL, and
 * *ret_why set to a short text (static, or strerror's), if it cannot be read
 * or is no key that may be enrolled.  The caller frees.
 */
RM_MUST_CHECK struct rm_pub *rm_pub_from_der(const uint8_t *der, size_t len,
    const char **ret_why);
RM_MUST_CHECK struct rm_pub *rm_pub_from_pem(const char *text, size_t len,
    const char **ret_why);
RM_MUST_CHECK struct rm_pub *rm_pub_load_pem(const char *path,
    const char **ret_why);

/*
 * The key in an X.509 certificate (DER, exactly len bytes).  ret_cn gets the
 * subject's last common name, cleaned to printable ASCII, or "" if there is
 * none.  Nothing else of the certificate is looked at: no date, no signature.
 */
RM_MUST_CHECK struct rm_pub *rm_pub_from_cert_der(const uint8_t *der,
    size_t len, char *ret_cn, size_t cn_size, const char **ret_why);

/* NULL is allowed. */
void rm_pub_free(struct rm_pub *pub);

/* SHA-256 of the SubjectPublicKeyInfo, 64 digits; the key's own memory. */
const char *rm_pub_keyid(const struct rm_pub *pub);

enum rm_pub_kind rm_pub_kind(const struct rm_pub *pub);

/* Bits of the modulus or the curve: 2048 to 4096, 256, 384. */
unsigned int rm_pub_bits(const struct rm_pub *pub);

/*
 * The word that stands in a vote: ecdsa-sha256, ecdsa-sha384,
 * rsa-pkcs1-sha256 or ed25519.  The key alone fixes it.
 */
const char *rm_pub_alg(const struct rm_pub *pub);

/* The SubjectPublicKeyInfo, *ret_len bytes of the key's own memory. */
const uint8_t *rm_pub_der(const struct rm_pub *pub, size_t *ret_len);

/* The same in base64 on one line, and as PEM. */
void rm_pub_base64(const struct rm_pub *pub, char ret[static RM_PUB_PEM_MAX]);
void rm_pub_pem(const struct rm_pub *pub, char ret[static RM_PUB_PEM_MAX]);

/*
 * 0 if sig is this key's signature over text; -1 if it is not, whatever the
 * reason.  ECDSA signatures are DER.
 */
RM_MUST_CHECK int rm_pub_verify(const struct rm_pub *pub, const void *text,
    size_t len, const uint8_t *sig, size_t sig_len);

/*
 * What the card is given so that its answer is the signature over text: the
 * hash (ECDSA); the padded DigestInfo, as long as the modulus (RSA, PKCS#1
 * v1.5, RFC 8017 section 9.2); the text itself (Ed25519).  Returns 0, or -1
 * if it does not fit in max bytes.
 */
RM_MUST_CHECK int rm_pub_challenge(const struct rm_pub *pub, const void *text,
    size_t len, uint8_t *ret, size_t max, size_t *ret_len);

#endif
