/* SPDX-License-Identifier: ISC */
#ifndef RM_HASH_H
#define RM_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

#define RM_HASH_LEN	32			/* bytes */
#define RM_HASH_HEX	(2 * RM_HASH_LEN + 1)	/* digits and NUL */

/* Digits of the SHA-256 (FIPS 180-4) of len bytes. */
void rm_hash_sha256(char ret_hex[static RM_HASH_HEX], const void *buf,
    size_t len);

/* Digits of the SHA-256 of all that fd still gives.  0, or -1 with errno. */
RM_MUST_CHECK int rm_hash_sha256_fd(char ret_hex[static RM_HASH_HEX], int fd);

/* Digits of the BLAKE2b-256 (RFC 7693, no key) of len bytes. */
void rm_hash_blake2b(char ret_hex[static RM_HASH_HEX], const void *buf,
    size_t len);

/* Digits of len random bytes, 2 * len and a NUL. */
void rm_hash_random(char *ret_hex, size_t len);

/*
 * Base64 (RFC 4648 section 4, padded).  Encoding returns 0, or -1 if size is
 * too small for text and NUL.  Decoding returns 0 and sets *ret_len, or -1 if
 * the text is not canonical base64 or does not fit in max bytes.
 */
RM_MUST_CHECK int rm_hash_base64(char *ret, size_t size, const uint8_t *src,
    size_t len);
RM_MUST_CHECK int rm_hash_unbase64(uint8_t *ret, size_t max, size_t *ret_len,
    const char *text);

#endif
