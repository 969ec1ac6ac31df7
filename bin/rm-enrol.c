/* SPDX-License-Identifier: ISC */
/*
 * rm-enrol: check a new card's signature and enrol its key under a name.
 * Fed by rmctl card enrol, whose output it reads from standard input; trusts
 * nothing in it but a signature that verifies.  Whoever may run it decides who
 * is a custodian.
 * Example: rm-enrol alice < alice.enrol
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rm_custodians.h"
#include "rm_die.h"
#include "rm_enrolment.h"
#include "rm_env.h"
#include "rm_event.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_pub.h"
#include "rm_signed.h"
#include "rm_statement.h"
#include "rm_text.h"

#define USAGE	"rm-enrol [-n] [-C folder] name"
#define LOCK_MS	5000

struct opts {
	bool no_record;
	const char *folder;
	const char *name;
};

static void
parse_args(int argc, char *argv[], struct opts *opts)
{
	static char preset[PATH_MAX];
	int ch;

	while ((ch = getopt(argc, argv, "+nC:")) != -1) {
		if (ch == 'n' && !opts->no_record)
			opts->no_record = true;
		else if (ch == 'C' && opts->folder == NULL)
			opts->folder = optarg;
		else
			die_usage(USAGE);
	}
	if (argc - optind != 1)
		die_usage(USAGE);
	opts->name = argv[optind];
	if (!rm_text_is_name(opts->name))
		diex(RM_EXIT_USAGE, "bad name %s: lower case letters, digits "
		    "and -, a letter first, at most %d", opts->name,
		    RM_NAME_MAX);
	if (opts->folder == NULL) {
		rm_env_state_path(preset, sizeof(preset), "custodians");
		opts->folder = preset;
	}
}

static void
join(char ret[static PATH_MAX], const char *folder, const char *name,
    const char *file)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s%s", folder, name, file);

	if (n < 0 || n >= PATH_MAX)
		diex(RM_EXIT_USAGE, "path too long: %s", folder);
}

/* Only what this card has signed for this appliance and this name. */
static struct rm_pub *
check(const struct rm_enrolment *en, const char *name,
    char text[static RM_STATEMENT_MAX])
{
	char path[PATH_MAX], appliance[128];
	const char *why;
	struct rm_pub *pub;

	rm_env_state_path(path, sizeof(path), "appliance");
	if (rm_io_load(path, appliance, sizeof(appliance)) == -1)
		die(RM_EXIT_USAGE, "unable to read %s", path);
	appliance[strcspn(appliance, "\n")] = '\0';
	if (strcmp(en->name, name) != 0)
		diex(RM_EXIT_REFUSED, "refused: the enrolment is for %s, "
		    "not for %s", en->name, name);
	if ((pub = rm_pub_from_pem(en->pem, en->pem_len, &why)) == NULL)
		diex(RM_EXIT_REFUSED, "refused: %s", why);
	if (strcmp(rm_pub_keyid(pub), en->keyid) != 0)
		diex(RM_EXIT_REFUSED, "refused: the enrolment names another "
		    "key than it has");
	if (strcmp(rm_pub_alg(pub), en->alg) != 0)
		diex(RM_EXIT_REFUSED, "refused: this key signs with %s, not "
		    "with %s", rm_pub_alg(pub), en->alg);
	if (rm_statement_enrol(text, appliance, name, en->keyid) == -1)
		diex(RM_EXIT_USAGE, "%s does not hold the appliance's name",
		    path);
	if (rm_pub_verify(pub, text, strlen(text), en->sig,
	    en->sig_len) == -1)
		diex(RM_EXIT_REFUSED, "refused: the signature does not verify "
		    "for %s on this appliance", name);
	return pub;
}

/* One card is one person, and there is room for 64. */
static void
check_room(const struct opts *opts, const char *keyid)
{
	struct rm_custodians list;
	struct rm_err err;
	const char *who;

	if (rm_custodians_load(&list, opts->folder, &err) == -1)
		diex(RM_EXIT_REFUSED, "refused: %s", err.text);
	who = rm_custodians_owner(&list, keyid);
	if (who != NULL && strcmp(who, opts->name) != 0)
		diex(RM_EXIT_REFUSED, "refused: this key is enrolled for %s",
		    who);
	if (who == NULL && list.n == RM_CUSTODIANS_KEYS)
		diex(RM_EXIT_REFUSED, "refused: there are %d keys already",
		    RM_CUSTODIANS_KEYS);
	if (!rm_custodians_has(&list, opts->name) &&
	    list.people == RM_CUSTODIANS_MAX)
		diex(RM_EXIT_REFUSED, "refused: there are %d custodians "
		    "already", RM_CUSTODIANS_MAX);
}

/* Before the key is written: a key without a record must not be. */
static void
record(const struct rm_enrolment *en, const struct rm_pub *pub,
    const char *text)
{
	char path[PATH_MAX];
	struct rm_event event;

	rm_env_run_path(path, sizeof(path), "audit.sock");
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return;
	rm_event_begin(&event, "enrol");
	rm_event_put(&event, "custodian", en->name);
	rm_event_put(&event, "keyid", en->keyid);
	rm_signed_put(&event, text, en->sig, en->sig_len, pub);
	if (rm_event_send(&event, path, true, NULL) == -1)
		die(RM_EXIT_SYSTEM, "the log at %s does not take the "
		    "enrolment", path);
}

/* The key's own PEM, not the one that came: nothing foreign is kept. */
static void
write_key(const struct opts *opts, const struct rm_pub *pub)
{
	char folder[PATH_MAX], path[PATH_MAX], file[128];
	char pem[RM_PUB_PEM_MAX];

	join(folder, opts->folder, opts->name, "");
	if (mkdir(folder, 0755) == -1 && errno != EEXIST)
		die(RM_EXIT_SYSTEM, "unable to make %s", folder);
	if (rm_io_sync_folder(folder) == -1)
		die(RM_EXIT_SYSTEM, "unable to sync %s", opts->folder);
	(void)snprintf(file, sizeof(file), "/%s.pem", rm_pub_keyid(pub));
	join(path, opts->folder, opts->name, file);
	rm_pub_pem(pub, pem);
	if (rm_io_replace(path, pem, strlen(pem), 0644, true) == -1)
		die(RM_EXIT_SYSTEM, "unable to write %s", path);
}

int
main(int argc, char *argv[])
{
	struct opts opts = { .name = NULL };
	struct rm_enrolment en;
	char input[RM_ENROLMENT_MAX + 1], text[RM_STATEMENT_MAX];
	char lock[PATH_MAX];
	const char *why;
	struct rm_pub *pub;
	ssize_t len;

	rm_die_init("rm-enrol");
	parse_args(argc, argv, &opts);
	if ((len = rm_io_read(0, input, sizeof(input))) == -1)
		die(RM_EXIT_SYSTEM, "unable to read the enrolment");
	if ((size_t)len == sizeof(input))
		diex(RM_EXIT_REFUSED, "refused: no enrolment: too long");
	if (rm_enrolment_parse(&en, input, (size_t)len, &why) == -1)
		diex(RM_EXIT_REFUSED, "refused: no enrolment: %s", why);
	pub = check(&en, opts.name, text);

	/* Two enrolments at once must not give one key two names. */
	join(lock, opts.folder, ".lock", "");
	if (rm_lock_wait(lock, LOCK_MS) == -1)
		die(RM_EXIT_SYSTEM, "unable to lock %s", lock);
	check_room(&opts, en.keyid);
	if (!opts.no_record)
		record(&en, pub, text);
	write_key(&opts, pub);
	(void)printf("enrolled %s %s %s\n", en.name, en.keyid, en.alg);
	rm_pub_free(pub);
	rm_die_done();
}
