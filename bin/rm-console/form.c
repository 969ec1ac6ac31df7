/* SPDX-License-Identifier: ISC */
/*
 * Forms: fields, OK and Cancel.  What is typed stands in locked memory that is
 * wiped when the form goes, secrets and all else alike.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm_secret.h"
#include "view.h"

static struct {
	char title[64], text[2048], problem[256], shown[2560];
	size_t n;
	struct field field[SCREEN_FIELDS];
	char (*value)[FORM_VALUE];	/* SCREEN_FIELDS, locked */
	const char *(*submit)(void);
	bool open;
} f;

static char *
value(size_t i)
{
	return f.value[i];
}

/* The place of the word that a choice has, and how long it is. */
static const char *
next_choice(const char *choices, const char *now, int step)
{
	const char *word, *before = NULL, *last = choices;
	size_t len = strlen(now);
	const char *found = NULL;

	for (word = choices; word != NULL; word = strchr(word, '|')) {
		if (*word == '|')
			word++;
		if (strcspn(word, "|") == len && strncmp(word, now, len) == 0) {
			found = word;
			before = last;
		}
		last = word;
	}
	if (found == NULL)
		return choices;
	if (step < 0)
		return found == choices ? last : before;
	found += len;
	return *found == '|' ? found + 1 : choices;
}

static void
choose(size_t i, const char *word)
{
	(void)snprintf(value(i), FORM_VALUE, "%.*s",
	    (int)strcspn(word, "|"), word);
}

/* Goes on to the next word that begins with this letter. */
static void
choose_letter(size_t i, char c)
{
	const char *first = next_choice(f.field[i].choices, value(i), 1);
	const char *word = first;

	do {
		if (*word == c) {
			choose(i, word);
			return;
		}
		word = strchr(word, '|');
		word = word == NULL ? f.field[i].choices : word + 1;
	} while (word != first);
}

static bool
key_choice(size_t i, enum key k, char c)
{
	if (k == KEY_LEFT || k == KEY_RIGHT || (k == KEY_CHAR && c == ' ')) {
		choose(i, next_choice(f.field[i].choices, value(i),
		    k == KEY_LEFT ? -1 : 1));
		return true;
	}
	if (k == KEY_CHAR)
		choose_letter(i, c);
	return k == KEY_CHAR;
}

static bool
key_text(size_t i, enum key k, char c)
{
	size_t len = strlen(value(i));

	switch (k) {
	case KEY_CHAR:
		/* Only a secret may have what not every keyboard has. */
		if (len + 1 < FORM_VALUE && (f.field[i].kind ==
		    FIELD_SECRET || (c >= ' ' && c <= '~')))
			value(i)[len] = c;
		return true;
	case KEY_BACKSPACE:
		if (len > 0)
			value(i)[len - 1] = '\0';
		return true;
	case KEY_CLEAR:
		explicit_bzero(value(i), FORM_VALUE);
		return true;
	case KEY_LEFT:
	case KEY_RIGHT:
		return true;
	default:
		return false;
	}
}

static bool
key(size_t *focus, enum key k, char c)
{
	f.problem[0] = '\0';
	if (*focus >= f.n)
		return false;
	if (k == KEY_ENTER) {
		++*focus;
		return true;
	}
	return f.field[*focus].kind == FIELD_CHOICE ?
	    key_choice(*focus, k, c) : key_text(*focus, k, c);
}

static void
fill(struct window *w)
{
	size_t i;

	(void)snprintf(f.shown, sizeof(f.shown), "%s%s%s%s%s", f.text,
	    *f.text != '\0' && *f.problem != '\0' ? "\n" : "",
	    *f.problem != '\0' ? "*** " : "", f.problem,
	    *f.problem != '\0' ? "\n" : "");
	*w = (struct window){ .title = f.title, .n_buttons = 2,
	    .button = { "OK", "Cancel" }, .n_fields = f.n,
	    .text = *f.shown != '\0' ? f.shown : NULL };
	for (i = 0; i < f.n; i++)
		w->field[i] = (struct screen_field){ f.field[i].label,
		    value(i), f.field[i].kind == FIELD_SECRET,
		    f.field[i].kind == FIELD_CHOICE };
}

static void
chosen(size_t i)
{
	const char *why;

	if (i == 1) {
		ui_pop();
		return;
	}
	if ((why = f.submit()) != NULL)
		(void)snprintf(f.problem, sizeof(f.problem), "%s", why);
}

static void
wipe(void)
{
	if (f.value != NULL)
		explicit_bzero(f.value, SCREEN_FIELDS * FORM_VALUE);
	f.open = false;
	f.n = 0;
}

static const struct view form_view = {
	.fill = fill, .chosen = chosen, .key = key, .left = wipe,
	.amid = true
};

void
form_open(const char *title, const char *text, const struct field *fields,
    size_t n, const char *(*submit)(void))
{
	size_t i;

	if (f.open)
		form_close();
	if (f.value == NULL && (f.value = rm_secret_alloc(SCREEN_FIELDS *
	    sizeof(*f.value))) == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	(void)snprintf(f.title, sizeof(f.title), "%s", title);
	(void)snprintf(f.text, sizeof(f.text), "%s", text);
	f.problem[0] = '\0';
	f.n = n < SCREEN_FIELDS ? n : SCREEN_FIELDS;
	f.submit = submit;
	for (i = 0; i < f.n; i++) {
		f.field[i] = fields[i];
		if (fields[i].kind == FIELD_CHOICE)
			choose(i, fields[i].choices);
	}
	f.open = true;
	ui_push(&form_view, NULL);
}

const char *
form_value(size_t i)
{
	return i < f.n ? value(i) : "";
}

void
form_set(size_t i, const char *text)
{
	if (i < f.n && *text != '\0')
		(void)snprintf(value(i), FORM_VALUE, "%s", text);
}

void
form_close(void)
{
	if (f.open)
		ui_pop();
}
