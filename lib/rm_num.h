/* SPDX-License-Identifier: ISC */
#ifndef RM_NUM_H
#define RM_NUM_H

#include <stdint.h>

#include "rm_die.h"

/*
 * Reads a decimal number; the whole string must be consumed: no sign, no
 * space, no leading "+".  Returns 0 and sets *ret_n, or -1 (nothing set) if
 * s is not a number between min and max.
 */
RM_MUST_CHECK int rm_num_u32(uint32_t *ret_n, const char *s, uint32_t min,
    uint32_t max);
RM_MUST_CHECK int rm_num_u64(uint64_t *ret_n, const char *s, uint64_t min,
    uint64_t max);

/*
 * Reads seconds with at most three decimals ("120", "0.2") into
 * milliseconds between 1 and max_ms.  Returns 0, or -1.
 */
RM_MUST_CHECK int rm_num_ms(uint32_t *ret_ms, const char *s, uint32_t max_ms);

/* Milliseconds of CLOCK_MONOTONIC: for deadlines, never set back. */
int64_t rm_num_now_ms(void);

#endif
