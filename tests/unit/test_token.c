/* SPDX-License-Identifier: ISC */
/* Labels, lines of PINs, and modules that are none. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rm_secret.h"
#include "rm_token.h"
#include "tap.h"

static void
test_labels(void)
{
	ok(rm_token_is_label("a") && rm_token_is_label("a label, 7") &&
	    rm_token_is_label("12345678901234567890123456789012"),
	    "labels are up to 32 printable characters");
	ok(!rm_token_is_label("") && !rm_token_is_label("a\nb") &&
	    !rm_token_is_label("\x7f") && !rm_token_is_label("\xc3\xa4") &&
	    !rm_token_is_label("123456789012345678901234567890123"),
	    "and nothing else");
}

static void
test_lines(void)
{
	struct rm_secret secret;
	char rest[8] = "";
	struct rm_err err;
	int fd[2];

	if (pipe(fd) == -1 || write(fd[1], "one\n\ntwo\nlast", 13) != 13)
		return;
	(void)close(fd[1]);
	ok(rm_secret_next(&secret, fd[0], &err) == 1 && secret.len == 3 &&
	    memcmp(secret.text, "one", 3) == 0, "a line");
	ok(rm_secret_next(&secret, fd[0], &err) == 0, "an empty one is none");
	ok(read(fd[0], rest, 4) == 4 && strcmp(rest, "two\n") == 0,
	    "and not a byte behind it was read");
	ok(rm_secret_from_fd(&secret, fd[0], &err) == 0 && secret.len == 4,
	    "a last line needs no end");
	ok(rm_secret_next(&secret, fd[0], &err) == 0, "then there is none");
	ok(rm_secret_from_fd(&secret, fd[0], &err) == -1 &&
	    err.code == RM_CODE_USAGE, "which is a fault if it is wanted");
	(void)close(fd[0]);
}

static void
test_too_long(void)
{
	char line[RM_SECRET_MAX + 2];
	struct rm_secret secret;
	struct rm_err err;
	int fd[2];

	memset(line, '7', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	if (pipe(fd) == -1 ||
	    write(fd[1], line, sizeof(line)) != sizeof(line))
		return;
	ok(rm_secret_next(&secret, fd[0], &err) == -1 && secret.len == 0 &&
	    strchr(err.text, '7') == NULL,
	    "a line that is too long is a fault, and kept nowhere");
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void
test_modules(void)
{
	struct rm_err err;

	ok(rm_token_begin("/nowhere.so", &err) == -1 &&
	    err.code == RM_CODE_SYSTEM, "a module that is not there");
	ok(rm_token_begin("libm.so.6", &err) == -1 &&
	    err.code == RM_CODE_SYSTEM, "and one that is none");
	rm_token_end();
	rm_token_end();
	ok(true, "end may be called again");
}

int
main(void)
{
	test_labels();
	test_lines();
	test_too_long();
	test_modules();
	printf("1..%d\n", tests);
	return 0;
}
