/* SPDX-License-Identifier: ISC */
/*
 * rm-rules: list, explain and change the rules in force: who the custodians
 * are and what the owner's policy asks of them.
 * Fed by operations, a new policy on standard input.  It trusts who runs it;
 * it MUST NOT leave rules that can never be satisfied, and changes them in one
 * step, so that a kill leaves the old ones or the new ones.
 * Example: rm-rules explain set-mode
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rm_die.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_ophdr.h"
#include "rm_rules.h"

#define USAGE	"rm-rules list\n" \
		"       rm-rules explain opsdir [operation]\n" \
		"       rm-rules set opsdir\n" \
		"       rm-rules remove name [keyid]"
#define LOCK_MS	5000

static struct {
	char policy[PATH_MAX], custodians[PATH_MAX];
	struct rm_rules rules;
} my;

static void
load(void)
{
	rm_env_state_path(my.policy, sizeof(my.policy), "policy");
	rm_env_state_path(my.custodians, sizeof(my.custodians), "custodians");
	rm_rules_load(&my.rules, my.policy, my.custodians);
}

/* Below the folder of the custodians; name may be empty. */
static void
join(char ret[static PATH_MAX], const char *before, const char *name,
    const char *after)
{
	int n = snprintf(ret, PATH_MAX, "%s/%s%s%s", my.custodians, before,
	    name, after);

	if (n < 0 || n >= PATH_MAX)
		diex(RM_EXIT_USAGE, "path too long: %s", my.custodians);
}

/* The same lock as rm-enrol's; the rules are read behind it. */
static void
lock_and_load(void)
{
	char lock[PATH_MAX];

	rm_env_state_path(my.custodians, sizeof(my.custodians), "custodians");
	join(lock, ".lock", "", "");
	if (rm_lock_wait(lock, LOCK_MS) == -1)
		die(RM_EXIT_SYSTEM, "unable to lock %s", lock);
	load();
}

static void
list_custodians(void)
{
	const struct rm_custodians *list = &my.rules.custodians;
	struct rm_err err;
	size_t i;

	load();
	/* A policy in fault hides nobody. */
	if (rm_custodians_load(&my.rules.custodians, my.custodians,
	    &err) == -1)
		diex(RM_EXIT_REFUSED, "refused: %s", err.text);
	for (i = 0; i < list->n; i++)
		(void)printf("%s %s\n", list->key[i].name, list->key[i].keyid);
}

/* --- explain -------------------------------------------------------------- */

static int
open_operations(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		die(RM_EXIT_USAGE, "unable to open %s", path);
	return fd;
}

/* False if there is no such operation on offer. */
static bool
explain_one(int folder, const char *name, bool all)
{
	struct rm_ophdr hdr;
	const char *why;
	char text[160];
	int fd;

	if ((fd = rm_ophdr_open(folder, name, &hdr, &why)) == -1)
		return false;
	(void)close(fd);
	if (my.rules.fault.code == RM_CODE_OK) {
		rm_policy_explain(text, sizeof(text), &my.rules.policy, name,
		    my.rules.custodians.people);
		(void)printf("%s: %s\n", name, text);
	} else {
		(void)printf("%s: the local console\n", name);
	}
	if (all && hdr.class >= RM_OP_POWER)
		(void)printf("%s: confirm=NAME, the appliance's name\n", name);
	if (all && *hdr.payload != '\0')
		(void)printf("%s: its payload, %s%s\n", name, hdr.payload,
		    hdr.payload_optional ? ", if there is one" : "");
	return true;
}

static void
explain(const char *opsdir, const char *operation)
{
	int folder = open_operations(opsdir);
	struct dirent **entry;
	int i, n;

	load();
	if (my.rules.fault.code != RM_CODE_OK)
		(void)printf("nobody gets in remotely: %s\n",
		    my.rules.fault.text);
	if (operation != NULL) {
		if (!explain_one(folder, operation, true))
			diex(RM_EXIT_REFUSED, "refused: there is no such "
			    "operation");
		return;
	}
	if (my.rules.fault.code == RM_CODE_OK)
		(void)printf("session: %u of %zu custodians\n",
		    my.rules.policy.session, my.rules.custodians.people);
	if ((n = scandir(opsdir, &entry, NULL, alphasort)) == -1)
		die(RM_EXIT_SYSTEM, "unable to read %s", opsdir);
	for (i = 0; i < n; i++) {
		(void)explain_one(folder, entry[i]->d_name, false);
		free(entry[i]);
	}
	free(entry);
}

/* --- change --------------------------------------------------------------- */

/*
 * A rule for what does not exist is nothing bad, but perhaps a slip: the
 * operation that was meant falls to "*".
 */
static void
name_strangers(const struct rm_policy *policy, const char *opsdir)
{
	int folder = open_operations(opsdir);
	const char *name;
	size_t i;

	for (i = 0; i < policy->n; i++) {
		name = policy->rule[i].operation;
		if (strcmp(name, "*") != 0 && strcmp(name, "session") != 0 &&
		    faccessat(folder, name, F_OK, 0) == -1)
			(void)printf("note: no operation is named %s\n", name);
	}
	(void)close(folder);
}

static void
set_policy(const char *opsdir)
{
	char text[RM_POLICY_MAX];
	struct rm_policy policy;
	struct rm_err err;
	ssize_t len;

	if ((len = rm_io_read(0, text, sizeof(text))) == -1)
		die(RM_EXIT_SYSTEM, "unable to read the new policy");
	if ((size_t)len == sizeof(text))
		diex(RM_EXIT_REFUSED, "refused: a policy has fewer than %zu "
		    "bytes", sizeof(text));
	if (rm_policy_parse(&policy, text, (size_t)len, &err) == -1 ||
	    rm_policy_check_console(&policy, &err) == -1)
		diex(RM_EXIT_REFUSED, "refused: %s", err.text);
	lock_and_load();
	/* The policy that is in force may be in fault; the people may not. */
	if (rm_custodians_load(&my.rules.custodians, my.custodians,
	    &err) == -1 || rm_policy_fits(&policy,
	    my.rules.custodians.people, &err) == -1)
		diex(RM_EXIT_REFUSED, "refused: %s", err.text);
	if (rm_io_replace(my.policy, text, (size_t)len, 0600, true) == -1)
		die(RM_EXIT_SYSTEM, "unable to write %s", my.policy);
	name_strangers(&policy, opsdir);
	(void)printf("the policy is in force: a session needs %u of %zu "
	    "custodians\n", policy.session, my.rules.custodians.people);
}

/* A folder of files, which is no custodian's any more. */
static void
delete_folder(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;

	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
		(void)unlinkat(dirfd(dir), entry->d_name, 0);
	(void)closedir(dir);
	(void)rmdir(path);
}

/*
 * One key, or by one rename all that a person has; what is renamed has a name
 * that no custodian can have, and is deleted next time if not now.
 */
static void
remove_keys(const char *name, const char *keyid)
{
	char path[PATH_MAX], gone[PATH_MAX], file[128];

	join(path, "", name, "");
	join(gone, ".", name, ".gone");
	if (keyid != NULL) {
		(void)snprintf(file, sizeof(file), "/%s.pem", keyid);
		join(path, "", name, file);
		if (unlink(path) == -1)
			die(RM_EXIT_SYSTEM, "unable to remove %s", path);
	} else {
		delete_folder(gone);
		if (rename(path, gone) == -1)
			die(RM_EXIT_SYSTEM, "unable to remove %s", path);
	}
	if (rm_io_sync_folder(path) == -1)
		die(RM_EXIT_SYSTEM, "unable to sync %s", path);
	if (keyid == NULL)
		delete_folder(gone);
}

static void
remove_custodian(const char *name, const char *keyid)
{
	struct rm_custodians left;
	const struct rm_err *fault = &my.rules.fault;
	struct rm_err err;
	size_t n;

	lock_and_load();
	/* With too few of them already, every one is needed. */
	if (fault->code != RM_CODE_OK)
		diex(RM_EXIT_REFUSED, "refused: %s", fault->text);
	left = my.rules.custodians;
	if ((n = rm_rules_without(&left, name, keyid)) == 0)
		diex(RM_EXIT_REFUSED, keyid == NULL ?
		    "refused: no custodian is named %s" :
		    "refused: %s has no such key", name);
	if (rm_policy_fits(&my.rules.policy, left.people, &err) == -1)
		diex(RM_EXIT_REFUSED, "refused: %s: change the policy first, "
		    "or enrol another custodian", err.text);
	remove_keys(name, rm_custodians_has(&left, name) ? keyid : NULL);
	(void)printf("removed %zu %s of %s; %zu custodians are left\n", n,
	    n == 1 ? "key" : "keys", name, left.people);
}

int
main(int argc, char *argv[])
{
	const char *verb, *first, *second;

	rm_die_init("rm-rules");
	if (getopt(argc, argv, "+") != -1 || argc - optind < 1)
		die_usage(USAGE);
	argc -= optind;
	argv += optind;
	verb = argv[0];
	first = argc > 1 ? argv[1] : NULL;
	second = argc > 2 ? argv[2] : NULL;
	if (strcmp(verb, "list") == 0 && argc == 1)
		list_custodians();
	else if (strcmp(verb, "explain") == 0 && (argc == 2 || argc == 3))
		explain(first, second);
	else if (strcmp(verb, "set") == 0 && argc == 2)
		set_policy(first);
	else if (strcmp(verb, "remove") == 0 && (argc == 2 || argc == 3))
		remove_custodian(first, second);
	else
		die_usage(USAGE);
	rm_die_done();
}
