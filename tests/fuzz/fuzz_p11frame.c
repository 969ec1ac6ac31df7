/* SPDX-License-Identifier: ISC */
/*
 * p11-kit's frames in pieces: the first byte is the size of each.  Every byte
 * is taken once, and the events come in their order.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "rm_p11frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum rm_p11frame_event event, last = RM_P11FRAME_MORE;
	struct rm_p11frame frame = { .begun = false };
	size_t piece, n, taken;

	if (size == 0)
		return 0;
	piece = (size_t)*data + 1;
	for (data++, size--; size > 0; data += piece, size -= piece) {
		if (piece > size)
			piece = size;
		for (taken = 0;; taken += n) {
			event = rm_p11frame_step(&frame, data + taken,
			    piece - taken, &n);
			if (n > piece - taken)
				abort();
			if (event == RM_P11FRAME_MORE)
				break;
			if ((event == RM_P11FRAME_VERSION) !=
			    (last == RM_P11FRAME_MORE) ||
			    (event == RM_P11FRAME_END) !=
			    (last == RM_P11FRAME_BEGIN))
				abort();
			last = event;
		}
		if (taken + n != piece)
			abort();
	}
	return 0;
}
