/* SPDX-License-Identifier: ISC */
/*
 * The client's end of audit.sock.  Every step has the same deadline: a log
 * that hangs refuses, it does not hold up who asks.
 */
#include "rm_event.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_num.h"
#include "rm_text.h"

#define LIMIT_S	5

void
rm_event_begin(struct rm_event *ev, const char *name)
{
	ev->failed = !rm_text_is_name(name);
	ev->len = 0;
	if (!ev->failed)
		ev->len = (size_t)snprintf(ev->text, sizeof(ev->text), "%s",
		    name);
}

void
rm_event_put(struct rm_event *ev, const char *key, const char *value)
{
	char *p = ev->text + ev->len;
	size_t room = sizeof(ev->text) - ev->len, used;
	int n;

	if (ev->failed)
		return;
	n = snprintf(p, room, " %s=", key);
	used = (size_t)n;
	if (*value == '\0')
		value = "-";
	if (used >= room || rm_text_spell(p + used, room - used,
	    (const uint8_t *)value, strlen(value)) == -1) {
		ev->failed = true;
		return;
	}
	ev->len += strlen(p);
}

static int
dial(const char *path)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	struct timeval limit = { .tv_sec = LIMIT_S };
	int fd, saved;

	if (strlen(path) >= sizeof(un.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(un.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -1;
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
	    sizeof(limit)) == 0 &&
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
	    sizeof(limit)) == 0 &&
	    connect(fd, (struct sockaddr *)&un, sizeof(un)) == 0)
		return fd;
	saved = errno;
	(void)close(fd);
	errno = saved;
	return -1;
}

int
rm_event_send(const struct rm_event *ev, const char *path, bool durable,
    uint64_t *ret_number)
{
	char line[RM_EVENT_MAX + 16], *end;
	uint64_t number;
	ssize_t len;
	int fd, n, rc = -1;

	n = snprintf(line, sizeof(line), "%s %s\n",
	    durable ? "durable" : "relaxed", ev->text);
	if (ev->failed || (size_t)n >= sizeof(line)) {
		errno = EMSGSIZE;
		return -1;
	}
	if ((fd = dial(path)) == -1)
		return -1;
	if (rm_io_write(fd, line, (size_t)n) == -1 ||
	    (len = rm_io_line(fd, line, sizeof(line) - 1)) == -1)
		goto out;
	line[len] = '\0';
	errno = EIO;
	if (strncmp(line, "+ ", 2) != 0)
		goto out;
	if ((end = strchr(line + 2, ' ')) != NULL)
		*end = '\0';
	if (rm_num_u64(&number, line + 2, 1, UINT64_MAX) == -1)
		goto out;
	if (ret_number != NULL)
		*ret_number = number;
	rc = 0;
out:
	n = errno;
	(void)close(fd);
	errno = n;
	return rc;
}
