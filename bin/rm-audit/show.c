/* SPDX-License-Identifier: ISC */
/* The log for a person: a head line a record, then its fields. */
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "rm_record.h"

/* A value of several lines is indented below its key. */
static void
show_value(const char *key, size_t key_len, char *value)
{
	char *lf, *p;

	for (p = value; *p != '\0'; p++)
		if (*p != '\n' && (*p < 0x20 || *p > 0x7e))
			*p = '?';
	if (strchr(value, '\n') == NULL) {
		(void)printf("    %.*s: %s\n", (int)key_len, key, value);
		return;
	}
	(void)printf("    %.*s:\n", (int)key_len, key);
	for (p = value; *p != '\0'; p = lf + 1) {
		if ((lf = strchr(p, '\n')) == NULL)
			break;
		*lf = '\0';
		(void)printf("        %s\n", p);
	}
	if (*p != '\0')
		(void)printf("        %s\n", p);
}

static void
show_record(const struct rm_record *rec)
{
	char key[RM_NAME_MAX + 1], value[RM_EVENT_MAX];
	size_t i;

	(void)printf("%ju  %s  boot %ju  %s\n", (uintmax_t)rec->number,
	    rec->time, (uintmax_t)rec->boot, rec->name);
	for (i = 0; i < rec->n; i++) {
		memcpy(key, rec->field[i].key, rec->field[i].key_len);
		key[rec->field[i].key_len] = '\0';
		if (rm_record_value(value, sizeof(value), rec, key) == 0)
			show_value(key, rec->field[i].key_len, value);
	}
}

void
audit_show(int fd)
{
	static struct lines lines;
	struct rm_record rec;
	const char *line, *why;
	uint64_t count = 0;
	size_t len;

	lines.fd = fd;
	while ((line = lines_next(&lines, &len)) != NULL) {
		count++;
		if (rm_record_parse(&rec, line, len, &why) == -1)
			rm_warnx("line %ju is no record: %s", (uintmax_t)count,
			    why);
		else
			show_record(&rec);
	}
	if (len > 0)
		rm_warnx("%zu bytes of a torn record at the end", len);
}
