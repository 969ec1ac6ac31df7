/* SPDX-License-Identifier: ISC */
/*
 * The screens above each other, and what every key and event does to them.
 * While the appliance is armed there is only the RM window (rm.c), whatever
 * stood there before: look() goes there and back.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "move.h"
#include "rm_num.h"
#include "view.h"

#define LEVELS		8
#define KEYS		512	/* bytes at a time */
#define SEQUENCE_MS	30	/* from Esc to the rest of a key */

struct level {
	const struct view *view;
	const void *arg;
	size_t focus, top;
};

static struct {
	size_t n;
	struct level level[LEVELS];
	struct window window;		/* as it was filled last */
	int ops_fd;
	const char *ops;
	bool dirty;
	bool early;	/* keys came while it was still arming */
	int64_t tick;	/* when it is drawn without any event */
} ui;

struct facts ui_facts;
struct task ui_task = { .fd = -1 };

/* --- levels --------------------------------------------------------------- */

static struct level *
upmost(void)
{
	return &ui.level[ui.n - 1];
}

static void
leave(void)
{
	const struct view *v = upmost()->view;

	ui.n--;
	if (v->left != NULL)
		v->left();
}

static bool
is_armed(void)
{
	return ui.n > 0 && upmost()->view == &rm_view && ui_facts.armed;
}

void
ui_push(const struct view *v, const void *arg)
{
	/* Nothing comes over the RM window. */
	if (is_armed())
		return;
	if (ui.n == LEVELS)
		leave();
	ui.level[ui.n++] = (struct level){ .view = v, .arg = arg };
	ui.dirty = true;
}

const void *
ui_arg(void)
{
	return upmost()->arg;
}

void
ui_pop(void)
{
	if (ui.n > 1 && !is_armed())
		leave();
	ui.dirty = true;
}

void
ui_replace(const struct view *v, const void *arg)
{
	ui_pop();
	ui_push(v, arg);
}

void
ui_home(void)
{
	while (ui.n > 1)
		leave();
	ui.dirty = true;
}

void
ui_follow(void)
{
	upmost()->top = SIZE_MAX;
}

size_t *
ui_top(void)
{
	return &upmost()->top;
}

const char *
ui_ops(void)
{
	return ui.ops;
}

bool
ui_has_operation(const char *name)
{
	return faccessat(ui.ops_fd, name, X_OK, 0) == 0;
}

/* --- drawing -------------------------------------------------------------- */

static void
refill(void)
{
	upmost()->view->fill(&ui.window);
	if (upmost()->focus >= move_places(&ui.window))
		upmost()->focus = 0;
}

static void
draw(void)
{
	char root[128];
	unsigned int ms = 0;

	refill();
	if (!upmost()->view->amid)
		run_forget();
	(void)snprintf(root, sizeof(root), "%s - Local Management Console",
	    ui_facts.name);
	screen_draw(root, ui_facts.service ? "Service running..." :
	    "Service stopped", ui_facts.domain, &ui.window, upmost()->focus,
	    &upmost()->top);
	if (upmost()->view->tick_ms != NULL)
		ms = upmost()->view->tick_ms();
	ui.tick = ms == 0 ? INT64_MAX : rm_num_now_ms() + ms;
	ui.dirty = false;
}

/* --- keys ----------------------------------------------------------------- */

static void
key(enum key k, char c)
{
	struct level *l = upmost();
	const struct view *v = l->view;
	const struct window *w = &ui.window;
	bool one = move_places(w) <= 1;

	if (v->key != NULL && v->key(&l->focus, k, c))
		return;
	switch (k) {
	case KEY_ESC:
		if (v->back != NULL)
			v->back();
		else
			ui_pop();
		break;
	case KEY_ENTER:
		if (l->focus < w->n_fields || move_places(w) == 0)
			break;
		if (v->chosen != NULL)
			v->chosen(l->focus - w->n_fields);
		else
			ui_pop();
		break;
	case KEY_UP:
	case KEY_DOWN:
		if (one)
			move_text(&l->top, k);
		else
			move_focus(&l->focus, w, k == KEY_UP ? -1 : 1);
		break;
	case KEY_TAB:
	case KEY_RIGHT:
		move_focus(&l->focus, w, 1);
		break;
	case KEY_BACKTAB:
	case KEY_LEFT:
		move_focus(&l->focus, w, -1);
		break;
	case KEY_HOME:
	case KEY_END:
		if (one || w->n_entries == 0)
			move_text(&l->top, k);
		else
			l->focus = k == KEY_HOME ? 0 : move_places(w) - 1;
		break;
	case KEY_CHAR:
		move_to_letter(&l->focus, w, c);
		break;
	default:
		move_text(&l->top, k);
		break;
	}
}

/* --- events --------------------------------------------------------------- */

/* True while rm-supervise arms: then keys are left where they are. */
static bool
arming(void)
{
	return upmost()->view == &rm_view && !ui_facts.armed;
}

/* What stands lowest: how far anybody gets here. */
static const struct view *
lowest(void)
{
	if (ui_facts.locked)
		return &lock_view;
	return ui_facts.identity ? &main_view : &first_view;
}

/* Nothing that was open stays so when that changes. */
static void
look_lowest(void)
{
	if (ui.n > 0 && ui.level[0].view == lowest())
		return;
	while (ui.n > 0)
		leave();
	task_forget(&ui_task);
	ui_push(lowest(), NULL);
}

/* Returns true if there is something else to be seen. */
static bool
look(void)
{
	static struct facts now;

	facts_look(&now);
	if (memcmp(&now, &ui_facts, sizeof(now)) == 0)
		return false;
	if (now.armed && !ui_facts.armed) {
		if (arming())
			task_forget(&ui_task);
		ui_home();
		ui_push(&rm_view, NULL);
	} else if (!now.armed && ui_facts.armed)
		ui.n = 1;		/* the RM window holds nothing */
	ui_facts = now;
	if (!now.armed)
		look_lowest();
	watch_holder(now.session ? now.holder : 0);
	reader_follow(now.armed);
	return true;
}

/* Local activity; true if it ended something: then it means nothing else. */
static bool
activity(void)
{
	if (!local_activity())
		return false;
	(void)look();
	draw();
	record_disarm();
	return true;
}

static void
act_on(const char *keys, size_t len)
{
	size_t used;
	enum key k;
	char c;

	while (len > 0) {
		if (arming()) {
			ui.early = true;
			return;
		}
		used = keys_next(keys, len, &k, &c);
		keys += used;
		len -= used;
		if (k != KEY_NONE) {
			refill();
			key(k, c);
		}
	}
}

static void
take_keys(int tty)
{
	struct pollfd more = { .fd = tty, .events = POLLIN };
	char keys[KEYS];
	bool was_armed = ui_facts.armed;
	ssize_t n, m;

	if ((n = read(tty, keys, sizeof(keys) / 2)) == -1)
		die(RM_EXIT_SYSTEM, "unable to read the terminal");
	if (n == 0)
		diex(RM_EXIT_SYSTEM, "the terminal has gone");
	/* Or somebody else was quicker: it was meant for that window. */
	if (activity() || was_armed)
		return;
	if (keys[n - 1] == '\033' && poll(&more, 1, SEQUENCE_MS) == 1 &&
	    (m = read(tty, keys + n, sizeof(keys) / 2)) > 0)
		n += m;
	act_on(keys, (size_t)n);
	explicit_bzero(keys, sizeof(keys));
	ui.dirty = true;
}

static void
take_events(void)
{
	unsigned int what = watch_take();

	if ((what & WATCH_END) != 0)
		exit(RM_EXIT_OK);
	if ((what & WATCH_RESIZE) != 0) {
		screen_resize();
		ui.dirty = true;
	}
	if ((what & WATCH_CARD) != 0 && reader_take())
		(void)activity();
	if ((what & WATCH_FACTS) != 0 && (look() || upmost()->view->live))
		ui.dirty = true;
	if ((what & WATCH_TASK) == 0)
		return;
	ui.dirty = true;
	if (task_read(&ui_task) && !ui_facts.armed &&
	    upmost()->view->ended != NULL)
		upmost()->view->ended();
}

static int
timeout(void)
{
	int64_t now = rm_num_now_ms();

	if (ui.tick == INT64_MAX)
		return -1;
	return ui.tick > now ? (int)(ui.tick - now) : 0;
}

void
ui_run(int tty, int events, const char *ops)
{
	struct pollfd fds[2] = { { .events = POLLIN },
	    { .fd = events, .events = POLLIN } };

	ui.ops = ops;
	ui.ops_fd = open(ops, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ui_push(&main_view, NULL);
	(void)look();
	ui.dirty = true;
	for (;;) {
		if (ui.early && ui_facts.armed) {
			ui.early = false;
			(void)activity();
		}
		/* What was typed goes before what is to be seen. */
		if (ui.dirty && (arming() || !screen_pending()))
			draw();
		fds[0].fd = arming() ? -1 : tty;
		if (poll(fds, 2, timeout()) == -1 && errno != EINTR)
			die(RM_EXIT_SYSTEM, "unable to wait");
		if (rm_num_now_ms() >= ui.tick) {
			(void)look();
			ui.dirty = true;
		}
		if (fds[0].revents != 0)
			take_keys(tty);
		if (fds[1].revents != 0)
			take_events();
	}
}
