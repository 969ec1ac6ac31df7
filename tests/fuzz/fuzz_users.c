/* SPDX-License-Identifier: ISC */
/* Any file in the place of a user's count of failures: it is a number, or the
 * user is blocked. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_users.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static char folder[] = "/tmp/fuzz-users.XXXXXX", path[64];

static void
clean(void)
{
	(void)unlink(path);
	*strrchr(path, '/') = '\0';
	(void)rmdir(path);
	(void)rmdir(folder);
}

static void
make(void)
{
	if (mkdtemp(folder) == NULL)
		abort();
	(void)snprintf(path, sizeof(path), "%s/bob", folder);
	if (mkdir(path, 0700) == -1)
		abort();
	strcat(path, "/failures");
	(void)atexit(clean);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint32_t n = 0;
	int fd;

	if (path[0] == '\0')
		make();
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	if (fd == -1 || write(fd, data, len) != (ssize_t)len || close(fd) != 0)
		abort();
	if (rm_users_failures(&n, folder, "bob") == -1)
		abort();
	/* A pardon is a number that says so. */
	if (n < RM_USERS_TRIES && (len == 0 || data[0] < '0' ||
	    data[0] > '9'))
		abort();
	return 0;
}
