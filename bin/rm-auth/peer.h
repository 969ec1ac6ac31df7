/* SPDX-License-Identifier: ISC */
#ifndef PEER_H
#define PEER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The peer's side of descriptor 1, and the two signals that end a visit.
 * Whoever is gone, or has to go, leaves from inside these functions, with the
 * last word that rm-toolkit(7) gives it.
 */

/* Blocks TERM and HUP but in peer_wait, and remembers how they came. */
void peer_init(void);

/* Hands both signals on as they came: the last act before the exec. */
void peer_release(void);

/* Sends one line, cut to what a line may have; the LF is added. */
void peer_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Waits until fd has something to read; false if the deadline (a point of
 * rm_num_now_ms) came first.
 */
bool peer_wait(int fd, int64_t deadline);

#endif
