/* SPDX-License-Identifier: ISC */
#ifndef RM_TALK_H
#define RM_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_text.h"
#include "rm_tls.h"

/*
 * Waiting on a TLS connection: the handshake, then lines, as a station needs
 * them.  Deadlines are points of rm_num_now_ms.
 */
#define RM_TALK_NEVER	INT64_MAX	/* no deadline */

/*
 * All that is left of the handshake, waiting until deadline, or until watch
 * (-1: nothing) is a pipe that has lost its other end.  0, or -1 with err: as
 * rm_tls_step, and CONNECTION if it takes too long.
 */
RM_MUST_CHECK int rm_talk_handshake(struct rm_tls *tls, int64_t deadline,
    int watch, struct rm_err *err);

/*
 * Lines over a connection whose handshake is complete.  To wait for other
 * things as well, poll rm_tls_fd(tls, RM_TLS_READ) for POLLIN, unless
 * rm_talk_ready, and call rm_talk_line with deadline 0.
 */
struct rm_talk {
	struct rm_tls *tls;	/* the caller's */
	struct rm_err why;	/* set whenever RM_TLS_LOST is returned */
	size_t from, to;	/* what of buf is not taken yet */
	char buf[RM_LINE_MAX + RM_TLS_RECORD];
};

void rm_talk_init(struct rm_talk *talk, struct rm_tls *tls);

/* True if rm_talk_line would not have to wait for the peer. */
bool rm_talk_ready(const struct rm_talk *talk);

/*
 * Takes the next line, without its LF and ended by a NUL.  RM_TLS_OK;
 * RM_TLS_READ if none was complete at the deadline (call again); RM_TLS_END
 * if the peer has said all (a last line without LF is dropped); RM_TLS_LOST if
 * the connection is, or if a line is too long.  The bytes are a stranger's:
 * clean them before they are shown.
 */
RM_MUST_CHECK enum rm_tls_result rm_talk_line(struct rm_talk *talk,
    char ret_line[static RM_LINE_MAX], int64_t deadline);

/* Sends len bytes whole.  RM_TLS_OK, RM_TLS_WRITE (too slow), RM_TLS_LOST. */
RM_MUST_CHECK enum rm_tls_result rm_talk_send(struct rm_talk *talk,
    const void *buf, size_t len, int64_t deadline);

/* Sends close_notify; lines can still be taken.  As rm_talk_send. */
RM_MUST_CHECK enum rm_tls_result rm_talk_end(struct rm_talk *talk,
    int64_t deadline);

#endif
