/* SPDX-License-Identifier: ISC */
/*
 * What is on the screen, and what leads from there to something else.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "rm_text.h"

#define BACK		"\xe2\x97\x82"		/* a triangle to the left */
#define FURTHER		" \xe2\x96\xb8"		/* and one to the right */
#define SEQUENCE_MS	30	/* from Esc to the rest of a key */

/*
 * MAIN -- CONFIGURATION, POWER -- CONFIRM -- WAIT -- MESSAGE -- MAIN, as
 * chosen() leads; and from everywhere to RM and back to MAIN, as look() finds
 * the appliance armed or not.
 */
enum view {
	VIEW_MAIN,
	VIEW_CONFIGURATION,
	VIEW_POWER,
	VIEW_CONFIRM,
	VIEW_WAIT,
	VIEW_MESSAGE,
	VIEW_RM
};

enum job {
	JOB_NONE,
	JOB_ARM,
	JOB_ABOUT,
	JOB_OPERATION
};

static struct {
	enum view view;
	size_t choice;
	struct facts facts;
	enum job job;
	struct task task;
	const char *power;		/* the operation to be confirmed */
	char title[64];			/* of WAIT and MESSAGE */
	char text[sizeof(((struct task *)0)->text) + 256];
	const char *ops;
} ui = { .task.fd = -1 };

/* --- what can be started -------------------------------------------------- */

static void
go(enum view view)
{
	ui.view = view;
	ui.choice = 0;
}

static void
start_operation(enum job job, const char *title, const char *operation,
    bool confirm)
{
	const char *const argv[] = { "rm-exec", "-L", ui.ops, NULL };
	char name[3 * sizeof(ui.facts.name)], line[512];

	if (rm_text_spell(name, sizeof(name), (uint8_t *)ui.facts.name,
	    strlen(ui.facts.name)) == -1)
		name[0] = '\0';
	(void)snprintf(line, sizeof(line), "%s%s%s\n", operation,
	    confirm ? " confirm=" : "", confirm ? name : "");
	(void)snprintf(ui.title, sizeof(ui.title), "%s", title);
	task_start(&ui.task, argv, line, false);
	ui.job = job;
	go(VIEW_WAIT);
}

static void
start_arming(void)
{
	static const char *const argv[] = { "rm-supervise", "arm", NULL };

	task_start(&ui.task, argv, NULL, true);
	ui.job = JOB_ARM;
	go(VIEW_RM);
}

/* What rm-exec answered, without the marks of the wire. */
static void
read_answer(void)
{
	char *line, *next;
	size_t len = 0;

	ui.text[0] = '\0';
	for (line = ui.task.text; line != NULL; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		/* About tells facts; only what fails has more to say there. */
		if (strlen(line) < 2 || strchr(":+!", *line) == NULL ||
		    (*line == '+' && (ui.job == JOB_ABOUT || len > 0)))
			continue;
		len += (size_t)snprintf(ui.text + len, sizeof(ui.text) - len,
		    "%s%s\n", *line == '!' ? "not done: " : "", line + 2);
	}
	if (len == 0)
		(void)snprintf(ui.text, sizeof(ui.text),
		    "not done: rm-exec did not answer\n");
	if (ui.job == JOB_ABOUT)
		(void)snprintf(ui.text + len, sizeof(ui.text) - len,
		    "key %.*s\n    %s\n", (int)strlen(ui.facts.key) / 2,
		    ui.facts.key, ui.facts.key + strlen(ui.facts.key) / 2);
}

/* The program has ended; nobody is told about it while armed. */
static void
take_result(void)
{
	if (ui.job == JOB_ARM) {
		(void)snprintf(ui.title, sizeof(ui.title),
		    "Remote Management");
		rm_text_clean(ui.text, sizeof(ui.text),
		    (uint8_t *)ui.task.text, ui.task.len);
	} else
		read_answer();
	ui.job = JOB_NONE;
	if (!ui.facts.armed)
		go(VIEW_MESSAGE);
}

/* --- menus ---------------------------------------------------------------- */

static void
chosen_main(size_t choice)
{
	switch (choice) {
	case 0:
		start_operation(JOB_ABOUT, "About", "status", false);
		break;
	case 1:
		if (ui.facts.service)
			start_operation(JOB_OPERATION, "Stop Service",
			    "stop-service", false);
		else
			start_operation(JOB_OPERATION, "Start Service",
			    "start-service", false);
		break;
	case 2:
		start_arming();
		break;
	case 3:
		go(VIEW_CONFIGURATION);
		break;
	case 4:
		go(VIEW_POWER);
		break;
	}
}

static void
chosen(size_t choice)
{
	switch (ui.view) {
	case VIEW_MAIN:
		chosen_main(choice);
		break;
	case VIEW_CONFIGURATION:
		if (choice == 1)
			start_arming();
		else
			go(VIEW_MAIN);
		break;
	case VIEW_POWER:
		ui.power = choice == 1 ? "restart" : "switch-off";
		go(choice == 0 ? VIEW_MAIN : VIEW_CONFIRM);
		break;
	case VIEW_CONFIRM:
		if (choice == 1)
			start_operation(JOB_OPERATION, "Power Off", ui.power,
			    true);
		else
			go(VIEW_POWER);
		break;
	case VIEW_MESSAGE:
		go(VIEW_MAIN);
		break;
	case VIEW_WAIT:
	case VIEW_RM:
		break;
	}
}

static void
back(void)
{
	if (ui.view == VIEW_CONFIRM)
		go(VIEW_POWER);
	else if (ui.view != VIEW_WAIT && ui.view != VIEW_RM)
		go(VIEW_MAIN);
}

static void
fill(struct window *w)
{
	static char question[128], rm[2048];

	switch (ui.view) {
	case VIEW_MAIN:
		*w = (struct window){ "Main", NULL, 5, { "About",
		    ui.facts.service ? "Stop Service" : "Start Service",
		    "Remote Management", "Configuration" FURTHER,
		    "Power Off" FURTHER } };
		break;
	case VIEW_CONFIGURATION:
		*w = (struct window){ "Configuration", NULL, 2,
		    { BACK, "Load Remote Management" } };
		break;
	case VIEW_POWER:
		*w = (struct window){ "Power Off", NULL, 3,
		    { BACK, "Restart", "Power Off" } };
		break;
	case VIEW_CONFIRM:
		(void)snprintf(question, sizeof(question), "%s %s now?",
		    strcmp(ui.power, "restart") == 0 ? "Restart" :
		    "Switch off", ui.facts.name);
		*w = (struct window){ "Power Off", question, 2,
		    { "No", "Yes" } };
		break;
	case VIEW_WAIT:
		*w = (struct window){ .title = ui.title,
		    .text = "please wait" };
		break;
	case VIEW_MESSAGE:
		*w = (struct window){ ui.title, ui.text, 1, { "OK" } };
		break;
	case VIEW_RM:
		facts_describe(rm, sizeof(rm), &ui.facts);
		*w = (struct window){ .title = "RM (press ESC to exit)",
		    .text = ui.facts.armed ? rm :
		    "switching remote management on" };
		break;
	}
}

static void
draw(void)
{
	struct window w;
	char root[128];

	fill(&w);
	(void)snprintf(root, sizeof(root), "%s - Local Management Console",
	    ui.facts.name);
	screen_draw(root, ui.facts.service ? "Service running..." :
	    "Service stopped", "Replication Domain: <none>", &w, ui.choice);
}

/* --- events --------------------------------------------------------------- */

/* Returns true if there is something else to be seen. */
static bool
look(void)
{
	static struct facts now;

	facts_look(&now);
	if (memcmp(&now, &ui.facts, sizeof(now)) == 0)
		return false;
	ui.facts = now;
	watch_holder(now.session ? now.holder : 0);
	if (now.armed) {
		if (ui.job == JOB_ARM) {
			task_forget(&ui.task);
			ui.job = JOB_NONE;
		}
		go(VIEW_RM);
	} else if (ui.view == VIEW_RM && ui.job != JOB_ARM)
		go(VIEW_MAIN);
	return true;
}

/* Keys are left where they are until arming is done: then they end it. */
static bool
arming(void)
{
	return ui.job == JOB_ARM && !ui.facts.armed;
}

static void
take_keys(int tty)
{
	struct pollfd more = { .fd = tty, .events = POLLIN };
	char keys[SCREEN_KEYS];
	bool was_armed = ui.facts.armed;
	ssize_t n, m;

	if ((n = read(tty, keys, sizeof(keys) / 2)) == -1)
		die(RM_EXIT_SYSTEM, "unable to read the terminal");
	if (n == 0)
		diex(RM_EXIT_SYSTEM, "the terminal has gone");
	if (local_activity()) {
		(void)look();
		if (!ui.facts.armed)
			go(VIEW_MAIN);
		draw();
		record_disarm();
		return;
	}
	if (was_armed)
		return;		/* somebody else was quicker */
	if (keys[n - 1] == '\033' && poll(&more, 1, SEQUENCE_MS) == 1 &&
	    (m = read(tty, keys + n, sizeof(keys) / 2)) > 0)
		n += m;
	switch (screen_keys(keys, (size_t)n, &ui.choice)) {
	case SCREEN_NONE:
		break;
	case SCREEN_CHOSEN:
		chosen(ui.choice);
		draw();
		break;
	case SCREEN_BACK:
		back();
		draw();
		break;
	}
}

void
ui_run(int tty, int events, const char *ops)
{
	struct pollfd fds[2] = { { .events = POLLIN },
	    { .fd = events, .events = POLLIN } };
	unsigned int what;
	bool dirty = true;

	ui.ops = ops;
	(void)look();
	for (;;) {
		/* What was typed goes before what is to be seen. */
		if (dirty && (arming() || !screen_pending()))
			draw();
		fds[0].fd = arming() ? -1 : tty;
		if (poll(fds, 2, -1) == -1 && errno != EINTR)
			die(RM_EXIT_SYSTEM, "unable to wait");
		dirty = false;
		if (fds[0].revents != 0)
			take_keys(tty);
		if (fds[1].revents == 0)
			continue;
		what = watch_take();
		if ((what & WATCH_END) != 0)
			exit(RM_EXIT_OK);
		if ((what & WATCH_RESIZE) != 0)
			screen_resize();
		dirty = look() || (what & WATCH_RESIZE) != 0;
		if ((what & WATCH_TASK) != 0 && task_read(&ui.task)) {
			take_result();
			dirty = true;
		}
	}
}

