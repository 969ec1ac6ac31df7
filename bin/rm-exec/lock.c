/* SPDX-License-Identifier: ISC */
/*
 * The operation lock, and who has it.  A runner that was killed leaves what its
 * operation started behind, which shares the lock and is about to end: whoever
 * comes next waits for that, but for no operation that still has its runner.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "exec.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"

/* Who has just answered is about to let the operation lock go. */
#define LETTING_GO_MS	200
#define LEFTOVERS_MS	30000

/* Also if nobody has waited for it yet. */
static bool
has_ended(pid_t pid)
{
	struct pollfd one = { .events = POLLIN };
	bool ended;

	if ((one.fd = pidfd_open(pid, 0)) == -1)
		return errno == ESRCH;
	ended = poll(&one, 1, 0) == 1;
	(void)close(one.fd);
	return ended;
}

/* True if whoever holds the lock has lost the runner that took it. */
static bool
is_orphaned(const char *holder)
{
	char text[256];
	uint32_t pid;

	if (rm_io_load(holder, text, sizeof(text)) == -1 ||
	    strncmp(text, "pid ", 4) != 0)
		return false;
	text[strcspn(text, "\n")] = '\0';
	return rm_num_u32(&pid, text + 4, 1, INT_MAX) == 0 &&
	    has_ended((pid_t)pid);
}

int
lock_take(const char *operation, int sock)
{
	char lock[PATH_MAX], holder[PATH_MAX], text[256];
	int64_t end = rm_num_now_ms() + LEFTOVERS_MS;
	int fd, n;

	rm_env_run_path(lock, sizeof(lock), "operation");
	rm_env_run_path(holder, sizeof(holder), "operation.holder");
	while ((fd = rm_lock_wait(lock, LETTING_GO_MS)) == -1) {
		if (errno != EAGAIN)
			return -1;
		if (!is_orphaned(holder) || rm_num_now_ms() >= end ||
		    runner_is_left(sock)) {
			errno = EAGAIN;
			return -1;
		}
	}
	n = snprintf(text, sizeof(text), "pid %ld\noperation %s\nmanager %s\n",
	    (long)getpid(), operation, record_manager());
	if ((size_t)n >= sizeof(text) ||
	    rm_io_replace(holder, text, (size_t)n, 0644, false) == -1)
		rm_warn("unable to write %s", holder);
	return fd;
}

void
lock_drop(int fd)
{
	char holder[PATH_MAX];

	rm_env_run_path(holder, sizeof(holder), "operation.holder");
	(void)unlink(holder);
	(void)close(fd);
}
