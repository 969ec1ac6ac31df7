/* SPDX-License-Identifier: ISC */
#ifndef RM_AUDIT_AUDIT_H
#define RM_AUDIT_AUDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rm_die.h"
#include "rm_event.h"
#include "rm_record.h"
#include "rm_text.h"

/* The log to append to; all but path may be NULL. */
struct append {
	const char *path;
	const char *boot;	/* file with the boot number */
	const char *head;	/* gets "NUMBER HASH" after each record */
	const char *lock;	/* of operations: see begun_is_over */
};

/*
 * Serves one connection on 0 and 1: an event a line, an answer a line.
 * Returns at the end of input.
 */
void audit_append(const struct append *to);

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

/* A record "begin", as far as it is told when its operation has no end. */
struct begun {
	uint64_t number;
	char operation[RM_NAME_MAX + 1];
	char from[24];		/* generation, or "-" */
};

/* False, and *ret untouched, if rec is none. */
bool begun_take(struct begun *ret, const struct rm_record *rec);

/* The number of the begin that rec ends, or 0. */
uint64_t begun_ended_by(const struct rm_record *rec);

/*
 * Before next is appended behind last: is there an operation, *ret, that has
 * begun, has no end, and will get none, since nobody holds the operation lock
 * for it?  Keeps it in lock.begun while it goes on.  Never waits.
 */
bool begun_is_over(struct begun *ret, const char *lock,
    const struct rm_record *last, const struct rm_record *next);

/* Makes the event of it: "interrupted", with the generation in force now. */
void begun_event(struct rm_event *ev, const struct begun *one);

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
