/* SPDX-License-Identifier: ISC */
#ifndef READER_H
#define READER_H

#include <stdbool.h>

#include "rm_reader.h"
#include "rm_vote.h"

#define READER_BYTES_MAX	65536	/* from one peer, in all */

/* Starts the jailed half, which reads exactly one line for each question. */
void reader_start(struct rm_reader *ret, int not_for_it);

/*
 * Takes the answer once it is there.  False if it is not a sound one: then
 * the reader is not to be trusted any more.
 */
bool reader_take(struct rm_reader *reader, struct rm_vote *ret);

#endif
