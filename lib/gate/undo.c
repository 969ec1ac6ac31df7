/* SPDX-License-Identifier: ISC */
/*
 * A change of the engine's files is there as a whole or not at all, whenever
 * its process is killed: engines (SoftHSM) empty files and write them again,
 * and make a key in twenty steps.  Before a file is emptied, removed or made
 * in a call that changes something, this is noted in a journal (rm_undo.h),
 * which ends with the call; who comes next puts back what the dead have left.
 * What an engine writes into a file without emptying it is left as it is: it
 * is one write(2) of a counter, of which nothing must be put back.
 */
#include "gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The change that this thread is making. */
static _Thread_local struct rm_undo *current;

static struct rm_undo_root root = { .fd = -1 };

int
gate_undo_check(const char *tokens)
{
	if (rm_undo_root(&root, tokens) == 0)
		return 0;
	rm_fatalx("unable to open %s: %s", tokens, strerror(errno));
	return -1;
}

void
gate_undo_begin(struct rm_undo *u, bool first)
{
	rm_undo_begin(u, &root, first);
	current = u;
}

int
gate_undo_end(struct rm_undo *u)
{
	current = NULL;
	return rm_undo_commit(u);
}

bool
gate_undo_left(void)
{
	return rm_undo_left(&root);
}

bool
gate_undo_any(void)
{
	return rm_undo_any(&root);
}

CK_RV
gate_undo_recover(void)
{
	size_t n;
	int rc = rm_undo_recover(&root, &n);

	if (n > 0)
		rm_warnx("changes that were cut were taken back: %zu", n);
	/* One that a child holds, say: that could be for ever. */
	if (rc == 0 && gate_undo_left()) {
		errno = EBUSY;
		rc = -1;
	}
	if (rc == 0)
		return CKR_OK;
	rm_warn("unable to take back a change that was cut");
	return CKR_DEVICE_ERROR;
}

/* --- what the engine calls instead of the C library ----------------------- */

typedef int step(struct rm_undo *u, const char *path);

/* A step with the real path: the engine's may be relative, or have links. */
static int
note(step *take, const char *path)
{
	char full[PATH_MAX], folder[PATH_MAX];
	const char *name = strrchr(path, '/');
	size_t len = name == NULL ? 0 : (size_t)(name - path) + 1;
	int n;

	name = path + len;
	if (len >= sizeof(folder)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	memcpy(folder, path, len);
	strcpy(folder + len, len == 0 ? "." : "");
	/* Where there is no folder, nothing can be changed either. */
	if (realpath(folder, full) == NULL)
		return 0;
	len = strlen(full);
	n = snprintf(full + len, sizeof(full) - len, "/%s", name);
	if ((size_t)n >= sizeof(full) - len) {
		errno = ENAMETOOLONG;
		return -1;
	}
	return take(current, full);
}

/* A file is about to be opened, which may make or empty it. */
static int
opening(const char *path, bool makes, bool empties)
{
	struct stat st;

	if (current == NULL)
		return 0;
	if (lstat(path, &st) == -1)
		return makes ? note(rm_undo_made, path) : 0;
	/* An empty one, for a lock, stays what it is. */
	return empties && st.st_size > 0 ? note(rm_undo_save, path) : 0;
}

static int
my_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_CREAT) != 0 || (flags & O_TMPFILE) == O_TMPFILE) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	if (opening(path, (flags & O_CREAT) != 0, (flags & O_TRUNC) != 0) ==
	    -1)
		return -1;
	return open(path, flags, mode);
}

static FILE *
my_fopen(const char *path, const char *mode)
{
	if (opening(path, *mode != 'r', *mode == 'w') == -1)
		return NULL;
	return fopen(path, mode);
}

static int
my_ftruncate(int fd, off_t size)
{
	char link[32], path[PATH_MAX];
	ssize_t n;

	if (current != NULL) {
		(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
		n = readlink(link, path, sizeof(path) - 1);
		if (n == -1)
			return -1;
		path[n] = '\0';
		if (rm_undo_save(current, path) == -1)
			return -1;
	}
	return ftruncate(fd, size);
}

static int
my_remove(const char *path)
{
	return current != NULL && note(rm_undo_drop, path) == -1 ? -1 :
	    remove(path);
}

static int
my_unlink(const char *path)
{
	return current != NULL && note(rm_undo_drop, path) == -1 ? -1 :
	    unlink(path);
}

static int
my_mkdir(const char *path, mode_t mode)
{
	return opening(path, true, false) == -1 ? -1 : mkdir(path, mode);
}

uintptr_t
gate_undo_instead(const char *name)
{
	const struct {
		const char *name;
		uintptr_t function;
	} table[] = {
		{ "open", (uintptr_t)my_open },
		{ "open64", (uintptr_t)my_open },
		{ "fopen", (uintptr_t)my_fopen },
		{ "fopen64", (uintptr_t)my_fopen },
		{ "ftruncate", (uintptr_t)my_ftruncate },
		{ "ftruncate64", (uintptr_t)my_ftruncate },
		{ "remove", (uintptr_t)my_remove },
		{ "unlink", (uintptr_t)my_unlink },
		{ "mkdir", (uintptr_t)my_mkdir },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0)
			return table[i].function;
	return 0;
}
