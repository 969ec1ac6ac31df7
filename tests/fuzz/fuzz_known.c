/* SPDX-License-Identifier: ISC */
/* What is read must be what would be written: no line has two meanings. */
#include <stdlib.h>
#include <string.h>

#include "rm_known.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_line(const struct rm_known *known)
{
	struct rm_known back;
	char line[512];
	size_t at;

	if (rm_known_write(known, line, sizeof(line)) == -1 ||
	    rm_known_find(line, strlen(line), known->name, NULL, NULL, &back,
	    &at) != 1 || memcmp(known->keyid, back.keyid,
	    sizeof(back.keyid)) != 0 || strcmp(known->host, back.host) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const char *text = (const char *)data;
	struct rm_known known;
	size_t line = 0;

	switch (rm_known_find(text, len, NULL, "h", "1", &known, &line)) {
	case 1:
		check_line(&known);
		break;
	case -1:
		if (line == 0)
			abort();
		break;
	}
	if (rm_known_find(text, len, "a", NULL, NULL, &known, &line) == 1)
		check_line(&known);
	if (rm_known_address(text, len, &known) == 0 &&
	    (*known.host == '\0' || strlen(known.port) > 5))
		abort();
	return 0;
}
