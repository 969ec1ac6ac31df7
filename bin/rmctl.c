/* SPDX-License-Identifier: ISC */
/*
 * rmctl: the station's client.  Fed by a person or a script; what it does is
 * in bin/rmctl/.  It trusts the keys that a person has pinned and nothing else
 * that an appliance says; it never sees a PIN (lib/rm_card.h), and has no way
 * to a signature but a card.
 * Example: rmctl -H hsm-1.example status
 */
#include "rmctl/rmctl.h"

#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_version.h"
#include "rm_card.h"
#include "rm_num.h"
#include "rm_text.h"

#define VERSION		"rmctl " RM_VERSION "\n"
#define WAIT_DEFAULT_MS	60000
#define WAIT_MAX_MS	3600000
#define CALL_DEFAULT_MS	60000	/* an RSA-4096 pair is made in less */
#define SHORT_OPTIONS	"+H:hq"

static const char usage[] =
"usage: rmctl [options] -H HOST[:PORT] [--] COMMAND [ARG ...]\n"
"       rmctl [options] -H HOST[:PORT] shell | run <SCRIPT\n"
"       rmctl [options] -H HOST[:PORT] present --for NAME\n"
"       rmctl [options] trust [NAME] HOST[:PORT]\n"
"       rmctl trust --list | distrust HOST[:PORT]\n"
"       rmctl [options] -H HOST[:PORT] --user NAME p11 [--socket PATH]\n"
"       rmctl [options] -H HOST[:PORT] partition list | create USER |\n"
"             delete USER | change-pin USER\n"
"       rmctl [options] card list | public-key | enrol NAME\n";

static const char help[] = "\n"
"  -H HOST[:PORT]      the appliance, or its pinned name (else $RM_HOST)\n"
"  --as NAME           be manager (else $RM_MANAGER, the card's name)\n"
"  --for NAME          present: leave a vote, 10 minutes, for that manager\n"
"  --reader TEXT       only readers whose name has TEXT in it\n"
"  --slot SLOT         key of the card: 9a (default), 9c, 9d, 9e, 82 to 95\n"
"  --pin-file FILE, --pin-fd N  PINs, a line a card; else they are asked\n"
"  --last-try          spend a card's last PIN try if need be\n"
"  --wait SEC, --card-timeout SEC  for each card (60), for its answer (20)\n"
"  --yes NAME          the appliance's name, for what asks to confirm\n"
"  --payload FILE      what goes with the command (-: standard input)\n"
"  --fingerprint KEYID, --replace  trust: the key; in place of another one\n"
"  --appliance KEYID   card enrol: the appliance\n"
"  --user NAME, --password-file FILE, --password-fd N, --call-timeout SEC,\n"
"  --socket PATH       of the HSM service: see rmctl-p11(1)\n"
"  --keep-going        run: go on after a failure\n"
"  -q, --quiet; --progress  only output and failures; also progress\n"
"\n"
"\"rmctl -H HOST help\" asks the appliance what it can do; see rmctl(1).\n";

enum {
	OPT_AS = 256, OPT_FOR, OPT_READER, OPT_SLOT, OPT_PIN_FILE, OPT_PIN_FD,
	OPT_LAST_TRY, OPT_WAIT, OPT_CARD_TIMEOUT, OPT_YES, OPT_PAYLOAD,
	OPT_FINGERPRINT, OPT_REPLACE, OPT_LIST, OPT_APPLIANCE,
	OPT_KEEP_GOING, OPT_PROGRESS, OPT_USER, OPT_PASSWORD_FILE,
	OPT_PASSWORD_FD, OPT_CALL_TIMEOUT, OPT_SOCKET, OPT_VERSION, OPT_END
};

static const struct option options[] = {
	{ "help", no_argument, NULL, 'h' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "as", required_argument, NULL, OPT_AS },
	{ "for", required_argument, NULL, OPT_FOR },
	{ "reader", required_argument, NULL, OPT_READER },
	{ "slot", required_argument, NULL, OPT_SLOT },
	{ "pin-file", required_argument, NULL, OPT_PIN_FILE },
	{ "pin-fd", required_argument, NULL, OPT_PIN_FD },
	{ "last-try", no_argument, NULL, OPT_LAST_TRY },
	{ "wait", required_argument, NULL, OPT_WAIT },
	{ "card-timeout", required_argument, NULL, OPT_CARD_TIMEOUT },
	{ "yes", required_argument, NULL, OPT_YES },
	{ "payload", required_argument, NULL, OPT_PAYLOAD },
	{ "fingerprint", required_argument, NULL, OPT_FINGERPRINT },
	{ "replace", no_argument, NULL, OPT_REPLACE },
	{ "list", no_argument, NULL, OPT_LIST },
	{ "appliance", required_argument, NULL, OPT_APPLIANCE },
	{ "keep-going", no_argument, NULL, OPT_KEEP_GOING },
	{ "progress", no_argument, NULL, OPT_PROGRESS },
	{ "user", required_argument, NULL, OPT_USER },
	{ "password-file", required_argument, NULL, OPT_PASSWORD_FILE },
	{ "password-fd", required_argument, NULL, OPT_PASSWORD_FD },
	{ "call-timeout", required_argument, NULL, OPT_CALL_TIMEOUT },
	{ "socket", required_argument, NULL, OPT_SOCKET },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 }
};

struct rmctl_opts rmctl_opts = {
	.slot = RM_CARD_SLOT,
	.pin_fd = -1,
	.password_fd = -1,
	.wait_ms = WAIT_DEFAULT_MS,
	.answer_ms = RM_CARD_ANSWER_MS,
	.call_ms = CALL_DEFAULT_MS,
};

/* Local verbs win over remote names; "--" in front leaves them aside. */
static const struct {
	const char *verb;
	int (*run)(int argc, char *argv[]);
} verbs[] = {
	{ "card", rmctl_card },
	{ "distrust", rmctl_distrust },
	{ "p11", rmctl_p11 },
	{ "partition", rmctl_partition },
	{ "present", rmctl_present },
	{ "run", rmctl_run },
	{ "shell", rmctl_shell },
	{ "trust", rmctl_trust },
};

int
rmctl_fail(enum rm_code code, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rm_fatalx("%s: %s", rm_code_word(code), text);
	return (int)code;
}

int
rmctl_fail_err(const struct rm_err *err)
{
	return rmctl_fail(err->code, "%s", err->text);
}

void
rmctl_info(const char *fmt, ...)
{
	char text[512];
	va_list ap;

	if (rmctl_opts.quiet)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	rm_info("%s", text);
}

static _Noreturn void
bad_usage(void)
{
	(void)fputs(usage, stderr);
	exit(RM_EXIT_USAGE);
}

static _Noreturn void
print_and_exit(const char *text, const char *more)
{
	(void)fputs(text, stdout);
	(void)fputs(more, stdout);
	rm_die_done();
}

/* As for any secret: ours, and closed to everybody else. */
static int
open_pins(const char *path)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd == -1 || fstat(fd, &st) == -1)
		die(RM_EXIT_USAGE, "unable to open %s", path);
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) != 0 ||
	    (st.st_uid != 0 && st.st_uid != geteuid()))
		diex(RM_EXIT_USAGE, "%s must be a file of yours that nobody "
		    "else can read", path);
	return fd;
}

static int
inherited_fd(const char *number)
{
	uint32_t fd;

	if (rm_num_u32(&fd, number, 0, INT32_MAX) == -1 ||
	    fcntl((int)fd, F_GETFD) == -1)
		diex(RM_EXIT_USAGE, "no such descriptor: %s", number);
	return (int)fd;
}

static uint8_t
slot_of(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 16);

	if (strlen(text) != 2 || *end != '\0' ||
	    !((n >= 0x9a && n <= 0x9e && n != 0x9b) ||
	    (n >= 0x82 && n <= 0x95)))
		diex(RM_EXIT_USAGE, "bad slot: %s", text);
	return (uint8_t)n;
}

static uint32_t
seconds_of(const char *text)
{
	uint32_t ms;

	if (rm_num_ms(&ms, text, WAIT_MAX_MS) == -1)
		diex(RM_EXIT_USAGE, "bad number of seconds: %s", text);
	return ms;
}

static const char *
keyid_of(const char *text)
{
	if (!rm_text_is_hex(text, RM_HASH_HEX - 1))
		diex(RM_EXIT_USAGE, "a fingerprint has 64 lower case "
		    "hexadecimal digits: %s", text);
	return text;
}

static const char *
name_of(const char *text)
{
	if (!rm_text_is_name(text))
		diex(RM_EXIT_USAGE, "bad name: %s", text);
	return text;
}

static void
take_option(int ch)
{
	struct rmctl_opts *o = &rmctl_opts;

	switch (ch) {
	case 'H': o->host = optarg; break;
	case 'h': print_and_exit(usage, help);
	case 'q': o->quiet = true; break;
	case OPT_AS: o->as = name_of(optarg); break;
	case OPT_FOR: o->for_whom = name_of(optarg); break;
	case OPT_READER: o->reader = optarg; break;
	case OPT_SLOT: o->slot = slot_of(optarg); break;
	case OPT_PIN_FILE: o->pin_fd = open_pins(optarg); break;
	case OPT_PIN_FD: o->pin_fd = inherited_fd(optarg); break;
	case OPT_LAST_TRY: o->last_try = true; break;
	case OPT_WAIT: o->wait_ms = seconds_of(optarg); break;
	case OPT_CARD_TIMEOUT: o->answer_ms = seconds_of(optarg); break;
	case OPT_YES: o->yes = name_of(optarg); break;
	case OPT_PAYLOAD: o->payload = optarg; break;
	case OPT_FINGERPRINT: o->fingerprint = keyid_of(optarg); break;
	case OPT_REPLACE: o->replace = true; break;
	case OPT_LIST: o->list = true; break;
	case OPT_APPLIANCE: o->appliance = keyid_of(optarg); break;
	case OPT_KEEP_GOING: o->keep_going = true; break;
	case OPT_PROGRESS: o->progress = true; break;
	case OPT_USER: o->user = optarg; break;
	case OPT_PASSWORD_FILE: o->password_file = optarg; break;
	case OPT_PASSWORD_FD: o->password_fd = inherited_fd(optarg); break;
	case OPT_CALL_TIMEOUT: o->call_ms = seconds_of(optarg); break;
	case OPT_SOCKET: o->socket = optarg; break;
	case OPT_VERSION: print_and_exit(VERSION, "");
	default: bad_usage();
	}
}

/*
 * Takes the options of argv; returns the index of what is left.  In front of
 * a command they end at the first other word, for those behind it are the
 * appliance's; those of a local verb may stand anywhere behind it.
 */
static int
take_options(int argc, char *argv[], const char *letters)
{
	static bool seen[OPT_END];
	int ch;

	opterr = 0;
	optind = 0;	/* glibc: begin anew */
	while ((ch = getopt_long(argc, argv, letters, options, NULL)) != -1) {
		if (ch != '?' && seen[ch])
			diex(RM_EXIT_USAGE, "an option is given twice: %s",
			    argv[optind - 1]);
		seen[ch] = true;
		if (seen[OPT_PIN_FILE] && seen[OPT_PIN_FD])
			diex(RM_EXIT_USAGE, "--pin-file and --pin-fd are "
			    "given both");
		if (seen[OPT_PASSWORD_FILE] && seen[OPT_PASSWORD_FD])
			diex(RM_EXIT_USAGE, "--password-file and "
			    "--password-fd are given both");
		take_option(ch);
	}
	return optind;
}

static void
take_environment(void)
{
	const char *value;

	if (rmctl_opts.host == NULL && (value = getenv("RM_HOST")) != NULL &&
	    *value != '\0')
		rmctl_opts.host = value;
	if (rmctl_opts.as == NULL && (value = getenv("RM_MANAGER")) != NULL &&
	    *value != '\0')
		rmctl_opts.as = name_of(value);
}

int
main(int argc, char *argv[])
{
	bool remote;
	size_t i;
	int n;

	rm_die_init("rmctl");
	n = take_options(argc, argv, SHORT_OPTIONS);
	if (n >= argc)
		bad_usage();
	remote = n > 1 && strcmp(argv[n - 1], "--") == 0;
	argc -= n;
	argv += n;
	for (i = 0; !remote && i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strcmp(argv[0], verbs[i].verb) != 0)
			continue;
		n = take_options(argc, argv, SHORT_OPTIONS + 1);
		take_environment();
		argv[n - 1] = (char *)verbs[i].verb;
		return verbs[i].run(argc - n + 1, argv + n - 1);
	}
	take_environment();
	if (rmctl_opts.host == NULL && strcmp(argv[0], "help") == 0)
		print_and_exit(usage, help);
	return rmctl_command(argc, argv);
}
