# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034 # set for the files
#
# visit.bash: a link that talks with a stranger and has a jailed reader for
# what he says (rm-auth, rm-login), alone.  After helpers: load visit

# A conversation: a link in the background, 6 to it and 7 from it.
visit() {
	rm -f in out
	mkfifo in out
	"$@" <in >out 2>log 3>&- &
	VISIT=$!
	PIDS+=("$VISIT")
	exec 6>in 7<out
}
say() { printf '%s\n' "$1" >&6; }
hear() { read -r -t 60 -u 7 HEARD; }

# The status of the visit, which ends by itself.
ended() {
	local rc=0
	wait "$VISIT" || rc=$?
	[ "$rc" = "$1" ] && return 0
	echo "ended with $rc: $(<log)" >&2
	return 1
}

# reader_of PID: the process that reads for it
reader_of() { cat "/proc/$1/task/$1/children"; }

# In rm-audit's place: it answers, and keeps the lines in the file records.
start_log() {
	cat >appender <<-'SH'
		#!/bin/sh
		read -r line || exit 0
		echo "$line" >>records
		[ ! -e log-is-full ] || { echo '! system disk full'; exit; }
		echo "+ 1 0000"
	SH
	chmod +x appender
	: >records
	socat UNIX-LISTEN:run/audit.sock,fork EXEC:./appender \
		</dev/null >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	until_true socat -u OPEN:/dev/null UNIX-CONNECT:run/audit.sock
}

# evil_reader ANSWER: evil.so, which takes a jailed reader over where it reads
# the peer and does what EVIL says: socket exec kill peer (says the answer).
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
			else if (fd == 0 && strcmp(what, "kill") == 0)
				syscall(SYS_kill, getppid(), 9);
			else if (fd == 0 && strcmp(what, "peer") == 0)
				_exit(write(1, ANSWER "\n", sizeof(ANSWER)) == -1 ? 0 : 7);
			return syscall(SYS_read, fd, buf, n);
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
