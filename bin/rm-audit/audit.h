/* SPDX-License-Identifier: ISC */
#ifndef RM_AUDIT_AUDIT_H
#define RM_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rm_die.h"
#include "rm_event.h"

/*
 * Serves one connection on 0 and 1: an event a line, an answer a line.  boot
 * is the file with the boot number, head the one that gets "NUMBER HASH" after
 * each record; both may be NULL.  Returns at the end of input.
 */
void audit_append(const char *log, const char *boot, const char *head);

/* Prints what fd holds for a person to read. */
void audit_show(int fd);

/*
 * Prints a line "NUMBER OPERATION GENERATION NEXT" for each begin in fd that
 * has no end; what is not known is "-".
 */
void audit_unfinished(int fd);

/*
 * Checks numbers, hashes, form and signatures of what fd holds; exits 1 and
 * names the first record that is wrong.  With witness ("NUMBER:HASH"), that
 * record must be there.
 */
void audit_verify(int fd, const char *witness);

/* Lines of a descriptor, through one large buffer. */
struct lines {
	int fd;
	size_t start, end;	/* of what is not handed out yet */
	char buf[1 << 18];
};

/*
 * The next line with its LF in place, valid until the next call; *ret_len
 * counts without the LF.  NULL at the end; *ret_len is then what a torn last
 * line has, 0 if there is none.  A line of more than RM_EVENT_MAX bytes ends
 * it, too, *ret_len is then more than that.  Exits 111 if it cannot be read.
 */
const char *lines_next(struct lines *lines, size_t *ret_len);

#endif
