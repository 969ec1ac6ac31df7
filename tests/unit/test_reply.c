/* SPDX-License-Identifier: ISC */
/* Table tests of what a station understands of an appliance. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rm_reply.h"
#include "tap.h"

#define HASH	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"
#define ARMING	"0123456789abcdef0123456789abcdef"
#define REST	"arming=" ARMING " rules=" HASH " log=7:" HASH

static int
greeting(struct rm_greeting *ret, const char *line)
{
	return rm_reply_greeting(ret, (const uint8_t *)line, strlen(line));
}

static void
test_greeting(void)
{
	static const char *const bad[] = {
		"", "rm/1", "rm/2 hsm-1 ready " REST, "rm/1 hsm-1 " REST,
		"rm/1 hsm-1 READY " REST, "rm/1 hsm-1 ready " REST " more",
		"rm/1 hsm-1  ready " REST,
		"rm/1 hsm-1 ready arming=0" ARMING " rules=" HASH " log=7:"
		    HASH,
		"rm/1 hsm-1 ready arming=" ARMING " rules=" ARMING " log=7:"
		    HASH,
		"rm/1 hsm-1 ready arming=" ARMING " rules=" HASH " log=7",
		"rm/1 hsm-1 ready arming=" ARMING " rules=" HASH " log=:"
		    HASH,
		"rm/1 hsm-1 ready arming=" ARMING " rules=" HASH " log=-1:"
		    HASH,
		"rm/1 hsm-1 ready arming=" ARMING " rules=" HASH
		    " log=99999999999999999999:" HASH,
		"rm/1 hsm-1 ready arming=" ARMING " rules=" HASH
		    " log=000000000000000000000000000000001:" HASH,
		"rm/1 hsm-1 ready rules=" HASH " arming=" ARMING " log=7:"
		    HASH,
	};
	struct rm_greeting g;
	size_t i;

	ok(greeting(&g, "rm/1 hsm-1 ready " REST) == 0 && !g.busy &&
	    g.log_number == 7 && strcmp(g.arming, ARMING) == 0 &&
	    strcmp(g.rules, HASH) == 0 && strcmp(g.log_hash, HASH) == 0 &&
	    strcmp(g.appliance, "hsm-1") == 0, "ready");
	ok(greeting(&g, "rm/1 " HASH " busy " REST) == 0 && g.busy &&
	    strcmp(g.appliance, HASH) == 0, "busy");
	ok(greeting(&g, "rm/1 a%1B[31m ready " REST) == 0 &&
	    strcmp(g.appliance, "a?[31m") == 0, "an escape is cleaned");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(greeting(&g, bad[i]) == -1, "no greeting");
}

static void
test_lines(void)
{
	static const struct {
		const char *line;
		int rc;
		enum rm_reply_kind kind;
		enum rm_code code;
		uint32_t percent;
		const char *text;
	} table[] = {
		{ ": mode NRM", 0, RM_REPLY_OUTPUT, 0, 0, "mode NRM" },
		{ ":  x", 0, RM_REPLY_OUTPUT, 0, 0, " x" },
		{ ": ", 0, RM_REPLY_OUTPUT, 0, 0, "" },
		{ ":", 0, RM_REPLY_OUTPUT, 0, 0, "" },
		{ ": \xc3\xa4\x1b[2J", 0, RM_REPLY_OUTPUT, 0, 0,
		    "\xc3\xa4?[2J" },
		{ "% 41 half way", 0, RM_REPLY_PROGRESS, 0, 41, "half way" },
		{ "% 100", 0, RM_REPLY_PROGRESS, 0, 100, "" },
		{ "+ ", 0, RM_REPLY_DONE, 0, 0, "" },
		{ "+", 0, RM_REPLY_DONE, 0, 0, "" },
		{ "+ 1 of 2 for bob: alice", 0, RM_REPLY_DONE, 0, 0,
		    "1 of 2 for bob: alice" },
		{ "! busy another", 0, RM_REPLY_REFUSED, RM_CODE_BUSY, 0,
		    "another" },
		{ "! policy", 0, RM_REPLY_REFUSED, RM_CODE_POLICY, 0, "" },
		{ "! strange word", 0, RM_REPLY_REFUSED, RM_CODE_FAILED, 0,
		    "strange word" },
		{ "!", 0, RM_REPLY_REFUSED, RM_CODE_FAILED, 0, "" },
		{ "* local console took over", 0, RM_REPLY_NOTICE,
		    RM_CODE_LOCAL_CONSOLE, 0, "local console took over" },
		{ "* appliance is going down", 0, RM_REPLY_NOTICE,
		    RM_CODE_GOING_DOWN, 0, "appliance is going down" },
		{ "* idle limit reached", 0, RM_REPLY_NOTICE,
		    RM_CODE_IDLE_LIMIT, 0, "idle limit reached" },
		{ "* nice weather", 0, RM_REPLY_NOTICE, RM_CODE_OK, 0,
		    "nice weather" },
		{ "", -1, 0, 0, 0, NULL },
		{ "hello", -1, 0, 0, 0, NULL },
		{ ":x", -1, 0, 0, 0, NULL },
		{ "% x", -1, 0, 0, 0, NULL },
		{ "% 101 y", -1, 0, 0, 0, NULL },
		{ "%", -1, 0, 0, 0, NULL },
		{ "rm/1 hsm-1", -1, 0, 0, 0, NULL },
	};
	static uint8_t line[RM_LINE_MAX];
	struct rm_reply r;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rc = rm_reply_line(&r, (const uint8_t *)table[i].line,
		    strlen(table[i].line));
		ok(rc == table[i].rc && (rc == -1 ||
		    (r.kind == table[i].kind && r.code == table[i].code &&
		    r.percent == table[i].percent &&
		    strcmp(r.text, table[i].text) == 0)), "a line");
	}
	ok(rm_reply_line(&r, (const uint8_t *)"\0 x", 3) == -1, "a NUL");
	memset(line, 'x', sizeof(line));
	memcpy(line, ": ", 2);
	ok(rm_reply_line(&r, line, RM_LINE_MAX - 1) == 0 &&
	    strlen(r.text) == RM_LINE_MAX - 3, "the longest line");
	ok(rm_reply_line(&r, line, RM_LINE_MAX) == -1, "one byte more");
}

static void
test_quorum(void)
{
	static const char *const bad[] = { "", "1", "1 of", "1 of x",
	    "0 of 2 for bob: ", "3 of 2 for bob: a", "1 in 2 for bob: a",
	    "1 of 65 for bob: a", " 1 of 2", "1  of 2", "done" };
	uint32_t have = 9, need = 9;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ok(rm_reply_quorum(&have, &need, bad[i]) == -1 && have == 9 &&
		    need == 9, "no quorum");
	ok(rm_reply_quorum(&have, &need, "1 of 2 for bob: alice") == 0 &&
	    have == 1 && need == 2, "one of two");
	ok(rm_reply_quorum(&have, &need, "64 of 64 for bob: a,b") == 0 &&
	    have == 64 && need == 64, "all of 64");
}

int
main(void)
{
	test_greeting();
	test_lines();
	test_quorum();
	printf("1..%d\n", tests);
	return 0;
}
