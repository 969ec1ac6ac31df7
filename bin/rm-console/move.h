/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_MOVE_H
#define RM_CONSOLE_MOVE_H

#include "keys.h"
#include "screen.h"

/* Fields, entries and buttons: the places where the focus can be. */
size_t move_places(const struct window *w);

/* One place on (1) or back (-1), round and round. */
void move_focus(size_t *focus, const struct window *w, int step);

/* To the next entry or button that begins with this letter. */
void move_to_letter(size_t *focus, const struct window *w, char c);

/* Text up and down; what lies behind its end is corrected by drawing. */
void move_text(size_t *top, enum key k);

#endif
