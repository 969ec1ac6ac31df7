/* SPDX-License-Identifier: ISC */
/* A text with OK, and a question with No and Yes. */
#include <stdio.h>

#include "view.h"

static struct {
	char title[64], text[TASK_TEXT + 1024];
	char question_title[64], question[512];
	void (*yes)(void);
} m;

static void
fill_text(struct window *w)
{
	*w = (struct window){ .title = m.title, .text = m.text,
	    .n_buttons = 1, .button = { "OK" } };
}

void
message_show(const char *title, const char *text)
{
	static const struct view view = { .fill = fill_text, .amid = true };

	(void)snprintf(m.title, sizeof(m.title), "%s", title);
	(void)snprintf(m.text, sizeof(m.text), "%s", text);
	ui_push(&view, NULL);
}

static void
fill_question(struct window *w)
{
	*w = (struct window){ .title = m.question_title, .text = m.question,
	    .n_entries = 2, .entry = { "No", "Yes" } };
}

static void
chosen_answer(size_t i)
{
	ui_pop();
	if (i == 1)
		m.yes();
}

void
message_ask(const char *title, const char *question, void (*yes)(void))
{
	static const struct view view = {
		.fill = fill_question, .chosen = chosen_answer,
		.amid = true
	};

	(void)snprintf(m.question_title, sizeof(m.question_title), "%s",
	    title);
	(void)snprintf(m.question, sizeof(m.question), "%s", question);
	m.yes = yes;
	ui_push(&view, NULL);
}
