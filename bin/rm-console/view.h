/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_VIEW_H
#define RM_CONSOLE_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "console.h"
#include "keys.h"
#include "rm_text.h"
#include "screen.h"

/*
 * One screen.  It is filled anew each time from what is so at that moment;
 * ui.c draws it, moves the focus and the text, and tells what was decided.
 * All but fill may be NULL.
 */
struct view {
	void (*fill)(struct window *w);
	/*
	 * Enter on an entry, or on a button: these are counted behind them.
	 * NULL: one level up, as "OK" says.
	 */
	void (*chosen)(size_t i);
	/* A key before ui.c sees it; true if that was all it means. */
	bool (*key)(size_t *focus, enum key k, char c);
	/* Esc; NULL: one level up. */
	void (*back)(void);
	/* The task has ended, its text is whole. */
	void (*ended)(void);
	/* The view goes, whatever the reason: what it holds can be wiped. */
	void (*left)(void);
	/* It shows more than facts: drawn at every event. */
	bool live;
	/* Something that was begun below goes on; else it was left undone. */
	bool amid;
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

/* The first line of the text that shows, to be read and set. */
size_t *ui_top(void);

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

/* Wipes what is left of an operation that was asked for and not begun. */
void run_forget(void);

/*
 * Starts an operation of class read as the task, for a view of its own, and
 * writes what it answered to ret: its output lines, or why there is none.
 */
void run_quietly(const char *name);
void run_answer(char *ret, size_t size);

/* --- work.c: a program, and its answer ------------------------------------ */

/*
 * Starts argv with len bytes of input, closes the form, and shows text until
 * it has ended: then done gets all that it said.  Esc leaves it to itself.
 */
void work_start(const char *title, const char *text, const char *const argv[],
    const char *input, size_t len,
    void (*done)(const char *answer, size_t len));

/* Shows the last line of such an answer, in which a program says why. */
void work_tell(const char *title, const char *answer, size_t len);

/* --- cards.c: the console's own reader ------------------------------------ */

/*
 * Asks for name and PIN, and has the card sign that it is to be that
 * custodian's of the appliance with this KEYID; take gets the enrolment.
 */
void cards_ask_enrol(const char *appliance,
    void (*take)(const char *who, const char *answer, size_t len));
void cards_enrol(const struct menu_entry *e);

/*
 * Asks for the PIN, and has the card sign, with a nonce of its own, what words
 * are for rm-card(8): PURPOSE, and what follows the nonce, ended by NULL; they
 * must live until done gets the answer.
 */
void cards_ask_sign(const char *title, const char *text,
    const char *const words[], void (*done)(const char *answer, size_t len));

/* Takes an answer of rm-card apart; false if it is a complaint. */
bool cards_signer(char ret_who[static RM_NAME_MAX + 1], int *ret_tries,
    const char *answer);
void cards_drill(const struct menu_entry *e);

/* --- quorum.c: cards for an operation ------------------------------------- */

/*
 * Writes how many cards the policy asks for at the console.  Returns NULL, or
 * why the operation cannot be done.
 */
const char *quorum_wants(unsigned int *ret, const char *operation,
    bool destructive);

/*
 * Gathers so many custodians' signatures over n words, the operation and its
 * arguments, and the payload that was named last; calls then when they are
 * complete.  All is copied.
 */
void quorum_gather(const char *title, unsigned int want,
    const char *const words[], size_t n, void (*then)(void));

/* What goes with the operation: by its SHA-256, unless it is secret. */
void quorum_payload(const char *payload, size_t len, bool secret);

/* --- lock.c --------------------------------------------------------------- */

extern const struct view lock_view;
void lock_ask(const struct menu_entry *e);

/* --- first.c: the first boot ---------------------------------------------- */

extern const struct view first_view;

/* --- policy.c, clock.c ---------------------------------------------------- */

void policy_open(const struct menu_entry *e);
extern const struct view clock_view;

/* --- counters.c, events.c: the monitor ------------------------------------ */

extern const struct view counters_view;
void events_open(const struct menu_entry *e);

/* --- rm.c ----------------------------------------------------------------- */

extern const struct view rm_view;

/* --- about.c -------------------------------------------------------------- */

void about_open(const struct menu_entry *e);

#endif
