/* SPDX-License-Identifier: ISC */
/* Hashes, random names and base64, by libsodium. */
#include "rm_hash.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_text.h"

void
rm_hash_sha256(char ret_hex[static RM_HASH_HEX], const void *buf, size_t len)
{
	uint8_t hash[RM_HASH_LEN];

	(void)crypto_hash_sha256(hash, buf, len);
	rm_text_hex(ret_hex, hash, sizeof(hash));
}

int
rm_hash_sha256_fd(char ret_hex[static RM_HASH_HEX], int fd)
{
	crypto_hash_sha256_state state;
	uint8_t hash[RM_HASH_LEN], buf[16384];
	ssize_t n;

	(void)crypto_hash_sha256_init(&state);
	while ((n = rm_io_read(fd, buf, sizeof(buf))) > 0)
		(void)crypto_hash_sha256_update(&state, buf, (size_t)n);
	if (n == -1)
		return -1;
	(void)crypto_hash_sha256_final(&state, hash);
	rm_text_hex(ret_hex, hash, sizeof(hash));
	return 0;
}

void
rm_hash_blake2b(char ret_hex[static RM_HASH_HEX], const void *buf, size_t len)
{
	uint8_t hash[RM_HASH_LEN];

	(void)crypto_generichash(hash, sizeof(hash), buf, len, NULL, 0);
	rm_text_hex(ret_hex, hash, sizeof(hash));
}

void
rm_hash_random(char *ret_hex, size_t len)
{
	uint8_t byte;

	for (; len > 0; len--, ret_hex += 2) {
		randombytes_buf(&byte, 1);
		rm_text_hex(ret_hex, &byte, 1);
	}
}

int
rm_hash_base64(char *ret, size_t size, const uint8_t *src, size_t len)
{
	if (size < sodium_base64_encoded_len(len,
	    sodium_base64_VARIANT_ORIGINAL))
		return -1;
	(void)sodium_bin2base64(ret, size, src, len,
	    sodium_base64_VARIANT_ORIGINAL);
	return 0;
}

int
rm_hash_unbase64(uint8_t *ret, size_t max, size_t *ret_len, const char *text)
{
	size_t len;

	if (sodium_base642bin(ret, max, text, strlen(text), NULL, &len, NULL,
	    sodium_base64_VARIANT_ORIGINAL) == -1)
		return -1;
	*ret_len = len;
	return 0;
}
