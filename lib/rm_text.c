/* SPDX-License-Identifier: ISC */
/*
 * Text that crosses a border: names, hexadecimal digits, the %XX spelling of
 * rm-toolkit(7), and the cleaning of what peers and operations say.  All of it
 * is pure: no I/O, no allocation, explicit sizes.
 */
#include "rm_text.h"

#include <string.h>

static const char lower[] = "0123456789abcdef";
static const char upper[] = "0123456789ABCDEF";

bool
rm_text_is_name(const char *s)
{
	size_t i;

	if (s[0] < 'a' || s[0] > 'z')
		return false;
	for (i = 1; s[i] != '\0'; i++)
		if (i >= RM_NAME_MAX || !((s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	return true;
}

bool
rm_text_is_hex(const char *s, size_t len)
{
	return strlen(s) == len && strspn(s, lower) == len;
}

void
rm_text_hex(char *ret_hex, const uint8_t *bytes, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		ret_hex[2 * i] = lower[bytes[i] >> 4];
		ret_hex[2 * i + 1] = lower[bytes[i] & 15];
	}
	ret_hex[2 * len] = '\0';
}

void
rm_text_clean(char *ret, size_t size, const uint8_t *src, size_t len)
{
	size_t i;

	if (size == 0)
		return;
	if (len > size - 1)
		len = size - 1;
	for (i = 0; i < len; i++)
		ret[i] = src[i] >= 0x20 && src[i] <= 0x7e ? (char)src[i] : '?';
	ret[len] = '\0';
}

/*
 * Length of the well-formed UTF-8 sequence at src that is no control
 * character, or 0 (Unicode 15, table 3-7).
 */
static size_t
utf8_len(const uint8_t *src, size_t len)
{
	uint8_t lo = 0x80, hi = 0xbf;
	size_t i, n;

	if (src[0] < 0x80)
		return src[0] >= 0x20 && src[0] != 0x7f;
	if (src[0] >= 0xc2 && src[0] <= 0xdf)
		n = 2;
	else if (src[0] >= 0xe0 && src[0] <= 0xef)
		n = 3;
	else if (src[0] >= 0xf0 && src[0] <= 0xf4)
		n = 4;
	else
		return 0;
	if (src[0] == 0xc2)
		lo = 0xa0;	/* U+0080 to U+009F are controls (C1) */
	else if (src[0] == 0xe0)
		lo = 0xa0;
	else if (src[0] == 0xed)
		hi = 0x9f;
	else if (src[0] == 0xf0)
		lo = 0x90;
	else if (src[0] == 0xf4)
		hi = 0x8f;
	if (len < n || src[1] < lo || src[1] > hi)
		return 0;
	for (i = 2; i < n; i++)
		if ((src[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

size_t
rm_text_clean_utf8(char *ret, const uint8_t *src, size_t len)
{
	size_t i = 0, n;

	while (i < len) {
		n = utf8_len(src + i, len - i);
		if (n == 0) {
			ret[i++] = '?';
			continue;
		}
		memcpy(ret + i, src + i, n);
		i += n;
	}
	return len;
}

static bool
is_plain(uint8_t c)
{
	return c > 0x20 && c <= 0x7e && c != '%';
}

int
rm_text_spell(char *ret, size_t size, const uint8_t *src, size_t len)
{
	size_t i, n = 0;

	if (len == 0)
		return -1;
	for (i = 0; i < len; i++) {
		if (n + (is_plain(src[i]) ? 1 : 3) >= size)
			return -1;
		if (is_plain(src[i])) {
			ret[n++] = (char)src[i];
		} else {
			ret[n++] = '%';
			ret[n++] = upper[src[i] >> 4];
			ret[n++] = upper[src[i] & 15];
		}
	}
	ret[n] = '\0';
	return 0;
}

/* Value of an upper case hexadecimal digit, or -1. */
static int
digit(char c)
{
	const char *p = c != '\0' ? strchr(upper, c) : NULL;

	return p != NULL ? (int)(p - upper) : -1;
}

int
rm_text_unspell(char *word)
{
	char *in = word, *out = word;
	int hi, lo;

	if (*in == '\0')
		return -1;
	while (*in != '\0') {
		if (*in != '%') {
			if (!is_plain((uint8_t)*in))
				return -1;
			*out++ = *in++;
			continue;
		}
		if ((hi = digit(in[1])) == -1 || (lo = digit(in[2])) == -1)
			return -1;
		if ((hi == 0 && lo == 0) || is_plain((uint8_t)(hi << 4 | lo)))
			return -1;
		*out++ = (char)(hi << 4 | lo);
		in += 3;
	}
	*out = '\0';
	return 0;
}

int
rm_text_words(struct rm_words *ret, const uint8_t *line, size_t len,
    const char **ret_why)
{
	char *p, *end;
	size_t i;

	*ret_why = "line too long";
	if (len >= sizeof(ret->text))
		return -1;
	*ret_why = "line is not printable ASCII";
	for (i = 0; i < len; i++)
		if (line[i] < 0x20 || line[i] > 0x7e)
			return -1;
	memcpy(ret->text, line, len);
	ret->text[len] = '\0';
	ret->n = 0;
	for (p = ret->text; p != NULL; p = end) {
		if ((end = strchr(p, ' ')) != NULL)
			*end++ = '\0';
		*ret_why = "words are parted by exactly one space";
		if (*p == '\0')
			return -1;
		*ret_why = "bad %XX spelling";
		if (rm_text_unspell(p) == -1)
			return -1;
		*ret_why = "too many words";
		if (ret->n == RM_WORDS_MAX)
			return -1;
		ret->word[ret->n++] = p;
	}
	return 0;
}

const char *
rm_text_setting(char *ret, size_t size, const char *line, size_t len)
{
	size_t i;

	if (len >= size)
		return "line too long";
	for (i = 0; i < len; i++)
		if ((line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f ||
		    (line[i] & 0x80) != 0)
			return "not printable ASCII";
	memcpy(ret, line, len);
	ret[len] = '\0';
	return NULL;
}

size_t
rm_text_cut(char *ret_word[], size_t max, char *text)
{
	char *rest = text, *word;
	size_t n = 0;

	while (n < max && (word = strsep(&rest, " \t")) != NULL)
		if (*word != '\0')
			ret_word[n++] = word;
	return n;
}
