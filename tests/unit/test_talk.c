/* SPDX-License-Identifier: ISC */
/*
 * Lines over a real connection: a child is the appliance, and says each thing
 * in one of the ways in which an appliance can stop.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_num.h"
#include "rm_talk.h"
#include "tap.h"

#define N(a)		(sizeof(a) / sizeof((a)[0]))
#define LIMIT_MS	20000
#define MAKE_KEY	"exec openssl req -x509 -newkey ec -pkeyopt " \
			"ec_paramgen_curve:P-256 -nodes -subj /CN=x " \
			"-keyout key -out crt 2>/dev/null"

enum stop { CLEAN, CUT, SILENT };

static struct rm_tls *
shake(int fd, bool server)
{
	const struct rm_tls_conf conf = { .server = server, .rfd = fd,
	    .wfd = fd, .alpn = "rm/1", .cert = server ? "crt" : NULL,
	    .key = server ? "key" : NULL,
	    .peer = server ? RM_TLS_PEER_NONE : RM_TLS_PEER_ANY };
	struct rm_tls *tls;
	struct rm_err err;

	if (rm_tls_new(&tls, &conf, &err) == -1 || rm_talk_handshake(tls,
	    rm_num_now_ms() + LIMIT_MS, -1, &err) == -1) {
		printf("Bail out! %s\n", err.text);
		exit(111);
	}
	return tls;
}

static _Noreturn void
be_appliance(int fd, const char *words, size_t len, enum stop stop)
{
	static struct rm_talk talk;
	int64_t deadline = rm_num_now_ms() + LIMIT_MS;

	rm_talk_init(&talk, shake(fd, true));
	if (rm_talk_send(&talk, words, len, deadline) != RM_TLS_OK ||
	    (stop == CLEAN && rm_talk_end(&talk, deadline) != RM_TLS_OK))
		_exit(1);
	if (stop == SILENT)
		(void)pause();
	_exit(0);
}

/* Takes lines until one is not RM_TLS_OK; counts them, keeps the last. */
static enum rm_tls_result
take(struct rm_talk *talk, int64_t deadline, int *ret_n,
    char last[static RM_LINE_MAX])
{
	enum rm_tls_result res;

	for (*ret_n = 0; ; (*ret_n)++) {
		res = rm_talk_line(talk, last, deadline);
		if (res != RM_TLS_OK)
			return res;
	}
}

static void
try_words(const char *what, const char *words, size_t len, enum stop stop,
    enum rm_tls_result want, int want_n, const char *want_last)
{
	static struct rm_talk talk;
	char last[RM_LINE_MAX] = "";
	enum rm_tls_result res;
	struct rm_tls *tls;
	int pair[2], n;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == -1 ||
	    (pid = fork()) == -1)
		exit(111);
	if (pid == 0) {
		(void)close(pair[0]);
		be_appliance(pair[1], words, len, stop);
	}
	(void)close(pair[1]);
	tls = shake(pair[0], false);
	rm_talk_init(&talk, tls);
	res = take(&talk, rm_num_now_ms() + (stop == SILENT ? 100 :
	    LIMIT_MS), &n, last);
	ok(res == want && n == want_n && (want_last == NULL ||
	    strcmp(last, want_last) == 0), what);
	ok(res != RM_TLS_LOST || (talk.why.code == RM_CODE_CONNECTION &&
	    talk.why.text[0] != '\0'), "says why");
	rm_tls_free(tls);
	(void)close(pair[0]);
	(void)kill(pid, SIGKILL);
	(void)waitpid(pid, NULL, 0);
}

static void
try_long_lines(void)
{
	static char words[3 * RM_LINE_MAX];

	memset(words, 'x', sizeof(words));
	words[RM_LINE_MAX - 1] = '\n';
	try_words("the longest line", words, RM_LINE_MAX, CLEAN, RM_TLS_END,
	    1, NULL);
	words[RM_LINE_MAX - 1] = 'x';
	words[RM_LINE_MAX] = '\n';
	try_words("a line that is too long", words, RM_LINE_MAX + 1, CLEAN,
	    RM_TLS_LOST, 0, NULL);
	try_words("one without an end", words + RM_LINE_MAX + 1,
	    RM_LINE_MAX + 1, SILENT, RM_TLS_LOST, 0, NULL);
}

int
main(void)
{
	static const struct {
		const char *what, *words;
		enum stop stop;
		enum rm_tls_result want;
		int n;
		const char *last;
	} table[] = {
		{ "a line and an end", "a\n", CLEAN, RM_TLS_END, 1, "a" },
		{ "several lines", "a\n\nb c\n", CLEAN, RM_TLS_END, 3,
		    "b c" },
		{ "a last line without LF", "a\nb", CLEAN, RM_TLS_END, 1,
		    "a" },
		{ "a cut", "a\n", CUT, RM_TLS_LOST, 1, "a" },
		{ "a cut in a line", "a\nb", CUT, RM_TLS_LOST, 1, "a" },
		{ "silence", "a\n", SILENT, RM_TLS_READ, 1, "a" },
		{ "silence in a line", "a\nb", SILENT, RM_TLS_READ, 1, "a" },
	};
	char dir[] = "/tmp/test_talk.XXXXXX";
	size_t i;

	(void)signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(dir) == NULL || chdir(dir) == -1 || system(MAKE_KEY) != 0)
		return 111;
	for (i = 0; i < N(table); i++)
		try_words(table[i].what, table[i].words,
		    strlen(table[i].words), table[i].stop, table[i].want,
		    table[i].n, table[i].last);
	try_words("a NUL", "a\0b\n", 4, CLEAN, RM_TLS_END, 1, "a");
	try_long_lines();
	(void)unlink("key");
	(void)unlink("crt");
	(void)rmdir(dir);
	printf("1..%d\n", tests);
	return 0;
}
