/* SPDX-License-Identifier: ISC */
#ifndef RM_P11FRAME_H
#define RM_P11FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

/*
 * The frames of p11-kit's remote protocol, for who stands in the middle.  Each
 * direction is one byte, the version, and then frames:
 *
 *	u32 code	the client's number for the call, and its answer's
 *	u32 options	bytes
 *	u32 body	bytes
 *	options, body
 *
 * Numbers are big-endian.  All of it is pure; what is in a body is nobody's
 * business here.
 */

#define RM_P11FRAME_HEAD	12	/* bytes of the three numbers */

/* One direction; all zero when nothing has passed. */
struct rm_p11frame {
	bool begun;			/* the version has passed */
	uint8_t version;
	size_t n_head;			/* bytes of head that have passed */
	uint8_t head[RM_P11FRAME_HEAD];
	uint32_t code;			/* of the frame whose head was whole */
	uint64_t left;			/* bytes of it that are still to come */
};

enum rm_p11frame_event {
	RM_P11FRAME_MORE,	/* everything was taken, nothing ends here */
	RM_P11FRAME_VERSION,	/* that byte was taken */
	RM_P11FRAME_BEGIN,	/* a head is whole: code and left are set */
	RM_P11FRAME_END		/* the frame is whole, code still set */
};

/*
 * Takes bytes up to the next event and sets *ret_n to how many.  To be called
 * with the rest until it returns RM_P11FRAME_MORE, also with len 0: a frame
 * may be empty.
 */
RM_MUST_CHECK enum rm_p11frame_event rm_p11frame_step(
    struct rm_p11frame *frame, const uint8_t *buf, size_t len,
    size_t *ret_n);

/* True if a head has passed whose frame is not whole yet. */
bool rm_p11frame_is_open(const struct rm_p11frame *frame);

/*
 * The answer to the call of that code, whatever it was, that it failed with
 * the PKCS#11 return value rv (not 0).
 */
#define RM_P11FRAME_FAILED	29	/* bytes of it */
void rm_p11frame_failed(uint8_t ret[static RM_P11FRAME_FAILED],
    uint32_t code, uint64_t rv);

#endif
