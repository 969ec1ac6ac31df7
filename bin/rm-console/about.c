/* SPDX-License-Identifier: ISC */
/*
 * About: what the operation of that name tells, and beside it the key that a
 * station pins, for a camera.  Everybody may see it: nothing here is secret.
 */
#include <stdio.h>
#include <string.h>

#include "layout.h"
#include "qr.h"
#include "view.h"

#define QR_LINES	20
#define LEFT_COLS	39
#define KEY_DIGITS	64
#define VALUE_COL	10

static struct {
	bool known;
	size_t n;			/* lines of the code */
	char answer[8192], text[16384];
	char line[QR_LINES][QR_LINE];
} a;

/* A line of the left half; a code's line beside it. */
static size_t
put_line(size_t len, size_t row, const char *key, const char *value, int n)
{
	char left[128];

	(void)snprintf(left, sizeof(left), "%-*s%.*s", VALUE_COL, key, n,
	    value);
	return len + (size_t)snprintf(a.text + len, sizeof(a.text) - len,
	    "%-*.*s%s\n", a.n > 0 ? LEFT_COLS : 0, a.n > 0 ? LEFT_COLS - 1 :
	    70, left, row < a.n ? a.line[row] : "");
}

/* Values that are too long go on in the next line: keys in halves. */
static void
write_text(void)
{
	char *line, *next, *value;
	size_t len = 0, row = 0, n, room, piece;

	for (line = a.answer; line != NULL && *line != '\0'; line = next) {
		if ((next = strchr(line, '\n')) != NULL)
			*next++ = '\0';
		if ((value = strchr(line, ' ')) != NULL)
			*value++ = '\0';
		else
			value = line + strlen(line);
		if (strcmp(line, "engine-version") == 0)
			line += strlen("engine-");
		room = strlen(value) == KEY_DIGITS ? KEY_DIGITS / 3 + 1 :
		    LEFT_COLS - VALUE_COL - 1;
		do {
			n = strlen(value);
			piece = n > room ? room : n;
			len = put_line(len, row++, line, value, (int)piece);
			value += piece;
			line = next != NULL ? next - 1 : value;
		} while (*value != '\0' && len < sizeof(a.text));
	}
	for (; row < a.n; row++)
		len = put_line(len, row, "", "", 0);
}

static void
ended(void)
{
	a.known = true;
	run_answer(a.answer, sizeof(a.answer));
	a.n = 0;
	if (screen_has_utf8() && strncmp(a.answer, "not done", 8) != 0 &&
	    *ui_facts.key != '\0')
		a.n = qr_make(a.line, QR_LINES, ui_facts.key);
	write_text();
}

static void
fill(struct window *w)
{
	*w = (struct window){ .title = "About", .text = a.known ? a.text :
	    "please wait\n", .n_buttons = a.known, .button = { "OK" } };
}

static const struct view view = { .fill = fill, .ended = ended };

void
about_open(const struct menu_entry *e)
{
	(void)e;
	a.known = false;
	ui_push(&view, NULL);
	run_quietly("about");
}
