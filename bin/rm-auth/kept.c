/* SPDX-License-Identifier: ISC */
/*
 * The folder of kept votes.
 *
 * MUST: believe none for having been kept; its signature decides, over what
 *       is in force at the moment of counting.
 * MUST NOT: keep a manager's own vote, which alone makes a connection theirs.
 *
 * Files are named after who signed.  The folder is emptied with $RM_RUN at
 * boot; an arming or rules that are others void what is in it by themselves.
 */
#include "kept.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "rm_die.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_kept.h"
#include "rm_lock.h"

#define LOCK_MS	5000

static int lock_fd = -1;

static uint64_t
boot_ms(void)
{
	struct timespec ts = { 0, 0 };

	(void)clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void
path_of(char ret[static PATH_MAX], const char *who)
{
	char name[RM_NAME_MAX + 8];

	(void)snprintf(name, sizeof(name), "votes/%s", who);
	rm_env_run_path(ret, PATH_MAX, name);
}

void
kept_lock(void)
{
	char path[PATH_MAX];

	rm_env_run_path(path, sizeof(path), "votes.lock");
	if ((lock_fd = rm_lock_wait(path, LOCK_MS)) == -1)
		die(RM_EXIT_SYSTEM, "unable to lock %s", path);
}

void
kept_unlock(void)
{
	(void)close(lock_fd);
	lock_fd = -1;
}

int
kept_put(const char *who, const struct rm_vote *vote, const char *channel,
    uint32_t ms)
{
	struct rm_kept kept = { .until_ms = boot_ms() + ms, .vote = *vote };
	char path[PATH_MAX], text[RM_KEPT_MAX];
	int n;

	strcpy(kept.channel, channel);
	if ((n = rm_kept_write(text, sizeof(text), &kept)) == -1) {
		errno = EMSGSIZE;
		return -1;
	}
	path_of(path, "");
	if (mkdir(path, 0700) == -1 && errno != EEXIST)
		return -1;
	path_of(path, who);
	return rm_io_replace(path, text, (size_t)n, 0600, false);
}

/* True if it is a vote of who's that holds now; when it is over in *ret. */
static bool
holds(const char *who, struct rm_kept *ret, const struct terms *terms)
{
	char path[PATH_MAX], text[RM_KEPT_MAX], signed_text[RM_STATEMENT_MAX];
	const char *owner;
	struct rm_err err;
	struct rm_pub *pub;
	ssize_t len;

	path_of(path, who);
	len = rm_io_load_owned(path, 077, text, sizeof(text));
	if (len == -1 || rm_kept_parse(ret, text, (size_t)len) == -1) {
		rm_warnx("%s is no kept vote", path);
		return false;
	}
	if (ret->until_ms <= boot_ms())
		return false;
	pub = terms_verify(terms, ret->channel, &ret->vote, &owner,
	    signed_text, &err);
	if (pub == NULL) {
		rm_info("a kept vote of %s is void: %s", who, err.text);
		return false;
	}
	rm_pub_free(pub);
	return strcmp(owner, who) == 0 && strcmp(ret->vote.manager, who) != 0;
}

static void
consider(struct quorum *q, const struct terms *terms, const char *who,
    struct kept_sum *sum)
{
	char path[PATH_MAX];
	struct rm_kept kept;
	uint64_t left_s;

	if (!holds(who, &kept, terms)) {
		path_of(path, who);
		(void)unlink(path);
		return;
	}
	if (strcmp(kept.vote.manager, q->manager) != 0 || quorum_has(q, who) ||
	    q->n == RM_CUSTODIANS_MAX)
		return;
	quorum_add(q, who, kept.vote.manager);
	left_s = (kept.until_ms - boot_ms() + 999) / 1000;
	if (sum->n++ == 0 || left_s < sum->left_s)
		sum->left_s = left_s;
}

/* Calls each file's name that is one; a folder that is not there is empty. */
static void
each(void (*call)(const char *, void *), void *arg)
{
	char path[PATH_MAX];
	struct dirent *entry;
	DIR *dir;

	path_of(path, "");
	if ((dir = opendir(path)) == NULL) {
		if (errno != ENOENT)
			die(RM_EXIT_SYSTEM, "unable to read %s", path);
		return;
	}
	while ((entry = readdir(dir)) != NULL)
		if (rm_text_is_name(entry->d_name))
			call(entry->d_name, arg);
	(void)closedir(dir);
}

struct counting {
	struct quorum *q;
	const struct terms *terms;
	struct kept_sum *sum;
};

static void
count_one(const char *who, void *arg)
{
	struct counting *c = arg;

	consider(c->q, c->terms, who, c->sum);
}

void
kept_count(struct quorum *q, const struct terms *terms, struct kept_sum *ret)
{
	struct counting c = { q, terms, ret };

	ret->n = 0;
	ret->left_s = 0;
	each(count_one, &c);
}

static void
void_one(const char *who, void *arg)
{
	char path[PATH_MAX];

	(void)arg;
	path_of(path, who);
	if (unlink(path) == -1 && errno != ENOENT)
		die(RM_EXIT_SYSTEM, "unable to remove %s", path);
}

void
kept_void(void)
{
	each(void_one, NULL);
}
