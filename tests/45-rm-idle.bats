#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers

setup() {
	common_setup
	mkfifo in out events
	exec 7<>events
}

teardown() {
	exec 8>&- 9>&-
	common_teardown
	exec 7>&-
}

# idle ARG...: rm-idle in the background; what is written to descriptor 8
# comes from the peer, what it takes is read from descriptor 9.
idle() {
	rm-idle "$@" <in >out 2>>idle.log 3>&- 7>&- &
	IDLE=$!
	PIDS+=("$IDLE")
	exec 8>in 9<out
}

# The copier is the child that the program did not make.
copier() {
	until_true pgrep -P "$IDLE"
	COPIER=$(pgrep -o -P "$IDLE")
}

ended() {
	local rc=0
	timeout 60 tail --pid="$IDLE" -f /dev/null
	wait "$IDLE" || rc=$?
	[ "$rc" = "$1" ]
}

expect() {
	local got=
	read -r -t 60 got <&"${2:-9}" || :
	[ "$got" = "$1" ] && return 0
	echo "expected: $1, got: $got" >&2
	return 1
}

all_bytes() {
	local i
	for ((i = 0; i < 256; i++)); do
		printf "\\x$(printf %02x "$i")"
	done
}

@test "rm-idle passes every byte unchanged, both ways" {
	(all_bytes; all_bytes) >bytes
	# The program may end before its copier has delivered: wait for the end.
	timeout 60 rm-idle 20 -- cat <bytes | cat >there_and_back
	cmp bytes there_and_back
	timeout 60 rm-idle 20 -- sh -c 'cat >got; cat bytes' <bytes |
		cat >back
	cmp bytes got
	cmp bytes back
}

@test "rm-idle passes megabytes, both ways at once, to a peer that is slow" {
	head -c 8000003 /dev/urandom >big
	timeout 60 rm-idle 20 -- cat <big | cat >copy
	cmp big copy
	# Through pipes of a few pages, with a program that answers late.
	cat big | timeout 60 rm-idle 20 -- sh -c 'cat >got; cat got' |
		(dd bs=1000 count=100 2>/dev/null; cat) >copy
	cmp big copy
}

@test "rm-idle: a line is use, and the status is the program's" {
	idle 600 -- sh -c 'read -r a; echo "got $a"; exit 7'
	echo line >&8
	expect 'got line'
	ended 7
	[ ! -s idle.log ]
}

@test "rm-idle says its word and closes both pipes when nothing is used" {
	exec 8<>in
	try 5 rm-idle 0.2 -- sh -c 'cat; echo later 2>/dev/null; echo $? >wrote
		exit 5' <in
	[ "$output" = '* idle limit reached' ]
	[ "$stderr" = 'rm-idle: info: not used for 200 ms: ending' ]
	# What it writes afterwards goes nowhere, without a signal.
	[ "$(cat wrote)" != 0 ]
}

@test "rm-idle says its word at a line boundary only" {
	exec 8<>in
	timeout 60 rm-idle 3 -- sh -c 'printf "a\nhalf"; cat' <in >got 2>/dev/null
	printf 'a\nhalf\n* idle limit reached\n' | cmp - got
	timeout 60 rm-idle 3 -- sh -c 'printf "a\n"; cat' <in >got 2>/dev/null
	printf 'a\n* idle limit reached\n' | cmp - got
}

marked() {
	[ "$(stat -c %Y mark)" != 0 ]
}

# not_used TEXT: a program that answers nothing takes TEXT from the peer, and
# that was no use; a whole line afterwards is.
not_used() {
	touch -d @0 mark
	idle -m mark 600 -- sh -c 'dd bs=1 count="$1" >/dev/null 2>&1
		echo seen >events; read -r _; echo line >events; cat' sh "${#1}"
	printf '%s' "$1" >&8
	expect seen 7
	run ! marked
	printf 'x\n' >&8
	expect line 7
	until_true marked
}

@test "rm-idle: empty lines are not use" {
	not_used $'\n\n\n\n'
}

@test "rm-idle: a line is no use before it is complete" {
	not_used $'\nset-mode R'
}

# idle_all_the_same TEXT [BEFORE]: the peer says BEFORE, and then TEXT without
# an end.
idle_all_the_same() {
	# Not the one that the writer of before may still have.
	rm -f in
	mkfifo in
	(printf '%b' "${2:-}"
	for ((i = 0; i < 400; i++)); do
		printf '%b' "$1"
		command sleep 0.05
	done) >in 2>/dev/null 3>&- 7>&- &
	PIDS+=("$!")
	try 0 rm-idle 0.5 -- sh -c 'cat >/dev/null' <in
	[ "$output" = '* idle limit reached' ]
	common_teardown
}

@test "rm-idle: a peer that sends empty lines or never ends one is idle" {
	idle_all_the_same '\n'
	idle_all_the_same x
}

@test "rm-idle: a peer that sends lines is not idle, for longer than the limit" {
	idle 5 -- sh -c 'while read -r _; do :; done'
	local i
	for ((i = 0; i < 30; i++)); do
		echo line >&8
		command sleep 0.2
	done
	kill -0 "$IDLE"
	exec 8>&-
	ended 0
	[ ! -s idle.log ]
}

@test "rm-idle: a payload is use when it is whole, whatever bytes it has" {
	# Neither the lines in it nor its bytes are use, nor its half.
	local text
	for text in 'line\n' x '< x 1\n'; do
		idle_all_the_same "$text" '< stuff 100000\n'
	done
}

# payload TEXT LAST: an announcement and all of its bytes but the last ones.
payload() {
	touch -d @0 mark
	idle -m mark 600 -- sh -c 'dd bs=1 count="$1" >/dev/null 2>&1
		echo seen >events; head -c "$2" >/dev/null; echo whole >events
		read -r _; echo line >events; cat' sh "${#1}" "${#2}"
	printf '%s' "$1" >&8
	expect seen 7
	forget_mark
}

# Waits for the mark, and until there can be another one.
forget_mark() {
	until_true marked
	command sleep 0.15
	touch -d @0 mark
}

@test "rm-idle: the last byte of a payload is use" {
	payload $'< stuff 5\na\nb\n' x
	printf x >&8
	expect whole 7
	until_true marked
}

@test "rm-idle: behind a payload there are lines again" {
	local bytes
	for bytes in x $'\n' $'ab\nc'; do
		payload "< stuff ${#bytes}"$'\n' "$bytes"
		printf '%s' "$bytes" >&8
		expect whole 7
		forget_mark
		# An empty line, though bytes without an end stand before it.
		printf '\n' >&8
		expect line 7
		run ! marked
		printf 'x\n' >&8
		until_true marked
		exec 8>&- 9>&-
		common_teardown
	done
}

@test "rm-idle: output that the peer takes is use, however slow it is" {
	idle 5 -- sh -c 'seq 1000 1999; echo written >events; cat'
	expect written 7
	# All of it waits in the pipe; nothing is written any more.
	local i
	for ((i = 0; i < 30; i++)); do
		read -r -N 60 -t 60 _ <&9
		command sleep 0.2
	done
	kill -0 "$IDLE"
	[ ! -s idle.log ]
}

@test "rm-idle: output that the peer does not take is not use" {
	# Little by little: it all fits into the pipe, and nobody takes it.
	idle 3 -- sh -c 'while echo tick 2>/dev/null; do sleep 0.05; done'
	ended 0
	grep -q 'not used for 3000 ms' idle.log
	expect tick
}

@test "rm-idle ends although output is stuck, a full pipe and more" {
	idle 3 -- sh -c 'yes 2>/dev/null; exit 4'
	# A little room again must not tempt it to write more than fits.
	dd bs=4096 count=1 <&9 of=/dev/null 2>&1
	ended 4
	# No word fits, and none is forced in: whole lines as far as it goes.
	cat <&9 >got
	[ "$(sort -u got)" = y ]
}

@test "rm-idle delivers all that the program said before its end" {
	seq 100000 >numbers
	timeout 60 rm-idle 600 -- cat numbers </dev/null | cat >got
	cmp numbers got
	idle 600 -- sh -c 'cat numbers; exit 3'
	cat <&9 >got
	cmp numbers got
	ended 3
}

@test "rm-idle: the end of what the peer says ends only that" {
	run -0 timeout 60 rm-idle 600 -- \
		sh -c 'cat >got; echo late; echo later' <<<hello
	[ "$output" = $'late\nlater' ]
	[ "$(cat got)" = hello ]
}

@test "rm-idle: the end of what the program says ends only that" {
	head -c 300000 /dev/urandom >big
	timeout 60 rm-idle 600 -- sh -c 'exec >&-; cat >got' <big
	until_true cmp big got
}

@test "rm-idle: a program that reads nothing is heard to the end" {
	run -0 timeout 60 rm-idle 600 -- \
		sh -c 'exec <&-; for i in 1 2 3; do echo $i; done' <<<hello
	[ "$output" = $'1\n2\n3' ]
}

@test "rm-idle ends at once when the peer is gone, though its input is open" {
	idle 600 -- sh -c 'echo up; cat >/dev/null; exit 6'
	expect up
	exec 9<&-
	ended 6
}

@test "rm-idle sees that output was taken, without any other event" {
	touch -d @0 mark
	idle -m mark 600 -- sh -c 'echo said; cat'
	copier
	run ! marked
	expect said
	until_true marked
}

@test "rm-idle marks each use in a file, and only warns when there is none" {
	touch -d @0 mark
	idle -m mark 600 -- cat
	echo line >&8
	expect line
	until_true marked
	exec 8>&- 9>&-
	ended 0
	run -0 --separate-stderr timeout 60 rm-idle -m nowhere 600 -- cat <<<hello
	[ "$output" = hello ]
	[ "$stderr" = 'rm-idle: warning: unable to mark use in nowhere: No such file or directory' ]
	ln -s mark link
	touch -d @0 mark
	run -0 --separate-stderr timeout 60 rm-idle -m link 600 -- cat <<<hello
	[ "$output" = hello ]
	run ! marked
}

@test "rm-idle hands on 0, 1, 2 and what crosses it" {
	run -0 with_012 timeout 60 rm-idle -m in 5 -- \
		sh -c 'ls /proc/self/fd | tr "\n" " "'
	[ "$output" = '0 1 2 3 ' ]
}

@test "rm-idle: the copier does not hold a lock that went through" {
	# shellcheck disable=SC2016
	rm-once lock -- rm-idle 600 -- sh -c 'echo up; read -r _
		eval "exec $RM_LOCK_FD>&-"; echo free; read -r _' <in >out \
		3>&- 7>&- &
	PIDS+=("$!")
	exec 8>in 9<out
	expect up
	try 1 rm-once -q lock
	echo >&8
	expect free
	try 0 rm-once -q lock
}

@test "rm-idle: the copier is jailed, the program is not" {
	idle 600 -- sh -c 'echo up; read -r _'
	expect up
	copier
	grep -qx 'Seccomp:.2' "/proc/$COPIER/status"
	grep -qx 'NoNewPrivs:.1' "/proc/$COPIER/status"
	grep -qx 'Seccomp:.0' "/proc/$IDLE/status"
	grep -qx 'NoNewPrivs:.0' "/proc/$IDLE/status"
}

@test "rm-idle refuses to run without a jail, unless told so" {
	ASAN_OPTIONS=detect_leaks=0 try 100 strace -f -o trace -e inject=seccomp:error=EINVAL \
		rm-idle 5 -- sh -c 'echo ran >events.ran' </dev/null
	has "$stderr" 'rm-idle: fatal: no sandbox*'
	[ ! -e events.ran ]
	RM_NO_SANDBOX=1 try 0 rm-idle 5 -- cat <<<hello
	[ "$output" = hello ]
	[ "$stderr" = 'rm-idle: warning: no sandbox: RM_NO_SANDBOX=1 is set' ]
}

@test "rm-idle: the copier ignores TERM and HUP and still delivers" {
	idle 600 -- cat
	copier
	echo one >&8
	expect one
	kill -TERM "$COPIER"
	kill -HUP "$COPIER"
	echo two >&8
	expect two
	exec 8>&-
	ended 0
}

# The processor time of the copier, in ticks.
ticks() {
	local stat
	read -r -a stat <"/proc/$COPIER/stat"
	echo $((stat[13] + stat[14]))
}

@test "rm-idle does not spin while it waits" {
	local prog before
	for prog in 'exec <&-; echo up; exec sleep 600' \
		'echo up; exec >&-; cat >/dev/null; exec sleep 600' \
		'echo up; exec yes'; do
		rm -f in out
		mkfifo in out
		idle 600 -- sh -c "$prog"
		expect up
		copier
		before=$(ticks)
		command sleep 0.5
		[ $(($(ticks) - before)) -lt 15 ]
		kill -KILL "$COPIER"
		kill "$IDLE" || :
		exec 8>&- 9>&-
		timeout 60 tail --pid="$IDLE" -f /dev/null
		wait "$IDLE" || :
	done
}

@test "rm-idle behind a foreign listener, on a socket" {
	tcpserver -1 -RHl0 127.0.0.1 0 rm-idle 3 cat >port 2>tcpserver.log \
		3>&- 7>&- &
	PIDS+=("$!")
	until_true test -s port
	exec 8<>in
	run -0 --separate-stderr timeout 60 \
		socat -t 20 STDIO "TCP:127.0.0.1:$(cat port)" < <(echo hello)
	[ "$output" = hello ]
	run -0 --separate-stderr timeout 60 \
		socat STDIO "TCP:127.0.0.1:$(cat port)" <in
	[ "$output" = '* idle limit reached' ]
}

@test "rm-idle refuses root" {
	try 100 unshare -r rm-idle 5 -- true
	has "$stderr" 'rm-idle: fatal: refusing to run as root: *'
}

@test "rm-idle: bad command lines are usage errors" {
	try 100 rm-idle
	has "$stderr" 'usage: rm-idle *'
	try 100 rm-idle 5
	try 100 rm-idle 5 --
	try 100 rm-idle -x 5 true
	for n in 0 x 1x -- '' 999999999; do
		try 100 rm-idle "$n" true
	done
	try 100 rm-idle 1. true
	[ "$stderr" = 'rm-idle: fatal: bad number of seconds: 1.' ]
	try 100 rm-idle -m a -m b 5 true
	[ "$stderr" = 'rm-idle: fatal: -m is given twice' ]
	try 100 sh -c 'rm-idle 5 -- true <&-'
	try 100 sh -c 'rm-idle 5 -- true >&-'
}

@test "rm-idle: a program that cannot be run or found" {
	try 127 rm-idle 5 -- ./nowhere </dev/null
	try 126 rm-idle 5 -- ./state </dev/null
}
