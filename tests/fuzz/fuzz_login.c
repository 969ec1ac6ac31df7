/* SPDX-License-Identifier: ISC */
/* Any line a stranger logs in with, and any answer a taken-over reader gives;
 * and any file in the place of a hash. */
#include <stdlib.h>
#include <string.h>

#include "rm_login.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
try_hash(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	if (text == NULL)
		return;
	memcpy(text, data, len);
	text[len] = '\0';
	(void)rm_password_is_hash(text);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rm_words words;
	struct rm_login login;

	try_hash(data, len);
	rm_login_parse(&login, &words, data, len);
	if (!rm_login_is_sound(&login) || (login.kind != RM_LOGIN_TRY &&
	    login.kind != RM_LOGIN_BAD))
		abort();
	if (len > sizeof(login))
		len = sizeof(login);
	memcpy(&login, data, len);
	if (rm_login_is_sound(&login) && login.kind == RM_LOGIN_TRY &&
	    (strlen(login.user) > RM_USERS_NAME_MAX ||
	    login.len > RM_PASSWORD_MAX))
		abort();
	return 0;
}
