/* SPDX-License-Identifier: ISC */
/*
 * rm-audit: append to, show and verify the tamper-evident log.
 * The appender is run for each connection to audit.sock and is the only
 * program that writes the log; readers trust nothing in it that they have not
 * checked.  Each record carries the hash of the one before, so that a change
 * anywhere shows in all that follow.
 * Example: rm-listen -u run/audit.sock -- rm-audit append audit.log
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "rm-audit/audit.h"
#include "rm_die.h"

#define USAGE	"rm-audit append [-b bootfile] [-H headfile] [-o lockfile] "\
		"logfile\n" \
		"       rm-audit show [logfile]\n" \
		"       rm-audit unfinished [logfile]\n" \
		"       rm-audit verify [-H number:hash] [logfile]"

/* A repeated option is refused: which one did they mean? */
static void
once(const char **opt, const char *value, int ch)
{
	if (*opt != NULL)
		diex(RM_EXIT_USAGE, "-%c is given twice", ch);
	*opt = value;
}

static int
open_log(const char *path)
{
	int fd;

	if (path == NULL)
		return 0;
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		die(RM_EXIT_SYSTEM, "unable to open %s", path);
	return fd;
}

int
main(int argc, char *argv[])
{
	struct append to = { .path = NULL };
	const char *verb;
	bool append;
	int ch;

	rm_die_init("rm-audit");
	if (argc < 2)
		die_usage(USAGE);
	verb = argv[1];
	argv++;
	argc--;
	append = strcmp(verb, "append") == 0;
	while ((ch = getopt(argc, argv, "+b:H:o:")) != -1) {
		if (ch == 'b' && append)
			once(&to.boot, optarg, ch);
		else if (ch == 'o' && append)
			once(&to.lock, optarg, ch);
		else if (ch == 'H' && (append || strcmp(verb, "verify") == 0))
			once(&to.head, optarg, ch);
		else
			die_usage(USAGE);
	}
	argc -= optind;
	argv += optind;
	to.path = argv[0];
	if (append && argc == 1)
		audit_append(&to);
	else if (strcmp(verb, "show") == 0 && argc <= 1)
		audit_show(open_log(argv[0]));
	else if (strcmp(verb, "unfinished") == 0 && argc <= 1)
		audit_unfinished(open_log(argv[0]));
	else if (strcmp(verb, "verify") == 0 && argc <= 1)
		audit_verify(open_log(argv[0]), to.head);
	else
		die_usage(USAGE);
	rm_die_done();
}
