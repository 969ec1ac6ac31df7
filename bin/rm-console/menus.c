/* SPDX-License-Identifier: ISC */
/* The menus, from Main down. */
#include "view.h"

static const struct menu configuration = { "Configuration", {
	{ "Load Remote Management", NULL, menu_arm, NULL },
	{ "Operating Mode", "set-mode", menu_run, NULL },
	{ "Unlock Master", "unlock-master", menu_run, NULL },
	{ "Return to Factory Mode", "factory-reset", menu_run, NULL }
} };

static const struct menu power = { "Power Off", {
	{ "Restart", "restart", menu_run, NULL },
	{ "Power Off", "switch-off", menu_run, NULL }
} };

#define MAIN(label, operation) { "Main", { \
	{ "About", NULL, about_open, NULL }, \
	{ label, operation, menu_run, NULL }, \
	{ "Remote Management", NULL, menu_arm, NULL }, \
	{ "Configuration>", NULL, menu_open, &configuration }, \
	{ "Power Off>", NULL, menu_open, &power } \
} }

static const struct menu running = MAIN("Stop Service", "stop-service");
static const struct menu stopped = MAIN("Start Service", "start-service");

static void
fill(struct window *w)
{
	*w = (struct window){ 0 };
	menu_fill(w, ui_facts.service ? &running : &stopped);
}

static void
chosen(size_t i)
{
	menu_choose(ui_facts.service ? &running : &stopped, i);
}

static void
stay(void)
{
}

const struct view main_view = {
	.fill = fill, .chosen = chosen, .back = stay
};
