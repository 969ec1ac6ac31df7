/* SPDX-License-Identifier: ISC */
/* Table tests of rm_known: addresses, lines, whole files. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "rm_known.h"
#include "tap.h"

#define A	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" \
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define B	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"
#define LABEL	"abcdefghij."
#define N(a)	(sizeof(a) / sizeof((a)[0]))

static void
test_addresses(void)
{
	static const struct {
		const char *text, *host, *port;		/* NULL: refused */
	} table[] = {
		{ "cellar", "cellar", "4433" },
		{ "cellar.example:1", "cellar.example", "1" },
		{ "192.0.2.1:65535", "192.0.2.1", "65535" },
		{ "[::1]", "::1", "4433" },
		{ "[2001:db8::1]:443", "2001:db8::1", "443" },
		{ "[fe80::1%eth0]:443", "fe80::1%eth0", "443" },
		{ "a_b-c", "a_b-c", "4433" },
		{ "", NULL, NULL }, { ":", NULL, NULL }, { ":1", NULL, NULL },
		{ "a:", NULL, NULL }, { "a:0", NULL, NULL },
		{ "a:01", NULL, NULL }, { "a:65536", NULL, NULL },
		{ "a:+1", NULL, NULL }, { "a: 1", NULL, NULL },
		{ "a:1:2", NULL, NULL }, { "::1", NULL, NULL },
		{ "[::1", NULL, NULL }, { "[]:1", NULL, NULL },
		{ "[::1]1", NULL, NULL }, { "[::1]:", NULL, NULL },
		{ "[-x]", NULL, NULL }, { "-x", NULL, NULL },
		{ "a b", NULL, NULL }, { "a;b", NULL, NULL },
		{ "a\xff", NULL, NULL }, { "a%eth0", NULL, NULL },
	};
	struct rm_known known;
	size_t i;
	int rc;

	for (i = 0; i < N(table); i++) {
		rc = rm_known_address(table[i].text, strlen(table[i].text),
		    &known);
		ok(table[i].host == NULL ? rc == -1 : rc == 0 &&
		    strcmp(known.host, table[i].host) == 0 &&
		    strcmp(known.port, table[i].port) == 0, table[i].text);
	}
	ok(rm_known_address("a\0b", 3, &known) == -1, "a NUL in a host");
}

static void
test_files(void)
{
	static const struct {
		const char *what, *text, *name, *host, *port;
		int rc;			/* of rm_known_find */
		const char *keyid;
		size_t line;		/* where it is wrong */
	} table[] = {
		{ "an empty file", "", NULL, "h", "1", 0, NULL, 0 },
		{ "only comments", "# x\n\n#\n", NULL, "h", "1", 0, NULL, 0 },
		{ "found", "a h:1 " A "\n", NULL, "h", "1", 1, A, 0 },
		{ "by name", "b g:1 " B "\na h:1 " A "\n", "a", NULL, NULL, 1,
		    A, 0 },
		{ "no LF at the end", "a h:1 " A, NULL, "h", "1", 1, A, 0 },
		{ "the second", "b g:1 " B "\na h:1 " A "\n", NULL, "h", "1",
		    1, A, 0 },
		{ "another port", "a h:1 " A "\n", NULL, "h", "2", 0, NULL,
		    0 },
		{ "another host", "a h:1 " A "\n", NULL, "hh", "1", 0, NULL,
		    0 },
		{ "letters of either case", "a Cellar:1 " A "\n", NULL,
		    "cELLAR", "1", 1, A, 0 },
		{ "IPv6", "a [::1]:1 " A "\n", NULL, "::1", "1", 1, A, 0 },
		{ "twice the same", "a h:1 " A "\nb h:1 " A "\n", NULL, "h",
		    "1", 1, A, 0 },
		{ "two keys for one", "a h:1 " A "\nb h:1 " B "\n", NULL, "h",
		    "1", -1, NULL, 2 },
		{ "two keys for one name", "a h:1 " A "\na g:1 " B "\n", "a",
		    NULL, NULL, -1, NULL, 2 },
		{ "a bad line before", "x\na h:1 " A "\n", NULL, "h", "1", -1,
		    NULL, 1 },
		{ "a bad line behind", "a h:1 " A "\n\nx", NULL, "h", "1", -1,
		    NULL, 3 },
		{ "no key", "a h:1 \n", NULL, "h", "1", -1, NULL, 1 },
		{ "a short key", "a h:1 abc\n", NULL, "h", "1", -1, NULL, 1 },
		{ "a long key", "a h:1 " A "a\n", NULL, "h", "1", -1, NULL,
		    1 },
		{ "upper case", "a h:1 " A "\nA h:1 " A "\n", NULL, "h", "1",
		    -1, NULL, 2 },
		{ "two spaces", "a  h:1 " A "\n", NULL, "h", "1", -1, NULL,
		    1 },
		{ "a space at the end", "a h:1 " A " \n", NULL, "h", "1", -1,
		    NULL, 1 },
		{ "a CR", "a h:1 " A "\r\n", NULL, "h", "1", -1, NULL, 1 },
	};
	struct rm_known known;
	size_t i, line;
	int rc;

	for (i = 0; i < N(table); i++) {
		line = 0;
		rc = rm_known_find(table[i].text, strlen(table[i].text),
		    table[i].name, table[i].host, table[i].port, &known,
		    &line);
		ok(rc == table[i].rc && line == table[i].line && (rc != 1 ||
		    strcmp(known.keyid, table[i].keyid) == 0), table[i].what);
	}
}

static void
test_write(void)
{
	struct rm_known known = { .name = "a", .host = "::1", .port = "1",
	    .keyid = A };
	char line[512];

	ok(rm_known_write(&known, line, sizeof(line)) == 0 &&
	    strcmp(line, "a [::1]:1 " A "\n") == 0, "an IPv6 line");
	ok(rm_known_write(&known, line, strlen("a [::1]:1 " A "\n")) == -1,
	    "no room for the NUL");
	strcpy(known.host, "h");
	ok(rm_known_write(&known, line, sizeof(line)) == 0 &&
	    strcmp(line, "a h:1 " A "\n") == 0, "a line");
	strcpy(known.host, "h x:1 y");
	ok(rm_known_write(&known, line, sizeof(line)) == -1,
	    "a host that would be read as something else");
	strcpy(known.host, "h");
	strcpy(known.name, "A");
	ok(rm_known_write(&known, line, sizeof(line)) == -1, "a bad name");
}

static void
test_limits(void)
{
	char host[RM_KNOWN_HOST_MAX + 1] = "";
	struct rm_known known;
	size_t i;

	for (i = 0; i < sizeof(host) - 1; i++)
		host[i] = LABEL[i % (sizeof(LABEL) - 1)];
	ok(rm_known_address(host, sizeof(host) - 2, &known) == 0,
	    "the longest host");
	ok(rm_known_address(host, sizeof(host) - 1, &known) == -1,
	    "a host that is too long");
}

int
main(void)
{
	test_addresses();
	test_files();
	test_write();
	test_limits();
	printf("1..%d\n", tests);
	return 0;
}
