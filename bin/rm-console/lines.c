/* SPDX-License-Identifier: ISC */
/*
 * Counters and the log as lines, for a terminal that cannot draw, or for a
 * program.  It is no console: it reads nothing and ends nothing.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "monitor.h"
#include "rm_env.h"

#define BUFFER	65536

static struct {
	int fd;
	ino_t ino;
	size_t len;		/* of a line that is not whole yet */
	char buf[BUFFER];
} l = { .fd = -1 };

static void
print_counters(const struct sample *s)
{
	const uint64_t *all = s->all.n;

	(void)printf("cpu %u memory %u service-sessions %u calls %llu "
	    "log-ins %llu management-sessions %llu refused %llu\n", s->cpu,
	    s->memory, s->sessions, (unsigned long long)all[RM_TALLY_CALLS],
	    (unsigned long long)all[RM_TALLY_SERVICE],
	    (unsigned long long)all[RM_TALLY_MANAGEMENT],
	    (unsigned long long)all[RM_TALLY_REFUSED]);
}

/* The log of that name now: at its end at first, a new one from its begin. */
static void
find_log(bool first)
{
	char path[PATH_MAX];
	struct stat st;

	rm_env_state_path(path, sizeof(path), "audit.log");
	if (stat(path, &st) == -1 || (l.fd != -1 && st.st_ino == l.ino &&
	    st.st_size >= lseek(l.fd, 0, SEEK_CUR)))
		return;
	if (l.fd != -1)
		(void)close(l.fd);
	l.len = 0;
	if ((l.fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	l.ino = st.st_ino;
	if (first)
		(void)lseek(l.fd, 0, SEEK_END);
}

static void
print_records(void)
{
	char shown[MONITOR_LINE], *line, *end;
	ssize_t n;

	while (l.fd != -1 && (n = read(l.fd, l.buf + l.len,
	    sizeof(l.buf) - l.len)) > 0) {
		l.len += (size_t)n;
		for (line = l.buf; (end = memchr(line, '\n', l.len)) != NULL;
		    line = end + 1) {
			records_show(shown, line, (size_t)(end - line));
			(void)printf("event %s\n", shown);
			l.len -= (size_t)(end + 1 - line);
		}
		if (l.len == sizeof(l.buf))
			l.len = 0;	/* no log of ours has such a line */
		memmove(l.buf, line, l.len);
	}
}

void
lines_run(void)
{
	const struct timespec pause = { .tv_sec = MONITOR_MS / 1000 };
	struct sample now = { 0 }, before;
	bool first = true;

	for (;; first = false) {
		before = now;
		sample_take(&now, &before);
		print_counters(&now);
		find_log(first);
		print_records();
		if (fflush(stdout) != 0)
			die(RM_EXIT_SYSTEM, "unable to write standard output");
		(void)nanosleep(&pause, NULL);
	}
}
