/* SPDX-License-Identifier: ISC */
/* Open-file-description locks: who is there, told by the kernel. */
#include "rm_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <unistd.h>

#include "rm_num.h"

#define RETRY_MS	5	/* the kernel has no OFD wait with a limit */

static int
set(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	return fcntl(fd, F_OFD_SETLK, &whole);
}

int
rm_lock_wait_fd(int fd, unsigned int ms)
{
	int64_t end = rm_num_now_ms() + ms;

	while (set(fd) == -1) {
		if (errno == EACCES)
			errno = EAGAIN;		/* fcntl(2) allows both */
		if (errno != EAGAIN || rm_num_now_ms() >= end)
			return -1;
		(void)poll(NULL, 0, RETRY_MS);
	}
	return 0;
}

int
rm_lock_wait(const char *path, unsigned int ms)
{
	int fd, saved;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	if (rm_lock_wait_fd(fd, ms) == -1) {
		saved = errno;
		(void)close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int
rm_lock_take(const char *path)
{
	return rm_lock_wait(path, 0);
}

int
rm_lock_ask(const char *path)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd, rc;

	/* Not for writing: its last close would be an event to who watches. */
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW |
	    O_NONBLOCK);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	rc = fcntl(fd, F_OFD_GETLK, &whole);
	(void)close(fd);
	if (rc == -1)
		return -1;
	return whole.l_type != F_UNLCK;
}

int
rm_lock_place(const char *path, unsigned int first, unsigned int n)
{
	struct flock place = { .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = first, .l_len = 1 };
	int fd, saved = EAGAIN;

	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return -1;
	for (; place.l_start < (off_t)first + n; place.l_start++) {
		if (fcntl(fd, F_OFD_SETLK, &place) == 0)
			return fd;
		/* fcntl(2) allows both for a place that is taken. */
		if (errno != EAGAIN && errno != EACCES) {
			saved = errno;
			break;
		}
	}
	(void)close(fd);
	errno = saved;
	return -1;
}

/* The lock that is in the way of len bytes from start; F_UNLCK: none. */
static int
look(int fd, struct flock *ret, off_t start, off_t len)
{
	*ret = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET,
		.l_start = start, .l_len = len };
	return fcntl(fd, F_OFD_GETLK, ret);
}

int
rm_lock_count(uint32_t *ret, const char *path)
{
	struct flock rest, one;
	off_t at = 0;
	uint32_t n = 0;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1) {
		if (errno != ENOENT)
			return -1;
		*ret = 0;
		return 0;
	}
	/* The kernel tells any lock of the rest, not the first of them. */
	while (look(fd, &rest, at, 0) == 0 && rest.l_type != F_UNLCK &&
	    look(fd, &one, at, 1) == 0) {
		at++;
		if (one.l_type == F_UNLCK)
			continue;
		n++;
		if (one.l_len == 0)
			break;		/* all of it */
		at = one.l_start + one.l_len;
	}
	(void)close(fd);
	*ret = n;
	return 0;
}
