/* SPDX-License-Identifier: ISC */
#ifndef RM_CODE_H
#define RM_CODE_H

/*
 * The one table of refusals (rm-toolkit(7), EXIT STATUS): a value is the exit
 * code of rmctl, its word stands in "! word text" lines on the wire.
 */
enum rm_code {
	RM_CODE_OK = 0,
	RM_CODE_DENIED = 1,
	RM_CODE_BUSY = 10,
	RM_CODE_NOT_ARMED = 11,
	RM_CODE_IDLE_LIMIT = 12,
	RM_CODE_LOCAL_CONSOLE = 13,
	RM_CODE_GOING_DOWN = 14,
	RM_CODE_NO_READER = 20,
	RM_CODE_NO_CARD = 21,
	RM_CODE_WRONG_PIN = 22,
	RM_CODE_PIN_BLOCKED = 23,
	RM_CODE_LAST_TRY = 24,
	RM_CODE_CARD_LOST = 25,
	RM_CODE_UNKNOWN_KEY = 30,
	RM_CODE_CHANGED_KEY = 31,
	RM_CODE_NOT_ENROLLED = 32,
	RM_CODE_QUORUM = 33,
	RM_CODE_FAILED = 40,
	RM_CODE_POLICY = 41,
	RM_CODE_CONNECTION = 42,
	RM_CODE_USAGE = 100,
	RM_CODE_SYSTEM = 111
};

/* The notices that end a connection, without "* " and LF. */
#define RM_NOTICE_LOCAL_CONSOLE	"local console took over"
#define RM_NOTICE_GOING_DOWN	"appliance is going down"
#define RM_NOTICE_IDLE_LIMIT	"idle limit reached"

/* The word of a code, or "failed" for RM_CODE_OK; static. */
const char *rm_code_word(enum rm_code code);

/* The code of a word, or RM_CODE_OK if there is no such word. */
enum rm_code rm_code_of_word(const char *word);

/* The code of a notice's text, or RM_CODE_OK if it does not end anything. */
enum rm_code rm_code_of_notice(const char *text);

#endif
