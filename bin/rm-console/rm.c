/* SPDX-License-Identifier: ISC */
/* The RM window: the only one there is while the appliance is armed. */
#include <stdio.h>

#include "view.h"

#define TICK_MS		1000	/* idle seconds are counted before our eyes */

static void
fill(struct window *w)
{
	static char text[4096];

	if (ui_facts.armed)
		facts_describe(text, sizeof(text), &ui_facts);
	*w = (struct window){ .title = "RM (press ESC to exit)",
	    .text = ui_facts.armed ? text :
	    "switching remote management on" };
}

/* Reached only if arming failed: else look() leads away from here. */
static void
ended(void)
{
	char text[sizeof(ui_task.text)];

	task_clean(text, sizeof(text), &ui_task);
	ui_pop();
	message_show("Remote Management", text);
}

static bool
key(size_t *focus, enum key k, char c)
{
	(void)focus;
	(void)k;
	(void)c;
	return true;
}

static unsigned int
tick_ms(void)
{
	return ui_facts.armed && ui_facts.session ? TICK_MS : 0;
}

const struct view rm_view = {
	.fill = fill, .key = key, .ended = ended, .tick_ms = tick_ms
};
