/* SPDX-License-Identifier: ISC */
/*
 * Cards at the console's own reader: programs read the PIN from a pipe and
 * talk to the card.  The console never does.
 */
#include <stdio.h>
#include <string.h>

#include "rm_env.h"
#include "rm_hash.h"
#include "rm_secret.h"
#include "rm_text.h"
#include "view.h"

#define READER_MAX	128
#define NONCE_BYTES	16
#define WORDS_MAX	16

static struct {
	char title[64], text[512], who[RM_NAME_MAX + 1];
	char appliance[80];
	void (*take)(const char *who, const char *answer, size_t len);
	/* For what is to be signed: */
	const char *word[WORDS_MAX];
	size_t n;
	char nonce[2 * NONCE_BYTES + 1];
	void (*done)(const char *answer, size_t len);
} c;

static void
work(const char *const argv[], const char *pin,
    void (*done)(const char *answer, size_t len))
{
	char *line;
	size_t len;

	if ((line = rm_secret_alloc(FORM_VALUE + 1)) == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	len = (size_t)snprintf(line, FORM_VALUE + 1, "%s\n", pin);
	work_start(c.title, "put the card into the reader of the console\n",
	    argv, line, len, done);
	rm_secret_free(line);
}

/* --- enrolling ------------------------------------------------------------ */

/* What rmctl card enrol says: an enrolment, or a complaint. */
static void
take_enrolment(const char *answer, size_t len)
{
	if (strncmp(answer, "enrol ", 6) == 0)
		c.take(c.who, answer, len);
	else
		work_tell(c.title, answer, len);
}

static const char *
submit_enrol(void)
{
	char reader[READER_MAX];
	const char *argv[16] = { "rmctl", "-q", "--pin-fd", "0", "--wait",
	    "30", "card", "enrol", "--appliance", c.appliance, c.who };
	size_t n = 11;

	if (!rm_text_is_name(form_value(0)))
		return "a name has lower case letters, digits and -";
	if (*form_value(1) == '\0')
		return "a card wants its PIN";
	strcpy(c.who, form_value(0));
	rm_env_conf(reader, sizeof(reader), "reader", "");
	if (*reader != '\0') {
		argv[n++] = "--reader";
		argv[n++] = reader;
	}
	work(argv, form_value(1), take_enrolment);
	return NULL;
}

void
cards_ask_enrol(const char *appliance,
    void (*take)(const char *who, const char *answer, size_t len))
{
	static const struct field f[] = {
		{ "name", FIELD_TEXT, NULL }, { "PIN of the card",
		FIELD_SECRET, NULL }
	};

	(void)snprintf(c.title, sizeof(c.title), "Enrol");
	(void)snprintf(c.appliance, sizeof(c.appliance), "%s", appliance);
	c.take = take;
	form_open(c.title, "Put the card of the custodian into the reader of "
	    "the console\n", f, 2, submit_enrol);
}

static void
add(const char *who, const char *answer, size_t len)
{
	const char *const preset[RUN_ARGS] = { who };

	run_with_payload("Enrol", "custodian-add", preset, answer, len);
}

void
cards_enrol(const struct menu_entry *e)
{
	(void)e;
	cards_ask_enrol(ui_facts.key, add);
}

/* --- signing -------------------------------------------------------------- */

static const char *
submit_sign(void)
{
	const char *argv[WORDS_MAX + 4] = { "rm-card" };
	size_t i, n = 1;

	if (*form_value(0) == '\0')
		return "a card wants its PIN";
	for (i = 0; i < c.n; i++) {
		argv[n++] = c.word[i];
		if (i == 0)
			argv[n++] = c.nonce;
	}
	work(argv, form_value(0), c.done);
	return NULL;
}

void
cards_ask_sign(const char *title, const char *text, const char *const words[],
    void (*done)(const char *answer, size_t len))
{
	static const struct field f = { "PIN of the card", FIELD_SECRET,
	    NULL };

	(void)snprintf(c.title, sizeof(c.title), "%s", title);
	(void)snprintf(c.text, sizeof(c.text), "%sPut the card of a "
	    "custodian into the reader of the console\n", text);
	for (c.n = 0; c.n < WORDS_MAX && words[c.n] != NULL; c.n++)
		c.word[c.n] = words[c.n];
	rm_hash_random(c.nonce, NONCE_BYTES);
	c.done = done;
	form_open(c.title, c.text, &f, 1, submit_sign);
}

bool
cards_signer(char ret_who[static RM_NAME_MAX + 1], int *ret_tries,
    const char *answer)
{
	char name[RM_NAME_MAX + 1], key[RM_HASH_HEX];
	int tries;

	if (sscanf(answer, "%32s %64s %d", name, key, &tries) != 3 ||
	    !rm_text_is_name(name) || !rm_text_is_hex(key, RM_HASH_HEX - 1))
		return false;
	strcpy(ret_who, name);
	*ret_tries = tries;
	return true;
}

/* --- a trial -------------------------------------------------------------- */

static void
show_drill(const char *answer, size_t len)
{
	char who[RM_NAME_MAX + 1], left[64] = "", text[256];
	int tries;

	if (!cards_signer(who, &tries, answer)) {
		work_tell("Drill", answer, len);
		return;
	}
	if (tries >= 0)
		(void)snprintf(left, sizeof(left), "PIN tries before this one: "
		    "%d\n", tries);
	(void)snprintf(text, sizeof(text), "This card is %s's, its key is "
	    "enrolled, and it signs.\n%sNothing is changed; the log has the "
	    "trial.\n", who, left);
	message_show("Drill", text);
}

void
cards_drill(const struct menu_entry *e)
{
	static const char *const words[] = { "drill", NULL };

	(void)e;
	cards_ask_sign("Drill", "A trial: the card signs, and nothing is "
	    "changed\n", words, show_drill);
}
