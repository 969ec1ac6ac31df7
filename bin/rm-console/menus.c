/* SPDX-License-Identifier: ISC */
/* The menus, from Main down. */
#include "view.h"

static const struct menu custodians = { "Custodians", {
	{ "List", "custodian-list", menu_run, NULL },
	{ "Enrol", "custodian-add", cards_enrol, NULL },
	{ "Remove", "custodian-remove", menu_run, NULL },
	{ "Drill a Card", NULL, cards_drill, NULL }
} };

static const struct menu replication = { "Replication", {
	{ "Create Domain", "domain-create", menu_run, NULL },
	{ "Join Domain", "domain-join", menu_run, NULL },
	{ "Leave Domain", "domain-leave", menu_run, NULL },
	{ "Node List", "node-list", menu_run, NULL },
	{ "Add Node", "node-add", menu_run, NULL },
	{ "Discover from a Node", "node-discover", menu_run, NULL },
	{ "Remove Node", "node-remove", menu_run, NULL },
	{ "Test Node", "node-test", menu_run, NULL },
	{ "Database Live Sync", "live-sync", menu_run, NULL }
} };

static const struct menu configuration = { "Configuration", {
	{ "Load Remote Management", NULL, menu_arm, NULL },
	{ "Listen Address", "set-listen", menu_run, NULL },
	{ "Time Limits", "set-limits", menu_run, NULL },
	{ "Card Reader", "set-reader", menu_run, NULL },
	{ "Custodians>", "custodian-list", menu_open, &custodians },
	{ "Policy", "policy-set", policy_open, NULL },
	{ "Operating Mode", "set-mode", menu_run, NULL },
	{ "Replication>", "domain-create", menu_open, &replication },
	{ "Unlock Master", "unlock-master", menu_run, NULL },
	{ "Date and Time", NULL, menu_push, &clock_view },
	{ "Return to Factory Mode", "factory-reset", menu_run, NULL }
} };

static const struct menu monitor = { "Monitor", {
	{ "Counters", NULL, menu_push, &counters_view },
	{ "Event Log", NULL, events_open, NULL }
} };

static const struct menu partition = { "Partition", {
	{ "List", "partition-list", menu_run, NULL },
	{ "Create", "partition-create", menu_run, NULL },
	{ "Delete", "partition-delete", menu_run, NULL },
	{ "Change PIN", "partition-change-pin", menu_run, NULL },
	{ "Unlock PIN", "partition-unlock", menu_run, NULL },
	{ "Password of a User", "user-password", menu_run, NULL },
	{ "Unlock a User", "unlock-user", menu_run, NULL }
} };

static const struct menu power = { "Power Off", {
	{ "Restart", "restart", menu_run, NULL },
	{ "Power Off", "switch-off", menu_run, NULL }
} };

#define MAIN(label, operation) { "Main", { \
	{ "About", NULL, about_open, NULL }, \
	{ label, operation, menu_run, NULL }, \
	{ "Monitor>", NULL, menu_open, &monitor }, \
	{ "Remote Management", NULL, menu_arm, NULL }, \
	{ "Configuration>", NULL, menu_open, &configuration }, \
	{ "Partition>", "partition-list", menu_open, &partition }, \
	{ "Self Test", "self-test", menu_run, NULL }, \
	{ "Lock Console", NULL, lock_ask, NULL }, \
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
