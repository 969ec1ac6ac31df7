/* SPDX-License-Identifier: ISC */
/*
 * The verifier: needs nothing but the log, runs anywhere.  It checks that each
 * line is a record, that numbers follow each other, that each carries the
 * hash of the one before, and that every signature in it is its key's.
 */
#include <stdio.h>
#include <string.h>

#include "audit.h"
#include "rm_hash.h"
#include "rm_num.h"
#include "rm_pub.h"
#include "rm_record.h"
#include "rm_text.h"

struct witness {
	uint64_t number;
	char hash[RM_HASH_HEX];
	bool seen;
};

static void
parse_witness(struct witness *ret, const char *text)
{
	char copy[24 + RM_HASH_HEX], *colon;

	(void)snprintf(copy, sizeof(copy), "%s", text);
	if ((colon = strchr(copy, ':')) != NULL)
		*colon++ = '\0';
	if (colon == NULL || strlen(text) >= sizeof(copy) ||
	    rm_num_u64(&ret->number, copy, 1, UINT64_MAX) == -1 ||
	    !rm_text_is_hex(colon, RM_HASH_HEX - 1))
		diex(RM_EXIT_USAGE, "-H wants NUMBER:HASH, not %s", text);
	(void)snprintf(ret->hash, sizeof(ret->hash), "%s", colon);
}

/* The signer named in the text is the key that signed it. */
static bool
names_signer(const char *text, const char *keyid)
{
	char line[16 + RM_HASH_HEX];

	(void)snprintf(line, sizeof(line), "\nsigner %s\n", keyid);
	return strstr(text, line) != NULL;
}

/* A record with a signature: NULL, or what is wrong with it. */
static const char *
check_signature(const struct rm_record *rec)
{
	char text[RM_LINE_MAX], alg[32], b64[RM_PUB_PEM_MAX];
	uint8_t der[RM_PUB_DER_MAX], sig[RM_PUB_SIG_MAX];
	size_t der_len, sig_len;
	struct rm_pub *pub;
	const char *why;

	if (rm_record_value(b64, sizeof(b64), rec, "sig") == -1 ||
	    rm_hash_unbase64(sig, sizeof(sig), &sig_len, b64) == -1)
		return "its sig is none";
	if (rm_record_value(b64, sizeof(b64), rec, "key") == -1 ||
	    rm_hash_unbase64(der, sizeof(der), &der_len, b64) == -1)
		return "its key is none";
	if (rm_record_value(text, sizeof(text), rec, "text") == -1 ||
	    rm_record_value(alg, sizeof(alg), rec, "alg") == -1)
		return "it has a sig, but no text or alg";
	if ((pub = rm_pub_from_der(der, der_len, &why)) == NULL)
		return why;
	why = NULL;
	if (strcmp(alg, rm_pub_alg(pub)) != 0)
		why = "its alg is not that of its key";
	else if (rm_pub_verify(pub, text, strlen(text), sig, sig_len) == -1)
		why = "its signature does not verify";
	else if (!names_signer(text, rm_pub_keyid(pub)))
		why = "its text names another signer";
	rm_pub_free(pub);
	return why;
}

static bool
has_signature(const struct rm_record *rec)
{
	size_t i;

	for (i = 0; i < rec->n; i++)
		if (rec->field[i].key_len == 3 &&
		    memcmp(rec->field[i].key, "sig", 3) == 0)
			return true;
	return false;
}

/* NULL, or what is wrong with this line after number and hash. */
static const char *
check(const char *line, size_t len, uint64_t number, const char *hash)
{
	struct rm_record rec;
	const char *why;

	if (rm_record_parse(&rec, line, len, &why) == -1)
		return why;
	if (rec.number != number)
		return "its number does not follow";
	if (strcmp(rec.prev, hash) != 0)
		return "its prev is not the hash of the record before";
	if (has_signature(&rec))
		return check_signature(&rec);
	return strcmp(rec.name, "vote") == 0 ? "a vote has no sig" : NULL;
}

void
audit_verify(int fd, const char *expected)
{
	static struct lines lines;
	struct witness witness = { .seen = true };
	char hash[RM_HASH_HEX];
	uint64_t number = 0;
	const char *line, *why;
	size_t len;

	if (expected != NULL) {
		parse_witness(&witness, expected);
		witness.seen = false;
	}
	lines.fd = fd;
	memset(hash, '0', sizeof(hash) - 1);
	hash[sizeof(hash) - 1] = '\0';
	while ((line = lines_next(&lines, &len)) != NULL) {
		why = check(line, len, ++number, hash);
		if (why != NULL)
			diex(RM_EXIT_REFUSED, "record %ju is bad: %s",
			    (uintmax_t)number, why);
		rm_hash_blake2b(hash, line, len + 1);
		if (number == witness.number) {
			witness.seen = true;
			if (strcmp(hash, witness.hash) != 0)
				diex(RM_EXIT_REFUSED, "record %ju is not the "
				    "one with the hash %s", (uintmax_t)number,
				    witness.hash);
		}
	}
	/* A write that was cut off leaves less than a record. */
	if (len >= RM_EVENT_MAX)
		diex(RM_EXIT_REFUSED, "record %ju is bad: line too long",
		    (uintmax_t)number + 1);
	if (!witness.seen)
		diex(RM_EXIT_REFUSED, "the log is shortened: it ends with "
		    "record %ju, and %ju was seen", (uintmax_t)number,
		    (uintmax_t)witness.number);
	if (len > 0)
		rm_warnx("%zu bytes of a torn record behind record %ju", len,
		    (uintmax_t)number);
	(void)printf("%ju records, head %s\n", (uintmax_t)number, hash);
}
