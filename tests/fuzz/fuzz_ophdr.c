/* SPDX-License-Identifier: ISC */
/* The header of an operation, and a line of the wire held against it. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rm_ophdr.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct rm_words words;
	char form[RM_OPHDR_USAGE];
	struct rm_ophdr hdr;
	const uint8_t *end;
	const char *why;
	size_t i, len;

	/* What stands behind the first NUL is the line. */
	end = size > 0 ? memchr(data, '\0', size) : NULL;
	len = end != NULL ? (size_t)(end - data) : size;
	if (rm_ophdr_parse(&hdr, data, len, &why) == -1)
		return 0;
	rm_ophdr_usage(form, sizeof(form), &hdr,
	    "abcdefghijklmnopqrstuvwxyzabcdef", true);
	if (strlen(form) >= sizeof(form) - 1 ||
	    (*hdr.payload != '\0' && !rm_text_is_name(hdr.payload)))
		abort();
	(void)!rm_ophdr_check_payload(&hdr, "key", &why);
	if (end == NULL)
		return 0;
	if (rm_text_words(&words, end + 1, size - len - 1, &why) == -1)
		return 0;
	/* The expressions are libc's to compile, and the owner's. */
	for (i = 0; i < hdr.n_args; i++)
		if (hdr.arg[i].kind == RM_OP_REGEX)
			return 0;
	(void)!rm_ophdr_check(&hdr, words.n, words.word, "box", &why);
	return 0;
}
