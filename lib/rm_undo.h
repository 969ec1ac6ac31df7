/* SPDX-License-Identifier: ISC */
#ifndef RM_UNDO_H
#define RM_UNDO_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "rm_die.h"

/*
 * Changes of files that are made in place, made atomic against the death of
 * who makes them.  A journal is a hidden folder in the root, the folder that
 * all those files are below.  Its entries are named by the file's path below
 * the root, with "%" and "/" spelt %25 and %2F:
 *
 *	old:PATH	the file as it was before the change
 *	new:PATH	there was no such file (or folder)
 *
 * So putting back is renaming and removing, can be done again when it was cut,
 * and there is nothing to be parsed but names.  The change is done with the
 * one rename that ends the journal.  The journal is locked (flock(2)) by its
 * maker: what is not locked was left by the dead.
 *
 * Paths are absolute and real, without links.  Functions return 0, or -1 with
 * errno; rm_undo_root is the caller's and outlives its journals.
 */
struct rm_undo_root {
	int fd;
	char path[PATH_MAX];	/* real, without a slash at its end */
};

/* One change: from its first entry to its commit, in one thread. */
struct rm_undo {
	const struct rm_undo_root *root;
	bool first;		/* see rm_undo_begin */
	int fd;			/* its folder, locked; -1: no entry yet */
	char mark[9];		/* at the end of its names */
};

/* Opens folder as a root; its descriptor is the caller's to close. */
RM_MUST_CHECK int rm_undo_root(struct rm_undo_root *ret, const char *folder);

/*
 * Begins a change, without touching the disk.  first: of files that are there
 * already, of which only one is under way at a time (the caller has a lock);
 * its journal has a name of its own, for rm_undo_left.
 */
void rm_undo_begin(struct rm_undo *u, const struct rm_undo_root *root,
    bool first);

/*
 * Before path is emptied, written over (save), removed (drop: the file itself
 * becomes the entry's) or made (made): on disk, or as safe as the order in
 * which the file system writes, when it returns.  What is not below the root,
 * or was noted before in this change, is none of ours: 0.  -1: the step must
 * not be taken.
 */
RM_MUST_CHECK int rm_undo_save(struct rm_undo *u, const char *path);
RM_MUST_CHECK int rm_undo_drop(struct rm_undo *u, const char *path);
RM_MUST_CHECK int rm_undo_made(struct rm_undo *u, const char *path);

/*
 * Ends the change: it is done, durably, if its files are on disk already.  -1:
 * it may be taken back after a crash.  Nothing is left of u in any case.
 */
RM_MUST_CHECK int rm_undo_commit(struct rm_undo *u);

/*
 * True if a journal of the first kind is there: called under the lock that
 * its maker had to have, its maker is dead.
 */
bool rm_undo_left(const struct rm_undo_root *root);

/* True if there is any journal at all, of the living, too. */
bool rm_undo_any(const struct rm_undo_root *root);

/*
 * Puts back, and makes durable, what all dead makers left in root, and sets
 * *ret_n to the number of their journals.  The caller keeps everybody else
 * from changing files that are there.
 */
RM_MUST_CHECK int rm_undo_recover(const struct rm_undo_root *root,
    size_t *ret_n);

/*
 * Takes the name of an entry apart: writes the path below the root to ret and
 * sets *ret_old.  -1 with EINVAL if it is none of ours, or leads elsewhere.
 */
RM_MUST_CHECK int rm_undo_parse(char ret[static NAME_MAX + 1], bool *ret_old,
    const char *name);

#endif
