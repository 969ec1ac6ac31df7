/* SPDX-License-Identifier: ISC */
#ifndef RM_ERR_H
#define RM_ERR_H

#include "rm_code.h"

/*
 * Why something failed: for a person, and for whoever chooses an exit code.
 * The caller owns it; it is written only when a function fails.
 */
struct rm_err {
	enum rm_code code;
	char text[256];		/* one line, cleaned by who prints it */
};

/* Fills err; what does not fit in the text is cut.  Returns -1, always. */
int rm_err_set(struct rm_err *err, enum rm_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
