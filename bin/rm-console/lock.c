/* SPDX-License-Identifier: ISC */
/*
 * The lock of the console: a file, which comes back with a console that was
 * killed, and which only a custodian's card takes away; the log has whose.
 * A boot takes it away, too: who can switch the box off and on gets as far as
 * its factory reset, whatever we do.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "rm_env.h"
#include "rm_io.h"
#include "rm_text.h"
#include "view.h"

static void
path_of(char ret[static PATH_MAX])
{
	rm_env_run_path(ret, PATH_MAX, "console/locked");
}

static void
lock(void)
{
	static const char *const argv[] = { "rm-card", "lock", NULL };
	char path[PATH_MAX], text[256];

	/* The key that led here has disarmed. */
	path_of(path);
	if (rm_io_replace(path, "", 0, 0600, false) == -1) {
		(void)snprintf(text, sizeof(text), "not done: %s\n",
		    strerror(errno));
		message_show("Lock Console", text);
		return;
	}
	task_start(NULL, argv, NULL, 0, false);
}

void
lock_ask(const struct menu_entry *e)
{
	(void)e;
	if (ui_facts.custodians_n == 0)
		message_show("Lock Console", "not done: no custodian is "
		    "enrolled, nobody could unlock it\n");
	else
		message_ask("Lock Console", "Lock this console until a "
		    "custodian's card unlocks it?\n", lock);
}

static void
unlock(const char *answer, size_t len)
{
	char path[PATH_MAX], who[RM_NAME_MAX + 1];
	int tries;

	if (!cards_signer(who, &tries, answer)) {
		work_tell("Unlock", answer, len);
		return;
	}
	path_of(path);
	if (unlink(path) == -1 && errno != ENOENT)
		rm_warn("unable to remove %s", path);
}

static void
fill(struct window *w)
{
	*w = (struct window){ .title = "Locked", .n_entries = 1,
	    .text = "This console is locked.  A custodian's card unlocks "
	    "it.\n", .entry = { "Unlock" } };
}

static void
chosen(size_t i)
{
	static const char *const words[] = { "unlock", NULL };

	(void)i;
	cards_ask_sign("Unlock", "", words, unlock);
}

static void
stay(void)
{
}

const struct view lock_view = {
	.fill = fill, .chosen = chosen, .back = stay
};
