/* SPDX-License-Identifier: ISC */
/*
 * Standard input, line by line, and the folders of the person who runs us.
 * A last line without its LF is never run: a script that was cut off in the
 * middle must not end in half a command.
 */
#include "rmctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_io.h"

static struct {
	char buf[INPUT_MAX];
	size_t from, to;
	bool end;
} in;

bool
input_is_person(void)
{
	return isatty(STDIN_FILENO) && isatty(STDERR_FILENO);
}

static char *
line_end(void)
{
	return memchr(in.buf + in.from, '\n', in.to - in.from);
}

bool
input_ready(void)
{
	struct pollfd pfd = { STDIN_FILENO, POLLIN, 0 };

	return in.end || line_end() != NULL || poll(&pfd, 1, 0) == 1;
}

/* Reads more behind what there is.  0, or -1 with errno. */
static int
fill(void)
{
	ssize_t n;

	memmove(in.buf, in.buf + in.from, in.to - in.from);
	in.to -= in.from;
	in.from = 0;
	if (in.to == sizeof(in.buf)) {
		errno = EMSGSIZE;
		return -1;
	}
	do {
		n = read(STDIN_FILENO, in.buf + in.to, sizeof(in.buf) - in.to);
	} while (n == -1 && errno == EINTR);
	if (n == -1)
		return -1;
	in.end = n == 0;
	in.to += (size_t)n;
	return 0;
}

int
input_line(char ret[static INPUT_MAX])
{
	char *start, *stop;
	size_t len;

	while ((stop = line_end()) == NULL) {
		if (in.end) {
			errno = ENODATA;
			return in.from == in.to ? 0 : -1;
		}
		if (fill() == -1)
			return -1;
	}
	start = in.buf + in.from;
	len = (size_t)(stop - start);
	in.from += len + 1;
	if (memchr(start, '\0', len) != NULL) {
		errno = EILSEQ;
		return -1;
	}
	memcpy(ret, start, len);
	ret[len] = '\0';
	return 1;
}

int
input_ask(const char *prompt, char ret[static INPUT_MAX])
{
	if (rm_io_write(STDERR_FILENO, prompt, strlen(prompt)) == -1)
		return -1;
	return input_line(ret) == 1 ? 0 : -1;
}

int
input_path(char *ret, size_t size, const char *variable, const char *preset,
    const char *name)
{
	const char *folder = getenv(variable), *home = getenv("HOME");
	int n;

	/* A relative one is to be ignored (XDG Base Directory). */
	if (folder != NULL && *folder == '/')
		n = snprintf(ret, size, "%s/rm/%s", folder, name);
	else if (home != NULL && *home == '/')
		n = snprintf(ret, size, "%s/%s/rm/%s", home, preset, name);
	else
		return -1;
	return n < 0 || (size_t)n >= size ? -1 : 0;
}

static void
make_folders(char *path)
{
	char *p;

	for (p = strchr(path + 1, '/'); p != NULL; p = strchr(p + 1, '/')) {
		*p = '\0';
		(void)mkdir(path, 0700);
		*p = '/';
	}
}

int
input_replace(char *path, const void *buf, size_t len)
{
	if (rm_io_replace(path, buf, len, 0600, false) == 0)
		return 0;
	if (errno != ENOENT)
		return -1;
	make_folders(path);
	return rm_io_replace(path, buf, len, 0600, false);
}
