/* SPDX-License-Identifier: ISC */
/* What a card signs: short, readable, canonical. */
#include "rm_statement.h"

#include <stdio.h>

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
