/* SPDX-License-Identifier: ISC */
/*
 * The appender.  Several run at once, one a connection; the lock on the log
 * makes them one.
 *
 * MUST: answer "+" to a durable event only after fsync(2).
 * MUST: leave no part of a record behind when a write fails.
 * MUST NOT: append to a log whose last line it does not understand.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "rm_hash.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_record.h"

/* A torn record behind a whole one. */
#define TAIL_MAX	(2 * RM_EVENT_MAX)

struct log {
	int fd;
	const struct append *to;
	char from[64];			/* " uid=0 pid=1", by the kernel */
	off_t size;			/* of whole records */
	size_t torn;			/* bytes behind them */
	uint64_t number;		/* of the last record */
	char hash[RM_HASH_HEX];		/* of the last record */
	struct rm_record last;		/* what was there; no name: none */
};

static void
lock(const struct log *log, short type)
{
	struct flock whole = { .l_type = type, .l_whence = SEEK_SET };

	while (fcntl(log->fd, F_OFD_SETLKW, &whole) == -1)
		if (errno != EINTR)
			die(RM_EXIT_SYSTEM, "unable to lock %s", log->to->path);
}

static void
open_log(struct log *log)
{
	log->fd = open(log->to->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
	if (log->fd != -1)
		return;
	if (errno != ENOENT)
		die(RM_EXIT_SYSTEM, "unable to open %s", log->to->path);
	log->fd = open(log->to->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW,
	    0600);
	if (log->fd == -1 || rm_io_sync_folder(log->to->path) == -1)
		die(RM_EXIT_SYSTEM, "unable to create %s", log->to->path);
}

static void
find_sender(struct log *log)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(0, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 &&
	    cred.pid != 0)
		(void)snprintf(log->from, sizeof(log->from), " uid=%u pid=%d",
		    cred.uid, cred.pid);
}

/* Looks where the log ends.  NULL, or why nothing can be appended. */
static const char *
find_end(struct log *log)
{
	static char tail[TAIL_MAX];
	struct stat st;
	const char *why, *line;
	size_t len, end;

	if (fstat(log->fd, &st) == -1)
		return "the log cannot be read";
	len = st.st_size < TAIL_MAX ? (size_t)st.st_size : TAIL_MAX;
	if (pread(log->fd, tail, len, st.st_size - (off_t)len) !=
	    (ssize_t)len)
		return "the log cannot be read";
	for (end = len; end > 0 && tail[end - 1] != '\n'; end--)
		;
	log->torn = len - end;
	log->size = st.st_size - (off_t)log->torn;
	log->number = 0;
	log->last.name[0] = '\0';
	memset(log->hash, '0', sizeof(log->hash) - 1);
	log->hash[sizeof(log->hash) - 1] = '\0';
	if (log->size == 0)
		return NULL;
	if (end == 0)
		return "the log does not end with a record";
	line = memrchr(tail, '\n', end - 1);
	line = line == NULL ? tail : line + 1;
	len = (size_t)(tail + end - line);
	if (rm_record_parse(&log->last, line, len - 1, &why) == -1)
		return "the log does not end with a record";
	log->number = log->last.number;
	rm_hash_blake2b(log->hash, line, len);
	return NULL;
}

static uint64_t
boot_number(const char *path)
{
	char text[32];
	uint64_t n;

	if (path == NULL || rm_io_load(path, text, sizeof(text)) == -1)
		return 0;
	text[strcspn(text, "\n")] = '\0';
	return rm_num_u64(&n, text, 0, UINT64_MAX) == -1 ? 0 : n;
}

/*
 * Writes one record at the end; from is empty for what nobody sent.  NULL, or
 * why not; then nothing is written.
 */
static const char *
write_record(struct log *log, const char *text, size_t text_len,
    const char *from)
{
	char line[RM_EVENT_MAX + 1], stamp[RM_RECORD_TIME + 1];
	time_t now = time(NULL);
	struct tm tm;
	size_t len;
	int n;

	(void)gmtime_r(&now, &tm);
	(void)strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%SZ", &tm);
	n = snprintf(line, sizeof(line), "%ju %s %ju %.*s%s prev=%s\n",
	    (uintmax_t)log->number + 1, stamp,
	    (uintmax_t)boot_number(log->to->boot), (int)text_len, text, from,
	    log->hash);
	len = (size_t)n;
	if (len > RM_EVENT_MAX)
		return "the record is too long";
	if (pwrite(log->fd, line, len, log->size) != (ssize_t)len) {
		rm_warn("unable to write %s", log->to->path);
		if (ftruncate(log->fd, log->size) == -1)
			rm_warn("unable to shorten %s", log->to->path);
		return "the log cannot be written";
	}
	log->size += (off_t)len;
	log->number++;
	rm_hash_blake2b(log->hash, line, len);
	return NULL;
}

/* For who only wants to know where the log ends. */
static void
write_head(const struct log *log)
{
	char text[32 + RM_HASH_HEX];
	int n;

	n = snprintf(text, sizeof(text), "%ju %s\n", (uintmax_t)log->number,
	    log->hash);
	if (rm_io_replace(log->to->head, text, (size_t)n, 0644, false) == -1)
		rm_warn("unable to write %s", log->to->head);
}

/* A torn record is taken away, which makes one of its own. */
static const char *
mend(struct log *log)
{
	char note[64];
	int n;

	if (log->torn == 0)
		return NULL;
	if (ftruncate(log->fd, log->size) == -1)
		return "the log cannot be shortened";
	n = snprintf(note, sizeof(note), "torn bytes=%zu", log->torn);
	return write_record(log, note, (size_t)n, "");
}

/* What was killed with all that could have told its end is told first. */
static const char *
tell_interrupted(struct log *log, const struct rm_record *next)
{
	static struct rm_event ev;
	struct begun one;

	if (log->to->lock == NULL ||
	    !begun_is_over(&one, log->to->lock, &log->last, next))
		return NULL;
	begun_event(&ev, &one);
	return write_record(log, ev.text, ev.len, "");
}

/* text, which is rec, and whatever has to stand before it. */
static const char *
record(struct log *log, const struct rm_record *rec, const char *text,
    size_t len, bool durable)
{
	const char *why;

	if ((why = find_end(log)) != NULL || (why = mend(log)) != NULL ||
	    (why = tell_interrupted(log, rec)) != NULL ||
	    (why = write_record(log, text, len, log->from)) != NULL)
		return why;
	if (durable && fsync(log->fd) == -1)
		return "the log cannot be synced";
	if (log->to->head != NULL)
		write_head(log);
	return NULL;
}

/* One line of a client.  "durable" or "relaxed", then the event. */
static const char *
serve(struct log *log, const char *line, size_t len, const char **ret_code)
{
	struct rm_record rec;
	const char *why;
	bool durable;

	*ret_code = "usage";
	durable = len > 8 && memcmp(line, "durable ", 8) == 0;
	if (!durable && (len <= 8 || memcmp(line, "relaxed ", 8) != 0))
		return "durable or relaxed, then an event";
	if (rm_record_parse_event(&rec, line + 8, len - 8, &why) == -1)
		return why;
	*ret_code = "system";
	lock(log, F_WRLCK);
	why = record(log, &rec, line + 8, len - 8, durable);
	lock(log, F_UNLCK);
	return why;
}

void
audit_append(const struct append *to)
{
	static const char too_long[] = "! usage line too long\n";
	static struct lines lines;
	struct log log = { .to = to };
	char answer[256];
	const char *line, *why, *code;
	size_t len;
	int n;

	open_log(&log);
	find_sender(&log);
	while ((line = lines_next(&lines, &len)) != NULL) {
		why = serve(&log, line, len, &code);
		if (why == NULL)
			n = snprintf(answer, sizeof(answer), "+ %ju %s\n",
			    (uintmax_t)log.number, log.hash);
		else
			n = snprintf(answer, sizeof(answer), "! %s %s\n",
			    code, why);
		if (rm_io_write(1, answer, (size_t)n) == -1)
			return;
	}
	if (len > RM_EVENT_MAX)
		(void)!rm_io_write(1, too_long, sizeof(too_long) - 1);
}
