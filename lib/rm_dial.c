/* SPDX-License-Identifier: ISC */
/* Connections that we make. */
#include "rm_dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "rm_num.h"

/* Waits for a connection that is under way.  0, or -1 with errno. */
static int
wait_connected(int fd, int64_t deadline)
{
	struct pollfd pfd = { .fd = fd, .events = POLLOUT };
	socklen_t len = sizeof(int);
	int64_t left;
	int n, errnum = 0;

	do {
		left = deadline - rm_num_now_ms();
		n = poll(&pfd, 1, left > 0 ? (int)left : 0);
	} while (n == -1 && errno == EINTR);
	if (n == 0)
		errnum = ETIMEDOUT;
	else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &len) == -1)
		return -1;
	errno = errnum;
	return errnum == 0 ? 0 : -1;
}

/* Returns a connected descriptor, or -1 with errno. */
static int
dial(const struct addrinfo *ai, int64_t deadline)
{
	int fd, saved, on = 1;

	fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC |
	    SOCK_NONBLOCK, ai->ai_protocol);
	if (fd == -1)
		return -1;
	/* Without this, short commands wait 40 ms for their answer. */
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(fd, ai->ai_addr, ai->ai_addrlen) == 0 ||
	    (errno == EINPROGRESS && wait_connected(fd, deadline) == 0))
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
rm_dial_tcp(int *ret_fd, const char *host, const char *port, int64_t deadline,
    struct rm_err *err)
{
	const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *ai;
	int64_t left;
	int n = 0, fd = -1, rc;

	if ((rc = getaddrinfo(host, port, &hints, &list)) != 0)
		return rm_err_set(err, RM_CODE_SYSTEM,
		    "unable to find %s: %s", host, gai_strerror(rc));
	for (ai = list; ai != NULL; ai = ai->ai_next)
		n++;
	for (ai = list; ai != NULL && fd == -1; ai = ai->ai_next, n--) {
		left = deadline - rm_num_now_ms();
		fd = dial(ai, rm_num_now_ms() + left / n);
		/* That nothing listens says more than that no way leads. */
		if (fd == -1 && rc != ECONNREFUSED)
			rc = errno;
	}
	freeaddrinfo(list);
	if (fd == -1)
		return rm_err_set(err, rc == ECONNREFUSED ?
		    RM_CODE_NOT_ARMED : RM_CODE_SYSTEM,
		    "unable to connect to %s port %s: %s", host, port,
		    strerror(rc));
	*ret_fd = fd;
	return 0;
}

int
rm_dial_unix(int *ret_fd, const char *path, struct rm_err *err)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, saved;

	if (strlen(path) >= sizeof(un.sun_path))
		return rm_err_set(err, RM_CODE_USAGE, "path too long: %s",
		    path);
	strcpy(un.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd != -1 && connect(fd, (struct sockaddr *)&un,
	    sizeof(un)) == 0) {
		*ret_fd = fd;
		return 0;
	}
	saved = errno;
	if (fd != -1)
		(void)close(fd);
	return rm_err_set(err, saved == ECONNREFUSED || saved == ENOENT ?
	    RM_CODE_NOT_ARMED : RM_CODE_SYSTEM,
	    "unable to connect to %s: %s", path, strerror(saved));
}
