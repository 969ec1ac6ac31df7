/* SPDX-License-Identifier: ISC */
/* Any name in a journal: none leads out of its folder, or to a journal. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "rm_undo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char name[2 * NAME_MAX], path[NAME_MAX + 1], *p, *end;
	bool old;

	if (len >= sizeof(name))
		len = sizeof(name) - 1;
	memcpy(name, data, len);
	name[len] = '\0';
	if (rm_undo_parse(path, &old, name) == -1)
		return 0;
	if (path[0] == '\0' || strncmp(path, ".undo", 5) == 0 ||
	    strlen(path) + 4 > strlen(name))
		abort();
	for (p = path; p != NULL; p = end == NULL ? NULL : end + 1) {
		end = strchr(p, '/');
		len = end == NULL ? strlen(p) : (size_t)(end - p);
		if (len == 0 || (len <= 2 && strspn(p, ".") >= len))
			abort();
	}
	return 0;
}
