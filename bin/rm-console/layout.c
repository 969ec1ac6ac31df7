/* SPDX-License-Identifier: ISC */
/*
 * Where things go in a window.  Text gives way first when there is no room
 * for all, then the list of entries; fields and buttons are always seen.
 */
#include "layout.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MARGIN_COLS	6	/* around a window */
#define MARGIN_ROWS	6
#define FIELD_COLS	34	/* of a field's value */
#define VALUE_COLS	14	/* beside a gauge */
#define LINES_MAX	2048

/* The lines of a text, as they are broken. */
static struct {
	size_t n;
	struct {
		const char *at;
		int len;
	} line[LINES_MAX];
} t;

static bool
begins_char(char c)
{
	return (c & 0xc0) != 0x80;
}

int
layout_cells(const char *line)
{
	int n = 0;

	for (; *line != '\0' && *line != '\n'; line++)
		n += begins_char(*line);
	return n;
}

/* Bytes of the line at s that fit in max cells; broken at a blank if it can. */
static int
fitting(const char *s, int max)
{
	int i, cells = 0, blank = 0;

	for (i = 0; s[i] != '\0' && s[i] != '\n'; i++) {
		if (begins_char(s[i]) && ++cells > max)
			return blank > 0 ? blank : i;
		if (s[i] == ' ')
			blank = i;
	}
	return i;
}

static void
break_text(const char *s, int max)
{
	t.n = 0;
	while (s != NULL && *s != '\0' && t.n < LINES_MAX) {
		t.line[t.n].at = s;
		t.line[t.n].len = fitting(s, max);
		s += t.line[t.n++].len;
		if (*s == '\n' || *s == ' ')
			s++;
	}
}

static int
max_int(int a, int b)
{
	return a > b ? a : b;
}

/* The label that is longest decides where all fields begin. */
static int
label_cols(const struct window *w)
{
	int cols = 0;
	size_t i;

	for (i = 0; i < w->n_fields; i++)
		cols = max_int(cols, layout_cells(w->field[i].label));
	for (i = 0; i < w->n_gauges; i++)
		cols = max_int(cols, layout_cells(w->gauge[i].label));
	return cols;
}

static int
buttons_width(const struct window *w)
{
	int cols = 0;
	size_t i;

	for (i = 0; i < w->n_buttons; i++)
		cols += layout_cells(w->button[i]) + 6;
	return cols;
}

static int
width_of(const struct window *w, int max)
{
	int cols = max_int(layout_cells(w->title) + 4, buttons_width(w));
	const char *s;
	size_t i;

	if (w->full)
		return max;
	for (s = w->text; s != NULL && *s != '\0'; s = strchr(s, '\n')) {
		if (*s == '\n')
			s++;
		cols = max_int(cols, layout_cells(s));
	}
	if (w->n_fields + w->n_gauges > 0)
		cols = max_int(cols, label_cols(w) + 2 + FIELD_COLS +
		    (w->n_gauges > 0 ? VALUE_COLS : 0));
	for (i = 0; i < w->n_entries; i++)
		cols = max_int(cols, layout_cells(w->entry[i]));
	return cols > max ? max : cols;
}

/* A piece of text, cut and filled to width cells. */
static void
add(struct layout *l, enum layout_kind kind, int col, int row, int width,
    const char *text, int len)
{
	struct layout_piece *p;
	int cells = 0, i;

	if (l->n == LAYOUT_PIECES)
		return;
	p = &l->piece[l->n++];
	*p = (struct layout_piece){ .kind = kind, .col = col, .row = row,
	    .width = width };
	for (i = 0; i < len && i < LAYOUT_TEXT - 1 - width; i++) {
		if (begins_char(text[i]) && cells++ == width)
			break;
		p->text[i] = text[i];
	}
	for (cells = layout_cells(p->text); cells < width; cells++)
		p->text[i++] = ' ';
	p->text[i] = '\0';
}

static int
add_text(struct layout *l, int row, int width, size_t room, size_t top)
{
	size_t i;

	l->page = t.n < room ? t.n : room;
	l->top = top > t.n - l->page ? t.n - l->page : top;
	l->below = t.n - l->page - l->top;
	for (i = 0; i < l->page; i++)
		add(l, LAYOUT_PLAIN, 1, row++, width,
		    t.line[l->top + i].at, t.line[l->top + i].len);
	/* Where more is, the edge says so. */
	if (l->top > 0)
		add(l, LAYOUT_PLAIN, width + 1, row - (int)l->page, 1, "^", 1);
	if (l->top + l->page < t.n)
		add(l, LAYOUT_PLAIN, width + 1, row - 1, 1, "v", 1);
	return row;
}

static int
add_gauges(struct layout *l, const struct window *w, int row, int width)
{
	int begin = label_cols(w) + 3, i;
	struct layout_piece *p;
	const struct screen_gauge *g;

	for (i = 0; i < (int)w->n_gauges; i++, row++) {
		g = &w->gauge[i];
		add(l, LAYOUT_PLAIN, 1, row, begin - 2, g->label,
		    (int)strlen(g->label));
		add(l, LAYOUT_PLAIN, width + 1 - VALUE_COLS + 1, row,
		    VALUE_COLS - 1, g->value, (int)strlen(g->value));
		p = &l->piece[l->n++];
		*p = (struct layout_piece){ .kind = LAYOUT_GAUGE,
		    .col = begin, .row = row,
		    .width = width + 1 - VALUE_COLS - begin,
		    .percent = g->percent };
	}
	return row;
}

/* The end of a long value shows: that is where it grows. */
static void
show_value(char ret[static LAYOUT_TEXT], const struct screen_field *f)
{
	size_t len = strlen(f->value), room = FIELD_COLS - 1;

	if (f->choice) {
		(void)snprintf(ret, LAYOUT_TEXT, "< %.*s >", FIELD_COLS - 4,
		    f->value);
		return;
	}
	if (f->masked) {
		if (len > room)
			len = room;
		memset(ret, '*', len);
	} else {
		memcpy(ret, f->value + (len > room ? len - room : 0),
		    len > room ? room : len);
		len = len > room ? room : len;
	}
	memset(ret + len, '_', FIELD_COLS - len);
	ret[FIELD_COLS] = '\0';
}

static int
add_fields(struct layout *l, const struct window *w, int row, size_t focus)
{
	char value[LAYOUT_TEXT];
	int begin = label_cols(w) + 3;
	const struct screen_field *f;
	size_t i;

	for (i = 0; i < w->n_fields; i++, row++) {
		f = &w->field[i];
		add(l, LAYOUT_PLAIN, 1, row, begin - 2, f->label,
		    (int)strlen(f->label));
		show_value(value, f);
		add(l, i == focus ? LAYOUT_FOCUS : LAYOUT_FIELD, begin, row,
		    FIELD_COLS, value, (int)strlen(value));
	}
	return row;
}

static int
add_entries(struct layout *l, const struct window *w, int row, int width,
    int room, size_t focus)
{
	size_t first = 0, i, n = w->n_entries;
	bool all = n <= (size_t)room;

	if (!all && focus < n && focus > (size_t)room / 2)
		first = focus - (size_t)room / 2;
	if (!all && first + (size_t)room > n)
		first = n - (size_t)room;
	for (i = first; i < n && i < first + (size_t)room; i++, row++)
		add(l, i == focus ? LAYOUT_FOCUS : LAYOUT_ENTRY, 1, row, width,
		    w->entry[i], (int)strlen(w->entry[i]));
	if (first > 0)
		add(l, LAYOUT_PLAIN, width + 1, row - room, 1, "^", 1);
	if (i < n)
		add(l, LAYOUT_PLAIN, width + 1, row - 1, 1, "v", 1);
	return row;
}

static void
add_buttons(struct layout *l, const struct window *w, int row, int width,
    size_t focus)
{
	int col = 1 + (width - buttons_width(w)) / 2, len;
	char text[64];
	size_t i;

	for (i = 0; i < w->n_buttons; i++) {
		len = snprintf(text, sizeof(text), "< %s >", w->button[i]);
		add(l, i == focus ? LAYOUT_FOCUS : LAYOUT_BUTTON, col, row,
		    layout_cells(text), text, len);
		col += layout_cells(w->button[i]) + 6;
	}
}

void
layout_make(struct layout *ret, const struct window *w, int cols, int rows,
    size_t focus, size_t top)
{
	int width = width_of(w, cols - MARGIN_COLS), room = rows - MARGIN_ROWS;
	int fixed = (int)(w->n_gauges + w->n_fields), entries, text, row = 0;

	ret->n = 0;
	break_text(w->text, width);
	/* A free line between text and what follows, and above buttons. */
	if (t.n > 0 && fixed + (int)(w->n_entries + w->n_buttons) > 0)
		room--;
	if (w->n_buttons > 0)
		room -= w->n_fields + w->n_gauges + w->n_entries > 0 ? 2 : 1;
	room -= fixed;
	entries = (int)w->n_entries;
	if (entries > room - (int)(t.n < 4 ? t.n : 4))
		entries = room - (int)(t.n < 4 ? t.n : 4);
	text = (int)t.n < room - entries ? (int)t.n : room - entries;
	row = add_text(ret, row, width, (size_t)text, top);
	if (w->full)
		row = text = room - entries;
	if (text > 0 && fixed + entries + (int)w->n_buttons > 0)
		row++;
	row = add_gauges(ret, w, row, width);
	row = add_fields(ret, w, row, focus);
	focus = focus < w->n_fields ? SIZE_MAX : focus - w->n_fields;
	row = add_entries(ret, w, row, width, entries, focus);
	focus = focus == SIZE_MAX || focus < w->n_entries ? SIZE_MAX :
	    focus - w->n_entries;
	if (w->n_buttons > 0) {
		row += fixed + entries > 0;
		add_buttons(ret, w, row++, width, focus);
	}
	ret->width = width + 2;
	ret->height = row > 0 ? row : 1;
}
