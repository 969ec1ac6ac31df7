/* SPDX-License-Identifier: ISC */
/*
 * Jails by seccomp (libseccomp), resource limits and Landlock.
 *
 * MUST: no_new_privs before the filter, so that it works without root.
 * MUST: unknown calls kill the whole process, and foreign architectures too.
 * MUST NOT: be entered by a process that forks or execs afterwards.
 */
#include "rm_sandbox.h"

#include <errno.h>
#include <linux/landlock.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#define N(a)	(sizeof(a) / sizeof((a)[0]))

static const int reader_calls[] = {
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(readv), SCMP_SYS(writev),
	SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(close),
	/* libc's allocator; mmap and mprotect are checked below */
	SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise),
	/* the end, and coming back from a handler that says the last word */
	SCMP_SYS(exit), SCMP_SYS(exit_group), SCMP_SYS(rt_sigreturn),
	SCMP_SYS(rt_sigprocmask), SCMP_SYS(restart_syscall),
	SCMP_SYS(clock_gettime),	/* deadlines, where the vDSO has none */
	SCMP_SYS(futex),		/* libc locks around malloc and exit */
	SCMP_SYS(fstat), SCMP_SYS(newfstatat),	/* stdio at its first write */
#ifdef __SANITIZE_ADDRESS__
	SCMP_SYS(sigaltstack), SCMP_SYS(getpid), SCMP_SYS(gettid),
	SCMP_SYS(sched_yield), SCMP_SYS(openat), SCMP_SYS(readlink),
	SCMP_SYS(prctl), SCMP_SYS(clone), SCMP_SYS(wait4), SCMP_SYS(lseek),
	SCMP_SYS(getrandom),
#endif
};

static const int tls_calls[] = {
	SCMP_SYS(getrandom),		/* nonces, key shares */
	SCMP_SYS(getpid),		/* OpenSSL looks for forks */
	SCMP_SYS(gettimeofday), SCMP_SYS(time),
	SCMP_SYS(shutdown),		/* half-close of the peer's socket */
	SCMP_SYS(sendto), SCMP_SYS(recvfrom),	/* on connected sockets */
	SCMP_SYS(getsockopt), SCMP_SYS(setsockopt),	/* TCP_NODELAY */
};

static int
allow(scmp_filter_ctx ctx, const int *calls, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0) != 0)
			return -1;
	return 0;
}

/* Memory may be had, but never memory that can be run. */
static int
allow_memory(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, 4, 0);

	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
	    no_exec) != 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
	    no_exec) != 0)
		return -1;
	return 0;
}

/*
 * The mark of use on an open file, never by a path; and how much of what was
 * written has not been read (FIONREAD) or acknowledged (SIOCOUTQ) yet.
 */
static int
allow_use(scmp_filter_ctx ctx)
{
	struct scmp_arg_cmp no_path = SCMP_A1(SCMP_CMP_EQ, 0);
	struct scmp_arg_cmp unread = SCMP_A1(SCMP_CMP_EQ, FIONREAD);
	struct scmp_arg_cmp unsent = SCMP_A1(SCMP_CMP_EQ, SIOCOUTQ);

	if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(utimensat), 1,
	    no_path) != 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
	    unread) != 0 ||
	    seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1,
	    unsent) != 0)
		return -1;
	return 0;
}

static int
filter(const int *more, size_t n_more, bool use)
{
	scmp_filter_ctx ctx;
	int rc = -1;

	if ((ctx = seccomp_init(SCMP_ACT_KILL_PROCESS)) == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if (allow(ctx, reader_calls, N(reader_calls)) == 0 &&
	    allow(ctx, more, n_more) == 0 && allow_memory(ctx) == 0 &&
	    (!use || allow_use(ctx) == 0) && seccomp_load(ctx) == 0)
		rc = 0;
	else
		errno = ENOSYS;
	seccomp_release(ctx);
	return rc;
}

int
rm_sandbox_no_dump(void)
{
	const struct rlimit none = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &none) == -1)
		return -1;
#ifndef __SANITIZE_ADDRESS__
	if (prctl(PR_SET_DUMPABLE, 0) == -1)
		return -1;
#endif
	return 0;
}

/* No child and no core file, whatever the filter would say. */
static int
limit(void)
{
#ifndef __SANITIZE_ADDRESS__
	const struct rlimit none = { 0, 0 };

	/*
	 * Not RLIMIT_NOFILE: 0 would make poll(2) on open descriptors fail.
	 * Not RLIMIT_FSIZE: the log may be a file.
	 */
	if (setrlimit(RLIMIT_NPROC, &none) == -1)
		return -1;
#endif
	return rm_sandbox_no_dump();
}

int
rm_sandbox_has_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0,
	    LANDLOCK_CREATE_RULESET_VERSION) >= 1;
}

/* A second wall where the kernel has it: no file system at all. */
static int
landlock(void)
{
	struct landlock_ruleset_attr all = {
		/* every right of ABI 1 */
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1
	};
	int fd, rc;

	if (!rm_sandbox_has_landlock())
		return 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (fd == -1)
		return -1;
	rc = (int)syscall(SYS_landlock_restrict_self, fd, 0);
	(void)close(fd);
	return rc;
}

static int
jail(const int *more, size_t n_more, bool use)
{
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == -1 || limit() == -1 ||
	    landlock() == -1)
		return -1;
	return filter(more, n_more, use);
}

int
rm_sandbox_reader(void)
{
	return jail(NULL, 0, false);
}

int
rm_sandbox_copier(void)
{
	return jail(NULL, 0, true);
}

int
rm_sandbox_tls(void)
{
	return jail(tls_calls, N(tls_calls), false);
}
