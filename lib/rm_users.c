/* SPDX-License-Identifier: ISC */
/*
 * Users and their failures.
 *
 * MUST: count an attempt on disk before its password is looked at, as if it
 *	were wrong: who pulls the plug, or has the process killed in between,
 *	has had his try.
 * MUST: take the same work for who is there, who is not, and who is blocked.
 * MUST NOT: look at a blocked user's password.
 * MUST NOT: write anything to the disk for who is not there or is blocked.
 */
#include "rm_users.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"
#include "rm_password.h"

#define AT_ONCE		4	/* times what one password costs */
#define NAMES		4096	/* places that all names share */
#define WAIT_MS		10000	/* for who changes a user */
#define RETRY_MS	5
#define MAKING		".%s.new"
#define MAKING_MAX	(RM_USERS_NAME_MAX + 6)

bool
rm_users_is_name(const char *s)
{
	size_t len;

	for (len = 0; s[len] != '\0'; len++)
		if (len >= RM_USERS_NAME_MAX || !isascii((unsigned char)s[len])
		    || !isalnum((unsigned char)s[len]))
			return false;
	return len >= RM_USERS_NAME_MIN;
}

/* FOLDER/NAME/FILE; FILE may be empty. */
static int
path_of(char ret[static PATH_MAX], const char *folder, const char *name,
    const char *file)
{
	int n;

	n = snprintf(ret, PATH_MAX, "%s/%s%s%s", folder, name,
	    *file != '\0' ? "/" : "", file);
	if (n >= 0 && n < PATH_MAX)
		return 0;
	errno = ENAMETOOLONG;
	return -1;
}

/* --- the count ----------------------------------------------------------- */

int
rm_users_failures(uint32_t *ret, const char *folder, const char *name)
{
	char path[PATH_MAX], text[16];

	if (!rm_users_is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	if (path_of(path, folder, name, "failures") == -1)
		return -1;
	if (rm_io_load(path, text, sizeof(text)) == -1) {
		if (errno != ENOENT && errno != EFBIG)
			return -1;
		*ret = errno == ENOENT ? 0 : RM_USERS_TRIES;
		return 0;
	}
	text[strcspn(text, "\n")] = '\0';
	/* What cannot be read counts as the most: a torn file is no pardon. */
	if (rm_num_u32(ret, text, 0, UINT32_MAX) == -1)
		*ret = RM_USERS_TRIES;
	return 0;
}

static int
write_failures(const char *folder, const char *name, uint32_t failures,
    bool durable)
{
	char path[PATH_MAX], text[16];
	int n;

	if (path_of(path, folder, name, "failures") == -1)
		return -1;
	n = snprintf(text, sizeof(text), "%u\n", failures);
	return rm_io_replace(path, text, (size_t)n, 0600, durable);
}

/* --- turns --------------------------------------------------------------- */

/*
 * The lock of a name.  Who is not there has one, too, and shares it with
 * others, so that nobody can tell by waiting who is there.
 */
static int
lock_name(const char *folder, const char *name, unsigned int ms)
{
	char path[PATH_MAX];
	int64_t end = rm_num_now_ms() + ms;
	const char *p;
	uint32_t h = 2166136261;	/* FNV-1a */
	int fd;

	for (p = name; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * 16777619;
	if (path_of(path, folder, ".names", "") == -1)
		return -1;
	while ((fd = rm_lock_place(path, h % NAMES, 1)) == -1 &&
	    errno == EAGAIN && rm_num_now_ms() < end)
		(void)poll(NULL, 0, RETRY_MS);
	return fd;
}

/* One of the few turns; a descriptor that holds it, or -1. */
static int
take_turn(const char *folder)
{
	char path[PATH_MAX];

	if (path_of(path, folder, ".turns", "") == -1)
		return -1;
	return rm_lock_place(path, 0, AT_ONCE);
}

/* --- a log-in ------------------------------------------------------------ */

/* The password's hash; 0 if there is no such user, 1, or -1 with errno. */
static int
load_hash(char ret[static RM_PASSWORD_HASH + 1], const char *folder,
    const char *name)
{
	char path[PATH_MAX];

	if (!rm_users_is_name(name))
		return 0;
	if (path_of(path, folder, name, "password") == -1)
		return -1;
	if (rm_io_load_owned(path, 077, ret, RM_PASSWORD_HASH + 1) == -1)
		return errno == ENOENT ? 0 : -1;
	ret[strcspn(ret, "\n")] = '\0';
	if (rm_password_is_hash(ret))
		return 1;
	errno = EINVAL;
	return -1;
}

/* Takes the time of a password. */
static enum rm_users_result
pretend(enum rm_users_result result)
{
	return rm_password_fits(rm_password_nobody, "", 0) == 0 ? result :
	    RM_USERS_ERROR;
}

/* In our turn, with the name locked: counts, and looks at the password. */
static enum rm_users_result
judge(const char *folder, const char *name, const char *password, size_t len)
{
	char hash[RM_PASSWORD_HASH + 1];
	uint32_t failures;
	int known;

	if ((known = load_hash(hash, folder, name)) == -1)
		return RM_USERS_ERROR;
	if (known == 0)
		return pretend(RM_USERS_NOBODY);
	if (rm_users_failures(&failures, folder, name) == -1)
		return RM_USERS_ERROR;
	if (failures >= RM_USERS_TRIES)
		return pretend(RM_USERS_BLOCKED);
	if (write_failures(folder, name, failures + 1, true) == -1)
		return RM_USERS_ERROR;
	switch (rm_password_fits(hash, password, len)) {
	case 1:
		/* If it is lost, the next right one writes it again. */
		return write_failures(folder, name, 0, false) == 0 ?
		    RM_USERS_OK : RM_USERS_ERROR;
	case 0:
		return failures + 1 < RM_USERS_TRIES ? RM_USERS_WRONG :
		    RM_USERS_LAST;
	}
	/* Nothing was found out, so it was no try. */
	(void)write_failures(folder, name, failures, false);
	errno = ENOMEM;
	return RM_USERS_ERROR;
}

enum rm_users_result
rm_users_check(const char *folder, const char *name, const char *password,
    size_t len)
{
	enum rm_users_result result;
	int lock, turn, saved;

	/* First the name, then a turn: who hammers one user keeps no turns
	 * from the others. */
	if ((lock = lock_name(folder, name, 0)) == -1)
		return errno == EAGAIN ? RM_USERS_FULL : RM_USERS_ERROR;
	if ((turn = take_turn(folder)) == -1)
		result = errno == EAGAIN ? RM_USERS_FULL : RM_USERS_ERROR;
	else
		result = judge(folder, name, password, len);
	saved = errno;
	if (turn != -1)
		(void)close(turn);
	(void)close(lock);
	errno = saved;
	return result;
}

/* --- changes ------------------------------------------------------------- */

/* True if name is ".NAME.new", of a user in the making. */
static bool
is_making(const char *name)
{
	size_t len = strlen(name);
	char user[RM_USERS_NAME_MAX + 1];

	if (len < 5 || len - 5 >= sizeof(user) || name[0] != '.' ||
	    strcmp(name + len - 4, ".new") != 0)
		return false;
	memcpy(user, name + 1, len - 5);
	user[len - 5] = '\0';
	return rm_users_is_name(user);
}

static int
write_password(const char *folder, const char *name, char *hash)
{
	char path[PATH_MAX];
	size_t len = strlen(hash);

	hash[len++] = '\n';
	if (path_of(path, folder, name, "password") == -1)
		return -1;
	return rm_io_replace(path, hash, len, 0600, true);
}

/* Aside first, so that there never is a user without a password. */
static int
make(const char *folder, const char *name, char *hash)
{
	char making[MAKING_MAX], from[PATH_MAX], to[PATH_MAX];

	(void)snprintf(making, sizeof(making), MAKING, name);
	if (path_of(from, folder, making, "") == -1 ||
	    path_of(to, folder, name, "") == -1)
		return -1;
	if ((mkdir(from, 0700) == -1 && errno != EEXIST) ||
	    write_password(folder, making, hash) == -1 ||
	    rename(from, to) == -1)
		return -1;
	return rm_io_sync_folder(to);
}

/* With the name locked. */
static int
set(const char *folder, const char *name, char *hash)
{
	char path[PATH_MAX];
	struct stat st;

	if (path_of(path, folder, name, "") == -1)
		return -1;
	if (stat(path, &st) == -1)
		return errno == ENOENT && rm_users_is_name(name) ?
		    make(folder, name, hash) : -1;
	if (write_password(folder, name, hash) == -1)
		return -1;
	return write_failures(folder, name, 0, true);
}

int
rm_users_set(const char *folder, const char *name, const char *password,
    size_t len)
{
	char hash[RM_PASSWORD_HASH + 1];
	int lock, rc, saved;

	if ((!rm_users_is_name(name) && !is_making(name)) ||
	    memchr(password, '\0', len) != NULL) {
		errno = EINVAL;
		return -1;
	}
	if (rm_password_hash(hash, password, len) == -1 ||
	    (lock = lock_name(folder, name, WAIT_MS)) == -1)
		return -1;
	rc = set(folder, name, hash);
	saved = errno;
	(void)close(lock);
	errno = saved;
	return rc;
}

int
rm_users_unblock(uint32_t *ret_was, const char *folder, const char *name)
{
	char path[PATH_MAX];
	struct stat st;
	int lock, rc, saved;

	if (!rm_users_is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	if (path_of(path, folder, name, "password") == -1 ||
	    stat(path, &st) == -1 ||
	    (lock = lock_name(folder, name, WAIT_MS)) == -1)
		return -1;
	rc = rm_users_failures(ret_was, folder, name);
	if (rc == 0 && *ret_was > 0)
		rc = write_failures(folder, name, 0, true);
	saved = errno;
	(void)close(lock);
	errno = saved;
	return rc;
}
