/* SPDX-License-Identifier: ISC */
/* Lines that are log-ins, and lines and answers that are not. */
#include <stdio.h>
#include <string.h>

#include "rm_login.h"

#define P64	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int tests;
static struct rm_words words;

static void
ok(bool good, const char *what, const char *detail)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++tests, what,
	    detail);
}

static void
parse(struct rm_login *ret, const char *line)
{
	rm_login_parse(ret, &words, (const uint8_t *)line, strlen(line));
}

static bool
is(const char *line, const char *user, const char *password)
{
	struct rm_login login;

	parse(&login, line);
	return login.kind == RM_LOGIN_TRY && rm_login_is_sound(&login) &&
	    strcmp(login.user, user) == 0 && login.len == strlen(password) &&
	    memcmp(login.password, password, login.len) == 0;
}

static void
test_lines(void)
{
	static const char *const bad[] = { "", "login", "login bob",
		"login bob secret12 more", "login  bob secret12",
		" login bob secret12", "login bob secret12 ",
		"LOGIN bob secret12", "log in secret12", "status",
		"login bob secret%", "login bob secret%00x",
		"login bob secret%41x", "login bob secret%e4x",
		"login\tbob secret12", "login bob secret12\r",
		"login bob s\xc3\xa4" "cret12", "login bob secret\x1b" };
	struct rm_login login;
	size_t i;

	ok(is("login bob secret12", "bob", "secret12"), "a log-in",
	    "taken apart");
	ok(is("login master a%20b%25c%C3%A4%0Axx", "master",
	    "a b%c\xc3\xa4\nxx"), "a log-in", "any byte but NUL");
	ok(is("login a234567890123456 " P64, "a234567890123456", P64),
	    "a log-in", "as long as they may be");
	ok(is("login a2345678901234567 secret12", "", "secret12") &&
	    is("login ../bob secret12", "", "secret12") &&
	    is("login b%20b secret12", "", "secret12"),
	    "a name that nobody can have", "a try like any other");
	ok(is("login bob secret1", "bob", "") &&
	    is("login bob " P64 "x", "bob", ""),
	    "a password that nobody can have", "a try like any other");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		parse(&login, bad[i]);
		ok(login.kind == RM_LOGIN_BAD && *login.why != '\0' &&
		    rm_login_is_sound(&login) && login.len == 0 &&
		    strstr(login.why, "secret") == NULL, "bad", login.why);
	}
}

/* A reader that was taken over may answer anything. */
static void
test_answers(void)
{
	struct rm_login good, login;

	parse(&good, "login bob secret12");
	ok(rm_login_is_sound(&good), "sound", "a log-in");
	login = good, login.kind = 0;
	ok(!rm_login_is_sound(&login), "not sound", "kind 0");
	login = good, login.kind = 77;
	ok(!rm_login_is_sound(&login), "not sound", "kind 77");
	login = good, login.len = RM_PASSWORD_MAX + 1;
	ok(!rm_login_is_sound(&login), "not sound", "password too long");
	login = good, memset(login.user, 'a', sizeof(login.user));
	ok(!rm_login_is_sound(&login), "not sound", "name without end");
	login = good, strcpy(login.user, "../../x");
	ok(!rm_login_is_sound(&login), "not sound", "name is a path");
	login = good, login.kind = RM_LOGIN_BAD, strcpy(login.why, "x\n+ bob");
	ok(!rm_login_is_sound(&login), "not sound", "a reason of two lines");
	memset(login.why, 'a', sizeof(login.why));
	ok(!rm_login_is_sound(&login), "not sound", "a reason without end");
	login.kind = RM_LOGIN_END;
	ok(rm_login_is_sound(&login), "sound", "the end");
}

int
main(void)
{
	test_lines();
	test_answers();
	printf("1..%d\n", tests);
	return 0;
}
