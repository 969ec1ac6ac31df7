/* SPDX-License-Identifier: ISC */
/*
 * What is in force, from the files of the appliance, and whether a vote is
 * over exactly that.  The text is written here, never taken from the peer.
 */
#include "terms.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "rm_die.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_signed.h"
#include "rm_text.h"

#define NO_RECORD	"0:00000000000000000000000000000000" \
			"00000000000000000000000000000000"

/* A file of one line of so many digits. */
static int
load_id(const char *path, char *ret, size_t digits)
{
	char text[128];

	if (rm_io_load(path, text, sizeof(text)) == -1) {
		rm_warn("unable to read %s", path);
		return -1;
	}
	text[strcspn(text, "\n")] = '\0';
	if (!rm_text_is_hex(text, digits)) {
		rm_warnx("%s does not hold %zu digits", path, digits);
		return -1;
	}
	strcpy(ret, text);
	return 0;
}

void
terms_load_rules(struct rm_rules *ret)
{
	char policy[PATH_MAX], custodians[PATH_MAX];

	rm_env_state_path(policy, sizeof(policy), "policy");
	rm_env_state_path(custodians, sizeof(custodians), "custodians");
	rm_rules_load(ret, policy, custodians);
}

int
terms_load(struct terms *ret)
{
	char path[PATH_MAX];

	rm_env_state_path(path, sizeof(path), "appliance");
	if (load_id(path, ret->appliance, sizeof(ret->appliance) - 1) == -1)
		return rm_err_set(&ret->rules.fault, RM_CODE_SYSTEM,
		    "the appliance does not know its own name");
	rm_env_run_path(path, sizeof(path), "console/armed");
	if (load_id(path, ret->arming, sizeof(ret->arming) - 1) == -1)
		return rm_err_set(&ret->rules.fault, RM_CODE_NOT_ARMED,
		    "remote management is not switched on");
	terms_load_rules(&ret->rules);
	return 0;
}

bool
terms_hold(const struct terms *terms)
{
	struct terms now;

	return terms_load(&now) == 0 &&
	    strcmp(now.rules.hash, terms->rules.hash) == 0 &&
	    strcmp(now.arming, terms->arming) == 0;
}

void
terms_load_head(char ret[static TERMS_HEAD_MAX])
{
	char path[PATH_MAX], text[128], *hash;
	uint64_t n;

	rm_env_run_path(path, sizeof(path), "audit.head");
	if (rm_io_load(path, text, sizeof(text)) == -1) {
		if (errno != ENOENT)
			die(RM_EXIT_SYSTEM, "unable to read %s", path);
		strcpy(ret, NO_RECORD);
		return;
	}
	text[strcspn(text, "\n")] = '\0';
	if ((hash = strchr(text, ' ')) != NULL)
		*hash++ = '\0';
	if (hash == NULL || !rm_text_is_hex(hash, RM_HASH_HEX - 1) ||
	    rm_num_u64(&n, text, 0, UINT64_MAX) == -1)
		diex(RM_EXIT_SYSTEM, "%s is not a number and a hash", path);
	(void)snprintf(ret, TERMS_HEAD_MAX, "%llu:%s", (unsigned long long)n,
	    hash);
}

static struct rm_pub *
load_key(const char *who, const char *keyid)
{
	char folder[PATH_MAX];
	struct rm_pub *pub;
	const char *why;

	rm_env_state_path(folder, sizeof(folder), "custodians");
	if ((pub = rm_signed_key(folder, who, keyid, &why)) == NULL)
		rm_warnx("unable to use %s/%s/%s.pem: %s", folder, who, keyid,
		    why);
	return pub;
}

void
terms_warm_up(const struct terms *terms)
{
	const struct rm_custodian *first = terms->rules.custodians.key;

	if (terms->rules.custodians.n > 0)
		rm_pub_free(load_key(first->name, first->keyid));
}

static int
check_signature(const struct terms *terms, const char *channel,
    const struct rm_vote *vote, const struct rm_pub *pub,
    char text[static RM_STATEMENT_MAX], struct rm_err *err)
{
	const struct rm_statement st = { .appliance = terms->appliance,
		.arming = terms->arming, .rules = terms->rules.hash,
		.channel = channel, .manager = vote->manager,
		.signer = vote->keyid };

	if (rm_statement_session(text, &st) == -1)
		return rm_err_set(err, RM_CODE_SYSTEM, "no text to be signed");
	return rm_signed_check(vote, pub, text, "this appliance, arming, "
	    "policy, connection and manager", err);
}

struct rm_pub *
terms_verify(const struct terms *terms, const char *channel,
    const struct rm_vote *vote, const char **ret_who,
    char ret_text[static RM_STATEMENT_MAX], struct rm_err *err)
{
	const char *who;
	struct rm_pub *pub;

	who = rm_custodians_owner(&terms->rules.custodians, vote->keyid);
	if (who == NULL) {
		(void)rm_err_set(err, RM_CODE_NOT_ENROLLED, "no custodian has "
		    "the key %s", vote->keyid);
		return NULL;
	}
	if (!rm_custodians_has(&terms->rules.custodians, vote->manager)) {
		(void)rm_err_set(err, RM_CODE_NOT_ENROLLED, "no custodian is "
		    "named %s", vote->manager);
		return NULL;
	}
	if ((pub = load_key(who, vote->keyid)) == NULL) {
		(void)rm_err_set(err, RM_CODE_SYSTEM, "the enrolled key of %s "
		    "cannot be used", who);
		return NULL;
	}
	if (check_signature(terms, channel, vote, pub, ret_text, err) == -1) {
		rm_pub_free(pub);
		return NULL;
	}
	*ret_who = who;
	return pub;
}
