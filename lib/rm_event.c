/* SPDX-License-Identifier: ISC */
/*
 * The client's end of audit.sock.  Every step has the same deadline: a log
 * that hangs refuses, it does not hold up who asks.
 * MUST NOT: send an event again that may be in the log already.
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

/* The one line that the appender says to an event. */
static int
take_answer(int fd, uint64_t *ret_number)
{
	char line[256];
	size_t len = 0;
	uint64_t number;
	ssize_t n;

	/* All at once, as a rule; never more than this one line. */
	while (len == 0 || line[len - 1] != '\n') {
		n = read(fd, line + len, sizeof(line) - 1 - len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0) {
			errno = n == 0 ? ENODATA : errno;
			return -1;
		}
		len += (size_t)n;
	}
	line[len] = '\0';
	errno = EIO;
	if (strncmp(line, "+ ", 2) != 0)
		return -1;
	line[2 + strcspn(line + 2, " \n")] = '\0';
	if (rm_num_u64(&number, line + 2, 1, UINT64_MAX) == -1)
		return -1;
	if (ret_number != NULL)
		*ret_number = number;
	return 0;
}

void
rm_event_let_go(struct rm_event_log *log)
{
	int saved = errno;

	if (log->fd != -1)
		(void)close(log->fd);
	log->fd = -1;
	log->owes = false;
	errno = saved;
}

/* Takes the answer that a posted event still has to get; -1 if it hangs. */
static int
settle(struct rm_event_log *log)
{
	int saved;

	if (!log->owes || take_answer(log->fd, NULL) == 0) {
		log->owes = false;
		return 0;
	}
	saved = errno;
	rm_warn("the log at %s did not take the event before", log->path);
	rm_event_let_go(log);
	errno = saved;
	return saved == EAGAIN ? -1 : 0;
}

/* True if there is a connection and nobody has ended it: nothing comes. */
static bool
is_kept(struct rm_event_log *log)
{
	struct pollfd one = { log->fd, POLLIN, 0 };

	if (log->fd != -1 && poll(&one, 1, 0) != 0)
		rm_event_let_go(log);
	return log->fd != -1;
}

void
rm_event_prepare(struct rm_event_log *log)
{
	if (!is_kept(log))
		log->fd = dial(log->path);
}

/*
 * Over the connection that is kept, or a new one.  An appender that ended
 * before it read the line has said so (the kernel does, for it), and nothing
 * of it is in the log: then the line goes to the next one.  In any other case
 * it may be there, and must not be there twice.
 */
static int
pass(struct rm_event_log *log, const struct rm_event *ev, bool durable,
    bool post, uint64_t *ret_number)
{
	char line[RM_EVENT_MAX + 16];
	bool kept;
	int n;

	n = snprintf(line, sizeof(line), "%s %s\n",
	    durable ? "durable" : "relaxed", ev->text);
	if (ev->failed || (size_t)n >= sizeof(line)) {
		errno = EMSGSIZE;
		return -1;
	}
	if (settle(log) == -1)
		return -1;
	do {
		kept = is_kept(log);
		if (!kept && (log->fd = dial(log->path)) == -1)
			return -1;
		if (rm_io_write(log->fd, line, (size_t)n) == 0) {
			log->owes = post;
			if (post || take_answer(log->fd, ret_number) == 0)
				return 0;
		}
		rm_event_let_go(log);
	} while (kept && (errno == EPIPE || errno == ECONNRESET));
	return -1;
}

int
rm_event_tell(struct rm_event_log *log, const struct rm_event *ev,
    bool durable, uint64_t *ret_number)
{
	return pass(log, ev, durable, false, ret_number);
}

int
rm_event_post(struct rm_event_log *log, const struct rm_event *ev)
{
	return pass(log, ev, false, true, NULL);
}

int
rm_event_send(const struct rm_event *ev, const char *path, bool durable,
    uint64_t *ret_number)
{
	struct rm_event_log log = { .path = path, .fd = -1 };
	int rc;

	rc = rm_event_tell(&log, ev, durable, ret_number);
	rm_event_let_go(&log);
	return rc;
}
