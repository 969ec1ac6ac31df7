/* SPDX-License-Identifier: ISC */
#ifndef RELAY_H
#define RELAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_p11frame.h"
#include "rm_tls.h"

struct link;

/* What a call gets that the service cannot answer (PKCS#11 2.40). */
#define RELAY_REFUSED	0x30	/* CKR_DEVICE_ERROR: it does not want us */
#define RELAY_REMOVED	0x32	/* CKR_DEVICE_REMOVED: it is not there */

/*
 * Carries the calls of a PKCS#11 application, p11-kit's frames on in and out
 * (which may be one socket, and do not block), to the service at l, logged
 * in, and the answers back, until the application ends its side.
 *
 * However the service ends, or if it takes longer than limit_ms for a call,
 * why is said on standard error, and the open calls and all that follow are
 * answered with CKR_DEVICE_REMOVED.  With code, that of a log-in that came to
 * nothing, not RM_CODE_OK, l is not used and it begins that way.  Returns
 * code, that of the loss, or RM_CODE_OK.  Calls nothing that rm_sandbox_tls
 * forbids.
 */
int relay_run(struct link *l, int in, int out, uint32_t limit_ms, int code);

/* --- between relay.c and flows.c ------------------------------------------ */

#define RELAY_CALLS	1024		/* that wait for an answer */
#define RELAY_UP_MAX	16384		/* bytes of calls on their way */
#define RELAY_DOWN_MAX	(64 << 20)	/* bytes of an answer */

/* One direction: buf has from <= whole <= to <= size. */
struct flow {
	struct rm_p11frame frame;
	enum rm_tls_result wants;	/* what the service's end waits for */
	size_t from, to;		/* what has not been passed on yet */
	size_t whole;			/* where the last whole frame ends */
	size_t size;
	uint8_t *buf;
};

extern struct relay {
	struct link *l;			/* NULL: the service is lost */
	int in, out;
	uint32_t limit_ms;
	int64_t since;			/* what the limit counts from */
	int code;			/* of the loss */
	bool over;			/* the application has ended its side */
	struct flow up, down;		/* calls, answers */
	uint32_t open[RELAY_CALLS];	/* codes of calls, the oldest first */
	size_t n_open;
} relay;

/*
 * True if the i-th of the open calls is the last one and not whole yet: its
 * answer has to wait.
 */
bool relay_is_partial(size_t i);

/* Takes the first n from i on out of the open calls. */
void relay_close(size_t i, size_t n);

/*
 * The service is gone, or as good as gone, with this code; why has been said.
 * From here on relay_answer answers the calls that are whole.
 */
void relay_lose(int code);
void relay_answer(void);

/* Makes room for len bytes behind to.  0, or -1. */
RM_MUST_CHECK int flow_room(struct flow *f, size_t len);

/*
 * The four ways of the drawing in relay.c, one step each.  flow_rest: how many
 * bytes of calls can be fed.  flow_follow: n bytes of answers have come behind
 * to; false if they make no sense.
 */
void flow_take(void);
void flow_feed(void);
void flow_hear(void);
void flow_give(void);
size_t flow_rest(void);
bool flow_follow(size_t n);

#endif
