/* SPDX-License-Identifier: ISC */
/*
 * What the runner tells the audit log (rm-toolkit(7), AUDIT LOG): sessions,
 * and operations before and after.  Only the begin of an operation waits for
 * the disk with a decision behind it; the log is never asked for a session's
 * sake, because disarming must not wait for it.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "exec.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_event.h"
#include "rm_io.h"
#include "rm_num.h"

#define PROGRESS_MS	250

static struct rm_event event;
static struct rm_event_log session = { .fd = -1 };

static const char *
fact(const char *name)
{
	const char *value = getenv(name);

	return value != NULL && *value != '\0' ? value : "-";
}

const char *
record_manager(void)
{
	return fact("RM_AUTH_MANAGER");
}

/*
 * There is one session, so it may have a connection to the log of its own;
 * what else asks may come by the hundred.
 */
static int
send_event(bool durable, uint64_t *ret_number)
{
	char path[PATH_MAX];

	if (session.path != NULL)
		return rm_event_tell(&session, &event, durable, ret_number);
	rm_env_run_path(path, sizeof(path), "audit.sock");
	return rm_event_send(&event, path, durable, ret_number);
}

/* Whoever is logged in at the service is no custodian, whatever the name. */
static void
put_asker(void)
{
	if (getenv("RM_LOGIN_USER") != NULL)
		rm_event_put(&event, "user", fact("RM_LOGIN_USER"));
	rm_event_put(&event, "manager", record_manager());
}

/* A hash of a secret would let whoever reads the log try guesses. */
static void
put_payload(const struct command *c)
{
	if (c->payload.has)
		rm_event_put(&event, "payload", c->hdr.payload_secret ?
		    "secret" : c->payload.sha256);
}

/* Without a manager there is no session, only somebody's pipe. */
static bool
begin_session_event(const char *name)
{
	if (getenv("RM_AUTH_MANAGER") == NULL)
		return false;
	rm_event_begin(&event, name);
	rm_event_put(&event, "manager", record_manager());
	return true;
}

void
record_session_begin(void)
{
	static char path[PATH_MAX];
	char tls[512];

	if (!begin_session_event("session-begin"))
		return;
	rm_env_run_path(path, sizeof(path), "audit.sock");
	session.path = path;
	(void)snprintf(tls, sizeof(tls), "%s %s %s %s",
	    fact("RM_TLS_VERSION"), fact("RM_TLS_GROUP"),
	    fact("RM_TLS_SIGNATURE"), fact("RM_TLS_CIPHER"));
	rm_event_put(&event, "custodians", fact("RM_AUTH_CUSTODIANS"));
	rm_event_put(&event, "ip", fact("TCPREMOTEIP"));
	rm_event_put(&event, "tls", tls);
	/* The first operation need not wait until the appender has started. */
	if (rm_event_post(&session, &event) == -1)
		rm_warn("the log does not take session-begin");
}

void
record_session_end(const char *why)
{
	if (!begin_session_event("session-end"))
		return;
	rm_event_put(&event, "reason", why);
	if (send_event(false, NULL) == -1)
		rm_warn("the log does not take session-end");
}

int
record_begin(const struct command *c, uint64_t *ret_number)
{
	char generation[PATH_MAX];

	rm_event_begin(&event, "begin");
	rm_event_put(&event, "operation", c->word[0]);
	rm_event_put(&event, "args", c->args);
	rm_event_put(&event, "sha256", c->sha256);
	put_payload(c);
	put_asker();
	rm_env_generation(generation, sizeof(generation));
	rm_event_put(&event, "generation", generation);
	return send_event(true, ret_number);
}

void
record_end(const struct command *c, uint64_t of, const struct job_result *res)
{
	char text[2 * REASON_MAX], number[24];
	const char *name = of == 0 ? "read" :
	    res->end == JOB_CUT ? "cut" : "end";

	rm_event_begin(&event, name);
	if (of != 0) {
		(void)snprintf(number, sizeof(number), "%llu",
		    (unsigned long long)of);
		rm_event_put(&event, "of", number);
	}
	rm_event_put(&event, "operation", c->word[0]);
	if (of == 0) {
		rm_event_put(&event, "args", c->args);
		put_payload(c);
		put_asker();
	}
	if (res->code == RM_CODE_OK)
		(void)snprintf(text, sizeof(text), "%s", res->reason);
	else
		(void)snprintf(text, sizeof(text), "%s %s",
		    rm_code_word(res->code), res->reason);
	rm_event_put(&event, "result", text);
	if (send_event(of != 0, NULL) == -1)
		rm_warn("the log does not take %s of %s", name, c->word[0]);
}

void
record_progress(const char *text)
{
	static int64_t next;
	static bool written;
	char path[PATH_MAX];
	int64_t now = rm_num_now_ms();

	if (text != NULL ? now < next : !written)
		return;
	rm_env_run_path(path, sizeof(path), "operation.progress");
	if (text == NULL)
		(void)unlink(path);
	else if (rm_io_replace(path, text, strlen(text), 0644, false) == -1)
		rm_warn("unable to write %s", path);
	written = text != NULL;
	next = text != NULL ? now + PROGRESS_MS : 0;
}
