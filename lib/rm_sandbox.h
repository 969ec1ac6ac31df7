/* SPDX-License-Identifier: ISC */
#ifndef RM_SANDBOX_H
#define RM_SANDBOX_H

#include "rm_die.h"

/*
 * The jails of those who read foreign bytes (DESIGN section 10).  After a
 * jail: no new files, sockets, processes or programs; a call outside the list
 * kills the process.  A jail survives fork and exec, so it belongs to a reader
 * or copier only, never to who execs later.
 *
 * Each returns 0, or -1 with errno when the kernel cannot do it; the caller
 * MUST then refuse to run (fail closed), unless RM_NO_SANDBOX=1 was set by
 * whoever started the chain, which it says aloud.
 */

/*
 * For a process that is about to read a secret: no core file, and no look into
 * its memory by others of the same user.  A jail does this as well.
 */
RM_MUST_CHECK int rm_sandbox_no_dump(void);

/* Reads, writes, polls, computes, exits. */
RM_MUST_CHECK int rm_sandbox_reader(void);

/*
 * The reader's, and on open descriptors futimens(3) and the question how much
 * of what was written is still unread: rm-idle's copier.
 */
RM_MUST_CHECK int rm_sandbox_copier(void);

/* The reader's, and what OpenSSL needs on open descriptors: time, random
 * numbers, shutdown(2). */
RM_MUST_CHECK int rm_sandbox_tls(void);

/* True if the kernel has Landlock (Linux 5.13): status says so if not. */
int rm_sandbox_has_landlock(void);

#endif
