/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_MONITOR_H
#define RM_CONSOLE_MONITOR_H

#include <stddef.h>
#include <stdint.h>

#include "rm_tally.h"

#define MONITOR_MS	1000	/* between two samples */
#define MONITOR_LINE	512	/* bytes of a record, as it is shown */

/* --- sample.c: counters, as they are -------------------------------------- */

struct sample {
	int64_t at_ms;
	unsigned int cpu, memory;	/* of the machine, in percent */
	uint32_t sessions;		/* of the service, now */
	struct rm_tally all;		/* since boot */
	uint64_t rate[RM_TALLY_SLOTS];	/* a second, since the one before */
	uint64_t cpu_all, cpu_idle;	/* of the kernel, to be compared */
};

/*
 * Takes a sample; before is the one before, or zero bytes: then nothing is
 * said of the time between.  Waits for nothing; what is not to be had is 0.
 */
void sample_take(struct sample *ret, const struct sample *before);

/* --- records.c: the audit log for the eyes -------------------------------- */

/*
 * One record (len bytes, no LF) in printable ASCII: date, time, name, fields;
 * without what only the chain needs.  What is no record is marked so.
 */
void records_show(char ret[static MONITOR_LINE], const char *line, size_t len);

/* --- lines.c -------------------------------------------------------------- */

/* The same facts as lines, until it is ended. */
_Noreturn void lines_run(void);

#endif
