/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_VIEW_H
#define RM_CONSOLE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console.h"
#include "keys.h"
#include "screen.h"

/*
 * One screen.  It is filled anew each time from what is so at that moment;
 * ui.c draws it, moves the focus and the text, and tells what was decided.
 * All but fill may be NULL.
 */
struct view {
	void (*fill)(struct window *w);
	/* Enter on an entry, or on a button: these are counted behind them. */
	void (*chosen)(size_t i);
	/* A key before ui.c sees it; true if that was all it means. */
	bool (*key)(size_t *focus, enum key k, char c);
	/* Esc; NULL: one level up. */
	void (*back)(void);
	/* The task has ended, its text is whole. */
	void (*ended)(void);
	/* The view goes, whatever the reason: what it holds can be wiped. */
	void (*left)(void);
	/* How often it is drawn without any event; 0: not at all. */
	unsigned int (*tick_ms)(void);
};

/* --- ui.c: the screens above each other ----------------------------------- */

/* arg is what ui_arg returns while this view is the uppermost. */
void ui_push(const struct view *v, const void *arg);
const void *ui_arg(void);
void ui_pop(void);
void ui_replace(const struct view *v, const void *arg);
/* Back to the lowest one: the main menu, the lock or the first boot. */
void ui_home(void);

/* The text stays at its end while more comes. */
void ui_follow(void);

/* What was so at the last look. */
extern struct facts ui_facts;

/* The task of the uppermost view; a new one ends the one before. */
extern struct task ui_task;

/* The operations' folder, and whether it has this one, fit to be run. */
const char *ui_ops(void);
bool ui_has_operation(const char *name);

/* --- menu.c --------------------------------------------------------------- */

#define MENU_ENTRIES	16

struct menu_entry {
	const char *label;
	const char *needs;	/* an operation, or NULL: always there */
	void (*act)(const struct menu_entry *e);
	const void *arg;
};

struct menu {
	const char *title;
	struct menu_entry entry[MENU_ENTRIES];
};

extern const struct view menu_view;

/* The entries of a menu that are there, and the act of one of them. */
void menu_fill(struct window *w, const struct menu *m);
void menu_choose(const struct menu *m, size_t i);

/* What an entry can do. */
void menu_open(const struct menu_entry *e);	/* arg: a struct menu */
void menu_run(const struct menu_entry *e);	/* asks, runs e->needs */
void menu_push(const struct menu_entry *e);	/* arg: a struct view */
void menu_arm(const struct menu_entry *e);

/* "Back", and the sign that there is more, as the terminal can show them. */
const char *menu_back(void);
const char *menu_further(void);

/* --- menus.c: which menus there are --------------------------------------- */

extern const struct view main_view;

/* --- message.c ------------------------------------------------------------ */

/* Shows a text until OK; both are copied. */
void message_show(const char *title, const char *text);

/* Asks; yes is called on Yes. */
void message_ask(const char *title, const char *question, void (*yes)(void));

/* --- form.c --------------------------------------------------------------- */

#define FORM_VALUE	512	/* bytes of a value, with its NUL */

enum field_kind {
	FIELD_TEXT,
	FIELD_SECRET,		/* never shown, wiped with the form */
	FIELD_CHOICE		/* one of the words of choices */
};

struct field {
	char label[40];
	enum field_kind kind;
	const char *choices;	/* WORD|WORD, must live as long as the form */
};

/*
 * Opens a form that asks for fields, at most SCREEN_FIELDS.  submit is called
 * at OK; it returns NULL, or what is wrong: then the form stays.  title and
 * text are copied.  There is one form at a time.
 */
void form_open(const char *title, const char *text, const struct field *f,
    size_t n, const char *(*submit)(void));

/* The value of a field, in locked memory; empty if it is none. */
const char *form_value(size_t i);
void form_set(size_t i, const char *value);

/* Closes it, wiped. */
void form_close(void);

/* --- run.c: operations ---------------------------------------------------- */

#define RUN_ARGS	8

/*
 * Asks for the arguments of an operation that are not preset (NULL), for its
 * secrets and what its class wants, runs it and shows what came of it.
 */
void run_operation(const char *title, const char *name,
    const char *const preset[RUN_ARGS]);

/* The same with a payload that is there already; copied. */
void run_with_payload(const char *title, const char *name,
    const char *const preset[RUN_ARGS], const char *payload, size_t len);

/*
 * Starts an operation of class read as the task, for a view of its own, and
 * writes what it answered to ret: its output lines, or why there is none.
 */
void run_quietly(const char *name);
void run_answer(char *ret, size_t size);

/* --- cards.c: the console's own reader ------------------------------------ */

/*
 * Closes the form and starts "rmctl card VERB WORD" for this appliance, with
 * the PIN on a pipe; done gets all that it said.
 */
void cards_work(const char *title, const char *pin, const char *verb,
    const char *word, void (*done)(const char *answer, size_t len));

void cards_enrol(const struct menu_entry *e);

/* --- policy.c, clock.c ---------------------------------------------------- */

void policy_open(const struct menu_entry *e);
extern const struct view clock_view;

/* --- rm.c ----------------------------------------------------------------- */

extern const struct view rm_view;

/* --- about.c -------------------------------------------------------------- */

void about_open(const struct menu_entry *e);

#endif
