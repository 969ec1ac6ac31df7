/* SPDX-License-Identifier: ISC */
/*
 * What the logs are told.  Strangers cost the disk nothing: refused attempts
 * are counted in RM_RUN, and the audit log gets their number, without waiting
 * for the disk, with the first of them and then once a minute at most.  Only
 * that a user has been blocked is on the disk at once: it happens once.
 *
 * MUST NOT: write a password, or a name that nobody has.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "login.h"
#include "rm_env.h"
#include "rm_event.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"

#define MINUTE_MS	60000
#define LOCK_MS		1000

const char *
record_peer(void)
{
	const char *ip = getenv("TCPREMOTEIP");

	return ip != NULL && *ip != '\0' ? ip : "-";
}

/* False where nobody keeps a log: rm-login by itself. */
static bool
find_log(char path[static PATH_MAX])
{
	rm_env_run_path(path, PATH_MAX, "audit.sock");
	return access(path, F_OK) == 0 || errno != ENOENT;
}

/* False if there is a log and it does not take the event. */
static bool
send_event(struct rm_event *event, const char *name, bool durable)
{
	char path[PATH_MAX];

	rm_event_put(event, "ip", record_peer());
	if (!find_log(path) ||
	    rm_event_send(event, path, durable, NULL) == 0)
		return true;
	rm_warn("the log at %s does not take %s", path, name);
	return false;
}

/* "COUNT MS": attempts that are in no record, and when the last one was. */
static void
read_tally(int fd, uint32_t *ret_count, uint64_t *ret_since)
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

/* Adds to the tally; returns how many are due to be recorded, or 0. */
static uint32_t
tally(uint32_t more)
{
	char path[PATH_MAX], text[64];
	uint64_t since, now = (uint64_t)rm_num_now_ms();
	uint32_t count, due = 0;
	int fd, n;

	rm_env_run_path(path, sizeof(path), "login.refused");
	if ((fd = rm_lock_wait(path, LOCK_MS)) == -1) {
		rm_warn("unable to count in %s", path);
		return more;
	}
	read_tally(fd, &count, &since);
	count = count > UINT32_MAX - more ? UINT32_MAX : count + more;
	if (since == 0 || now < since || now - since >= MINUTE_MS) {
		due = count;
		count = 0;
		if (due > 0)
			since = now;
	}
	n = snprintf(text, sizeof(text), "%u %ju\n", count, (uintmax_t)since);
	if (ftruncate(fd, 0) == -1 || pwrite(fd, text, (size_t)n, 0) != n)
		rm_warn("unable to write %s", path);
	(void)close(fd);
	return due;
}

/* What is due of the tally. */
static void
record_tally(uint32_t more, const char *user)
{
	struct rm_event event;
	char path[PATH_MAX], number[16];
	uint32_t due;

	if (!find_log(path) || (due = tally(more)) == 0)
		return;
	(void)snprintf(number, sizeof(number), "%u", due);
	rm_event_begin(&event, "login-failed");
	rm_event_put(&event, "count", number);
	rm_event_put(&event, "user", user != NULL ? user : "");
	/* It is due again when a minute has passed. */
	if (!send_event(&event, "login-failed", false))
		(void)tally(due);
}

void
record_refused(const char *user, const char *why, bool blocks)
{
	struct rm_event event;

	rm_info("%s: refused: %s%s%s", record_peer(),
	    user != NULL ? user : "", user != NULL ? ": " : "", why);
	if (blocks) {
		rm_event_begin(&event, "login-blocked");
		rm_event_put(&event, "user", user);
		(void)send_event(&event, "login-blocked", true);
	}
	record_tally(1, user);
}

void
record_admitted(const char *user)
{
	rm_info("%s: %s has logged in", record_peer(), user);
	record_tally(0, NULL);
}
