/* SPDX-License-Identifier: ISC */
/* Policy and custodians, read together: neither means anything alone. */
#include "rm_rules.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>

#include "rm_io.h"

#define WRITABLE	(S_IWGRP | S_IWOTH)	/* by others than its owner */

/* Nobody gets in if any part is in fault; the first fault is told. */
static int
load_parts(struct rm_rules *ret, const char *text, ssize_t len,
    const char *folder)
{
	ret->custodians.n = ret->custodians.people = 0;
	if (len == -1)
		return rm_err_set(&ret->fault, RM_CODE_POLICY,
		    "unable to read the policy: %s", strerror(errno));
	if (rm_policy_parse(&ret->policy, text, (size_t)len,
	    &ret->fault) == -1)
		return -1;
	if (rm_custodians_load(&ret->custodians, folder, &ret->fault) == -1)
		return -1;
	return rm_policy_fits(&ret->policy, ret->custodians.people,
	    &ret->fault);
}

void
rm_rules_load(struct rm_rules *ret, const char *policy,
    const char *custodians)
{
	char text[RM_POLICY_MAX];
	ssize_t len;

	len = rm_io_load_owned(policy, WRITABLE, text, sizeof(text));
	if (load_parts(ret, text, len, custodians) == 0)
		ret->fault.code = RM_CODE_OK;
	rm_custodians_rules(ret->hash, &ret->custodians, text,
	    len == -1 ? 0 : (size_t)len);
}

size_t
rm_rules_without(struct rm_custodians *list, const char *name,
    const char *keyid)
{
	struct rm_custodian *key;
	size_t i, left = 0, removed = 0;

	for (i = 0; i < list->n; i++) {
		key = &list->key[i];
		if (strcmp(key->name, name) == 0 &&
		    (keyid == NULL || strcmp(key->keyid, keyid) == 0))
			removed++;
		else
			list->key[left++] = *key;
	}
	list->n = left;
	if (removed > 0 && !rm_custodians_has(list, name))
		list->people--;
	return removed;
}
