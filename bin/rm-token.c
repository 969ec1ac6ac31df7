/* SPDX-License-Identifier: ISC */
/*
 * rm-token: what a shell cannot do with the tokens of a PKCS#11 module: make
 * one, look at it, change its PIN, try it out.
 * Run by operations and the self test, in the working folder and with the
 * environment that the module wants.  It trusts the module, which runs in it;
 * PINs come as lines on standard input and from nowhere else, and are wiped
 * before anything is printed.
 * Example: rm-token /usr/local/lib/rm/rm-gate.so init bob < pins
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "rm_die.h"
#include "rm_secret.h"
#include "rm_text.h"
#include "rm_token.h"
#include "rm_undo.h"

#define USAGE		"rm-token module init label\n" \
			"       rm-token module show\n" \
			"       rm-token module pin [label]\n" \
			"       rm-token module test\n" \
			"       rm-token module version\n" \
			"       rm-token -u folder"
#define RANDOM_BYTES	16
#define SCRATCH		"rm-test"

/* The exit code: words of rm-toolkit(7) that an operation has to tell. */
static _Noreturn void
fail(const struct rm_err *err)
{
	int code = RM_EXIT_REFUSED;

	if (err->code == RM_CODE_WRONG_PIN ||
	    err->code == RM_CODE_PIN_BLOCKED ||
	    err->code == RM_CODE_USAGE || err->code == RM_CODE_SYSTEM)
		code = (int)err->code;
	rm_token_end();
	diex(code, "%s%s", code == RM_EXIT_REFUSED ? "refused: " : "",
	    err->text);
}

static struct rm_secret *
room(void)
{
	struct rm_secret *secret = rm_secret_alloc(sizeof(*secret));

	if (secret == NULL)
		die(RM_EXIT_SYSTEM, "unable to lock memory");
	return secret;
}

static struct rm_secret *
read_pin(const char *what)
{
	struct rm_secret *pin = room();
	struct rm_err err;

	if (rm_secret_from_fd(pin, STDIN_FILENO, &err) == -1) {
		rm_secret_free(pin);
		diex(RM_EXIT_USAGE, "%s: %s", what, err.text);
	}
	return pin;
}

/* Nobody knows it, and it is as long as a key. */
static struct rm_secret *
random_pin(void)
{
	struct rm_secret *pin = room();
	uint8_t *random = (uint8_t *)pin->text + RM_SECRET_MAX - RANDOM_BYTES;

	if (getrandom(random, RANDOM_BYTES, 0) != RANDOM_BYTES)
		die(RM_EXIT_SYSTEM, "no random numbers");
	rm_text_hex(pin->text, random, RANDOM_BYTES);
	pin->len = 2 * (size_t)RANDOM_BYTES;
	return pin;
}

/* The security officer's, when it was given. */
static struct rm_secret *
read_so_pin(void)
{
	struct rm_secret *pin = room();
	struct rm_err err;
	int rc = rm_secret_next(pin, STDIN_FILENO, &err);

	if (rc == 1)
		return pin;
	rm_secret_free(pin);
	if (rc == -1)
		diex(RM_EXIT_USAGE, "the security officer's PIN: %s",
		    err.text);
	return random_pin();
}

static void
begin(const char *module)
{
	struct rm_err err;

	if (rm_token_begin(module, &err) == -1)
		fail(&err);
}

static void
do_init(const char *module, const char *label)
{
	struct rm_secret *pin = read_pin("the PIN"), *so = read_so_pin();
	struct rm_err err;
	int rc;

	begin(module);
	rc = rm_token_init(label, so, pin, &err);
	rm_secret_free(so);
	rm_secret_free(pin);
	if (rc == -1)
		fail(&err);
}

static void
do_show(const char *module)
{
	struct rm_token_facts tokens[RM_TOKEN_MAX], *t;
	struct rm_err err;
	bool is_room;
	size_t n;

	begin(module);
	if (rm_token_list(tokens, &n, &is_room, &err) == -1)
		fail(&err);
	for (t = tokens; t < tokens + n; t++) {
		(void)printf("label %s\nserial %s\nobjects %" PRIu64 "\n",
		    t->label, t->serial, t->objects);
		if (t->free == RM_TOKEN_UNKNOWN)
			(void)printf("free unknown\n");
		else
			(void)printf("free %" PRIu64 "\n", t->free);
		(void)printf("pin %s\nso-pin %s\n", t->pin_locked ? "locked" :
		    t->pin_set ? "set" : "none",
		    t->so_locked ? "locked" : "set");
	}
	(void)printf("room %s\n", is_room ? "yes" : "no");
}

static void
do_pin(const char *module, const char *label)
{
	struct rm_secret *old = read_pin("the old PIN");
	struct rm_secret *new = read_pin("the new PIN");
	struct rm_err err;
	int rc;

	begin(module);
	rc = rm_token_change(label, old, new, &err);
	rm_secret_free(old);
	rm_secret_free(new);
	if (rc == -1)
		fail(&err);
}

static void
passed(const char *kind)
{
	(void)printf("%s ok\n", kind);
}

static void
do_test(const char *module)
{
	struct rm_secret *pin = random_pin(), *so = random_pin();
	struct rm_err err;
	int rc;

	begin(module);
	rc = rm_token_init(SCRATCH, so, pin, &err);
	rm_secret_free(so);
	if (rc == 0)
		rc = rm_token_try(SCRATCH, pin, passed, &err);
	rm_secret_free(pin);
	if (rc == -1)
		fail(&err);
}

static void
do_version(const char *module)
{
	char text[80];
	struct rm_err err;

	begin(module);
	if (rm_token_version(text, sizeof(text), &err) == -1)
		fail(&err);
	(void)printf("%s\n", text);
}

/* Only in a folder that nobody is at work in, such as a copy. */
static _Noreturn void
take_back(const char *folder)
{
	struct rm_undo_root root;
	size_t n;

	if (rm_undo_root(&root, folder) == -1 ||
	    rm_undo_recover(&root, &n) == -1)
		die(RM_EXIT_SYSTEM, "changes in %s that were cut cannot be "
		    "taken back", folder);
	exit(RM_EXIT_OK);
}

int
main(int argc, char *argv[])
{
	const char *label, *verb;
	int ch;

	rm_die_init("rm-token");
	ch = getopt(argc, argv, "+u:");
	if (ch == 'u' && argc == optind)
		take_back(optarg);
	if (ch != -1 || argc - optind < 2 || argc - optind > 3)
		die_usage(USAGE);
	argv += optind;
	verb = argv[1];
	label = argv[2];
	if (label != NULL && !rm_token_is_label(label))
		diex(RM_EXIT_USAGE, "bad label: 1 to %d printable characters",
		    RM_TOKEN_LABEL);
	if (rm_secret_harden() == -1)
		die(RM_EXIT_SYSTEM, "unable to protect memory");
	if (strcmp(verb, "init") == 0 && label != NULL)
		do_init(argv[0], label);
	else if (strcmp(verb, "show") == 0 && label == NULL)
		do_show(argv[0]);
	else if (strcmp(verb, "pin") == 0)
		do_pin(argv[0], label != NULL ? label : "");
	else if (strcmp(verb, "test") == 0 && label == NULL)
		do_test(argv[0]);
	else if (strcmp(verb, "version") == 0 && label == NULL)
		do_version(argv[0]);
	else
		die_usage(USAGE);
	rm_token_end();
	rm_die_done();
}
