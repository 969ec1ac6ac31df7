/* SPDX-License-Identifier: ISC */
/*
 * Records of the audit log for the eyes.  Values stay spelled as they are in
 * the log, %1B and all: nothing that a peer wrote acts on a terminal.
 */
#include <stdio.h>
#include <string.h>

#include "monitor.h"
#include "rm_record.h"

void
records_show(char ret[static MONITOR_LINE], const char *line, size_t len)
{
	const struct rm_record_field *f;
	struct rm_record rec;
	const char *why;
	size_t n, i;

	if (rm_record_parse(&rec, line, len, &why) == -1) {
		memcpy(ret, "?? ", 3);
		rm_text_clean(ret + 3, MONITOR_LINE - 3,
		    (const uint8_t *)line, len);
		return;
	}
	n = (size_t)snprintf(ret, MONITOR_LINE, "%.5s %.8s %s", rec.time + 5,
	    rec.time + 11, rec.name);
	for (i = 0; i < rec.n && n < MONITOR_LINE; i++) {
		f = &rec.field[i];
		n += (size_t)snprintf(ret + n, MONITOR_LINE - n,
		    " %.*s=%.*s", (int)f->key_len, f->key, (int)f->value_len,
		    f->value);
	}
}
