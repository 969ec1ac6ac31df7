/* SPDX-License-Identifier: ISC */
/* Table tests of the header of an operation and of what fits it. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rm_ophdr.h"
#include "tap.h"

#define REST	"# summary: s\n# class: read\n# limit: 1\n"

static int
parse(struct rm_ophdr *ret, const char *text)
{
	const char *why = NULL;
	int rc;

	rc = rm_ophdr_parse(ret, (const uint8_t *)text, strlen(text), &why);
	return rc == -1 && (why == NULL || *why == '\0') ? -2 : rc;
}

static void
test_whole(void)
{
	struct rm_ophdr hdr;

	ok(parse(&hdr, "#!/bin/sh\n# SPDX-License-Identifier: ISC\n"
	    "# summary: change the operating mode\n"
	    "# args: mode=NRM|RM1|RM2 [node=/[a-z]+/]\n"
	    "# class: destructive\n# limit: 120\nset -eu\n# class: x\n") == 0 &&
	    hdr.class == RM_OP_DESTRUCTIVE && hdr.limit_s == 120 &&
	    strcmp(hdr.summary, "change the operating mode") == 0 &&
	    strcmp(hdr.args, "mode=NRM|RM1|RM2 [node=/[a-z]+/]") == 0 &&
	    hdr.n_args == 2 && hdr.arg[0].kind == RM_OP_WORDS &&
	    !hdr.arg[0].optional && strcmp(hdr.arg[0].name, "mode") == 0 &&
	    hdr.arg[1].kind == RM_OP_REGEX && hdr.arg[1].optional &&
	    strcmp(hdr.arg[1].pattern, "[a-z]+") == 0, "a whole header");
	ok(parse(&hdr, "#!/x\n# note: erases keys\n" REST
	    "# note: keeps the log\n") == 0 && strcmp(hdr.notes,
	    "erases keys\nkeeps the log\n") == 0, "notes");
	ok(strcmp(rm_ophdr_class_word(RM_OP_POWER), "power") == 0,
	    "the word of a class");
}

/* As many notes as fit, and not one more. */
static void
test_notes(void)
{
	char text[2048] = "#!/x\n" REST, line[128];
	struct rm_ophdr hdr;
	int i, rc = 0;

	(void)memset(line, 'x', sizeof(line));
	memcpy(line, "# note: ", 8);
	line[sizeof(line) - 2] = '\n';
	line[sizeof(line) - 1] = '\0';
	for (i = 0; rc == 0 && i < 12; i++) {
		(void)memcpy(text + strlen(text), line, sizeof(line));
		rc = parse(&hdr, text);
	}
	ok(rc == -1 && i == RM_OPHDR_NOTES / (sizeof(line) - 9) + 1,
	    "too many notes");
}

static void
test_headers(void)
{
	static const struct {
		const char *text;
		int rc;
		const char *what;
	} table[] = {
		{ "#!/x\n" REST, 0, "the least" },
		{ "#!/x\n#\n# words\n" REST "\n", 0, "other comments" },
		{ "#!/x\n# args: a\n" REST, 0, "any text" },
		{ "#!/x\n# args: a=x\n" REST, 0, "one word" },
		{ "", -1, "nothing" },
		{ REST, -1, "no #!" },
		{ "#!/x\n# summary: s\n# class: read\n", -1, "no limit" },
		{ "#!/x\n# summary: s\n# limit: 1\n", -1, "no class" },
		{ "#!/x\n# class: read\n# limit: 1\n", -1, "no summary" },
		{ "#!/x\n\n" REST, -1, "after the comments" },
		{ "#!/x\n" REST "# limit: 2\n", -1, "limit twice" },
		{ "#!/x\n# summary: \n# class: read\n# limit: 1\n", -1,
		    "empty summary" },
		{ "#!/x\n# summary: a\x1b[0m\n# class: read\n# limit: 1\n", -1,
		    "control characters" },
		{ "#!/x\n# summary: s\n# class: writes\n# limit: 1\n", -1,
		    "unknown class" },
		{ "#!/x\n# summary: s\n# class: read\n# limit: 0\n", -1,
		    "limit 0" },
		{ "#!/x\n# summary: s\n# class: read\n# limit: 86401\n", -1,
		    "limit of more than a day" },
		{ "#!/x\n# summary: s\n# class: read\n# limit: 1", -1,
		    "cut off" },
		{ "#!/x\n# args: a  b\n" REST, -1, "two spaces" },
		{ "#!/x\n# args: a \n" REST, -1, "space at the end" },
		{ "#!/x\n# args: 1a\n" REST, -1, "bad name" },
		{ "#!/x\n# args: a=\n" REST, -1, "no pattern" },
		{ "#!/x\n# args: a=x|\n" REST, -1, "empty word" },
		{ "#!/x\n# args: a=|x\n" REST, -1, "empty first word" },
		{ "#!/x\n# args: a=x|-y\n" REST, -1, "an option as word" },
		{ "#!/x\n# args: a=//\n" REST, -1, "empty expression" },
		{ "#!/x\n# args: a=/x\n" REST, -1, "half an expression" },
		{ "#!/x\n# args: [a\n" REST, -1, "half a bracket" },
		{ "#!/x\n# args: [\n" REST, -1, "only a bracket" },
		{ "#!/x\n# args: []\n" REST, -1, "empty brackets" },
		{ "#!/x\n# args: [a] b\n" REST, -1, "left out in the middle" },
		{ "#!/x\n# payload: a\n" REST, 0, "a payload" },
		{ "#!/x\n# payload: [a-1] secret\n" REST, 0,
		    "a secret one that may be left out" },
		{ "#!/x\n# payload: a\n# payload: b\n" REST, -1,
		    "two payloads" },
		{ "#!/x\n# payload: A\n" REST, -1, "no name" },
		{ "#!/x\n# payload: \n" REST, -1, "an empty payload" },
		{ "#!/x\n# payload: [a\n" REST, -1, "half its brackets" },
		{ "#!/x\n# payload: [\n" REST, -1, "only a bracket of it" },
		{ "#!/x\n# payload: []\n" REST, -1, "only its brackets" },
		{ "#!/x\n# payload: a secrets\n" REST, -1,
		    "another word than secret" },
		{ "#!/x\n# payload: a \n" REST, -1, "no word" },
		{ "#!/x\n# payload:  secret\n" REST, -1, "only secret" },
		{ "#!/x\n# payload: a secret secret\n" REST, -1,
		    "secret twice" },
		{ "#!/x\n# args: a b c d e f g h\n" REST, 0, "the most args" },
		{ "#!/x\n# args: a b c d e f g h i\n" REST, -1, "one more" },
	};
	struct rm_ophdr hdr;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		ok(parse(&hdr, table[i].text) == table[i].rc, table[i].what);
}

static void
test_words(void)
{
	static const struct {
		const char *args, *word[3];
		int rc;
	} table[] = {
		{ "mode=NRM|RM1", { "NRM" }, 1 },
		{ "mode=NRM|RM1", { "RM1" }, 1 },
		{ "mode=NRM|RM1", { "RM" }, -1 },
		{ "mode=NRM|RM1", { "RM11" }, -1 },
		{ "mode=NRM|RM1", { "NRM|RM1" }, -1 },
		{ "mode=NRM|RM1", { "" }, -1 },
		{ "mode=NRM|RM1", { NULL }, -1 },
		{ "mode=NRM|RM1", { "NRM", "x" }, -1 },
		{ "a [b]", { "x" }, 1 },
		{ "a [b]", { "x", "y" }, 2 },
		{ "a [b]", { "x", "y", "z" }, -1 },
		{ "[a]", { NULL }, 0 },
		{ "a", { "-x" }, -1 },
		{ "a", { "-" }, -1 },
		{ "a", { "x-y z" }, 1 },
		{ "a", { "x\ny" }, -1 },
		{ "a", { "x\x7f" }, -1 },
		{ "a", { "\xc3\xa4" }, 1 },
		{ "a=/[0-9]{1,3}/", { "123" }, 1 },
		{ "a=/[0-9]{1,3}/", { "1234" }, -1 },
		{ "a=/[0-9]{1,3}/", { "x1" }, -1 },
		{ "a=/x|xy/", { "xy" }, 1 },
		{ "a=/x|xy/", { "xyz" }, -1 },
		{ "a=/x)|(y/", { "xq" }, -1 },
		{ "a=/-?x/", { "-x" }, -1 },
	};
	char text[256];
	struct rm_ophdr hdr;
	const char *why;
	size_t i, n;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		(void)snprintf(text, sizeof(text), "#!/x\n# args: %s\n" REST,
		    table[i].args);
		for (n = 0; n < 3 && table[i].word[n] != NULL; n++)
			continue;
		ok(parse(&hdr, text) == 0 && rm_ophdr_check(&hdr, n,
		    (char *const *)table[i].word, "box", &why) == table[i].rc,
		    "words for an operation");
	}
}

static void
test_confirm(void)
{
	char *const none[] = { NULL }, *const good[] = { "confirm=box" };
	char *const bad[] = { "confirm=bo" }, *const half[] = { "confirm=" };
	struct rm_ophdr hdr;
	const char *why;

	ok(parse(&hdr, "#!/x\n" REST) == 0 &&
	    rm_ophdr_check(&hdr, 0, none, "box", &why) == 0 &&
	    rm_ophdr_check(&hdr, 1, good, "box", &why) == -1,
	    "read and normal want no confirmation");
	hdr.class = RM_OP_POWER;
	ok(rm_ophdr_check(&hdr, 1, good, "box", &why) == 0 &&
	    rm_ophdr_check(&hdr, 0, none, "box", &why) == -1 &&
	    rm_ophdr_check(&hdr, 1, bad, "box", &why) == -1 &&
	    rm_ophdr_check(&hdr, 1, half, "", &why) == -1,
	    "power wants it, and it is not passed on");
	ok(rm_ophdr_check(&hdr, 0, none, NULL, &why) == 0,
	    "it is not wanted where nobody is asked");
}

static void
test_payload(void)
{
	struct rm_ophdr hdr;
	char form[RM_OPHDR_USAGE];
	const char *why;

	ok(parse(&hdr, "#!/x\n" REST) == 0 && !hdr.payload_secret &&
	    rm_ophdr_check_payload(&hdr, NULL, &why) == 0 &&
	    rm_ophdr_check_payload(&hdr, "payload", &why) == -1 &&
	    strcmp(why, "it takes no payload") == 0, "no payload is wanted");
	rm_ophdr_usage(form, sizeof(form), &hdr, "op", true);
	ok(strcmp(form, "op") == 0, "how it is used: no words at all");
	ok(parse(&hdr, "#!/x\n# args: a [b]\n# payload: key secret\n" REST)
	    == 0 && hdr.payload_secret && !hdr.payload_optional &&
	    rm_ophdr_check_payload(&hdr, NULL, &why) == -1 &&
	    strcmp(why, "its payload is missing") == 0 &&
	    rm_ophdr_check_payload(&hdr, "key", &why) == 0 &&
	    rm_ophdr_check_payload(&hdr, "payload", &why) == 0 &&
	    rm_ophdr_check_payload(&hdr, "keys", &why) == -1 &&
	    strcmp(why, "it takes another payload") == 0,
	    "a payload is wanted, by its name or by none");
	hdr.class = RM_OP_POWER;
	rm_ophdr_usage(form, sizeof(form), &hdr, "op", true);
	ok(strcmp(form, "op a [b] <key confirm=NAME") == 0, form);
	ok(parse(&hdr, "#!/x\n# payload: [key]\n" REST) == 0 &&
	    rm_ophdr_check_payload(&hdr, NULL, &why) == 0 &&
	    rm_ophdr_check_payload(&hdr, "key", &why) == 0 &&
	    rm_ophdr_check_payload(&hdr, "x", &why) == -1,
	    "a payload may be left out");
	rm_ophdr_usage(form, sizeof(form), &hdr, "op", false);
	ok(strcmp(form, "op [<key]") == 0, form);
}

int
main(void)
{
	test_whole();
	test_notes();
	test_headers();
	test_words();
	test_confirm();
	test_payload();
	printf("1..%d\n", tests);
	return 0;
}
