/* SPDX-License-Identifier: ISC */
/* Who signed: the enrolled key, the signature, the record of both. */
#include "rm_signed.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "rm_event.h"
#include "rm_hash.h"
#include "rm_io.h"

#define WRITABLE	(S_IWGRP | S_IWOTH)	/* by others than its owner */

struct rm_pub *
rm_signed_key(const char *folder, const char *who, const char *keyid,
    const char **ret_why)
{
	char path[PATH_MAX], pem[2 * RM_PUB_PEM_MAX];
	struct rm_pub *pub;
	ssize_t len;
	int n;

	n = snprintf(path, sizeof(path), "%s/%s/%s.pem", folder, who, keyid);
	if (n < 0 || (size_t)n >= sizeof(path)) {
		*ret_why = "path too long";
		return NULL;
	}
	len = rm_io_load_owned(path, WRITABLE, pem, sizeof(pem));
	if (len == -1) {
		*ret_why = strerror(errno);
		return NULL;
	}
	if ((pub = rm_pub_from_pem(pem, (size_t)len, ret_why)) == NULL)
		return NULL;
	if (strcmp(rm_pub_keyid(pub), keyid) == 0)
		return pub;
	*ret_why = "another key than its name says";
	rm_pub_free(pub);
	return NULL;
}

int
rm_signed_check(const struct rm_vote *vote, const struct rm_pub *pub,
    const char *text, const char *what, struct rm_err *err)
{
	if (strcmp(vote->alg, rm_pub_alg(pub)) != 0)
		return rm_err_set(err, RM_CODE_DENIED, "the enrolled key "
		    "signs with %s", rm_pub_alg(pub));
	if (rm_pub_verify(pub, text, strlen(text), vote->sig,
	    vote->sig_len) == -1)
		return rm_err_set(err, RM_CODE_DENIED, "the signature does "
		    "not verify for %s", what);
	return 0;
}

void
rm_signed_put(struct rm_event *ev, const char *text, const uint8_t *sig,
    size_t sig_len, const struct rm_pub *pub)
{
	char key[RM_PUB_PEM_MAX], base64[RM_PUB_PEM_MAX];

	rm_pub_base64(pub, key);
	rm_event_put(ev, "text", text);
	rm_event_put(ev, "alg", rm_pub_alg(pub));
	if (rm_hash_base64(base64, sizeof(base64), sig, sig_len) == -1)
		ev->failed = true;
	else
		rm_event_put(ev, "sig", base64);
	rm_event_put(ev, "key", key);
}
