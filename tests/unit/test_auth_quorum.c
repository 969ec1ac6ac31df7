/* SPDX-License-Identifier: ISC */
/*
 * rm-auth with 64 custodians, for every quorum from 1 to 64: one vote less
 * is never enough, nor are as many without the manager; all together are.
 * Keys, texts and signatures are made here, with OpenSSL alone.
 */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#define N		64
#define HEX32		"00112233445566778899aabbccddeeff"
#define HEX64		HEX32 HEX32
#define CHECK(good)	do { if (!(good)) fail(#good, __LINE__); } while (0)

static struct {
	EVP_PKEY *key;
	char name[8];
	char id[65];
} who[N];
static char folder[] = "/tmp/rm-quorum.XXXXXX";
static char rules[65];
static const char *const promise[] = {
	"never without the manager", "never with one vote less",
	"always with all of them"
};
static bool broken[3];

static _Noreturn void
fail(const char *what, int line)
{
	printf("Bail out! line %d: %s\n", line, what);
	exit(1);
}

static void
check(int which, bool good, int m)
{
	if (!good)
		printf("# broken for %d of %d: %s\n", m, N, promise[which]);
	broken[which] |= !good;
}

static void
hash(char hex[65], const void *buf, size_t len)
{
	unsigned char md[32];
	int i;

	CHECK(EVP_Digest(buf, len, md, NULL, EVP_sha256(), NULL) == 1);
	for (i = 0; i < 32; i++)
		(void)snprintf(hex + 2 * i, 3, "%02x", md[i]);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	CHECK(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
}

static void
enrol(int i)
{
	unsigned char *der = NULL;
	char path[256];
	FILE *f;
	int len;

	(void)snprintf(who[i].name, sizeof(who[i].name), "c%02d", i);
	CHECK((who[i].key = EVP_PKEY_Q_keygen(NULL, NULL, "EC",
	    "P-256")) != NULL);
	CHECK((len = i2d_PUBKEY(who[i].key, &der)) > 0);
	hash(who[i].id, der, (size_t)len);
	OPENSSL_free(der);
	(void)snprintf(path, sizeof(path), "state/custodians/%s", who[i].name);
	CHECK(mkdir(path, 0755) == 0);
	(void)snprintf(path, sizeof(path), "state/custodians/%s/%s.pem",
	    who[i].name, who[i].id);
	CHECK((f = fopen(path, "w")) != NULL &&
	    PEM_write_PUBKEY(f, who[i].key) == 1 && fclose(f) == 0);
}

static void
set_quorum(int m)
{
	char text[16 + N * 80];
	size_t len;
	int i;

	len = (size_t)snprintf(text, sizeof(text), "session %d\n", m);
	write_file("state/policy", text);
	for (i = 0; i < N; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len,
		    "%s %s\n", who[i].name, who[i].id);
	hash(rules, text, len);
}

static size_t
vote(char *line, int i, int manager)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char sig[128], b64[256];
	size_t sig_len = sizeof(sig);
	char text[512];
	int len;

	len = snprintf(text, sizeof(text), "rm-session 1\nappliance " HEX64
	    "\narming " HEX32 "\nrules %s\nchannel " HEX64 "\nmanager %s\n"
	    "signer %s\n", rules, who[manager].name, who[i].id);
	CHECK(EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL,
	    who[i].key) == 1 && EVP_DigestSign(ctx, sig, &sig_len,
	    (unsigned char *)text, (size_t)len) == 1);
	EVP_MD_CTX_free(ctx);
	(void)EVP_EncodeBlock(b64, sig, (int)sig_len);
	return (size_t)sprintf(line, "present %s %s ecdsa-sha256 %s\n",
	    who[manager].name, who[i].id, b64);
}

/* In the log's place: takes everything. */
static pid_t
start_log(void)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX,
		.sun_path = "run/audit.sock" };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), c;
	char buf[16384];
	pid_t pid;

	CHECK(fd != -1 && bind(fd, (struct sockaddr *)&un,
	    sizeof(un)) == 0 && listen(fd, 8) == 0);
	CHECK((pid = fork()) != -1);
	if (pid != 0) {
		(void)close(fd);
		return pid;
	}
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		c = accept(fd, NULL, NULL);
		if (read(c, buf, sizeof(buf)) <= 0 ||
		    write(c, "+ 1 0\n", 6) != 6)
			_exit(1);
		(void)close(c);
	}
}

/* Runs rm-auth with these votes on its input; true if it ran the program. */
static bool
runs(const char *votes, size_t len)
{
	static char out[1 << 16];
	size_t got = 0;
	ssize_t n;
	int in[2], back[2], status;
	pid_t pid;

	/* Whole in the pipe, so that nobody has to wait for anybody. */
	CHECK(len <= 1 << 16 && pipe(in) == 0 && pipe(back) == 0);
	CHECK(write(in[1], votes, len) == (ssize_t)len);
	CHECK((pid = fork()) != -1);
	if (pid == 0) {
		(void)dup2(in[0], 0);
		(void)dup2(back[1], 1);
		(void)!freopen("log", "w", stderr);
		closefrom(3);
		(void)execlp("rm-auth", "rm-auth", "session", "--", "echo",
		    "in", NULL);
		_exit(127);
	}
	(void)close(in[0]);
	(void)close(in[1]);
	(void)close(back[1]);
	while ((n = read(back[0], out + got, sizeof(out) - 1 - got)) > 0)
		got += (size_t)n;
	(void)close(back[0]);
	out[got] = '\0';
	CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	CHECK(WEXITSTATUS(status) <= 1);
	CHECK((strstr(out, "\nin\n") != NULL) == (WEXITSTATUS(status) == 0));
	return WEXITSTATUS(status) == 0;
}

static void
test(int m)
{
	static char votes[N * 300];
	int i, manager = m * 7 % N;
	struct timespec a, b;
	size_t len = 0;
	bool all;

	set_quorum(m);
	/* As many as are wanted, but not the manager: for 64, all others. */
	for (i = 1; i <= m && i < N; i++)
		len += vote(votes + len, (manager + i) % N, manager);
	check(0, !runs(votes, len), m);
	/* The manager and m - 2 others, then one more: first and last too. */
	len = vote(votes, manager, manager);
	for (i = 0; i < m - 2; i++)
		len += vote(votes + len, (manager + 1 + i) % N, manager);
	check(1, m == 1 || !runs(votes, len), m);
	if (m > 1)
		len += vote(votes + len, (manager + m - 1) % N, manager);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	all = runs(votes, len);
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	check(2, all, m);
	if (m == 1 || m == N)
		printf("# %d of %d: %.1f ms\n", m, N,
		    (double)(b.tv_sec - a.tv_sec) * 1e3 +
		    (double)(b.tv_nsec - a.tv_nsec) / 1e6);
}

int
main(void)
{
	char command[64];
	int i, m;
	pid_t log;

	CHECK(mkdtemp(folder) != NULL && chdir(folder) == 0);
	CHECK(mkdir("state", 0755) == 0 && mkdir("run", 0755) == 0 &&
	    mkdir("run/console", 0755) == 0 &&
	    mkdir("state/custodians", 0755) == 0);
	write_file("state/appliance", HEX64 "\n");
	write_file("run/console/armed", HEX32 "\n");
	CHECK(setenv("RM_STATE", "state", 1) == 0 &&
	    setenv("RM_RUN", "run", 1) == 0 &&
	    setenv("RM_TLS_EXPORTER", HEX64, 1) == 0 &&
	    setenv("TCPREMOTEIP", "192.0.2.1", 1) == 0);
	for (i = 0; i < N; i++)
		enrol(i);
	(void)fflush(stdout);
	log = start_log();
	for (m = 1; m <= N; m++)
		test(m);
	(void)kill(log, SIGKILL);
	(void)waitpid(log, NULL, 0);
	for (i = 0; i < N; i++)
		EVP_PKEY_free(who[i].key);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", folder);
	CHECK(system(command) == 0);
	for (i = 0; i < 3; i++)
		printf("%sok %d - every quorum of %d custodians: %s\n",
		    broken[i] ? "not " : "", i + 1, N, promise[i]);
	printf("1..3\n");
	return 0;
}
