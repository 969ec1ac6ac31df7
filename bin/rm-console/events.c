/* SPDX-License-Identifier: ISC */
/*
 * Event Log: the audit log as it grows.  However long the log is, a part of
 * it is looked at: the last records before a place that match the filter.
 *
 *	following: the place is the end, and it moves with the log
 *	scrolled:  the place stays; PgUp at the top goes to the part before,
 *	           PgDn at the bottom to the one behind, End follows again
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "monitor.h"
#include "rm_env.h"
#include "view.h"

#define CHUNK		65536
#define RECORDS		250	/* of a part: what layout.c can break */
#define FAR		(8 << 20)	/* bytes a filter is tried on at once */
#define FILTER		40
#define PARTS		256

static struct {
	bool following, stale;
	struct stat seen;	/* the log that text is of; st_ino 0: none */
	off_t begin, end;	/* of the part */
	size_t n_later;
	off_t later[PARTS];	/* ends of the parts behind, the next last */
	size_t n_filter;
	char filter[FILTER];
	char room[RECORDS * MONITOR_LINE + 1], *text;
} e;

/* --- reading -------------------------------------------------------------- */

/* Puts a line before what is there already, if it is wanted. */
static size_t
put_before(const char *line, size_t len)
{
	char shown[MONITOR_LINE];
	size_t n;

	records_show(shown, line, len);
	if (e.n_filter > 0 && strcasestr(shown, e.filter) == NULL)
		return 0;
	n = strlen(shown);
	e.text -= n + 1;
	memcpy(e.text, shown, n);
	e.text[n] = '\n';
	return 1;
}

/* Takes the lines of bytes from the last one on; true if that is enough. */
static bool
take_lines(const char *bytes, size_t len, size_t *n, off_t at)
{
	const char *end = bytes + len, *line;

	while (end > bytes && *n < RECORDS) {
		line = memrchr(bytes, '\n', (size_t)(end - 1 - bytes));
		line = line == NULL ? bytes : line + 1;
		*n += put_before(line, (size_t)(end - 1 - line));
		end = line;
		e.begin = at + (line - bytes);
	}
	return *n == RECORDS;
}

/*
 * Takes what is before e.end.  Chunks end where a line ends; what a chunk has
 * of a line that begins before it is left to the next one.
 */
static void
take_part(int fd)
{
	static char chunk[CHUNK];
	off_t at, stop = e.end > FAR ? e.end - FAR : 0;
	const char *first;
	size_t n = 0;
	ssize_t len;

	e.text = e.room + sizeof(e.room) - 1;
	*e.text = '\0';
	e.begin = e.end;
	while (e.begin > stop) {
		at = e.begin > CHUNK ? e.begin - CHUNK : 0;
		len = pread(fd, chunk, (size_t)(e.begin - at), at);
		if (len != e.begin - at)
			return;
		/* A line that is still being written has no end yet. */
		while (len > 0 && chunk[len - 1] != '\n')
			len--;
		first = at == 0 ? chunk : memchr(chunk, '\n', (size_t)len);
		if (at > 0 && first != NULL)
			first++;
		if (first == NULL || len == 0 || first == chunk + len) {
			e.begin = at;	/* no log of ours has such a line */
			continue;
		}
		if (take_lines(first, (size_t)(chunk + len - first), &n,
		    at + (first - chunk)))
			return;
	}
}

static void
follow(void)
{
	e.following = e.stale = true;
	e.n_later = 0;
}

/* Takes the part anew if there is a reason to. */
static void
renew(void)
{
	struct stat st = { 0 };
	char path[PATH_MAX];
	int fd;

	rm_env_state_path(path, sizeof(path), "audit.log");
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		st.st_ino = 0;
	/* Another log has other places. */
	if (st.st_ino != e.seen.st_ino || st.st_size < e.end)
		follow();
	if (e.following && st.st_size != e.seen.st_size)
		e.stale = true;
	if (e.stale) {
		if (e.following)
			e.end = st.st_size;
		e.seen = st;
		take_part(st.st_ino != 0 ? fd : -1);
	}
	if (e.stale && e.following)
		ui_follow();
	e.stale = false;
	if (fd != -1)
		(void)close(fd);
}

/* --- the view ------------------------------------------------------------- */

static void
fill(struct window *w)
{
	const char *text;

	renew();
	text = e.text;
	if (e.seen.st_ino == 0)
		text = "there is no log\n";
	else if (*e.text == '\0')
		text = e.begin > 0 ? "nothing of that kind here; PgUp looks "
		    "further back\n" : "nothing of that kind\n";
	*w = (struct window){ .title = e.following ? "Event Log" :
	    "Event Log (End follows it again)", .text = text, .full = true,
	    .n_fields = 1, .field = { { "filter", e.filter, false, false } } };
}

static bool
key_filter(enum key k, char c)
{
	if (k == KEY_CHAR && c >= ' ' && c <= '~' && e.n_filter < FILTER - 1)
		e.filter[e.n_filter++] = c;
	else if (k == KEY_BACKSPACE && e.n_filter > 0)
		e.n_filter--;
	else if (k == KEY_CLEAR)
		e.n_filter = 0;
	else
		return k == KEY_CHAR;
	e.filter[e.n_filter] = '\0';
	follow();
	return true;
}

/* Up from the first line: the part before this one. */
static bool
older(enum key k)
{
	e.following = false;
	if (*ui_top() > 0 || e.begin == 0 || e.n_later == PARTS)
		return false;
	e.later[e.n_later++] = e.end;
	e.end = e.begin;
	e.stale = true;
	*ui_top() = k == KEY_HOME ? 0 : SIZE_MAX;
	return true;
}

/* Down from the last line: the part behind it, or the log as it grows. */
static bool
newer(void)
{
	if (e.following || screen_below() > 0)
		return e.following;
	if (e.n_later == 0)
		follow();
	else {
		e.end = e.later[--e.n_later];
		e.stale = true;
		*ui_top() = 0;
	}
	return true;
}

static bool
key(size_t *focus, enum key k, char c)
{
	(void)focus;
	switch (k) {
	case KEY_UP:
	case KEY_PGUP:
	case KEY_HOME:
		return older(k);
	case KEY_DOWN:
	case KEY_PGDN:
		return newer();
	case KEY_END:
		follow();
		return true;
	default:
		return key_filter(k, c);
	}
}

static void
left(void)
{
	watch_log(false);
}

static const struct view view = {
	.fill = fill, .key = key, .left = left, .live = true
};

void
events_open(const struct menu_entry *entry)
{
	(void)entry;
	memset(&e.seen, 0, sizeof(e.seen));
	e.n_filter = 0;
	e.filter[0] = '\0';
	e.end = 0;
	follow();
	watch_log(true);
	ui_push(&view, NULL);
}
