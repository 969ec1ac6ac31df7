/* SPDX-License-Identifier: ISC */
/* What a card signs: short, readable, canonical. */
#include "rm_statement.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rm_text.h"

#define ID_DIGITS	32
#define HASH_DIGITS	64

int
rm_statement_session(char ret[static RM_STATEMENT_MAX],
    const struct rm_statement *st)
{
	if (!rm_text_is_hex(st->appliance, HASH_DIGITS) ||
	    !rm_text_is_hex(st->arming, ID_DIGITS) ||
	    !rm_text_is_hex(st->rules, HASH_DIGITS) ||
	    !rm_text_is_hex(st->channel, HASH_DIGITS) ||
	    !rm_text_is_name(st->manager) ||
	    !rm_text_is_hex(st->signer, HASH_DIGITS))
		return -1;
	(void)snprintf(ret, RM_STATEMENT_MAX, "rm-session 1\nappliance %s\n"
	    "arming %s\nrules %s\nchannel %s\nmanager %s\nsigner %s\n",
	    st->appliance, st->arming, st->rules, st->channel, st->manager,
	    st->signer);
	return 0;
}

int
rm_statement_enrol(char ret[static RM_STATEMENT_MAX], const char *appliance,
    const char *custodian, const char *signer)
{
	if (!rm_text_is_hex(appliance, HASH_DIGITS) ||
	    !rm_text_is_name(custodian) ||
	    !rm_text_is_hex(signer, HASH_DIGITS))
		return -1;
	(void)snprintf(ret, RM_STATEMENT_MAX, "rm-enrol 1\nappliance %s\n"
	    "custodian %s\nsigner %s\n", appliance, custodian, signer);
	return 0;
}

static bool
is_payload(const char *payload)
{
	return payload != NULL && (strcmp(payload, "none") == 0 ||
	    strcmp(payload, "secret") == 0 ||
	    rm_text_is_hex(payload, HASH_DIGITS));
}

/* The lines of an operation; the new length, or 0 if there is no room. */
static size_t
add_operation(char ret[static RM_STATEMENT_CONSOLE], size_t len,
    const struct rm_statement_console *st)
{
	const size_t size = RM_STATEMENT_CONSOLE;
	size_t i;

	for (i = 0; i < st->n; i++) {
		len += (size_t)snprintf(ret + len, size - len, "%s ",
		    i == 0 ? "operation" : "argument");
		if (len + 1 >= size || rm_text_spell(ret + len, size - len - 1,
		    (const uint8_t *)st->words[i], strlen(st->words[i])) == -1)
			return 0;
		len += strlen(ret + len);
		ret[len++] = '\n';
		ret[len] = '\0';
	}
	len += (size_t)snprintf(ret + len, size - len, "payload %s\n",
	    st->payload);
	return len < size ? len : 0;
}

int
rm_statement_console(char ret[static RM_STATEMENT_CONSOLE],
    const struct rm_statement_console *st)
{
	size_t len;

	if (!rm_text_is_name(st->purpose) ||
	    !rm_text_is_hex(st->appliance, HASH_DIGITS) ||
	    !rm_text_is_hex(st->nonce, ID_DIGITS) ||
	    !rm_text_is_hex(st->signer, HASH_DIGITS) || (st->n > 0 &&
	    (!rm_text_is_name(st->words[0]) || !is_payload(st->payload))))
		return -1;
	len = (size_t)snprintf(ret, RM_STATEMENT_CONSOLE, "rm-console 1\n"
	    "appliance %s\nnonce %s\npurpose %s\n", st->appliance,
	    st->nonce, st->purpose);
	if (st->n > 0 && (len = add_operation(ret, len, st)) == 0)
		return -1;
	return (size_t)snprintf(ret + len, RM_STATEMENT_CONSOLE - len,
	    "signer %s\n", st->signer) < RM_STATEMENT_CONSOLE - len ? 0 : -1;
}
