/* SPDX-License-Identifier: ISC */
/* What an appliance says: greeting, lines, the answer to a vote. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rm_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rm_greeting greeting;
	struct rm_reply reply;
	uint32_t have, need;
	size_t i;

	(void)!rm_reply_greeting(&greeting, data, size);
	if (rm_reply_line(&reply, data, size) == -1)
		return 0;
	for (i = 0; reply.text[i] != '\0'; i++)
		if ((uint8_t)reply.text[i] < 0x20 || reply.text[i] == 0x7f)
			abort();
	if (rm_reply_quorum(&have, &need, reply.text) == 0 && have > need)
		abort();
	return 0;
}
