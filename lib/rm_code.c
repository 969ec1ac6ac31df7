/* SPDX-License-Identifier: ISC */
/* The one table of refusals. */
#include "rm_code.h"

#include <stddef.h>
#include <string.h>

static const struct {
	enum rm_code code;
	const char *word;
} table[] = {
	{ RM_CODE_DENIED, "denied" },
	{ RM_CODE_BUSY, "busy" },
	{ RM_CODE_NOT_ARMED, "not-armed" },
	{ RM_CODE_IDLE_LIMIT, "idle-limit" },
	{ RM_CODE_LOCAL_CONSOLE, "local-console" },
	{ RM_CODE_GOING_DOWN, "going-down" },
	{ RM_CODE_NO_READER, "no-reader" },
	{ RM_CODE_NO_CARD, "no-card" },
	{ RM_CODE_WRONG_PIN, "wrong-pin" },
	{ RM_CODE_PIN_BLOCKED, "pin-blocked" },
	{ RM_CODE_LAST_TRY, "last-try" },
	{ RM_CODE_CARD_LOST, "card-lost" },
	{ RM_CODE_UNKNOWN_KEY, "unknown-key" },
	{ RM_CODE_CHANGED_KEY, "changed-key" },
	{ RM_CODE_NOT_ENROLLED, "not-enrolled" },
	{ RM_CODE_QUORUM, "quorum-incomplete" },
	{ RM_CODE_FAILED, "failed" },
	{ RM_CODE_POLICY, "policy" },
	{ RM_CODE_CONNECTION, "connection-lost" },
	{ RM_CODE_USAGE, "usage" },
	{ RM_CODE_SYSTEM, "system" },
};

static const struct {
	enum rm_code code;
	const char *text;
} notices[] = {
	{ RM_CODE_LOCAL_CONSOLE, RM_NOTICE_LOCAL_CONSOLE },
	{ RM_CODE_GOING_DOWN, RM_NOTICE_GOING_DOWN },
	{ RM_CODE_IDLE_LIMIT, RM_NOTICE_IDLE_LIMIT },
};

#define N(a)	(sizeof(a) / sizeof((a)[0]))

const char *
rm_code_word(enum rm_code code)
{
	size_t i;

	for (i = 0; i < N(table); i++)
		if (table[i].code == code)
			return table[i].word;
	return "failed";
}

enum rm_code
rm_code_of_word(const char *word)
{
	size_t i;

	for (i = 0; i < N(table); i++)
		if (strcmp(table[i].word, word) == 0)
			return table[i].code;
	return RM_CODE_OK;
}

enum rm_code
rm_code_of_notice(const char *text)
{
	size_t i;

	for (i = 0; i < N(notices); i++)
		if (strcmp(notices[i].text, text) == 0)
			return notices[i].code;
	return RM_CODE_OK;
}
