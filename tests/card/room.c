/* SPDX-License-Identifier: ISC */
/*
 * room: run a command in the private world made by room_start (room.bash).
 * It keeps user, folder, environment, descriptors and exit status, and it is
 * the command: a signal to it reaches nobody else.  A program of its own, as
 * nearly all that the tests run is run by it.
 */
#include <err.h>
#include <limits.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

int
main(int argc, char *argv[])
{
	char here[PATH_MAX];
	const char *pid = getenv("ROOM_PID");
	int fd;

	if (argc < 2)
		errx(100, "usage: room command [arg ...]");
	if (pid == NULL)
		errx(111, "no room: call room_start first");
	if (getcwd(here, sizeof(here)) == NULL)
		err(111, "getcwd");
	if ((fd = (int)syscall(SYS_pidfd_open, atoi(pid), 0)) == -1)
		err(111, "room %s", pid);
	if (setns(fd, CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET) == -1)
		err(111, "entering room %s", pid);
	if (chdir(here) == -1)
		err(111, "%s", here);
	(void)close(fd);
	execvp(argv[1], &argv[1]);
	err(127, "%s", argv[1]);
}
