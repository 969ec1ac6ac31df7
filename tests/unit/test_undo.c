/* SPDX-License-Identifier: ISC */
/* Journals of changes in place, in a folder of this test. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_undo.h"

static int tests;
static char folder[] = "/tmp/rm-undo.XXXXXX";
static struct rm_undo_root root;

static void
ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

/* Paths below the folder; a few at a time. */
static const char *
at(const char *name)
{
	static char paths[4][PATH_MAX];
	static int n;
	char *path = paths[n++ % 4];

	(void)snprintf(path, PATH_MAX, "%s/%s", folder, name);
	return path;
}

static bool
put(const char *name, const char *text)
{
	int fd = open(at(name), O_WRONLY | O_CREAT | O_TRUNC, 0640);
	bool good = fd != -1 && rm_io_write(fd, text, strlen(text)) == 0;

	if (fd != -1)
		(void)close(fd);
	return good;
}

static bool
is(const char *name, const char *text)
{
	char buf[64];

	return rm_io_load(at(name), buf, sizeof(buf)) != -1 &&
	    strcmp(buf, text) == 0;
}

static bool
is_gone(const char *name)
{
	return access(at(name), F_OK) == -1 && errno == ENOENT;
}

/* The changes of a test: a file, one that goes, one and a folder that come. */
static bool
change(struct rm_undo *u)
{
	return rm_undo_save(u, at("d/a")) == 0 && put("d/a", "") &&
	    rm_undo_save(u, at("d/a")) == 0 && put("d/a", "half") &&
	    rm_undo_drop(u, at("b%c")) == 0 && unlink(at("b%c")) == 0 &&
	    rm_undo_made(u, at("new")) == 0 && mkdir(at("new"), 0700) == 0 &&
	    rm_undo_made(u, at("new/e")) == 0 && put("new/e", "e") &&
	    rm_undo_save(u, at("new/e")) == 0 && put("new/e", "ee") &&
	    rm_undo_save(u, "/etc/passwd") == 0;
}

static bool
is_before(void)
{
	struct stat st;

	return is("d/a", "old a") && is("b%c", "old b") && is_gone("new") &&
	    stat(at("d/a"), &st) == 0 && (st.st_mode & 0777) == 0640;
}

/* No journal of any kind, and no name that begins like one. */
static bool
is_clean(void)
{
	char command[128];

	(void)snprintf(command, sizeof(command),
	    "ls -A %s | grep -q '^[.]undo' && exit 1 || exit 0", folder);
	return system(command) == 0;
}

static bool
recovers(size_t want)
{
	size_t n = 4711;

	return rm_undo_recover(&root, &n) == 0 && n == want;
}

/* A process that makes the change, and dies of it. */
static bool
dies(bool first)
{
	struct rm_undo u;
	int status = 1;

	if (fork() == 0) {
		rm_undo_begin(&u, &root, first);
		_exit(change(&u) ? 0 : 1);
	}
	return wait(&status) != -1 && status == 0;
}

static void
test_cut(void)
{
	ok(!rm_undo_any(&root) && dies(true) && rm_undo_left(&root) &&
	    rm_undo_any(&root) && !is_before(),
	    "a change that is cut leaves a journal");
	ok(recovers(1) && is_before() && is_clean(),
	    "from which all is put back, mode and folders, too");
	ok(recovers(0) && is_before(), "once");
	ok(dies(false) && !rm_undo_left(&root) && recovers(1) &&
	    is_before() && is_clean(), "and so it is with the other kind");
	ok(dies(true) && unlink(at("new/e")) == 0 && rmdir(at("new")) == 0 &&
	    recovers(1) && is_before() && is_clean(),
	    "also where it was begun to be put back before");
}

static void
test_living(void)
{
	struct rm_undo u, v;

	rm_undo_begin(&u, &root, false);
	ok(change(&u) && recovers(0) && is("d/a", "half") &&
	    is("new/e", "ee"), "what the living do is left alone");
	ok(rm_undo_commit(&u) == 0 && recovers(0) && is("d/a", "half") &&
	    is_gone("b%c") && is("new/e", "ee") && is_clean(),
	    "and stays when it is committed");
	ok(put("d/a", "old a") && put("b%c", "old b") &&
	    unlink(at("new/e")) == 0 && rmdir(at("new")) == 0 && is_before(),
	    "(as it was)");
	rm_undo_begin(&u, &root, true);
	rm_undo_begin(&v, &root, true);
	ok(rm_undo_commit(&u) == 0 && is_clean(), "no change is no journal");
	rm_undo_begin(&u, &root, true);
	ok(rm_undo_save(&u, at("d/a")) == 0 &&
	    rm_undo_save(&v, at("b%c")) == -1,
	    "there is one of the first kind at a time");
	ok(rm_undo_commit(&u) == 0 && is_before(), "which ends");
}

static void
test_names(void)
{
	static const char *const bad[] = { "", "old:", "new:", "old:/a",
		"old:..", "old:..%2Fa", "old:a%2F..", "old:a%2F%2Fb",
		"old:a%2F", "old:%2Fa", "old:.", "old:a%2", "old:a%2f",
		"old:.undo", "old:.undo.1%2Fx", "copy", "Old:a", "old:a%00b" };
	char path[NAME_MAX + 1];
	bool old, good = true;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		good = good && rm_undo_parse(path, &old, bad[i]) == -1;
	ok(good, "a name that leads elsewhere is none");
	ok(rm_undo_parse(path, &old, "old:a%2Fb%25.c") == 0 && old &&
	    strcmp(path, "a/b%.c") == 0 &&
	    rm_undo_parse(path, &old, "new:x") == 0 && !old &&
	    strcmp(path, "x") == 0, "others are what they were");
}

int
main(void)
{
	if (mkdtemp(folder) == NULL || mkdir(at("d"), 0700) == -1 ||
	    !put("d/a", "old a") || !put("b%c", "old b") ||
	    rm_undo_root(&root, folder) == -1)
		return 1;
	test_names();
	test_cut();
	test_living();
	(void)unlink(at("d/a"));
	(void)unlink(at("b%c"));
	(void)rmdir(at("d"));
	(void)rmdir(folder);
	printf("1..%d\n", tests);
	return 0;
}
