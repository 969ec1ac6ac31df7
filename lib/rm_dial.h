/* SPDX-License-Identifier: ISC */
#ifndef RM_DIAL_H
#define RM_DIAL_H

#include <stdint.h>

#include "rm_die.h"
#include "rm_err.h"

/*
 * Connects to host (a name or an address, IPv4 or IPv6) and port, trying all
 * its addresses in turn; each gets a fair share of the time until deadline
 * (rm_num_now_ms).  Looking up a name takes as long as the host's resolver
 * takes.  Sets TCP_NODELAY.  Returns 0 and a close-on-exec, non-blocking
 * descriptor in *ret_fd; -1 with err: NOT_ARMED if one of them was reached and
 * nothing listens there, SYSTEM otherwise.
 */
RM_MUST_CHECK int rm_dial_tcp(int *ret_fd, const char *host, const char *port,
    int64_t deadline, struct rm_err *err);

/* The same for a unix socket; this descriptor blocks. */
RM_MUST_CHECK int rm_dial_unix(int *ret_fd, const char *path,
    struct rm_err *err);

#endif
