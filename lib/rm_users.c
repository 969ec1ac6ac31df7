/* SPDX-License-Identifier: ISC */
/*
 * Users and their failures.
 *
 * MUST: count a wrong password on disk before anybody learns that it is wrong.
 * MUST: take the same time and memory for who is there, who is not, and who is
 *	blocked.
 * MUST NOT: look at a blocked user's password.
 */
#include "rm_users.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"
#include "rm_password.h"

#define AT_ONCE		4	/* times 64 MiB is what log-ins may take */
#define TURN_MS		10000

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

static int
path_of(char ret[static PATH_MAX], const char *folder, const char *name,
    const char *file)
{
	int n;

	if (!rm_users_is_name(name)) {
		errno = EINVAL;
		return -1;
	}
	n = snprintf(ret, PATH_MAX, "%s/%s%s", folder, name, file);
	if (n < 0 || n >= PATH_MAX) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return 0;
}

int
rm_users_failures(uint32_t *ret, const char *folder, const char *name)
{
	char path[PATH_MAX], text[16];
	ssize_t len;

	if (path_of(path, folder, name, "/failures") == -1)
		return -1;
	if ((len = rm_io_load(path, text, sizeof(text))) == -1) {
		if (errno != ENOENT)
			return -1;
		*ret = 0;
		return 0;
	}
	text[strcspn(text, "\n")] = '\0';
	/* What cannot be read counts as the most: a torn file is no pardon. */
	if (rm_num_u32(ret, text, 0, UINT32_MAX) == -1)
		*ret = RM_USERS_TRIES;
	return 0;
}

static int
write_failures(const char *folder, const char *name, uint32_t failures)
{
	char path[PATH_MAX], text[16];
	int n;

	if (path_of(path, folder, name, "/failures") == -1)
		return -1;
	n = snprintf(text, sizeof(text), "%u\n", failures);
	return rm_io_replace(path, text, (size_t)n, 0600, true);
}

int
rm_users_unblock(const char *folder, const char *name)
{
	return write_failures(folder, name, 0);
}

int
rm_users_set(const char *folder, const char *name, const char *password,
    size_t len)
{
	char path[PATH_MAX], hash[RM_PASSWORD_HASH + 1];

	if (path_of(path, folder, name, "") == -1 ||
	    rm_password_hash(hash, password, len) == -1)
		return -1;
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	if (rm_io_sync_folder(path) == -1)
		return -1;
	len = strlen(hash);
	hash[len++] = '\n';
	if (path_of(path, folder, name, "/password") == -1)
		return -1;
	return rm_io_replace(path, hash, len, 0600, true);
}

/* One of the few turns; a descriptor that holds it, or -1. */
static int
take_turn(const char *folder)
{
	char path[PATH_MAX];
	int64_t end = rm_num_now_ms() + TURN_MS;
	int fd, i, n;

	while (rm_num_now_ms() < end) {
		for (i = 0; i < AT_ONCE; i++) {
			n = snprintf(path, sizeof(path), "%s/.turn-%d",
			    folder, i);
			if (n < 0 || (size_t)n >= sizeof(path)) {
				errno = ENAMETOOLONG;
				return -1;
			}
			/* Waiting is at the last one, a little each time. */
			fd = rm_lock_wait(path, i == AT_ONCE - 1 ? 50 : 0);
			if (fd != -1 || errno != EAGAIN)
				return fd;
		}
	}
	errno = EAGAIN;
	return -1;
}

/* With the user locked, in our turn: looks at the password, and counts. */
static enum rm_users_result
judge(const char *folder, const char *name, const char *hash,
    const char *password, size_t len)
{
	uint32_t failures;

	if (rm_users_failures(&failures, folder, name) == -1)
		return RM_USERS_ERROR;
	if (failures >= RM_USERS_TRIES) {
		(void)rm_password_fits(rm_password_nobody, "", 0);
		return RM_USERS_BLOCKED;
	}
	if (rm_password_fits(hash, password, len)) {
		if (failures > 0 && write_failures(folder, name, 0) == -1)
			return RM_USERS_ERROR;
		return RM_USERS_OK;
	}
	if (write_failures(folder, name, failures + 1) == -1)
		return RM_USERS_ERROR;
	return RM_USERS_WRONG;
}

/* Takes the time of a password, and is wrong. */
static enum rm_users_result
pretend(const char *folder)
{
	int turn;

	if ((turn = take_turn(folder)) == -1)
		return errno == EAGAIN ? RM_USERS_FULL : RM_USERS_ERROR;
	(void)rm_password_fits(rm_password_nobody, "", 0);
	(void)close(turn);
	return RM_USERS_WRONG;
}

enum rm_users_result
rm_users_check(const char *folder, const char *name, const char *password,
    size_t len)
{
	char path[PATH_MAX], hash[RM_PASSWORD_HASH + 1];
	enum rm_users_result result;
	int lock, turn;

	if (path_of(path, folder, name, "/password") == -1 ||
	    rm_io_load(path, hash, sizeof(hash)) == -1) {
		if (errno != EINVAL && errno != ENOENT)
			return RM_USERS_ERROR;
		return pretend(folder);
	}
	hash[strcspn(hash, "\n")] = '\0';
	/* First the user, then a turn: who hammers one user keeps no turns
	 * from the others. */
	if (path_of(path, folder, name, "/lock") == -1 ||
	    (lock = rm_lock_wait(path, TURN_MS)) == -1)
		return errno == EAGAIN ? RM_USERS_FULL : RM_USERS_ERROR;
	if ((turn = take_turn(folder)) == -1) {
		result = errno == EAGAIN ? RM_USERS_FULL : RM_USERS_ERROR;
	} else {
		result = judge(folder, name, hash, password, len);
		(void)close(turn);
	}
	(void)close(lock);
	return result;
}
