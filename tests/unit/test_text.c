/* SPDX-License-Identifier: ISC */
/* Table tests of the pure parsers of rm_text, rm_num and rm_hash. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "rm_hash.h"
#include "rm_num.h"
#include "rm_text.h"
#include "tap.h"

static void
test_words(void)
{
	static const struct {
		const char *line;
		int rc;
		size_t n;
		const char *last;
	} table[] = {
		{ "status", 0, 1, "status" },
		{ "set-mode RM2", 0, 2, "RM2" },
		{ "a b%20c", 0, 2, "b c" },
		{ "a %25", 0, 2, "%" },
		{ "", -1, 0, NULL },
		{ " a", -1, 0, NULL },
		{ "a ", -1, 0, NULL },
		{ "a  b", -1, 0, NULL },
		{ "a\tb", -1, 0, NULL },
		{ "a\x80", -1, 0, NULL },
		{ "a %2f", -1, 0, NULL },	/* lower case */
		{ "a %41", -1, 0, NULL },	/* not needed */
		{ "a %00", -1, 0, NULL },
		{ "a %", -1, 0, NULL },
		{ "a %2", -1, 0, NULL },
	};
	struct rm_words words;
	const char *why;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		rc = rm_text_words(&words, (const uint8_t *)table[i].line,
		    strlen(table[i].line), &why);
		ok(rc == table[i].rc && (rc == -1 || (words.n == table[i].n &&
		    strcmp(words.word[words.n - 1], table[i].last) == 0)),
		    "words of a line");
	}
}

static void
test_limits(void)
{
	static uint8_t line[RM_LINE_MAX];
	struct rm_words words;
	const char *why;
	size_t i;

	memset(line, 'a', sizeof(line));
	ok(rm_text_words(&words, line, RM_LINE_MAX - 1, &why) == 0,
	    "the longest line");
	ok(rm_text_words(&words, line, RM_LINE_MAX, &why) == -1,
	    "one byte more is refused");
	for (i = 1; i < 200; i += 2)
		line[i] = ' ';
	ok(rm_text_words(&words, line, 2 * RM_WORDS_MAX - 1, &why) == 0,
	    "the most words");
	ok(rm_text_words(&words, line, 2 * RM_WORDS_MAX + 1, &why) == -1,
	    "one word more is refused");
}

static void
test_spelling(void)
{
	char out[32];

	ok(rm_text_spell(out, sizeof(out), (const uint8_t *)"a b\n%\xff", 6) ==
	    0 && strcmp(out, "a%20b%0A%25%FF") == 0, "spelling");
	ok(rm_text_unspell(out) == 0 && strcmp(out, "a b\n%\xff") == 0,
	    "spelling back");
	ok(rm_text_spell(out, 4, (const uint8_t *)"abcd", 4) == -1,
	    "spelling needs room for the NUL");
	ok(rm_text_spell(out, sizeof(out), (const uint8_t *)"", 0) == -1,
	    "no empty word");
}

static void
test_clean(void)
{
	char out[32] = "";
	size_t n;

	rm_text_clean(out, 6, (const uint8_t *)"a\x1b[31mlong", 10);
	ok(strcmp(out, "a?[31") == 0, "clean cuts and replaces");
	n = rm_text_clean_utf8(out,
	    (const uint8_t *)"\xc3\xa4\xc2\x9b\xed\xa0\x80\x1b", 8);
	out[n] = '\0';
	ok(strcmp(out, "\xc3\xa4" "??" "???" "?") == 0,
	    "UTF-8 stays; C1, surrogates and escapes do not");
	ok(rm_text_is_name("a-1") && !rm_text_is_name("1a") &&
	    !rm_text_is_name("") && !rm_text_is_name("a_b") &&
	    rm_text_is_name("abcdefghijklmnopqrstuvwxyz012345") &&
	    !rm_text_is_name("abcdefghijklmnopqrstuvwxyz0123456"), "names");
}

static void
test_numbers(void)
{
	uint32_t n = 7;

	ok(rm_num_u32(&n, "64", 1, 64) == 0 && n == 64, "a number");
	ok(rm_num_u32(&n, "65", 1, 64) == -1 && n == 64, "too large");
	ok(rm_num_u32(&n, "-1", 0, 64) == -1 &&
	    rm_num_u32(&n, "", 0, 64) == -1 &&
	    rm_num_u32(&n, "1 ", 0, 64) == -1 &&
	    rm_num_u32(&n, "+1", 0, 64) == -1 &&
	    rm_num_u32(&n, "99999999999999999999", 0, 64) == -1,
	    "not a number");
	ok(rm_num_ms(&n, "0.2", 1000) == 0 && n == 200, "a fraction");
	ok(rm_num_ms(&n, "120", 120000) == 0 && n == 120000, "seconds");
	ok(rm_num_ms(&n, "0", 1000) == -1 && rm_num_ms(&n, "1.", 5000) == -1 &&
	    rm_num_ms(&n, "1.2345", 5000) == -1 &&
	    rm_num_ms(&n, ".5", 5000) == -1, "not seconds");
}

static void
test_hashes(void)
{
	char hex[RM_HASH_HEX], b64[16];
	uint8_t out[8];
	size_t len;

	rm_hash_sha256(hex, "abc", 3);
	ok(strcmp(hex, "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad") == 0, "SHA-256, FIPS 180-4");
	rm_hash_blake2b(hex, "abc", 3);
	ok(strcmp(hex, "bddd813c634239723171ef3fee98579b"
	    "94964e3bb1cb3e427262c8c068d52319") == 0, "BLAKE2b-256");
	ok(rm_hash_base64(b64, sizeof(b64), (const uint8_t *)"abcd", 4) == 0 &&
	    strcmp(b64, "YWJjZA==") == 0, "base64");
	ok(rm_hash_unbase64(out, sizeof(out), &len, "YWJjZA==") == 0 &&
	    len == 4 && memcmp(out, "abcd", 4) == 0, "base64 back");
	ok(rm_hash_unbase64(out, sizeof(out), &len, "YWJjZA=") == -1 &&
	    rm_hash_unbase64(out, sizeof(out), &len, "YWJjZB==") == -1 &&
	    rm_hash_unbase64(out, 3, &len, "YWJjZA==") == -1,
	    "base64 that is not canonical, or too long");
}

int
main(void)
{
	test_words();
	test_limits();
	test_spelling();
	test_clean();
	test_numbers();
	test_hashes();
	printf("1..%d\n", tests);
	return 0;
}
