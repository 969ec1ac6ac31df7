/* SPDX-License-Identifier: ISC */
/*
 * The policy, an operation a line: what each of them needs is chosen here,
 * and the operation policy-set decides whether that can be.
 */
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rm_custodians.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_text.h"
#include "view.h"

#define LINES_MAX	160

static struct {
	size_t n;
	char text[RM_POLICY_MAX];	/* of the file */
	char name[LINES_MAX][RM_NAME_MAX + 1];
	char need[LINES_MAX][32];	/* empty: what "*" says */
	char cards[LINES_MAX][16];	/* of console=, or empty */
	char shown[LINES_MAX][80];
	char choices[1024], here[1024];
	size_t chosen;
} p;

static void
note(const char *name, const char *need, const char *cards)
{
	size_t i;

	for (i = 0; i < p.n; i++)
		if (strcmp(p.name[i], name) == 0)
			break;
	if (i == LINES_MAX || (i < p.n && *need == '\0'))
		return;
	if (i == p.n)
		p.n++;
	(void)snprintf(p.name[i], sizeof(p.name[i]), "%s", name);
	(void)snprintf(p.need[i], sizeof(p.need[i]), "%s", need);
	(void)snprintf(p.cards[i], sizeof(p.cards[i]), "%s", cards);
}

/* The words of a line of the file: two and an option, or it is none of ours. */
static bool
cut_line(const char *line, char name[static RM_NAME_MAX + 1],
    char need[static 32], char cards[static 16])
{
	size_t len = strcspn(line, "\n");
	char copy[256];

	(void)snprintf(copy, sizeof(copy), "%.*s", (int)(len < 255 ? len : 255),
	    line);
	*cards = '\0';
	return *copy != '#' && sscanf(copy, "%32s %31s console=%15s", name,
	    need, cards) >= 2;
}

static void
read_policy(void)
{
	char name[RM_NAME_MAX + 1], need[32], cards[16], path[PATH_MAX];
	struct dirent **entry;
	const char *line;
	int i, n;

	p.n = 0;
	rm_env_state_path(path, sizeof(path), "policy");
	if (rm_io_load(path, p.text, sizeof(p.text)) == -1)
		p.text[0] = '\0';
	for (line = p.text; line != NULL && *line != '\0';
	    line = strchr(line, '\n') != NULL ? strchr(line, '\n') + 1 : NULL)
		if (cut_line(line, name, need, cards))
			note(name, need, cards);
	n = scandir(ui_ops(), &entry, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (rm_text_is_name(entry[i]->d_name))
			note(entry[i]->d_name, "", "");
		free(entry[i]);
	}
	if (n != -1)
		free(entry);
}

static void
fill(struct window *w)
{
	size_t i;

	read_policy();
	*w = (struct window){ .title = "Policy", .n_entries = 1,
	    .text = "What each operation needs remotely\n",
	    .entry = { menu_back() } };
	for (i = 0; i < p.n; i++) {
		(void)snprintf(p.shown[i], sizeof(p.shown[i]), "%-22s %s%s%s",
		    p.name[i], *p.need[i] != '\0' ? p.need[i] : "as *",
		    *p.cards[i] != '\0' ? ", cards here: " : "", p.cards[i]);
		w->entry[w->n_entries++] = p.shown[i];
	}
}

static size_t
append(char *ret, size_t len, const char *line)
{
	memcpy(ret + len, line, strlen(line));
	return len + strlen(line);
}

/* The policy with this line in place of the one that was; false: too long. */
static bool
replace_line(char ret[static RM_POLICY_MAX], const char *what,
    const char *wants, const char *here)
{
	char name[RM_NAME_MAX + 1], need[32], cards[16], fresh[128];
	const char *line, *next;
	size_t len = 0;
	bool done = false;

	(void)snprintf(fresh, sizeof(fresh), "%-16s %s%s%s\n", what, wants,
	    *here != '\0' ? " console=" : "", here);
	for (line = p.text; *line != '\0'; line = next) {
		next = strchr(line, '\n');
		next = next != NULL ? next + 1 : line + strlen(line);
		if (len + (size_t)(next - line) + 2 * sizeof(fresh) >=
		    RM_POLICY_MAX)
			return false;
		if (cut_line(line, name, need, cards) &&
		    strcmp(name, what) == 0) {
			len = append(ret, len, fresh);
			done = true;
			continue;
		}
		memcpy(ret + len, line, (size_t)(next - line));
		len += (size_t)(next - line);
	}
	if (!done)
		len = append(ret, len, fresh);
	ret[len] = '\0';
	return true;
}

static const char *
submit(void)
{
	static const char *const none[RUN_ARGS];
	static char text[RM_POLICY_MAX];
	char name[RM_NAME_MAX + 1];

	strcpy(name, p.name[p.chosen]);
	if (!replace_line(text, name, form_value(0), strcmp(form_value(1),
	    "none") != 0 ? form_value(1) : ""))
		return "the policy is too long";
	form_close();
	run_with_payload("Policy", "policy-set", none, text, strlen(text));
	return NULL;
}

/* As many as there are custodians, and the words. */
static void
write_choices(bool session)
{
	struct rm_custodians *all = malloc(sizeof(*all));
	char folder[PATH_MAX];
	struct rm_err err;
	size_t i, len = 0;

	rm_env_state_path(folder, sizeof(folder), "custodians");
	if (all == NULL || rm_custodians_load(all, folder, &err) == -1)
		len = 0;
	else
		for (i = 1; i <= all->people; i++)
			len += (size_t)snprintf(p.choices + len,
			    sizeof(p.choices) - len, "%s%zu",
			    i > 1 ? "|" : "", i);
	free(all);
	if (len == 0)
		len = (size_t)snprintf(p.choices, sizeof(p.choices), "1");
	(void)snprintf(p.here, sizeof(p.here), "none|%.*s",
	    (int)sizeof(p.here) - 6, p.choices);
	if (!session)
		(void)snprintf(p.choices + len, sizeof(p.choices) - len,
		    "|session|master|local-only");
}

/* The others cannot have it: policy-set would refuse. */
static bool
may_want_cards(const char *name)
{
	return strcmp(name, "session") != 0 && strcmp(name, "*") != 0 &&
	    strcmp(name, "factory-reset") != 0;
}

static void
chosen(size_t i)
{
	struct field f[2] = {
		{ "needs", FIELD_CHOICE, p.choices },
		{ "cards at the console", FIELD_CHOICE, p.here }
	};
	const char *name;
	char text[256];

	if (i == 0) {
		ui_pop();
		return;
	}
	p.chosen = i - 1;
	name = p.name[p.chosen];
	write_choices(strcmp(name, "session") == 0);
	(void)snprintf(text, sizeof(text), "%s: a number of custodians, what "
	    "the session has,\nmaster of the service, or nobody from afar\n",
	    name);
	form_open("Policy", text, f, may_want_cards(name) ? 2 : 1, submit);
	form_set(0, p.need[p.chosen]);
	form_set(1, p.cards[p.chosen]);
}

static const struct view view = { .fill = fill, .chosen = chosen };

void
policy_open(const struct menu_entry *e)
{
	(void)e;
	ui_push(&view, NULL);
}
