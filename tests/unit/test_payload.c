/* SPDX-License-Identifier: ISC */
/* Table tests of the announcement of a payload. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rm_payload.h"
#include "tap.h"

static int
parse(struct rm_payload *ret, const char *text)
{
	return rm_payload_parse(ret, (const uint8_t *)text, strlen(text));
}

static void
test_good(void)
{
	static const struct {
		const char *text, *name;
		uint32_t len;
	} table[] = {
		{ "< policy 0", "policy", 0 },
		{ "< a 1", "a", 1 },
		{ "< enrolment 65536", "enrolment", 65536 },
		/* Too much, but one can tell how much. */
		{ "< payload 65537", "payload", 65537 },
		{ "< a2345678-1-345678-2-345678-3-3 4294967295",
		    "a2345678-1-345678-2-345678-3-3", 4294967295U },
		{ "< a2345678-12345678-22345678-3234 4294967295",
		    "a2345678-12345678-22345678-3234", 4294967295U },
	};
	struct rm_payload p;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		ok(parse(&p, table[i].text) == 0 && p.len == table[i].len &&
		    strcmp(p.name, table[i].name) == 0, table[i].text);
}

static void
test_bad(void)
{
	static const char *const table[] = {
		"", "<", "< ", "<  1", "< a", "< a ", "<a 1", "< a 1 ",
		"< a  1", "<  a 1", " < a 1", "< a -1", "< a +1", "< a 01",
		"< a 00", "< a 1x", "< a 0x1", "< a 4294967296",
		"< a 99999999999999999999", "< A 1", "< 1a 1", "< ../a 1",
		"< a 1 1", "< a\t1", "< a 1\r", "a 1", "> a 1",
		"< abcdefghijklmnopqrstuvwxyzabcdefg 1",
	};
	struct rm_payload p = { .len = 7, .name = "old" };
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		ok(parse(&p, table[i]) == -1, table[i]);
	ok(rm_payload_parse(&p, (const uint8_t *)"< a 1\0", 6) == -1 &&
	    rm_payload_parse(&p, (const uint8_t *)"< a\0 1", 6) == -1,
	    "a NUL");
	ok(p.len == 7 && strcmp(p.name, "old") == 0, "nothing is set");
}

int
main(void)
{
	test_good();
	test_bad();
	printf("1..%d\n", tests);
	return 0;
}
