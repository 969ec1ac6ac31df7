/* SPDX-License-Identifier: ISC */
/*
 * What the RM window shows and nobody else: who has signed so far, how long
 * the session has not been used, which operation runs, and how the last ones
 * ended.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "console.h"
#include "rm_env.h"
#include "rm_io.h"
#include "rm_record.h"
#include "rm_text.h"

#define FILE_MAX	8192
#define TAIL_MAX	32768	/* bytes of the log that are looked at */

static ssize_t
load(char *ret, size_t size, const char *name)
{
	char path[PATH_MAX];
	ssize_t n;

	rm_env_run_path(path, sizeof(path), name);
	n = rm_io_load(path, ret, size);
	if (n <= 0)
		*ret = '\0';
	return n;
}

static void
look_at_gathers(struct facts *f)
{
	char name[32], text[FILE_MAX], have[8], want[8], who[80], ip[48];
	size_t n = 0;
	int i;

	for (i = 1; i <= FACTS_GATHERS; i++) {
		(void)snprintf(name, sizeof(name), "quorum.%d", i);
		if (!facts_held(name) || load(text, sizeof(text), name) <= 0)
			continue;
		facts_value(have, sizeof(have), text, "have");
		facts_value(want, sizeof(want), text, "want");
		facts_value(who, sizeof(who), text, "custodians");
		facts_value(ip, sizeof(ip), text, "ip");
		(void)snprintf(f->gather[n++], sizeof(f->gather[0]),
		    "quorum %s of %s: %s (%s)", have, want, who, ip);
	}
}

/* rm-idle sets the file's time at every use: shown, never decided by. */
static void
look_at_idle(struct facts *f)
{
	char path[PATH_MAX];
	struct stat st;

	rm_env_run_path(path, sizeof(path), "session.holder");
	if (f->session && stat(path, &st) == 0) {
		f->idle_s = time(NULL) - st.st_mtim.tv_sec;
		if (f->idle_s < 0)
			f->idle_s = 0;
	}
	rm_env_conf(f->limit, sizeof(f->limit), "idle", "120");
}

static void
look_at_operation(struct facts *f)
{
	char text[FILE_MAX], name[RM_NAME_MAX + 1];
	size_t percent;

	if (!facts_held("operation") ||
	    load(text, sizeof(text), "operation.holder") <= 0)
		return;
	facts_value(name, sizeof(name), text, "operation");
	(void)snprintf(f->operation, sizeof(f->operation), "%s", name);
	if (load(text, sizeof(text), "operation.progress") <= 0)
		return;
	/* "41 text" */
	percent = strspn(text, "0123456789");
	(void)snprintf(f->progress, sizeof(f->progress), "%.*s %%",
	    (int)(percent < 4 ? percent : 3), text);
	rm_text_clean(f->progress + strlen(f->progress), 100,
	    (uint8_t *)text + percent, strcspn(text, "\n") - percent);
}

/* A record that tells how an operation ended; false if it does not. */
static bool
tell_record(char *ret, size_t size, const char *line, size_t len)
{
	char operation[RM_NAME_MAX + 1], result[32], manager[RM_NAME_MAX + 1];
	struct rm_record rec;
	const char *why;

	if (rm_record_parse(&rec, line, len, &why) == -1 ||
	    (strcmp(rec.name, "end") != 0 && strcmp(rec.name, "cut") != 0 &&
	    strcmp(rec.name, "read") != 0) || rm_record_value(operation,
	    sizeof(operation), &rec, "operation") == -1)
		return false;
	if (rm_record_value(result, sizeof(result), &rec, "result") == -1)
		strcpy(result, rec.name);
	if (rm_record_value(manager, sizeof(manager), &rec, "manager") == -1)
		strcpy(manager, "-");
	(void)snprintf(ret, size, "%.8s %.32s: %s%.31s%s%.32s", rec.time + 11,
	    operation, strcmp(rec.name, "cut") == 0 ? "cut " : "", result,
	    strcmp(manager, "-") == 0 ? "" : ", ",
	    strcmp(manager, "-") == 0 ? "" : manager);
	return true;
}

/* From the end of the log, as far as its last part goes. */
static void
look_at_last(struct facts *f)
{
	static char text[TAIL_MAX + 1];
	char path[PATH_MAX], *line, *end;
	struct stat st;
	ssize_t n = -1;
	size_t found = 0;
	int fd;

	rm_env_state_path(path, sizeof(path), "audit.log");
	if ((fd = open(path, O_RDONLY | O_CLOEXEC)) == -1)
		return;
	if (fstat(fd, &st) == 0)
		n = pread(fd, text, TAIL_MAX, st.st_size > TAIL_MAX ?
		    st.st_size - TAIL_MAX : 0);
	(void)close(fd);
	for (end = n > 0 ? memrchr(text, '\n', (size_t)n) : NULL;
	    end != NULL && found < FACTS_LAST; end = line) {
		line = memrchr(text, '\n', (size_t)(end - text));
		if (line == NULL)
			break;
		found += tell_record(f->last[found], sizeof(f->last[0]),
		    line + 1, (size_t)(end - line - 1));
	}
}

void
facts_look_armed(struct facts *f)
{
	look_at_gathers(f);
	look_at_idle(f);
	look_at_operation(f);
	look_at_last(f);
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

static void
describe_operations(char *ret, size_t size, const struct facts *f)
{
	size_t i;
	int n = 0;

	if (*f->operation != '\0')
		n = snprintf(ret, size, "\noperation   %s\n            %s\n",
		    f->operation, f->progress);
	for (i = 0; i < FACTS_LAST; i++)
		if (*f->last[i] != '\0')
			n += snprintf(ret + n, size - (size_t)n, "%s%s%s\n",
			    i == 0 ? "\n" : "", i == 0 ? "last        " :
			    "            ", f->last[i]);
}

void
facts_describe(char *ret, size_t size, const struct facts *f)
{
	size_t half = strlen(f->key) / 2, i;
	int n;

	if (!f->session) {
		n = snprintf(ret, size,
		    "ready to process remote commands\n\n"
		    "appliance   %s\naddress     %s\n", f->name,
		    *f->listens != '\0' ? f->listens : "not listening yet");
		/* Whoever pins the key types what stands at its end. */
		n += snprintf(ret + n, size - (size_t)n,
		    "key         %.*s\n            %s\n", (int)half, f->key,
		    f->key + half);
		for (i = 0; i < FACTS_GATHERS; i++)
			if (*f->gather[i] != '\0')
				n += snprintf(ret + n, size - (size_t)n,
				    "%s%s\n", i == 0 ? "\n" : "",
				    f->gather[i]);
		describe_operations(ret + n, size - (size_t)n, f);
		return;
	}
	if (f->holder == 0) {
		(void)snprintf(ret, size, "a session begins or ends\n");
		return;
	}
	n = snprintf(ret, size, "active manager: %s\n\nmanager     %s\n"
	    "custodians  %s\nsince       %s\n", f->ip, f->manager,
	    f->custodians, f->since);
	n += describe_tls(ret + n, size - (size_t)n, f->tls);
	n += snprintf(ret + n, size - (size_t)n,
	    "idle        %lld s of %s\n", (long long)f->idle_s, f->limit);
	describe_operations(ret + n, size - (size_t)n, f);
}
