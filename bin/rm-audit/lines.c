/* SPDX-License-Identifier: ISC */
/* Lines through one buffer: a log has a million of them. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"

/* False at the end of what can be read, or when a line fills the buffer. */
static bool
fill(struct lines *lines)
{
	ssize_t n;

	if (lines->end - lines->start > RM_EVENT_MAX)
		return false;
	memmove(lines->buf, lines->buf + lines->start,
	    lines->end - lines->start);
	lines->end -= lines->start;
	lines->start = 0;
	do {
		n = read(lines->fd, lines->buf + lines->end,
		    sizeof(lines->buf) - lines->end);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		die(RM_EXIT_SYSTEM, "unable to read");
	lines->end += (size_t)n;
	return n > 0;
}

const char *
lines_next(struct lines *lines, size_t *ret_len)
{
	const char *line, *lf;

	for (;;) {
		line = lines->buf + lines->start;
		lf = memchr(line, '\n', lines->end - lines->start);
		if (lf != NULL)
			break;
		if (!fill(lines)) {
			*ret_len = lines->end - lines->start;
			return NULL;
		}
	}
	*ret_len = (size_t)(lf - line);
	/* However the bytes came in, what is too long is too long. */
	if (*ret_len > RM_EVENT_MAX)
		return NULL;
	lines->start += *ret_len + 1;
	return line;
}
