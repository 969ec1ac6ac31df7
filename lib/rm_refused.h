/* SPDX-License-Identifier: ISC */
#ifndef RM_REFUSED_H
#define RM_REFUSED_H

#include <stdint.h>

/*
 * Strangers cost the disk nothing: refused attempts are counted in a file of
 * RM_RUN, and the audit log gets their number, without waiting for the disk,
 * with the first of them and then once a minute at most.  What is left at the
 * end of a boot is recorded by rm-supervise.
 */

/*
 * Adds more attempts to $RM_RUN/file, "COUNT MS", and sends the log at
 * $RM_RUN/audit.sock what is due, as a record of this name with count, user
 * (unless NULL) and ip; those are of the last attempt.  Where nobody keeps a
 * log nothing is counted; what the log does not take is due again a minute
 * later, and is said on standard error.
 */
void rm_refused_add(const char *file, const char *name, uint32_t more,
    const char *user, const char *ip);

#endif
