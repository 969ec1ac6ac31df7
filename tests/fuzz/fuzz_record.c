/* SPDX-License-Identifier: ISC */
/* What parses as a record parses as one again, and its values unspell. */
#include <stddef.h>
#include <stdint.h>

#include "rm_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static char value[RM_EVENT_MAX];
	struct rm_record rec;
	const char *why;

	if (rm_record_parse(&rec, (const char *)data, size, &why) == 0)
		(void)!rm_record_value(value, sizeof(value), &rec, "text");
	if (rm_record_parse_event(&rec, (const char *)data, size, &why) == 0)
		(void)!rm_record_value(value, sizeof(value), &rec, "sig");
	return 0;
}
