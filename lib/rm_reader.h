/* SPDX-License-Identifier: ISC */
#ifndef RM_READER_H
#define RM_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rm_die.h"

/*
 * Who looks at foreign bytes for a link that goes on to exec: a child, which
 * jails itself, reads descriptor 0 when it is asked, and hands up answers of
 * a fixed size.  These functions may exit, as those of rm_chain.h.
 */
struct rm_reader {
	pid_t pid;
	int ask;
	int answer;	/* readable when the answer is there */
};

/*
 * Forks the reader, which dies with us and becomes serve: for each byte that
 * comes from asked it writes one answer to answer, in one piece, at most
 * PIPE_BUF bytes.  It has descriptors 0 and 2 and these two, neither the
 * peer's 1 nor not_for_it (-1: none); it MUST enter a jail before it reads 0.
 */
void rm_reader_start(struct rm_reader *ret, int not_for_it,
    void (*serve)(int asked, int answer));

/* Asks for one answer. */
void rm_reader_ask(struct rm_reader *reader);

/*
 * Takes an answer of size bytes once it is there.  False if it is not whole.
 * Who takes it MUST look at it as if a stranger had sent it.
 */
RM_MUST_CHECK bool rm_reader_take(struct rm_reader *reader, void *ret,
    size_t size);

/* Ends the reader and waits until it is gone. */
void rm_reader_end(struct rm_reader *reader);

#endif
