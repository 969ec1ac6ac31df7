/* SPDX-License-Identifier: ISC */
/* Counters in a shared file, added to by many processes and threads. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_tally.h"

#define PROCESSES	4
#define THREADS		4
#define TIMES		20000

static int tests;
static char folder[] = "/tmp/rm-tally.XXXXXX";
static char path[64];

static void
ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

static bool
make(off_t size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	bool good = fd != -1 && ftruncate(fd, size) == 0;

	if (fd != -1)
		(void)close(fd);
	return good;
}

static bool
reads(uint64_t calls, uint64_t service)
{
	struct rm_tally t;

	return rm_tally_read(path, &t) == 0 && t.n[RM_TALLY_CALLS] == calls &&
	    t.n[RM_TALLY_SERVICE] == service &&
	    t.n[RM_TALLY_MANAGEMENT] == 0 && t.n[RM_TALLY_REFUSED] == 0;
}

static void *
add_many(void *arg)
{
	int i;

	for (i = 0; i < TIMES; i++)
		rm_tally_add(RM_TALLY_CALLS, 1);
	return arg;
}

static _Noreturn void
threads(void)
{
	pthread_t t[THREADS];
	int i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t[i], NULL, add_many, NULL) != 0)
			_exit(1);
	for (i = 0; i < THREADS; i++)
		(void)pthread_join(t[i], NULL);
	_exit(0);
}

/* Each process opens the file for itself: this one has not, yet. */
static void
test_adding(void)
{
	bool good = true;
	int i, status;

	for (i = 0; i < PROCESSES; i++)
		switch (fork()) {
		case -1:
			good = false;
			break;
		case 0:
			threads();
		}
	while (wait(&status) != -1)
		good = good && status == 0;
	ok(good && reads((uint64_t)PROCESSES * THREADS * TIMES, 0),
	    "what many add at once is all there");
	errno = ENOTTY;
	rm_tally_add(RM_TALLY_SERVICE, 3);
	ok(errno == ENOTTY && reads((uint64_t)PROCESSES * THREADS * TIMES, 3),
	    "each slot counts for itself, and errno is left alone");
	(void)unlink(path);
	rm_tally_add(RM_TALLY_SERVICE, 1);
	ok(access(path, F_OK) == -1, "a file that has gone is not made anew");
}

static void
test_bad(void)
{
	struct rm_tally t;

	ok(rm_tally_read(path, &t) == -1 && errno == ENOENT,
	    "no file is no number");
	ok(make(RM_TALLY_BYTES - 1) && rm_tally_read(path, &t) == -1 &&
	    errno == EINVAL, "nor is one that is too short to be mapped");
	ok(rm_tally_read(folder, &t) == -1 && errno == EINVAL,
	    "nor a folder");
	/* Where the setting is not a file, who counts does not notice. */
	if (fork() == 0) {
		rm_tally_add(RM_TALLY_CALLS, 1);
		_exit(0);
	} else {
		int status = -1;

		ok(wait(&status) != -1 && status == 0,
		    "who cannot count goes on without");
	}
}

int
main(void)
{
	if (mkdtemp(folder) == NULL)
		return 1;
	(void)snprintf(path, sizeof(path), "%s/tally", folder);
	(void)setenv("RM_TALLY", path, 1);
	test_bad();
	ok(make(RM_TALLY_BYTES) && reads(0, 0), "a new file counts from 0");
	test_adding();
	(void)unlink(path);
	(void)rmdir(folder);
	printf("1..%d\n", tests);
	return 0;
}
