/* SPDX-License-Identifier: ISC */
/* The file of a kept vote: written, read back, and what is none. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rm_kept.h"
#include "tap.h"

#define HEX	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"
#define KEEP	"keep bob " HEX " ed25519 YWJj\n"

static void
test_good(void)
{
	static const char text[] = "until 1234567\nchannel " HEX "\n" KEEP;
	struct rm_kept kept = { .until_ms = 0 };
	char back[RM_KEPT_MAX];

	ok(rm_kept_parse(&kept, text, strlen(text)) == 0 &&
	    kept.until_ms == 1234567 && strcmp(kept.channel, HEX) == 0 &&
	    strcmp(kept.vote.manager, "bob") == 0 && kept.vote.sig_len == 3,
	    "a kept vote");
	ok(rm_kept_write(back, sizeof(back), &kept) == (int)strlen(text) &&
	    strcmp(back, text) == 0, "written as it was read");
	ok(rm_kept_write(back, strlen(text), &kept) == -1, "no room");
	kept.vote.sig_len = RM_VOTE_SIG_MAX;
	ok(rm_kept_write(back, sizeof(back), &kept) > 0 &&
	    rm_kept_parse(&kept, back, strlen(back)) == 0 &&
	    kept.vote.sig_len == RM_VOTE_SIG_MAX, "the longest signature");
}

static void
test_bad(void)
{
	static const char *const table[] = {
		"", "\n", "until 1\n", "until 1\nchannel " HEX "\n",
		"until 1\nchannel " HEX "\nkeep bob " HEX " ed25519 YWJj",
		"until 1\nchannel " HEX "\npresent bob " HEX
		    " ed25519 YWJj\n",
		"until x\nchannel " HEX "\n" KEEP,
		"until -1\nchannel " HEX "\n" KEEP,
		"until 99999999999999999999\nchannel " HEX "\n" KEEP,
		"until 1234567890123456789012345\nchannel " HEX "\n" KEEP,
		"until 1\nchannel 0" HEX "\n" KEEP,
		"until 1\nchannel \n" KEEP,
		"until 1\nchannel X" HEX "\n" KEEP,
		"channel " HEX "\nuntil 1\n" KEEP,
		"until 1\nchannel " HEX "\n" KEEP "\n",
		"until 1\nchannel " HEX "\n" KEEP KEEP,
		" until 1\nchannel " HEX "\n" KEEP,
	};
	struct rm_kept kept;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		ok(rm_kept_parse(&kept, table[i], strlen(table[i])) == -1,
		    "no kept vote");
}

int
main(void)
{
	test_good();
	test_bad();
	printf("1..%d\n", tests);
	return 0;
}
