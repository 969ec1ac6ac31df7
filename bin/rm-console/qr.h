/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_QR_H
#define RM_CONSOLE_QR_H

#include <stddef.h>

#define QR_LINE		256	/* bytes of a line with its NUL */

/*
 * Writes text as a QR code to ret, a line for two rows of it, in the blocks
 * of Unicode; at most max lines.  Returns how many, or 0: it does not fit.
 * Dark is what the terminal writes with.
 */
size_t qr_make(char ret[][QR_LINE], size_t max, const char *text);

#endif
