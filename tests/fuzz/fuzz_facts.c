/* SPDX-License-Identifier: ISC */
/* What a copier that was taken over tells its parent, and the environment. */
#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rm_copier.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
is_word(const char *s, size_t size)
{
	if (strnlen(s, size) == size)
		abort();
	for (; *s != '\0'; s++)
		if (!isalnum((unsigned char)*s) && strchr("_-.", *s) == NULL)
			abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rm_tls_facts facts;

	if (len != sizeof(facts))
		return 0;
	memcpy(&facts, data, len);
	/* No need to find what is compared with texts of ours. */
	strcpy(facts.version, "TLSv1.3");
	memset(facts.exporter, 'a', sizeof(facts.exporter) - 1);
	facts.exporter[sizeof(facts.exporter) - 1] = '\0';
	if (!rm_copier_is_sane(&facts))
		return 0;
	is_word(facts.version, sizeof(facts.version));
	is_word(facts.group, sizeof(facts.group));
	is_word(facts.signature, sizeof(facts.signature));
	is_word(facts.cipher, sizeof(facts.cipher));
	is_word(facts.peer, sizeof(facts.peer));
	return 0;
}
