/* SPDX-License-Identifier: ISC */
/*
 * Commands in a session: one, those of a person, those of a script.
 * Standard output gets what operations print and nothing else; what became of
 * them is the exit code, and on standard error.
 */
#include "rmctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_num.h"

#define SILENCE_MS	30000	/* an operation shows progress every 10 s */
#define BLANKS		" \t\r"
#define CONFIRM		"confirm="

static struct link appliance;

/* --- progress and output -------------------------------------------------- */

/* One line of a terminal, drawn over and over; elsewhere lines, if wanted. */
static void
show_progress(const struct rm_reply *reply)
{
	char line[256];
	int n;

	if (isatty(STDERR_FILENO) && !rmctl_opts.quiet)
		n = snprintf(line, sizeof(line), "\r%3u %% %.60s\033[K",
		    reply->percent, reply->text);
	else if (rmctl_opts.progress)
		n = snprintf(line, sizeof(line), "%3u %% %.200s\n",
		    reply->percent, reply->text);
	else
		return;
	(void)!write(STDERR_FILENO, line, (size_t)n);
}

static void
clear_progress(bool *shown)
{
	if (*shown && isatty(STDERR_FILENO) && !rmctl_opts.quiet)
		(void)!write(STDERR_FILENO, "\r\033[K", 4);
	*shown = false;
}

static void
flush_output(void)
{
	if (fflush(stdout) != 0)
		die(RM_EXIT_SYSTEM, "unable to write standard output");
}

/* --- one command ---------------------------------------------------------- */

/*
 * Takes all of one answer.  *ret_confirm is set, and nothing said, if it is
 * only that the appliance's name has to be typed back.
 */
static int
take_answer(struct link *l, bool *ret_confirm)
{
	struct rm_reply reply;
	bool shown = false;
	int rc;

	*ret_confirm = false;
	for (;;) {
		if (!rm_talk_ready(&l->talk))
			flush_output();
		rc = link_next(l, &reply, rm_num_now_ms() + SILENCE_MS);
		if (rc != RM_CODE_OK || reply.kind != RM_REPLY_PROGRESS)
			clear_progress(&shown);
		if (rc == LINK_NOTHING) {
			l->over = true;
			return rmctl_fail(RM_CODE_CONNECTION, "not a word "
			    "from the appliance for %d s", SILENCE_MS / 1000);
		}
		if (rc != RM_CODE_OK)
			return rc;
		switch (reply.kind) {
		case RM_REPLY_OUTPUT:
			(void)printf("%s\n", reply.text);
			break;
		case RM_REPLY_PROGRESS:
			show_progress(&reply);
			shown = true;
			break;
		case RM_REPLY_DONE:
			if (*reply.text != '\0' &&
			    strcmp(reply.text, "done") != 0)
				rmctl_info("%s", reply.text);
			flush_output();
			return RM_CODE_OK;
		case RM_REPLY_REFUSED:
			flush_output();
			*ret_confirm = reply.code == RM_CODE_USAGE &&
			    strncmp(reply.text, CONFIRM "NAME",
			    strlen(CONFIRM "NAME")) == 0;
			return *ret_confirm ? (int)reply.code :
			    rmctl_fail(reply.code, "%s", reply.text);
		case RM_REPLY_NOTICE:
			break;
		}
	}
}

/* The name that confirms: told by --yes, or typed; NULL: nobody says. */
static const char *
confirmation(const char *line)
{
	static char typed[INPUT_MAX];
	char prompt[128];

	if (rmctl_opts.yes != NULL)
		return rmctl_opts.yes;
	if (!input_is_person())
		return NULL;
	(void)snprintf(prompt, sizeof(prompt), "To confirm %.*s, type the "
	    "appliance's name: ", (int)strcspn(line, " \n"), line);
	if (input_ask(prompt, typed) == -1 || !rm_text_is_name(typed))
		return NULL;
	return typed;
}

/* Sends a line, which has its LF, and takes its answer. */
static int
run_line(struct link *l, char line[static RM_LINE_MAX])
{
	size_t len = strlen(line);
	const char *name;
	bool confirm;
	int n, rc;

	if ((rc = link_send(l, line, len)) != RM_CODE_OK)
		return rc;
	rc = take_answer(l, &confirm);
	if (!confirm)
		return rc;
	if ((name = confirmation(line)) == NULL)
		return rmctl_fail(RM_CODE_USAGE, "confirm=NAME is wanted: use "
		    "--yes NAME, with the name of the appliance");
	n = snprintf(line + len - 1, RM_LINE_MAX - len + 1, " %s%s\n", CONFIRM,
	    name);
	if (n < 0 || (size_t)n > RM_LINE_MAX - len)
		return rmctl_fail(RM_CODE_USAGE, "line too long");
	if ((rc = link_send(l, line, strlen(line))) != RM_CODE_OK)
		return rc;
	rc = take_answer(l, &confirm);
	return confirm ? rmctl_fail(RM_CODE_USAGE, "%s does not take "
	    "confirm=%s", l->where, name) : rc;
}

/* Writes words as one line of the wire, with LF. */
static int
spell_line(char ret[static RM_LINE_MAX], size_t n, char *const words[])
{
	size_t i, used = 0;

	for (i = 0; i < n; i++) {
		if (rm_text_spell(ret + used, RM_LINE_MAX - used - 1,
		    (const uint8_t *)words[i], strlen(words[i])) == -1)
			return rmctl_fail(RM_CODE_USAGE, "an argument is "
			    "empty, or all are too long");
		used += strlen(ret + used);
		ret[used++] = i + 1 < n ? ' ' : '\n';
	}
	ret[used] = '\0';
	return RM_CODE_OK;
}

/* Ends the session in order, whatever it came to. */
static int
leave(struct link *l, int rc)
{
	link_end(l);
	link_close(l);
	votes_end();
	flush_output();
	return rc;
}

static int
need_host(void)
{
	if (rmctl_opts.host != NULL)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_USAGE, "no appliance: use -H HOST, or set "
	    "RM_HOST");
}

int
rmctl_command(int argc, char *argv[])
{
	char line[RM_LINE_MAX];
	int rc;

	if ((rc = need_host()) != RM_CODE_OK ||
	    (rc = spell_line(line, (size_t)argc, argv)) != RM_CODE_OK)
		return rc;
	rc = votes_give(&appliance, rmctl_opts.host);
	if (rc == RM_CODE_OK)
		rc = run_line(&appliance, line);
	return leave(&appliance, rc);
}

/* --- many commands -------------------------------------------------------- */

/*
 * Takes a line of a person or a script apart: words parted by blanks, a byte
 * that cannot stand in one as %XX.  Returns the number of words, 0 for a
 * comment or a blank line, -1 if it cannot be sent.
 */
static int
split_line(char *text, char *ret_words[static RM_WORDS_MAX])
{
	char *word, *rest = text;
	int n = 0;

	for (word = strtok_r(text, BLANKS, &rest); word != NULL;
	    word = strtok_r(NULL, BLANKS, &rest)) {
		if (n == 0 && *word == '#')
			return 0;
		if (n == RM_WORDS_MAX || rm_text_unspell(word) == -1)
			return -1;
		ret_words[n++] = word;
	}
	return n;
}

/* Runs one line of input; *ret_empty if it was none. */
static int
run_text(struct link *l, char *text, bool *ret_empty)
{
	char *words[RM_WORDS_MAX], line[RM_LINE_MAX];
	int n, rc;

	n = split_line(text, words);
	*ret_empty = n == 0;
	if (n == 0)
		return RM_CODE_OK;
	if (n == -1)
		return rmctl_fail(RM_CODE_USAGE, "a line has too many words, "
		    "or a word that has to be spelled with %%XX");
	if ((rc = spell_line(line, (size_t)n, words)) != RM_CODE_OK)
		return rc;
	return run_line(l, line);
}

/* A line that is none: what errno says of it. */
static int
bad_input(void)
{
	switch (errno) {
	case EMSGSIZE:
		return rmctl_fail(RM_CODE_USAGE, "a line is too long");
	case ENODATA:
		return rmctl_fail(RM_CODE_USAGE, "the last line has no end "
		    "and was not run");
	case EILSEQ:
		return rmctl_fail(RM_CODE_USAGE, "a line has a NUL byte");
	default:
		return rmctl_fail(RM_CODE_SYSTEM, "unable to read standard "
		    "input: %s", strerror(errno));
	}
}

static int
run_script(struct link *l)
{
	int first = RM_CODE_OK, n, rc;
	char text[INPUT_MAX];
	bool empty;

	while ((n = input_line(text)) == 1) {
		rc = run_text(l, text, &empty);
		if (rc != RM_CODE_OK && first == RM_CODE_OK)
			first = rc;
		if (rc != RM_CODE_OK && (l->over || !rmctl_opts.keep_going))
			return first;
	}
	if (n == -1 && first == RM_CODE_OK)
		first = bad_input();
	return first;
}

/*
 * Waits until there is input, and listens to the appliance meanwhile, so that
 * a person at the prompt learns at once that the session is over.
 */
static int
wait_input(struct link *l)
{
	struct pollfd pfd[2] = { { .fd = STDIN_FILENO, .events = POLLIN },
		{ .fd = rm_tls_fd(l->tls, RM_TLS_READ), .events = POLLIN } };
	struct rm_reply reply;
	int rc;

	for (;;) {
		rc = link_next(l, &reply, 0);
		if (rc != RM_CODE_OK && rc != LINK_NOTHING)
			return rc;
		if (rc == RM_CODE_OK && reply.kind == RM_REPLY_REFUSED)
			return rmctl_fail(reply.code, "%s", reply.text);
		if (rc == LINK_NOTHING && input_ready())
			return RM_CODE_OK;
		if (rc == LINK_NOTHING && poll(pfd, 2, -1) == -1 &&
		    errno != EINTR)
			return rmctl_fail(RM_CODE_SYSTEM, "unable to wait: %s",
			    strerror(errno));
	}
}

static int
run_shell(struct link *l)
{
	bool empty, person = input_is_person();
	char prompt[RM_KNOWN_HOST_MAX + 16], text[INPUT_MAX];
	int n = 1, rc = RM_CODE_OK, last = RM_CODE_OK;

	(void)snprintf(prompt, sizeof(prompt), "%s> ", l->where);
	while (n == 1 && !l->over) {
		if (person)
			(void)!write(STDERR_FILENO, prompt, strlen(prompt));
		if ((rc = wait_input(l)) != RM_CODE_OK)
			return rc;
		if ((n = input_line(text)) == 1 && strcmp(text, "exit") == 0)
			n = 0;
		if (n == 1) {
			rc = run_text(l, text, &empty);
			if (!empty)
				last = rc;
		}
	}
	if (n == -1)
		last = bad_input();
	return last;
}

static int
run_many(int argc, char *argv[], int (*many)(struct link *))
{
	int rc;

	if (argc != 1)
		return rmctl_fail(RM_CODE_USAGE, "%s takes no arguments",
		    argv[0]);
	if ((rc = need_host()) != RM_CODE_OK)
		return rc;
	rc = votes_give(&appliance, rmctl_opts.host);
	if (rc == RM_CODE_OK)
		rc = many(&appliance);
	return leave(&appliance, rc);
}

int
rmctl_shell(int argc, char *argv[])
{
	return run_many(argc, argv, run_shell);
}

int
rmctl_run(int argc, char *argv[])
{
	return run_many(argc, argv, run_script);
}
