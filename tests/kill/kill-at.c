/* SPDX-License-Identifier: ISC */
/*
 * kill-at: run a program, and kill at its K-th step.
 * A step is a system call by which something changes, or comes to be (files,
 * processes, locks, messages), of the program or of any process below it.  At
 * that step, before the call is made, the process that makes it is killed;
 * with -a all of them are, as by a cut of the power; with -e nobody is, but a
 * command is run.  With -f only what changes a file that is there is a step.
 * With K = 0 it only counts.
 * Prints "steps N" and what was done; exits 0 if step K was reached.
 * Example: kill-at -a 17 -- rm-exec -L ops
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define USAGE	"usage: kill-at [-a | -e command] [-f] [-o file] K -- " \
			"prog [arg ...]\n"
#define OPTIONS	(PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEFORK | \
	PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | \
	PTRACE_O_EXITKILL)
#define SYSCALL_STOP	(SIGTRAP | 0x80)
#define TRACED_MAX	1024

static struct {
	bool all, files;
	const char *command, *out;
	unsigned long at;
} opts;

static unsigned long steps;
static char done[128];
static pid_t traced[TRACED_MAX];
static size_t n_traced;

/* Those with -f, then the others. */
#define FILES	11
static const long changing[] = {
	SYS_write, SYS_pwrite64, SYS_ftruncate, SYS_rename, SYS_renameat,
	SYS_renameat2, SYS_unlink, SYS_unlinkat, SYS_rmdir, SYS_link,
	SYS_linkat, SYS_fsync, SYS_fdatasync, SYS_syncfs, SYS_sync, SYS_mkdir,
	SYS_mkdirat, SYS_symlink, SYS_symlinkat, SYS_mknodat,
	SYS_chmod, SYS_fchmod, SYS_fchmodat, SYS_utimensat, SYS_fcntl,
	SYS_flock, SYS_execve, SYS_fork, SYS_vfork, SYS_clone, SYS_clone3,
	SYS_kill, SYS_exit_group, SYS_connect, SYS_sendto, SYS_sendmsg
};

static _Noreturn void
fail(const char *what)
{
	(void)fprintf(stderr, "kill-at: fatal: unable to %s: %s\n", what,
	    strerror(errno));
	exit(111);
}

static bool
is_step(const struct __ptrace_syscall_info *info)
{
	size_t i, n = opts.files ? FILES :
	    sizeof(changing) / sizeof(changing[0]);
	long nr = (long)info->entry.nr;

	if (nr == SYS_openat && !opts.files)
		return (info->entry.args[2] & (O_CREAT | O_TRUNC)) != 0;
	for (i = 0; i < n; i++)
		if (changing[i] == nr)
			return true;
	return false;
}

static void
know(pid_t pid)
{
	size_t i;

	for (i = 0; i < n_traced; i++)
		if (traced[i] == pid)
			return;
	if (n_traced < TRACED_MAX)
		traced[n_traced++] = pid;
}

static void
forget(pid_t pid)
{
	size_t i;

	for (i = 0; i < n_traced; i++)
		if (traced[i] == pid)
			traced[i] = traced[--n_traced];
}

static void
run_command(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		(void)signal(SIGTERM, SIG_DFL);
		(void)signal(SIGHUP, SIG_DFL);
		(void)execl("/bin/sh", "sh", "-c", opts.command, (char *)NULL);
		_exit(127);
	}
	if (pid == -1 || waitpid(pid, NULL, 0) == -1)
		fail("run the command");
}

/* The step has come. */
static void
strike(pid_t pid, long nr)
{
	size_t i;

	(void)snprintf(done, sizeof(done), "%s process %d at system call %ld",
	    opts.command != NULL ? "ran the command for" : opts.all ?
	    "killed all with" : "killed", (int)pid, nr);
	if (opts.command != NULL)
		run_command();
	else if (opts.all)
		for (i = 0; i < n_traced; i++)
			(void)kill(traced[i], SIGKILL);
	else
		(void)kill(pid, SIGKILL);
}

/* A traced process has stopped: lets it go on, by the signal it is to get. */
static void
stopped(pid_t pid, int status)
{
	struct __ptrace_syscall_info info;
	int sig = WSTOPSIG(status);

	know(pid);
	if (sig == SYSCALL_STOP) {
		sig = 0;
		if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof(info),
		    &info) > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY &&
		    is_step(&info) && ++steps == opts.at)
			strike(pid, (long)info.entry.nr);
	} else if (status >> 16 != 0) {
		sig = 0;		/* an event, no signal */
	}
	(void)ptrace(PTRACE_SYSCALL, pid, 0, sig);
}

static pid_t
start(char **prog)
{
	pid_t pid = fork();
	int status;

	if (pid == -1)
		fail("fork");
	if (pid == 0) {
		(void)raise(SIGSTOP);
		(void)execvp(prog[0], prog);
		fail(prog[0]);
	}
	if (waitpid(pid, &status, WUNTRACED) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SEIZE, pid, 0, OPTIONS) == -1)
		fail("trace");
	know(pid);
	(void)kill(pid, SIGCONT);
	return pid;
}

/* Until all of them have ended; the status of the first. */
static int
trace(pid_t first)
{
	int status, ret = 0;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL)) != -1 || errno == EINTR) {
		if (pid == -1)
			continue;
		if (WIFSTOPPED(status)) {
			stopped(pid, status);
			continue;
		}
		forget(pid);
		if (pid == first)
			ret = status;
	}
	return ret;
}

static void
parse_args(int argc, char *argv[])
{
	char *end;
	int ch;

	while ((ch = getopt(argc, argv, "+ae:fo:")) != -1) {
		switch (ch) {
		case 'a':
			opts.all = true;
			break;
		case 'e':
			opts.command = optarg;
			break;
		case 'f':
			opts.files = true;
			break;
		case 'o':
			opts.out = optarg;
			break;
		default:
			(void)fputs(USAGE, stderr);
			exit(100);
		}
	}
	if (argc - optind < 3 || strcmp(argv[optind + 1], "--") != 0) {
		(void)fputs(USAGE, stderr);
		exit(100);
	}
	opts.at = strtoul(argv[optind], &end, 10);
	if (*end != '\0') {
		(void)fputs(USAGE, stderr);
		exit(100);
	}
}

int
main(int argc, char *argv[])
{
	int status, ret;
	pid_t first;
	FILE *out = stderr;

	parse_args(argc, argv);
	if (opts.out != NULL && (out = fopen(opts.out, "we")) == NULL)
		fail(opts.out);
	first = start(argv + optind + 2);
	/* What ends them ends us by their end. */
	(void)signal(SIGTERM, SIG_IGN);
	(void)signal(SIGHUP, SIG_IGN);
	status = trace(first);
	(void)fprintf(out, "steps %lu\n%s\n", steps, done);
	if (fclose(out) != 0)
		fail("write");
	if (opts.command != NULL)
		ret = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	else
		ret = steps >= opts.at ? 0 : 1;
	return ret;
}
