/* SPDX-License-Identifier: ISC */
/* About: what the operation about tells, or status where there is none. */
#include <stdio.h>
#include <string.h>

#include "view.h"

static char text[8192];

static void
fill(struct window *w)
{
	*w = (struct window){ .title = "About", .text = *text != '\0' ? text :
	    "please wait\n", .n_buttons = *text != '\0', .button = { "OK" } };
}

static void
chosen(size_t i)
{
	(void)i;
	ui_pop();
}

static void
ended(void)
{
	run_answer(text, sizeof(text));
}

static const struct view view = {
	.fill = fill, .chosen = chosen, .ended = ended
};

void
about_open(const struct menu_entry *e)
{
	(void)e;
	text[0] = '\0';
	ui_push(&view, NULL);
	run_quietly("status");
}
