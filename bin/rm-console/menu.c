/* SPDX-License-Identifier: ISC */
/*
 * Menus.  An entry whose operation is not installed is not there: what can be
 * chosen works.
 */
#include <stdio.h>
#include <string.h>

#include "view.h"

/* Fills *ret with the entry that shows as number i; false if none does. */
static bool
find(const struct menu *m, size_t i, const struct menu_entry **ret)
{
	const struct menu_entry *e;

	for (e = m->entry; e < m->entry + MENU_ENTRIES && e->label != NULL;
	    e++) {
		if (e->needs != NULL && !ui_has_operation(e->needs))
			continue;
		if (i-- == 0) {
			*ret = e;
			return true;
		}
	}
	return false;
}

const char *
menu_back(void)
{
	return screen_has_utf8() ? "\xe2\x97\x82" : "<";
}

const char *
menu_further(void)
{
	return screen_has_utf8() ? " \xe2\x96\xb8" : " >";
}

/* A label ends with '>' where more comes: shown as the terminal can. */
static const char *
spell(const char *label, size_t i)
{
	static char text[MENU_ENTRIES + 1][64];
	size_t len = strlen(label);

	if (label[len - 1] != '>')
		return label;
	(void)snprintf(text[i], sizeof(text[i]), "%.*s%s", (int)len - 1,
	    label, menu_further());
	return text[i];
}

void
menu_fill(struct window *w, const struct menu *m)
{
	const struct menu_entry *e;
	size_t i;

	w->title = m->title;
	for (i = 0; i < MENU_ENTRIES && find(m, i, &e); i++)
		w->entry[w->n_entries++] = spell(e->label, i);
}

static void
fill(struct window *w)
{
	*w = (struct window){ .n_entries = 1, .entry = { menu_back() } };
	menu_fill(w, ui_arg());
}

void
menu_choose(const struct menu *m, size_t i)
{
	const struct menu_entry *e;

	if (find(m, i, &e))
		e->act(e);
}

static void
chosen(size_t i)
{
	if (i == 0)
		ui_pop();
	else
		menu_choose(ui_arg(), i - 1);
}

const struct view menu_view = { .fill = fill, .chosen = chosen };

void
menu_open(const struct menu_entry *e)
{
	ui_push(&menu_view, e->arg);
}

void
menu_push(const struct menu_entry *e)
{
	ui_push(e->arg, NULL);
}

void
menu_run(const struct menu_entry *e)
{
	static const char *const none[RUN_ARGS];

	run_operation(e->label, e->needs, none);
}

void
menu_arm(const struct menu_entry *e)
{
	static const char *const argv[] = { "rm-supervise", "arm", NULL };

	(void)e;
	ui_push(&rm_view, NULL);
	task_start(&ui_task, argv, NULL, 0, true);
}
