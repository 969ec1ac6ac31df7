/* SPDX-License-Identifier: ISC */
/*
 * Facts are files and locks below $RM_RUN and $RM_STATE (rm-toolkit(7),
 * FILES).  What stands in them came from peers in part: it is cleaned before
 * anybody sees it.
 */
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

static bool
held(const char *name)
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
static void
value_of(char *ret, size_t size, const char *text, const char *key)
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
	value_of(f->ip, sizeof(f->ip), text, "ip");
	value_of(f->manager, sizeof(f->manager), text, "manager");
	value_of(f->custodians, sizeof(f->custodians), text, "custodians");
	value_of(f->since, sizeof(f->since), text, "since");
	value_of(f->tls, sizeof(f->tls), text, "tls");
	value_of(pid, sizeof(pid), text, "pid");
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
		value_of(name, sizeof(name), text, "name");
	(void)snprintf(f->domain, sizeof(f->domain),
	    "Replication Domain: %s", name);
}

void
facts_look(struct facts *ret)
{
	char path[PATH_MAX];

	memset(ret, 0, sizeof(*ret));
	rm_env_run_path(path, sizeof(path), "console/armed");
	ret->armed = access(path, F_OK) == 0;
	ret->service = held("service.addr");
	if ((ret->session = held("session")))
		look_at_session(ret);
	rm_env_conf(ret->name, sizeof(ret->name), "name", "appliance");
	rm_env_state_path(path, sizeof(path), "appliance");
	first_line(ret->key, sizeof(ret->key), path);
	look_at_domain(ret);
	if (held("remote.addr")) {
		rm_env_run_path(path, sizeof(path), "remote.addr");
		first_line(ret->listens, sizeof(ret->listens), path);
	}
}

/* Words two and two, so that the bundle's long names fit. */
static int
describe_tls(char *ret, size_t size, const char *tls)
{
	const char *cut = strchr(tls, ' ');

	if (cut != NULL)
		cut = strchr(cut + 1, ' ');
	if (cut == NULL)
		return snprintf(ret, size, "algorithms  %s\n", tls);
	return snprintf(ret, size, "algorithms  %.*s\n            %s\n",
	    (int)(cut - tls), tls, cut + 1);
}

void
facts_describe(char *ret, size_t size, const struct facts *f)
{
	size_t half = strlen(f->key) / 2;
	int n;

	if (!f->session) {
		n = snprintf(ret, size,
		    "ready to process remote commands\n\n"
		    "appliance   %s\naddress     %s\n", f->name,
		    *f->listens != '\0' ? f->listens : "not listening yet");
		/* Whoever pins the key types what stands at its end. */
		(void)snprintf(ret + n, size - (size_t)n,
		    "key         %.*s\n            %s\n", (int)half, f->key,
		    f->key + half);
		return;
	}
	if (f->holder == 0) {
		(void)snprintf(ret, size, "a session begins or ends\n");
		return;
	}
	n = snprintf(ret, size, "active manager: %s\n\nmanager     %s\n"
	    "custodians  %s\nsince       %s\n", f->ip, f->manager,
	    f->custodians, f->since);
	(void)describe_tls(ret + n, size - (size_t)n, f->tls);
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
