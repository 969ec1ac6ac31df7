/* SPDX-License-Identifier: ISC */
#ifndef RM_DROP_H
#define RM_DROP_H

#include <sys/types.h>

#include "rm_die.h"

/*
 * Looks up a user of the system.  Returns 0, or -1 with errno (ENOENT: there
 * is no such user).
 */
RM_MUST_CHECK int rm_drop_find(const char *user, uid_t *ret_uid,
    gid_t *ret_gid);

/*
 * Becomes that user for good: supplementary groups, group, user, in this
 * order, and then proves that root cannot be had back.  Who is that user
 * already stays so.  Returns 0; -1 with errno, and then the caller MUST exit:
 * some of it may have happened.
 */
RM_MUST_CHECK int rm_drop_to(uid_t uid, gid_t gid);

#endif
