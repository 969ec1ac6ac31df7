/* SPDX-License-Identifier: ISC */
/*
 * Cards at the console's own reader, by the station's own program: rmctl
 * reads the PIN from a pipe, and talks to the card.  The console never does.
 */
#include <stdio.h>
#include <string.h>

#include "rm_env.h"
#include "rm_secret.h"
#include "rm_text.h"
#include "view.h"

#define READER_MAX	128

static struct {
	char title[64], who[RM_NAME_MAX + 1];
	void (*done)(const char *answer, size_t len);
} c;

static void
fill_wait(struct window *w)
{
	*w = (struct window){ .title = c.title,
	    .text = "put the card into the reader of the console\n" };
}

/* The answer of rmctl card, or what it complained of. */
static void
ended(void)
{
	static char text[TASK_TEXT];
	size_t len = ui_task.len;

	memcpy(text, ui_task.text, len + 1);
	ui_pop();
	c.done(text, len);
	explicit_bzero(text, sizeof(text));
}

static void
stop(void)
{
	task_forget(&ui_task);
	ui_pop();
}

static const struct view wait_view = {
	.fill = fill_wait, .ended = ended, .back = stop
};

void
cards_work(const char *title, const char *pin, const char *verb,
    const char *word, void (*done)(const char *answer, size_t len))
{
	char reader[READER_MAX], *line;
	const char *argv[16] = { "rmctl", "-q", "--pin-fd", "0", "--wait",
	    "30", NULL };
	size_t n = 6, len;

	rm_env_conf(reader, sizeof(reader), "reader", "");
	if (*reader != '\0') {
		argv[n++] = "--reader";
		argv[n++] = reader;
	}
	argv[n++] = "card";
	argv[n++] = verb;
	argv[n++] = "--appliance";
	argv[n++] = ui_facts.key;
	argv[n++] = word;
	argv[n] = NULL;
	if ((line = rm_secret_alloc(FORM_VALUE + 1)) == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	len = (size_t)snprintf(line, FORM_VALUE + 1, "%s\n", pin);
	(void)snprintf(c.title, sizeof(c.title), "%s", title);
	c.done = done;
	task_start(&ui_task, argv, line, len, true);
	rm_secret_free(line);
	/* The PIN is where it belongs: no need to have it here as well. */
	form_close();
	ui_push(&wait_view, NULL);
}

/* --- enrolling ------------------------------------------------------------ */

static void
take_enrolment(const char *answer, size_t len)
{
	const char *const preset[RUN_ARGS] = { c.who };
	char text[1024];

	if (strncmp(answer, "enrol ", 6) == 0) {
		run_with_payload("Enrol", "custodian-add", preset, answer,
		    len);
		return;
	}
	rm_text_clean(text, sizeof(text), (const uint8_t *)answer,
	    strcspn(answer, "\n"));
	message_show("Enrol", text);
}

static const char *
submit(void)
{
	if (!rm_text_is_name(form_value(0)))
		return "a name has lower case letters, digits and -";
	if (*form_value(1) == '\0')
		return "a card wants its PIN";
	strcpy(c.who, form_value(0));
	cards_work("Enrol", form_value(1), "enrol", c.who, take_enrolment);
	return NULL;
}

void
cards_enrol(const struct menu_entry *e)
{
	static const struct field f[] = {
		{ "name", FIELD_TEXT, NULL }, { "PIN of the card",
		FIELD_SECRET, NULL }
	};

	(void)e;
	form_open("Enrol", "Put the card of the custodian into the reader of "
	    "the console\n", f, 2, submit);
}
