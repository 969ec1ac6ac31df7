/* SPDX-License-Identifier: ISC */
/*
 * Bytes of a terminal into keys.  Sequences are those of ECMA-48, as every
 * terminal of the last forty years sends them; what is not known is passed
 * over to its end.  Alone, or at the end of the bytes, Esc is itself.
 */
#include "keys.h"

#include <stdbool.h>

#define ESC	'\033'

/* The final byte of a sequence without a number: ESC [ A, ESC O A. */
static enum key
of_letter(char final)
{
	switch (final) {
	case 'A':
		return KEY_UP;
	case 'B':
		return KEY_DOWN;
	case 'C':
		return KEY_RIGHT;
	case 'D':
		return KEY_LEFT;
	case 'F':
		return KEY_END;
	case 'H':
		return KEY_HOME;
	case 'M':
		return KEY_ENTER;	/* of the keypad */
	case 'Z':
		return KEY_BACKTAB;
	default:
		return KEY_NONE;
	}
}

/* ESC [ 5 ~ */
static enum key
of_number(unsigned int n)
{
	switch (n) {
	case 1:
	case 7:
		return KEY_HOME;
	case 4:
	case 8:
		return KEY_END;
	case 3:
		return KEY_BACKSPACE;
	case 5:
		return KEY_PGUP;
	case 6:
		return KEY_PGDN;
	default:
		return KEY_NONE;
	}
}

/* Behind ESC [ : parameters, then one final byte from '@' to '~'. */
static size_t
sequence(const char *s, size_t len, enum key *ret)
{
	unsigned int n = 0;
	bool only_first = true;
	size_t i;

	for (i = 2; i < len && s[i] >= ' ' && s[i] <= '?'; i++) {
		if (s[i] < '0' || s[i] > '9')
			only_first = false;
		else if (only_first && n < 1000)
			n = n * 10 + (unsigned int)(s[i] - '0');
	}
	if (i == len || s[i] < '@' || s[i] > '~')
		return i;		/* broken off: no key */
	/* The Linux console names its function keys ESC [ [ A. */
	if (s[i] == '[' && i + 1 < len)
		return i + 2;
	*ret = s[i] == '~' ? of_number(n) : of_letter(s[i]);
	return i + 1;
}

static size_t
escape(const char *s, size_t len, enum key *ret)
{
	if (len == 1) {
		*ret = KEY_ESC;
		return 1;
	}
	if (s[1] == '[')
		return sequence(s, len, ret);
	if (s[1] == 'O' && len > 2 && s[2] != ESC) {
		*ret = of_letter(s[2]);
		return 3;
	}
	if (s[1] == ESC) {
		*ret = KEY_ESC;
		return 1;
	}
	return 2;			/* with Alt */
}

size_t
keys_next(const char *bytes, size_t len, enum key *ret, char *ret_char)
{
	unsigned char c = (unsigned char)*bytes;

	*ret = KEY_NONE;
	*ret_char = *bytes;
	switch (c) {
	case ESC:
		return escape(bytes, len, ret);
	case '\r':
	case '\n':
		*ret = KEY_ENTER;
		break;
	case '\t':
		*ret = KEY_TAB;
		break;
	case '\b':
	case 0x7f:
		*ret = KEY_BACKSPACE;
		break;
	case 'U' - '@':
		*ret = KEY_CLEAR;
		break;
	default:
		if (c >= ' ')
			*ret = KEY_CHAR;
	}
	return 1;
}
