#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers

# Programs of somebody else's, to be run for a connection.
setup() {
	common_setup
	# Says that it is there, then gives back what it gets.
	printf '%s\n' '#!/bin/sh' 'echo here; exec cat' >echo
	# The same, but "admit" admits it.
	cat >guest <<-'SH'
	#!/bin/sh
	echo here
	while read -r line; do
		[ "$line" != admit ] || echo x >&"$RM_ADMIT_FD"
		echo "$line"
	done
	SH
	# At rest it hears both signals, and has a last word for each.
	cat >polite <<-'PERL'
	#!/usr/bin/perl
	use POSIX;
	$| = 1;
	$SIG{TERM} = sub { print "took over\n"; exit };
	$SIG{HUP} = sub { print "going down\n"; exit };
	sigprocmask(SIG_UNBLOCK, POSIX::SigSet->new(SIGTERM, SIGHUP));
	print "here\n";
	sleep 600;
	PERL
	# Neither it nor its child hears anything.
	cat >stubborn <<-'SH'
	#!/bin/sh
	trap '' TERM HUP INT
	echo $$
	sleep 600 & wait
	SH
	# Its child is in a session of its own.
	cat >away <<-'SH'
	#!/bin/sh
	setsid ./stubborn &
	wait
	SH
	chmod 755 echo guest polite stubborn away
}

# dial VARIABLE [ADDR]: opens a connection and reads its first line.
dial() {
	local -n into=$1
	exec {into}<>"/dev/tcp/${2:-127.0.0.1}/$PORT"
	read -r -t 60 FIRST <&"$into"
}

# The connection still works.
works() {
	echo "to $1" >&"$1"
	local line
	read -r -t 60 line <&"$1"
	[ "$line" = "to $1" ]
}

# The connection has ended: no byte more, and not only because of the limit.
ended() {
	local line rc=0
	read -r -t 60 line <&"$1" 2>/dev/null || rc=$?
	[ "$rc" -eq 1 ] && [ -z "$line" ]
}

# Asks the listener to end and wants 0.
stop() {
	kill -"${1:-TERM}" "$LISTEN_PID"
	wait "$LISTEN_PID"
}

# stops_early COMMAND...: the listener ends it well before the limit of 3 s.
# Of three runs one is enough: a busy machine is late, but not each time.
stops_early() {
	local a before i
	for i in 1 2 3; do
		listen rm-listen -R 4 127.0.0.1 0 -- "$@"
		dial a
		kill -0 "$FIRST"
		before=${EPOCHREALTIME/./}
		stop
		gone "$FIRST"
		ended "$a"
		[ $((${EPOCHREALTIME/./} - before)) -ge 2500000 ] || return 0
	done
	return 1
}

# strangers KIND: how many the log counts in all.
strangers() {
	local n sum=0
	for n in $(sed -nE "s/.* strangers:.* ([0-9]+) $1.*/\1/p" listen.log); do
		sum=$((sum + n))
	done
	echo "$sum"
}

cpu_ticks() {
	local -a stat
	read -ra stat <"/proc/$LISTEN_PID/stat"
	echo $((stat[13] + stat[14]))
}

# Nobody is left below the listener, dead or alive.
childless() {
	[ -z "$(cat "/proc/$LISTEN_PID/task/$LISTEN_PID/children")" ]
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

@test "rm-listen runs a program for each connection, several at a time" {
	listen rm-listen -R 4 127.0.0.1 0 -- ./echo
	dial a
	dial b
	works "$b"
	works "$a"
	grep -q "^rm-listen: info: connection 127.0.0.1:[0-9]* (2 connections)$" \
		listen.log
	stop
	ended "$a"
	ended "$b"
}

@test "rm-listen: a peer that has no more to say still hears the answer" {
	listen rm-listen -R 4 127.0.0.1 0 -- sh -c 'cat; echo end'
	run -0 timeout 60 socat -t 20 - "TCP:127.0.0.1:$PORT" <<<'a question'
	[ "$output" = $'a question\nend' ]
}

@test "rm-listen tells the program who and where, and nothing that was said before" {
	RM_STATE=kept PROTO=x TCPREMOTEIP=6.6.6.6 RM_TLS_PEER=x RM_LOCK_FD=9 \
		RM_ADMIT_FD=9 RM_AUTH_MANAGER=mallory UNIXREMOTEEUID=0 \
		listen rm-listen -R 4 127.0.0.1 0 -- env
	run -0 timeout 60 socat -u "TCP:127.0.0.1:$PORT,bind=127.0.0.7" -
	local facts
	facts=$(grep -E '^(PROTO|TCP|UNIX|RM_(TLS|AUTH|ADMIT|LOCK))' \
		<<<"$output" | sort)
	has "$facts" "PROTO=TCP
TCPLOCALIP=127.0.0.1
TCPLOCALPORT=$PORT
TCPREMOTEIP=127.0.0.7
TCPREMOTEPORT=[1-9]*"
	[ "$(wc -l <<<"$facts")" -eq 5 ]
	grep -qx 'RM_STATE=kept' <<<"$output"
}

@test "rm-listen on :: takes IPv6, and IPv4 in the spelling of IPv4" {
	listen rm-listen -R 4 :: 0 -- sh -c 'echo $TCPREMOTEIP $TCPLOCALIP'
	dial a 127.0.0.1
	[ "$FIRST" = '127.0.0.1 127.0.0.1' ]
	dial b ::1
	[ "$FIRST" = '::1 ::1' ]
	grep -q ' connection 127.0.0.1:' listen.log
	grep -q ' connection \[::1\]:' listen.log
}

@test "rm-listen hands on nothing but 0, 1, 2 and the way to admit" {
	# ls itself has the folder open, at the first number that is free.
	listen rm-listen -R 4 127.0.0.1 0 -- ls /proc/self/fd 5<echo 6<.
	run -0 timeout 60 socat -u "TCP:127.0.0.1:$PORT" -
	[ "${lines[*]}" = '0 1 2 3' ]
	listen rm-listen -R 4 -a 600 127.0.0.1 0 -- ls /proc/self/fd 5<.
	run -0 timeout 60 socat -u "TCP:127.0.0.1:$PORT" -
	[ "${lines[*]}" = '0 1 2 3 4' ]
	listen rm-listen -R 4 -a 600 127.0.0.1 0 -- sh -c 'echo $RM_ADMIT_FD'
	dial a
	[ "$FIRST" = 3 ]
}

@test "rm-listen: a program begins in a group of its own, deaf to TERM and HUP" {
	listen rm-listen -R 4 127.0.0.1 0 -- grep SigBlk /proc/self/status
	dial a
	[ "$FIRST" = $'SigBlk:\t0000000000004001' ]
	listen rm-listen -R 4 127.0.0.1 0 -- \
		sh -c 'echo $$ $(cut -d" " -f5 /proc/$$/stat)'
	dial b
	[ "${FIRST% *}" = "${FIRST#* }" ]
}

@test "rm-listen says where it listens, and closes that descriptor" {
	mkfifo where
	rm-listen -R 4 -l addr 127.0.0.1 0 -- cat 3>&- 4>where 2>/dev/null &
	PIDS+=("$!")
	# cat sees the end of it only if it is closed everywhere.
	run -0 timeout 60 cat where
	[ "$(cat addr)" = "127.0.0.1 $output" ]
	rm-listen -R 4 -u -l addr2 sock -- cat 3>&- 4>where 2>/dev/null &
	PIDS+=("$!")
	run -0 timeout 60 cat where
	[ "$output" = sock ]
	[ "$(cat addr2)" = sock ]
}

@test "rm-listen holds its address file as long as anything of it lives" {
	echo 'something longer that stood there before' >addr
	listen rm-listen -R 4 -l addr 127.0.0.1 0 -- ./away
	[ "$(cat addr)" = "127.0.0.1 $PORT" ]
	dial a
	try 1 rm-once addr -- true
	# Another is refused and leaves it as it is.
	try 1 rm-listen -l addr 127.0.0.1 0 -- true
	[ "$stderr" = 'rm-listen: fatal: refused: addr is held by another' ]
	[ "$(cat addr)" = "127.0.0.1 $PORT" ]
	kill -TERM "$LISTEN_PID"
	# The port is closed first, the lock is freed last.
	until_true eval "! (: <>/dev/tcp/127.0.0.1/$PORT)"
	try 1 rm-once addr -- true
	kill -0 "$FIRST"
	wait "$LISTEN_PID"
	try 0 rm-once addr -- true
	gone "$FIRST"
	[ -e addr ]
}

@test "rm-listen: the ninth visitor of an address evicts its oldest, no other" {
	listen rm-listen -R 4 -a 600 :: 0 -- ./echo
	local i other v=()
	dial other ::1
	for i in 0 1 2 3 4 5 6 7; do
		dial "v[$i]"
	done
	works "${v[0]}"
	dial "v[8]"
	ended "${v[0]}"
	for i in 1 2 3 4 5 6 7 8; do
		works "${v[$i]}"
	done
	works "$other"
	dial "v[9]"
	ended "${v[1]}"
	works "$other"
}

@test "rm-listen: the 65th visitor is let in for the oldest of the busiest" {
	listen rm-listen -R 4 -a 600 -p 64 :: 0 -- ./echo
	local i late v=()
	for ((i = 0; i < 64; i++)); do
		dial "v[$i]"
	done
	works "${v[0]}"
	dial late ::1
	works "$late"
	ended "${v[0]}"
	works "${v[1]}"
	works "${v[63]}"
}

@test "rm-listen never evicts who was admitted, nor counts him" {
	listen rm-listen -R 4 -a 600 -c 2 -p 1 :: 0 -- ./guest
	local manager a b c
	dial manager
	echo admit >&"$manager"
	read -r -t 60 _ <&"$manager"
	dial a
	dial b
	ended "$a"
	dial c ::1
	works "$b"
	works "$c"
	works "$manager"
}

@test "rm-listen: an admission that came first wins over a newcomer" {
	# The byte is in the pipe before the newcomer is looked at: each time.
	listen rm-listen -R 4 -a 600 -p 1 127.0.0.1 0 -- ./guest
	local i v=()
	for ((i = 0; i < 20; i++)); do
		dial "v[$i]"
		echo admit >&"${v[$i]}"
		read -r -t 60 _ <&"${v[$i]}"
	done
	for ((i = 0; i < 20; i++)); do
		works "${v[$i]}"
	done
}

@test "rm-listen ends a visitor that is not admitted in time, whatever it does" {
	listen rm-listen -R 4 -a 5 127.0.0.1 0 -- ./guest
	local manager late
	dial manager
	echo admit >&"$manager"
	read -r -t 60 _ <&"$manager"
	dial late
	ended "$late"
	works "$manager"
	# It gets no say, and need not be of this program's making.
	listen rm-listen -R 4 -a 0.2 127.0.0.1 0 -- ./stubborn
	exec {late}<>"/dev/tcp/127.0.0.1/$PORT"
	timeout 60 cat <&"$late" || :
	until_true childless
	until_true grep -q 'strangers: .* 1 too late' listen.log
}

@test "rm-listen: without -a who is there stays, and the newcomer is refused" {
	count_here
	listen rm-listen -R 4 -c 2 :: 0 -- ./echo
	local a b c
	dial a
	dial b ::1
	dial c || :
	ended "$c"
	works "$a"
	works "$b"
	exec {a}>&-
	until_true dial c
	stop
	[ "$(strangers refused)" -ge 1 ]
	[ "$(counted 3)" = "$(strangers refused)" ]
}

@test "rm-listen: -p limits an address without -a, too" {
	listen rm-listen -R 4 -p 1 :: 0 -- ./echo
	local a b
	dial a
	dial b || :
	ended "$b"
	dial b ::1
	works "$a"
	works "$b"
}

@test "rm-listen counts strangers, but has only a line a second for them" {
	listen rm-listen -R 4 -a 600 -p 1 127.0.0.1 0 -- ./echo
	local i fd before=$SECONDS
	for ((i = 0; i < 21; i++)); do
		dial fd
	done
	stop
	[ "$(strangers evicted)" = 20 ]
	[ "$(grep -c strangers: listen.log)" -le $((SECONDS - before + 2)) ]
}

@test "rm-listen: TERM and HUP reach the programs, whose last word arrives" {
	listen rm-listen -R 4 -k 2 127.0.0.1 0 -- ./polite
	dial a
	stop TERM
	read -r -t 60 line <&"$a"
	[ "$line" = 'took over' ]
	listen rm-listen -R 4 -k 2 127.0.0.1 0 -- ./polite
	dial a
	stop HUP
	read -r -t 60 line <&"$a"
	[ "$line" = 'going down' ]
}

@test "rm-listen kills what does not hear, well before its limit" {
	stops_early ./stubborn
}

@test "rm-listen: who went into a session of his own is gone within the limit" {
	listen rm-listen -R 4 127.0.0.1 0 -- ./away
	dial a
	stop
	gone "$FIRST"
	# Its child, the sleep, held the connection too.
	ended "$a"
}

@test "rm-listen: a session of its own that ends by itself is waited for" {
	listen rm-listen -R 4 127.0.0.1 0 -- setsid -f sh -c \
		'echo here; sleep 0.3; echo done >last'
	dial a
	stop
	[ "$(cat last)" = done ]
}

@test "rm-listen killed: its programs are asked to end" {
	listen rm-listen -R 4 127.0.0.1 0 -- ./polite
	dial a
	kill -KILL "$LISTEN_PID"
	wait "$LISTEN_PID" || :
	read -r -t 60 line <&"$a"
	[ "$line" = 'took over' ]
}

@test "rm-listen reaps all that lands on it and leaks no descriptor" {
	listen rm-listen -R 4 -a 600 -p 2 127.0.0.1 0 -- ./guest
	local i fd before
	before=$(ls "/proc/$LISTEN_PID/fd" | wc -l)
	for ((i = 0; i < 20; i++)); do
		dial fd
		[ $((i % 2)) -eq 0 ] || echo admit >&"$fd"
		exec {fd}>&-
	done
	until_true childless
	until_true eval '[ "$(ls "/proc/$LISTEN_PID/fd" | wc -l)" = "$before" ]'

	listen rm-listen -R 4 127.0.0.1 0 -- setsid -f sh -c 'exit 0'
	for ((i = 0; i < 5; i++)); do
		timeout 60 socat -u "TCP:127.0.0.1:$PORT" -
	done
	until_true childless
}

@test "rm-listen: a program's child that outlives it is ended too" {
	stops_early sh -c './stubborn & exit'
}

@test "rm-listen out of descriptors does not spin, and goes on when it can" {
	listen rm-listen -R 4 -a 600 127.0.0.1 0 -- ./echo
	local a b before after
	dial a
	prlimit --pid "$LISTEN_PID" --nofile=4:
	exec {b}<>"/dev/tcp/127.0.0.1/$PORT"
	until_true grep -q \
		'warning: unable to accept a connection: Too many open files' \
		listen.log
	before=$(cpu_ticks)
	read -r -t 0.5 _ <&"$b" || :
	after=$(cpu_ticks)
	[ $((after - before)) -lt 5 ]
	[ "$(grep -c warning: listen.log)" -le 3 ]
	works "$a"
	prlimit --pid "$LISTEN_PID" --nofile=64:
	read -r -t 60 _ <&"$b"
	works "$b"
}

@test "rm-listen -u tells the program who the kernel says it is" {
	listen rm-listen -R 4 -u sock -- env
	run -0 timeout 60 socat -u UNIX:sock -
	grep -qx 'PROTO=UNIX' <<<"$output"
	grep -qx 'UNIXLOCALPATH=sock' <<<"$output"
	grep -qx "UNIXREMOTEEUID=$(id -u)" <<<"$output"
	grep -qx "UNIXREMOTEEGID=$(id -g)" <<<"$output"
	grep -qx 'UNIXREMOTEPID=[1-9][0-9]*' <<<"$output"
	run ! grep -q '^TCP' <<<"$output"
}

@test "rm-listen -u: its socket is its user's alone, and goes with it" {
	listen rm-listen -R 4 -u sock -- cat
	[ "$(stat -c %a sock)" = 600 ]
	stop
	[ ! -e sock ]
	listen rm-listen -R 4 -u -m 660 sock -- cat
	[ "$(stat -c %a sock)" = 660 ]
	# Another's socket of the same name is not removed.
	mv sock old
	listen rm-listen -R 4 -u sock -- cat
	kill -TERM "${PIDS[1]}"
	wait "${PIDS[1]}"
	[ -S sock ]
	run -0 timeout 60 socat - UNIX:sock <<<hello
	[ "$output" = hello ]
}

@test "rm-listen -u: a dead listener's socket is replaced, a living one's is not" {
	listen rm-listen -R 4 -u sock -- cat
	try 111 rm-listen -u sock -- cat
	[ "$stderr" = 'rm-listen: fatal: unable to listen on sock: Address already in use' ]
	kill -KILL "$LISTEN_PID"
	wait "$LISTEN_PID" || :
	[ -S sock ]
	listen rm-listen -R 4 -u sock -- cat
	run -0 timeout 60 socat - UNIX:sock <<<hello
	[ "$output" = hello ]
	# And what is no socket is nobody's to remove.
	echo precious >file
	try 111 rm-listen -u file -- cat
	[ "$(cat file)" = precious ]
}

@test "rm-listen: a port that is taken, an address that is not ours or none" {
	listen rm-listen -R 4 127.0.0.1 0 -- cat
	try 111 rm-listen 127.0.0.1 "$PORT" -- cat
	[ "$stderr" = "rm-listen: fatal: unable to listen on 127.0.0.1 port $PORT: Address already in use" ]
	try 111 rm-listen 192.0.2.1 0 -- cat
	try 100 rm-listen localhost 0 -- cat
	[ "$stderr" = 'rm-listen: fatal: bad address or port: localhost 0' ]
	try 100 rm-listen 127.0.0.1 65536 -- cat
	try 100 rm-listen 127.0.0.1 http -- cat
	try 111 rm-listen -u "$(printf '%0200d' 0)" -- cat
	try 111 rm-listen -u no/folder -- cat
	try 111 rm-listen -l no/folder 127.0.0.1 0 -- cat
}

@test "rm-listen: bad command lines are usage errors" {
	try 100 rm-listen
	has "$stderr" 'usage: rm-listen *'
	try 100 rm-listen 127.0.0.1 0
	try 100 rm-listen 127.0.0.1 0 --
	try 100 rm-listen -u sock
	try 100 rm-listen -x 127.0.0.1 0 cat
	try 100 rm-listen -m 600 127.0.0.1 0 cat
	try 100 rm-listen -a x 127.0.0.1 0 cat
	[ "$stderr" = 'rm-listen: fatal: bad number of seconds: x' ]
	try 100 rm-listen -k 2.1 127.0.0.1 0 cat
	try 100 rm-listen -c 0 127.0.0.1 0 cat
	[ "$stderr" = 'rm-listen: fatal: bad cap: 0' ]
	try 100 rm-listen -p 1025 127.0.0.1 0 cat
	try 100 rm-listen -u -m 800 sock cat
	try 100 rm-listen -R 2 127.0.0.1 0 cat
	try 100 rm-listen -R 9 127.0.0.1 0 cat 9>&-
	[ "$stderr" = 'rm-listen: fatal: unable to use descriptor 9: Bad file descriptor' ]
	try 100 rm-listen -c 1 -c 1 127.0.0.1 0 cat
	[ "$stderr" = 'rm-listen: fatal: -c is given twice' ]
	try 100 rm-listen -U no-such-user 127.0.0.1 0 cat
}

@test "rm-listen: a program that is not there is the log's business" {
	listen rm-listen -R 4 127.0.0.1 0 -- ./nowhere
	run -0 timeout 60 socat -u "TCP:127.0.0.1:$PORT" -
	[ -z "$output" ]
	grep -qx 'rm-listen: fatal: unable to run ./nowhere: No such file or directory' \
		listen.log
	stop
}

@test "rm-listen refuses to be root, and runs nothing if it cannot become another" {
	try 100 unshare -r rm-listen 127.0.0.1 0 -- touch ran
	has "$stderr" '*refusing to run as root*'
	# In this namespace there is nobody to become.
	try 111 unshare -r rm-listen -U nobody 127.0.0.1 0 -- touch ran
	has "$stderr" '*unable to become nobody*'
	# Who is that user already need not become it.
	listen rm-listen -R 4 -U "$(id -un)" 127.0.0.1 0 -- ./echo
	dial a
	works "$a"
}

@test "rm-listen -o gives the socket to a user and stays root" {
	unshare -r rm-listen -u -o root -m 600 run/sock -- id -u 3>&- \
		2>>listen.log &
	PIDS+=("$!")
	until_true [ -S run/sock ]
	[ "$(stat -c '%u %a' run/sock)" = "$(id -u) 600" ]
	try 0 rm-connect -u run/sock
	[ "$output" = 0 ]
	try 111 unshare -r rm-listen -u -o nobody run/other -- touch ran
	has "$stderr" '*unable to give run/other to nobody*'
	try 100 rm-listen -u -o nobody-knows run/other -- true
	try 100 rm-listen -o root 127.0.0.1 0 -- true
	has "$stderr" 'usage: *'
	try 100 rm-listen -u -o root -U root run/other -- true
	[ ! -e ran ]
}

@test "rm-listen: completion offers files and users" {
	# shellcheck source=/dev/null
	. "$RM_TESTS/../completions/rm-listen"
	: >addrfile
	COMP_WORDS=(rm-listen -l addr) COMP_CWORD=2
	_comp_cmd_rm_listen
	[ "${COMPREPLY[*]}" = addrfile ]
	COMP_WORDS=(rm-listen -U roo) COMP_CWORD=2
	_comp_cmd_rm_listen
	[ "${COMPREPLY[*]}" = root ]
}
