/* SPDX-License-Identifier: ISC */
/* What is left of a vote in a file, whoever wrote it. */
#include <stdlib.h>
#include <string.h>

#include "rm_kept.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rm_kept kept, again;
	char text[RM_KEPT_MAX];
	int n;

	if (len >= RM_KEPT_MAX ||
	    rm_kept_parse(&kept, (const char *)data, len) == -1)
		return 0;
	if (!rm_vote_is_sound(&kept.vote) ||
	    (n = rm_kept_write(text, sizeof(text), &kept)) == -1 ||
	    rm_kept_parse(&again, text, (size_t)n) == -1 ||
	    again.until_ms != kept.until_ms ||
	    again.vote.sig_len != kept.vote.sig_len)
		abort();
	return 0;
}
