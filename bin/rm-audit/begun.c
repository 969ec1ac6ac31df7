/* SPDX-License-Identifier: ISC */
/*
 * The operation that has begun and has no end.  One runs at a time, and its
 * processes share the operation lock: when nobody holds that and the log has
 * no end, whoever ran it was killed, and it is over.
 * As long as its begin is the last record, the log itself remembers it.  Once
 * another record follows, a file beside the lock does; what the two cannot
 * tell any more, the next boot reads in the whole log.
 *
 * MUST NOT: wait for the lock, or take it; an appender that does would hold up
 *           the very operation that asks it.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "audit.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"

/* A value that is fit to be a word of our output, or "-". */
static void
word(char *ret, size_t size, const char *value)
{
	size_t len = strlen(value);

	if (len == 0 || len >= size || strspn(value,
	    "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		value = "-";
	(void)snprintf(ret, size, "%s", value);
}

static void
field(char *ret, size_t size, const struct rm_record *rec, const char *key)
{
	char value[RM_EVENT_MAX];

	if (rm_record_value(value, sizeof(value), rec, key) == -1)
		value[0] = '\0';
	word(ret, size, value);
}

bool
begun_take(struct begun *ret, const struct rm_record *rec)
{
	if (strcmp(rec->name, "begin") != 0)
		return false;
	ret->number = rec->number;
	field(ret->operation, sizeof(ret->operation), rec, "operation");
	field(ret->from, sizeof(ret->from), rec, "generation");
	return true;
}

uint64_t
begun_ended_by(const struct rm_record *rec)
{
	char text[RM_EVENT_MAX];
	uint64_t of;

	if ((strcmp(rec->name, "end") != 0 && strcmp(rec->name, "cut") != 0 &&
	    strcmp(rec->name, "interrupted") != 0) ||
	    rm_record_value(text, sizeof(text), rec, "of") == -1 ||
	    rm_num_u64(&of, text, 1, UINT64_MAX) == -1)
		return 0;
	return of;
}

/* --- the file, "NUMBER OPERATION GENERATION" ------------------------------ */

static bool
load(struct begun *ret, const char *path)
{
	char text[128], *op, *from;

	if (rm_io_load(path, text, sizeof(text)) == -1)
		return false;
	text[strcspn(text, "\n")] = '\0';
	if ((op = strchr(text, ' ')) == NULL ||
	    (from = strchr(op + 1, ' ')) == NULL)
		return false;
	*op++ = '\0';
	*from++ = '\0';
	if (rm_num_u64(&ret->number, text, 1, UINT64_MAX) == -1)
		return false;
	word(ret->operation, sizeof(ret->operation), op);
	word(ret->from, sizeof(ret->from), from);
	return true;
}

static void
save(const struct begun *one, const char *path)
{
	char text[128];
	int n;

	n = snprintf(text, sizeof(text), "%ju %s %s\n",
	    (uintmax_t)one->number, one->operation, one->from);
	if (rm_io_replace(path, text, (size_t)n, 0600, false) == -1)
		rm_warn("unable to write %s", path);
}

/* --- is it over? ---------------------------------------------------------- */

/* Who sends these holds the lock: nobody else does, then. */
static bool
is_another(const struct rm_record *next)
{
	return strcmp(next->name, "begin") == 0 ||
	    strcmp(next->name, "read") == 0;
}

bool
begun_is_over(struct begun *ret, const char *lock,
    const struct rm_record *last, const struct rm_record *next)
{
	char path[PATH_MAX];
	bool is_last = begun_take(ret, last);

	if ((size_t)snprintf(path, sizeof(path), "%s.begun", lock) >=
	    sizeof(path) || (!is_last && !load(ret, path)))
		return false;
	if (!is_last && begun_ended_by(last) >= ret->number) {
		(void)unlink(path);
		return false;
	}
	/* A boot tells of all that it found, in order. */
	if (begun_ended_by(next) == ret->number ||
	    strcmp(next->name, "interrupted") == 0)
		return false;
	if (is_another(next) || rm_lock_ask(lock) == 0)
		return true;
	if (is_last)
		save(ret, path);
	return false;
}

void
begun_event(struct rm_event *ev, const struct begun *one)
{
	char text[PATH_MAX];

	rm_event_begin(ev, "interrupted");
	(void)snprintf(text, sizeof(text), "%ju", (uintmax_t)one->number);
	rm_event_put(ev, "of", text);
	rm_event_put(ev, "operation", one->operation);
	rm_event_put(ev, "from", one->from);
	/* One that is about to be erased is no generation any more. */
	rm_env_state_path(text, sizeof(text), "factory-reset");
	if (access(text, F_OK) == 0)
		strcpy(text, "-");
	else
		rm_env_generation(text, sizeof(text));
	rm_event_put(ev, "to", text);
}
