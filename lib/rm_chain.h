/* SPDX-License-Identifier: ISC */
#ifndef RM_CHAIN_H
#define RM_CHAIN_H

#include <signal.h>

#include "rm_die.h"

/*
 * The program part of a link's command line.  rest is what getopt and the
 * fixed arguments left; exactly one leading "--" is dropped.  Prints usage and
 * exits 100 if nothing is left to run.
 */
char **rm_chain_prog(char *rest[], const char *usage);

/* Becomes prog; exits 126 (cannot be run) or 127 (not found). */
_Noreturn void rm_chain_exec(char *prog[]);

/*
 * The pipes of a link that stays in the middle: the copier (a child) holds
 * to_prog and from_prog, the program gets the other ends as 0 and 1.
 */
struct rm_pipes {
	int prog_in, to_prog;		/* what the program reads */
	int from_prog, prog_out;	/* what the program writes */
	int also;			/* what else the copier keeps, or -1 */
};

/* Makes both pipes, all ends close-on-exec; exits 111 on failure. */
void rm_chain_pipes(struct rm_pipes *ret);

/* In the parent: the program's ends become 0 and 1, the rest is closed. */
void rm_chain_take_program(struct rm_pipes *pipes);

/*
 * In the copier: ignores TERM and HUP, and closes all but 0, 1, 2, its ends
 * and also: a lock or an admission that went through here is not the copier's
 * to hold.
 */
void rm_chain_take_copier(struct rm_pipes *pipes);

/*
 * Links face strangers and must not be root (DESIGN: rights flow along a
 * socket, never along exec): exits 100 if the effective user is root.
 */
void rm_chain_refuse_root(void);

/*
 * For a child right after fork: dies with SIGTERM when its parent goes, and
 * exits at once if the parent (pid) had already gone before that was armed.
 */
void rm_chain_die_with(pid_t parent);

/*
 * Enters one of the jails of rm_sandbox.h; exits 100 if the kernel cannot do
 * it.  With RM_NO_SANDBOX=1 in the environment it goes on without, and says
 * so on the log each time.
 */
void rm_chain_jail(int (*enter)(void));

#endif
