/* SPDX-License-Identifier: ISC */
/* A mode file is its owner's, but it may be cut off or mistyped anywhere. */
#include <stdlib.h>
#include <string.h>

#include "rm_mech.h"
#include "rm_mode.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct rm_mode mode;
	struct rm_err err = { .code = RM_CODE_OK };
	uint32_t bits;
	size_t i, j;

	if (rm_mode_parse(&mode, (const char *)data, len, &err) == -1) {
		if (err.code != RM_CODE_USAGE || *err.text == '\0')
			abort();
		return 0;
	}
	/* Whatever is understood can be kept. */
	for (i = 0; i < mode.n; i++) {
		if (mode.rule[i].min > mode.rule[i].max ||
		    mode.rule[i].use == 0 ||
		    rm_mode_find(&mode, mode.rule[i].mechanism) == NULL)
			abort();
		for (j = 0; j < mode.rule[i].n_hashes; j++)
			if (rm_mech_digest(mode.rule[i].hash[j]) == NULL)
				abort();
	}
	(void)rm_mode_curve(&mode, data, len, &bits);
	return 0;
}
