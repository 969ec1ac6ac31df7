/* SPDX-License-Identifier: ISC */
#ifndef RM_VISITORS_H
#define RM_VISITORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "rm_addr.h"
#include "rm_die.h"

/*
 * Who is connected, and who has to go when there is no room.  Pure: nobody
 * is killed here, no clock is read.
 */

enum rm_visitor_state {
	RM_VISITOR_HERE,	/* counts against the caps */
	RM_VISITOR_ADMITTED,	/* no longer a visitor: counts no more */
	RM_VISITOR_DOOMED	/* killed, not yet gone: counts no more */
};

struct rm_visitor {
	enum rm_visitor_state state;
	pid_t group;			/* its process group, and leader */
	bool leader_gone;		/* the leader has been waited for */
	int admit_fd;			/* one byte here admits it; or -1 */
	int64_t since_ms;
	uint8_t net[RM_ADDR_NET];	/* where from (struct rm_addr) */
};

/* v[0] to v[n - 1], in the order of arrival. */
struct rm_visitors {
	struct rm_visitor *v;
	size_t n, room;
	size_t max, max_each;		/* caps: in all, and per address */
	bool evict;			/* make room when full */
};

enum rm_visitors_verdict {
	RM_VISITORS_WELCOME,
	RM_VISITORS_EVICT,		/* welcome, once another has gone */
	RM_VISITORS_REFUSE
};

/*
 * What becomes of a newcomer from net.  For EVICT, *ret_victim is the index
 * of who has to go: the oldest of the newcomer's own address if that is at
 * its cap, or else the oldest of the busiest address.
 */
enum rm_visitors_verdict rm_visitors_choose(const struct rm_visitors *all,
    const uint8_t net[static RM_ADDR_NET], size_t *ret_victim);

/* How many count against the caps. */
size_t rm_visitors_count(const struct rm_visitors *all);

/* Adds a copy of one as the newest.  Returns 0, or -1 with errno. */
RM_MUST_CHECK int rm_visitors_add(struct rm_visitors *all,
    const struct rm_visitor *one);

/* Forgets v[i]; those behind it move up. */
void rm_visitors_remove(struct rm_visitors *all, size_t i);

#endif
