/* SPDX-License-Identifier: ISC */
#ifndef RM_PASSWORD_H
#define RM_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

#include "rm_die.h"

#define RM_PASSWORD_MIN		8	/* bytes */
#define RM_PASSWORD_MAX		64
#define RM_PASSWORD_HASH	128	/* bytes of a hash, with its NUL */

/*
 * Passwords of the HSM service's users, as Argon2id strings (RFC 9106) that
 * carry their own salt and cost.  The default is OWASP's floor, 2 passes over
 * 19 MiB: seven tries are all that a stranger has, who holds the disk has the
 * keys without a password, and every PKCS#11 client that starts logs in, so
 * that this is most of what its start takes.
 */

/* Hashes a password of len bytes.  0, or -1 if it is too short or too long,
 * or there is no memory (errno EINVAL, ENOMEM). */
RM_MUST_CHECK int rm_password_hash(char ret[static RM_PASSWORD_HASH],
    const char *password, size_t len);

/* True if it is such a hash, of at most 256 MiB and 16 passes. */
bool rm_password_is_hash(const char *hash);

/*
 * Returns 1 if the password fits the hash, 0 if not; -1 with errno if that
 * cannot be said (ENOMEM; EINVAL: it is no hash).  Takes the time that the
 * cost in the hash asks for, whatever the password is.
 */
RM_MUST_CHECK int rm_password_fits(const char *hash, const char *password,
    size_t len);

/* A hash of the default cost which no password fits: for users that are not
 * there, so that they take the same time. */
extern const char rm_password_nobody[];

/* Wipes a password, so that the compiler keeps the writes. */
void rm_password_wipe(void *password, size_t len);

#endif
