/* SPDX-License-Identifier: ISC */
/*
 * The runner half: takes requests from the wire half and believes nothing.
 *
 * MUST: start an operation only when the log has taken its begin, if it is one
 *       that changes anything.
 * MUST: run one operation at a time, whoever asked: the operation lock.
 * MUST: let go of the session's lock last, when all else is done and told.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exec.h"
#include "rm_die.h"
#include "rm_env.h"
#include "rm_hash.h"
#include "rm_ophdr.h"

#define NONSENSE	"the wire half says what it must not"

char runner_bye[RM_NAME_MAX + 1] = "connection-lost";

static struct {
	int sock;
	const struct runner_opts *opts;
	char session[PATH_MAX], session_holder[PATH_MAX];
} my;

/* --- talk with the wire half --------------------------------------------- */

int
runner_say(int sock, const struct packet *p)
{
	struct pollfd one = { sock, POLLOUT, 0 };

	for (;;) {
		if (send(sock, p->text, p->len, MSG_DONTWAIT | MSG_NOSIGNAL) !=
		    -1)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -1;
		(void)poll(&one, 1, -1);
	}
}

static void
take_bye(const struct request *req, ssize_t n)
{
	if (n == (ssize_t)sizeof(*req) && req->kind == REQUEST_BYE &&
	    memchr(req->text, '\0', sizeof(runner_bye)) != NULL &&
	    rm_text_is_name(req->text))
		strcpy(runner_bye, req->text);
	else if (n > 0)
		rm_warnx(NONSENSE);
}

void
runner_hear_bye(int sock)
{
	static struct request req;

	take_bye(&req, recv(sock, &req, sizeof(req), MSG_DONTWAIT));
}

bool
runner_is_left(int sock)
{
	struct pollfd one = { sock, POLLIN, 0 };

	return poll(&one, 1, 0) != 0;
}

/* The one line that ends a command. */
static void
answer(enum rm_code code, const char *fmt, ...)
{
	char text[2 * REASON_MAX];
	struct packet p = { .len = 0 };
	va_list ap;
	size_t len = 0;

	if (code != RM_CODE_OK)
		len = (size_t)snprintf(text, sizeof(text), "%s ",
		    rm_code_word(code));
	va_start(ap, fmt);
	(void)vsnprintf(text + len, sizeof(text) - len, fmt, ap);
	va_end(ap);
	(void)packet_put(&p, code == RM_CODE_OK ? '+' : '!', text,
	    strlen(text));
	(void)runner_say(my.sock, &p);
}

/* --- one command ---------------------------------------------------------- */

/* Takes a request apart again; false if it is not what we agreed on. */
static bool
unpack(struct request *req, struct command *c)
{
	char *p = req->text, *end;

	if (req->len == 0 || req->len > sizeof(req->text))
		return false;
	end = req->text + req->len;
	for (c->n = 0; p < end && c->n < RM_WORDS_MAX; c->n++) {
		c->word[c->n] = p;
		if ((p = memchr(p, '\0', (size_t)(end - p))) == NULL ||
		    p == c->word[c->n])
			return false;
		p++;
	}
	c->word[c->n] = NULL;
	return p == end && c->n == req->n;
}

/* What it erases and keeps, say: to be read before it is confirmed. */
static void
say_notes(const char *notes)
{
	struct packet p = { .len = 0 };
	size_t len;

	for (; *notes != '\0'; notes += len + 1) {
		len = strcspn(notes, "\n");
		(void)packet_put(&p, ':', notes, len);
	}
	if (p.len > 0)
		(void)runner_say(my.sock, &p);
}

/* Finds the operation and holds the words against it; answers if they fail. */
static bool
resolve(struct command *c)
{
	char form[RM_OPHDR_USAGE];
	const char *why;
	int n;

	c->fd = rm_text_is_name(c->word[0]) ? rm_ophdr_open(
	    my.opts->folder_fd, c->word[0], &c->hdr, &why) : -1;
	if (c->fd == -1) {
		if (rm_text_is_name(c->word[0]) && faccessat(
		    my.opts->folder_fd, c->word[0], F_OK, 0) == 0)
			rm_warnx("%s is not offered: %s", c->word[0], why);
		answer(RM_CODE_USAGE, "there is no such operation: see help");
		return false;
	}
	n = rm_ophdr_check(&c->hdr, c->n - 1, c->word + 1, my.opts->name,
	    &why);
	if (n == -1 || rm_ophdr_check_payload(&c->hdr, c->payload.has ?
	    c->payload.name : NULL, &why) == -1) {
		rm_ophdr_usage(form, sizeof(form), &c->hdr, c->word[0], true);
		if (n == -1 && strncmp(why, "confirm=NAME", 12) == 0)
			say_notes(c->hdr.notes);
		answer(RM_CODE_USAGE, "%s: %s", why, form);
		(void)close(c->fd);
		return false;
	}
	c->n = (size_t)n + 1;
	c->word[c->n] = NULL;
	return true;
}

/* The operation lock; -1 and an answer if it is not to be. */
static int
take_operation(const struct command *c)
{
	int fd;

	if ((fd = lock_take(c->word[0], my.sock)) != -1)
		return fd;
	if (errno == EAGAIN) {
		answer(RM_CODE_BUSY, "another operation is under way");
		return -1;
	}
	rm_warn("unable to have the operation lock");
	answer(RM_CODE_SYSTEM, "the operation lock cannot be had");
	return -1;
}

/*
 * The policy first, by rm-auth, which becomes the operation; at the appliance
 * itself there is none.  It is executed through our descriptor, so that what
 * runs is the file that was hashed, whatever has been renamed in its place
 * meanwhile; a script that is given /dev/fd/N would need the descriptor, and
 * have one too many.
 */
static void
execute(const struct command *c, int lock, struct job_result *res)
{
	static char auth[] = "rm-auth", end[] = "--";
	char path[64], *argv[2 * RM_WORDS_MAX + 4];
	struct job job = {
		.sock = my.sock, .lock_fd = lock, .operation = c->word[0],
		.payload = &c->payload, .argv = argv,
		.limit_ms = c->hdr.limit_s * 1000,
		.progress_ms = my.opts->progress_ms
	};
	size_t i, n = 0;

	(void)snprintf(path, sizeof(path), "/proc/%ld/fd/%d", (long)getpid(),
	    c->fd);
	if (!my.opts->local) {
		argv[n++] = auth;
		for (i = 0; i < c->n; i++)
			argv[n++] = c->word[i];
		argv[n++] = end;
	}
	argv[n++] = path;
	for (i = 1; i < c->n; i++)
		argv[n++] = c->word[i];
	argv[n] = NULL;
	job_run(&job, res);
}

/*
 * Recorded before and after; the answer comes before the lock is let go.
 * False if the session is over.
 */
static bool
perform(struct command *c, int lock)
{
	struct job_result res = { JOB_CUT, RM_CODE_FAILED, "not begun" };
	uint64_t of = 0;

	if (c->payload.has && c->payload.fd == -1) {
		answer(RM_CODE_SYSTEM, "the payload cannot be kept");
		return true;
	}
	if (rm_hash_sha256_fd(c->sha256, c->fd) == -1) {
		answer(RM_CODE_SYSTEM, "the operation cannot be read");
		return true;
	}
	if (c->hdr.class != RM_OP_READ && record_begin(c, &of) == -1) {
		rm_warn("the log does not take begin of %s", c->word[0]);
		answer(RM_CODE_SYSTEM, "the log does not take the record");
		return true;
	}
	if (runner_is_left(my.sock))
		runner_hear_bye(my.sock);
	else
		execute(c, lock, &res);
	record_end(c, of, &res);
	if (res.end == JOB_CUT)
		return false;
	answer(res.code, "%s", res.reason);
	return true;
}

/* False if the session is over. */
static bool
command(struct command *c)
{
	size_t i, len = 0;
	bool goes_on = true;
	int lock;

	if (!resolve(c))
		return true;
	c->args[0] = '\0';
	for (i = 1; i < c->n; i++)
		len += (size_t)snprintf(c->args + len, sizeof(c->args) - len,
		    "%s%s", i > 1 ? " " : "", c->word[i]);
	if ((lock = take_operation(c)) != -1) {
		goes_on = perform(c, lock);
		lock_drop(lock);
	}
	(void)close(c->fd);
	return goes_on;
}

/*
 * One request of the wire half: 1 if the session goes on, 0 if it is over, -1
 * if the request is none to serve.
 */
static int
serve(struct request *req, struct command *c)
{
	int rc = -1;

	switch ((enum request_kind)req->kind) {
	case REQUEST_PAYLOAD:
		return payload_begin(&c->payload, req) == 0 ? 1 : -1;
	case REQUEST_DATA:
		return payload_add(&c->payload, req) == 0 ? 1 : -1;
	case REQUEST_RUN:
		if (c->payload.left == 0 && unpack(req, c))
			rc = command(c) ? 1 : 0;
		payload_drop(&c->payload);
		break;
	case REQUEST_BYE:
		break;
	}
	return rc;
}

/* --- the session ---------------------------------------------------------- */

/* True if the lock that we inherited is the session's, and not some other. */
static bool
holds_session(void)
{
	struct stat a, b;

	return my.opts->lock_fd != -1 && fstat(my.opts->lock_fd, &a) == 0 &&
	    stat(my.session, &b) == 0 && a.st_dev == b.st_dev &&
	    a.st_ino == b.st_ino;
}

void
runner_run(int sock, const struct runner_opts *opts)
{
	static struct request req;
	static struct command c;
	int rc = 1;
	ssize_t n;

	my.sock = sock;
	my.opts = opts;
	/* What loses its parent below comes to us, and goes with us. */
	if (prctl(PR_SET_CHILD_SUBREAPER, 1) == -1)
		die(RM_EXIT_SYSTEM, "unable to become a subreaper");
	environ_scrub(opts->folder);
	rm_env_run_path(my.session, sizeof(my.session), "session");
	rm_env_run_path(my.session_holder, sizeof(my.session_holder),
	    "session.holder");
	record_session_begin();
	do {
		n = recv(sock, &req, sizeof(req), 0);
		if (n == -1 && errno == EINTR)
			continue;
		rc = n == (ssize_t)sizeof(req) ? serve(&req, &c) : -1;
		if (rc == -1)
			take_bye(&req, n);
		explicit_bzero(&req, sizeof(req));
	} while (rc == 1);
	record_session_end(runner_bye);
	/* Whoever watches the file knows now; the lock goes with us. */
	if (holds_session())
		(void)unlink(my.session_holder);
	exit(RM_EXIT_OK);
}
