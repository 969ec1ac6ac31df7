/* SPDX-License-Identifier: ISC */
#ifndef RM_KAT_H
#define RM_KAT_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

/*
 * The algorithms of TLS by themselves, as the library that rm-tls uses has
 * them: only known answers are computed with these.  Each returns 0, or -1 if
 * the library does not do it.
 */

/* cipher is OpenSSL's name of an AEAD; ret gets len bytes, then 16 of tag. */
RM_MUST_CHECK int rm_kat_aead(uint8_t *ret, const char *cipher,
    const uint8_t *key, const uint8_t nonce[static 12], const uint8_t *aad,
    size_t aad_len, const uint8_t *text, size_t len);

RM_MUST_CHECK int rm_kat_x25519(uint8_t ret[static 32],
    const uint8_t secret[static 32], const uint8_t point[static 32]);

/* digest is SHA256 or SHA384. */
RM_MUST_CHECK int rm_kat_hkdf(uint8_t *ret, size_t len, const char *digest,
    const uint8_t *key, size_t key_len, const uint8_t *salt, size_t salt_len,
    const uint8_t *info, size_t info_len);

RM_MUST_CHECK int rm_kat_hmac(uint8_t *ret, size_t max, size_t *ret_len,
    const char *digest, const void *key, size_t key_len, const void *text,
    size_t len);

#endif
