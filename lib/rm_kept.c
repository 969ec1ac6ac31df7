/* SPDX-License-Identifier: ISC */
/*
 * until MS
 * channel HEX
 * keep MANAGER KEYID ALG BASE64SIG
 */
#include "rm_kept.h"

#include <stdio.h>
#include <string.h>

#include "rm_num.h"

#define UNTIL	"until "
#define CHANNEL	"channel "

int
rm_kept_write(char *ret, size_t size, const struct rm_kept *kept)
{
	char sig[RM_VOTE_SIG_MAX * 2];
	int n;

	if (rm_hash_base64(sig, sizeof(sig), kept->vote.sig,
	    kept->vote.sig_len) == -1)
		return -1;
	n = snprintf(ret, size, UNTIL "%llu\n" CHANNEL "%s\n"
	    "keep %s %s %s %s\n", (unsigned long long)kept->until_ms,
	    kept->channel, kept->vote.manager, kept->vote.keyid,
	    kept->vote.alg, sig);
	return n < 0 || (size_t)n >= size ? -1 : n;
}

/* The next line, copied to ret behind key; NULL if it is another. */
static const char *
take_value(char *ret, size_t size, const char *key, const char *p,
    const char *end)
{
	const char *lf = memchr(p, '\n', (size_t)(end - p));
	size_t len, skip = strlen(key);

	if (lf == NULL || (len = (size_t)(lf - p)) < skip ||
	    memcmp(p, key, skip) != 0 || len - skip >= size)
		return NULL;
	memcpy(ret, p + skip, len - skip);
	ret[len - skip] = '\0';
	return lf + 1;
}

int
rm_kept_parse(struct rm_kept *ret, const char *text, size_t len)
{
	char until[24], channel[RM_HASH_HEX];
	const char *p, *end = text + len;
	uint64_t n;

	if ((p = take_value(until, sizeof(until), UNTIL, text, end)) == NULL ||
	    (p = take_value(channel, sizeof(channel), CHANNEL, p, end)) ==
	    NULL || p == end || end[-1] != '\n' ||
	    rm_num_u64(&n, until, 0, UINT64_MAX) == -1 ||
	    !rm_text_is_hex(channel, RM_HASH_HEX - 1))
		return -1;
	rm_vote_parse(&ret->vote, (const uint8_t *)p, (size_t)(end - p) - 1);
	if (ret->vote.kind != RM_VOTE_KEEP)
		return -1;
	ret->until_ms = n;
	strcpy(ret->channel, channel);
	return 0;
}
