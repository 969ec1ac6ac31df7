/* SPDX-License-Identifier: ISC */
#ifndef RM_REPLY_H
#define RM_REPLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_code.h"
#include "rm_die.h"
#include "rm_hash.h"
#include "rm_text.h"

/*
 * What an appliance says (rm-toolkit(7), THE WIRE), as a station reads it.
 * Lines come without their LF.  All of it is pure; what is handed out has
 * been cleaned and can be shown on a terminal.
 */

#define RM_REPLY_ARMING		32	/* digits of an arming id */

/* The first line. */
struct rm_greeting {
	bool busy;
	char appliance[RM_HASH_HEX];	/* what it calls itself: a word */
	char arming[RM_REPLY_ARMING + 1];
	char rules[RM_HASH_HEX];
	uint64_t log_number;
	char log_hash[RM_HASH_HEX];
};

enum rm_reply_kind {
	RM_REPLY_OUTPUT,	/* ": text" */
	RM_REPLY_PROGRESS,	/* "% 41 text" */
	RM_REPLY_DONE,		/* "+ text" */
	RM_REPLY_REFUSED,	/* "! code text" */
	RM_REPLY_NOTICE		/* "* text" */
};

/* Any other. */
struct rm_reply {
	enum rm_reply_kind kind;
	/*
	 * REFUSED: the code of its word; FAILED, and the word left in the
	 * text, if we do not know it.  NOTICE: RM_CODE_OK if it ends nothing.
	 */
	enum rm_code code;
	uint32_t percent;	/* PROGRESS: 0 to 100 */
	char text[RM_LINE_MAX];
};

/* 0, or -1 if the line is no greeting, or not of this version. */
RM_MUST_CHECK int rm_reply_greeting(struct rm_greeting *ret,
    const uint8_t *line, size_t len);

/* 0, or -1 if the line is none of these. */
RM_MUST_CHECK int rm_reply_line(struct rm_reply *ret, const uint8_t *line,
    size_t len);

/*
 * Takes the text of a vote's answer apart, "1 of 2 for bob: alice".  Returns
 * 0, or -1 (nothing set) if it is another text.
 */
RM_MUST_CHECK int rm_reply_quorum(uint32_t *ret_have, uint32_t *ret_need,
    const char *text);

#endif
