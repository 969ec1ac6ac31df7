/* SPDX-License-Identifier: ISC */
/* Mode files that are understood, and those that are void. */
#include <stdio.h>
#include <string.h>

#include "rm_mech.h"
#include "rm_mode.h"

#define P256	"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
#define SECP256K1 "\x06\x05\x2b\x81\x04\x00\x0a"

static int tests;

static void
ok(bool good, const char *what, const char *detail)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++tests, what,
	    detail);
}

static bool
curve(const struct rm_mode *mode, const char *params, size_t len,
    uint32_t want)
{
	uint32_t bits = 1;
	bool good = rm_mode_curve(mode, (const uint8_t *)params, len, &bits);

	return good && bits == want;
}

static void
test_good(void)
{
	static const char text[] = "# a comment \xc3\xa4\n\n default deny \n"
	    "mechanism CKM_RSA_PKCS min=2048 max=4096\tuse=sign,verify "
	    "hash=CKM_SHA256,CKM_SHA384\n"
	    "mechanism CKM_SHA256\n  mechanism 0x80000a01\n"
	    "mechanism CKM_RSA_PKCS_OAEP\ncurve P-256\ncurve Ed25519\n";
	const struct rm_mode_rule *rule;
	struct rm_mode m;
	struct rm_err err = { .text = "" };

	ok(rm_mode_parse(&m, text, strlen(text), &err) == 0, "a mode",
	    err.text);
	ok(m.deny && m.n == 4, "its rules", "all");
	rule = rm_mode_find(&m, 1);
	ok(rule != NULL && rule->min == 2048 && rule->max == 4096 &&
	    rule->use == (RM_USE_SIGN | RM_USE_VERIFY) && rule->n_hashes == 2,
	    "a rule", "its options");
	ok(rm_mode_hash(&m, rule, 0x250) && rm_mode_hash(&m, rule, 0x260) &&
	    !rm_mode_hash(&m, rule, 0x270), "hashes", "its own");
	rule = rm_mode_find(&m, 9);
	ok(rule != NULL && rule->min == 0 && rule->max == UINT32_MAX &&
	    rule->use == RM_USE_ALL, "a rule", "without options");
	ok(rm_mode_hash(&m, rule, 0x250) && !rm_mode_hash(&m, rule, 0x210),
	    "hashes", "those that the mode has");
	ok(rm_mode_find(&m, 0x80000a01) != NULL &&
	    rm_mode_find(&m, 0x210) == NULL, "find", "by number");
	ok(curve(&m, P256, 10, 256), "a curve", "P-256");
	ok(!curve(&m, SECP256K1, 7, 256), "no curve", "secp256k1");
	ok(!curve(&m, P256, 9, 256) && !curve(&m, "", 0, 0), "no curve",
	    "cut off, none");
	ok(curve(&m, "\x06\x03\x2b\x65\x70", 5, 256) &&
	    curve(&m, "\x13\x0c" "edwards25519", 14, 256), "a curve",
	    "Ed25519, however it is named");
	ok(rm_mode_parse(&m, "default allow\n", 14, &err) == 0 && !m.deny,
	    "a mode", "of everything");
	rule = rm_mode_find(&m, 0x210);
	ok(rule != NULL && rm_mode_hash(&m, rule, 0x210) &&
	    curve(&m, SECP256K1, 7, 256) && curve(&m, "x", 1, 0),
	    "everything", "mechanisms, hashes, curves");
}

static void
test_bad(void)
{
	static const struct {
		const char *text, *why;
	} table[] = {
		{ "", "no line \"default allow\" or \"default deny\"" },
		{ "# nothing\n",
		    "no line \"default allow\" or \"default deny\"" },
		{ "default deny", "line 1: no end of line" },
		{ "default\n", "line 1: default is allow or deny" },
		{ "default deny deny\n",
		    "line 1: default is allow or deny" },
		{ "default deny\ndefault allow\n",
		    "line 2: a second line \"default\"" },
		{ "mechanism CKM_MD5\ndefault deny\n", NULL },
		{ "default deny\nmechanisms CKM_MD5\n",
		    "line 2: neither default, mechanism nor curve" },
		{ "default deny\nmechanism\n",
		    "line 2: a mechanism without a name" },
		{ "default deny\nmechanism CKM_MD\n",
		    "line 2: not the name of a mechanism that is known" },
		{ "default deny\nmechanism 0x\n", NULL },
		{ "default deny\nmechanism 0x1G\n",
		    "line 2: not the number of a mechanism" },
		{ "default deny\nmechanism 0x123456789\n", NULL },
		{ "default deny\nmechanism CKM_RSA_PKCS\nmechanism 0x1\n",
		    "line 3: a second line for the same mechanism" },
		{ "default deny\nmechanism CKM_MD5 min\n",
		    "line 2: an option that is not known" },
		{ "default deny\nmechanism CKM_MD5 size=1\n",
		    "line 2: an option that is not known" },
		{ "default deny\nmechanism CKM_AES_ECB min=0\n",
		    "line 2: min= is a number of bits" },
		{ "default deny\nmechanism CKM_AES_ECB min=65537\n", NULL },
		{ "default deny\nmechanism CKM_AES_ECB max=-1\n",
		    "line 2: max= is a number of bits" },
		{ "default deny\nmechanism CKM_AES_ECB min=1 min=2\n",
		    "line 2: an option is given twice" },
		{ "default deny\nmechanism CKM_AES_ECB max=1 max=2\n",
		    "line 2: an option is given twice" },
		{ "default deny\nmechanism CKM_AES_ECB use=wrap use=sign\n",
		    "line 2: an option is given twice" },
		{ "default deny\nmechanism CKM_ECDSA hash=CKM_SHA256 "
		    "hash=CKM_SHA256\n", "line 2: an option is given twice" },
		{ "default deny\nmechanism CKM_AES_ECB min=2 max=1\n",
		    "line 2: min= is more than max=" },
		{ "default deny\nmechanism CKM_AES_ECB use=\n", NULL },
		{ "default deny\nmechanism CKM_AES_ECB use=sign,sign\n",
		    NULL },
		{ "default deny\nmechanism CKM_AES_ECB hash=CKM_SHA256\n",
		    "line 2: hash= means nothing for this mechanism" },
		{ "default deny\nmechanism 0x99 hash=CKM_SHA256\n", NULL },
		{ "default deny\nmechanism CKM_ECDSA hash=CKM_AES_ECB\n",
		    "line 2: not the name of a hash" },
		{ "default deny\nmechanism CKM_ECDSA hash=CKM_SHA256,\n",
		    "line 2: not the name of a hash" },
		{ "default deny\nmechanism CKM_MD5 a b c d e f\n",
		    "line 2: too many words" },
		{ "default deny\ncurve\n",
		    "line 2: not the name of a curve that is known" },
		{ "default deny\ncurve p-256\n", NULL },
		{ "default deny\ncurve P-256 P-384\n", NULL },
		{ "default allow\ncurve P-256\n",
		    "line 2: this mode allows every curve" },
		{ "default deny\r\n", "line 1: not printable ASCII" },
	};
	struct rm_mode m;
	struct rm_err err;
	char many[8192] = "default deny\n", longer[400];
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		err.text[0] = '\0';
		ok(rm_mode_parse(&m, table[i].text, strlen(table[i].text),
		    &err) == -1 && err.code == RM_CODE_USAGE &&
		    (table[i].why == NULL ||
		    strcmp(err.text, table[i].why) == 0), "refused", err.text);
	}
	for (i = 0; i < RM_MODE_RULES; i++)
		(void)snprintf(many + strlen(many), 32, "mechanism 0x%zx\n",
		    i);
	ok(rm_mode_parse(&m, many, strlen(many), &err) == 0 &&
	    m.n == RM_MODE_RULES, "as many rules as there may be", "");
	(void)strcpy(many + strlen(many), "mechanism 0x8000\n");
	ok(rm_mode_parse(&m, many, strlen(many), &err) == -1, "refused",
	    err.text);
	memset(longer, ' ', sizeof(longer));
	longer[sizeof(longer) - 1] = '\n';
	ok(rm_mode_parse(&m, longer, sizeof(longer), &err) == -1, "refused",
	    err.text);
}

static void
test_digests(void)
{
	static const char info[] = "\x30\x31\x30\x0d\x06\x09\x60\x86\x48\x01"
	    "\x65\x03\x04\x02\x01\x05\x00\x04\x20"
	    "0123456789abcdef0123456789abcdef";
	const uint8_t *p = (const uint8_t *)info;
	const struct rm_mech_digest *sha256 = rm_mech_digest(0x250);
	const struct rm_mech_digest *sha384 = rm_mech_digest(0x260);

	ok(rm_mech_is_digest(sha256, RM_MECH_HASH_INFO, p, 51), "DigestInfo",
	    "of SHA-256");
	ok(!rm_mech_is_digest(sha384, RM_MECH_HASH_INFO, p, 51) &&
	    !rm_mech_is_digest(sha256, RM_MECH_HASH_INFO, p, 50) &&
	    !rm_mech_is_digest(sha256, RM_MECH_HASH_INFO, p, 0) &&
	    !rm_mech_is_digest(sha256, RM_MECH_HASH_INFO, p + 1, 50),
	    "no DigestInfo", "of another hash, cut off, none, shifted");
	ok(rm_mech_is_digest(sha384, RM_MECH_HASH_DATA, p, 48) &&
	    !rm_mech_is_digest(sha384, RM_MECH_HASH_DATA, p, 32), "a hash",
	    "by its length");
	ok(rm_mech_digest(1) == NULL && rm_mech_by_name("CKM_") == NULL &&
	    rm_mech_by_number(0x99999) == NULL, "what is unknown", "");
}

int
main(void)
{
	test_good();
	test_bad();
	test_digests();
	printf("1..%d\n", tests);
	return 0;
}
