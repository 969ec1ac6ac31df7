/* SPDX-License-Identifier: ISC */
/* A policy is its owner's, but it may be cut off or mistyped anywhere. */
#include <stdlib.h>
#include <string.h>

#include "rm_policy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	const struct rm_asker nobody = { .custodians = 0 };
	struct rm_policy policy;
	struct rm_err err = { .code = RM_CODE_OK };

	if (rm_policy_parse(&policy, (const char *)data, len, &err) == -1) {
		if (err.code != RM_CODE_POLICY || *err.text == '\0')
			abort();
		return 0;
	}
	/* Whatever is understood asks for somebody, and for no crowd. */
	if (policy.session < 1 || policy.session > RM_POLICY_QUORUM_MAX ||
	    policy.n > RM_POLICY_RULES ||
	    rm_policy_allows(&policy, "x", &nobody, &err) == 0 ||
	    rm_policy_console(&policy, "x") > RM_POLICY_QUORUM_MAX ||
	    rm_policy_console(&policy, "factory-reset") != 0)
		abort();
	return 0;
}
