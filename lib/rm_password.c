/* SPDX-License-Identifier: ISC */
/* Argon2id by libsodium. */
#include "rm_password.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "rm_num.h"

#define PASSES		2
#define MEMORY		(64U << 20)
#define MEMORY_MAX_KIB	(256U << 10)

/* Salt and hash are zeros: no password is known to fit, and finding one is
 * as hard as any preimage. */
const char rm_password_nobody[] = "$argon2id$v=19$m=65536,t=2,p=1$"
    "AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

int
rm_password_hash(char ret[static RM_PASSWORD_HASH], const char *password,
    size_t len)
{
	char hash[crypto_pwhash_STRBYTES];

	if (len < RM_PASSWORD_MIN || len > RM_PASSWORD_MAX) {
		errno = EINVAL;
		return -1;
	}
	if (sodium_init() == -1 || crypto_pwhash_str_alg(hash, password, len,
	    PASSES, MEMORY, crypto_pwhash_ALG_ARGON2ID13) == -1) {
		errno = ENOMEM;
		return -1;
	}
	(void)snprintf(ret, RM_PASSWORD_HASH, "%s", hash);
	return 0;
}

/* A hash file must not make us take all memory. */
static bool
affordable(const char *hash)
{
	static const char begin[] = "$argon2id$v=19$m=";
	char number[16];
	uint32_t kib;
	size_t len;

	if (strncmp(hash, begin, sizeof(begin) - 1) != 0)
		return false;
	hash += sizeof(begin) - 1;
	len = strcspn(hash, ",");
	if (len >= sizeof(number))
		return false;
	memcpy(number, hash, len);
	number[len] = '\0';
	return rm_num_u32(&kib, number, 8, MEMORY_MAX_KIB) == 0;
}

bool
rm_password_fits(const char *hash, const char *password, size_t len)
{
	return affordable(hash) && sodium_init() != -1 &&
	    crypto_pwhash_str_verify(hash, password, len) == 0;
}

void
rm_password_wipe(void *password, size_t len)
{
	sodium_memzero(password, len);
}
