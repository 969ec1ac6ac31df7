/* SPDX-License-Identifier: ISC */
/*
 * The line by which a user logs in at the service.  Taken apart by a jailed
 * reader, looked at again by the link above it.  No message here repeats any
 * part of the line.
 */
#include "rm_login.h"

#include <string.h>

static const char *
take(struct rm_login *ret, const struct rm_words *words)
{
	size_t len;

	if (strcmp(words->word[0], "login") != 0 || words->n != 3)
		return "log in first: login USER PASSWORD";
	if (rm_users_is_name(words->word[1]))
		strcpy(ret->user, words->word[1]);
	len = strlen(words->word[2]);
	if (len >= RM_PASSWORD_MIN && len <= RM_PASSWORD_MAX) {
		memcpy(ret->password, words->word[2], len);
		ret->len = (uint32_t)len;
	}
	return NULL;
}

void
rm_login_parse(struct rm_login *ret, struct rm_words *words,
    const uint8_t *line, size_t len)
{
	const char *why;

	memset(ret, 0, sizeof(*ret));
	if (rm_text_words(words, line, len, &why) == 0)
		why = take(ret, words);
	ret->kind = why == NULL ? RM_LOGIN_TRY : RM_LOGIN_BAD;
	if (why != NULL)
		rm_text_clean(ret->why, sizeof(ret->why),
		    (const uint8_t *)why, strlen(why));
}

bool
rm_login_is_sound(const struct rm_login *login)
{
	const char *s, *end;

	switch (login->kind) {
	case RM_LOGIN_END:
		return true;
	case RM_LOGIN_BAD:
		end = memchr(login->why, '\0', sizeof(login->why));
		for (s = login->why; end != NULL && s < end; s++)
			if (*s < 0x20 || *s > 0x7e)
				return false;
		return end != NULL;
	case RM_LOGIN_TRY:
		return memchr(login->user, '\0', sizeof(login->user)) !=
		    NULL && (login->user[0] == '\0' ||
		    rm_users_is_name(login->user)) &&
		    login->len <= sizeof(login->password);
	}
	return false;
}
