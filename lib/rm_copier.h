/* SPDX-License-Identifier: ISC */
#ifndef RM_COPIER_H
#define RM_COPIER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "rm_chain.h"
#include "rm_die.h"
#include "rm_relay.h"
#include "rm_tls.h"

/*
 * A copier that speaks TLS, and alone has the key, tells its parent, which is
 * to run the program, what was agreed: once, through a pipe.  If there is
 * nothing to tell it says why on the log and ends, with an exit code.
 */

/*
 * In the copier, from the key to the end of the connection, in this order:
 * reads the files, calls jail, shakes hands until deadline (rm_num_now_ms),
 * writes the facts to report (-1: nobody wants them; it is closed) and copies.
 * The descriptors and role are relay's; relay->tls is set here.  Returns the
 * exit code: 0 after a clean end; 1 if one refused the other (a server: if
 * there was no handshake), 100 for bad files, 111 otherwise, all with err.
 */
RM_MUST_CHECK int rm_copier_run(struct rm_tls_conf *tls,
    struct rm_relay_conf *relay, int report, int64_t deadline,
    void (*jail)(void), struct rm_err *err);

/*
 * True if facts may be believed to be facts: the copier has read foreign
 * bytes, so what it says is a stranger's.  Every string ends, is of its
 * alphabet and of its length.  Pure.
 */
bool rm_copier_is_sane(const struct rm_tls_facts *facts);

/*
 * In the parent: waits until deadline (rm_num_now_ms) for the facts from
 * copier pid on fd, and lets TERM and HUP in meanwhile.  Returns 0 and sets
 * *ret.  Otherwise the copier is gone (killed, if need be) and the result is
 * the exit code: 1, 100 or 111; err->text says why, or is empty if the copier
 * has said so itself.
 */
RM_MUST_CHECK int rm_copier_await(int fd, pid_t pid, int64_t deadline,
    struct rm_tls_facts *ret, struct rm_err *err);

/*
 * In the parent, the rest of it: waits as rm_copier_await, closes report and
 * becomes prog at its end of pipes, with the facts in its environment.  Dies
 * with the copier's code if there are none.
 */
_Noreturn void rm_copier_become(int report, pid_t pid, int64_t deadline,
    struct rm_pipes *pipes, char *prog[]);

#endif
