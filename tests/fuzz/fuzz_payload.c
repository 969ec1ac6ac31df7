/* SPDX-License-Identifier: ISC */
/* The line that says how many bytes of the peer's are no lines. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm_payload.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rm_payload p;
	char text[RM_PAYLOAD_LINE + 1];

	if (rm_payload_parse(&p, data, len) == -1)
		return 0;
	/* One announcement has one spelling. */
	(void)snprintf(text, sizeof(text), "< %s %u", p.name, p.len);
	if (!rm_text_is_name(p.name) || strlen(text) != len ||
	    memcmp(text, data, len) != 0)
		abort();
	return 0;
}
