/* SPDX-License-Identifier: ISC */
/*
 * Messages and the end of a tool.  The text may hold bytes that came from a
 * peer or a file, so each line is cleaned before it is written: a log is
 * read on terminals.
 */
#include "rm_die.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *tool = "rm";

void
rm_die_name(const char *name)
{
	tool = name;
}

void
rm_die_init(const char *name)
{
	rm_die_name(name);
	(void)signal(SIGPIPE, SIG_IGN);
}

static void
say(const char *kind, int errnum, const char *fmt, va_list ap)
{
	char line[1024];
	size_t i, len;
	int n;

	n = snprintf(line, sizeof(line), "%s: %s: ", tool, kind);
	len = (size_t)n;
	n = vsnprintf(line + len, sizeof(line) - len, fmt, ap);
	if (n > 0)
		len += (size_t)n;
	if (errnum != 0 && len < sizeof(line)) {
		n = snprintf(line + len, sizeof(line) - len, ": %s",
		    strerror(errnum));
		len += (size_t)n;
	}
	if (len > sizeof(line) - 1)
		len = sizeof(line) - 1;
	for (i = 0; i < len; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = '?';
	line[len] = '\n';
	(void)!write(2, line, len + 1);
}

#define SAY(kind, errnum) do {			\
		va_list ap;			\
		int saved = errno;		\
		va_start(ap, fmt);		\
		say(kind, errnum, fmt, ap);	\
		va_end(ap);			\
		errno = saved;			\
	} while (0)

void
die(int code, const char *fmt, ...)
{
	SAY("fatal", saved);
	exit(code);
}

void
diex(int code, const char *fmt, ...)
{
	SAY("fatal", 0);
	exit(code);
}

void
rm_fatalx(const char *fmt, ...)
{
	SAY("fatal", 0);
}

void
die_usage(const char *text)
{
	(void)fprintf(stderr, "usage: %s\n", text);
	exit(RM_EXIT_USAGE);
}

void
rm_warn(const char *fmt, ...)
{
	SAY("warning", saved);
}

void
rm_warnx(const char *fmt, ...)
{
	SAY("warning", 0);
}

void
rm_info(const char *fmt, ...)
{
	SAY("info", 0);
}

void
rm_die_done(void)
{
	if (fflush(stdout) != 0 || ferror(stdout))
		die(RM_EXIT_SYSTEM, "unable to write standard output");
	exit(RM_EXIT_OK);
}
