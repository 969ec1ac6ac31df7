/* SPDX-License-Identifier: ISC */
#ifndef RM_PAYLOAD_H
#define RM_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"
#include "rm_text.h"

#define RM_PAYLOAD_MAX	65536	/* bytes that go with a command */
/* Bytes of the longest announcement, without its LF. */
#define RM_PAYLOAD_LINE	(2 + RM_NAME_MAX + 1 + 10)
/* What a station calls a payload if it does not know better. */
#define RM_PAYLOAD_ANY	"payload"

/* An announcement, "< NAME LENGTH": so many bytes follow its LF. */
struct rm_payload {
	uint32_t len;			/* RM_PAYLOAD_MAX does not bound it */
	char name[RM_NAME_MAX + 1];
};

/*
 * Takes an announcement apart, a line without its LF.  Returns 0; or -1 if it
 * is none, and nobody can tell how many bytes belong to it.  Pure.
 */
RM_MUST_CHECK int rm_payload_parse(struct rm_payload *ret,
    const uint8_t *line, size_t len);

#endif
