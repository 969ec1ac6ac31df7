/* SPDX-License-Identifier: ISC */
/*
 * The verbs of who keeps the users: at the appliance, never for a peer.  A
 * shell must not hold a secret, so the password is read here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "login.h"
#include "rm_secret.h"
#include "rm_users.h"

static void
ask(struct rm_secret *ret, const char *what, const char *name)
{
	char prompt[80];
	struct rm_err err;

	(void)snprintf(prompt, sizeof(prompt), "%s %s: ", what, name);
	if (rm_secret_from_tty(ret, prompt, -1, &err) == -1)
		diex(RM_EXIT_REFUSED, "no password: %s", err.text);
}

static void
read_password(struct rm_secret *ret, struct rm_secret *again, const char *name)
{
	struct rm_err err;

	if (isatty(0)) {
		ask(ret, "New password of user", name);
		ask(again, "The same again for", name);
		if (!rm_secret_is(ret, again))
			diex(RM_EXIT_REFUSED, "refused: these are two "
			    "different passwords");
		return;
	}
	/* Its text is about PINs. */
	if (rm_secret_from_fd(ret, 0, &err) == -1)
		diex(RM_EXIT_REFUSED, "no password: a line of 8 to 64 bytes "
		    "is read from standard input");
}

void
keep_set(const char *users, const char *name)
{
	struct rm_secret *password, *again;
	int rc;

	if (rm_secret_harden() == -1)
		die(RM_EXIT_SYSTEM, "unable to protect memory");
	password = rm_secret_alloc(sizeof(*password));
	again = rm_secret_alloc(sizeof(*again));
	if (password == NULL || again == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	read_password(password, again, name);
	rc = rm_users_set(users, name, password->text, password->len);
	rm_secret_free(password);
	rm_secret_free(again);
	if (rc == 0)
		exit(RM_EXIT_OK);
	if (errno == EINVAL)
		diex(RM_EXIT_REFUSED, "refused: a user is 3 to 16 letters and "
		    "digits, a password 8 to 64 bytes");
	die(RM_EXIT_SYSTEM, "unable to set the password of %s in %s", name,
	    users);
}

void
keep_unblock(const char *users, const char *name)
{
	uint32_t was;

	if (rm_users_unblock(&was, users, name) == -1) {
		if (errno == EINVAL || errno == ENOENT)
			diex(RM_EXIT_REFUSED, "refused: there is no user %s",
			    name);
		die(RM_EXIT_SYSTEM, "unable to unblock %s in %s", name, users);
	}
	if (was >= RM_USERS_TRIES)
		(void)printf("user %s was blocked and is not any more\n",
		    name);
	else if (was > 0)
		(void)printf("user %s was not blocked; wrong passwords "
		    "forgotten: %u\n", name, was);
	else
		(void)printf("user %s is not blocked: nothing to do\n", name);
	rm_die_done();
}
