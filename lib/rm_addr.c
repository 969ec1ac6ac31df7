/* SPDX-License-Identifier: ISC */
/* Addresses: from the command line, to text, and to what is counted. */
#include "rm_addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "rm_num.h"

int
rm_addr_parse(struct sockaddr_storage *ret, const char *ip, const char *port)
{
	struct sockaddr_storage ss = { 0 };
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ss;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ss;
	uint32_t n;

	if (rm_num_u32(&n, port, 0, 65535) == -1)
		return -1;
	if (inet_pton(AF_INET, ip, &v4->sin_addr) == 1) {
		v4->sin_family = AF_INET;
		v4->sin_port = htons((uint16_t)n);
	} else if (inet_pton(AF_INET6, ip, &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)n);
	} else
		return -1;
	*ret = ss;
	return 0;
}

void
rm_addr_spell(struct rm_addr *ret, const struct sockaddr_storage *ss)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)ss;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)ss;
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	const uint8_t *a;
	in_port_t port;

	memset(ret, 0, sizeof(*ret));
	if (ss->ss_family == AF_INET) {
		a = (const uint8_t *)&v4->sin_addr;
		port = v4->sin_port;
	} else {
		a = v6->sin6_addr.s6_addr;
		port = v6->sin6_port;
		if (memcmp(a, mapped, sizeof(mapped)) == 0)
			a += sizeof(mapped);
	}
	if (ss->ss_family == AF_INET6 && a == v6->sin6_addr.s6_addr) {
		(void)inet_ntop(AF_INET6, a, ret->ip, sizeof(ret->ip));
		memcpy(ret->net, a, 8);
	} else {
		(void)inet_ntop(AF_INET, a, ret->ip, sizeof(ret->ip));
		memcpy(ret->net, mapped, sizeof(mapped));
		memcpy(ret->net + sizeof(mapped), a, 4);
	}
	(void)snprintf(ret->port, sizeof(ret->port), "%u", ntohs(port));
}

/* Closes fd and leaves errno as it was. */
static int
give_up(int fd)
{
	int saved = errno;

	(void)close(fd);
	errno = saved;
	return -1;
}

int
rm_addr_listen(const struct sockaddr_storage *ss)
{
	int fd, on = 1, off = 0;

	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0);
	if (fd == -1)
		return -1;
	/* Connections that are closing must not keep a restart waiting. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == -1)
		return give_up(fd);
	if (ss->ss_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6,
	    IPV6_V6ONLY, &off, sizeof(off)) == -1)
		return give_up(fd);
	if (bind(fd, (const struct sockaddr *)ss, sizeof(*ss)) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		return give_up(fd);
	return fd;
}

/* Removes a socket that a killed listener left behind. */
static int
remove_stale(const struct sockaddr_un *un)
{
	struct stat st;
	int fd, rc = -1;

	if (lstat(un->sun_path, &st) == -1)
		return errno == ENOENT ? 0 : -1;
	errno = EADDRINUSE;
	if (!S_ISSOCK(st.st_mode))
		return -1;
	/* It must not block: a listener whose queue is full is alive too. */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	if (connect(fd, (const struct sockaddr *)un, sizeof(*un)) == -1 &&
	    errno == ECONNREFUSED)
		rc = unlink(un->sun_path);
	else
		errno = EADDRINUSE;
	if (rc == -1)
		return give_up(fd);
	(void)close(fd);
	return 0;
}

int
rm_addr_listen_unix(const char *path, mode_t mode, struct stat *ret_stat)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	mode_t mask;
	int fd, rc;

	if (strlen(path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(un.sun_path, path);
	if (remove_stale(&un) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1)
		return -1;
	/* By umask, so that it never has another mode, however shortly. */
	mask = umask(~mode & 0777);
	rc = bind(fd, (struct sockaddr *)&un, sizeof(un));
	(void)umask(mask);
	if (rc == -1 || lstat(path, ret_stat) == -1 ||
	    listen(fd, SOMAXCONN) == -1)
		return give_up(fd);
	return fd;
}
