/* SPDX-License-Identifier: ISC */
/* The fork and the pipes of a jailed reader. */
#include "rm_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rm_io.h"

void
rm_reader_start(struct rm_reader *ret, int not_for_it,
    void (*serve)(int asked, int answer))
{
	pid_t parent = getpid();
	int asks[2], answers[2];

	if (pipe2(asks, O_CLOEXEC) == -1 || pipe2(answers, O_CLOEXEC) == -1)
		die(RM_EXIT_SYSTEM, "unable to make a pipe");
	if ((ret->pid = fork()) == -1)
		die(RM_EXIT_SYSTEM, "unable to fork");
	if (ret->pid == 0) {
		/* TERM and HUP are blocked here and stay so. */
		if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 ||
		    getppid() != parent)
			_exit(RM_EXIT_SYSTEM);
		(void)close(asks[1]);
		(void)close(answers[0]);
		(void)close(1);
		if (not_for_it != -1)
			(void)close(not_for_it);
		serve(asks[0], answers[1]);
		_exit(0);
	}
	(void)close(asks[0]);
	(void)close(answers[1]);
	ret->ask = asks[1];
	ret->answer = answers[0];
}

void
rm_reader_ask(struct rm_reader *reader)
{
	/* A reader that is gone shows at rm_reader_take. */
	(void)!rm_io_write(reader->ask, "", 1);
}

bool
rm_reader_take(struct rm_reader *reader, void *ret, size_t size)
{
	/* Written in one piece, so it is read in one: no half to wait for. */
	return read(reader->answer, ret, size) == (ssize_t)size;
}

void
rm_reader_end(struct rm_reader *reader)
{
	(void)kill(reader->pid, SIGKILL);
	while (waitpid(reader->pid, NULL, 0) == -1 && errno == EINTR)
		;
	(void)close(reader->ask);
	(void)close(reader->answer);
}
