/* SPDX-License-Identifier: ISC */
/* The signed texts, byte for byte, and that no value can bring a line. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rm_statement.h"
#include "tap.h"

#define D32	"0123456789abcdef0123456789abcdef"
#define A64	"a" D32 "bcdef0123456789abcdef0123456789"
#define B64	"b" D32 "bcdef0123456789abcdef0123456789"
#define C64	"c" D32 "bcdef0123456789abcdef0123456789"
#define E64	"e" D32 "bcdef0123456789abcdef0123456789"

static void
test_console(const char *const bad[], size_t n)
{
	static char *words[] = { "set-mode", "RM 1\nsigner x", "b" };
	const struct rm_statement_console unlock = { .purpose = "unlock",
		.appliance = A64, .nonce = D32, .signer = E64 };
	const struct rm_statement_console good = { .purpose = "operation",
		.appliance = A64, .nonce = D32, .signer = E64, .words = words,
		.n = 3, .payload = B64 };
	static char longer[RM_STATEMENT_CONSOLE];
	struct rm_statement_console st;
	char text[RM_STATEMENT_CONSOLE];
	char *many[2] = { words[0], longer };
	size_t i;

	ok(rm_statement_console(text, &unlock) == 0 && strcmp(text,
	    "rm-console 1\nappliance " A64 "\nnonce " D32
	    "\npurpose unlock\nsigner " E64 "\n") == 0,
	    "rm-console, byte for byte");
	ok(rm_statement_console(text, &good) == 0 && strcmp(text,
	    "rm-console 1\nappliance " A64 "\nnonce " D32
	    "\npurpose operation\noperation set-mode\n"
	    "argument RM%201%0Asigner%20x\nargument b\npayload " B64
	    "\nsigner " E64 "\n") == 0, "an operation, and what it gets");
	for (i = 0; i < n; i++) {
		st = good, st.purpose = bad[i];
		ok(rm_statement_console(text, &st) == -1, "bad purpose");
		st = good, st.appliance = bad[i];
		ok(rm_statement_console(text, &st) == -1, "bad appliance");
		st = good, st.nonce = bad[i];
		ok(strcmp(bad[i], D32) == 0 ||
		    rm_statement_console(text, &st) == -1, "bad nonce");
		st = good, st.payload = bad[i];
		ok(rm_statement_console(text, &st) == -1, "bad payload");
		st = good, st.signer = bad[i];
		ok(rm_statement_console(text, &st) == -1, "bad signer");
	}
	memset(longer, ' ', sizeof(longer) - 1);
	st = good, st.words = many, st.n = 2;
	ok(rm_statement_console(text, &st) == -1, "an argument too long");
	longer[900] = '\0';
	ok(rm_statement_console(text, &st) == 0, "one that fits");
	st = good, st.payload = NULL;
	ok(rm_statement_console(text, &st) == -1, "no word on the payload");
}

int
main(void)
{
	static const char *const bad[] = { "", "A" D32, D32 "\n", D32 D32 "\n",
		"\n" D32, "bob\nmanager eve", "bob ", D32 D32 D32 };
	const struct rm_statement good = { .appliance = A64, .arming = D32,
		.rules = B64, .channel = C64, .manager = "bob",
		.signer = E64 };
	struct rm_statement st;
	char text[RM_STATEMENT_MAX];
	size_t i;

	ok(rm_statement_session(text, &good) == 0 && strcmp(text,
	    "rm-session 1\nappliance " A64 "\narming " D32 "\nrules " B64
	    "\nchannel " C64 "\nmanager bob\nsigner " E64 "\n") == 0,
	    "rm-session, byte for byte");
	ok(rm_statement_enrol(text, A64, "alice", E64) == 0 && strcmp(text,
	    "rm-enrol 1\nappliance " A64 "\ncustodian alice\nsigner " E64
	    "\n") == 0, "rm-enrol, byte for byte");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		st = good, st.appliance = bad[i];
		ok(rm_statement_session(text, &st) == -1, "bad appliance");
		st = good, st.arming = bad[i];
		ok(rm_statement_session(text, &st) == -1, "bad arming");
		st = good, st.rules = bad[i];
		ok(rm_statement_session(text, &st) == -1, "bad rules");
		st = good, st.channel = bad[i];
		ok(rm_statement_session(text, &st) == -1, "bad channel");
		st = good, st.manager = bad[i];
		ok(rm_statement_session(text, &st) == -1, "bad manager");
		st = good, st.signer = bad[i];
		ok(rm_statement_session(text, &st) == -1, "bad signer");
		ok(rm_statement_enrol(text, bad[i], "bob", E64) == -1 &&
		    rm_statement_enrol(text, A64, bad[i], E64) == -1 &&
		    rm_statement_enrol(text, A64, "bob", bad[i]) == -1,
		    "bad enrolment");
	}
	test_console(bad, sizeof(bad) / sizeof(bad[0]));
	printf("1..%d\n", tests);
	return 0;
}
