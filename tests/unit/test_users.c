/* SPDX-License-Identifier: ISC */
/* Users, their passwords and their failures, in a folder of this test. */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_lock.h"
#include "rm_password.h"
#include "rm_users.h"
#include "tap.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static char folder[] = "/tmp/rm-users.XXXXXX";

static enum rm_users_result
login(const char *name, const char *password)
{
	return rm_users_check(folder, name, password, strlen(password));
}

static int
set(const char *name, const char *password)
{
	return rm_users_set(folder, name, password, strlen(password));
}

static const char *
in(const char *file)
{
	static char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s", folder, file);
	return path;
}

static void
test_names(void)
{
	static const char *const bad[] = { "../x", ".bob.new.", ".b.new",
		".bob.ne", ".new", "..new", ".../x.new", ".a2345678901234567"
		".new", "" };
	char long_one[RM_PASSWORD_MAX + 2];
	size_t i;
	bool good = true;

	ok(rm_users_is_name("master") && rm_users_is_name("Bob") &&
	    rm_users_is_name("a23456789012345b") == true &&
	    !rm_users_is_name("ab") && !rm_users_is_name("a2345678901234567") &&
	    !rm_users_is_name("../x") && !rm_users_is_name("a b") &&
	    !rm_users_is_name(""), "names are 3 to 16 letters and digits");
	for (i = 0; i < N(bad); i++)
		good = good && set(bad[i], "password") == -1 && errno == EINVAL;
	ok(good, "a bad name makes no user");
	memset(long_one, 'x', sizeof(long_one));
	long_one[RM_PASSWORD_MAX + 1] = '\0';
	ok(set("bob", "1234567") == -1 && errno == EINVAL &&
	    set("bob", long_one) == -1 && errno == EINVAL &&
	    rm_users_set(folder, "bob", "12345678\0x", 10) == -1 &&
	    errno == EINVAL && access(in("bob"), F_OK) == -1,
	    "nor does a password that nobody could log in with");
	long_one[RM_PASSWORD_MAX] = '\0';
	ok(set("max", long_one) == 0 && login("max", long_one) == RM_USERS_OK,
	    "64 bytes are a password");
}

static void
test_login(void)
{
	uint32_t n = 9;
	int i;

	ok(set("bob", "correct horse") == 0, "a user");
	ok(login("bob", "correct horse") == RM_USERS_OK, "the password");
	ok(login("bob", "correct horsf") == RM_USERS_WRONG, "another");
	ok(login("bob", "") == RM_USERS_WRONG, "none");
	ok(login("eve", "correct horse") == RM_USERS_NOBODY, "an unknown user");
	ok(login("../bob", "correct horse") == RM_USERS_NOBODY &&
	    login("", "correct horse") == RM_USERS_NOBODY, "no name at all");
	ok(rm_users_failures(&n, folder, "bob") == 0 && n == 2, "are counted");
	ok(login("bob", "correct horse") == RM_USERS_OK &&
	    rm_users_failures(&n, folder, "bob") == 0 && n == 0,
	    "the right one resets the count");
	for (i = 1; i < RM_USERS_TRIES; i++)
		if (login("bob", "wrong password") != RM_USERS_WRONG)
			break;
	ok(i == RM_USERS_TRIES && login("bob", "wrong") == RM_USERS_LAST,
	    "seven wrong ones");
	ok(login("bob", "correct horse") == RM_USERS_BLOCKED, "block the user");
	ok(rm_users_failures(&n, folder, "bob") == 0 && n == RM_USERS_TRIES,
	    "and are no more for it");
	ok(rm_users_unblock(&n, folder, "bob") == 0 && n == RM_USERS_TRIES &&
	    login("bob", "correct horse") == RM_USERS_OK,
	    "until somebody clears it, with the same password");
	ok(rm_users_unblock(&n, folder, "bob") == 0 && n == 0,
	    "which is nothing to be done then");
	ok(rm_users_unblock(&n, folder, "eve") == -1 && errno == ENOENT &&
	    rm_users_unblock(&n, folder, "../x") == -1 && errno == EINVAL,
	    "nor for who is not there");
	ok(login("bob", "wrong password") == RM_USERS_WRONG &&
	    set("bob", "battery staple") == 0 &&
	    rm_users_failures(&n, folder, "bob") == 0 && n == 0 &&
	    login("bob", "battery staple") == RM_USERS_OK &&
	    login("bob", "correct horse") == RM_USERS_WRONG,
	    "a new password begins anew");
}

/* A process that is killed while it looks at a password has had its try. */
static void
test_killed(void)
{
	uint32_t n = 0;
	pid_t pid;
	int i;

	(void)set("kim", "correct horse");
	if ((pid = fork()) == 0)
		for (;;)
			(void)login("kim", "wrong password");
	for (i = 0; i < 60000 && n == 0; i++) {
		(void)usleep(1000);
		if (rm_users_failures(&n, folder, "kim") == -1)
			break;
	}
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
	ok(n > 0, "an attempt counts before it is over");
}

static void
test_files(void)
{
	static const char *const torn[] = { "", "x\n", "-1\n", "3 \n",
		"99999999999\n", "000000000000000000000000000000000000\n" };
	size_t i;
	bool good = true;

	for (i = 0; i < N(torn); i++)
		good = good && rm_io_replace(in("bob/failures"), torn[i],
		    strlen(torn[i]), 0600, false) == 0 &&
		    login("bob", "battery staple") == RM_USERS_BLOCKED;
	ok(good, "a count that cannot be read is no pardon");
	(void)unlink(in("bob/failures"));
	ok(login("bob", "battery staple") == RM_USERS_OK, "no count is 0");
	(void)chmod(in("bob/password"), 0644);
	ok(login("bob", "battery staple") == RM_USERS_ERROR,
	    "a hash that others may read is not used");
	good = rm_io_replace(in("bob/password"), "secret\n", 7, 0600,
	    false) == 0;
	ok(good && login("bob", "secret") == RM_USERS_ERROR &&
	    errno == EINVAL, "nor one that is none");
	(void)unlink(in("bob/password"));
	ok(login("bob", "battery staple") == RM_USERS_NOBODY,
	    "a folder without one is nobody");
}

static void
test_making(void)
{
	struct stat st;

	(void)mkdir(in(".amy.new"), 0700);
	ok(set(".amy.new", "correct horse") == 0 &&
	    stat(in(".amy.new/password"), &st) == 0 &&
	    login("amy", "correct horse") == RM_USERS_NOBODY,
	    "one who is being made is not there yet");
	ok(set(".joe.new", "correct horse") == -1 && errno == ENOENT,
	    "nor is there a password for who is not being made");
	ok(set("amy", "battery staple") == 0 && access(in(".amy.new"),
	    F_OK) == -1 && login("amy", "battery staple") == RM_USERS_OK,
	    "what was left of a making is taken over");
}

/* As long as an attempt on a name is under way, and when all turns are. */
static void
test_turns(void)
{
	uint32_t n;
	int fd[4], i, names;

	(void)set("bob", "correct horse");
	names = rm_lock_take(in(".names"));
	ok(names != -1 && login("bob", "wrong") == RM_USERS_FULL &&
	    login("eve", "wrong") == RM_USERS_FULL &&
	    rm_users_failures(&n, folder, "bob") == 0 && n == 0,
	    "two at once on one name are one too many, and none is counted");
	(void)close(names);
	for (i = 0; i < 4; i++) {
		ok(login("bob", "correct horse") == RM_USERS_OK,
		    "there is a turn");
		fd[i] = rm_lock_place(in(".turns"), 0, 4);
	}
	ok(login("bob", "wrong") == RM_USERS_FULL &&
	    login("eve", "wrong") == RM_USERS_FULL &&
	    rm_users_failures(&n, folder, "bob") == 0 && n == 0,
	    "four are all there are, for unknown users too");
	for (i = 0; i < 4; i++)
		(void)close(fd[i]);
}

static void
test_hashes(void)
{
	static const char *const bad[] = { "", "$1$a$b", "$argon2id$v=19$m=",
		"$argon2id$v=19$m=4294967295,t=2,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=262145,t=2,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=7,t=2,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=64,t=17,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=64,t=0,p=1$AAAA$AAAA",
		"$argon2id$v=19$m=64,t=2,p=9$AAAA$AAAA",
		"$argon2id$v=19$m=64;t=2,p=1$AAAA$AAAA",
		"$argon2i$v=19$m=64,t=2,p=1$AAAA$AAAA" };
	bool good = true;
	size_t i;

	for (i = 0; i < N(bad); i++)
		good = good && !rm_password_is_hash(bad[i]) &&
		    rm_password_fits(bad[i], "x", 1) == -1;
	ok(good, "no hash, a foreign one and a costly one fit nothing");
	ok(rm_password_is_hash(rm_password_nobody) &&
	    rm_password_fits(rm_password_nobody, "", 0) == 0,
	    "nobody's fits none");
}

int
main(void)
{
	char command[64];

	if (mkdtemp(folder) == NULL)
		return 111;
	test_names();
	test_login();
	test_killed();
	test_files();
	test_making();
	test_turns();
	test_hashes();
	printf("1..%d\n", tests);
	(void)snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) == 0 ? 0 : 111;
}
