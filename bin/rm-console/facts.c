/* SPDX-License-Identifier: ISC */
/*
 * Facts are files and locks below $RM_RUN and $RM_STATE (rm-toolkit(7),
 * FILES).  What stands in them came from peers in part: it is cleaned before
 * anybody sees it.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_lock.h"
#include "rm_num.h"
#include "rm_text.h"

#define HOLDER_MAX	8192

bool
facts_held(const char *name)
{
	char path[PATH_MAX];

	rm_env_run_path(path, sizeof(path), name);
	return rm_lock_ask(path) == 1;
}

/* The first line of a file; empty if there is none. */
static void
first_line(char *ret, size_t size, const char *path)
{
	char text[256];
	ssize_t n = rm_io_load(path, text, sizeof(text));

	if (n == -1)
		n = 0;
	rm_text_clean(ret, size, (uint8_t *)text, strcspn(text, "\n") <
	    (size_t)n ? strcspn(text, "\n") : (size_t)n);
}

/* The value of the first line "key value" in text; empty if there is none. */
void
facts_value(char *ret, size_t size, const char *text, const char *key)
{
	size_t len = strlen(key);
	const char *line, *value = "";

	for (line = text; line != NULL; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (strncmp(line, key, len) == 0 && line[len] == ' ') {
			value = line + len + 1;
			break;
		}
	}
	rm_text_clean(ret, size, (const uint8_t *)value,
	    strcspn(value, "\n"));
}

static void
look_at_session(struct facts *f)
{
	char path[PATH_MAX], text[HOLDER_MAX], pid[16];
	uint32_t n;

	rm_env_run_path(path, sizeof(path), "session.holder");
	if (rm_io_load(path, text, sizeof(text)) == -1)
		return;
	facts_value(f->ip, sizeof(f->ip), text, "ip");
	facts_value(f->manager, sizeof(f->manager), text, "manager");
	facts_value(f->custodians, sizeof(f->custodians), text, "custodians");
	facts_value(f->since, sizeof(f->since), text, "since");
	facts_value(f->tls, sizeof(f->tls), text, "tls");
	facts_value(pid, sizeof(pid), text, "pid");
	if (rm_num_u32(&n, pid, 1, INT_MAX) == -1)
		return;
	/* What a dead holder left does not tell who has the lock now. */
	if (kill((pid_t)n, 0) == 0 || errno != ESRCH)
		f->holder = (pid_t)n;
}

/* The right end of the bottom line. */
static void
look_at_domain(struct facts *f)
{
	char path[PATH_MAX], text[HOLDER_MAX], name[40] = "<none>";

	rm_env_state_path(path, sizeof(path), "current/domain");
	if (rm_io_load(path, text, sizeof(text)) > 0)
		facts_value(name, sizeof(name), text, "name");
	(void)snprintf(f->domain, sizeof(f->domain),
	    "Replication Domain: %s", name);
}

/* One that is too long is shown in part: a console must not end for that. */
static void
look_at_name(struct facts *f)
{
	char name[8192];	/* as long as a line of the settings can be */

	rm_env_conf(name, sizeof(name), "name", "appliance");
	rm_text_clean(f->name, sizeof(f->name), (uint8_t *)name,
	    strlen(name));
}

/* People have a folder each; who may sign is decided elsewhere. */
static uint32_t
count_custodians(void)
{
	char path[PATH_MAX];
	struct dirent *entry;
	uint32_t n = 0;
	DIR *dir;

	rm_env_state_path(path, sizeof(path), "custodians");
	if ((dir = opendir(path)) == NULL)
		return 0;
	while ((entry = readdir(dir)) != NULL)
		n += rm_text_is_name(entry->d_name);
	(void)closedir(dir);
	return n;
}

/* Where nobody has a card it keeps nobody out. */
static void
look_at_lock(struct facts *f)
{
	char path[PATH_MAX], since[sizeof(f->boot)];

	rm_env_state_path(path, sizeof(path), "boot-count");
	first_line(f->boot, sizeof(f->boot), path);
	rm_env_state_path(path, sizeof(path), "locked");
	if (f->custodians_n == 0 || access(path, F_OK) == -1)
		return;
	f->locked = true;
	first_line(since, sizeof(since), path);
	f->lock_is_old = strcmp(since, f->boot) != 0;
}

void
facts_look(struct facts *ret)
{
	char path[PATH_MAX];

	memset(ret, 0, sizeof(*ret));
	rm_env_run_path(path, sizeof(path), "console/armed");
	ret->armed = access(path, F_OK) == 0;
	ret->service = facts_held("service.addr");
	if ((ret->session = facts_held("session")))
		look_at_session(ret);
	look_at_name(ret);
	rm_env_state_path(path, sizeof(path), "appliance");
	first_line(ret->key, sizeof(ret->key), path);
	look_at_domain(ret);
	ret->identity = *ret->key != '\0';
	rm_env_state_path(path, sizeof(path), "sealed");
	ret->sealed = access(path, F_OK) == 0;
	ret->custodians_n = count_custodians();
	look_at_lock(ret);
	if (ret->armed)
		facts_look_armed(ret);
	if (facts_held("remote.addr")) {
		rm_env_run_path(path, sizeof(path), "remote.addr");
		first_line(ret->listens, sizeof(ret->listens), path);
	}
}

int
facts_disarm(void)
{
	static char rearm[PATH_MAX], armed[PATH_MAX];
	int rc = 0, why = 0;

	/* Known beforehand: nothing is to be found out when a key is hit. */
	if (armed[0] == '\0') {
		rm_env_state_path(rearm, sizeof(rearm), "rearm");
		rm_env_run_path(armed, sizeof(armed), "console/armed");
	}
	/* In this order: what is not armed now must not be at the next boot. */
	if (unlink(rearm) == 0)
		rc = 1;
	else if (errno != ENOENT)
		why = errno;
	if (unlink(armed) == 0)
		rc = 1;
	else if (errno != ENOENT)
		why = errno;
	if (why == 0)
		return rc;
	errno = why;
	return -1;
}
