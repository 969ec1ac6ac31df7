/* SPDX-License-Identifier: ISC */
/*
 * The one reader of mode files, and the curves that they can name.  Who asks
 * is rm-gate.so, in every call; who writes them is the owner.  Pure.
 */
#include "rm_mode.h"

#include <string.h>

#include "rm_mech.h"
#include "rm_num.h"
#include "rm_text.h"

#define LINE_BYTES	256
#define WORDS		8	/* more than a line has */
#define BITS_MAX	65536

/* A name in text may stand where an object identifier could: RFC 8410's are
 * given both ways by clients, and one more by old GnuTLS and OpenSC. */
static const struct curve {
	const char *name;
	uint32_t bits;
	uint8_t len;
	const char *params;
} curves[] = {
	{ "P-192", 192, 10, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x01" },
	{ "P-224", 224, 7, "\x06\x05\x2b\x81\x04\x00\x21" },
	{ "P-256", 256, 10, "\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07" },
	{ "P-384", 384, 7, "\x06\x05\x2b\x81\x04\x00\x22" },
	{ "P-521", 521, 7, "\x06\x05\x2b\x81\x04\x00\x23" },
	{ "secp256k1", 256, 7, "\x06\x05\x2b\x81\x04\x00\x0a" },
	{ "brainpoolP256r1", 256, 11,
	    "\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x07" },
	{ "brainpoolP384r1", 384, 11,
	    "\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0b" },
	{ "brainpoolP512r1", 512, 11,
	    "\x06\x09\x2b\x24\x03\x03\x02\x08\x01\x01\x0d" },
	{ "Ed25519", 256, 5, "\x06\x03\x2b\x65\x70" },
	{ "Ed25519", 256, 11,
	    "\x06\x09\x2b\x06\x01\x04\x01\xda\x47\x0f\x01" },
	{ "Ed25519", 256, 14, "\x13\x0c" "edwards25519" },
	{ "Ed448", 456, 5, "\x06\x03\x2b\x65\x71" },
	{ "Ed448", 456, 12, "\x13\x0a" "edwards448" },
	{ "X25519", 256, 5, "\x06\x03\x2b\x65\x6e" },
	{ "X25519", 256, 12,
	    "\x06\x0a\x2b\x06\x01\x04\x01\x97\x55\x01\x05\x01" },
	{ "X25519", 256, 12, "\x13\x0a" "curve25519" },
	{ "X448", 448, 5, "\x06\x03\x2b\x65\x6f" },
	{ "X448", 448, 10, "\x13\x08" "curve448" },
};

#define CURVES	(sizeof(curves) / sizeof(curves[0]))
_Static_assert(CURVES <= 32, "a bit for each curve");

static const struct {
	const char *word;
	enum rm_use use;
} uses[] = {
	{ "sign", RM_USE_SIGN }, { "verify", RM_USE_VERIFY },
	{ "encrypt", RM_USE_ENCRYPT }, { "decrypt", RM_USE_DECRYPT },
	{ "digest", RM_USE_DIGEST }, { "generate", RM_USE_GENERATE },
	{ "wrap", RM_USE_WRAP }, { "unwrap", RM_USE_UNWRAP },
	{ "derive", RM_USE_DERIVE },
};

#define USES	(sizeof(uses) / sizeof(uses[0]))

static const struct rm_mode_rule anything = {
	.max = UINT32_MAX, .use = RM_USE_ALL,
};

static const char *
parse_uses(struct rm_mode_rule *ret, char *list)
{
	const char *word;
	size_t i;

	ret->use = 0;
	while ((word = strsep(&list, ",")) != NULL) {
		for (i = 0; i < USES && strcmp(uses[i].word, word) != 0; i++)
			;
		if (i == USES || (ret->use & uses[i].use) != 0)
			return "use= is a list of sign, verify, encrypt, "
			    "decrypt, digest, generate, wrap, unwrap, derive";
		ret->use |= uses[i].use;
	}
	return NULL;
}

/* A rule that nobody can hold a caller to would be a false promise. */
static const char *
parse_hashes(struct rm_mode_rule *ret, char *list)
{
	const struct rm_mech *mech = rm_mech_by_number(ret->mechanism);
	const char *word;

	if (mech == NULL || mech->hash == RM_MECH_HASH_NONE)
		return "hash= means nothing for this mechanism";
	while ((word = strsep(&list, ",")) != NULL) {
		mech = rm_mech_by_name(word);
		if (mech == NULL || rm_mech_digest(mech->number) == NULL)
			return "not the name of a hash";
		if (ret->n_hashes == RM_MODE_HASHES)
			return "too many hashes";
		ret->hash[ret->n_hashes++] = mech->number;
	}
	return NULL;
}

/* One word KEY=VALUE behind a mechanism. */
static const char *
parse_option(struct rm_mode_rule *ret, char *word)
{
	char *value = strchr(word, '=');

	if (value == NULL)
		return "an option that is not known";
	*value++ = '\0';
	if (strcmp(word, "min") == 0) {
		if (ret->min != 0)
			return "an option is given twice";
		if (rm_num_u32(&ret->min, value, 1, BITS_MAX) == -1)
			return "min= is a number of bits";
	} else if (strcmp(word, "max") == 0) {
		if (ret->max != UINT32_MAX)
			return "an option is given twice";
		if (rm_num_u32(&ret->max, value, 1, BITS_MAX) == -1)
			return "max= is a number of bits";
	} else if (strcmp(word, "use") == 0) {
		if (ret->use != RM_USE_ALL)
			return "an option is given twice";
		return parse_uses(ret, value);
	} else if (strcmp(word, "hash") == 0) {
		if (ret->n_hashes != 0)
			return "an option is given twice";
		return parse_hashes(ret, value);
	} else {
		return "an option that is not known";
	}
	return NULL;
}

/* A name of the table, or 0x and at most eight digits for all others. */
static const char *
parse_mechanism(struct rm_mode_rule *ret, const char *name)
{
	const struct rm_mech *mech = rm_mech_by_name(name);
	size_t len = strlen(name);
	unsigned long n = 0;
	const char *digit, *p;

	if (mech != NULL) {
		ret->mechanism = mech->number;
		return NULL;
	}
	if (strncmp(name, "0x", 2) != 0 || len < 3 || len > 10)
		return "not the name of a mechanism that is known";
	for (p = name + 2; *p != '\0'; p++) {
		if ((digit = strchr("0123456789abcdef", *p)) == NULL)
			return "not the number of a mechanism";
		n = n << 4 | (unsigned long)(digit - "0123456789abcdef");
	}
	ret->mechanism = n;
	return NULL;
}

static const char *
add_mechanism(struct rm_mode *ret, char *const word[], size_t n)
{
	struct rm_mode_rule *rule = &ret->rule[ret->n];
	const char *why;
	size_t i;

	if (n < 2)
		return "a mechanism without a name";
	if (n == WORDS)
		return "too many words";
	if (ret->n == RM_MODE_RULES)
		return "too many mechanisms";
	*rule = anything;
	if ((why = parse_mechanism(rule, word[1])) != NULL)
		return why;
	for (i = 0; i < ret->n; i++)
		if (ret->rule[i].mechanism == rule->mechanism)
			return "a second line for the same mechanism";
	for (i = 2; i < n; i++)
		if ((why = parse_option(rule, word[i])) != NULL)
			return why;
	if (rule->min > rule->max)
		return "min= is more than max=";
	ret->n++;
	return NULL;
}

static const char *
add_curve(struct rm_mode *ret, char *const word[], size_t n)
{
	uint32_t found = 0;
	size_t i;

	if (!ret->deny)
		return "this mode allows every curve";
	for (i = 0; n == 2 && i < CURVES; i++)
		if (strcmp(curves[i].name, word[1]) == 0)
			found |= UINT32_C(1) << i;
	if (found == 0)
		return "not the name of a curve that is known";
	ret->curves |= found;
	return NULL;
}

static const char *
add_line(struct rm_mode *ret, bool *begun, char *const word[], size_t n)
{
	if (strcmp(word[0], "default") == 0) {
		if (*begun)
			return "a second line \"default\"";
		*begun = true;
		ret->deny = n == 2 && strcmp(word[1], "deny") == 0;
		if (!ret->deny && (n != 2 || strcmp(word[1], "allow") != 0))
			return "default is allow or deny";
		return NULL;
	}
	if (!*begun)
		return "the first line is \"default allow\" or "
		    "\"default deny\"";
	if (strcmp(word[0], "mechanism") == 0)
		return add_mechanism(ret, word, n);
	if (strcmp(word[0], "curve") == 0)
		return add_curve(ret, word, n);
	return "neither default, mechanism nor curve";
}

int
rm_mode_parse(struct rm_mode *ret, const char *text, size_t len,
    struct rm_err *err)
{
	const char *end, *why, *p = text;
	char line[LINE_BYTES], *word[WORDS];
	unsigned int number = 0;
	bool begun = false;
	size_t n;

	memset(ret, 0, sizeof(*ret));
	for (; len > 0; len -= (size_t)(end + 1 - p), p = end + 1) {
		number++;
		/* A file that was cut off would forbid less, or more. */
		if ((end = memchr(p, '\n', len)) == NULL)
			return rm_err_set(err, RM_CODE_USAGE, "line %u: no "
			    "end of line", number);
		if (*p == '#')
			continue;
		why = rm_text_setting(line, sizeof(line), p,
		    (size_t)(end - p));
		if (why == NULL && (n = rm_text_cut(word, WORDS, line)) > 0)
			why = add_line(ret, &begun, word, n);
		if (why != NULL)
			return rm_err_set(err, RM_CODE_USAGE, "line %u: %s",
			    number, why);
	}
	if (!begun)
		return rm_err_set(err, RM_CODE_USAGE, "no line \"default "
		    "allow\" or \"default deny\"");
	return 0;
}

const struct rm_mode_rule *
rm_mode_find(const struct rm_mode *mode, unsigned long mechanism)
{
	size_t i;

	for (i = 0; i < mode->n; i++)
		if (mode->rule[i].mechanism == mechanism)
			return &mode->rule[i];
	return mode->deny ? NULL : &anything;
}

bool
rm_mode_hash(const struct rm_mode *mode, const struct rm_mode_rule *rule,
    unsigned long hash)
{
	size_t i;

	if (rule->n_hashes == 0)
		return rm_mode_find(mode, hash) != NULL;
	for (i = 0; i < rule->n_hashes; i++)
		if (rule->hash[i] == hash)
			return true;
	return false;
}

bool
rm_mode_curve(const struct rm_mode *mode, const uint8_t *params, size_t len,
    uint32_t *ret_bits)
{
	size_t i;

	*ret_bits = 0;
	for (i = 0; i < CURVES; i++)
		if (curves[i].len == len &&
		    memcmp(curves[i].params, params, len) == 0) {
			*ret_bits = curves[i].bits;
			return !mode->deny ||
			    (mode->curves & UINT32_C(1) << i) != 0;
		}
	return !mode->deny;
}
