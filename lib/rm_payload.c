/* SPDX-License-Identifier: ISC */
/*
 * The line in front of bytes that are no lines.  rm-exec and rm-idle count by
 * the same parser, so that they never disagree on where the next line begins.
 */
#include "rm_payload.h"

#include <string.h>

#include "rm_num.h"

int
rm_payload_parse(struct rm_payload *ret, const uint8_t *line, size_t len)
{
	char text[RM_PAYLOAD_LINE + 1], *number;
	uint32_t n;

	if (len < 2 || len > RM_PAYLOAD_LINE || memcmp(line, "< ", 2) != 0 ||
	    memchr(line, '\0', len) != NULL)
		return -1;
	memcpy(text, line + 2, len - 2);
	text[len - 2] = '\0';
	if ((number = strchr(text, ' ')) == NULL)
		return -1;
	*number++ = '\0';
	/* One number, one spelling. */
	if (!rm_text_is_name(text) || (number[0] == '0' && number[1] != '\0') ||
	    rm_num_u32(&n, number, 0, UINT32_MAX) == -1)
		return -1;
	strcpy(ret->name, text);
	ret->len = n;
	return 0;
}
