/* SPDX-License-Identifier: ISC */
#ifndef RM_BELOW_H
#define RM_BELOW_H

#include "rm_die.h"

/*
 * What lives below the calling process.  The caller must be a child subreaper
 * (PR_SET_CHILD_SUBREAPER) with one thread: then whoever loses its parent
 * becomes a child of the caller, however often it forked away and whatever
 * group or session it made for itself.  Only children are ever signalled, and
 * only while they have not been waited for: so no pid can be a stranger's.
 */

/* Sends sig to every child.  Returns how many there were, -1 with errno. */
RM_MUST_CHECK int rm_below_signal(int sig);

/*
 * Kills and reaps until nothing is left below, at most ms milliseconds, and
 * without ever waiting for one that does not die.  Returns 0; -1 with errno,
 * ETIMEDOUT if something is left.  The status of every child is lost.
 */
RM_MUST_CHECK int rm_below_end(unsigned int ms);

#endif
