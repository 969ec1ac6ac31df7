#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The supervisor alone: no cards, no custodian signs here.

load helpers
load room
load appliance

setup() {
	common_setup
	room_start
	station_setup
}

# An appliance on 127.0.0.1, inside the room.
init_here() {
	printf '%s\n' 'name hsm-1' 'listen 127.0.0.1 4433' \
		'service 127.0.0.1 4434' 'idle 120' >"$RM_STATE/conf"
	APPLIANCE=$(rm-supervise init hsm-1 <<<"$MASTER_PASSWORD")
	APPLIANCE=${APPLIANCE##* }
}

armed() {
	[ -e "$RM_RUN/console/armed" ]
}

@test "rm-supervise init makes an identity whose fingerprint openssl agrees with" {
	try 0 rm-supervise init hsm-1 <<<"$MASTER_PASSWORD"
	local key
	key=$(openssl x509 -in "$RM_STATE/device.crt" -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum)
	[ "$output" = "appliance hsm-1 ${key%% *}" ]
	[ "$(cat "$RM_STATE/appliance")" = "${key%% *}" ]
	[ "$(stat -c %a "$RM_STATE/device.key")" = 600 ]
	grep -qx 'name hsm-1' "$RM_STATE/conf"
	grep -qx 'listen 0.0.0.0 4433' "$RM_STATE/conf"
	grep -qx 'service 0.0.0.0 4434' "$RM_STATE/conf"
	has "$(head -n 1 "$RM_STATE/audit.log")" \
		"1 * init name=hsm-1 appliance=${key%% *} *"
	try 0 rm-audit verify "$RM_STATE/audit.log"
}

@test "rm-supervise init refuses a second appliance, and a bad name" {
	try 0 rm-supervise init hsm-1 <<<"$MASTER_PASSWORD"
	try 1 rm-supervise init hsm-2
	has "$stderr" "rm-supervise: fatal: refused: *already has an appliance"
	try 100 rm-supervise init Hsm
	try 100 rm-supervise init
	try 100 rm-supervise
	try 100 rm-supervise wonder
}

@test "rm-supervise init makes master, with a password from a descriptor, and nothing without one" {
	try 1 rm-supervise init hsm-1 </dev/null
	has "$stderr" '*no password: *'
	[ ! -e "$RM_STATE/appliance" ]
	try 1 rm-supervise init hsm-1 <<<short
	[ ! -e "$RM_STATE/appliance" ]
	try 100 rm-supervise init --password-fd 12 hsm-1
	try 100 rm-supervise init --password-fd
	try 100 rm-supervise init --password-fd 5
	# What did not come to be can be begun again.
	try 0 rm-supervise init --password-fd 5 hsm-1 5<<<'from descriptor 5' \
		</dev/null
	[ "$(ls "$RM_STATE/current/users")" = master ]
	try 0 rm-login "$RM_STATE/current/users" -- echo in \
		<<<'login master from%20descriptor%205'
	[ "$(cat "$RM_STATE/softhsm2.conf")" = 'directories.tokendir = tokens' ]
	run ! grep -r 'descriptor 5' "$RM_STATE"
}

@test "rm-supervise init at a terminal asks for the password of master, twice" {
	mkfifo keys
	script -qfec 'rm-supervise init hsm-1; echo status=$?' typescript \
		<keys >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	exec 5>keys
	until_true grep -q 'New password of user master: ' typescript
	echo 'masters password' >&5
	until_true grep -q 'The same again for master: ' typescript
	echo 'masters password' >&5
	wait "${PIDS[-1]}"
	exec 5>&-
	grep -q '^appliance hsm-1 ' typescript
	grep -q 'status=0' typescript
	run ! grep 'masters p' typescript
	try 0 rm-login "$RM_STATE/current/users" -- echo in \
		<<<'login master masters%20password'
}

@test "rm-supervise wants an appliance before anything else" {
	for verb in 'enrol alice' arm disarm; do
		# shellcheck disable=SC2086
		try 100 rm-supervise $verb
		has "$stderr" '*run rm-supervise init NAME'
	done
}

@test "rm-supervise arm is refused when the appliance is not booted" {
	init_here
	try 1 rm-supervise arm
	has "$stderr" '*refused: the appliance is not booted'
}

@test "rm-supervise: one that was ended, or killed, is not up any more" {
	init_here
	echo 'boot-pause 0' >>"$RM_STATE/conf"
	appliance_boot
	appliance_end
	try 1 room rm-supervise arm
	has "$stderr" '*refused: the appliance is not booted'
	appliance_boot
	kill -KILL "$BOOT_PID"
	wait "$BOOT_PID" || :
	until_true rm-once -q "$RM_STATE/lock"
	[ -e "$RM_RUN/on" ]
	try 1 room rm-supervise arm
	has "$stderr" '*refused: the appliance is not booted'
	# Enrolling goes on, and has its record.
	[ ! -e "$RM_STATE/sealed" ]
	card_insert 0 alice
	appliance_enrol 0 alice
	grep -q ' enrol custodian=alice ' "$RM_STATE/audit.log"
}

@test "rm-supervise: every verb but status is local activity" {
	local verb
	init_here
	appliance_boot
	for verb in 'init hsm-2' 'draft drop' 'enrol alice' 'boot --headless'; do
		try 0 room rm-supervise arm
		try 0 room rm-supervise status
		armed
		# shellcheck disable=SC2086 # words
		room rm-supervise $verb </dev/null >>appliance.log 2>&1 3>&- &
		PIDS+=("$!")
		until_true eval '! armed'
		kill "$!" 2>/dev/null || :
	done
}

@test "rm-supervise: an arming that fails is none" {
	init_here
	room rm-listen 127.0.0.1 4433 -- true 3>&- &
	PIDS+=("$!")
	appliance_boot
	try 111 room rm-supervise arm
	has "$stderr" '*fatal: remote management does not listen*'
	run ! armed
	grep -q ' disarm was=armed ' "$RM_STATE/audit.log"
}

@test "rm-supervise: a visitor has the time of the setting, and is told when it is over" {
	appliance_init hsm-1 1 alice
	echo 'visitor 1' >>"$RM_STATE/conf"
	appliance_boot
	appliance_arm
	mkfifo silent
	exec 8<>silent
	room timeout 60 openssl s_client -quiet -alpn rm/1 \
		-connect 127.0.0.1:4433 <silent >heard 2>/dev/null 3>&- 8>&- &
	wait "$!" || :
	exec 8>&-
	has "$(<heard)" '*! quorum-incomplete *no valid vote in time*'
}

@test "rm-supervise: custodians are enrolled until the first arming, not after" {
	init_here
	card_insert 0 alice
	card_insert 1 bob
	appliance_enrol 0 alice
	[ -e "$RM_STATE"/custodians/alice/*.pem ]
	# The card's own signature is in the record, and verifies.
	grep -q ' enrol custodian=alice .* sig=' "$RM_STATE/audit.log"
	try 0 rm-audit verify "$RM_STATE/audit.log"
	[ ! -e "$RM_RUN/audit.sock" ]
	sed -i 's/^session .*/session 1/' "$RM_STATE/policy"
	appliance_boot
	appliance_arm
	run appliance_enrol 1 bob
	[ "$status" -eq 1 ]
	has "$output" '*armed before*'
	[ ! -e "$RM_STATE/custodians/bob" ]
	# It was local activity all the same.
	run ! armed
}

@test "rm-supervise: a second boot of the same state waits and is refused" {
	init_here
	appliance_boot
	PATH=$PATH:/sbin try 1 room rm-once "$RM_STATE/lock" -- true
	has "$stderr" '*is held by another'
}

@test "rm-supervise empties RM_RUN at boot and counts boots" {
	init_here
	echo junk >"$RM_RUN/junk"
	mkdir -p "$RM_RUN/console"
	echo 0123456789abcdef0123456789abcdef >"$RM_RUN/console/armed"
	appliance_boot
	[ "$BOOTED" = 'boot 1 of hsm-1' ]
	[ ! -e "$RM_RUN/junk" ]
	run ! armed
	appliance_end
	appliance_boot
	[ "$BOOTED" = 'boot 2 of hsm-1' ]
	[ "$(cat "$RM_STATE/boot-count")" = 2 ]
	appliance_end
	printf 7 >"$RM_STATE/boot-count"
	appliance_boot
	[ "$BOOTED" = 'boot 8 of hsm-1' ]
}

@test "rm-supervise does not boot, and says why, when it cannot tell which boot it is" {
	local count
	init_here
	for count in '' 08; do
		printf '%s' "$count" >"$RM_STATE/boot-count"
		try 111 room rm-supervise boot --headless
		has "$stderr" "*fatal: *boot-count is not a number: *rm-audit show *"
		[ "$(cat "$RM_STATE/boot-count")" = "$count" ]
	done
}

@test "rm-supervise arms again only at the boot that rearm names, once" {
	init_here
	echo 1 >"$RM_STATE/rearm"
	appliance_boot
	until_true armed
	[ ! -e "$RM_STATE/rearm" ]
	appliance_end
	echo 7 >"$RM_STATE/rearm"
	appliance_boot
	run ! armed
	[ ! -e "$RM_STATE/rearm" ]
}

@test "rm-supervise disarm removes rearm and ends what listens" {
	init_here
	appliance_boot
	try 0 room rm-supervise arm
	[ "$output" = 'armed, listening on port 4433' ]
	echo 2 >"$RM_STATE/rearm"
	try 0 room rm-supervise disarm
	run ! armed
	[ ! -e "$RM_STATE/rearm" ]
	until_true rm-once -q "$RM_RUN/remote.addr"
	grep -q ' disarm was=armed ' "$RM_STATE/audit.log"
}

@test "rm-supervise: every arming has an id of its own" {
	init_here
	appliance_boot
	try 0 room rm-supervise arm
	local first
	first=$(cat "$RM_RUN/console/armed")
	[[ $first =~ ^[0-9a-f]{32}$ ]]
	try 0 room rm-supervise arm
	[ "$(cat "$RM_RUN/console/armed")" != "$first" ]
}

@test "rm-supervise: an unknown word on the power FIFO changes nothing" {
	init_here
	appliance_boot
	echo explode >"$RM_RUN/power"
	until_true grep -q 'unknown word' appliance.log
	try 0 room rm-supervise arm
}

@test "rm-supervise: a restart ends all chains, and the log hears the rest" {
	init_here
	echo 'node 127.0.0.1 4435' >>"$RM_STATE/conf"
	echo prod >"$RM_STATE/current/domain"
	appliance_boot
	until_true [ -s "$RM_RUN/node.addr" ]
	echo '3 5' >"$RM_RUN/remote.refused"
	echo '2 5' >"$RM_RUN/login.refused"
	echo restart >"$RM_RUN/power"
	appliance_booted
	until_true [ -s "$RM_RUN/node.addr" ]
	grep -q ' refused count=3 ' "$RM_STATE/audit.log"
	grep -q ' login-failed count=2 ' "$RM_STATE/audit.log"
}

@test "rm-supervise: told to end while it restarts, it does not come up again" {
	init_here
	appliance_boot
	try 0 room rm-supervise arm
	# An operation is waited for.
	exec 8<>"$RM_RUN/operation"
	rm-once -d 8
	echo restart >"$RM_RUN/power"
	until_true [ -e "$RM_STATE/rearm" ]
	kill -TERM "$BOOT_PID"
	exec 8>&-
	timeout 60 tail --pid="$BOOT_PID" -f /dev/null
	wait "$BOOT_PID"
	[ ! -e "$RM_STATE/rearm" ]
	grep -q ' power verb=terminate ' "$RM_STATE/audit.log"
	# Nor does one that waits because it comes up too often.
	read -r now _ </proc/uptime
	echo "${now%.*} 10" >"$RM_RUN/boots"
	echo 2 >"$RM_STATE/rearm"
	room rm-supervise boot --headless >>appliance.log 2>&1 </dev/null 3>&- &
	BOOT_PID=$!
	until_true grep -q 'boot 11 in a row: waiting 60 s' appliance.log
	kill -TERM "$BOOT_PID"
	timeout 30 tail --pid="$BOOT_PID" -f /dev/null
	wait "$BOOT_PID"
	[ ! -e "$RM_STATE/rearm" ]
	[ "$(<"$RM_STATE/boot-count")" = 1 ]
}

@test "rm-supervise: its lock does not depend on what its caller has open" {
	init_here
	mkfifo booted
	room rm-supervise boot --headless 3</dev/null 4</dev/null >booted \
		2>>appliance.log </dev/null &
	BOOT_PID=$!
	exec 7<booted
	appliance_booted
	try 1 rm-once -q "$RM_STATE/lock"
	echo restart >"$RM_RUN/power"
	appliance_booted
	try 1 rm-once -q "$RM_STATE/lock"
}

# kill_console FIELD: the last one that began (1), or its keeper (2).
kill_console() {
	kill -KILL "$(tail -n 1 consoles | cut -d ' ' -f "$1")"
}

# consoles_were N: so many have begun.
consoles_were() {
	[ "$(wc -l <consoles)" = "$1" ]
}

# The same programs, but for the console, which can be kept from coming back.
boot_with_console() {
	mkdir app app/bin
	cp -s "$RM_BUILD"/bin/* app/bin
	rm app/bin/rm-console app/bin/rm-supervise
	cp "$RM_BUILD/bin/rm-supervise" app/bin
	ln -s "$RM_BUILD/lib" app/lib
	printf '%s\n' '#!/bin/sh' '[ ! -e dead ] || exit 1' \
		'echo $$ $PPID $TERM $(readlink /proc/$$/fd/0) >>consoles' \
		'exec sleep 600' >app/bin/rm-console
	chmod 755 app/bin/rm-console
	room app/bin/rm-supervise boot 3>&- >>appliance.log 2>&1 </dev/null &
	BOOT_PID=$!
	until_true [ -s consoles ]
}

@test "rm-supervise disarms when the console is gone, and not back in 2 s" {
	init_here
	boot_with_console
	appliance_arm
	kill_console 1
	until_true consoles_were 2
	armed
	: >dead
	kill_console 1
	until_true eval '! armed'
	until_true grep -q ' disarm was=armed ' "$RM_STATE/audit.log"
	# It is still tried, and may arm again.
	rm dead
	until_true consoles_were 3
	appliance_arm
	armed
}

@test "rm-supervise: the console's own keeper is killed: another one, or disarmed" {
	init_here
	boot_with_console
	appliance_arm
	kill_console 2
	until_true consoles_were 2
	armed
	: >dead
	kill_console 2
	until_true eval '! armed'
	until_true grep -q ' disarm was=armed ' "$RM_STATE/audit.log"
}

@test "rm-supervise: a console for each terminal of the setting, and each is missed" {
	init_here
	mkfifo ttyS0
	echo "console - $PWD/ttyS0=vt100" >>"$RM_STATE/conf"
	boot_with_console
	until_true consoles_were 2
	grep -q ' /dev/null$' consoles
	grep -q " vt100 $PWD/ttyS0\$" consoles
	appliance_arm
	# The other one stays, but who stands at this one cannot disarm.
	: >dead
	sed -i '/ttyS0/!d' consoles
	kill_console 1
	until_true eval '! armed'
	appliance_end
	run ! pgrep -f "rm-keep .* $RM_RUN/on"
}

# Every command that the script runs counts itself, and the one whose turn it
# is kills the supervisor in place of being run.
traps_setup() {
	local name
	mkdir traps
	for name in cat mv rm sync find mkdir mkfifo sed timeout od tr; do
		cat >"traps/$name" <<-TRAP
		#!/bin/sh
		echo x >>"$PWD/steps"
		if [ "\$(wc -l <"$PWD/steps")" = "\${KILL_AT:-0}" ]; then
			kill -KILL "\$(/bin/cat "$PWD/boot.pid")"
			exit 1
		fi
		exec $(command -v "$name") "\$@"
		TRAP
		chmod 755 "traps/$name"
	done
}

boot_with_trap() {
	: >steps
	rm -f booted
	mkfifo booted
	KILL_AT=$1 PATH=$PWD/traps:$PATH room sh -c 'echo $$ >boot.pid
		exec rm-supervise boot --headless' 3>&- >booted \
		2>>appliance.log </dev/null &
	BOOT_PID=$!
	exec 7<booted
	read -r -t 30 BOOTED <&7 || BOOTED=
}

@test "rm-supervise killed at every step of a boot: never armed twice, never by mistake" {
	init_here
	echo 'boot-pause 0' >>"$RM_STATE/conf"
	traps_setup
	local step=0 number
	while step=$((step + 1)); do
		[ "$step" -lt 60 ]
		number=$(($(cat "$RM_STATE/boot-count" 2>/dev/null || echo 0) + 1))
		echo "$number" >"$RM_STATE/rearm"
		boot_with_trap "$step"
		[ -z "$BOOTED" ] || break
		timeout 30 tail --pid="$BOOT_PID" -f /dev/null
		wait "$BOOT_PID" || :
		# What the killed one left is a state before or after each step.
		appliance_boot
		if [ "$BOOTED" = "boot $number of hsm-1" ]; then
			until_true armed
		else
			[ "$BOOTED" = "boot $((number + 1)) of hsm-1" ]
			run ! armed
		fi
		[ ! -e "$RM_STATE/rearm" ]
		appliance_end
		rm-audit verify "$RM_STATE/audit.log" >/dev/null
	done
	# The last one got through, so every step before it was tried.
	[ "$step" -gt 10 ]
}
