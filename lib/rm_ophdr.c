/* SPDX-License-Identifier: ISC */
/*
 * What an operation says of itself, and whether words fit it.  The parser is
 * pure: no I/O, no allocation, explicit sizes.  Only checking a word against
 * an expression needs libc's regcomp(3); the expressions are the owner's.
 */
#include "rm_ophdr.h"

#include <fcntl.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_io.h"
#include "rm_num.h"
#include "rm_payload.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const char *const classes[] = {
	[RM_OP_READ] = "read",
	[RM_OP_NORMAL] = "normal",
	[RM_OP_POWER] = "power",
	[RM_OP_DESTRUCTIVE] = "destructive"
};

const char *
rm_ophdr_class_word(enum rm_op_class class)
{
	return classes[class];
}

/* WORD|WORD: none empty, none that could pass for an option. */
static bool
is_word_list(const char *s)
{
	for (;;) {
		if (*s == '-' || *s == '|' || *s == '\0')
			return false;
		s += strcspn(s, "|");
		if (*s++ == '\0')
			return true;
	}
}

/* One word of "args": name, name=WORD|WORD, name=/REGEX/, or [one of them]. */
static int
parse_arg(struct rm_oparg *ret, char *text, const char **ret_why)
{
	size_t len = strlen(text);
	char *value;

	*ret_why = "bad brackets in args";
	if ((ret->optional = text[0] == '[')) {
		if (text[len - 1] != ']')
			return -1;
		text[len - 1] = '\0';
		text++;
	}
	if ((value = strchr(text, '=')) != NULL)
		*value++ = '\0';
	*ret_why = "an argument's name is not a name";
	if (!rm_text_is_name(text))
		return -1;
	strcpy(ret->name, text);
	ret->kind = RM_OP_ANY;
	if (value == NULL)
		return 0;
	*ret_why = "an argument's pattern is too long";
	len = strlen(value);
	if (len >= sizeof(ret->pattern))
		return -1;
	*ret_why = "an argument's pattern is neither WORD|WORD nor /REGEX/";
	if (len > 2 && value[0] == '/' && value[len - 1] == '/') {
		ret->kind = RM_OP_REGEX;
		value[len - 1] = '\0';
		value++;
	} else if (*value != '/' && is_word_list(value)) {
		ret->kind = RM_OP_WORDS;
	} else {
		return -1;
	}
	strcpy(ret->pattern, value);
	return 0;
}

static int
set_args(struct rm_ophdr *hdr, const char *value, const char **ret_why)
{
	char text[RM_OPHDR_TEXT], *word, *next;
	struct rm_oparg *arg;

	strcpy(hdr->args, value);
	strcpy(text, value);
	for (word = text; word != NULL; word = next) {
		if ((next = strchr(word, ' ')) != NULL)
			*next++ = '\0';
		*ret_why = "args are parted by exactly one space";
		if (*word == '\0')
			return -1;
		*ret_why = "too many args";
		if (hdr->n_args == RM_OPHDR_ARGS)
			return -1;
		arg = &hdr->arg[hdr->n_args];
		if (parse_arg(arg, word, ret_why) == -1)
			return -1;
		/* Else a word could belong to either. */
		*ret_why = "an argument follows one that may be left out";
		if (!arg->optional && hdr->n_args > 0 && arg[-1].optional)
			return -1;
		hdr->n_args++;
	}
	return 0;
}

static int
set_summary(struct rm_ophdr *hdr, const char *value, const char **ret_why)
{
	(void)ret_why;
	strcpy(hdr->summary, value);
	return 0;
}

static int
set_class(struct rm_ophdr *hdr, const char *value, const char **ret_why)
{
	size_t i;

	for (i = 0; i < N(classes); i++) {
		if (strcmp(classes[i], value) == 0) {
			hdr->class = (enum rm_op_class)i;
			return 0;
		}
	}
	*ret_why = "class is not read, normal, power or destructive";
	return -1;
}

static int
set_limit(struct rm_ophdr *hdr, const char *value, const char **ret_why)
{
	*ret_why = "limit is not a number of seconds, 1 to 86400";
	return rm_num_u32(&hdr->limit_s, value, 1, RM_OPHDR_LIMIT_S);
}

/* NAME or [NAME], and " secret" behind it. */
static int
set_payload(struct rm_ophdr *hdr, const char *value, const char **ret_why)
{
	char text[RM_OPHDR_TEXT], *name = text, *word;
	size_t len;

	strcpy(text, value);
	*ret_why = "the only word behind a payload's name is secret";
	if ((word = strchr(text, ' ')) != NULL) {
		*word++ = '\0';
		if (strcmp(word, "secret") != 0)
			return -1;
	}
	len = strlen(name);
	*ret_why = "bad brackets in payload";
	if ((hdr->payload_optional = *name == '[')) {
		if (name[len - 1] != ']')
			return -1;
		name[len - 1] = '\0';
		name++;
	}
	*ret_why = "a payload's name is not a name";
	if (!rm_text_is_name(name))
		return -1;
	hdr->payload_secret = word != NULL;
	strcpy(hdr->payload, name);
	return 0;
}

/* As many as there is room for. */
static int
set_note(struct rm_ophdr *hdr, const char *value, const char **ret_why)
{
	size_t used = strlen(hdr->notes), room = sizeof(hdr->notes) - used;

	*ret_why = "its notes are too long";
	if (strlen(value) + 2 > room)
		return -1;
	(void)snprintf(hdr->notes + used, room, "%s\n", value);
	return 0;
}

static const struct {
	const char *key, *missing, *twice;
	int (*set)(struct rm_ophdr *, const char *, const char **);
} fields[] = {
	{ "# summary: ", "no summary", "two summaries", set_summary },
	{ "# args: ", NULL, "args twice", set_args },
	{ "# payload: ", NULL, "two payloads", set_payload },
	{ "# note: ", NULL, NULL, set_note },
	{ "# class: ", "no class", "two classes", set_class },
	{ "# limit: ", "no limit", "two limits", set_limit },
};

/* One comment line; sets its bit in *seen if it is one of ours. */
static int
parse_line(struct rm_ophdr *hdr, const uint8_t *line, size_t len,
    unsigned int *seen, const char **ret_why)
{
	char value[RM_OPHDR_TEXT];
	size_t f, i, skip;

	for (f = 0; f < N(fields); f++) {
		skip = strlen(fields[f].key);
		if (len >= skip && memcmp(line, fields[f].key, skip) == 0)
			break;
	}
	if (f == N(fields))
		return 0;
	*ret_why = fields[f].twice;
	if (*seen & 1U << f && fields[f].twice != NULL)
		return -1;
	*seen |= 1U << f;
	*ret_why = "a line is empty, too long or not printable ASCII";
	if (len == skip || len - skip >= sizeof(value))
		return -1;
	for (i = skip; i < len; i++)
		if (line[i] < 0x20 || line[i] > 0x7e)
			return -1;
	memcpy(value, line + skip, len - skip);
	value[len - skip] = '\0';
	return fields[f].set(hdr, value, ret_why);
}

int
rm_ophdr_parse(struct rm_ophdr *ret, const uint8_t *buf, size_t len,
    const char **ret_why)
{
	struct rm_ophdr hdr = { .n_args = 0 };
	unsigned int seen = 0;
	const uint8_t *end;
	size_t f;

	*ret_why = "it does not begin with #!";
	if (len < 2 || memcmp(buf, "#!", 2) != 0)
		return -1;
	while (len > 0 && *buf == '#' &&
	    (end = memchr(buf, '\n', len)) != NULL) {
		if (parse_line(&hdr, buf, (size_t)(end - buf), &seen,
		    ret_why) == -1)
			return -1;
		len -= (size_t)(end + 1 - buf);
		buf = end + 1;
	}
	for (f = 0; f < N(fields); f++) {
		if (fields[f].missing != NULL && !(seen & 1U << f)) {
			*ret_why = fields[f].missing;
			return -1;
		}
	}
	*ret = hdr;
	return 0;
}

/* Returns 1 if all of word matches, 0 if not, -1 if the pattern is bad. */
static int
match_regex(const char *pattern, const char *word)
{
	regmatch_t m;
	regex_t re;
	int rc;

	if (regcomp(&re, pattern, REG_EXTENDED) != 0)
		return -1;
	/* Leftmost and longest: if the whole fits, this is the match. */
	rc = regexec(&re, word, 1, &m, 0) == 0 && m.rm_so == 0 &&
	    word[m.rm_eo] == '\0';
	regfree(&re);
	return rc;
}

static bool
match_words(const char *list, const char *word)
{
	size_t len, want = strlen(word);

	for (; *list != '\0'; list += len + (list[len] == '|')) {
		len = strcspn(list, "|");
		if (len == want && memcmp(list, word, len) == 0)
			return true;
	}
	return false;
}

static bool
fits(const struct rm_oparg *arg, const char *word)
{
	switch (arg->kind) {
	case RM_OP_WORDS:
		return match_words(arg->pattern, word);
	case RM_OP_REGEX:
		return match_regex(arg->pattern, word) == 1;
	case RM_OP_ANY:
		break;
	}
	return true;
}

/* No option, and nothing that draws on a terminal or breaks a line. */
static bool
is_tame(const char *word)
{
	if (*word == '-' || *word == '\0')
		return false;
	for (; *word != '\0'; word++)
		if ((uint8_t)*word < 0x20 || *word == 0x7f)
			return false;
	return true;
}

int
rm_ophdr_check(const struct rm_ophdr *hdr, size_t n, char *const words[],
    const char *confirm, const char **ret_why)
{
	size_t i;

	if (confirm != NULL && hdr->class >= RM_OP_POWER) {
		*ret_why = "confirm=NAME, the appliance's name, must be the "
		    "last argument";
		if (n == 0 || strncmp(words[n - 1], "confirm=", 8) != 0)
			return -1;
		*ret_why = "confirm= is not the name of this appliance";
		if (*confirm == '\0' ||
		    strcmp(words[n - 1] + 8, confirm) != 0)
			return -1;
		n--;
	}
	*ret_why = "too many arguments";
	if (n > hdr->n_args)
		return -1;
	*ret_why = "an argument is missing";
	if (n < hdr->n_args && !hdr->arg[n].optional)
		return -1;
	for (i = 0; i < n; i++) {
		*ret_why = "an argument begins with - or has control "
		    "characters";
		if (!is_tame(words[i]))
			return -1;
		*ret_why = "an argument is not one of those that the "
		    "operation takes";
		if (!fits(&hdr->arg[i], words[i]))
			return -1;
	}
	return (int)n;
}

int
rm_ophdr_check_payload(const struct rm_ophdr *hdr, const char *payload,
    const char **ret_why)
{
	if (payload == NULL) {
		*ret_why = "its payload is missing";
		return *hdr->payload == '\0' || hdr->payload_optional ? 0 : -1;
	}
	*ret_why = "it takes no payload";
	if (*hdr->payload == '\0')
		return -1;
	*ret_why = "it takes another payload";
	return strcmp(payload, RM_PAYLOAD_ANY) == 0 ||
	    strcmp(payload, hdr->payload) == 0 ? 0 : -1;
}

void
rm_ophdr_usage(char *ret, size_t size, const struct rm_ophdr *hdr,
    const char *name, bool confirm)
{
	bool payload = *hdr->payload != '\0';
	bool optional = payload && hdr->payload_optional;

	(void)snprintf(ret, size, "%s%s%s%s%s%s%s", name,
	    *hdr->args != '\0' ? " " : "", hdr->args,
	    optional ? " [<" : payload ? " <" : "", hdr->payload,
	    optional ? "]" : "",
	    confirm && hdr->class >= RM_OP_POWER ? " confirm=NAME" : "");
}

/* Expressions that do not compile make the header a bad one. */
static int
check_patterns(const struct rm_ophdr *hdr, const char **ret_why)
{
	size_t i;

	*ret_why = "an argument's expression does not compile";
	for (i = 0; i < hdr->n_args; i++)
		if (hdr->arg[i].kind == RM_OP_REGEX &&
		    match_regex(hdr->arg[i].pattern, "") == -1)
			return -1;
	return 0;
}

int
rm_ophdr_open(int folder, const char *name, struct rm_ophdr *ret,
    const char **ret_why)
{
	uint8_t buf[RM_OPHDR_MAX];
	struct rm_ophdr hdr;
	struct stat st;
	ssize_t n;
	int fd;

	*ret_why = "its name is not a name";
	if (!rm_text_is_name(name))
		return -1;
	*ret_why = "it cannot be opened";
	fd = openat(folder, name,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1)
		return -1;
	*ret_why = "it is not a regular file";
	if (fstat(fd, &st) == -1 || !S_ISREG(st.st_mode))
		goto fail;
	*ret_why = "it may not be executed";
	if (faccessat(folder, name, X_OK, AT_EACCESS) == -1)
		goto fail;
	*ret_why = "it cannot be read";
	n = rm_io_read(fd, buf, sizeof(buf));
	if (n == -1 || lseek(fd, 0, SEEK_SET) == -1)
		goto fail;
	if (rm_ophdr_parse(&hdr, buf, (size_t)n, ret_why) == -1 ||
	    check_patterns(&hdr, ret_why) == -1)
		goto fail;
	*ret = hdr;
	return fd;

fail:
	(void)close(fd);
	return -1;
}
