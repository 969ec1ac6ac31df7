/* SPDX-License-Identifier: ISC */
#ifndef TAP_H
#define TAP_H

/* What unit tests share: a line of TAP a check, and bytes by their digits. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

static int tests;	/* checks so far: the plan, at the end */

static inline void
ok(bool good, const char *what)
{
	printf("%sok %d - %s\n", good ? "" : "not ", ++tests, what);
}

/* Hexadecimal digits to bytes; returns how many.  For a test's own texts. */
static inline size_t
unhex(uint8_t *ret, const char *hex)
{
	unsigned int byte;
	size_t n;

	for (n = 0; sscanf(hex + 2 * n, "%2x", &byte) == 1; n++)
		ret[n] = (uint8_t)byte;
	return n;
}

#endif
