# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# evil.bash: who reads the peer in a jail, taken over.  After helpers: load evil

# evil_reader ANSWER: evil.so, which takes a jailed reader over where it reads
# the peer and does what EVIL says: socket exec open kill peer (says the answer).
evil_reader() {
	cat >evil.c <<-'C'
		#define _GNU_SOURCE
		#include <fcntl.h>
		#include <stdlib.h>
		#include <string.h>
		#include <sys/socket.h>
		#include <sys/syscall.h>
		#include <unistd.h>
		/* In the reader, reading the peer is where it is taken over. */
		ssize_t read(int fd, void *buf, size_t n)
		{
			const char *what = getenv("EVIL");
			char *argv[] = { "/bin/true", NULL };
			if (fd == 0 && strcmp(what, "socket") == 0)
				socket(AF_INET, SOCK_STREAM, 0);
			else if (fd == 0 && strcmp(what, "exec") == 0)
				execv(argv[0], argv);
			else if (fd == 0 && strcmp(what, "open") == 0)
				syscall(SYS_openat, AT_FDCWD, "ran", O_CREAT, 0600);
			else if (fd == 0 && strcmp(what, "kill") == 0)
				syscall(SYS_kill, getppid(), 9);
			else if (fd == 0 && strcmp(what, "peer") == 0)
				_exit(write(1, ANSWER "\n", sizeof(ANSWER)) == -1 ? 0 : 7);
			return syscall(SYS_read, fd, buf, n);
		}
		/* The name of it where the compiler knows how much fits. */
		ssize_t __read_chk(int fd, void *buf, size_t n, size_t size)
		{
			return size < n ? -1 : read(fd, buf, n);
		}
	C
	"${CC:-cc}" -shared -fPIC -DANSWER="\"$1\"" -o evil.so evil.c
}

# try_evil WHAT CODE COMMAND...: try it with evil.so, also where there is ASan.
try_evil() {
	local what=$1
	shift
	LD_PRELOAD=$PWD/evil.so EVIL=$what \
	ASAN_OPTIONS=verify_asan_link_order=0:detect_leaks=0 try "$@"
}
