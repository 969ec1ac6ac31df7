/* SPDX-License-Identifier: ISC */
/* Foreign bytes as a person gets to see them, and as words of a line. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rm_text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Nothing that a terminal obeys: no control characters, no ESC, no C1. */
static void
is_harmless(const char *text, size_t len)
{
	uint8_t c, before = 0;
	size_t i;

	for (i = 0; i < len; before = c, i++) {
		c = (uint8_t)text[i];
		if (c < 0x20 || c == 0x7f ||
		    (before == 0xc2 && c >= 0x80 && c < 0xa0))
			abort();
	}
}

/* One line has one spelling. */
static void
respell(const struct rm_words *words, const uint8_t *line, size_t len)
{
	char text[3 * RM_LINE_MAX];
	size_t i, n = 0;

	for (i = 0; i < words->n; i++) {
		if (i > 0)
			text[n++] = ' ';
		if (rm_text_spell(text + n, sizeof(text) - n,
		    (const uint8_t *)words->word[i],
		    strlen(words->word[i])) == -1)
			abort();
		n += strlen(text + n);
	}
	if (n != len || memcmp(text, line, len) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct rm_words words;
	const char *why;
	char *text;
	size_t n;

	if ((text = malloc(len + 1)) == NULL)
		return 0;
	rm_text_clean(text, len + 1, data, len);
	if (strlen(text) > len)
		abort();
	is_harmless(text, strlen(text));
	n = rm_text_clean_utf8(text, data, len);
	if (n > len)
		abort();
	is_harmless(text, n);
	free(text);
	if (rm_text_words(&words, data, len, &why) == 0)
		respell(&words, data, len);
	return 0;
}
