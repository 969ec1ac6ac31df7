/* SPDX-License-Identifier: ISC */
#ifndef RM_IO_H
#define RM_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rm_die.h"

/* Sets O_NONBLOCK, for everybody who shares the description. */
RM_MUST_CHECK int rm_io_unblock(int fd);

/* Writes all of buf, through EINTR and short writes.  0, or -1 with errno. */
RM_MUST_CHECK int rm_io_write(int fd, const void *buf, size_t len);

/*
 * Reads until len bytes are there or the input ends.  Returns the number
 * read (less than len only at the end), or -1 with errno.
 */
RM_MUST_CHECK ssize_t rm_io_read(int fd, void *buf, size_t len);

/*
 * Reads one line from fd byte by byte, so that nothing behind its LF is
 * taken from the descriptor.  Returns its length without the LF (0 is an
 * empty line; no NUL is written); -1 with errno otherwise: EMSGSIZE if no LF
 * came within size bytes, ENODATA at the end of input (a last line without
 * LF is dropped).
 */
RM_MUST_CHECK ssize_t rm_io_line(int fd, char *ret_line, size_t size);

/*
 * Reads a whole small file into buf and ends it with a NUL.  Returns its
 * length, or -1 with errno (EFBIG if it has size bytes or more; ELOOP if it is
 * a link; EINVAL if it is no regular file).
 */
RM_MUST_CHECK ssize_t rm_io_load(const char *path, char *buf, size_t size);

/*
 * The same for a file that somebody else must not have touched or seen: it
 * must be regular, ours or root's, and have none of the mode bits in
 * forbidden (077 for secrets, 022 for what decides); EPERM if not.  Looked at
 * on the open descriptor, so that it cannot change between.
 */
RM_MUST_CHECK ssize_t rm_io_load_owned(const char *path, mode_t forbidden,
    char *buf, size_t size);

/*
 * Replaces path by a new file with this content and mode, by rename: who
 * reads sees the old or the new.  With durable, file and folder are on disk
 * when it returns.  0, or -1 with errno: then the old file is untouched, unless
 * it was the folder that could not be synced.
 */
RM_MUST_CHECK int rm_io_replace(const char *path, const void *buf, size_t len,
    mode_t mode, bool durable);

/* fsync(2) of the folder that holds path.  0, or -1 with errno. */
RM_MUST_CHECK int rm_io_sync_folder(const char *path);

#endif
