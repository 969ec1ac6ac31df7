/* SPDX-License-Identifier: ISC */
#ifndef RM_TEXT_H
#define RM_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rm_die.h"

#define RM_NAME_MAX	32	/* bytes of a name, without the NUL */
#define RM_LINE_MAX	4096	/* bytes of a line of the wire, with its LF */
#define RM_WORDS_MAX	64	/* words of one line */

/* True if s is a name: [a-z][a-z0-9-]{0,31} (rm-toolkit(7), Terms). */
bool rm_text_is_name(const char *s);

/* True if s is exactly len lower case hexadecimal digits. */
bool rm_text_is_hex(const char *s, size_t len);

/* Writes 2 * len digits and a NUL to ret_hex, lower case. */
void rm_text_hex(char *ret_hex, const uint8_t *bytes, size_t len);

/*
 * Makes foreign bytes fit to be shown or logged: everything outside
 * printable ASCII becomes '?', and the result is cut to size - 1 bytes and
 * ended by a NUL.
 */
void rm_text_clean(char *ret, size_t size, const uint8_t *src, size_t len);

/*
 * The same for output of our own operations: valid UTF-8 stays, control
 * characters (C0, DEL, C1) and broken sequences become '?'.  The result is
 * never longer than len.  Returns its length; no NUL is written.
 */
size_t rm_text_clean_utf8(char *ret, const uint8_t *src, size_t len);

/*
 * Spells bytes as one word of a line: printable ASCII but space and '%' as
 * it is, all else as %XX.  Returns 0, or -1 if it does not fit in size bytes
 * with its NUL.  No word can be empty: len 0 is refused (-1).
 */
RM_MUST_CHECK int rm_text_spell(char *ret, size_t size, const uint8_t *src,
    size_t len);

/*
 * Undoes rm_text_spell in place: only the canonical spelling passes (upper
 * case, only where needed), so that one text has one spelling.  A %00 is
 * refused: arguments are C strings.  Returns 0, or -1 (word undefined).
 */
RM_MUST_CHECK int rm_text_unspell(char *word);

/* One line of the wire, taken apart: word[i] points into text. */
struct rm_words {
	size_t n;
	char *word[RM_WORDS_MAX];
	char text[RM_LINE_MAX];
};

/*
 * Takes a line of the wire (without its LF) apart: printable ASCII, words
 * parted by exactly one space, each unspelled.  Returns 0, or -1 and sets
 * *ret_why to a text of ours that names the fault.  Pure.
 */
RM_MUST_CHECK int rm_text_words(struct rm_words *ret, const uint8_t *line,
    size_t len, const char **ret_why);

/*
 * For files that the owner writes: takes one of their lines (len bytes, no
 * LF) over into ret as a text of its own.  Returns NULL, or the line's fault:
 * too long for size, or not printable ASCII and tabs.
 */
RM_MUST_CHECK const char *rm_text_setting(char *ret, size_t size,
    const char *line, size_t len);

/*
 * Cuts such a text into words at blanks and tabs, in place.  Returns how
 * many, at most max; what is behind the last one is left out.
 */
size_t rm_text_cut(char *ret_word[], size_t max, char *text);

#endif
