/* SPDX-License-Identifier: ISC */
/* PIV over a card that plays a script: what is sent, what is made of it. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zlib.h>

#include "alice.h"
#include "rm_piv.h"
#include "tap.h"

#define SELECT		"00a4040009a0000003080000100000"
#define GET_9A		"00cb3fff055c035fc10500"
#define STATUS		"00200080"
#define VERIFY		"0020008008313233343536ffff"

enum {
	LOST = -1,			/* in place of a status word */
	NO_STATUS = -2
};

/* A command that the card expects, and its answer. */
struct step {
	const char *cmd;		/* NULL: any */
	const uint8_t *data;
	size_t len;
	int sw;
};

static struct rm_piv piv;
static const struct step *script;
static bool as_told;

static int
play(void *arg, const struct rm_apdu *cmd, uint8_t *ret, size_t *len,
    struct rm_err *err)
{
	uint8_t want[RM_APDU_MAX];
	const struct step *step = script++;
	size_t n;

	(void)arg;
	if (step->sw == 0) {
		as_told = false;
		script--;
		return rm_err_set(err, RM_CODE_SYSTEM, "not in the script");
	}
	n = step->cmd != NULL ? unhex(want, step->cmd) : 0;
	if (step->cmd != NULL && (n != cmd->len ||
	    memcmp(want, cmd->bytes, n) != 0))
		as_told = false;
	if (step->sw == LOST)
		return rm_err_set(err, RM_CODE_CARD_LOST, "gone");
	if (step->sw == NO_STATUS) {
		*len = 1;
		return 0;
	}
	if (step->len > 0)
		memcpy(ret, step->data, step->len);
	ret[step->len] = (uint8_t)(step->sw >> 8);
	ret[step->len + 1] = (uint8_t)step->sw;
	*len = step->len + 2;
	return 0;
}

/* Puts the card at the beginning of a script, which ends with a zero. */
static void
insert(const struct step *steps)
{
	memset(&piv, 0, sizeof(piv));
	piv.transmit = play;
	script = steps;
	as_told = true;
}

/*
 * What the call returned fits the code, the script was played to its end, and
 * nothing else was asked.
 */
static bool
gave(int rc, enum rm_code code)
{
	return as_told && script->sw == 0 &&
	    rc == (code == RM_CODE_OK ? 0 : -1) && piv.err.code == code;
}

static void
test_select(void)
{
	static const struct {
		const char *name;
		struct step steps[2];
		enum rm_code code;
	} table[] = {
		{ "SELECT", { { SELECT, NULL, 0, 0x9000 } }, RM_CODE_OK },
		{ "SELECT with an answer that nobody wants",
		    { { SELECT, NULL, 0, 0x6113 } }, RM_CODE_OK },
		{ "SELECT on another card",
		    { { SELECT, NULL, 0, 0x6a82 } }, RM_CODE_NO_CARD },
		{ "SELECT on a card that goes",
		    { { SELECT, NULL, 0, LOST } }, RM_CODE_CARD_LOST },
		{ "an answer without a status word",
		    { { SELECT, NULL, 0, NO_STATUS } }, RM_CODE_CARD_LOST },
	};
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		insert(table[i].steps);
		ok(gave(rm_piv_select(&piv), table[i].code),
		    table[i].name);
	}
}

/* An object 53 { 70 cert, 71 info }, with two-byte lengths. */
static size_t
make_object(uint8_t *ret, const uint8_t *cert, size_t len, uint8_t info)
{
	size_t inner = len + 7;
	const uint8_t head[] = { 0x53, 0x82, (uint8_t)(inner >> 8),
	    (uint8_t)inner, 0x70, 0x82, (uint8_t)(len >> 8), (uint8_t)len };
	const uint8_t tail[] = { 0x71, 0x01, info };

	memcpy(ret, head, sizeof(head));
	memcpy(ret + sizeof(head), cert, len);
	memcpy(ret + sizeof(head) + len, tail, sizeof(tail));
	return sizeof(head) + len + sizeof(tail);
}

static size_t
gzip(uint8_t *ret, size_t size, uint8_t *src, size_t len)
{
	z_stream z = { .next_in = src, .avail_in = (uInt)len,
	    .next_out = ret, .avail_out = (uInt)size };

	if (deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 9,
	    Z_DEFAULT_STRATEGY) != Z_OK || deflate(&z, Z_FINISH) !=
	    Z_STREAM_END)
		return 0;
	(void)deflateEnd(&z);
	return (size_t)z.total_out;
}

static bool
reads_alice(void)
{
	struct rm_cert cert;

	return gave(rm_piv_read_key(&piv, 0x9a, &cert), RM_CODE_OK) &&
	    strcmp(cert.cn, "alice") == 0 && cert.spki_len == 91;
}

static bool
reads_none(enum rm_code code)
{
	struct rm_cert cert;

	return gave(rm_piv_read_key(&piv, 0x9a, &cert), code);
}

static void
test_read_key(void)
{
	uint8_t der[512], o[1024];
	size_t der_len = unhex(der, cert_hex);
	size_t len = make_object(o, der, der_len, 0);
	const struct step whole[] = { { GET_9A, o, 255, 0x6186 }, { 0 } };
	const struct step small[] = { { GET_9A, o, 200, 0x61ff },
	    { "00c00000ff", o + 200, 100, 0x6100 }, { 0 } };
	const struct step le[] = { { GET_9A, NULL, 0, 0x6cf0 },
	    { "00cb3fff055c035fc105f0", o, 0xf0, 0x6100 }, { 0 } };
	const struct step le_twice[] = { { GET_9A, NULL, 0, 0x6cf0 },
	    { "00cb3fff055c035fc105f0", o, 0xf0, 0x6cf0 }, { 0 } };
	const struct step le_more[] = { { GET_9A, o, 100, 0x6100 },
	    { "00c0000000", NULL, 0, 0x6c80 },
	    { "00c0000080", o + 100, 128, 0x6100 }, { 0 } };
	const struct step none[] = { { GET_9A, NULL, 0, 0x6a82 }, { 0 } };
	const struct step empty[] = { { GET_9A, (const uint8_t *)"\x53", 2,
	    0x9000 }, { 0 } };
	const struct step cut[] = { { GET_9A, o, 213, 0x9000 }, { 0 } };
	const struct step gone[] = { { GET_9A, o, 200, 0x6186 },
	    { NULL, NULL, 0, LOST }, { 0 } };
	const struct step mute[] = { { GET_9A, o, 200, 0x6186 },
	    { NULL, NULL, 0, 0x6186 }, { 0 } };
	const struct step refused[] = { { GET_9A, NULL, 0, 0x6982 }, { 0 } };

	ok(len == 387, "the object of the tests");
	insert(whole);
	ok(reads_alice(), "the rest behind the key is left on the card");
	insert(small);
	ok(reads_alice(), "GET RESPONSE as long as the key is not there");
	insert(le);
	ok(reads_alice(), "again with the Le that the card wants");
	insert(le_twice);
	ok(reads_none(RM_CODE_NO_CARD), "but only once");
	insert(le_more);
	ok(reads_alice(), "another Le for GET RESPONSE");
	insert(none);
	ok(reads_none(RM_CODE_NO_CARD), "no object");
	insert(empty);
	ok(reads_none(RM_CODE_NO_CARD), "an empty object");
	insert(cut);
	ok(reads_none(RM_CODE_NO_CARD), "a certificate that ends in its key");
	insert(gone);
	ok(reads_none(RM_CODE_CARD_LOST), "pulled out between two pieces");
	insert(mute);
	ok(reads_none(RM_CODE_FAILED), "an answer of empty pieces");
	insert(refused);
	ok(reads_none(RM_CODE_NO_CARD), "a slot that cannot be read");
}

/* An answer that never ends must, and a bomb must not go off. */
static void
test_sizes(void)
{
	static struct step endless[100];
	static uint8_t big[100000], gz[1024], o[2048];
	static const uint8_t zeros[250];
	struct step gz_steps[] = { { GET_9A, o, 250, 0x6100 },
	    { NULL, o + 250, 0, 0x9000 }, { 0 } };
	uint8_t der[512];
	size_t i, len;

	big[0] = 0x53;
	big[1] = big[5] = 0x82;
	big[2] = big[6] = 0x7f;
	big[4] = 0x70;
	memcpy(big + 8, "\x30\x82\x7f\x00\x30\x82\x7f\x00\x02\x82\x7f\x00", 12);
	endless[0] = (struct step){ GET_9A, big, 250, 0x6100 };
	for (i = 1; i < 65; i++)
		endless[i] = (struct step){ "00c0000000", zeros, 250, 0x6100 };
	insert(endless);
	ok(reads_none(RM_CODE_FAILED), "an object without an end");

	len = gzip(gz, sizeof(gz), der, unhex(der, cert_hex));
	len = make_object(o, gz, len, 1);
	gz_steps[1].len = len - 250;
	insert(gz_steps);
	ok(reads_alice(), "a gzipped certificate");
	o[len - 1] = 0;
	insert(gz_steps);
	ok(reads_none(RM_CODE_NO_CARD), "one that is not said to be gzipped");
	o[len - 1] = 1;
	o[len - 8] ^= 1;		/* in its checksum */
	insert(gz_steps);
	ok(reads_none(RM_CODE_NO_CARD), "a broken one");

	memset(big, 0, sizeof(big));
	memcpy(big, der, unhex(der, cert_hex));
	len = gzip(gz, sizeof(gz), big, RM_PIV_OBJECT_MAX);
	gz_steps[1].len = make_object(o, gz, len, 1) - 250;
	insert(gz_steps);
	ok(reads_alice(), "the largest");
	len = gzip(gz, sizeof(gz), big, RM_PIV_OBJECT_MAX + 1);
	gz_steps[1].len = make_object(o, gz, len, 1) - 250;
	insert(gz_steps);
	ok(reads_none(RM_CODE_NO_CARD), "a larger one");
}

static void
test_tries(void)
{
	static const struct {
		struct step steps[2];
		int tries;
	} table[] = {
		{ { { STATUS, NULL, 0, 0x63c3 } }, 3 },
		{ { { STATUS, NULL, 0, 0x63c0 } }, 0 },
		{ { { STATUS, NULL, 0, 0x6983 } }, 0 },
		{ { { STATUS, NULL, 0, 0x9000 } }, RM_PIV_VERIFIED },
		{ { { STATUS, NULL, 0, 0x6700 } }, RM_PIV_TRIES_UNKNOWN },
		{ { { STATUS, NULL, 0, 0x6a80 } }, RM_PIV_TRIES_UNKNOWN },
	};
	size_t i;
	int tries;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		insert(table[i].steps);
		ok(gave(rm_piv_tries(&piv, &tries), RM_CODE_OK) &&
		    tries == table[i].tries, "tries left, without a try");
	}
}

static bool
holds_pin(void)
{
	return memmem(&piv, sizeof(piv), "123456", 6) != NULL;
}

static void
test_verify(void)
{
	static const struct {
		struct step steps[2];
		enum rm_code code;
		const char *why;
	} table[] = {
		{ { { VERIFY, NULL, 0, 0x9000 } }, RM_CODE_OK, "" },
		{ { { VERIFY, NULL, 0, 0x63c2 } }, RM_CODE_WRONG_PIN,
		    "wrong PIN: a try was used, 2 left" },
		{ { { VERIFY, NULL, 0, 0x63c0 } }, RM_CODE_PIN_BLOCKED,
		    "wrong PIN: a try was used, none is left: the PIN is "
		    "blocked" },
		{ { { VERIFY, NULL, 0, 0x6983 } }, RM_CODE_PIN_BLOCKED,
		    "wrong PIN: a try was used, none is left: the PIN is "
		    "blocked" },
		{ { { VERIFY, NULL, 0, 0x6a80 } }, RM_CODE_FAILED,
		    "the card refused the PIN but did not call it wrong "
		    "(6A80): a try may have been used" },
		/* 6Cxx would make a repetition of other commands. */
		{ { { VERIFY, NULL, 0, 0x6c08 } }, RM_CODE_FAILED, NULL },
		{ { { VERIFY, NULL, 0, LOST } }, RM_CODE_CARD_LOST, "gone" },
	};
	static const struct step nothing[] = { { 0 } };
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		insert(table[i].steps);
		ok(gave(rm_piv_verify(&piv, "123456", 6), table[i].code) &&
		    !holds_pin() && (table[i].why == NULL ||
		    strcmp(piv.err.text, table[i].why) == 0),
		    "VERIFY is sent once and wiped");
	}
	insert(nothing);
	ok(gave(rm_piv_verify(&piv, "12345", 5), RM_CODE_USAGE),
	    "what is no PIN is not sent");
}

static void
test_sign(void)
{
	static const char cmd[] = "008711"
	    "9a267c24820081200102030405060708090a0b0c0d0e0f10"
	    "1112131415161718191a1b1c1d1e1f2000";
	static const uint8_t good[] = { 0x7c, 0x04, 0x82, 0x02, 0x0a, 0x0b };
	static const struct {
		const char *name;
		struct step steps[3];
		enum rm_code code;
	} table[] = {
		{ "a signature", { { cmd, good, 6, 0x9000 } }, RM_CODE_OK },
		{ "one in two pieces", { { cmd, good, 4, 0x6102 },
		    { "00c0000002", good + 4, 2, 0x9000 } }, RM_CODE_OK },
		{ "one that is too short", { { cmd, good, 5, 0x9000 } },
		    RM_CODE_FAILED },
		{ "none", { { cmd, NULL, 0, 0x9000 } }, RM_CODE_FAILED },
		{ "not verified", { { cmd, NULL, 0, 0x6982 } },
		    RM_CODE_FAILED },
		{ "another algorithm", { { cmd, NULL, 0, 0x6a86 } },
		    RM_CODE_FAILED },
		{ "pulled out", { { cmd, NULL, 0, LOST } },
		    RM_CODE_CARD_LOST },
	};
	uint8_t digest[32], sig[RM_PUB_SIG_MAX];
	size_t i, len;

	for (i = 0; i < sizeof(digest); i++)
		digest[i] = (uint8_t)(i + 1);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		insert(table[i].steps);
		ok(gave(rm_piv_sign(&piv, 0x9a, 0x11, digest, 32, sig, &len),
		    table[i].code) && (table[i].code != RM_CODE_OK || (len == 2 && sig[0] == 0x0a && sig[1] == 0x0b)),
		    table[i].name);
	}
}

/* What the parts of a chain carried, for test_chain. */
static uint8_t carried[512];
static size_t carried_len;

static int
carry(void *arg, const struct rm_apdu *cmd, uint8_t *ret, size_t *len,
    struct rm_err *err)
{
	if (cmd->bytes[1] == 0x87) {
		memcpy(carried + carried_len, cmd->bytes + 5, cmd->bytes[4]);
		carried_len += cmd->bytes[4];
	}
	return play(arg, cmd, ret, len, err);
}

static void
test_chain(void)
{
	static const uint8_t head[] = { 0x7c, 0x82, 0x01, 0x06, 0x82, 0x00,
	    0x81, 0x82, 0x01, 0x00 };
	static const struct step steps[] = { { NULL, NULL, 0, 0x9000 },
	    { NULL, (const uint8_t *)"\x7c\x03\x82", 3, 0x6102 },
	    { "00c0000002", (const uint8_t *)"\x01\x07", 2, 0x9000 }, { 0 } };
	static const struct step stop[] = { { NULL, NULL, 0, 0x6884 }, { 0 } };
	static uint8_t block[RM_PIV_OBJECT_MAX];
	uint8_t sig[RM_PUB_SIG_MAX];
	size_t i, len;

	for (i = 0; i < 256; i++)
		block[i] = (uint8_t)i;
	insert(steps);
	piv.transmit = carry;
	ok(gave(rm_piv_sign(&piv, 0x9c, 0x07, block, 256, sig, &len),
	    RM_CODE_OK) && len == 1 && sig[0] == 7,
	    "a signature over what one command cannot carry");
	ok(carried_len == 266 && memcmp(carried, head, sizeof(head)) == 0 &&
	    memcmp(carried + 10, block, 256) == 0, "the card gets all of it");
	insert(stop);
	ok(gave(rm_piv_sign(&piv, 0x9c, 0x07, block, 256, sig, &len),
	    RM_CODE_FAILED), "a refused part is the last");
	insert(stop + 1);
	ok(gave(rm_piv_sign(&piv, 0x9c, 0x07, block, sizeof(block), sig,
	    &len), RM_CODE_USAGE), "nothing is sent of what is too long");
}

int
main(void)
{
	ok(rm_piv_is_slot(0x9a) && rm_piv_is_slot(0x9e) &&
	    rm_piv_is_slot(0x82) && rm_piv_is_slot(0x95) &&
	    !rm_piv_is_slot(0x9b) && !rm_piv_is_slot(0x96) &&
	    !rm_piv_is_slot(0x80), "slots");
	test_select();
	test_read_key();
	test_sizes();
	test_tries();
	test_verify();
	test_sign();
	test_chain();
	printf("1..%d\n", tests);
	return 0;
}
