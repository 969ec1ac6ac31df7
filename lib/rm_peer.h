/* SPDX-License-Identifier: ISC */
#ifndef RM_PEER_H
#define RM_PEER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The peer's side of descriptor 1, and the two signals that end a visit: for
 * links that talk to a stranger before they become their program (rm-auth,
 * rm-login).  As the rest of the chain's own functions, these may exit:
 * whoever is gone, or has to go, leaves from inside them, with the last word
 * that rm-toolkit(7) gives it.
 */

/* Blocks TERM and HUP but at rest, and remembers how they came. */
void rm_peer_init(void);

/* Hands both signals on as they came: the last act before the exec. */
void rm_peer_release(void);

/* Sends one line, cut to what a line may have; the LF is added. */
void rm_peer_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Waits until fd has something to read; false if the deadline (a point of
 * rm_num_now_ms) came first.
 */
bool rm_peer_wait(int fd, int64_t deadline);

/* Waits for that point of time alone. */
void rm_peer_rest(int64_t deadline);

/*
 * Takes the descriptor that RM_ADMIT_FD names, if there is one, and unsets
 * the name; exits 100 if it is none.  Returns it, close-on-exec, or -1.
 */
int rm_peer_admit_fd(void);

/*
 * Tells the listener that the peer is no stranger any more, closes the
 * descriptor and sets it to -1; nothing to do if it is that already.
 */
void rm_peer_admit(int *fd);

#endif
