/* SPDX-License-Identifier: ISC */
#ifndef RM_SECRET_H
#define RM_SECRET_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "rm_die.h"
#include "rm_err.h"

/*
 * Secrets that a person or a script gives: PINs and passwords.  They live in
 * locked, guarded memory that no core file and no debugger sees, and are wiped
 * at the first moment they are not needed.  Never in argv, the environment, a
 * message or a log.
 */

#define RM_SECRET_MAX	128	/* bytes of a secret */

struct rm_secret {
	size_t len;
	char text[RM_SECRET_MAX];	/* no NUL at its end */
};

/*
 * First thing in a process that will hold a secret: no core files, and no
 * other process of the same user may look inside.  0, or -1 with errno.
 */
RM_MUST_CHECK int rm_secret_harden(void);

/* Locked, zeroed memory of any size, or NULL with errno. */
RM_MUST_CHECK void *rm_secret_alloc(size_t size);

/* For a child: locks its copy of a secret, which fork(2) leaves unlocked. */
void rm_secret_lock(struct rm_secret *secret);

/* Wipes and frees; NULL is allowed. */
void rm_secret_free(void *secret);

/* True if both are the same; takes the same time whatever they are. */
bool rm_secret_is(const struct rm_secret *a, const struct rm_secret *b);

/*
 * The following read a secret: one line without its LF.  0; -1 with err
 * (USAGE: there is none, or it is too long) and an empty secret.
 */

/*
 * From a descriptor, byte by byte: what follows the LF is left there, for the
 * next secret.  Blocks.
 */
RM_MUST_CHECK int rm_secret_from_fd(struct rm_secret *ret, int fd,
    struct rm_err *err);

/* The same for one that may be left out: 1, or 0 if there is no line left, or
 * an empty one. */
RM_MUST_CHECK int rm_secret_next(struct rm_secret *ret, int fd,
    struct rm_err *err);

/*
 * The signals that end or stop a process at its terminal, but for those that
 * are ignored.
 */
void rm_secret_signals(sigset_t *ret);

/*
 * From the person at /dev/tty, without echo.  The terminal is as it was when
 * this returns, and when a signal ends or stops the process meanwhile.  Gives
 * up (SYSTEM) when somebody writes to the descriptor stop or hangs up there.
 */
RM_MUST_CHECK int rm_secret_from_tty(struct rm_secret *ret,
    const char *prompt, int stop, struct rm_err *err);

#endif
