/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_LAYOUT_H
#define RM_CONSOLE_LAYOUT_H

#include "screen.h"

#define LAYOUT_PIECES	256
#define LAYOUT_TEXT	512	/* bytes of a line: 4 a cell */

enum layout_kind {
	LAYOUT_PLAIN,
	LAYOUT_FIELD,
	LAYOUT_ENTRY,
	LAYOUT_BUTTON,
	LAYOUT_FOCUS,		/* any of the three, with the focus */
	LAYOUT_GAUGE
};

struct layout_piece {
	enum layout_kind kind;
	int col, row, width;	/* cells, inside the window */
	unsigned int percent;
	char text[LAYOUT_TEXT];
};

/* Where everything of a window goes. */
struct layout {
	int width, height;	/* of the window's inside */
	size_t top, page;	/* first line of text that shows; how many do */
	size_t below;		/* lines behind these */
	size_t n;
	struct layout_piece piece[LAYOUT_PIECES];
};

/* Lays a window out for a screen of at least SCREEN_COLS x SCREEN_ROWS. */
void layout_make(struct layout *ret, const struct window *w, int cols,
    int rows, size_t focus, size_t top);

/* Cells that a line of UTF-8 takes; ours has no wide characters. */
int layout_cells(const char *line);

#endif
