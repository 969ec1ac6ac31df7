/* SPDX-License-Identifier: ISC */
/*
 * Operations whose begin has no end: whoever ran them was killed.  Each is
 * told with the generation that it began on and, if another began after it,
 * the one that that found: between the two is what became of it.
 */
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "rm_num.h"
#include "rm_record.h"
#include "rm_text.h"

#define OPEN_MAX	64	/* more than one is rare: one runs at a time */

struct begin {
	uint64_t number;
	char operation[RM_NAME_MAX + 1];
	char from[24], next[24];	/* generations, or "-" */
};

static struct begin begun[OPEN_MAX];
static size_t n_begun;

/* A value that is fit to be a word of our output, or "-". */
static void
word(char *ret, size_t size, const struct rm_record *rec, const char *key)
{
	char value[RM_EVENT_MAX];
	size_t len;

	if (rm_record_value(value, sizeof(value), rec, key) == -1)
		value[0] = '\0';
	len = strlen(value);
	if (len == 0 || len >= size || strspn(value,
	    "abcdefghijklmnopqrstuvwxyz0123456789-") != len)
		strcpy(value, "-");
	(void)snprintf(ret, size, "%s", value);
}

static void
take_out(size_t i)
{
	n_begun--;
	memmove(begun + i, begun + i + 1, (n_begun - i) * sizeof(begun[0]));
}

static void
begin(const struct rm_record *rec)
{
	struct begin *one;
	size_t i;

	if (n_begun == OPEN_MAX) {
		rm_warnx("record %ju is left out: too many without an end",
		    (uintmax_t)begun[0].number);
		take_out(0);
	}
	one = &begun[n_begun++];
	one->number = rec->number;
	word(one->operation, sizeof(one->operation), rec, "operation");
	word(one->from, sizeof(one->from), rec, "generation");
	strcpy(one->next, "-");
	for (i = 0; i + 1 < n_begun; i++)
		if (strcmp(begun[i].next, "-") == 0)
			strcpy(begun[i].next, one->from);
}

static void
end(const struct rm_record *rec)
{
	char text[RM_EVENT_MAX];
	uint64_t of;
	size_t i;

	if (rm_record_value(text, sizeof(text), rec, "of") == -1 ||
	    rm_num_u64(&of, text, 1, UINT64_MAX) == -1)
		return;
	for (i = 0; i < n_begun; i++) {
		if (begun[i].number == of) {
			take_out(i);
			return;
		}
	}
}

void
audit_unfinished(int fd)
{
	static struct lines lines;
	struct rm_record rec;
	const char *line, *why;
	size_t i, len;

	lines.fd = fd;
	while ((line = lines_next(&lines, &len)) != NULL) {
		if (rm_record_parse(&rec, line, len, &why) == -1)
			continue;
		if (strcmp(rec.name, "begin") == 0)
			begin(&rec);
		else if (strcmp(rec.name, "end") == 0 ||
		    strcmp(rec.name, "cut") == 0 ||
		    strcmp(rec.name, "interrupted") == 0)
			end(&rec);
	}
	for (i = 0; i < n_begun; i++)
		(void)printf("%ju %s %s %s\n", (uintmax_t)begun[i].number,
		    begun[i].operation, begun[i].from, begun[i].next);
}
