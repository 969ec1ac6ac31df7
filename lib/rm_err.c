/* SPDX-License-Identifier: ISC */
/* Why something failed, carried to whoever can say it. */
#include "rm_err.h"

#include <stdarg.h>
#include <stdio.h>

int
rm_err_set(struct rm_err *err, enum rm_code code, const char *fmt, ...)
{
	va_list ap;

	err->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	return -1;
}
