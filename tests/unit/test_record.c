/* SPDX-License-Identifier: ISC */
/* Table test of the parser of the audit log's lines. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rm_record.h"
#include "tap.h"

#define ZEROS	"00000000000000000000000000000000" \
		"00000000000000000000000000000000"
#define HEAD	"1 2026-11-23T12:00:00Z 0 "
#define TAIL	" prev=" ZEROS

static void
test_form(void)
{
	static const struct {
		const char *line;
		int rc;
	} table[] = {
		{ HEAD "boot" TAIL, 0 },
		{ HEAD "boot number=1 x=a%20b" TAIL, 0 },
		{ HEAD "boot", -1 },
		{ HEAD "boot" TAIL " x=1", -1 },
		{ HEAD "boot prev=" ZEROS TAIL, -1 },
		{ HEAD "boot x=1 x=2" TAIL, -1 },
		{ HEAD "boot x=" TAIL, -1 },
		{ HEAD "boot x" TAIL, -1 },
		{ HEAD "boot =1" TAIL, -1 },
		{ HEAD "Boot" TAIL, -1 },
		{ HEAD "boot  x=1" TAIL, -1 },
		{ HEAD "boot" TAIL " ", -1 },
		{ HEAD "boot x=%41" TAIL, -1 },
		{ HEAD "boot x=%2f" TAIL, -1 },
		{ HEAD "boot x=%2" TAIL, -1 },
		{ HEAD "boot x=%00" TAIL, -1 },
		{ HEAD "boot x=\x80" TAIL, -1 },
		{ HEAD "boot x=a\tb" TAIL, -1 },
		{ "0 2026-11-23T12:00:00Z 0 boot" TAIL, -1 },
		{ "01 2026-11-23T12:00:00Z 0 boot" TAIL, -1 },
		{ "1 2026-11-23 12:00:00 0 boot" TAIL, -1 },
		{ "1 2026-11-23T12:00:00Z -1 boot" TAIL, -1 },
		{ HEAD "boot prev=" ZEROS "0", -1 },
		{ "", -1 },
	};
	struct rm_record rec;
	const char *why = NULL;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rc = rm_record_parse(&rec, table[i].line,
		    strlen(table[i].line), &why);
		ok(rc == table[i].rc, table[i].line);
	}
}

static void
test_values(void)
{
	static const char line[] = "77 2026-11-23T12:00:00Z 3 vote "
	    "custodian=bob text=a%0Ab" TAIL;
	struct rm_record rec;
	const char *why;
	char value[16];

	ok(rm_record_parse(&rec, line, strlen(line), &why) == 0 &&
	    rec.number == 77 && rec.boot == 3 && rec.n == 2 &&
	    strcmp(rec.name, "vote") == 0 && strcmp(rec.prev, ZEROS) == 0 &&
	    strcmp(rec.time, "2026-11-23T12:00:00Z") == 0, "its parts");
	ok(rm_record_value(value, sizeof(value), &rec, "text") == 0 &&
	    strcmp(value, "a\nb") == 0, "a value, unspelled");
	ok(rm_record_value(value, 3, &rec, "text") == -1 &&
	    rm_record_value(value, sizeof(value), &rec, "tex") == -1,
	    "no room, no such field");
}

static void
test_events(void)
{
	char text[8 + RM_RECORD_FIELDS * 6];
	struct rm_record rec;
	const char *why;
	int i, len;

	ok(rm_record_parse_event(&rec, "boot x=1", 8, &why) == 0, "an event");
	ok(rm_record_parse_event(&rec, "boot uid=1", 10, &why) == -1 &&
	    rm_record_parse_event(&rec, "boot pid=1", 10, &why) == -1 &&
	    rm_record_parse_event(&rec, "boot prev=1", 11, &why) == -1,
	    "nobody says who they are, or what was before");
	ok(rm_record_parse_event(&rec, "", 0, &why) == -1, "no event");
	/* With uid, pid and prev it has to be a record that can be read. */
	len = sprintf(text, "boot");
	for (i = 0; i < RM_RECORD_FIELDS - 3; i++)
		len += sprintf(text + len, " x%d=1", i);
	ok(rm_record_parse_event(&rec, text, strlen(text), &why) == 0,
	    "as many fields as leave room for those of the log");
	strcat(text, " y=1");
	ok(rm_record_parse_event(&rec, text, strlen(text), &why) == -1 &&
	    strcmp(why, "too many fields") == 0, "one more is one too many");
}

int
main(void)
{
	test_form();
	test_values();
	test_events();
	printf("1..%d\n", tests);
	return 0;
}
