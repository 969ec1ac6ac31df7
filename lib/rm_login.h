/* SPDX-License-Identifier: ISC */
#ifndef RM_LOGIN_H
#define RM_LOGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_password.h"
#include "rm_text.h"
#include "rm_users.h"

#define RM_LOGIN_LINE	512	/* bytes of the line; its LF comes behind */

enum rm_login_kind {
	RM_LOGIN_TRY = 1,	/* a log-in; nothing is checked */
	RM_LOGIN_BAD,		/* it is none: see why */
	RM_LOGIN_END		/* the input ended before the line did */
};

/*
 * What a jailed reader hands up for the one line "login USER PASSWORD"
 * (rm-toolkit(7), THE WIRE): fixed size, written in one piece.  It holds a
 * secret.
 */
struct rm_login {
	uint32_t kind;		/* enum rm_login_kind */
	uint32_t len;		/* of the password; 0 if none is like that */
	char user[RM_USERS_NAME_MAX + 1];	/* empty if none is like that */
	char password[RM_PASSWORD_MAX];		/* no NUL at its end */
	char why[80];
};

/*
 * Takes the line (without its LF) apart.  *ret is RM_LOGIN_TRY or
 * RM_LOGIN_BAD; a name or a password that nobody can have makes a try like
 * any other, so that it is answered like any other.  words is scratch, and
 * holds the secret as well when this returns.  Pure.
 */
void rm_login_parse(struct rm_login *ret, struct rm_words *words,
    const uint8_t *line, size_t len);

/* True if every field has its form. */
bool rm_login_is_sound(const struct rm_login *login);

#endif
