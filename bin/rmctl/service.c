/* SPDX-License-Identifier: ISC */
/*
 * A log-in at the HSM service: its own port, its own pinned key, a user and a
 * password.  The service is foreign until its key was found to be the pinned
 * one, and only then is told the password.
 *
 * MUST: the password is in locked memory only, and in no message.
 */
#include "rmctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "rm_io.h"
#include "rm_num.h"
#include "rm_password.h"
#include "rm_users.h"

#define LINE_SIZE	512	/* of the log-in: 3 bytes for one, at most */
#define LOGIN_MS	30000	/* others may be before us, 10 s at most */

/* What rm_users_set would not have taken is not worth a try. */
static int
check_password(const struct rm_secret *password)
{
	if (password->len >= RM_PASSWORD_MIN &&
	    password->len <= RM_PASSWORD_MAX &&
	    memchr(password->text, '\0', password->len) == NULL)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_USAGE, "a password has %d to %d bytes: this "
	    "one was not sent", RM_PASSWORD_MIN, RM_PASSWORD_MAX);
}

/* The first line of the file; looked at as for any secret. */
static int
password_from_file(struct rm_secret *ret, const char *path, struct rm_err *err)
{
	ssize_t n;

	n = rm_io_load_owned(path, 077, ret->text, sizeof(ret->text));
	if (n == -1)
		return rm_err_set(err, RM_CODE_USAGE, "unable to use %s: %s",
		    path, errno == EPERM ? "it must be a file of yours that "
		    "nobody else can read" : strerror(errno));
	ret->len = strcspn(ret->text, "\n");
	return 0;
}

int
service_password(struct rm_secret **ret, const char *user, const char *where)
{
	struct rm_secret *password;
	char prompt[512];
	struct rm_err err;
	int rc;

	if (!rm_users_is_name(user))
		return rmctl_fail(RM_CODE_USAGE, "a user's name has 3 to 16 "
		    "letters and digits: %s", user);
	if (rm_secret_harden() == -1 ||
	    (password = rm_secret_alloc(sizeof(*password))) == NULL)
		return rmctl_fail(RM_CODE_SYSTEM, "no memory for a secret");
	(void)snprintf(prompt, sizeof(prompt), "Password of %s at %s: ", user,
	    where);
	if (rmctl_opts.password_file != NULL)
		rc = password_from_file(password, rmctl_opts.password_file,
		    &err);
	else if (rmctl_opts.password_fd != -1)
		rc = rm_secret_from_fd(password, rmctl_opts.password_fd, &err);
	else
		rc = rm_secret_from_tty(password, prompt, -1, &err);
	rc = rc == -1 ? rmctl_fail(err.code, "no password for %s: %s", user,
	    err.text) : check_password(password);
	if (rc == RM_CODE_OK)
		*ret = password;
	else
		rm_secret_free(password);
	return rc;
}

int
service_dial(struct link *l)
{
	int rc, on = 1;

	if ((rc = link_dial(l)) != RM_CODE_OK)
		return rc;
	/* A client may rest for hours; what is between us may forget it. */
	(void)setsockopt(l->fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	return link_hello(l);
}

/* The line, in memory as good as the password's own. */
static int
send_login(struct link *l, const char *user, const struct rm_secret *password)
{
	char *line = rm_secret_alloc(LINE_SIZE);
	size_t len;
	int rc = -1;

	if (line == NULL)
		return rmctl_fail(RM_CODE_SYSTEM, "no memory for a secret");
	len = (size_t)snprintf(line, LINE_SIZE, "login %s ", user);
	if (rm_text_spell(line + len, LINE_SIZE - 1 - len,
	    (const uint8_t *)password->text, password->len) == 0) {
		len += strlen(line + len);
		line[len++] = '\n';
		rc = link_send(l, line, len);
	}
	rm_secret_free(line);
	return rc != -1 ? rc : rmctl_fail(RM_CODE_USAGE, "the password does "
	    "not fit in a line");
}

int
service_enter(struct link *l, const char *user,
    const struct rm_secret *password)
{
	struct rm_reply reply;
	int64_t ms = LOGIN_MS;
	int rc;

	if ((rc = send_login(l, user, password)) != RM_CODE_OK)
		return rc;
	if (ms > rmctl_opts.call_ms)
		ms = rmctl_opts.call_ms;
	rc = link_next(l, &reply, rm_num_now_ms() + ms);
	if (rc == LINK_NOTHING)
		return rmctl_fail(RM_CODE_CONNECTION, "no answer to the "
		    "log-in in time");
	if (rc != RM_CODE_OK)
		return rc;
	if (reply.kind == RM_REPLY_DONE)
		return RM_CODE_OK;
	if (reply.kind == RM_REPLY_REFUSED)
		return rmctl_fail(reply.code, "%s at %s: %s", user, l->where,
		    reply.text);
	return rmctl_fail(RM_CODE_CONNECTION, "%s does not answer as a "
	    "service", l->where);
}

int
service_login(struct link *l, const char *where, const char *user)
{
	struct rm_secret *password = NULL;
	int rc;

	if ((rc = link_find_service(l, where)) == RM_CODE_OK &&
	    (rc = service_password(&password, user, where)) == RM_CODE_OK &&
	    (rc = service_dial(l)) == RM_CODE_OK &&
	    (rc = link_shake(l)) == RM_CODE_OK)
		rc = service_enter(l, user, password);
	rm_secret_free(password);
	return rc;
}
