/* SPDX-License-Identifier: ISC */
/*
 * Lines of an appliance, taken apart at the station.  Even a pinned appliance
 * is a stranger here: it may have been replaced behind its key, and what it
 * says ends on a person's terminal.
 */
#include "rm_reply.h"

#include <stdio.h>
#include <string.h>

#include "rm_num.h"

#define GREETING_WORDS	6
#define QUORUM_MAX	64

/* The value of a word KEY=VALUE, or NULL if it is another word. */
static const char *
value_of(const char *word, const char *key)
{
	size_t len = strlen(key);

	return strncmp(word, key, len) == 0 && word[len] == '=' ?
	    word + len + 1 : NULL;
}

/* NUMBER:HASH of the log's last record. */
static int
log_head(struct rm_greeting *ret, const char *word)
{
	const char *value = value_of(word, "log"), *colon;
	char number[24];

	if (value == NULL || (colon = strchr(value, ':')) == NULL ||
	    (size_t)(colon - value) >= sizeof(number) ||
	    !rm_text_is_hex(colon + 1, RM_HASH_HEX - 1))
		return -1;
	memcpy(number, value, (size_t)(colon - value));
	number[colon - value] = '\0';
	strcpy(ret->log_hash, colon + 1);
	return rm_num_u64(&ret->log_number, number, 0, UINT64_MAX);
}

int
rm_reply_greeting(struct rm_greeting *ret, const uint8_t *line, size_t len)
{
	const char *why, *arming, *rules;
	struct rm_words words;

	if (rm_text_words(&words, line, len, &why) == -1 ||
	    words.n != GREETING_WORDS || strcmp(words.word[0], "rm/1") != 0)
		return -1;
	ret->busy = strcmp(words.word[2], "busy") == 0;
	if (!ret->busy && strcmp(words.word[2], "ready") != 0)
		return -1;
	arming = value_of(words.word[3], "arming");
	rules = value_of(words.word[4], "rules");
	if (arming == NULL || !rm_text_is_hex(arming, RM_REPLY_ARMING) ||
	    rules == NULL || !rm_text_is_hex(rules, RM_HASH_HEX - 1) ||
	    log_head(ret, words.word[5]) == -1)
		return -1;
	strcpy(ret->arming, arming);
	strcpy(ret->rules, rules);
	rm_text_clean(ret->appliance, sizeof(ret->appliance),
	    (const uint8_t *)words.word[1], strlen(words.word[1]));
	return 0;
}

/* The word at *rest, of which the text begins behind the next space. */
static int
take_word(char *ret, size_t size, const char **rest)
{
	size_t len = strcspn(*rest, " ");

	if (len == 0 || len >= size)
		return -1;
	memcpy(ret, *rest, len);
	ret[len] = '\0';
	*rest += len;
	if (**rest == ' ')
		(*rest)++;
	return 0;
}

/* Drops a first word that has been understood from the text. */
static void
cut_text(struct rm_reply *ret, const char *rest)
{
	memmove(ret->text, rest, strlen(rest) + 1);
}

int
rm_reply_line(struct rm_reply *ret, const uint8_t *line, size_t len)
{
	static const char signs[] = ":%+!*";
	const char *sign, *rest = ret->text;
	char word[32];

	if (len == 0 || len >= RM_LINE_MAX || line[0] == '\0' ||
	    (len > 1 && line[1] != ' ') ||
	    (sign = strchr(signs, line[0])) == NULL)
		return -1;
	ret->kind = (enum rm_reply_kind)(sign - signs);
	ret->code = RM_CODE_OK;
	ret->percent = 0;
	line += len > 1 ? 2 : 1;
	len -= len > 1 ? 2 : 1;
	ret->text[rm_text_clean_utf8(ret->text, line, len)] = '\0';
	switch (ret->kind) {
	case RM_REPLY_OUTPUT:
	case RM_REPLY_DONE:
		break;
	case RM_REPLY_PROGRESS:
		if (take_word(word, sizeof(word), &rest) == -1 ||
		    rm_num_u32(&ret->percent, word, 0, 100) == -1)
			return -1;
		cut_text(ret, rest);
		break;
	case RM_REPLY_REFUSED:
		ret->code = RM_CODE_FAILED;
		if (take_word(word, sizeof(word), &rest) == 0 &&
		    rm_code_of_word(word) != RM_CODE_OK) {
			ret->code = rm_code_of_word(word);
			cut_text(ret, rest);
		}
		break;
	case RM_REPLY_NOTICE:
		ret->code = rm_code_of_notice(ret->text);
		break;
	}
	return 0;
}

int
rm_reply_quorum(uint32_t *ret_have, uint32_t *ret_need, const char *text)
{
	uint32_t have, need;
	char word[8];

	if (take_word(word, sizeof(word), &text) == -1 ||
	    rm_num_u32(&have, word, 1, QUORUM_MAX) == -1 ||
	    take_word(word, sizeof(word), &text) == -1 ||
	    strcmp(word, "of") != 0 ||
	    take_word(word, sizeof(word), &text) == -1 ||
	    rm_num_u32(&need, word, have, QUORUM_MAX) == -1)
		return -1;
	*ret_have = have;
	*ret_need = need;
	return 0;
}
