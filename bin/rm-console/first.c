/* SPDX-License-Identifier: ISC */
/*
 * The first boot: there is no appliance yet.  rm-supervise draft builds one
 * aside, a step at a time; what has been built is looked up there, and not
 * kept here.  Killed anywhere there is none, or a whole one.
 *
 *	first -- name, password -- custodians -- M of N -- summary -- commit
 *	  `<--- Esc: dropped ---------'  `<--- Esc ---------'
 */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_env.h"
#include "rm_io.h"
#include "rm_secret.h"
#include "rm_text.h"
#include "view.h"

#define TITLE		"First Boot"
#define PEOPLE_MAX	64

static struct {
	char name[RM_NAME_MAX + 1];	/* of a custodian, on the way */
	char quorum[8];			/* M, on the way */
	char choices[PEOPLE_MAX * 3];
	char text[4096];
} f;

static const struct view custodians_view, summary_view;

/* --- what has been built -------------------------------------------------- */

static void
draft_line(char *ret, size_t size, const char *file)
{
	char path[PATH_MAX], name[64], text[256];

	(void)snprintf(name, sizeof(name), "draft/%s", file);
	rm_env_state_path(path, sizeof(path), name);
	if (rm_io_load(path, text, sizeof(text)) == -1)
		text[0] = '\0';
	rm_text_clean(ret, size, (uint8_t *)text, strcspn(text, "\n"));
}

/* Writes their names, parted by ", "; returns how many there are. */
static size_t
draft_people(char *ret, size_t size)
{
	struct dirent **entry;
	char path[PATH_MAX];
	size_t len = 0, people = 0;
	int i, n;

	*ret = '\0';
	rm_env_state_path(path, sizeof(path), "draft/custodians");
	n = scandir(path, &entry, NULL, alphasort);
	for (i = 0; i < n; i++) {
		if (rm_text_is_name(entry[i]->d_name) && len < size)
			len += (size_t)snprintf(ret + len, size - len,
			    "%s%s", people++ > 0 ? ", " : "",
			    entry[i]->d_name);
		free(entry[i]);
	}
	if (n != -1)
		free(entry);
	return people;
}

/* --- steps ---------------------------------------------------------------- */

/* A line "rm-supervise: fatal: ..." is why it is not done. */
static bool
is_done(const char *answer, size_t len)
{
	if (strstr(answer, "fatal: ") == NULL)
		return true;
	work_tell(TITLE, answer, len);
	return false;
}

static void
step(const char *text, const char *const argv[], const char *input,
    size_t len, void (*done)(const char *answer, size_t len))
{
	work_start(TITLE, text, argv, input, len, done);
}

static void
committed(const char *answer, size_t len)
{
	if (is_done(answer, len))
		message_show(TITLE, "The appliance is made, and boots now.\n");
}

static void
quorum_set(const char *answer, size_t len)
{
	if (is_done(answer, len))
		ui_push(&summary_view, NULL);
}

static const char *
submit_quorum(void)
{
	const char *const argv[] = { "rm-supervise", "draft", "quorum",
	    f.quorum, NULL };

	(void)snprintf(f.quorum, sizeof(f.quorum), "%s", form_value(0));
	step("please wait\n", argv, NULL, 0, quorum_set);
	return NULL;
}

static void
ask_quorum(size_t people)
{
	struct field field = { "cards for a session", FIELD_CHOICE,
	    f.choices };
	size_t i, len = 0;

	for (i = 1; i <= people && i <= PEOPLE_MAX; i++)
		len += (size_t)snprintf(f.choices + len, sizeof(f.choices) -
		    len, "%s%zu", i > 1 ? "|" : "", i);
	(void)snprintf(f.text, sizeof(f.text), "How many of the %zu "
	    "custodians does it take to manage this\nappliance remotely?\n",
	    people);
	form_open(TITLE, f.text, &field, 1, submit_quorum);
	if (people > 1)
		form_set(0, "2");
}

static void
enrolled(const char *answer, size_t len)
{
	(void)is_done(answer, len);
}

static void
take_enrolment(const char *who, const char *answer, size_t len)
{
	const char *const argv[] = { "rm-supervise", "draft", "enrol", f.name,
	    NULL };

	(void)snprintf(f.name, sizeof(f.name), "%s", who);
	step("please wait\n", argv, answer, len, enrolled);
}

static void
begun(const char *answer, size_t len)
{
	if (is_done(answer, len))
		ui_push(&custodians_view, NULL);
}

static const char *
submit_names(void)
{
	char name[FORM_VALUE], mode[16], *line;
	const char *const argv[] = { "rm-supervise", "draft", "begin", name,
	    mode, NULL };
	size_t len;

	if (!rm_text_is_name(form_value(0)))
		return "a name has lower case letters, digits and -";
	if (*form_value(2) == '\0')
		return "master wants a password";
	if (strcmp(form_value(2), form_value(3)) != 0)
		return "what was to be the same is not";
	(void)snprintf(name, sizeof(name), "%s", form_value(0));
	(void)snprintf(mode, sizeof(mode), "%s", form_value(1));
	if ((line = rm_secret_alloc(FORM_VALUE + 1)) == NULL)
		return "there is no memory to be locked";
	len = (size_t)snprintf(line, FORM_VALUE + 1, "%s\n", form_value(2));
	step("an identity is made\n", argv, line, len, begun);
	rm_secret_free(line);
	return NULL;
}

/* --- screens -------------------------------------------------------------- */

static void
drop(void)
{
	static const char *const argv[] = { "rm-supervise", "draft", "drop",
	    NULL };

	task_start(NULL, argv, NULL, 0, false);
	ui_pop();
}

static void
fill_custodians(struct window *w)
{
	char names[2048], key[80];
	size_t people = draft_people(names, sizeof(names));

	draft_line(key, sizeof(key), "appliance");
	(void)snprintf(f.text, sizeof(f.text), "key       %s\n"
	    "cards of  %s\n\nAt least one custodian's card; more may be "
	    "enrolled until remote\nmanagement is switched on for the first "
	    "time.\n", key, people > 0 ? names : "nobody yet");
	*w = (struct window){ .title = "First Custodians", .text = f.text,
	    .n_entries = people > 0 ? 3 : 2, .entry = { menu_back(),
	    "Enrol a Custodian", "Continue" } };
}

static void
chosen_custodians(size_t i)
{
	char names[2048], key[80];

	if (i == 0) {
		drop();
	} else if (i == 1) {
		draft_line(key, sizeof(key), "appliance");
		cards_ask_enrol(key, take_enrolment);
	} else
		ask_quorum(draft_people(names, sizeof(names)));
}

static const struct view custodians_view = {
	.fill = fill_custodians, .chosen = chosen_custodians, .back = drop
};

static void
fill_summary(struct window *w)
{
	char names[2048], key[80], name[80], mode[16];
	size_t people = draft_people(names, sizeof(names));

	draft_line(name, sizeof(name), "name");
	draft_line(key, sizeof(key), "appliance");
	draft_line(mode, sizeof(mode), "gen-1/mode");
	(void)snprintf(f.text, sizeof(f.text), "name      %s\n"
	    "mode      %s\nkey       %s\ncards of  %s\n"
	    "session   %s of %zu custodians\n", name, mode, key, names,
	    f.quorum, people);
	*w = (struct window){ .title = "Summary", .text = f.text,
	    .n_entries = 2, .entry = { menu_back(), "Make the Appliance" } };
}

static void
chosen_summary(size_t i)
{
	static const char *const argv[] = { "rm-supervise", "draft", "commit",
	    NULL };

	if (i == 0)
		ui_pop();
	else
		step("the appliance is made\n", argv, NULL, 0, committed);
}

static const struct view summary_view = {
	.fill = fill_summary, .chosen = chosen_summary
};

/* Operations want a log, which there is not yet: the supervisor is told. */
static void
say(const char *word)
{
	char path[PATH_MAX], text[32];
	int fd;

	rm_env_run_path(path, sizeof(path), "power");
	(void)snprintf(text, sizeof(text), "%s\n", word);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1 || rm_io_write(fd, text, strlen(text)) == -1)
		message_show(TITLE, "not done: no supervisor is there\n");
	if (fd != -1)
		(void)close(fd);
}

static void
say_restart(void)
{
	say("restart");
}

static void
say_off(void)
{
	say("switch-off");
}

static void
fill(struct window *w)
{
	*w = (struct window){ .title = TITLE, .n_entries = 3,
	    .text = "There is no appliance here yet.\n", .entry = {
	    "Make an Appliance", "Restart", "Power Off" } };
}

static void
chosen(size_t i)
{
	static const struct field fields[] = {
		{ "name", FIELD_TEXT, NULL },
		{ "operating mode", FIELD_CHOICE, "NRM|RM1|RM2" },
		{ "password of master", FIELD_SECRET, NULL },
		{ "the same again", FIELD_SECRET, NULL }
	};

	if (i == 0)
		form_open(TITLE, "A name for the appliance, and the password "
		    "of its administrator\n", fields, 4, submit_names);
	else if (i == 1)
		message_ask(TITLE, "Restart now?", say_restart);
	else
		message_ask(TITLE, "Switch off now?", say_off);
}

static void
stay(void)
{
}

const struct view first_view = {
	.fill = fill, .chosen = chosen, .back = stay
};
