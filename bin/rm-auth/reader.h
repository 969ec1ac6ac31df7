/* SPDX-License-Identifier: ISC */
#ifndef READER_H
#define READER_H

#include <stdbool.h>
#include <sys/types.h>

#include "rm_vote.h"

#define READER_BYTES_MAX	65536	/* from one peer, in all */

/* The jailed half: it takes lines from descriptor 0 and knows nothing. */
struct reader {
	pid_t pid;
	int ask;
	int answer;	/* readable when the answer is there */
};

/*
 * Forks the reader.  It keeps descriptor 0 and its own pipes only: neither the
 * peer's 1 nor not_for_it (-1: none).
 */
void reader_start(struct reader *ret, int not_for_it);

/* Asks for exactly one line. */
void reader_ask(struct reader *reader);

/*
 * Takes the answer once it is there.  False if it is not a sound one: then
 * the reader is not to be trusted any more.
 */
bool reader_take(struct reader *reader, struct rm_vote *ret);

/* Ends the reader and waits until it is gone. */
void reader_end(struct reader *reader);

#endif
