/* SPDX-License-Identifier: ISC */
/*
 * Programs that the console runs: rm-supervise, and operations through
 * rm-exec.  It never waits for one: a task's output is an event, its end is
 * the end of that output, and who is left to himself is reaped by watch.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "console.h"
#include "rm_chain.h"
#include "rm_io.h"

/* Standard error is the log, but never the screen. */
static void
leave_terminal(int out, bool errors)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (out == -1)
		out = null;
	if (null == -1 || dup2(out, 1) == -1)
		die(RM_EXIT_SYSTEM, "unable to redirect a task");
	if (errors)
		(void)dup2(out, 2);
	else if (isatty(2) == 1)
		(void)dup2(null, 2);
}

_Noreturn void
task_become(const char *const argv[], int in, int out, bool errors)
{
	sigset_t none;

	if (dup2(in, 0) == -1)
		die(RM_EXIT_SYSTEM, "unable to redirect a task");
	leave_terminal(out, errors);
	closefrom(3);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	rm_chain_exec((char **)argv);
}

void
task_start(struct task *t, const char *const argv[], const char *input,
    size_t len, bool errors)
{
	int in[2], out[2] = { -1, -1 };

	/* What is to be said fits in a pipe, which no disk ever sees. */
	if (pipe2(in, O_CLOEXEC) == -1 || (t != NULL &&
	    pipe2(out, O_CLOEXEC) == -1))
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	(void)fcntl(in[1], F_SETPIPE_SZ, TASK_INPUT);
	(void)fcntl(in[1], F_SETFL, O_NONBLOCK);
	if (len > 0 && rm_io_write(in[1], input, len) == -1)
		die(RM_EXIT_SYSTEM, "unable to write to a pipe");
	switch (fork()) {
	case -1:
		rm_warn("unable to start %s", argv[0]);
		break;
	case 0:
		task_become(argv, in[0], out[1], errors);
	}
	(void)close(in[0]);
	(void)close(in[1]);
	if (t == NULL)
		return;
	(void)close(out[1]);
	(void)fcntl(out[0], F_SETFL, O_NONBLOCK);
	task_forget(t);
	t->fd = out[0];
	t->len = 0;
	t->text[0] = '\0';
	watch_task(t->fd);
}

bool
task_read(struct task *t)
{
	const size_t room = sizeof(t->text) - 1;
	ssize_t n;

	if (t->fd == -1)
		return false;
	for (;;) {
		if (t->len == room) {
			t->len /= 2;
			memmove(t->text, t->text + room - t->len, t->len);
		}
		n = read(t->fd, t->text + t->len, room - t->len);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		t->len += (size_t)n;
		t->text[t->len] = '\0';
	}
	if (n == -1 && errno == EAGAIN)
		return false;
	task_forget(t);
	return true;
}

void
task_clean(char *ret, size_t size, const struct task *t)
{
	size_t i, n = t->len < size - 1 ? t->len : size - 1;

	for (i = 0; i < n; i++)
		ret[i] = (t->text[i] >= ' ' && t->text[i] <= '~') ||
		    t->text[i] == '\n' ? t->text[i] : '?';
	ret[n] = '\0';
}

void
task_forget(struct task *t)
{
	if (t->fd != -1)
		(void)close(t->fd);
	t->fd = -1;
}
