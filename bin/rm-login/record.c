/* SPDX-License-Identifier: ISC */
/*
 * What the logs are told: refused attempts, which are counted, and that a user
 * has been blocked.
 *
 * MUST NOT: write a password, or a name that nobody has.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "login.h"
#include "rm_env.h"
#include "rm_event.h"
#include "rm_refused.h"

const char *
record_peer(void)
{
	const char *ip = getenv("TCPREMOTEIP");

	return ip != NULL && *ip != '\0' ? ip : "-";
}

/* It happens once, and is on the disk at once. */
static void
tell_blocked(const char *user)
{
	struct rm_event event;
	char path[PATH_MAX];

	rm_env_run_path(path, sizeof(path), "audit.sock");
	if (access(path, F_OK) == -1 && errno == ENOENT)
		return;
	rm_event_begin(&event, "login-blocked");
	rm_event_put(&event, "user", user);
	rm_event_put(&event, "ip", record_peer());
	if (rm_event_send(&event, path, true, NULL) == -1)
		rm_warn("the log at %s does not take login-blocked", path);
}

void
record_refused(const char *user, const char *why, bool blocks)
{
	rm_info("%s: refused: %s%s%s", record_peer(),
	    user != NULL ? user : "", user != NULL ? ": " : "", why);
	if (blocks)
		tell_blocked(user);
	rm_refused_add("login.refused", "login-failed", 1,
	    user != NULL ? user : "", record_peer());
}

void
record_admitted(const char *user)
{
	rm_info("%s: %s has logged in", record_peer(), user);
	/* What is due of those before. */
	rm_refused_add("login.refused", "login-failed", 0, "", record_peer());
}
