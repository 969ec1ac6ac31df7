#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# What the toolkit promises, one row a test, on a whole appliance: real pcscd,
# real TLS, real SoftHSM.  tests/mutants has a breaking patch for each.

load helpers
load room
load appliance

teardown() {
	session_end
	console_end
	appliance_end
	room_stop
	common_teardown
}

# A session that stays open: lines go to descriptor 8, answers to shell.out.
session_start() {
	rm -f cmds
	mkfifo cmds
	# shellcheck disable=SC2086 # options are words
	room rmctl $RMCTL --as "${1:-alice}" shell <cmds >shell.out \
		2>shell.err 3>&- 7>&- &
	SESSION_PID=$!
	exec 8>cmds
	session_says status '^name '
}

# session_says LINE PATTERN: sends a line, waits for the answer.
session_says() {
	: >shell.out
	echo "$1" >&8
	until_true grep -q "$2" shell.out
}

session_end() {
	[ -n "${SESSION_PID:-}" ] || return 0
	exec 8>&-
	kill -TERM "$SESSION_PID" 2>/dev/null || :
	wait "$SESSION_PID" 2>/dev/null || :
	SESSION_PID=
}

# Waits until the session has been ended, and returns its exit code.  Its input
# stays open up to then: at the end of input a station ends by itself.
session_wait() {
	local rc=0
	timeout 60 tail --pid="$SESSION_PID" -f /dev/null
	exec 8>&-
	wait "$SESSION_PID" || rc=$?
	SESSION_PID=
	return "$rc"
}

# The appliance with its console, in a real terminal.
console_boot() {
	tmux -S "$BATS_TEST_TMPDIR/tmux" -f /dev/null new-session -d -x 80 -y 25 \
		"exec room rm-supervise boot" 3>&- 7>&- 8>&-
	CONSOLE=1
	until_true screen_shows 'Local Management Console'
}

screen() {
	tmux -S "$BATS_TEST_TMPDIR/tmux" capture-pane -p
}

screen_shows() {
	screen | grep -qF "$1"
}

keys() {
	tmux -S "$BATS_TEST_TMPDIR/tmux" send-keys "$@"
}

# From the main menu into the RM window.
console_arm() {
	keys R
	keys Enter
	until_true screen_shows 'ready to process remote commands'
	until_true test -s "$RM_RUN/remote.addr"
	[ -e known ] || timeout 60 room rmctl trust --fingerprint \
		"$APPLIANCE" 127.0.0.1 >known 2>&1
}

console_end() {
	[ -n "${CONSOLE:-}" ] || return 0
	local pid
	pid=$(tmux -S "$BATS_TEST_TMPDIR/tmux" display -p '#{pane_pid}') || pid=
	[ -z "$pid" ] || kill -TERM "$pid"
	[ -z "$pid" ] || timeout 60 tail --pid="$pid" -f /dev/null
	tmux -S "$BATS_TEST_TMPDIR/tmux" kill-server 2>/dev/null || :
	CONSOLE=
}

@test "promise 1: nothing listens until the console arms, and Esc there disarms" {
	appliance_init hsm-1 1 alice
	console_boot
	try 11 room rmctl $RMCTL status
	run -0 room ss -Hltn 'sport = :4433'
	[ -z "$output" ]
	console_arm
	try 0 room rmctl $RMCTL status
	keys Escape
	until_true screen_shows 'Remote Management'
	[ ! -e "$RM_RUN/console/armed" ]
	until_true rm-once -q "$RM_RUN/remote.addr"
	try 11 room rmctl $RMCTL status
}

@test "promise 2: nothing works before authentication is complete" {
	appliance_init hsm-1 2 alice bob
	appliance_boot
	appliance_arm
	# Every operation, asked for without a signature.
	local op
	for op in status help stop-service restart switch-off; do
		run timeout 60 room sh -c "(echo $op; sleep 0.2) | openssl \
			s_client -quiet -alpn rm/1 -connect 127.0.0.1:4433 2>/dev/null"
		has "$output" 'rm/1 *! usage *'
		refute_line_begins ':'
	done
	# And with one signature of two.
	card_remove bob
	try 33 room rmctl $RMCTL --wait 1 status
	[ -z "$output" ]
	[ -e "$RM_RUN/service" ]
	! grep -E ' (begin|session-begin) ' "$RM_STATE/audit.log"
}

refute_line_begins() {
	local line
	for line in "${lines[@]}"; do
		[[ $line != "$1"* ]] || { echo "has: $line"; return 1; }
	done
}

@test "promise 3: what is not in the policy for remote use is local only" {
	appliance_init hsm-1 1 alice
	# What a new appliance lets in remotely is this, and no more.
	local op remote=
	try 0 rm-rules explain "$RM_BUILD/lib/rm/ops"
	for op in "$RM_BUILD"/lib/rm/ops/*; do
		[[ $output == *$'\n'"${op##*/}: the local console"* ]] ||
			remote+="${op##*/} "
	done
	[ "$remote" = "audit custodian-list explain factory-reset help \
live-sync partition-change-pin partition-create partition-delete \
partition-list policy-show restart set-mode start-service status \
stop-service switch-off unlock-master " ]
	mkdir ops
	cp "$RM_BUILD"/lib/rm/ops/* ops
	cp "$RM_BUILD"/lib/rm/*.sh .
	printf '%s\n' '#!/bin/sh' '# summary: one more' '# class: normal' \
		'# limit: 5' 'echo ran' >ops/more
	chmod 755 ops/more
	RM_OPS=$PWD/ops appliance_boot
	appliance_arm
	try 41 room rmctl $RMCTL more
	has "$stderr" '*policy*more*'
	[ -z "$output" ]
	try 0 room rmctl $RMCTL help
	for op in status start-service stop-service restart switch-off \
		set-mode factory-reset unlock-master live-sync; do
		has "$output" "*$op*"
	done
	# The very same executable runs at the appliance.
	try 0 ops/more
	[ "$output" = ran ]
}

@test "promise 4: one session at a time, and the holder notices nothing" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	session_start
	# From the same address, at once, again and again.
	local i
	local signed
	signed=$(card_count alice 'GENERAL AUTHENTICATE')
	for i in 1 2 3; do
		try 10 room rmctl $RMCTL status
		has "$stderr" '*busy*'
	done
	# Told before any card was used.
	[ "$(card_count alice 'GENERAL AUTHENTICATE')" = "$signed" ]
	session_says status '^name '
	run ! grep -E 'busy|lost|fatal' shell.err
	session_end
	until_true rm-once -q "$RM_RUN/session"
	try 0 room rmctl $RMCTL status
}

@test "promise 4: a visitor keeps nobody out" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	mkfifo hold
	room openssl s_client -quiet -alpn rm/1 -connect 127.0.0.1:4433 \
		<hold >visitor.out 2>/dev/null 3>&- 7>&- &
	PIDS+=("$!")
	exec 9>hold
	until_true grep -q '^rm/1 .* ready ' visitor.out
	try 0 room rmctl $RMCTL status
	exec 9>&-
}

@test "promise 4: of two that complete at once, one gets the session" {
	appliance_init hsm-1 1 alice
	card_insert 1 bob
	appliance_enrol 1 bob
	appliance_boot
	appliance_arm
	local i rc_a rc_b
	for i in 1 2 3; do
		rc_a=0 rc_b=0
		room rmctl $RMCTL --reader "$(room_reader 0)" --as alice shell \
			<<<'status' >a.out 2>a.err 3>&- 7>&- &
		local a=$!
		room rmctl $RMCTL --reader "$(room_reader 1)" --as bob shell \
			<<<'status' >b.out 2>b.err 3>&- 7>&- || rc_b=$?
		wait "$a" || rc_a=$?
		# Both may have had it one after the other, never neither.
		case $rc_a,$rc_b in
		0,0 | 0,10 | 10,0) ;;
		*) echo "alice $rc_a bob $rc_b"; cat a.err b.err; return 1 ;;
		esac
		until_true rm-once -q "$RM_RUN/session"
	done
	# Never two at a time: begins and ends alternate.
	run -0 grep -oE ' session-(begin|end) ' "$RM_STATE/audit.log"
	[ "$(printf '%s\n' "${lines[@]}" | uniq -c | awk '$1 > 1')" = "" ]
}

@test "promise 4: a holder that vanishes frees the session" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	session_start
	kill -KILL "$SESSION_PID"
	wait "$SESSION_PID" 2>/dev/null || :
	SESSION_PID=
	exec 8>&-
	until_true rm-once -q "$RM_RUN/session"
	try 0 room rmctl $RMCTL status
}

@test "promise 5: a connection that is not used is ended, and told" {
	IDLE=2 appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	session_start
	local rc=0 since=$SECONDS
	until_true grep -q 'idle limit' shell.err
	# Not by the limit that is preset.
	[ $((SECONDS - since)) -lt 115 ]
	session_wait || rc=$?
	[ "$rc" -eq 12 ]
	until_true rm-once -q "$RM_RUN/session"
}

@test "promise 5: the limit is 2 minutes unless the owner says otherwise" {
	station_setup
	room rm-supervise init hsm-1 <<<"$MASTER_PASSWORD"
	grep -qx 'idle 120' "$RM_STATE/conf"
	sed -i '/^idle /d; s/0\.0\.0\.0/127.0.0.1/' "$RM_STATE/conf"
	card_insert 0 alice
	APPLIANCE=$(cat "$RM_STATE/appliance")
	appliance_enrol 0 alice
	sed -i 's/^session .*/session 1/' "$RM_STATE/policy"
	appliance_boot
	appliance_arm
	session_start
	run -0 pgrep -f "rm-idle -m $RM_RUN/session.holder 120 "
}

@test "promise 6: the console shows who manages, from where, by which algorithms" {
	appliance_init hsm-1 2 alice bob
	console_boot
	console_arm
	screen_shows 'RM (press ESC to exit)'
	session_start bob
	until_true screen_shows 'active manager: 127.0.0.1'
	screen_shows 'alice'
	screen_shows 'bob'
	screen_shows 'TLSv1.3'
	screen_shows 'TLS_AES_256_GCM_SHA384'
	session_end
	until_true screen_shows 'ready to process remote commands'
}

@test "promise 7: any key at the console ends the session and disarms" {
	appliance_init hsm-1 1 alice
	console_boot
	console_arm
	session_start
	keys x
	local rc=0
	session_wait || rc=$?
	[ "$rc" -eq 13 ]
	grep -q 'local console took over' shell.err
	[ ! -e "$RM_RUN/console/armed" ]
	until_true screen_shows 'Remote Management'
	until_true rm-once -q "$RM_RUN/remote.addr"
	try 11 room rmctl $RMCTL status
}

@test "promise 7: a key ends a session whose operation ignores it" {
	appliance_init hsm-1 1 alice
	mkdir ops
	cp "$RM_BUILD"/lib/rm/ops/* ops
	cp "$RM_BUILD"/lib/rm/*.sh .
	printf '%s\n' '#!/bin/sh' '# summary: stubborn' '# class: normal' \
		'# limit: 500' 'trap "" TERM HUP INT' 'echo started' \
		'echo $$ >"$RM_RUN/stubborn"' \
		'while :; do sleep 0.1; done' >ops/stubborn
	chmod 755 ops/stubborn
	echo 'stubborn session' >>"$RM_STATE/policy"
	RM_OPS=$PWD/ops console_boot
	console_arm
	session_start
	session_says stubborn started
	keys x
	session_wait || :
	local pid
	pid=$(cat "$RM_RUN/stubborn")
	timeout 60 tail --pid="$pid" -f /dev/null
	until_true grep -q ' cut .*operation=stubborn' "$RM_STATE/audit.log"
	try 0 rm-audit verify "$RM_STATE/audit.log"
}

@test "promise 8: a remote restart comes back armed, once" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	try 0 room rmctl $RMCTL --yes hsm-1 restart
	appliance_booted
	has "$BOOTED" 'boot 2 *'
	try 0 room rmctl $RMCTL status
	has "$output" *'boot 2'*
	# The next one does not, though nobody was there to disarm.
	kill -KILL "$BOOT_PID"
	wait "$BOOT_PID" || :
	until_true rm-once -q "$RM_STATE/lock"
	appliance_boot
	has "$BOOTED" 'boot 3 *'
	try 11 room rmctl $RMCTL status
}

@test "promise 8: switched off remotely, it comes back armed" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	try 0 room rmctl $RMCTL --yes hsm-1 switch-off
	wait "$BOOT_PID"
	appliance_boot
	try 0 room rmctl $RMCTL status
}

@test "promise 8: a local restart comes back disarmed" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	try 0 room rm-supervise disarm
	echo restart >"$RM_RUN/power"
	appliance_booted
	has "$BOOTED" 'boot 2 *'
	try 11 room rmctl $RMCTL status
}

@test "promise 8: an appliance that was killed comes back disarmed" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	kill -KILL "$BOOT_PID"
	wait "$BOOT_PID" || :
	appliance_boot
	try 11 room rmctl $RMCTL status
}
