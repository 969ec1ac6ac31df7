/* SPDX-License-Identifier: ISC */
/* Memory that holds a secret: locked, and wiped when there is none. */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "rm_secret.h"
#include "tap.h"

/* Kilobytes of this process that are never written to a swap. */
static long
locked_kb(void)
{
	char line[128];
	long kb = -1;
	FILE *f = fopen("/proc/self/status", "r");

	while (f != NULL && fgets(line, sizeof(line), f) != NULL)
		if (strncmp(line, "VmLck:", 6) == 0)
			kb = atol(line + 6);
	if (f != NULL)
		(void)fclose(f);
	return kb;
}

static bool
is_wiped(const struct rm_secret *secret)
{
	static const struct rm_secret none;

	return memcmp(secret, &none, sizeof(none)) == 0;
}

/* What the line makes of a secret that was another before. */
static int
next(struct rm_secret *secret, const char *line, size_t len)
{
	struct rm_err err;
	int fd[2], rc;

	memset(secret, 'x', sizeof(*secret));
	if (pipe(fd) == -1 || write(fd[1], line, len) != (ssize_t)len)
		exit(111);
	(void)close(fd[1]);
	rc = rm_secret_next(secret, fd[0], &err);
	(void)close(fd[0]);
	return rc;
}

int
main(void)
{
	char line[RM_SECRET_MAX + 2];
	struct rm_secret *secret, copy;
	struct rlimit may;
	long before = locked_kb();

	if ((secret = rm_secret_alloc(sizeof(*secret))) == NULL ||
	    getrlimit(RLIMIT_MEMLOCK, &may) == -1)
		return 111;
	ok(is_wiped(secret), "nothing is in it at first");
	/* The address sanitizer makes nothing of mlock(2). */
#ifdef __SANITIZE_ADDRESS__
	may.rlim_cur = 0;
#endif
	ok(locked_kb() > before || may.rlim_cur < 1 << 20,
	    "it is locked, where the host allows it");
	ok(next(secret, "123456\nrest", 11) == 1 && secret->len == 6 &&
	    memcmp(secret->text, "123456", 6) == 0, "a line is a secret");
	memcpy(&copy, secret, sizeof(copy));
	ok(rm_secret_is(secret, &copy), "the same is the same");
	copy.text[5] = '7';
	ok(!rm_secret_is(secret, &copy), "another is another");
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	ok(next(secret, line, sizeof(line)) == -1 && is_wiped(secret),
	    "of a line that is too long nothing stays");
	ok(next(secret, "\n", 1) == 0 && secret->len == 0,
	    "an empty line is none");
	rm_secret_free(secret);
	ok(locked_kb() <= before, "nothing stays locked");
	rm_secret_free(NULL);
	printf("1..%d\n", tests);
	return 0;
}
