/* SPDX-License-Identifier: ISC */
#ifndef RM_LOGIN_LOGIN_H
#define RM_LOGIN_LOGIN_H

#include <stdbool.h>

#include "rm_die.h"
#include "rm_login.h"
#include "rm_reader.h"

/* Starts the jailed half, which reads the one line when it is asked. */
void line_start(struct rm_reader *ret, int not_for_it);

/*
 * Takes its answer, which holds a secret, once it is there; then the reader
 * is gone.  False if it is not a sound one.
 */
RM_MUST_CHECK bool line_take(struct rm_reader *reader, struct rm_login *ret);

/*
 * Tells the log of a refused attempt: a line on standard error, and what the
 * audit log is to have of it, counted (rm-login(8), LOG).  user is NULL if
 * nobody is called so: it could be a password at the wrong place.  With
 * blocks, this attempt was the last that the user had.
 */
void record_refused(const char *user, const char *why, bool blocks);

/* Tells of one who got in. */
void record_admitted(const char *user);

/* Where the peer is, for messages. */
const char *record_peer(void);

/*
 * The verbs of who keeps the users; they exit.  The password comes from
 * standard input, or, where that is a terminal, from the person there, twice.
 */
_Noreturn void keep_set(const char *users, const char *name);
_Noreturn void keep_unblock(const char *users, const char *name);

#endif
