/* SPDX-License-Identifier: ISC */
#ifndef RM_USERS_H
#define RM_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

#define RM_USERS_NAME_MIN	3	/* bytes of a user's name */
#define RM_USERS_NAME_MAX	16
#define RM_USERS_TRIES		7	/* wrong passwords that block a user */

/*
 * Users of the HSM service, a folder each: FOLDER/NAME/password (the hash, one
 * line), FOLDER/NAME/failures (a decimal number; absent is 0).
 */

enum rm_users_result {
	RM_USERS_OK,
	RM_USERS_WRONG,		/* no such user, or not the password */
	RM_USERS_BLOCKED,	/* too many wrong ones; not looked at */
	RM_USERS_FULL,		/* too many log-ins at once; try again */
	RM_USERS_ERROR		/* the folder cannot be used; errno */
};

/* True if s is a user's name: 3 to 16 letters and digits. */
bool rm_users_is_name(const char *s);

/*
 * Checks a password.  Attempts on one user come one after another, and at most
 * four run at once, so that log-ins cannot exhaust the memory; who gets no
 * turn within 10 s is told RM_USERS_FULL.  A wrong one is counted, durably,
 * before this returns; a right one resets the count.  A user who is not there
 * or is blocked takes the same time as one with a wrong password.
 */
RM_MUST_CHECK enum rm_users_result rm_users_check(const char *folder,
    const char *name, const char *password, size_t len);

/* Sets a user's password, making the user if need be, durably.  0, or -1 with
 * errno (EINVAL: the name or the password's length). */
RM_MUST_CHECK int rm_users_set(const char *folder, const char *name,
    const char *password, size_t len);

/* The count of wrong passwords since the last right one.  0, or -1, errno. */
RM_MUST_CHECK int rm_users_failures(uint32_t *ret, const char *folder,
    const char *name);

/* Clears that count, durably, and the block with it.  0, or -1 with errno. */
RM_MUST_CHECK int rm_users_unblock(const char *folder, const char *name);

#endif
