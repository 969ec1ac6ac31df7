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
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	rc = fcntl(fd, F_OFD_GETLK, &whole);
	(void)close(fd);
	if (rc == -1)
		return -1;
	return whole.l_type != F_UNLCK;
}
