/* SPDX-License-Identifier: ISC */
/*
 * The lock of the console: a file, which survives a kill and a boot, and which
 * only a custodian's card takes away; the log has whose.  It names the boot in
 * which it was locked: from the next one on there is the return to factory
 * mode, too, lest an owner who has lost all cards be locked out for good.  Who
 * only passes by has to switch the box off and on for that, and gets no
 * further.
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

#define RESET	"Return to Factory Mode"

static void
path_of(char ret[static PATH_MAX])
{
	rm_env_state_path(ret, PATH_MAX, "locked");
}

static void
lock(void)
{
	static const char *const argv[] = { "rm-card", "lock", NULL };
	char path[PATH_MAX], text[256];

	/* The key that led here has disarmed. */
	path_of(path);
	if (rm_io_replace(path, ui_facts.boot, strlen(ui_facts.boot), 0600,
	    true) == -1) {
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
	char path[PATH_MAX], text[256], who[RM_NAME_MAX + 1];
	int tries;

	if (!cards_signer(who, &tries, answer)) {
		work_tell("Unlock", answer, len);
		return;
	}
	path_of(path);
	if (unlink(path) == -1 && errno != ENOENT) {
		(void)snprintf(text, sizeof(text), "not done: %s\n",
		    strerror(errno));
		message_show("Unlock", text);
	}
}

static void
fill(struct window *w)
{
	*w = (struct window){ .title = "Locked",
	    .n_entries = ui_facts.lock_is_old ? 2 : 1,
	    .text = "This console is locked.  A custodian's card unlocks "
	    "it.\n", .entry = { "Unlock", RESET } };
}

static void
chosen(size_t i)
{
	static const char *const words[] = { "unlock", NULL };
	static const char *const preset[RUN_ARGS];

	if (i == 0)
		cards_ask_sign("Unlock", "", words, unlock);
	else
		run_operation(RESET, "factory-reset", preset);
}

static void
stay(void)
{
}

const struct view lock_view = {
	.fill = fill, .chosen = chosen, .back = stay
};
