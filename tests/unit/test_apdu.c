/* SPDX-License-Identifier: ISC */
/* Table tests of what a card says: BER-TLV, status words, certificates. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "alice.h"
#include "rm_apdu.h"
#include "rm_cert.h"
#include "tap.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

/* name of the case, bytes, tag asked for, what take and open make of it */
static void
test_tlv(void)
{
	static const struct {
		const char *name, *hex;
		unsigned int tag;
		int take, open;
		size_t value, left;
	} table[] = {
		{ "empty", "", 0x53, -1, -1, 0, 0 },
		{ "tag alone", "53", 0x53, -1, -1, 0, 0 },
		{ "no value", "5300", 0x53, 0, 0, 0, 0 },
		{ "value and rest", "5302010203", 0x53, 0, 0, 2, 1 },
		{ "another tag", "5302010203", 0x7c, -1, -1, 0, 0 },
		{ "cut value", "53020a", 0x53, -1, 0, 1, 0 },
		{ "length of two", "53810201020f", 0x53, 0, 0, 2, 1 },
		{ "length of three", "538200020102", 0x53, 0, 0, 2, 0 },
		{ "cut length", "5382ff", 0x53, -1, -1, 0, 0 },
		{ "long lie", "5382ffff0102", 0x53, -1, 0, 2, 0 },
		{ "indefinite", "5380010000", 0x53, -1, -1, 0, 0 },
		{ "length of four", "53830000010a", 0x53, -1, -1, 0, 0 },
		{ "reserved length", "53ff", 0x53, -1, -1, 0, 0 },
		{ "tag of two", "5f2f020102", 0x5f2f, 0, 0, 2, 0 },
		{ "cut tag of two", "5f2f", 0x5f2f, -1, -1, 0, 0 },
		{ "half a tag of two", "5f", 0x5f2f, -1, -1, 0, 0 },
		{ "tag of three", "5f810100", 0x5f81, -1, -1, 0, 0 },
	};
	uint8_t bytes[64];
	struct rm_tlv cur, value;
	size_t i, len;
	bool good;

	for (i = 0; i < N(table); i++) {
		len = unhex(bytes, table[i].hex);
		cur = (struct rm_tlv){ bytes, len };
		good = rm_tlv_take(&cur, table[i].tag, &value) == table[i].take;
		if (good && table[i].take == 0)
			good = value.left == table[i].value &&
			    cur.left == table[i].left;
		else if (good)
			good = cur.p == bytes && cur.left == len;
		cur = (struct rm_tlv){ bytes, len };
		good = good &&
		    rm_tlv_open(&cur, table[i].tag, &value) == table[i].open;
		if (good && table[i].open == 0)
			good = value.left == table[i].value;
		ok(good, table[i].name);
	}
}

static void
test_signature(void)
{
	static const struct {
		const char *name, *hex;
		int rc;
	} table[] = {
		{ "a signature", "7c0482020a0b", 0 },
		{ "none", "", -1 },
		{ "an empty one", "7c028200", -1 },
		{ "another template", "7e0482020a0b", -1 },
		{ "another element", "7c0481020a0b", -1 },
		{ "something behind it", "7c0682020a0b8100", -1 },
		{ "something behind all", "7c0482020a0b00", -1 },
		{ "shorter than announced", "7c0482020a", -1 },
		{ "inner longer than outer", "7c0382020a0b", -1 },
	};
	uint8_t bytes[64];
	struct rm_tlv sig;
	size_t i, len;

	for (i = 0; i < N(table); i++) {
		len = unhex(bytes, table[i].hex);
		ok(rm_apdu_signature(bytes, len, &sig) == table[i].rc &&
		    (table[i].rc == -1 || (sig.left == 2 && sig.p[0] == 0x0a)),
		    table[i].name);
	}
}

static void
test_parts(void)
{
	static const struct rm_apdu_head head = { 0x00, 0x87, 0x11, 0x9a };
	static const uint8_t first[] = { 0x10, 0x87, 0x11, 0x9a, 0xff };
	static const uint8_t second[] = { 0x00, 0x87, 0x11, 0x9a, 0x01, 7, 0 };
	static uint8_t data[RM_APDU_PART + 1];
	struct rm_apdu cmd;
	size_t at = 0;

	data[RM_APDU_PART] = 7;
	rm_apdu_part(&cmd, &head, data, sizeof(data), &at, true);
	ok(at == RM_APDU_PART && cmd.len == 5 + RM_APDU_PART &&
	    memcmp(cmd.bytes, first, sizeof(first)) == 0,
	    "a part that is not the last chains and has no Le");
	rm_apdu_part(&cmd, &head, data, sizeof(data), &at, true);
	ok(at == sizeof(data) && cmd.len == sizeof(second) &&
	    memcmp(cmd.bytes, second, sizeof(second)) == 0, "the last part");
	at = 0;
	rm_apdu_part(&cmd, &head, data, RM_APDU_PART, &at, true);
	ok(at == RM_APDU_PART && cmd.bytes[0] == 0x00 &&
	    cmd.len == RM_APDU_MAX, "255 bytes are one part");
	rm_apdu_set_le(&cmd, 0x42);
	ok(cmd.bytes[RM_APDU_MAX - 1] == 0x42, "another Le");
	at = 0;
	rm_apdu_part(&cmd, &head, NULL, 0, &at, false);
	ok(cmd.len == 4, "neither data nor answer");
}

static void
test_pin(void)
{
	static const uint8_t want[] = "123456\xff\xff";
	uint8_t block[RM_APDU_PIN];

	ok(rm_apdu_pin(block, "123456", 6) == 0 &&
	    memcmp(block, want, sizeof(block)) == 0, "a PIN is filled up");
	ok(rm_apdu_pin(block, "12345678", 8) == 0, "a PIN of eight");
	ok(rm_apdu_pin(block, "12345", 5) == -1 &&
	    rm_apdu_pin(block, "123456789", 9) == -1 &&
	    rm_apdu_pin(block, "", 0) == -1 &&
	    rm_apdu_pin(block, "12345\n", 6) == -1, "what is no PIN");
	ok(rm_apdu_tries(0x63c2) == 2 && rm_apdu_tries(0x63c0) == 0 &&
	    rm_apdu_tries(0x63cf) == 15 && rm_apdu_tries(0x6983) == 0,
	    "tries left");
	ok(rm_apdu_tries(0x9000) == -1 && rm_apdu_tries(0x6300) == -1 &&
	    rm_apdu_tries(0x6982) == -1, "no word about tries");
}

static void
test_sign_data(void)
{
	static const uint8_t want[] = { 0x7c, 0x06, 0x82, 0, 0x81, 2, 1, 2 };
	static const uint8_t rsa[] = {
		0x7c, 0x82, 0x01, 0x06, 0x82, 0, 0x81, 0x82, 0x01, 0x00
	};
	static uint8_t challenge[256];
	uint8_t out[512];

	challenge[0] = 1;
	challenge[1] = 2;
	ok(rm_apdu_sign_data(out, sizeof(out), challenge, 2) ==
	    sizeof(want) && memcmp(out, want, sizeof(want)) == 0,
	    "template of a short challenge");
	ok(rm_apdu_sign_data(out, sizeof(out), challenge, 256) == 266 &&
	    memcmp(out, rsa, sizeof(rsa)) == 0, "template of an RSA block");
	ok(rm_apdu_sign_data(out, 265, challenge, 256) == 0,
	    "template that does not fit");
}

static void
test_cert(void)
{
	uint8_t der[512];
	struct rm_cert cert;
	size_t len, least, i;

	len = unhex(der, cert_hex);
	ok(rm_cert_parse(&cert, der, len) == 0 &&
	    strcmp(cert.cn, "alice") == 0 && cert.spki_len == 91 &&
	    cert.spki == der + 115, "a certificate");
	least = 115 + 91;
	ok(rm_cert_parse(&cert, der, least) == 0 && cert.spki_len == 91,
	    "a certificate that ends behind its key");
	for (i = 0; i < least; i++)
		if (rm_cert_parse(&cert, der, i) == 0)
			break;
	ok(i == least, "every shorter piece of it is not enough");
	ok(rm_cert_parse(&cert, der + 1, len - 1) == -1, "no certificate");
	der[107] = 0x04;
	ok(rm_cert_parse(&cert, der, len) == 0 && cert.cn[0] == '\0',
	    "a subject without a common name");
	der[107] = 0x03;
	der[110] = 0x1b;
	ok(rm_cert_parse(&cert, der, len) == 0 &&
	    strcmp(cert.cn, "?lice") == 0, "a name is cleaned");
}

int
main(void)
{
	test_tlv();
	test_signature();
	test_parts();
	test_pin();
	test_sign_data();
	test_cert();
	printf("1..%d\n", tests);
	return 0;
}
