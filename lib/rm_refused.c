/* SPDX-License-Identifier: ISC */
#include "rm_refused.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rm_die.h"
#include "rm_env.h"
#include "rm_event.h"
#include "rm_lock.h"
#include "rm_num.h"

#define MINUTE_MS	60000
#define LOCK_MS		1000

/* "COUNT MS": attempts that are in no record, and when the last one was. */
static void
read_count(int fd, uint32_t *ret_count, uint64_t *ret_since)
{
	char text[64], *ms;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	*ret_count = 0;
	*ret_since = 0;
	if (n <= 0)
		return;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if ((ms = strchr(text, ' ')) == NULL)
		return;
	*ms++ = '\0';
	if (rm_num_u32(ret_count, text, 0, UINT32_MAX) == -1 ||
	    rm_num_u64(ret_since, ms, 0, INT64_MAX) == -1)
		*ret_count = 0;
}

/* Adds; returns how many are due to be recorded, or 0. */
static uint32_t
count(const char *file, uint32_t more)
{
	char path[PATH_MAX], text[64];
	uint64_t since, now = (uint64_t)rm_num_now_ms();
	uint32_t all, due = 0;
	int fd, n;

	rm_env_run_path(path, sizeof(path), file);
	if ((fd = rm_lock_wait(path, LOCK_MS)) == -1) {
		rm_warn("unable to count in %s", path);
		return more;
	}
	read_count(fd, &all, &since);
	all = all > UINT32_MAX - more ? UINT32_MAX : all + more;
	if (since == 0 || now < since || now - since >= MINUTE_MS) {
		due = all;
		all = 0;
		if (due > 0)
			since = now;
	}
	n = snprintf(text, sizeof(text), "%u %ju\n", all, (uintmax_t)since);
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)n, 0) != n)
		rm_warn("unable to write %s", path);
	(void)close(fd);
	return due;
}

void
rm_refused_add(const char *file, const char *name, uint32_t more,
    const char *user, const char *ip)
{
	struct rm_event event;
	char log[PATH_MAX], number[16];
	uint32_t due;

	rm_env_run_path(log, sizeof(log), "audit.sock");
	if ((access(log, F_OK) == -1 && errno == ENOENT) ||
	    (due = count(file, more)) == 0)
		return;
	(void)snprintf(number, sizeof(number), "%u", due);
	rm_event_begin(&event, name);
	rm_event_put(&event, "count", number);
	if (user != NULL)
		rm_event_put(&event, "user", user);
	rm_event_put(&event, "ip", ip);
	if (rm_event_send(&event, log, false, NULL) == 0)
		return;
	rm_warn("the log at %s does not take %s", log, name);
	(void)count(file, due);
}
