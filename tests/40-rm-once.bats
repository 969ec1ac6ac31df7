#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers

# Runs a holder that lives until the FIFO hold is written to.
hold_lock() {
	mkfifo up hold
	rm-once lock -- sh -c 'echo up >up; read -r _ <hold' 3>&- &
	PIDS+=("$!")
	read -r -t 60 _ <up
}

@test "rm-once refuses a second session, then admits it once the first ends" {
	hold_lock
	try 1 rm-once lock -- true
	[ "$stderr" = "rm-once: fatal: refused: lock is held by another" ]
	[ -z "$output" ]
	echo >hold
	wait "${PIDS[0]}"
	try 0 rm-once lock -- true
}

@test "rm-once tells a peer that it is busy" {
	hold_lock
	PROTO=TCP try 1 rm-once lock -- true
	[ "$output" = "! busy another session is under way" ]
}

@test "rm-once waits for the holder when told to" {
	hold_lock
	rm-once -w 20 lock -- true 3>&- &
	local waiter=$!
	echo >hold
	wait "$waiter"
}

@test "rm-once: the lock is held as long as any heir of the program lives" {
	mkfifo hold
	try 0 rm-once lock -- sh -c '(read -r _ <>hold) >/dev/null 2>&1 3>&- &'
	try 1 rm-once lock -- true
	echo >hold
	until_true rm-once lock -- true
}

@test "rm-once is free at once when the holder is killed" {
	mkfifo up
	rm-once lock -- sh -c 'echo up >up; exec sleep 600' 3>&- &
	local pid=$!
	read -r -t 60 _ <up
	kill -KILL "$pid"
	wait "$pid" || :
	try 0 rm-once lock -- true
}

@test "rm-once -q tells whether the lock is held, without taking it" {
	try 0 rm-once -q lock
	[ ! -e lock ]
	hold_lock
	try 1 rm-once -q lock
	[ -z "$output$stderr" ]
	grep -q '^pid ' lock.holder
	try 1 rm-once -q -w 0.1 lock
	rm-once -q -w 20 lock 3>&- &
	local waiter=$!
	echo >hold
	wait "$waiter"
}

@test "rm-once -d locks for a shell, as long as that has the descriptor" {
	exec 8<>lock
	try 0 rm-once -d 8
	[ -z "$output$stderr" ]
	[ ! -e lock.holder ]
	try 1 rm-once lock true
	try 1 rm-once -q lock
	# The same description: it is ours already.
	try 0 rm-once -d 8
	exec 9<>lock
	try 1 rm-once -d 9 -w 0.1
	has "$stderr" '*refused: descriptor 9 is of a file that another holds'
	exec 8>&-
	try 0 rm-once -d 9
	exec 9>&-
	try 0 rm-once -q lock
	exec 8<lock
	try 111 rm-once -d 8
	exec 8>&-
	try 111 rm-once -d 8
	has "$stderr" '*unable to lock descriptor 8: Bad file descriptor'
}

@test "rm-once writes who holds the lock, from the facts" {
	RM_AUTH_MANAGER=bob RM_AUTH_CUSTODIANS=alice,bob TCPREMOTEIP=192.0.2.1 \
		try 0 rm-once lock -- sh -c 'echo $$'
	grep -qx "pid $output" lock.holder
	grep -qx 'manager bob' lock.holder
	grep -qx 'custodians alice,bob' lock.holder
	grep -qx 'ip 192.0.2.1' lock.holder
	grep -qx 'since -' lock.holder
}

@test "rm-once hands on nothing but 0, 1, 2 and the lock" {
	run -0 with_012 timeout 60 rm-once lock -- \
		sh -c 'echo "$RM_LOCK_FD"; ls /proc/self/fd | tr "\n" " "'
	local fd=${lines[0]}
	# ls itself has the folder open, at the first number that is free.
	[ "$fd" = 3 ]
	[ "${lines[1]}" = "0 1 2 3 4 " ]
}

@test "rm-once: bad command lines are usage errors" {
	try 100 rm-once lock
	has "$stderr" "usage: rm-once *"
	try 100 rm-once lock --
	try 100 rm-once -w x lock true
	[ "$stderr" = "rm-once: fatal: bad number of seconds: x" ]
	try 100 rm-once -w 1 -w 2 lock true
	try 100 rm-once -x lock true
	try 100 rm-once -q lock true
	try 100 rm-once -q
	try 100 rm-once -q -q lock
	try 100 rm-once -d 2
	[ "$stderr" = "rm-once: fatal: bad descriptor: 2" ]
	try 100 rm-once -d 3 -d 3
	try 100 rm-once -d 3 lock
	try 100 rm-once -d 3 -q
}

@test "rm-once: a program that cannot be run or found, a lock that cannot be made" {
	try 127 rm-once lock -- ./nowhere
	try 126 rm-once lock -- ./state
	try 111 rm-once no/folder -- true
	ln -s elsewhere link
	try 111 rm-once link -- true
}
