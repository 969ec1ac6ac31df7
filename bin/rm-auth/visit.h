/* SPDX-License-Identifier: ISC */
#ifndef VISIT_H
#define VISIT_H

#include <stdbool.h>
#include <stdint.h>

#include "quorum.h"
#include "rm_code.h"
#include "rm_event.h"
#include "rm_reader.h"
#include "terms.h"

/* One connection on its way to be a session. */
struct visit {
	const char *channel;
	const char *ip;
	uint32_t next_ms;	/* from one vote to the next */
	uint32_t keep_ms;	/* how long a vote is kept */
	int64_t deadline;
	int admit_fd;
	bool has_kept;		/* a vote of this connection */
	bool counted;		/* among those that were refused */
	struct terms terms;
	struct quorum quorum;	/* who has voted here; at the end, all */
	struct rm_reader reader;
	struct rm_event_log log;
};

/* Says "! CODE text" to the peer, the same to standard error, and counts. */
void visit_refuse(struct visit *visit, enum rm_code code, const char *text);

/*
 * Counts a stranger who was refused, once a connection, for the audit log; of
 * who has signed it knows more.
 */
void visit_count(struct visit *visit);

/*
 * Takes votes until the quorum is complete.  Exits 1 if it will not be, 0 if
 * the peer only left votes for others and has said all.
 */
void visit_collect(struct visit *visit);

#endif
