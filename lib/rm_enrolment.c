/* SPDX-License-Identifier: ISC */
/*
 * The file by which a new card comes to the appliance: its line has the form
 * of a vote, for a name that is not enrolled yet.
 */
#include "rm_enrolment.h"

#include <string.h>

#include "rm_hash.h"

static const char *
take(struct rm_enrolment *ret, struct rm_words *words)
{
	if (words->n != 5 || strcmp(words->word[0], "enrol") != 0)
		return "the first line is not: enrol NAME KEYID ALG SIGNATURE";
	if (!rm_text_is_name(words->word[1]))
		return "the name is not a name";
	if (!rm_text_is_hex(words->word[2], RM_VOTE_KEYID_LEN))
		return "the KEYID is not 64 lower case digits";
	if (strlen(words->word[3]) > RM_VOTE_ALG_MAX)
		return "the algorithm is not known";
	if (rm_hash_unbase64(ret->sig, sizeof(ret->sig), &ret->sig_len,
	    words->word[4]) == -1)
		return "the signature is not base64 of at most 512 bytes";
	strcpy(ret->name, words->word[1]);
	strcpy(ret->keyid, words->word[2]);
	strcpy(ret->alg, words->word[3]);
	return NULL;
}

int
rm_enrolment_parse(struct rm_enrolment *ret, const char *text, size_t len,
    const char **ret_why)
{
	const char *end = memchr(text, '\n', len);
	struct rm_words words;

	*ret_why = "there is no first line";
	if (end == NULL)
		return -1;
	memset(ret, 0, sizeof(*ret));
	if (rm_text_words(&words, (const uint8_t *)text, (size_t)(end - text),
	    ret_why) == -1 || (*ret_why = take(ret, &words)) != NULL)
		return -1;
	ret->pem = end + 1;
	ret->pem_len = len - (size_t)(end + 1 - text);
	return 0;
}
