/* SPDX-License-Identifier: ISC */
#ifndef RM_EVENT_H
#define RM_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

#define RM_EVENT_MAX	16384	/* bytes of a record of the log, with LF */

/*
 * An event on its way to the audit log (rm-toolkit(7), AUDIT LOG).  It is
 * built first and sent whole; what does not fit makes the sending fail, so
 * that nothing is ever logged in part.
 */
struct rm_event {
	size_t len;
	bool failed;
	char text[RM_EVENT_MAX];
};

/* Begins an event with its name, [a-z][a-z0-9-]{0,31}. */
void rm_event_begin(struct rm_event *ev, const char *name);

/* Adds key=value, the value in %XX spelling; an empty value is written "-". */
void rm_event_put(struct rm_event *ev, const char *key, const char *value);

/*
 * Sends the event to the appender's socket at path and waits, at most 5 s,
 * for its answer: with durable the record is on disk when this returns.
 * Returns 0 and sets *ret_number (may be NULL); -1 with errno if the log did
 * not take it: then what was to be recorded must not happen.
 */
RM_MUST_CHECK int rm_event_send(const struct rm_event *ev, const char *path,
    bool durable, uint64_t *ret_number);

/*
 * A connection to the appender that is kept from one event to the next: each
 * one costs a process there, so this is for what there is only one of, the
 * session.  It is close-on-exec, and belongs to one process.
 */
struct rm_event_log {
	const char *path;	/* of the socket; the caller keeps it */
	int fd;			/* -1: none; closed by whoever lets it go */
	bool owes;		/* the answer to what was posted */
};

/*
 * Connects ahead of the first event, while there is something else to wait
 * for: an appender takes about as long to start as a card to sign.  If none is
 * there, the one who tells an event finds out.
 */
void rm_event_prepare(struct rm_event_log *log);

/* Lets the connection go; a process of the appender less.  Keeps errno. */
void rm_event_let_go(struct rm_event_log *log);

/*
 * As rm_event_send, over log's connection; that is made again when the
 * appender has gone, and dropped when anything went wrong.
 */
RM_MUST_CHECK int rm_event_tell(struct rm_event_log *log,
    const struct rm_event *ev, bool durable, uint64_t *ret_number);

/*
 * Hands the event over, relaxed, without waiting for the answer.  Returns 0,
 * or -1 with errno if it could not be handed over; that the log did not take
 * it is said on standard error when the next event is told.
 */
RM_MUST_CHECK int rm_event_post(struct rm_event_log *log,
    const struct rm_event *ev);

#endif
