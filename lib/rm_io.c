/* SPDX-License-Identifier: ISC */
/* Whole reads, whole writes, and files that change in one step. */
#include "rm_io.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int
rm_io_unblock(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags == -1 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int
rm_io_write(int fd, const void *buf, size_t len)
{
	const char *p = buf;
	ssize_t n;

	while (len > 0) {
		n = write(fd, p, len);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

ssize_t
rm_io_read(int fd, void *buf, size_t len)
{
	char *p = buf;
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = read(fd, p + got, len - got);
		if (n == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		if (n == 0)
			break;
		got += (size_t)n;
	}
	return (ssize_t)got;
}

ssize_t
rm_io_line(int fd, char *ret_line, size_t size)
{
	size_t len = 0;
	ssize_t n;
	char c;

	for (;;) {
		n = rm_io_read(fd, &c, 1);
		if (n == -1)
			return -1;
		if (n == 0) {
			errno = ENODATA;
			return -1;
		}
		if (c == '\n')
			return (ssize_t)len;
		if (len == size) {
			errno = EMSGSIZE;
			return -1;
		}
		ret_line[len++] = c;
	}
}

/* Takes fd and closes it. */
static ssize_t
load_fd(int fd, char *buf, size_t size)
{
	struct stat st;
	ssize_t n = -1;
	int saved;

	if (fstat(fd, &st) == 0) {
		errno = EINVAL;
		if (S_ISREG(st.st_mode))
			n = rm_io_read(fd, buf, size);
	}
	saved = errno;
	(void)close(fd);
	errno = saved;
	if (n == -1)
		return -1;
	if ((size_t)n == size) {
		errno = EFBIG;
		return -1;
	}
	buf[n] = '\0';
	return n;
}

ssize_t
rm_io_load(const char *path, char *buf, size_t size)
{
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd == -1 ? -1 : load_fd(fd, buf, size);
}

ssize_t
rm_io_load_owned(const char *path, mode_t forbidden, char *buf, size_t size)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return -1;
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode) ||
	    (st.st_uid != geteuid() && st.st_uid != 0) ||
	    (st.st_mode & forbidden) != 0) {
		(void)close(fd);
		errno = EPERM;
		return -1;
	}
	return load_fd(fd, buf, size);
}

int
rm_io_sync_folder(const char *path)
{
	char copy[PATH_MAX];
	int fd, rc, saved;

	if (strlen(path) >= sizeof(copy)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(copy, path);
	fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1)
		return -1;
	rc = fsync(fd);
	saved = errno;
	(void)close(fd);
	errno = saved;
	return rc;
}

int
rm_io_replace(const char *path, const void *buf, size_t len, mode_t mode,
    bool durable)
{
	char tmp[PATH_MAX];
	int fd, n, saved;

	n = snprintf(tmp, sizeof(tmp), "%s.new.XXXXXX", path);
	if (n < 0 || (size_t)n >= sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	if ((fd = mkostemp(tmp, O_CLOEXEC)) == -1)
		return -1;
	if (rm_io_write(fd, buf, len) == -1 || fchmod(fd, mode) == -1 ||
	    (durable && fsync(fd) == -1) || rename(tmp, path) == -1)
		goto fail;
	(void)close(fd);
	return durable ? rm_io_sync_folder(path) : 0;

fail:
	saved = errno;
	(void)close(fd);
	(void)unlink(tmp);
	errno = saved;
	return -1;
}
