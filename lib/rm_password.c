/* SPDX-License-Identifier: ISC */
/* Argon2id by libsodium. */
#include "rm_password.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "rm_num.h"

#define PASSES		2
#define MEMORY		(19U << 20)
#define MEMORY_MAX_KIB	(256U << 10)
#define PASSES_MAX	16

/* Salt and hash are zeros: no password is known to fit, and finding one is
 * as hard as any preimage. */
const char rm_password_nobody[] = "$argon2id$v=19$m=19456,t=2,p=1$"
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

/* A number of the hash, up to the byte end; NULL, or what is behind it. */
static const char *
number(const char *p, char end, uint32_t min, uint32_t max)
{
	char text[16];
	const char *stop = strchr(p, end);
	uint32_t n;

	if (stop == NULL || (size_t)(stop - p) >= sizeof(text))
		return NULL;
	memcpy(text, p, (size_t)(stop - p));
	text[stop - p] = '\0';
	return rm_num_u32(&n, text, min, max) == 0 ? stop + 1 : NULL;
}

/* A hash file must not make us take all memory, nor all time. */
bool
rm_password_is_hash(const char *hash)
{
	static const char begin[] = "$argon2id$v=19$m=";
	const char *p;

	if (strncmp(hash, begin, sizeof(begin) - 1) != 0 ||
	    strlen(hash) >= RM_PASSWORD_HASH)
		return false;
	p = number(hash + sizeof(begin) - 1, ',', 8, MEMORY_MAX_KIB);
	if (p == NULL || strncmp(p, "t=", 2) != 0)
		return false;
	p = number(p + 2, ',', 1, PASSES_MAX);
	return p != NULL && strncmp(p, "p=1$", 4) == 0;
}

int
rm_password_fits(const char *hash, const char *password, size_t len)
{
	if (!rm_password_is_hash(hash)) {
		errno = EINVAL;
		return -1;
	}
	/* EINVAL is its word for a password that does not fit. */
	errno = 0;
	if (sodium_init() != -1 &&
	    crypto_pwhash_str_verify(hash, password, len) == 0)
		return 1;
	if (errno == EINVAL)
		return 0;
	errno = ENOMEM;
	return -1;
}

void
rm_password_wipe(void *password, size_t len)
{
	sodium_memzero(password, len);
}
