/* SPDX-License-Identifier: ISC */
/* Any line a stranger sends, and any answer a taken-over reader gives. */
#include <stdlib.h>
#include <string.h>

#include "rm_vote.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rm_vote vote;

	rm_vote_parse(&vote, data, len);
	if (!rm_vote_is_sound(&vote) || (vote.kind != RM_VOTE_GIVEN &&
	    vote.kind != RM_VOTE_KEEP && vote.kind != RM_VOTE_BAD))
		abort();
	if (len > sizeof(vote))
		len = sizeof(vote);
	memcpy(&vote, data, len);
	if (rm_vote_is_sound(&vote) && vote.kind == RM_VOTE_GIVEN &&
	    strlen(vote.manager) > RM_NAME_MAX)
		abort();
	return 0;
}
