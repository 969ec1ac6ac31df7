/* SPDX-License-Identifier: ISC */
/*
 * What a copier says is a stranger's word: each of these must be told from
 * facts, and each way in which a copier may go must end the waiting.
 */
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_copier.h"
#include "rm_num.h"

#define DIGITS	"0123456789abcdef0123456789abcdef" \
		"0123456789abcdef0123456789abcdef"
#define N(a)	(sizeof(a) / sizeof((a)[0]))
#define FIELD(f)	offsetof(struct rm_tls_facts, f), \
			sizeof(((struct rm_tls_facts *)0)->f)

static const struct rm_tls_facts good = { .version = "TLSv1.3",
    .group = "X25519", .signature = "ecdsa_secp256r1_sha256",
    .cipher = "TLS_AES_256_GCM_SHA384", .exporter = DIGITS,
    .peer = DIGITS };

static int tests;

static void
ok(bool is_good, const char *what)
{
	printf("%sok %d - %s\n", is_good ? "" : "not ", ++tests, what);
}

static void
test_sanity(void)
{
	static const struct {
		const char *what;
		size_t at, size;
		const char *text;	/* NULL: filled without an end */
	} table[] = {
		{ "another version", FIELD(version), "TLSv1.2" },
		{ "a longer version", FIELD(version), "TLSv1.33" },
		{ "no version", FIELD(version), "" },
		{ "a group that does not end", FIELD(group), NULL },
		{ "no group", FIELD(group), "" },
		{ "a space", FIELD(group), "a b" },
		{ "a new line", FIELD(signature), "a\nb" },
		{ "a byte that is no ASCII", FIELD(cipher), "a\x80" },
		{ "a cipher that does not end", FIELD(cipher), NULL },
		{ "a signature that does not end", FIELD(signature), NULL },
		{ "no exporter", FIELD(exporter), "" },
		{ "a short exporter", FIELD(exporter), "abc" },
		{ "an exporter that does not end", FIELD(exporter), NULL },
		{ "a short peer", FIELD(peer), "abc" },
		{ "a peer that does not end", FIELD(peer), NULL },
	};
	struct rm_tls_facts facts;
	size_t i;

	ok(rm_copier_is_sane(&good), "facts");
	facts = good;
	memset(facts.peer, 0, sizeof(facts.peer));
	ok(rm_copier_is_sane(&facts), "facts without a peer's key");
	facts = good;
	facts.exporter[3] = 'A';
	ok(!rm_copier_is_sane(&facts), "upper case");
	for (i = 0; i < N(table); i++) {
		facts = good;
		memset((char *)&facts + table[i].at,
		    table[i].text != NULL ? 0 : 'a', table[i].size);
		if (table[i].text != NULL)
			memcpy((char *)&facts + table[i].at, table[i].text,
			    strlen(table[i].text));
		ok(!rm_copier_is_sane(&facts), table[i].what);
	}
}

/* How a copier may behave; fd is where its report should go. */
static void
does_report(int fd)
{
	(void)!write(fd, &good, sizeof(good));
	(void)pause();
}

static void
does_lie(int fd)
{
	struct rm_tls_facts facts = good;

	facts.group[0] = '\n';
	(void)!write(fd, &facts, sizeof(facts));
	(void)pause();
}

static void
does_stutter(int fd)
{
	(void)!write(fd, &good, 1);
	(void)pause();
}

static void
does_hang(int fd)
{
	(void)fd;
	(void)pause();
}

static void
does_hide(int fd)
{
	(void)close(fd);
	(void)pause();
}

static void
does_refuse(int fd)
{
	(void)fd;
	_exit(1);
}

static void
does_crash(int fd)
{
	(void)fd;
	(void)raise(SIGSYS);
}

static void
does_leave(int fd)
{
	(void)fd;
	_exit(0);
}

static void
test_waiting(void)
{
	static const struct {
		const char *what;
		void (*copier)(int);
		int code;
		const char *text;
	} table[] = {
		{ "a report", does_report, 0, "" },
		{ "a lie", does_lie, 111, "the copier reported nonsense" },
		{ "half a report", does_stutter, 111,
		    "the copier reported nonsense" },
		{ "nothing", does_hang, 1, "no handshake in time" },
		{ "a closed pipe", does_hide, 111,
		    "the copier was killed by SIGKILL" },
		{ "a refusal", does_refuse, 1, "" },
		{ "a crash", does_crash, 111,
		    "the copier was killed by SIGSYS" },
		{ "an end", does_leave, 111,
		    "the copier ended without a word" },
	};
	struct rm_tls_facts facts;
	struct rm_err err;
	int tube[2], code;
	size_t i;
	pid_t pid;

	for (i = 0; i < N(table); i++) {
		if (pipe(tube) == -1 || (pid = fork()) == -1)
			exit(111);
		if (pid == 0) {
			(void)close(tube[0]);
			table[i].copier(tube[1]);
			_exit(111);
		}
		(void)close(tube[1]);
		code = rm_copier_await(tube[0], pid, rm_num_now_ms() +
		    (table[i].copier == does_hang ? 100 : 20000), &facts,
		    &err);
		ok(code == table[i].code &&
		    strcmp(err.text, table[i].text) == 0, table[i].what);
		/* A copier that gave no facts is gone, and was waited for. */
		ok((kill(pid, SIGKILL) == 0) == (code == 0), "who is left");
		if (code == 0)
			(void)waitpid(pid, NULL, 0);
		(void)close(tube[0]);
	}
}

int
main(void)
{
	test_sanity();
	test_waiting();
	printf("1..%d\n", tests);
	return 0;
}
