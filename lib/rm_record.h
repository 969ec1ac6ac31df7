/* SPDX-License-Identifier: ISC */
#ifndef RM_RECORD_H
#define RM_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_event.h"
#include "rm_hash.h"
#include "rm_text.h"

#define RM_RECORD_FIELDS	64	/* key=value pairs of one record */
#define RM_RECORD_TIME		20	/* bytes of 2026-11-23T12:00:00Z */

struct rm_record_field {
	const char *key, *value;	/* into the line; no NUL behind them */
	size_t key_len, value_len;
};

/* A record of the audit log, taken apart (rm-toolkit(7), AUDIT LOG). */
struct rm_record {
	uint64_t number, boot;
	char time[RM_RECORD_TIME + 1];
	char name[RM_NAME_MAX + 1];
	char prev[RM_HASH_HEX];
	size_t n;			/* fields, without prev */
	struct rm_record_field field[RM_RECORD_FIELDS];
};

/*
 * Takes a record (len bytes, without its LF) apart.  Returns 0, or -1 and
 * *ret_why, a text of ours.  What passes has exactly one spelling.  Pure; the
 * fields point into line.
 */
RM_MUST_CHECK int rm_record_parse(struct rm_record *ret, const char *line,
    size_t len, const char **ret_why);

/*
 * The same for what a client hands in, "NAME key=value ...": the keys that
 * the appender writes itself (uid, pid, prev) are refused.
 */
RM_MUST_CHECK int rm_record_parse_event(struct rm_record *ret,
    const char *text, size_t len, const char **ret_why);

/*
 * Writes the value of a field, unspelled, and a NUL to ret.  Returns 0, or -1
 * if there is no such field or it does not fit.
 */
RM_MUST_CHECK int rm_record_value(char *ret, size_t size,
    const struct rm_record *rec, const char *key);

#endif
