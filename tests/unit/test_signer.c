/* SPDX-License-Identifier: ISC */
/*
 * The manners of dealing with a card, with a PC/SC of our own in place of
 * rm_pcsc.c: what is done in which order, and what is never done.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "alice.h"
#include "rm_signer.h"
#include "tap.h"

/* Of alice's key: a signature over "text"; and another's point. */
static const char sig_hex[] =
    "3045022019c1aac5ef1ebc17153b0fe288a5b22c547232d2253ca39da558622ae1df"
    "68e1022100faff6ae90295bf3de0a834589ddada55ee89b43e307745a9dc62340653"
    "68bd12";
static const char other_hex[] =
    "9256015d8ef0a8421fd24f9d5bc272963d0032bb8040233637119bb5b1836ff112a8"
    "cf3f45d0ab2f97ff8361e01d2f13bbcc8cc0abf1a3e098d713655053ca1a";

enum { NEVER = 0 };

/*
 * What a card does.  Steps are counted from 1: each call of begin, check and
 * transmit is one, and a letter in the log.
 */
struct card {
	unsigned int tries;	/* status word of an empty VERIFY */
	int reset_at, reset_again_at;	/* steps that find it reset */
	int other_from;		/* step from which it is bob's card */
	int verified_until;	/* step until which a PIN is in force */
	unsigned int pin_sw;	/* answer to VERIFY, if not 9000 */
	bool wrong_sig;
};

/* A letter for each step: b c S D t V G; e is an end, R one with reset. */
static char log_[64];
static char begun[RM_PCSC_NAME_MAX];	/* the reader of the last begin */
static struct card card;
static int steps;
static bool was_reset;
static const char *const *names;

struct rm_pcsc { int unused; };
static struct rm_pcsc pcsc;

/* Writes the letter of a step; true if the card is found to be reset. */
static bool
step(char letter)
{
	size_t len = strlen(log_);

	if (len < sizeof(log_) - 1)
		log_[len] = letter;
	steps++;
	was_reset = steps == card.reset_at || steps == card.reset_again_at;
	return was_reset;
}

int
rm_pcsc_open(struct rm_pcsc **ret, struct rm_err *err)
{
	(void)err;
	*ret = &pcsc;
	return 0;
}

void
rm_pcsc_close(struct rm_pcsc *p)
{
	if (p != NULL)
		rm_pcsc_end(p, true);
}

int
rm_pcsc_readers(struct rm_pcsc *p,
    struct rm_pcsc_reader ret[static RM_PCSC_READERS_MAX], size_t *ret_n,
    struct rm_err *err)
{
	size_t n;

	(void)p;
	(void)err;
	for (n = 0; names[n] != NULL; n++) {
		(void)strcpy(ret[n].name, names[n]);
		ret[n].present = true;
		ret[n].state = 1;
	}
	*ret_n = n;
	return 0;
}

int
rm_pcsc_wait(struct rm_pcsc *p, const struct rm_pcsc_reader *readers,
    size_t n, uint32_t ms, struct rm_err *err)
{
	(void)p;
	(void)readers;
	(void)n;
	(void)ms;
	return rm_err_set(err, RM_CODE_SYSTEM, "not in this test");
}

int
rm_pcsc_begin(struct rm_pcsc *p, const char *reader, struct rm_err *err)
{
	(void)p;
	(void)err;
	(void)strcpy(begun, reader);
	(void)step('b');
	return 0;
}

void
rm_pcsc_end(struct rm_pcsc *p, bool reset)
{
	size_t len = strlen(log_);

	(void)p;
	if (len < sizeof(log_) - 1)
		log_[len] = reset ? 'R' : 'e';
}

int
rm_pcsc_check(struct rm_pcsc *p, struct rm_err *err)
{
	(void)p;
	return step('c') ? rm_err_set(err, RM_CODE_CARD_LOST, "reset") : 0;
}

bool
rm_pcsc_was_reset(const struct rm_pcsc *p)
{
	(void)p;
	return was_reset;
}

static size_t
answer_cert(uint8_t *ret)
{
	size_t len;

	memcpy(ret, "\x53\x82\x01\x80\x70\x82\x01\x78", 8);
	len = 8 + unhex(ret + 8, cert_hex);
	if (card.other_from != NEVER && steps >= card.other_from)
		(void)unhex(ret + 8 + 115 + 27, other_hex);
	return len > 250 ? 250 : len;
}

static size_t
answer_sig(uint8_t *ret)
{
	size_t len = unhex(ret + 4, sig_hex);

	ret[0] = 0x7c;
	ret[1] = (uint8_t)(len + 2);
	ret[2] = 0x82;
	ret[3] = (uint8_t)len;
	if (card.wrong_sig)
		ret[4 + len - 1] ^= 1;
	return len + 4;
}

int
rm_pcsc_transmit(void *arg, const struct rm_apdu *cmd, uint8_t *ret,
    size_t *len, struct rm_err *err)
{
	unsigned int sw = 0x9000;
	size_t n = 0;
	char letter;

	(void)arg;
	switch (cmd->bytes[1]) {
	case 0xa4: letter = 'S'; break;
	case 0xcb: letter = 'D'; break;
	case 0x20: letter = cmd->len > 4 ? 'V' : 't'; break;
	case 0x87: letter = 'G'; break;
	default: letter = '?'; break;
	}
	if (step(letter))
		return rm_err_set(err, RM_CODE_CARD_LOST, "reset");
	if (letter == 'D')
		n = answer_cert(ret);
	if (letter == 'G')
		n = answer_sig(ret);
	if (letter == 't' && steps > card.verified_until)
		sw = card.tries;
	if (letter == 'V' && card.pin_sw != 0)
		sw = card.pin_sw;
	ret[n] = (uint8_t)(sw >> 8);
	ret[n + 1] = (uint8_t)sw;
	*len = n + 2;
	return 0;
}

static void
nobody_waits(void *arg, const struct rm_err *why)
{
	(void)arg;
	(void)why;
}

/* A signer with a PIN on a pipe; ends in the code, and frees all. */
static enum rm_code
run(struct rm_card_want *want, const char *pin, struct rm_err *err)
{
	struct rm_signer signer = { .want = want };
	uint8_t sig[RM_PUB_SIG_MAX];
	enum rm_code code = RM_CODE_OK;
	int pair[2];
	size_t len;

	if (pipe(pair) == -1 ||
	    write(pair[1], pin, strlen(pin)) != (ssize_t)strlen(pin))
		abort();
	(void)close(pair[1]);
	memset(log_, 0, sizeof(log_));
	steps = 0;
	want->slot = 0x9a;
	want->pin_from_fd = true;
	want->pin_fd = pair[0];
	err->text[0] = '\0';
	if (rm_signer_find(&signer, nobody_waits, NULL, err) == -1 ||
	    rm_signer_read_pin(&signer, -1, err) == -1 ||
	    rm_signer_sign(&signer, "text", 4, sig, &len, err) == -1)
		code = err->code;
	rm_signer_end(&signer);
	(void)close(pair[0]);
	return code;
}

static void
test_order(void)
{
	static const struct {
		const char *name;
		struct card card;
		bool last_try;
		enum rm_code code;
		const char *log, *text;
	} table[] = {
		{ "all goes well", { .tries = 0x63c3 }, false,
		    RM_CODE_OK, "bSDtcVGR", "" },
		{ "reset at the first look: once more",
		    { .tries = 0x63c3, .reset_at = 2 }, false,
		    RM_CODE_OK, "bSebSDtcVGR", "" },
		{ "reset at the second, too",
		    { .tries = 0x63c3, .reset_at = 3, .reset_again_at = 6 },
		    false, RM_CODE_CARD_LOST, "bSDebSDeR",
		    "reset: no PIN was sent" },
		{ "another's PIN is in force: it is not used",
		    { .tries = 0x63c3, .verified_until = 4 }, false,
		    RM_CODE_OK, "bSDtRbSDtcVGR", "" },
		{ "another's PIN is always in force",
		    { .tries = 0x63c3, .verified_until = 99 }, false,
		    RM_CODE_CARD_LOST, "bSDtRbSDtRR",
		    "the card in X takes PINs from other programs: no PIN was "
		    "sent" },
		{ "reset while it waits: another look, then the PIN",
		    { .tries = 0x63c3, .reset_at = 5 }, false,
		    RM_CODE_OK, "bSDtcbSDtVGR", "" },
		{ "another card meanwhile gets no PIN",
		    { .tries = 0x63c3, .reset_at = 5, .other_from = 6 }, false,
		    RM_CODE_CARD_LOST, "bSDtcbSDtR",
		    "there is another card in X now: no PIN was sent, tries "
		    "left: 3" },
		{ "reset where the PIN is sent: never again",
		    { .tries = 0x63c3, .reset_at = 6 }, false,
		    RM_CODE_CARD_LOST, "bSDtcVR",
		    "reset: a PIN try may have been used, of 3" },
		{ "reset where it signs",
		    { .tries = 0x63c3, .reset_at = 7 }, false,
		    RM_CODE_CARD_LOST, "bSDtcVGR",
		    "reset: the PIN was right, no try was used" },
		{ "a wrong PIN is sent once",
		    { .tries = 0x63c3, .pin_sw = 0x63c2 }, false,
		    RM_CODE_WRONG_PIN, "bSDtcVR",
		    "wrong PIN: a try was used, 2 left" },
		{ "the last try is kept", { .tries = 0x63c1 }, false,
		    RM_CODE_LAST_TRY, "bSDtR", "the last PIN try of the card "
		    "in X was kept: no PIN was sent, tries left: 1" },
		{ "the last try is spent when told", { .tries = 0x63c1 },
		    true, RM_CODE_OK, "bSDtcVGR", "" },
		{ "an unknown number may be the last", { .tries = 0x6700 },
		    false, RM_CODE_LAST_TRY, "bSDtR", "the card in X does not "
		    "say how many PIN tries are left: it may be the last: no "
		    "PIN was sent" },
		{ "an unknown number, when told", { .tries = 0x6700 }, true,
		    RM_CODE_OK, "bSDtcVGR", "" },
		{ "blocked (one way to say it)", { .tries = 0x6983 }, true,
		    RM_CODE_PIN_BLOCKED, "bSDtR", "the PIN of the card in X "
		    "is blocked: no PIN was sent, tries left: 0" },
		{ "blocked (the other)", { .tries = 0x63c0 }, true,
		    RM_CODE_PIN_BLOCKED, "bSDtR", NULL },
		{ "a signature of another key",
		    { .tries = 0x63c3, .wrong_sig = true }, false,
		    RM_CODE_FAILED, "bSDtcVGR", "what the card in X signed "
		    "does not fit the key in its certificate: the PIN was "
		    "right, no try was used" },
	};
	static const char *const one[] = { "X", NULL };
	struct rm_card_want want;
	struct rm_err err;
	enum rm_code code;
	size_t i;

	names = one;
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		card = table[i].card;
		want = (struct rm_card_want){ .last_try = table[i].last_try };
		code = run(&want, "123456\n", &err);
		ok(code == table[i].code && strcmp(log_, table[i].log) == 0 &&
		    (table[i].text == NULL ||
		    strcmp(err.text, table[i].text) == 0), table[i].name);
	}
}

static void
test_pin(void)
{
	struct rm_card_want want = { 0 };
	struct rm_err err;

	card = (struct card){ .tries = 0x63c3 };
	ok(run(&want, "12345\n", &err) == RM_CODE_USAGE &&
	    strcmp(log_, "bSDtcR") == 0, "a PIN that is none is not sent");
	ok(run(&want, "\n", &err) == RM_CODE_USAGE &&
	    strcmp(log_, "bSDtR") == 0, "an empty line");
	ok(run(&want, "", &err) == RM_CODE_USAGE &&
	    strcmp(log_, "bSDtR") == 0, "no line");
	ok(run(&want, "12345678", &err) == RM_CODE_OK,
	    "the end of input ends a PIN, too");
}

static void
test_choice(void)
{
	static const char *const two[] = { "A X 0", "X 0", NULL };
	static const char alice[][RM_HASH_HEX] = {
	    "8de7c0b9d433c40465756fba4c71295cb9cfed339cc76b0ff023cbd9f129bdd1" };
	struct rm_card_want want = { .reader = "X 0" };
	struct rm_err err;

	names = two;
	card = (struct card){ .tries = 0x63c3 };
	ok(run(&want, "123456\n", &err) == RM_CODE_OK &&
	    strcmp(log_, "bSDtcVGR") == 0 && strcmp(begun, "X 0") == 0,
	    "a whole name goes before a part of one");
	want.reader = "A";
	ok(run(&want, "123456\n", &err) == RM_CODE_OK &&
	    strcmp(begun, "A X 0") == 0, "a part of a name");
	want.reader = "Y";
	ok(run(&want, "123456\n", &err) == RM_CODE_NO_READER &&
	    strcmp(err.text, "no card reader with the name Y") == 0,
	    "no such reader");
	want = (struct rm_card_want){ .skip = alice, .n_skip = 1 };
	ok(run(&want, "123456\n", &err) == RM_CODE_NO_CARD &&
	    strcmp(log_, "bSDebSDeR") == 0 &&
	    strcmp(err.text, "X 0: this card was used already") == 0,
	    "a card that was used is passed over, and not reset");
	card.other_from = 5;
	ok(run(&want, "123456\n", &err) == RM_CODE_FAILED &&
	    strcmp(log_, "bSDebSDtcVGR") == 0, "the next one is taken");
}

int
main(void)
{
	test_order();
	test_pin();
	test_choice();
	printf("1..%d\n", tests);
	return 0;
}
