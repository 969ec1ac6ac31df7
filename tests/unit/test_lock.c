/* SPDX-License-Identifier: ISC */
/* Places of a lock, taken and counted, in a folder of this test. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "rm_lock.h"
#include "tap.h"

#define MANY	300

static char folder[] = "/tmp/rm-lock.XXXXXX";
static char path[64];

static bool
counts(uint32_t want)
{
	uint32_t n = 4711;

	return rm_lock_count(&n, path) == 0 && n == want;
}

static void
test_places(void)
{
	static int fd[MANY];
	bool good = true;
	int i;

	ok(counts(0) && access(path, F_OK) == -1,
	    "what does not exist has no holder, and is not made by the look");
	for (i = 0; i < MANY; i++) {
		fd[i] = rm_lock_place(path, 0, MANY);
		good = good && fd[i] != -1 && counts((uint32_t)i + 1);
	}
	ok(good, "each has a place of its own");
	ok(rm_lock_place(path, 0, MANY) == -1 && errno == EAGAIN,
	    "and there are no more than there may be");
	for (i = 0; i < MANY; i += 2)
		(void)close(fd[i]);
	ok(counts(MANY / 2), "who goes leaves it, anywhere");
	fd[0] = rm_lock_place(path, 0, MANY);
	ok(fd[0] != -1 && counts(MANY / 2 + 1), "to the next one");
	ok(rm_lock_take(path) == -1 && errno == EAGAIN &&
	    rm_lock_ask(path) == 1, "as long as one is there it is held");
	(void)close(fd[0]);
	for (i = 1; i < MANY; i += 2)
		(void)close(fd[i]);
	ok(counts(0), "at the end nobody is");
	/* The last places only: the kernel tells of any. */
	for (i = 0; i < 5; i++)
		fd[i] = rm_lock_place(path, 0, MANY);
	for (i = 0; i < 4; i++)
		(void)close(fd[i]);
	ok(counts(1), "one is found behind free ones");
	(void)close(fd[4]);
	fd[0] = rm_lock_place(path, 7, 2);
	fd[1] = rm_lock_place(path, 7, 2);
	ok(fd[0] != -1 && fd[1] != -1 && counts(2) &&
	    rm_lock_place(path, 7, 2) == -1 && errno == EAGAIN,
	    "places from one on are those, and no others");
	(void)close(fd[0]);
	(void)close(fd[1]);
}

static void
test_whole(void)
{
	int fd = rm_lock_take(path);

	ok(fd != -1 && counts(1), "who holds it all is one");
	ok(rm_lock_place(path, 0, MANY) == -1 && errno == EAGAIN,
	    "and leaves no place");
	(void)close(fd);
	ok(counts(0), "until he goes");
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 111;
	(void)snprintf(path, sizeof(path), "%s/lock", folder);
	test_places();
	test_whole();
	printf("1..%d\n", tests);
	return unlink(path) == 0 && rmdir(folder) == 0 ? 0 : 111;
}
