/* SPDX-License-Identifier: ISC */
/*
 * Many commands in one session: those of a person, those of a script.  They
 * come line by line, and their payloads from files that the lines name.
 */
#include "rmctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BLANKS		" \t\r"

/*
 * Takes a line of a person or a script apart: words parted by blanks, a byte
 * that cannot stand in one as %XX; a last word <FILE is its payload.  Returns
 * the number of words, 0 for a comment or a blank line, -1 if it cannot be
 * sent.
 */
static int
split_line(char *text, char *ret_words[static RM_WORDS_MAX], char **ret_file)
{
	char *word, *rest = text;
	bool is_file;
	int n = 0;

	*ret_file = NULL;
	for (word = strtok_r(text, BLANKS, &rest); word != NULL;
	    word = strtok_r(NULL, BLANKS, &rest)) {
		if (n == 0 && *word == '#')
			return 0;
		is_file = *word == '<';
		word += is_file;
		if (*ret_file != NULL || (is_file && n == 0) ||
		    n == RM_WORDS_MAX || rm_text_unspell(word) == -1)
			return -1;
		if (is_file)
			*ret_file = word;
		else
			ret_words[n++] = word;
	}
	return n;
}

/* Runs one line of input; *ret_empty if it was none. */
static int
run_text(struct link *l, char *text, bool *ret_empty)
{
	char *words[RM_WORDS_MAX], *file;
	struct payload payload = { .bytes = NULL };
	int n, rc = RM_CODE_OK;

	n = split_line(text, words, &file);
	*ret_empty = n == 0;
	if (n == 0)
		return RM_CODE_OK;
	if (n == -1)
		return rmctl_fail(RM_CODE_USAGE, "a line has too many words, "
		    "a word that has to be spelled with %%XX, or a <FILE that "
		    "is not the last word");
	if (file != NULL)
		rc = payload_load(&payload, file);
	if (rc == RM_CODE_OK)
		rc = session_run(l, (size_t)n, words, &payload);
	payload_free(&payload);
	return rc;
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
	if (n == -1) {
		rc = bad_input();
		if (first == RM_CODE_OK)
			first = rc;
	}
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
	static struct link appliance;
	int rc;

	if (argc != 1)
		return rmctl_fail(RM_CODE_USAGE, "%s takes no arguments",
		    argv[0]);
	if (rmctl_opts.payload != NULL)
		return rmctl_fail(RM_CODE_USAGE, "in the lines of %s, <FILE "
		    "behind a command is its payload", argv[0]);
	if ((rc = session_need_host()) != RM_CODE_OK)
		return rc;
	rc = votes_give(&appliance, rmctl_opts.host);
	if (rc == RM_CODE_OK)
		rc = many(&appliance);
	return session_leave(&appliance, rc);
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
