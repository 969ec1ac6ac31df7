/* SPDX-License-Identifier: ISC */
/*
 * The one parser of the audit log's lines: appender, reader and verifier all
 * see a record the same way.  Pure.
 */
#include "rm_record.h"

#include <stdbool.h>
#include <string.h>

#include "rm_num.h"

/* The next word of the line, at *p; false if it is empty. */
static bool
word(const char **p, const char *end, const char **ret, size_t *ret_len)
{
	const char *space = memchr(*p, ' ', (size_t)(end - *p));

	if (space == NULL)
		space = end;
	*ret = *p;
	*ret_len = (size_t)(space - *p);
	*p = space < end ? space + 1 : end;
	/* A space at the very end would be followed by an empty word. */
	return *ret_len > 0 && !(space < end && space + 1 == end);
}

static bool
is_hex_digit(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

static int
nibble(char c)
{
	return c <= '9' ? c - '0' : c - 'A' + 10;
}

/* The one spelling of a value: %XX only where it is needed, never %00. */
static bool
is_spelled(const char *s, size_t len)
{
	size_t i;
	int c;

	for (i = 0; i < len; i++) {
		if (s[i] <= 0x20 || s[i] > 0x7e)
			return false;
		if (s[i] != '%')
			continue;
		if (i + 2 >= len || !is_hex_digit(s[i + 1]) ||
		    !is_hex_digit(s[i + 2]))
			return false;
		c = nibble(s[i + 1]) << 4 | nibble(s[i + 2]);
		if (c == 0 || (c > 0x20 && c <= 0x7e && c != '%'))
			return false;
		i += 2;
	}
	return len > 0;
}

static bool
is_key(const char *s, size_t len)
{
	char key[RM_NAME_MAX + 1];

	if (len > RM_NAME_MAX)
		return false;
	memcpy(key, s, len);
	key[len] = '\0';
	return rm_text_is_name(key);
}

static bool
is_named(const struct rm_record_field *field, const char *key)
{
	return field->key_len == strlen(key) &&
	    memcmp(field->key, key, field->key_len) == 0;
}

/* Fields up to the end of the line; prev, too, is one here. */
static int
fields(struct rm_record *ret, const char *p, const char *end,
    const char **ret_why)
{
	struct rm_record_field *field;
	const char *text, *sign;
	size_t len, i;

	while (p < end) {
		*ret_why = "words are parted by exactly one space";
		if (!word(&p, end, &text, &len))
			return -1;
		*ret_why = "too many fields";
		if (ret->n == RM_RECORD_FIELDS)
			return -1;
		field = &ret->field[ret->n];
		*ret_why = "a field is key=value";
		if ((sign = memchr(text, '=', len)) == NULL)
			return -1;
		field->key = text;
		field->key_len = (size_t)(sign - text);
		field->value = sign + 1;
		field->value_len = len - field->key_len - 1;
		if (!is_key(field->key, field->key_len))
			return -1;
		*ret_why = "bad %XX spelling of a value";
		if (!is_spelled(field->value, field->value_len))
			return -1;
		*ret_why = "a key stands there twice";
		for (i = 0; i < ret->n; i++)
			if (field->key_len == ret->field[i].key_len &&
			    memcmp(field->key, ret->field[i].key,
			    field->key_len) == 0)
				return -1;
		ret->n++;
	}
	return 0;
}

static int
name(struct rm_record *ret, const char **p, const char *end,
    const char **ret_why)
{
	const char *text;
	size_t len;

	*ret_why = "bad name of a record";
	if (!word(p, end, &text, &len) || !is_key(text, len))
		return -1;
	memcpy(ret->name, text, len);
	ret->name[len] = '\0';
	return 0;
}

int
rm_record_parse_event(struct rm_record *ret, const char *text, size_t len,
    const char **ret_why)
{
	static const char *const ours[] = { "uid", "pid", "prev" };
	const char *p = text, *end = text + len;
	size_t i, j;

	memset(ret, 0, sizeof(*ret));
	if (name(ret, &p, end, ret_why) == -1 ||
	    fields(ret, p, end, ret_why) == -1)
		return -1;
	/* With those that the log adds, the line has to be a record. */
	*ret_why = "too many fields";
	if (ret->n + sizeof(ours) / sizeof(ours[0]) > RM_RECORD_FIELDS)
		return -1;
	*ret_why = "uid, pid and prev are written by the log itself";
	for (i = 0; i < ret->n; i++)
		for (j = 0; j < sizeof(ours) / sizeof(ours[0]); j++)
			if (is_named(&ret->field[i], ours[j]))
				return -1;
	return 0;
}

static int
number(uint64_t *ret, const char **p, const char *end, uint64_t min)
{
	char digits[24];
	const char *text;
	size_t len;

	if (!word(p, end, &text, &len) || len >= sizeof(digits) ||
	    (len > 1 && text[0] == '0'))
		return -1;
	memcpy(digits, text, len);
	digits[len] = '\0';
	return rm_num_u64(ret, digits, min, UINT64_MAX);
}

static int
timestamp(struct rm_record *ret, const char **p, const char *end)
{
	static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
	const char *text;
	size_t len, i;

	if (!word(p, end, &text, &len) || len != RM_RECORD_TIME)
		return -1;
	for (i = 0; i < len; i++)
		if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' :
		    text[i] != form[i])
			return -1;
	memcpy(ret->time, text, len);
	ret->time[len] = '\0';
	return 0;
}

/* prev is the last field, and ends what it is not part of. */
static int
take_prev(struct rm_record *ret)
{
	const struct rm_record_field *last;

	if (ret->n == 0)
		return -1;
	last = &ret->field[ret->n - 1];
	if (!is_named(last, "prev") || last->value_len != RM_HASH_HEX - 1)
		return -1;
	memcpy(ret->prev, last->value, last->value_len);
	ret->prev[last->value_len] = '\0';
	ret->n--;
	return rm_text_is_hex(ret->prev, RM_HASH_HEX - 1) ? 0 : -1;
}

int
rm_record_parse(struct rm_record *ret, const char *line, size_t len,
    const char **ret_why)
{
	const char *p = line, *end = line + len;

	memset(ret, 0, offsetof(struct rm_record, field));
	*ret_why = "line too long";
	if (len >= RM_EVENT_MAX)
		return -1;
	*ret_why = "bad number";
	if (number(&ret->number, &p, end, 1) == -1)
		return -1;
	*ret_why = "bad time";
	if (timestamp(ret, &p, end) == -1)
		return -1;
	*ret_why = "bad boot number";
	if (number(&ret->boot, &p, end, 0) == -1)
		return -1;
	if (name(ret, &p, end, ret_why) == -1 ||
	    fields(ret, p, end, ret_why) == -1)
		return -1;
	*ret_why = "no prev at the end";
	return take_prev(ret);
}

int
rm_record_value(char *ret, size_t size, const struct rm_record *rec,
    const char *key)
{
	const struct rm_record_field *field;
	size_t i;

	for (i = 0; i < rec->n; i++) {
		field = &rec->field[i];
		if (!is_named(field, key))
			continue;
		if (field->value_len >= size)
			return -1;
		memcpy(ret, field->value, field->value_len);
		ret[field->value_len] = '\0';
		return rm_text_unspell(ret);
	}
	return -1;
}
