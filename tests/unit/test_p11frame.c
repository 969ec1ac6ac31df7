/* SPDX-License-Identifier: ISC */
/* Frames of p11-kit's protocol, cut at every place where they can be cut. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rm_p11frame.h"
#include "tap.h"

/* Options and a body, nothing at all, and a body alone. */
static const uint8_t stream[] = {
	0,
	0, 0, 0, 0x10,  0, 0, 0, 3,  0, 0, 0, 5,  'h', 's', 'm',  1, 2, 3, 4, 5,
	0, 0, 0, 0x11,  0, 0, 0, 0,  0, 0, 0, 0,
	0xff, 0, 0, 1,  0, 0, 0, 0,  0, 0, 0, 1,  9,
};

/* The events of a stream that comes in two parts, a letter each. */
static void
events(char *ret, struct rm_p11frame *f, size_t cut)
{
	static const char letters[] = ".vbe";
	enum rm_p11frame_event event;
	size_t part, from = 0, to, n;

	for (part = 0; part < 2; part++) {
		to = part == 0 ? cut : sizeof(stream);
		do {
			event = rm_p11frame_step(f, stream + from, to - from,
			    &n);
			if (n > to - from)
				return;
			from += n;
			if (event != RM_P11FRAME_MORE)
				*ret++ = letters[event];
		} while (event != RM_P11FRAME_MORE);
		if (from != to)
			return;
	}
	*ret = '\0';
}

static void
test_cuts(void)
{
	struct rm_p11frame f;
	char text[64];
	size_t cut;
	bool good = true;

	for (cut = 0; cut <= sizeof(stream); cut++) {
		memset(&f, 0, sizeof(f));
		memset(text, 0, sizeof(text));
		events(text, &f, cut);
		good = good && strcmp(text, "vbebebe") == 0 &&
		    f.code == 0xff000001 && f.left == 0 &&
		    !rm_p11frame_is_open(&f);
	}
	ok(good, "the same events wherever the stream is cut");
}

static void
test_lengths(void)
{
	static const uint8_t huge[] = { 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff,
	    0xff, 0xff, 0xff, 0xff };
	struct rm_p11frame f = { .begun = false };
	uint8_t some[256] = { 0 };
	size_t n;

	ok(!rm_p11frame_is_open(&f), "nothing has passed");
	ok(rm_p11frame_step(&f, huge, sizeof(huge), &n) ==
	    RM_P11FRAME_VERSION && n == 1 && f.version == 1, "the version");
	ok(rm_p11frame_step(&f, huge + 1, 5, &n) == RM_P11FRAME_MORE &&
	    n == 5 && !rm_p11frame_is_open(&f), "half a head");
	ok(rm_p11frame_step(&f, huge + 6, sizeof(huge) - 6, &n) ==
	    RM_P11FRAME_BEGIN && n == sizeof(huge) - 6 &&
	    f.left == 0x1fffffffe && rm_p11frame_is_open(&f), "two lengths add up without a wrap");
	ok(rm_p11frame_step(&f, some, sizeof(some), &n) == RM_P11FRAME_MORE &&
	    n == sizeof(some) && f.left == 0x1fffffffe - sizeof(some),
	    "only what comes is counted");
	f.left = 3;
	ok(rm_p11frame_step(&f, some, sizeof(some), &n) == RM_P11FRAME_END &&
	    n == 3 && !rm_p11frame_is_open(&f),
	    "what follows a frame is left alone");
}

static void
test_failed(void)
{
	static const uint8_t want[RM_P11FRAME_FAILED] = {
		0, 0, 0x12, 0x34,  0, 0, 0, 0,  0, 0, 0, 17,
		0, 0, 0, 0,  0, 0, 0, 1, 'u',  0, 0, 0, 1, 0, 0, 0, 0x32,
	};
	struct rm_p11frame f = { .begun = true };
	uint8_t got[RM_P11FRAME_FAILED];
	size_t n;

	rm_p11frame_failed(got, 0x1234, 0x100000032);
	ok(memcmp(got, want, sizeof(want)) == 0, "a failure, byte for byte");
	ok(rm_p11frame_step(&f, got, sizeof(got), &n) == RM_P11FRAME_BEGIN &&
	    f.code == 0x1234 && f.left == sizeof(got) - n, "is a frame");
}

int
main(void)
{
	test_cuts();
	test_lengths();
	test_failed();
	printf("1..%d\n", tests);
	return 0;
}
