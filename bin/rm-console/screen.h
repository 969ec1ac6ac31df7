/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_SCREEN_H
#define RM_CONSOLE_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

/*
 * What can be on the screen, and drawing it.  screen.c is the only file that
 * knows newt; it draws and nothing else: what a key means is decided in ui.c,
 * so that everything can be drawn anew at any moment and nothing is lost.
 */

#define SCREEN_COLS	80	/* what the console needs at least */
#define SCREEN_ROWS	24
#define SCREEN_ENTRIES	512
#define SCREEN_FIELDS	12
#define SCREEN_BUTTONS	3
#define SCREEN_GAUGES	4

struct screen_field {
	const char *label;
	const char *value;
	bool masked;		/* only its length is shown */
	bool choice;		/* one of several: < value > */
};

struct screen_gauge {
	const char *label;
	const char *value;	/* to the right of it */
	unsigned int percent;
};

/*
 * One window, from above to below: text, gauges, fields, entries, buttons.
 * Fields, entries and buttons can have the focus: it counts through them in
 * this order.
 */
struct window {
	const char *title;
	const char *text;	/* or NULL; lines end with LF, long ones wrap */
	bool full;		/* as large as it can be, whatever the text */
	size_t n_gauges, n_fields, n_entries, n_buttons;
	struct screen_gauge gauge[SCREEN_GAUGES];
	struct screen_field field[SCREEN_FIELDS];
	const char *entry[SCREEN_ENTRIES];
	const char *button[SCREEN_BUTTONS];
};

/* Takes the terminal; returns the descriptor to read its bytes from. */
int screen_open(void);
void screen_close(void);

/* False if TERM is a terminal on which nothing can be drawn. */
bool screen_is_possible(void);

/* True if what is drawn may have more than ASCII in it. */
bool screen_has_utf8(void);

/* True if bytes have come from the terminal that nobody has read. */
bool screen_pending(void);

/*
 * Draws everything anew.  *top is the first line of the text that shows if
 * there is not room for all; it is corrected to what is possible.
 */
void screen_draw(const char *root, const char *left, const char *right,
    const struct window *w, size_t focus, size_t *top);

/* Lines of text that one page shows, at the last drawing. */
size_t screen_page(void);

/* Lines of text behind those, to which one can still scroll. */
size_t screen_below(void);

/* Learns the new size; draw afterwards. */
void screen_resize(void);

#endif
