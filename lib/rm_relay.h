/* SPDX-License-Identifier: ISC */
#ifndef RM_RELAY_H
#define RM_RELAY_H

#include "rm_die.h"
#include "rm_err.h"

struct rm_tls;

/*
 * Copies between a peer and two local descriptors, both ways at once, until
 * one side ends.  What each end of input means depends on who we are:
 *
 *	            peer's close_notify     end of in
 *	SERVER      out is closed           all is said: close_notify, shutdown,
 *	                                    input dropped for at most 1 s; CLEAN
 *	CLIENT      out is closed           close_notify; goes on until the peer
 *	                                    ends too, or nobody reads out
 *	PIPE        CLEAN                   the same
 *
 * SERVER and CLIENT serve a program: that it closes its input is not the end
 * of its output, the peer's bytes are dropped then.  A PIPE is the program:
 * what it cannot write to out is FAILED.  A reset, a TLS error or an end
 * without close_notify is LOST, at once, whatever was under way.
 */
enum rm_relay_role { RM_RELAY_SERVER, RM_RELAY_CLIENT, RM_RELAY_PIPE };

enum rm_relay_end {
	RM_RELAY_CLEAN,
	RM_RELAY_LOST,		/* the peer is gone, or refused us; see err */
	RM_RELAY_FAILED		/* a local descriptor failed; see err */
};

struct rm_relay_conf {
	enum rm_relay_role role;
	struct rm_tls *tls;	/* NULL: the peer is a plain socket */
	int rfd, wfd;		/* the peer's descriptors */
	int in, out;		/* from and to the program */
};

/*
 * Everything that a jail forbids is done by rm_relay_new; NULL with errno.  A
 * SERVER's and a CLIENT's out is made non-blocking, a PIPE's is left as it is.
 */
struct rm_relay;
RM_MUST_CHECK struct rm_relay *rm_relay_new(const struct rm_relay_conf *conf);

/* Copies until the end; may close out (SERVER, CLIENT), and nothing else. */
RM_MUST_CHECK enum rm_relay_end rm_relay_run(struct rm_relay *relay,
    struct rm_err *err);

/*
 * Ends the sending half and drops input until the peer closes, for at most
 * 1 s: unread input would make the kernel reset the connection when it is
 * closed, and a reset destroys what the peer has not read yet.
 */
void rm_relay_linger(int rfd, int wfd);

/* NULL is allowed. */
void rm_relay_free(struct rm_relay *relay);

#endif
