/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_OPTIONS_H
#define RM_CONSOLE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#include "view.h"

/*
 * What a header cannot say, by the names of operations and their arguments:
 * what there is to choose from at this moment, what stands there now, and of
 * which secrets a payload is made.
 */

#define OPTIONS_MAX	8192

/* Writes WORD|WORD to ret; false if it is a free text, or there is nothing. */
bool options_find(char ret[static OPTIONS_MAX], const char *operation,
    const char *arg);

/* Writes the present value to ret; false if there is none. */
bool options_preset(char *ret, size_t size, const char *operation,
    const char *arg);

/*
 * Writes the fields for the secrets of an operation's payload, at most max,
 * to ret; returns how many.
 */
size_t secrets_ask(const char *operation, struct field *ret, size_t max);

/*
 * Makes the payload, one line a secret, of n fields of the form from first
 * on; *ret, NULL or what an earlier call made, is locked memory then, the
 * caller's.  Returns NULL, or what is
 * wrong.
 */
const char *secrets_take(const char *operation, size_t first, size_t n,
    char **ret, size_t *ret_len);

#endif
