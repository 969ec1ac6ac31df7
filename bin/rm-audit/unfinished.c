/* SPDX-License-Identifier: ISC */
/*
 * Operations whose begin has no end: whoever ran them was killed.  Each is
 * told with the generation that it began on and, if another began after it,
 * the one that that found: between the two is what became of it.
 */
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "rm_record.h"

#define OPEN_MAX	64	/* more than one is rare: one runs at a time */

struct begin {
	struct begun op;
	char next[sizeof(((struct begun *)NULL)->from)];
};

static struct begin begun[OPEN_MAX];
static size_t n_begun;

static void
take_out(size_t i)
{
	n_begun--;
	memmove(begun + i, begun + i + 1, (n_begun - i) * sizeof(begun[0]));
}

static void
begin(const struct begun *op)
{
	struct begin *one;
	size_t i;

	if (n_begun == OPEN_MAX) {
		rm_warnx("record %ju is left out: too many without an end",
		    (uintmax_t)begun[0].op.number);
		take_out(0);
	}
	one = &begun[n_begun++];
	one->op = *op;
	strcpy(one->next, "-");
	for (i = 0; i + 1 < n_begun; i++)
		if (strcmp(begun[i].next, "-") == 0)
			strcpy(begun[i].next, op->from);
}

static void
end(uint64_t of)
{
	size_t i;

	for (i = 0; i < n_begun; i++) {
		if (begun[i].op.number == of) {
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
	struct begun op;
	const char *line, *why;
	size_t i, len;

	lines.fd = fd;
	while ((line = lines_next(&lines, &len)) != NULL) {
		if (rm_record_parse(&rec, line, len, &why) == -1)
			continue;
		if (begun_take(&op, &rec))
			begin(&op);
		else
			end(begun_ended_by(&rec));
	}
	for (i = 0; i < n_begun; i++)
		(void)printf("%ju %s %s %s\n", (uintmax_t)begun[i].op.number,
		    begun[i].op.operation, begun[i].op.from, begun[i].next);
}
