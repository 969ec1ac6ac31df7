/* SPDX-License-Identifier: ISC */
/*
 * A journal comes to be under a name that nobody looks for, is locked, and
 * gets its own name then: so whoever finds one that is not locked knows that
 * its maker is dead.  What is to be undone is only ever renamed or removed.
 */
#include "rm_undo.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define FIRST	".undo"		/* of what there is one of at a time */
#define OTHER	".undo."	/* and of others; then the mark */
#define MAKING	".undo-new."
#define DONE	".undone."	/* committed: only to be removed */
#define COPYING	"copy"
#define TRIES	100

int
rm_undo_root(struct rm_undo_root *ret, const char *folder)
{
	char *real = realpath(folder, NULL);

	if (real == NULL)
		return -1;
	ret->fd = -1;
	errno = ENAMETOOLONG;
	if (strlen(real) < sizeof(ret->path)) {
		strcpy(ret->path, real);
		ret->fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	free(real);
	return ret->fd == -1 ? -1 : 0;
}

/* --- names ---------------------------------------------------------------- */

/* The entry of a path; false if the path is not below the root. */
static bool
spell(const struct rm_undo_root *root, const char *kind, const char *path,
    char ret[static NAME_MAX + 1])
{
	size_t len = strlen(root->path), used = strlen(kind);
	const char *p, *as;

	ret[0] = '\0';
	if (strncmp(path, root->path, len) != 0 || path[len] != '/')
		return false;
	strcpy(ret, kind);
	for (p = path + len + 1; *p != '\0'; p++) {
		as = *p == '/' ? "%2F" : *p == '%' ? "%25" : NULL;
		if (used + 3 > NAME_MAX) {
			ret[0] = '\0';	/* below it, but too long */
			return true;
		}
		if (as == NULL) {
			ret[used++] = *p;
		} else {
			memcpy(ret + used, as, 3);
			used += 3;
		}
	}
	ret[used] = '\0';
	return true;
}

/* No component is empty or leads up, and it is no journal. */
static bool
is_inside(const char *path)
{
	const char *p = path;
	size_t len;

	if (strncmp(path, FIRST, strlen(FIRST)) == 0)
		return false;
	for (;; p += len + 1) {
		len = strcspn(p, "/");
		if (len == 0 || (len == 1 && *p == '.') ||
		    (len == 2 && p[0] == '.' && p[1] == '.'))
			return false;
		if (p[len] == '\0')
			return true;
	}
}

int
rm_undo_parse(char ret[static NAME_MAX + 1], bool *ret_old, const char *name)
{
	size_t n = 0;

	*ret_old = strncmp(name, "old:", 4) == 0;
	errno = EINVAL;
	if ((!*ret_old && strncmp(name, "new:", 4) != 0) ||
	    strlen(name) > NAME_MAX)
		return -1;
	for (name += 4; *name != '\0'; name++) {
		if (strncmp(name, "%2F", 3) == 0)
			ret[n++] = '/';
		else if (strncmp(name, "%25", 3) == 0)
			ret[n++] = '%';
		else if (*name == '%' || *name == '/')
			return -1;
		else
			ret[n++] = *name;
		if (*name == '%')
			name += 2;
	}
	ret[n] = '\0';
	return is_inside(ret) ? 0 : -1;
}

/* --- a change ------------------------------------------------------------- */

void
rm_undo_begin(struct rm_undo *u, const struct rm_undo_root *root, bool first)
{
	u->root = root;
	u->first = first;
	u->fd = -1;
}

/* A name of this journal. */
struct name {
	char text[32];
};

static struct name
name_of(const struct rm_undo *u, const char *kind)
{
	struct name ret;

	(void)snprintf(ret.text, sizeof(ret.text), "%s%s", kind, u->mark);
	return ret;
}

static struct name
own_name(const struct rm_undo *u)
{
	return u->first ? (struct name){ FIRST } : name_of(u, OTHER);
}

/* Makes, locks and names the journal. */
static int
make_journal(struct rm_undo *u)
{
	struct name making;
	unsigned int mark;
	int root = u->root->fd, saved;

	if (getrandom(&mark, sizeof(mark), 0) != sizeof(mark))
		return -1;
	(void)snprintf(u->mark, sizeof(u->mark), "%08x", mark);
	making = name_of(u, MAKING);
	if (mkdirat(root, making.text, 0700) == -1)
		return -1;
	u->fd = openat(root, making.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (u->fd != -1 && flock(u->fd, LOCK_EX | LOCK_NB) == 0 &&
	    renameat(root, making.text, root, own_name(u).text) == 0)
		return 0;
	saved = errno;
	if (u->fd != -1)
		(void)close(u->fd);
	u->fd = -1;
	(void)unlinkat(root, making.text, AT_REMOVEDIR);
	errno = saved;
	return -1;
}

/* Who puts back may take a folder without a lock for one that was left. */
static int
open_journal(struct rm_undo *u)
{
	int n;

	for (n = 0; u->fd == -1 && n < TRIES; n++)
		if (make_journal(u) == -1 && errno != ENOENT &&
		    errno != EWOULDBLOCK)
			return -1;
	return u->fd == -1 ? -1 : 0;
}

/*
 * The entry that is to be made; empty if none is: the path is elsewhere, or
 * was noted before.  -1 if it cannot be.
 */
static int
find_entry(struct rm_undo *u, const char *kind, const char *path,
    char ret[static NAME_MAX + 1])
{
	static const char *const kinds[] = { "old:", "new:" };
	size_t i;

	if (!spell(u->root, kind, path, ret))
		return 0;
	if (ret[0] == '\0') {
		errno = ENAMETOOLONG;
		return -1;
	}
	if (open_journal(u) == -1)
		return -1;
	for (i = 0; i < 2; i++) {
		(void)spell(u->root, kinds[i], path, ret);
		if (faccessat(u->fd, ret, F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
			ret[0] = '\0';
			return 0;
		}
	}
	(void)spell(u->root, kind, path, ret);
	return 0;
}

static int
copy(int from, int to)
{
	ssize_t n;

	while ((n = copy_file_range(from, NULL, to, NULL, SSIZE_MAX / 2, 0)) >
	    0)
		;
	return n == -1 ? -1 : fsync(to);
}

int
rm_undo_save(struct rm_undo *u, const char *path)
{
	char entry[NAME_MAX + 1];
	struct stat st;
	int from, to = -1, rc = -1, saved;

	if (find_entry(u, "old:", path, entry) == -1)
		return -1;
	if (entry[0] == '\0')
		return 0;
	from = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (from == -1 || fstat(from, &st) == -1)
		goto out;
	to = openat(u->fd, COPYING, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
	    st.st_mode & 0777);
	if (to != -1 && copy(from, to) == 0 &&
	    renameat(u->fd, COPYING, u->fd, entry) == 0)
		rc = fsync(u->fd);
out:
	saved = errno;
	if (from != -1)
		(void)close(from);
	if (to != -1)
		(void)close(to);
	errno = saved;
	return rc;
}

int
rm_undo_drop(struct rm_undo *u, const char *path)
{
	char entry[NAME_MAX + 1];

	if (find_entry(u, "old:", path, entry) == -1)
		return -1;
	return entry[0] == '\0' ? 0 : linkat(AT_FDCWD, path, u->fd, entry, 0);
}

int
rm_undo_made(struct rm_undo *u, const char *path)
{
	char entry[NAME_MAX + 1];
	int fd;

	if (find_entry(u, "new:", path, entry) == -1)
		return -1;
	if (entry[0] == '\0')
		return 0;
	fd = openat(u->fd, entry, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	return fd == -1 ? -1 : close(fd);
}

/* --- journals that are there ---------------------------------------------- */

static DIR *
list(int fd)
{
	int other = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = other == -1 ? NULL : fdopendir(other);

	if (dir == NULL && other != -1)
		(void)close(other);
	return dir;
}

/* A folder that has no folders, and all in it; best effort. */
static void
remove_journal(int root, const char *name, int fd)
{
	const struct dirent *e;
	DIR *dir = list(fd);

	while (dir != NULL && (e = readdir(dir)) != NULL)
		(void)unlinkat(fd, e->d_name, 0);
	if (dir != NULL)
		(void)closedir(dir);
	(void)unlinkat(root, name, AT_REMOVEDIR);
}

int
rm_undo_commit(struct rm_undo *u)
{
	struct name done = name_of(u, DONE);
	int root = u->root->fd, rc = -1;

	if (u->fd == -1)
		return 0;
	if (renameat(root, own_name(u).text, root, done.text) == 0) {
		rc = fsync(root);
		remove_journal(root, done.text, u->fd);
	}
	(void)close(u->fd);
	u->fd = -1;
	return rc;
}

bool
rm_undo_left(const struct rm_undo_root *root)
{
	return faccessat(root->fd, FIRST, F_OK, 0) == 0;
}

static int
put_back(int root, int journal, const char *name)
{
	char path[NAME_MAX + 1];
	bool old;

	if (rm_undo_parse(path, &old, name) == -1)
		return 0;	/* a copy that was not finished */
	if (old)
		return renameat(journal, name, root, path);
	if (unlinkat(root, path, 0) == -1 && errno != ENOENT) {
		/* One that still has something in it was noted first. */
		if (errno == EISDIR &&
		    (unlinkat(root, path, AT_REMOVEDIR) == 0 ||
		    errno == ENOTEMPTY))
			return 0;
		return -1;
	}
	return 0;
}

/* Twice: folders are empty only when what was made in them has gone. */
static int
undo(int root, int journal)
{
	const struct dirent *e;
	DIR *dir;
	int n, rc = 0;

	for (n = 0; n < 2; n++) {
		if ((dir = list(journal)) == NULL)
			return -1;
		while ((e = readdir(dir)) != NULL)
			if (put_back(root, journal, e->d_name) == -1)
				rc = -1;
		(void)closedir(dir);
	}
	return rc == 0 ? syncfs(root) : -1;
}

/* One journal; a living maker's is left alone. */
static int
settle(int root, const char *name, size_t *ret_n)
{
	bool left = strcmp(name, FIRST) == 0 ||
	    strncmp(name, OTHER, strlen(OTHER)) == 0;
	int fd, rc = 0;

	fd = openat(root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
	    O_NOFOLLOW);
	if (fd == -1)
		return errno == ENOENT ? 0 : -1;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
		if (left && (rc = undo(root, fd)) == 0)
			(*ret_n)++;
		if (rc == 0)
			remove_journal(root, name, fd);
	}
	(void)close(fd);
	return rc;
}

static bool
is_journal(const struct dirent *e)
{
	return strncmp(e->d_name, FIRST, strlen(FIRST)) == 0;
}

bool
rm_undo_any(const struct rm_undo_root *root)
{
	const struct dirent *e;
	DIR *dir = list(root->fd);
	bool any = dir == NULL;		/* to be looked at more closely */

	while (!any && (e = readdir(dir)) != NULL)
		any = is_journal(e);
	if (dir != NULL)
		(void)closedir(dir);
	return any;
}

int
rm_undo_recover(const struct rm_undo_root *root, size_t *ret_n)
{
	const struct dirent *e;
	DIR *dir = list(root->fd);
	int rc = 0;

	*ret_n = 0;
	if (dir == NULL)
		return -1;
	while ((e = readdir(dir)) != NULL)
		if (is_journal(e) &&
		    settle(root->fd, e->d_name, ret_n) == -1)
			rc = -1;
	(void)closedir(dir);
	return rc;
}
