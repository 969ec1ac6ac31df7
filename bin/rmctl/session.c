/* SPDX-License-Identifier: ISC */
/*
 * One command in a session, and its answer.  Standard output gets what
 * operations print and nothing else; what became of them is the exit code, and
 * on standard error.
 */
#include "rmctl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_num.h"

#define SILENCE_MS	30000	/* an operation shows progress every 10 s */
#define CONFIRM		"confirm="

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

/* Sends a line, and its payload in front, and takes the answer. */
static int
ask(struct link *l, const char *line, const struct payload *payload,
    bool *ret_confirm)
{
	int rc;

	*ret_confirm = false;
	if ((rc = payload_send(l, payload)) != RM_CODE_OK ||
	    (rc = link_send(l, line, strlen(line))) != RM_CODE_OK)
		return rc;
	return take_answer(l, ret_confirm);
}

/* Runs a line, which has its LF; if it is to be confirmed, again with that. */
static int
run_line(struct link *l, char line[static RM_LINE_MAX],
    const struct payload *payload)
{
	size_t len = strlen(line);
	const char *name;
	bool confirm;
	int n, rc;

	rc = ask(l, line, payload, &confirm);
	if (!confirm)
		return rc;
	if ((name = confirmation(line)) == NULL)
		return rmctl_fail(RM_CODE_USAGE, "confirm=NAME is wanted: use "
		    "--yes NAME, with the name of the appliance");
	n = snprintf(line + len - 1, RM_LINE_MAX - len + 1, " %s%s\n", CONFIRM,
	    name);
	if (n < 0 || (size_t)n > RM_LINE_MAX - len)
		return rmctl_fail(RM_CODE_USAGE, "line too long");
	rc = ask(l, line, payload, &confirm);
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

int
session_run(struct link *l, size_t n, char *const words[],
    const struct payload *payload)
{
	char line[RM_LINE_MAX];
	int rc;

	if ((rc = spell_line(line, n, words)) != RM_CODE_OK)
		return rc;
	return run_line(l, line, payload);
}

int
session_leave(struct link *l, int rc)
{
	link_end(l);
	link_close(l);
	votes_end();
	flush_output();
	return rc;
}

int
session_need_host(void)
{
	if (rmctl_opts.host != NULL)
		return RM_CODE_OK;
	return rmctl_fail(RM_CODE_USAGE, "no appliance: use -H HOST, or set "
	    "RM_HOST");
}

int
rmctl_present(int argc, char *argv[])
{
	static struct link appliance;
	int rc;

	if (argc != 1 || rmctl_opts.for_whom == NULL)
		return rmctl_fail(RM_CODE_USAGE, "%s --for NAME: who is to "
		    "command", argv[0]);
	if ((rc = session_need_host()) != RM_CODE_OK)
		return rc;
	return session_leave(&appliance, votes_keep(&appliance,
	    rmctl_opts.host));
}

int
rmctl_command(int argc, char *argv[])
{
	static struct link appliance;
	struct payload payload = { .bytes = NULL };
	const char *file = rmctl_opts.payload;
	char line[RM_LINE_MAX];
	uint32_t wait_ms;
	int rc;

	if ((rc = session_need_host()) != RM_CODE_OK ||
	    (rc = back_wanted(&argc, argv, &wait_ms)) != RM_CODE_OK ||
	    (rc = spell_line(line, (size_t)argc, argv)) != RM_CODE_OK)
		return rc;
	if (file != NULL && strcmp(file, "-") == 0 && rmctl_opts.pin_fd == 0)
		return rmctl_fail(RM_CODE_USAGE, "standard input has either "
		    "PINs or the payload");
	if (file != NULL)
		rc = payload_load(&payload, file);
	if (rc == RM_CODE_OK)
		rc = votes_give(&appliance, rmctl_opts.host);
	if (rc == RM_CODE_OK)
		rc = run_line(&appliance, line, &payload);
	payload_free(&payload);
	rc = session_leave(&appliance, rc);
	return rc == RM_CODE_OK && wait_ms != 0 ?
	    back_wait(&appliance, wait_ms) : rc;
}
