/* SPDX-License-Identifier: ISC */
/*
 * Operations, by their headers: what they want is asked for in a form, what
 * their class wants in a question, and then they run like everybody's,
 * through rm-exec -L.
 *
 *	run_operation -- ask: a form --+-- confirm: No, Yes --+-- start: WAIT
 *	                               `----------------------'      |
 *	                                           ended, Esc: a message
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "rm_ophdr.h"
#include "rm_secret.h"
#include "rm_text.h"
#include "view.h"

#define NOTES_MAX	(RM_OPHDR_NOTES + RM_OPHDR_TEXT)
#define PAYLOAD_MAX	65536

struct request {
	char operation[RM_NAME_MAX + 1];
	char title[64];
	struct rm_ophdr hdr;
	char arg[RM_OPHDR_ARGS][FORM_VALUE];	/* empty: not given */
	size_t asked[RM_OPHDR_ARGS];	/* of field i, the argument */
	size_t n_asked, n_secrets;
	bool named;			/* a field for the appliance's name */
	unsigned int cards;		/* wanted at the console */
	size_t payload_len;
	char *payload;			/* PAYLOAD_MAX, locked */
	char choices[RM_OPHDR_ARGS][OPTIONS_MAX];
};

static struct request r;

static struct {
	char progress[128];
	unsigned int percent;
	char text[TASK_TEXT];
	bool stopped;
} out;

/* --- running -------------------------------------------------------------- */

/* What rm-exec has said so far, without the marks of the wire. */
static void
read_answer(char *ret, size_t size, bool *ret_done)
{
	static char copy[TASK_TEXT];
	char *line, *next;
	size_t len = 0;

	*ret = '\0';
	*ret_done = false;
	memcpy(copy, ui_task.text, ui_task.len + 1);
	for (line = copy; line != NULL && *line != '\0'; line = next) {
		if ((next = strchr(line, '\n')) == NULL)
			break;
		*next++ = '\0';
		if (*line == '%' && line[1] == ' ') {
			out.percent = (unsigned int)strtoul(line + 2, &line,
			    10);
			(void)snprintf(out.progress, sizeof(out.progress),
			    "%s", *line == ' ' ? line + 1 : line);
			continue;
		}
		if (strlen(line) < 2 || strchr(":+!", *line) == NULL)
			continue;
		*ret_done = *line != ':';
		if (*line == '+' && (strcmp(line, "+ done") != 0 || len > 0))
			continue;
		len += (size_t)snprintf(ret + len, size - len, "%s%s\n",
		    *line == '!' ? "not done: " : "", line + 2);
		if (len >= size)
			len = size - 1;
	}
}

/* It is a long one, which is followed to its end. */
static bool
has_progress(void)
{
	return out.percent != 0 || *out.progress != '\0';
}

static void
fill_wait(struct window *w)
{
	bool done;

	read_answer(out.text, sizeof(out.text), &done);
	*w = (struct window){ .title = r.title,
	    .text = *out.text != '\0' ? out.text : "please wait\n" };
	if (!has_progress())
		return;
	w->n_gauges = 1;
	w->gauge[0] = (struct screen_gauge){ out.progress, "",
	    out.percent > 100 ? 100 : out.percent };
	ui_follow();
}

static void
show_result(void)
{
	bool done;

	read_answer(out.text, sizeof(out.text), &done);
	if (out.stopped)
		(void)snprintf(out.text, sizeof(out.text), "stopped: the log "
		    "has what became of it\n");
	else if (!done && *out.text == '\0')
		(void)snprintf(out.text, sizeof(out.text),
		    "not done: rm-exec did not answer\n");
	ui_pop();
	message_show(r.title, out.text);
	if (has_progress())
		ui_follow();		/* its last line is the verdict */
}

/* Nobody hears it any more: rm-exec ends it in order. */
static void
stop(void)
{
	task_forget(&ui_task);
	out.stopped = true;
	show_result();
}

static const struct view wait_view = {
	.fill = fill_wait, .ended = show_result, .back = stop
};

/* Writes the command line; -1 if it is too long. */
static int
spell_line(char *ret, size_t size)
{
	char name[3 * sizeof(ui_facts.name)];
	size_t i, len;

	len = (size_t)snprintf(ret, size, "%s", r.operation);
	for (i = 0; i < r.hdr.n_args && *r.arg[i] != '\0'; i++) {
		if (len + 2 >= size || (ret[len++] = ' ',
		    rm_text_spell(ret + len, size - len, (uint8_t *)r.arg[i],
		    strlen(r.arg[i])) == -1))
			return -1;
		len += strlen(ret + len);
	}
	if (r.hdr.class >= RM_OP_POWER) {
		if (rm_text_spell(name, sizeof(name),
		    (uint8_t *)ui_facts.name, strlen(ui_facts.name)) == -1)
			return -1;
		len += (size_t)snprintf(ret + len, size - len, " confirm=%s",
		    name);
	}
	if (len + 1 >= size)
		return -1;
	ret[len++] = '\n';
	return (int)len;
}

void
run_forget(void)
{
	rm_secret_free(r.payload);
	r.payload = NULL;
	r.payload_len = 0;
}

/* Starts rm-exec with the line, and the payload before it. */
static void
start_task(void)
{
	const char *const argv[] = { "rm-exec", "-L", ui_ops(), NULL };
	char line[RM_LINE_MAX], *all;
	size_t len = 0;
	int n = spell_line(line, sizeof(line));

	if ((all = rm_secret_alloc(PAYLOAD_MAX + 2 * RM_LINE_MAX)) == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	if (n == -1)
		n = 0;
	if (r.payload_len > 0) {
		len = (size_t)snprintf(all, RM_LINE_MAX, "< %s %zu\n",
		    r.hdr.payload, r.payload_len);
		memcpy(all + len, r.payload, r.payload_len);
		len += r.payload_len;
	}
	memcpy(all + len, line, (size_t)n);
	task_start(&ui_task, argv, all, len + (size_t)n, false);
	rm_secret_free(all);
	run_forget();
	memset(&out, 0, sizeof(out));
}

static void
start(void)
{
	start_task();
	ui_push(&wait_view, NULL);
}

/* Starts it when the cards that it wants have signed; mostly at once. */
static void
begin(void)
{
	const char *words[RM_OPHDR_ARGS + 1] = { r.operation };
	size_t n = 1;

	if (r.cards == 0) {
		start();
		return;
	}
	for (; n <= r.hdr.n_args && *r.arg[n - 1] != '\0'; n++)
		words[n] = r.arg[n - 1];
	quorum_payload(r.payload, r.payload_len, r.hdr.payload_secret);
	quorum_gather(r.title, r.cards, words, n, start);
}

/* --- asking --------------------------------------------------------------- */

static const char *
take_form(void)
{
	const char *fault = NULL;
	size_t i, n = 0;
	char *words[RM_OPHDR_ARGS + 1];

	for (i = 0; i < r.n_asked; i++)
		(void)snprintf(r.arg[r.asked[i]], FORM_VALUE, "%s",
		    form_value(i));
	for (; n < r.hdr.n_args && *r.arg[n] != '\0'; n++)
		words[n] = r.arg[n];
	words[n] = NULL;
	if (rm_ophdr_check(&r.hdr, n, words, NULL, &fault) == -1)
		return fault;
	fault = secrets_take(r.operation, r.n_asked, r.n_secrets, &r.payload,
	    &r.payload_len);
	if (fault != NULL)
		return fault;
	if (r.named && strcmp(form_value(r.n_asked + r.n_secrets),
	    ui_facts.name) != 0)
		return "that is not the name of this appliance";
	form_close();
	begin();
	return NULL;
}

static size_t
ask_arguments(struct field *f, const char *const preset[RUN_ARGS])
{
	const struct rm_oparg *arg;
	size_t i, n = 0;

	for (i = 0; i < r.hdr.n_args; i++) {
		arg = &r.hdr.arg[i];
		if (preset[i] != NULL) {
			(void)snprintf(r.arg[i], FORM_VALUE, "%s", preset[i]);
			continue;
		}
		(void)snprintf(f[n].label, sizeof(f[n].label), "%s%s",
		    arg->name, arg->optional ? " (or none)" : "");
		f[n].kind = FIELD_TEXT;
		if (arg->kind == RM_OP_WORDS) {
			f[n].kind = FIELD_CHOICE;
			f[n].choices = arg->pattern;
		} else if (options_find(r.choices[i], r.operation,
		    arg->name)) {
			f[n].kind = FIELD_CHOICE;
			f[n].choices = r.choices[i];
		}
		r.asked[n++] = i;
	}
	return n;
}

/* What stands there already, for what may stay as it is. */
static void
preset_values(void)
{
	char value[FORM_VALUE];
	size_t i;

	for (i = 0; i < r.n_asked; i++)
		if (options_preset(value, sizeof(value), r.operation,
		    r.hdr.arg[r.asked[i]].name))
			form_set(i, value);
}

static void
ask(const char *const preset[RUN_ARGS])
{
	struct field f[SCREEN_FIELDS] = { 0 };
	char notes[NOTES_MAX], question[256];
	size_t n;

	n = r.n_asked = ask_arguments(f, preset);
	if (r.payload_len == 0 && *r.hdr.payload != '\0')
		n += r.n_secrets = secrets_ask(r.operation, f + n,
		    SCREEN_FIELDS - 1 - n);
	r.named = r.hdr.class == RM_OP_DESTRUCTIVE;
	(void)snprintf(notes, sizeof(notes), "%s%s", *r.hdr.notes != '\0' ?
	    r.hdr.notes : r.hdr.summary, *r.hdr.notes != '\0' ? "" : "\n");
	if (r.named)
		(void)snprintf(f[n++].label, sizeof(f[0].label),
		    "type its name, %.20s", ui_facts.name);
	if (n > 0) {
		form_open(r.title, notes, f, n, take_form);
		preset_values();
	} else if (r.hdr.class == RM_OP_POWER) {
		(void)snprintf(question, sizeof(question), "%s %s now?",
		    strcmp(r.operation, "restart") == 0 ? "Restart" :
		    "Switch off", ui_facts.name);
		message_ask(r.title, question, begin);
	} else
		begin();
}

/* --- the ways in ---------------------------------------------------------- */

/* Reads the header; false, and it is said, if it is not to be had. */
static bool
prepare(const char *title, const char *name)
{
	const char *why = "there is no folder of operations";
	char text[512];
	int fd, folder;

	rm_secret_free(r.payload);
	memset(&r, 0, sizeof(r));
	(void)snprintf(r.title, sizeof(r.title), "%s", title);
	(void)snprintf(r.operation, sizeof(r.operation), "%s", name);
	folder = open(ui_ops(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = folder == -1 ? -1 : rm_ophdr_open(folder, name, &r.hdr, &why);
	(void)close(folder);
	if (fd != -1) {
		(void)close(fd);
		return true;
	}
	(void)snprintf(text, sizeof(text), "not done: %s: %s\n", name, why);
	message_show(title, text);
	return false;
}

/* False, and it is said, if the owner's policy does not let it be done. */
static bool
is_allowed(void)
{
	const char *why = quorum_wants(&r.cards, r.operation,
	    r.hdr.class == RM_OP_DESTRUCTIVE);

	if (why != NULL)
		message_show(r.title, why);
	return why == NULL;
}

void
run_operation(const char *title, const char *name,
    const char *const preset[RUN_ARGS])
{
	if (prepare(title, name) && is_allowed())
		ask(preset);
}

void
run_with_payload(const char *title, const char *name,
    const char *const preset[RUN_ARGS], const char *payload, size_t len)
{
	if (!prepare(title, name) || !is_allowed() || len > PAYLOAD_MAX)
		return;
	if ((r.payload = rm_secret_alloc(PAYLOAD_MAX)) == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	memcpy(r.payload, payload, len);
	r.payload_len = len;
	ask(preset);
}

void
run_quietly(const char *name)
{
	if (prepare("", name))
		start_task();
}

void
run_answer(char *ret, size_t size)
{
	bool done;

	read_answer(ret, size, &done);
	if (*ret == '\0')
		(void)snprintf(ret, size, "not done: rm-exec did not answer\n");
}
