/* SPDX-License-Identifier: ISC */
#ifndef RM_CONSOLE_KEYS_H
#define RM_CONSOLE_KEYS_H

#include <stddef.h>

enum key {
	KEY_NONE,		/* no key that we know */
	KEY_ESC,
	KEY_ENTER,
	KEY_TAB,
	KEY_BACKTAB,
	KEY_UP,
	KEY_DOWN,
	KEY_LEFT,
	KEY_RIGHT,
	KEY_PGUP,
	KEY_PGDN,
	KEY_HOME,
	KEY_END,
	KEY_BACKSPACE,
	KEY_CLEAR,		/* ^U */
	KEY_CHAR		/* a byte of text: from 0x20, not 0x7f */
};

/*
 * Takes one key off the bytes that a terminal sent, len of them, at least
 * one.  Returns how many bytes it was; never waits for more.  Pure.
 */
size_t keys_next(const char *bytes, size_t len, enum key *ret,
    char *ret_char);

#endif
