/* SPDX-License-Identifier: ISC */
/* What keys do to the focus and to a text that is longer than its room. */
#include "move.h"

#include <stdint.h>

size_t
move_places(const struct window *w)
{
	return w->n_fields + w->n_entries + w->n_buttons;
}

void
move_focus(size_t *focus, const struct window *w, int step)
{
	size_t n = move_places(w);

	if (n > 0)
		*focus = (*focus + (step < 0 ? n - 1 : 1)) % n;
}

void
move_to_letter(size_t *focus, const struct window *w, char c)
{
	size_t i, at, n = move_places(w);
	const char *label;

	for (i = 1; i <= n; i++) {
		at = (*focus + i) % n;
		if (at < w->n_fields)
			continue;
		label = at < w->n_fields + w->n_entries ?
		    w->entry[at - w->n_fields] :
		    w->button[at - w->n_fields - w->n_entries];
		if ((*label | 0x20) == (c | 0x20)) {
			*focus = at;
			return;
		}
	}
}

void
move_text(size_t *top, enum key k)
{
	size_t page = screen_page();

	switch (k) {
	case KEY_UP:
		*top -= *top > 0;
		break;
	case KEY_DOWN:
		++*top;
		break;
	case KEY_PGUP:
		*top -= *top < page ? *top : page;
		break;
	case KEY_PGDN:
		*top += page;
		break;
	case KEY_HOME:
		*top = 0;
		break;
	case KEY_END:
		*top = SIZE_MAX;
		break;
	default:
		break;
	}
}
