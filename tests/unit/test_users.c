/* SPDX-License-Identifier: ISC */
/* Users, their passwords and their failures, in a folder of this test. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_password.h"
#include "rm_users.h"

static int tests;
static char folder[] = "/tmp/rm-users.XXXXXX";

static void
ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

static enum rm_users_result
login(const char *name, const char *password)
{
	return rm_users_check(folder, name, password, strlen(password));
}

static void
test_names(void)
{
	ok(rm_users_is_name("master") && rm_users_is_name("Bob") &&
	    rm_users_is_name("a23456789012345b") == true &&
	    !rm_users_is_name("ab") && !rm_users_is_name("a2345678901234567") &&
	    !rm_users_is_name("../x") && !rm_users_is_name("a b") &&
	    !rm_users_is_name(""), "names are 3 to 16 letters and digits");
	ok(rm_users_set(folder, "../x", "password", 8) == -1 &&
	    rm_users_set(folder, "bob", "1234567", 7) == -1,
	    "a bad name or a short password makes no user");
}

static void
test_login(void)
{
	uint32_t n = 9;
	int i;

	ok(rm_users_set(folder, "bob", "correct horse", 13) == 0, "a user");
	ok(login("bob", "correct horse") == RM_USERS_OK, "the password");
	ok(login("bob", "correct horsf") == RM_USERS_WRONG, "another");
	ok(login("eve", "correct horse") == RM_USERS_WRONG, "an unknown user");
	ok(rm_users_failures(&n, folder, "bob") == 0 && n == 1, "is counted");
	ok(login("bob", "correct horse") == RM_USERS_OK &&
	    rm_users_failures(&n, folder, "bob") == 0 && n == 0,
	    "the right one resets the count");
	for (i = 0; i < RM_USERS_TRIES; i++)
		if (login("bob", "wrong password") != RM_USERS_WRONG)
			break;
	ok(i == RM_USERS_TRIES, "seven wrong ones");
	ok(login("bob", "correct horse") == RM_USERS_BLOCKED, "block the user");
	ok(rm_users_unblock(folder, "bob") == 0 &&
	    login("bob", "correct horse") == RM_USERS_OK,
	    "until somebody clears it, with the same password");
}

static void
test_hashes(void)
{
	ok(!rm_password_fits("", "x", 1) && !rm_password_fits("$1$a$b", "x", 1)
	    && !rm_password_fits("$argon2id$v=19$m=4294967295,t=2,p=1$"
	    "AAAAAAAAAAAAAAAAAAAAAA$AAAA", "x", 1),
	    "no hash, a foreign one and a costly one fit nothing");
	ok(!rm_password_fits(rm_password_nobody, "", 0), "nobody's fits none");
}

int
main(void)
{
	char command[64];

	if (mkdtemp(folder) == NULL)
		return 111;
	test_names();
	test_login();
	test_hashes();
	printf("1..%d\n", tests);
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) == 0 ? 0 : 111;
}
