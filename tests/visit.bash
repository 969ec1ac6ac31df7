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
