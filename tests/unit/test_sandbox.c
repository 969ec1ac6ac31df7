/* SPDX-License-Identifier: ISC */
/*
 * Each jail, from inside: what it must not do is tried, and must be the end
 * of who tries; what it is for must still work.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_sandbox.h"

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static int tests, tube[2];

static void
ok(bool good, const char *jail, const char *what)
{
	printf("%sok %d - %s: %s\n", good ? "" : "not ", ++tests, jail, what);
}

/* What none of them may do, asked of the kernel itself. */
static void try_open(void) { (void)syscall(SYS_open, "/etc/passwd", 0); }
static void try_create(void) { (void)syscall(SYS_creat, "/proc/x", 0600); }
static void try_unlink(void) { (void)unlink("nothing"); }
static void try_rename(void) { (void)rename("nothing", "x"); }
static void try_chdir(void) { (void)!chdir("/"); }
static void try_socket(void) { (void)socket(AF_INET, SOCK_STREAM, 0); }
static void try_connect(void) { (void)connect(0, NULL, 0); }
static void try_accept(void) { (void)accept(0, NULL, NULL); }
static void try_fork(void) { (void)syscall(SYS_fork); }
static void try_clone3(void) { (void)syscall(SYS_clone3, NULL, 0); }
static void try_kill(void) { (void)kill(getppid(), 0); }
static void try_signal(void) { (void)syscall(SYS_tgkill, 1, 1, 0); }
static void try_ptrace(void) { (void)ptrace(PTRACE_TRACEME, 0, NULL, NULL); }
static void try_memfd(void) { (void)memfd_create("x", 0); }
static void try_dup(void) { (void)!dup(0); }
static void try_pass(void) { (void)sendmsg(0, NULL, 0); }
static void try_take(void) { (void)recvmsg(0, NULL, 0); }
static void try_setuid(void) { (void)syscall(SYS_setuid, 0); }
static void try_bpf(void) { (void)syscall(SYS_bpf, 0, NULL, 0); }
static void try_uring(void) { (void)syscall(SYS_io_uring_setup, 1, NULL); }
static void try_touch(void) { (void)utimensat(AT_FDCWD, "nothing", NULL, 0); }
static void try_type(void) { (void)ioctl(tube[0], TIOCSTI, "x"); }

static void
try_exec(void)
{
	char *argv[] = { (char []){ "true" }, NULL };

	(void)execve("/bin/true", argv, argv + 1);
}

static void
try_code(void)
{
	(void)mmap(NULL, 4096, PROT_READ | PROT_EXEC,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void
try_protect(void)
{
	static uint8_t page[8192];
	uintptr_t at = ((uintptr_t)page + 4095) & ~(uintptr_t)4095;

	(void)mprotect((void *)at, 4096, PROT_READ | PROT_EXEC);
}

static const struct {
	const char *what;
	void (*try)(void);
} forbidden[] = {
	{ "open", try_open }, { "create", try_create },
	{ "unlink", try_unlink }, { "rename", try_rename },
	{ "chdir", try_chdir }, { "socket", try_socket },
	{ "connect", try_connect }, { "accept", try_accept },
	{ "fork", try_fork }, { "clone3", try_clone3 },
	{ "exec", try_exec }, { "kill", try_kill }, { "tgkill", try_signal },
	{ "ptrace", try_ptrace }, { "memfd", try_memfd }, { "dup", try_dup },
	{ "pass a descriptor", try_pass }, { "take one", try_take },
	{ "setuid", try_setuid }, { "bpf", try_bpf },
	{ "io_uring", try_uring }, { "touch a path", try_touch },
	{ "type into a terminal", try_type }, { "memory that runs", try_code },
	{ "memory made to run", try_protect },
};

/* What all of them are for. */
static bool
work(void)
{
	struct pollfd one = { tube[0], POLLIN, 0 };
	char text[4] = "";
	void *memory;

	if (write(tube[1], "abc", 3) != 3 || poll(&one, 1, 1000) != 1 ||
	    read(tube[0], text, 3) != 3 || strcmp(text, "abc") != 0)
		return false;
	if ((memory = malloc(1 << 20)) == NULL)
		return false;
	memset(memory, 1, 1 << 20);
	free(memory);
	return true;
}

static const struct {
	const char *name;
	int (*enter)(void);
} jails[] = {
	{ "reader", rm_sandbox_reader },
	{ "copier", rm_sandbox_copier },
	{ "tls", rm_sandbox_tls },
};

/* The wait status of a child that enters the jail and then tries. */
static int
attempt(int (*enter)(void), void (*try)(void))
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	if ((pid = fork()) == 0) {
		if (enter() == -1)
			_exit(2);
		if (try == NULL)
			_exit(work() ? 0 : 1);
		try();
		_exit(3);
	}
	(void)waitpid(pid, &status, 0);
	return status;
}

static void
test_jail(size_t j)
{
	int status;
	size_t i;

	status = attempt(jails[j].enter, NULL);
	ok(WIFEXITED(status) && WEXITSTATUS(status) == 0, jails[j].name,
	    "reads, writes, polls, allocates");
#ifndef __SANITIZE_ADDRESS__	/* the sanitizer needs some of these */
	for (i = 0; i < N(forbidden); i++) {
		status = attempt(jails[j].enter, forbidden[i].try);
		ok(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS,
		    jails[j].name, forbidden[i].what);
	}
#else
	(void)i;
#endif
}

/* Outside, all of it is harmless, so that only the jail can be the reason. */
static int
no_jail(void)
{
	return 0;
}

int
main(void)
{
	int status;
	size_t i, j;

	if (pipe(tube) == -1)
		return 111;
	for (i = 0; i < N(forbidden); i++) {
		status = attempt(no_jail, forbidden[i].try);
		ok(!WIFSIGNALED(status), "outside", forbidden[i].what);
	}
	for (j = 0; j < N(jails); j++)
		test_jail(j);
	printf("1..%d\n", tests);
	return 0;
}
