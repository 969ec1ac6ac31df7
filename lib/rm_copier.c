/* SPDX-License-Identifier: ISC */
/*
 * Between a copier and its parent.
 *
 * The parent trusts neither what it reads nor that there will be anything to
 * read: whatever the copier does or fails to do, the parent goes on or ends in
 * bounded time.
 */
#include "rm_copier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rm_env.h"
#include "rm_io.h"
#include "rm_num.h"
#include "rm_talk.h"
#include "rm_text.h"

#define KEYID_LEN	(RM_HASH_HEX - 1)

static volatile sig_atomic_t stopped;

/* The exit code of a failure. */
static int
exit_code(const struct rm_err *err)
{
	if (err->code == RM_CODE_USAGE)
		return RM_EXIT_USAGE;
	if (err->code == RM_CODE_DENIED || err->code == RM_CODE_UNKNOWN_KEY ||
	    err->code == RM_CODE_CHANGED_KEY)
		return RM_EXIT_REFUSED;
	return RM_EXIT_SYSTEM;
}

/* The handshake, and the word to the parent.  0, or the exit code. */
static int
introduce(struct rm_tls *tls, const struct rm_tls_conf *conf, int report,
    int64_t deadline, struct rm_err *err)
{
	struct rm_tls_facts facts;
	int n = 0;

	if (rm_talk_handshake(tls, deadline, report, err) == -1) {
		/* Who was refused shall be able to read why. */
		if (conf->server)
			rm_relay_linger(conf->rfd, conf->wfd);
		return conf->server ? RM_EXIT_REFUSED : exit_code(err);
	}
	if (report == -1)
		return 0;
	rm_tls_facts(tls, &facts);
	n = rm_io_write(report, &facts, sizeof(facts));
	(void)close(report);
	if (n == -1) {
		(void)rm_err_set(err, RM_CODE_SYSTEM,
		    "nobody waits for the handshake");
		return RM_EXIT_SYSTEM;
	}
	return 0;
}

int
rm_copier_run(struct rm_tls_conf *conf, struct rm_relay_conf *relay_conf,
    int report, int64_t deadline, void (*jail)(void), struct rm_err *err)
{
	struct rm_relay *relay;
	int code;

	conf->rfd = relay_conf->rfd;
	conf->wfd = relay_conf->wfd;
	if (rm_tls_new(&relay_conf->tls, conf, err) == -1)
		return exit_code(err);
	if ((relay = rm_relay_new(relay_conf)) == NULL) {
		rm_tls_free(relay_conf->tls);
		(void)rm_err_set(err, RM_CODE_SYSTEM,
		    "unable to begin copying: %s", strerror(errno));
		return RM_EXIT_SYSTEM;
	}
	/* Everything that opens a file is done; now the foreign bytes. */
	jail();
	code = introduce(relay_conf->tls, conf, report, deadline, err);
	if (code == 0 && rm_relay_run(relay, err) != RM_RELAY_CLEAN)
		code = exit_code(err);
	rm_relay_free(relay);
	rm_tls_free(relay_conf->tls);
	return code;
}

/* A word of letters, digits, '_', '-' and '.', which ends within size. */
static bool
is_word(const char *s, size_t size)
{
	size_t i, len = strnlen(s, size);

	if (len == 0 || len == size)
		return false;
	for (i = 0; i < len; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') ||
		    (s[i] >= 'A' && s[i] <= 'Z') ||
		    (s[i] >= '0' && s[i] <= '9') ||
		    strchr("_-.", s[i]) != NULL))
			return false;
	return true;
}

static bool
is_digits(const char s[static RM_HASH_HEX])
{
	return s[KEYID_LEN] == '\0' && rm_text_is_hex(s, KEYID_LEN);
}

bool
rm_copier_is_sane(const struct rm_tls_facts *f)
{
	static const char version[] = "TLSv1.3";

	return memcmp(f->version, version, sizeof(version)) == 0 &&
	    is_word(f->group, sizeof(f->group)) &&
	    is_word(f->signature, sizeof(f->signature)) &&
	    is_word(f->cipher, sizeof(f->cipher)) &&
	    is_digits(f->exporter) &&
	    (f->peer[0] == '\0' || is_digits(f->peer));
}

/* Ends the copier if it has not ended; returns its status. */
static int
reap(pid_t pid)
{
	int status;

	(void)kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) == -1)
		if (errno != EINTR)
			return 0;
	return status;
}

/* The copier ended without a word for us: 1, 100 or 111, with err. */
static int
explain(int status, struct rm_err *err)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (code == RM_EXIT_REFUSED || code == RM_EXIT_USAGE ||
	    code == RM_EXIT_SYSTEM)
		return code;
	if (WIFSIGNALED(status))
		(void)rm_err_set(err, RM_CODE_SYSTEM,
		    "the copier was killed by SIG%s",
		    sigabbrev_np(WTERMSIG(status)));
	else
		(void)rm_err_set(err, RM_CODE_SYSTEM,
		    "the copier ended without a word");
	return RM_EXIT_SYSTEM;
}

static void
note_stop(int sig)
{
	(void)sig;
	stopped = 1;
}

/* Until there is something to read: 0, or the exit code with err. */
static int
wait_facts(int fd, int64_t deadline, const sigset_t *mask,
    struct rm_err *err)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	struct timespec ts;
	int64_t left;
	int n;

	do {
		left = deadline - rm_num_now_ms();
		if (left < 0)
			left = 0;
		ts.tv_sec = left / 1000;
		ts.tv_nsec = left % 1000 * 1000000;
		n = ppoll(&pfd, 1, &ts, mask);
	} while (n == -1 && errno == EINTR && !stopped);
	if (n > 0)
		return 0;
	(void)rm_err_set(err, RM_CODE_CONNECTION, n == 0 ?
	    "no handshake in time" : "ended while waiting for the handshake");
	return RM_EXIT_REFUSED;
}

/*
 * One message, which a pipe keeps whole: 0 and *ret; -1 if there is none; or
 * the exit code.
 */
static int
read_facts(int fd, struct rm_tls_facts *ret, struct rm_err *err)
{
	struct rm_tls_facts facts;
	ssize_t n = read(fd, &facts, sizeof(facts));

	if (n == 0)
		return -1;
	if (n != sizeof(facts) || !rm_copier_is_sane(&facts)) {
		(void)rm_err_set(err, RM_CODE_SYSTEM,
		    "the copier reported nonsense");
		return RM_EXIT_SYSTEM;
	}
	*ret = facts;
	return 0;
}

int
rm_copier_await(int fd, pid_t pid, int64_t deadline, struct rm_tls_facts *ret,
    struct rm_err *err)
{
	const struct sigaction note = { .sa_handler = note_stop };
	struct sigaction old_term, old_hup;
	sigset_t both, old, open;
	int code, status;

	err->text[0] = '\0';
	(void)sigemptyset(&both);
	(void)sigaddset(&both, SIGTERM);
	(void)sigaddset(&both, SIGHUP);
	(void)sigprocmask(SIG_BLOCK, &both, &old);
	open = old;
	(void)sigdelset(&open, SIGTERM);
	(void)sigdelset(&open, SIGHUP);
	(void)sigaction(SIGTERM, &note, &old_term);
	(void)sigaction(SIGHUP, &note, &old_hup);

	code = wait_facts(fd, deadline, &open, err);
	if (code == 0)
		code = read_facts(fd, ret, err);
	if (code != 0) {
		status = reap(pid);
		if (code == -1)
			code = explain(status, err);
	}

	/* What comes from here on is for the program, or ends us. */
	(void)sigaction(SIGTERM, &old_term, NULL);
	(void)sigaction(SIGHUP, &old_hup, NULL);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	return code;
}

void
rm_copier_become(int report, pid_t pid, int64_t deadline,
    struct rm_pipes *pipes, char *prog[])
{
	struct rm_tls_facts facts;
	struct rm_err err;
	int code;

	code = rm_copier_await(report, pid, deadline, &facts, &err);
	if (code != 0 && err.text[0] != '\0')
		diex(code, "%s", err.text);
	if (code != 0)
		exit(code);
	(void)close(report);
	rm_env_set_tls(&facts);
	rm_chain_take_program(pipes);
	rm_chain_exec(prog);
}
