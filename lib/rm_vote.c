/* SPDX-License-Identifier: ISC */
/*
 * The line by which a station hands on a card's signature.  Taken apart by a
 * jailed reader, looked at again by the link above it.
 */
#include "rm_vote.h"

#include <string.h>

#include "rm_hash.h"

static bool
is_alg(const char *word)
{
	static const char *const algs[] = { "ecdsa-sha256", "ecdsa-sha384",
		"rsa-pkcs1-sha256", "ed25519" };
	size_t i;

	for (i = 0; i < sizeof(algs) / sizeof(algs[0]); i++)
		if (strcmp(word, algs[i]) == 0)
			return true;
	return false;
}

/* NULL, or what is wrong with the words. */
static const char *
take(struct rm_vote *ret, struct rm_words *words)
{
	size_t len;

	ret->kind = strcmp(words->word[0], "keep") == 0 ? RM_VOTE_KEEP :
	    RM_VOTE_GIVEN;
	if (ret->kind == RM_VOTE_GIVEN &&
	    strcmp(words->word[0], "present") != 0)
		return "votes come first: present MANAGER KEYID ALG SIGNATURE";
	if (words->n != 5)
		return "a vote is: present MANAGER KEYID ALG SIGNATURE";
	if (!rm_text_is_name(words->word[1]))
		return "the manager's name is not a name";
	if (!rm_text_is_hex(words->word[2], RM_VOTE_KEYID_LEN))
		return "the KEYID is not 64 lower case digits";
	if (!is_alg(words->word[3]))
		return "the algorithm is not known";
	if (rm_hash_unbase64(ret->sig, sizeof(ret->sig), &len,
	    words->word[4]) == -1)
		return "the signature is not base64 of at most 512 bytes";
	strcpy(ret->manager, words->word[1]);
	strcpy(ret->keyid, words->word[2]);
	strcpy(ret->alg, words->word[3]);
	ret->sig_len = (uint32_t)len;
	return NULL;
}

void
rm_vote_parse(struct rm_vote *ret, const uint8_t *line, size_t len)
{
	struct rm_words words;
	const char *why;

	memset(ret, 0, sizeof(*ret));
	if (rm_text_words(&words, line, len, &why) == 0)
		why = take(ret, &words);
	if (why == NULL)
		return;
	ret->kind = RM_VOTE_BAD;
	rm_text_clean(ret->why, sizeof(ret->why), (const uint8_t *)why,
	    strlen(why));
}

static bool
is_text(const char *s, size_t size)
{
	const char *end = memchr(s, '\0', size);

	for (; end != NULL && s < end; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return end != NULL;
}

bool
rm_vote_is_sound(const struct rm_vote *vote)
{
	switch (vote->kind) {
	case RM_VOTE_END:
	case RM_VOTE_FULL:
		return true;
	case RM_VOTE_BAD:
		return is_text(vote->why, sizeof(vote->why));
	case RM_VOTE_GIVEN:
	case RM_VOTE_KEEP:
		return is_text(vote->manager, sizeof(vote->manager)) &&
		    rm_text_is_name(vote->manager) &&
		    is_text(vote->keyid, sizeof(vote->keyid)) &&
		    rm_text_is_hex(vote->keyid, RM_VOTE_KEYID_LEN) &&
		    is_text(vote->alg, sizeof(vote->alg)) &&
		    is_alg(vote->alg) &&
		    vote->sig_len <= sizeof(vote->sig);
	}
	return false;
}
