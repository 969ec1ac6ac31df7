#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers

# Programs say what happens to them on a FIFO, line by line.
setup() {
	common_setup
	mkdir lease
	mkfifo events
	exec 7<>events
}

teardown() {
	common_teardown
	exec 7>&-
}

# keep ARG...: rm-keep in the background.
keep() {
	rm-keep "$@" </dev/null 3>&- 7>&- 2>>keep.log &
	KEEP=$!
	PIDS+=("$KEEP")
}

# One that says START with the lease's text, and END with the signal's name.
cat_lease='trap "echo end TERM >events; exit" TERM
	trap "echo end HUP >events; exit" HUP
	echo "start "$(cat lease/on) >events
	while :; do read -r _ <>nothing; done'

keep_cat() {
	mkfifo nothing
	keep lease/on -- sh -c "$cat_lease"
}

expect() {
	local got=
	read -r -t 60 got <&7 || :
	[ "$got" = "$1" ] && return 0
	echo "expected: $1, got: $got" >&2
	cat keep.log >&2
	return 1
}

# put TEXT: the lease, in one step.
put() {
	echo "$1" >lease/new
	mv lease/new lease/on
}

# stop SIGNAL CODE
stop() {
	local rc=0
	kill "-$1" "$KEEP"
	timeout 60 tail --pid="$KEEP" -f /dev/null
	wait "$KEEP" || rc=$?
	[ "$rc" = "$2" ]
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

@test "rm-keep runs the program when the file appears, ends it when it goes" {
	keep_cat
	put one
	expect 'start one'
	rm lease/on
	expect 'end TERM'
	put two
	expect 'start two'
	stop TERM 0
	expect 'end TERM'
}

@test "rm-keep starts at once when the file is already there" {
	put one
	keep_cat
	expect 'start one'
}

@test "rm-keep ends what it keeps when the content changes" {
	put one
	keep_cat
	expect 'start one'
	put two
	expect 'end TERM'
	expect 'start two'
	# Written in place, too.
	echo three >>lease/on
	expect 'end TERM'
	expect 'start two three'
}

@test "rm-keep: off and on again in one go is not missed, nor waited for" {
	put one
	keep_cat
	expect 'start one'
	local i start took best=1000000
	# Faster than the looks of once a second, at least once.
	for ((i = 0; i < 60; i++)); do
		start=${EPOCHREALTIME/./}
		rm lease/on
		put "$i"
		expect 'end TERM'
		expect "start $i"
		took=$((${EPOCHREALTIME/./} - start))
		[ "$took" -gt "$best" ] || best=$took
	done
	[ "$best" -lt 500000 ]
}

@test "rm-keep: the same lease written again disturbs nobody" {
	put one
	keep_cat
	expect 'start one'
	put one
	touch lease/on
	put two
	expect 'end TERM'
	expect 'start two'
}

@test "rm-keep follows a folder that is renamed, deleted and made anew" {
	put one
	keep_cat
	expect 'start one'
	mv lease away
	expect 'end TERM'
	echo two >away/on
	mv away lease
	expect 'start two'
	rm -r lease
	expect 'end TERM'
	mkdir lease
	put three
	expect 'start three'
	rm lease/on
	expect 'end TERM'
}

@test "rm-keep: a folder, a link, a FIFO or a long file is no lease" {
	keep_cat
	mkdir lease/on
	rmdir lease/on
	echo text >elsewhere
	ln -s ../elsewhere lease/on
	until_true grep -q 'lease/on is no lease: Too many levels' keep.log
	rm lease/on
	mkfifo lease/on
	until_true grep -q 'lease/on is no lease: Invalid argument' keep.log
	rm lease/on
	head -c 4097 /dev/zero >lease/new
	mv lease/new lease/on
	until_true grep -q 'lease/on is no lease: File too large' keep.log
	put one
	expect 'start one'
}

@test "rm-keep: TERM and HUP go to the program, and the end is 0" {
	put one
	keep_cat
	expect 'start one'
	stop HUP 0
	expect 'end HUP'
	keep lease/on -- sh -c "$cat_lease"
	expect 'start one'
	stop TERM 0
	expect 'end TERM'
	# With nothing to end, too.
	rm lease/on
	keep lease/on -- true
	until_true grep -qr '^inotify' "/proc/$KEEP/fdinfo"
	stop TERM 0
}

@test "rm-keep kills a program that ignores TERM" {
	put one
	mkfifo nothing
	keep lease/on -- sh -c 'trap "" TERM; echo $$ >events
		while :; do read -r _ <>nothing; done'
	read -r -t 60 pid <&7
	rm lease/on
	until_true gone "$pid"
	grep -q 'warning: killing what sh left' keep.log
}

@test "rm-keep kills those that forked away, and then starts again" {
	put one
	keep lease/on -- sh -c 'echo $$ >events
		setsid sh -c "trap : TERM; trap \"\" HUP; echo \$\$ >events
			while :; do sleep 600; done" &
		exec sleep 600'
	local prog daemon
	read -r -t 60 prog <&7
	read -r -t 60 daemon <&7
	rm lease/on
	until_true gone "$prog"
	until_true gone "$daemon"
	# And when the program goes by itself and leaves them behind.
	put two
	read -r -t 60 prog <&7
	read -r -t 60 daemon <&7
	kill -KILL "$prog"
	read -r -t 60 prog <&7
	gone "$daemon"
	read -r -t 60 daemon <&7
	stop TERM 0
	gone "$prog"
	gone "$daemon"
}

@test "rm-keep: a daemon gets TERM when the program has gone, no need to wait" {
	put one
	mkfifo nothing
	keep lease/on -- sh -c 'setsid sh -c "trap \"echo told >events; exit\" TERM
		echo up >events; while :; do read -r _ <>nothing; done" & wait'
	expect up
	rm lease/on
	expect told
}

@test "rm-keep restarts with growing pauses" {
	put one
	keep lease/on -- sh -c 'echo start >events; exit 7'
	local i pauses
	for i in 1 2 3 4 5; do
		expect start
	done
	until_true grep -q 'status 7, again in 800 ms' keep.log
	pauses=$(sed -n 's/.*again in \(.*\) ms/\1/p' keep.log | tr '\n' ' ')
	[ "$pauses" = '50 100 200 400 800 ' ]
	# A new lease does not wait for the pause of the last one.
	put two
	expect start
	until_true sh -c 'grep -c "again in 50 ms" keep.log | grep -qx 2'
}

@test "rm-keep -g runs another program once when the first is not back" {
	printf '#!/bin/sh\necho instead >events\n' >instead
	chmod 755 instead
	put one
	keep -g ./instead lease/on -- sh -c '[ ! -e dead ] || exit 1
		echo start >events; exec sleep 600'
	expect start
	# Back at once: nothing else runs.
	kill -KILL "$(pgrep -P "$KEEP")"
	expect start
	: >dead
	kill -KILL "$(pgrep -P "$KEEP")"
	expect instead
	# Tried on, and no further time.
	until_true eval '[ "$(sed -n "/instead exited/,\$p" keep.log |
		grep -c "sh exited")" -ge 1 ]'
	rm dead
	expect start
}

@test "rm-keep: a program that cannot be found is tried again" {
	put one
	keep lease/on -- ./later
	until_true grep -q 'fatal: unable to run ./later' keep.log
	until_true grep -q 'status 127, again in' keep.log
	printf '#!/bin/sh\necho start >events\nexec sleep 600\n' >later.new
	chmod 755 later.new
	mv later.new later
	expect start
}

@test "rm-keep: when it is killed itself, the program gets TERM" {
	put one
	keep_cat
	expect 'start one'
	stop KILL 137
	expect 'end TERM'
}

@test "rm-keep -p ends with its parent" {
	put one
	mkfifo nothing
	sh -c 'rm-keep -p "$$" lease/on -- sh -c "$1" 2>>keep.log & wait' sh \
		"$cat_lease" </dev/null 3>&- 7>&- &
	local parent=$!
	expect 'start one'
	kill -KILL "$parent"
	wait "$parent" || :
	expect 'end TERM'
}

@test "rm-keep -p does not outlive a parent that has gone already" {
	put one
	try 111 rm-keep -p 1 lease/on -- sh -c 'echo started >events'
}

@test "rm-keep hands on 0, 1, 2, an empty mask and no lock" {
	put one
	RM_LOCK_FD=5 RM_ADMIT_FD=6 rm-keep lease/on -- sh -c '
		ls /proc/self/fd | tr "\n" " " >fds
		sed -n "s/^Sig\(Blk\|Ign\):.//p" /proc/self/status >events
		echo "${RM_LOCK_FD-none} ${RM_ADMIT_FD-none}" >events
		exec sleep 600' </dev/null 3>&- 7>&- 5>lock 2>>keep.log &
	KEEP=$!
	PIDS+=("$KEEP")
	expect 0000000000000000
	# Neither PIPE nor TERM nor CHLD is ignored.
	local ignored
	read -r -t 60 ignored <&7
	[ $((0x$ignored & 0x15000)) = 0 ]
	expect 'none none'
	[ "$(cat fds)" = '0 1 2 3 ' ]
}

@test "rm-keep does not leak descriptors, however often it starts" {
	keep_cat
	local i before
	put 0
	expect 'start 0'
	before=$(ls "/proc/$KEEP/fd")
	for i in 1 2 3 4 5; do
		mv lease "away$i"
		expect 'end TERM'
		mkdir lease
		put "$i"
		expect "start $i"
	done
	[ "$(ls "/proc/$KEEP/fd")" = "$before" ]
	[ "$(cat /proc/"$KEEP"/fdinfo/* | grep -c '^inotify')" = 1 ]
}

@test "rm-keep reaps the orphans that land with it" {
	put one
	keep lease/on -- sh -c 'for i in 1 2 3; do (: &) done
		echo start >events; exec sleep 600'
	expect start
	no_zombies() {
		! grep -l '^State:.Z' /proc/[0-9]*/status 2>/dev/null |
			xargs -r grep -l "^PPid:.$KEEP\$" 2>/dev/null | grep .
	}
	until_true no_zombies
}

@test "rm-keep keeps what others wrote: socat, one process a connection" {
	put one
	keep lease/on -- socat UNIX-LISTEN:sock,fork,unlink-early SYSTEM:'cat; sleep 600'
	until_true test -S sock
	mkfifo in
	socat - UNIX-CONNECT:sock <in 3>&- 7>&- >events 2>/dev/null &
	PIDS+=("$!")
	exec 8>in
	echo hello >&8
	expect hello
	local below
	below=$(pgrep -P "$KEEP")
	rm lease/on
	until_true gone "$below"
	until_true sh -c "! pgrep -P $KEEP"
	run ! socat - UNIX-CONNECT:sock </dev/null
	exec 8>&-
}

@test "rm-keep: bad command lines are usage errors" {
	try 100 rm-keep
	has "$stderr" 'usage: rm-keep *'
	try 100 rm-keep on
	try 100 rm-keep on --
	try 100 rm-keep -x on true
	try 100 rm-keep -p 1 -p 1 on true
	[ "$stderr" = 'rm-keep: fatal: -p is given twice' ]
	try 100 rm-keep -p x on true
	try 100 rm-keep -g a -g b on true
	try 100 rm-keep --
}
