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
 * Users of the HSM service, a folder each (rm-users(5)): FOLDER/NAME/password
 * (the hash, one line), FOLDER/NAME/failures (a decimal number; absent is 0).
 */

enum rm_users_result {
	RM_USERS_OK,
	RM_USERS_WRONG,		/* not the password */
	RM_USERS_LAST,		/* nor this: the user is blocked now */
	RM_USERS_BLOCKED,	/* was so before; not looked at */
	RM_USERS_NOBODY,	/* no such user */
	RM_USERS_FULL,		/* no turn is free just now: ask again */
	RM_USERS_ERROR		/* the folder cannot be used; errno */
};

/* True if s is a user's name: 3 to 16 letters and digits. */
bool rm_users_is_name(const char *s);

/*
 * Checks a password; any name may be asked for.  Attempts on one user come
 * one after another, and at most four run at once, so that log-ins can
 * exhaust neither memory nor processors: who gets no turn is told
 * RM_USERS_FULL at once, and nothing is counted.  An attempt is counted,
 * durably, before the password is looked at; the right one resets the count.
 * A user who is not there or is blocked costs as much as a wrong password.
 * Blocks for that time.
 */
RM_MUST_CHECK enum rm_users_result rm_users_check(const char *folder,
    const char *name, const char *password, size_t len);

/*
 * Sets a user's password, durably, and clears the count.  A user who is not
 * there is made, in one step.  The name may also be ".NAME.new", of one whom
 * the caller is making in the folder of that name.  Waits up to 10 s for an
 * attempt under way.  0, or -1 with errno (EINVAL: the name, or a password
 * that has not 8 to 64 bytes or has a NUL; EAGAIN: attempts do not end).
 */
RM_MUST_CHECK int rm_users_set(const char *folder, const char *name,
    const char *password, size_t len);

/* The count of wrong passwords since the last right one.  0, or -1, errno. */
RM_MUST_CHECK int rm_users_failures(uint32_t *ret, const char *folder,
    const char *name);

/*
 * Clears that count, durably, and the block with it; *ret_was is what it was,
 * 0: nothing was to be done.  Waits and fails as rm_users_set; ENOENT if
 * there is no such user.
 */
RM_MUST_CHECK int rm_users_unblock(uint32_t *ret_was, const char *folder,
    const char *name);

#endif
