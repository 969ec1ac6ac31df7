/* SPDX-License-Identifier: ISC */
#ifndef RM_EXEC_H
#define RM_EXEC_H

/*
 * The two halves of rm-exec and what they say to each other, over a pair of
 * SOCK_SEQPACKET sockets: requests of fixed size one way; whole lines of the
 * wire, at most RM_LINE_MAX bytes a packet, the other.  A packet whose last
 * line begins with '+' or '!' ends a command.  Each half checks what it gets.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rm_code.h"
#include "rm_hash.h"
#include "rm_ophdr.h"
#include "rm_text.h"

enum request_kind {
	REQUEST_RUN = 1,	/* text holds n words, each ended by a NUL */
	REQUEST_BYE = 2,	/* text holds why, a word; it is the last */
	/* In front of the RUN that it goes with, in this order: */
	REQUEST_PAYLOAD = 3,	/* n bytes follow; text holds its name */
	REQUEST_DATA = 4	/* so many of them are in text */
};

struct request {
	uint32_t kind;
	uint32_t n;
	uint32_t len;		/* bytes of text that count */
	char text[RM_LINE_MAX];
};

/* Whole lines on their way to the peer: one packet, one write. */
struct packet {
	size_t len;
	char text[RM_LINE_MAX];
};

/* Bytes of text that fit in a line behind its mark and before its LF. */
#define PACKET_TEXT	(RM_LINE_MAX - 3)
#define REASON_MAX	512

/* Adds "<mark> text"; false, and nothing added, if there is no room. */
bool packet_put(struct packet *p, char mark, const void *text, size_t len);

/*
 * The wire half: jails itself, then reads commands from 0, answers on 1, and
 * asks the runner on sock.  TERM and HUP must be blocked.
 */
_Noreturn void wire_run(int sock);

/*
 * The payload that the peer announced, in the wire half.  intake_begin takes
 * the announcement, a line without its LF; false if it is none.  Then, as long
 * as intake_wants, the peer's bytes are intake_take's, which returns how many
 * of them were.  The next command gets it by intake_send, right before its
 * own request (0, or -1 with errno), unless there is an intake_fault; and
 * whatever became of that command, intake_forget follows.
 */
bool intake_begin(const uint8_t *line, size_t len);
bool intake_wants(void);
size_t intake_take(const uint8_t *buf, size_t len);
const char *intake_fault(void);
int intake_send(int sock);
void intake_forget(void);

struct runner_opts {
	const char *folder;	/* of the operations, as given */
	int folder_fd;
	int lock_fd;		/* RM_LOCK_FD, or -1 */
	bool local;		/* at the appliance: no policy is asked */
	uint32_t progress_ms;
	char name[256];		/* of the appliance, or empty */
};

/*
 * The runner half: must have been forked, in a session of its own.  Keeps no
 * descriptor but 2, sock and those in opts.  Ends when the wire half goes.
 */
_Noreturn void runner_run(int sock, const struct runner_opts *opts);

/* What goes with a command, in the runner half; all zeros: nothing. */
struct payload {
	bool has;
	int fd;				/* sealed; -1: it could not be kept */
	uint32_t left;			/* bytes that are still to come */
	char name[RM_NAME_MAX + 1];
	char sha256[RM_HASH_HEX];	/* once nothing is left */
};

/* Takes a request of that kind; -1 if it must not come now, or not so. */
int payload_begin(struct payload *p, const struct request *req);
int payload_add(struct payload *p, const struct request *req);

/* A new descriptor that reads it from the start, or nothing; -1 with errno. */
int payload_open(const struct payload *p);

/* Closes it and makes it nothing. */
void payload_drop(struct payload *p);

/* One operation, from fork to the end of all that it started. */
enum job_end {
	JOB_DONE,		/* exit status 0 */
	JOB_FAILED,
	JOB_LIMIT,		/* it was out of time */
	JOB_CUT			/* the wire half went first */
};

struct job {
	int sock;		/* to the wire half */
	int lock_fd;		/* the operation lock, which it shares */
	const char *operation;
	const struct payload *payload;	/* its standard input */
	char **argv;		/* what to execute */
	uint32_t limit_ms, progress_ms;
};

struct job_result {
	enum job_end end;
	enum rm_code code;	/* what it said behind "!!", or failed */
	char reason[REASON_MAX];	/* printable ASCII, never empty */
};

/* Runs it to its end; all its output has been handed over by then. */
void job_run(const struct job *job, struct job_result *ret);

/*
 * Hands a packet over, waiting for room.  0, or -1 if the wire half has gone;
 * why it went is in bye then.
 */
int runner_say(int sock, const struct packet *p);

/*
 * What the wire half says when no request is due: always that it goes.  Sets
 * runner_bye, if it was a word.
 */
void runner_hear_bye(int sock);
extern char runner_bye[RM_NAME_MAX + 1];

/* True if the wire half has gone while we were busy with something else. */
bool runner_is_left(int sock);

/*
 * The operation lock, with this operation as its holder: a descriptor, or -1
 * with errno; EAGAIN if another is under way.  Waits for what a killed runner
 * left, 30 s at most, and not when the wire half goes.
 */
int lock_take(const char *operation, int sock);

/* Lets it go; its holder is told no more. */
void lock_drop(int fd);

/* A request that passed for an operation. */
struct command {
	size_t n;			/* words, the operation's name first */
	char *word[RM_WORDS_MAX + 1];
	struct rm_ophdr hdr;
	int fd;				/* the executable */
	char sha256[RM_HASH_HEX];
	char args[RM_LINE_MAX];
	struct payload payload;
};

/*
 * Records for the audit log.  record_begin waits for the disk and returns 0,
 * or -1 with errno: then the operation must not begin.  The others only warn
 * if the log does not take them.  of is the number of the begin; 0 for a
 * reading operation, which has none and gets one record in all.
 */
void record_session_begin(void);
void record_session_end(const char *why);
int record_begin(const struct command *c, uint64_t *ret_number);
void record_end(const struct command *c, uint64_t of,
    const struct job_result *res);

/*
 * Writes down for who watches how far the operation is ("41 text"), a few
 * times a second at most; NULL: it is over.  For display only.
 */
void record_progress(const char *text);

/* Name of the manager, or "-". */
const char *record_manager(void);

/* The output of an operation on its way to lines of the wire. */
struct lines {
	size_t pos, len;		/* of raw, what is still to do */
	uint8_t raw[RM_LINE_MAX];
	size_t fill;			/* of line */
	uint8_t line[PACKET_TEXT];
	bool rest;		/* line continues one that was too long */
	bool ready;		/* line is whole but had no room */
	bool progressed;	/* a progress line went out; cleared by us */
	enum rm_code code;	/* of the last "!!" line, or RM_CODE_OK */
	char reason[REASON_MAX];
	char progress[REASON_MAX];	/* "41 text" */
};

/*
 * Moves what stands in raw to p, line by line.  Returns true when raw is used
 * up; false if p must be sent first.
 */
bool lines_pump(struct lines *l, struct packet *p);

/* The same with a last line that has no LF, at the end of the output. */
bool lines_finish(struct lines *l, struct packet *p);

/*
 * Leaves in the environment only the settings, the facts and what every
 * operation may count on; folder is that of the operations.  Dies (100) if
 * that is not there.
 */
void environ_scrub(const char *folder);

#endif
