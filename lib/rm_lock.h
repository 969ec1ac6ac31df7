/* SPDX-License-Identifier: ISC */
#ifndef RM_LOCK_H
#define RM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "rm_die.h"

/*
 * Locks on whole files that belong to an open description (F_OFD_SETLK,
 * fcntl(2)): the kernel frees them when the last descriptor that shares the
 * description is gone, however its holder went.
 */

/*
 * Opens (creating it, 0600, never through a link) and locks path.  Returns a
 * close-on-exec descriptor that holds the lock, or -1 with errno: EAGAIN if
 * another holds it.
 */
RM_MUST_CHECK int rm_lock_take(const char *path);

/*
 * The same, waiting at most ms milliseconds for the holder to go; EAGAIN if
 * it did not.
 */
RM_MUST_CHECK int rm_lock_wait(const char *path, unsigned int ms);

/*
 * Locks what fd, open for writing, has open: the same lock, for all who share
 * the description.  0, or -1 with errno; EAGAIN if the holder did not go.
 */
RM_MUST_CHECK int rm_lock_wait_fd(int fd, unsigned int ms);

/*
 * The same for places that several may hold, each one: opens path and locks
 * the first byte that is free of n from first on.  EAGAIN if there is none.
 */
RM_MUST_CHECK int rm_lock_place(const char *path, unsigned int first,
    unsigned int n);

/*
 * Counts without taking: how many hold a place of path, or 1 if one holds it
 * all; 0 if it does not exist.  0, or -1 with errno.
 */
RM_MUST_CHECK int rm_lock_count(uint32_t *ret, const char *path);

/*
 * Asks without taking, so that a look never refuses anybody.  Returns 1 if
 * path is locked, 0 if it is free or does not exist, -1 with errno.
 */
RM_MUST_CHECK int rm_lock_ask(const char *path);

#endif
