#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The console's RM window, and what ends remote management.
load helpers
load console
@test "rm-console arms, shows the RM window, and a key ends both" {
	console
	console_arm
	shows "$RM_TITLE"
	shows "$(printf '%028d' 0)beef"
	shows_not Main
	press Escape at Main
	shows_not "$RM_TITLE"
	disarmed
	until_true grep -qx disarmed run/record
	[ ! -s err ]
	# The other name for it.
	menu Configuration
	choose 'Load Remote Management' shows "$READY"
	armed
}

@test "rm-console: any byte is local activity, whatever it means elsewhere" {
	console
	see Main
	local key
	for key in x Enter C-c C-s C-z C-l C-@ C-d Up F5 ä; do
		arm
		see "$READY"
		press "$key" at Main
		disarmed
	done
	shows_not "$RM_TITLE"
}

@test "rm-console: of several terminals any byte from any one ends it at all" {
	local at
	console
	menu
	console
	menu
	for at in '1 2' '2 1'; do
		at_terminal "${at% *}"
		choose 'Remote Management' shows "$READY"
		hold run/session
		see 'active manager'
		at_terminal "${at#* }"
		see 'active manager'
		shows "$RM_TITLE"
		keys x
		effect at Main
		disarmed
		at_terminal "${at% *}"
		effect at Main
		let_go
	done
	until_true eval '[ "$(grep -cx disarmed run/record)" = 2 ]'
	# A lock is for all of them as well.
	mkdir -p state/custodians/alice
	: >state/locked
	for at in 1 2; do
		at_terminal "$at"
		effect at Locked
	done
	arm
	see "$READY"
	at_terminal 1
	see "$READY"
	press x at Locked
	disarmed
	at_terminal 2
	effect at Locked
	# One that ends leaves the other as it was.
	rm state/locked
	effect at Main
	console_pid
	kill -TERM "$CONSOLE_PID"
	at_terminal 1
	effect at Main
	arm
	see "$READY"
	press x at Main
	disarmed
}

@test "rm-console unlinks first, rearm before armed, then draws, then records" {
	console 'strace -f -e trace=unlink,write,execve -o trace rm-console'
	console_arm
	: >state/rearm
	# The terminal is written to only after both are gone.
	local before
	before=$(wc -l <trace)
	press x at Main
	until_true grep -q '"disarm"' trace
	# Its child that watches the card reader may begin late.
	run -0 sed -n "1,${before}d; s/ = .*//; s/^$CONSOLE_PID *//p" trace
	has "${lines[0]}" "unlink(*/state/rearm\")"
	has "${lines[1]}" "unlink(*/run/console/armed\")"
	has "${lines[2]}" 'write(*'
	disarmed
	[ ! -e state/rearm ]
}

@test "rm-console waits for nobody when it disarms" {
	mkfifo hang
	stand_in rm-supervise <<-'SH'
	read -r _ <hang
	SH
	console
	see Main
	arm
	see "$READY"
	press x at Main
	disarmed
	# And it is at work while that still hangs.
	menu 'Power Off'
	: >hang
}

@test "rm-console comes up in the RM window when it is armed" {
	arm
	console
	see "$READY"
	armed
	shows_not Main
	press x at Main
	disarmed
}

@test "rm-console: what was typed before it was ready counts" {
	arm
	: >state/rearm
	mkfifo go
	console 'read _ <go; exec rm-console'
	keys x
	# The terminal has it, and echoes it.
	see x
	echo >go
	see Main
	disarmed
	[ ! -e state/rearm ]
	# No key, no disarming: the same without.
	console_end
	arm
	console 'read _ <go; exec rm-console'
	echo >go
	see "$READY"
	armed
}

@test "rm-console follows who arms and disarms elsewhere, from any menu" {
	console
	menu 'Power Off'
	arm
	see "$RM_TITLE"
	rm run/console/armed
	see Main
	arm
	see "$RM_TITLE"
	armed
}

@test "rm-console: a resize is not activity" {
	console
	console_arm
	mux resize-window -x 100 -y 40
	until_true eval 'screen | tail -n 1 | grep -q "Service stopped \{50,\}"'
	shows "$READY"
	mux resize-window -x 80 -y 25
	until_true eval '[ "$(screen | wc -l)" = 25 ] &&
		screen | tail -n 1 | grep -q "^Service stopped .*<none>"'
	shows "$RM_TITLE"
	armed
	[ ! -e run/record ]
}

@test "rm-console shows who manages, from where, by which algorithms" {
	console
	console_arm
	hold run/session
	see 'active manager: 172.17.0.1'
	shows_not "$READY"
	shows 'manager     bob'
	shows 'alice,bob'
	shows 'TLSv1.3 X25519'
	shows 'ecdsa_secp256r1_sha256 TLS_AES_256_GCM_SHA384'
	# Replaced by hand: the screen follows.
	sed 's/^ip .*/ip 2001:db8::7/; s/^custodians .*/custodians carol/' \
		run/session.holder >run/new
	mv run/new run/session.holder
	see 'active manager: 2001:db8::7'
	shows carol
	let_go
	see "$READY"
	armed
	# What a dead holder left is not believed of the next.
	listen rm-listen -R 4 -l run/session 127.0.0.1 0 -- cat
	see 'a session begins or ends'
	shows_not 2001
}

@test "rm-console shows who has signed, while they are there" {
	console
	console_arm
	rm-once run/quorum.2 -- sleep 600 3>&- &
	HOLDER=$!
	PIDS+=("$HOLDER")
	printf '%s\n' 'have 1' 'want 2' 'manager bob' 'custodians alice' \
		'ip 172.17.0.1' >>run/quorum.2
	# What nobody holds is nothing.
	printf '%s\n' 'have 1' 'want 2' 'custodians mallory' >run/quorum.1
	see 'quorum 1 of 2: alice (172.17.0.1)'
	shows_not mallory
	printf '%s\n' 'have 2' 'want 3' 'custodians alice,carol' \
		'ip 172.17.0.9' >run/quorum.2
	see 'quorum 2 of 3: alice,carol (172.17.0.9)'
	let_go
	until_true shows_not quorum
	shows "$READY"
}

shows_idle() {
	screen | grep -qE "idle +$1 s of 77"
}

@test "rm-console counts the idle seconds of a session" {
	echo 'idle 77' >>state/conf
	console
	console_arm
	hold run/session
	see 'active manager'
	# Whoever looks late sees a few seconds more, not other digits.
	touch -d '2000 seconds ago' run/session.holder
	until_true shows_idle '[0-9]{4}'
	touch run/session.holder
	until_true shows_idle '[0-9]{1,2}'
	# They go on by themselves.
	until_true shows_idle '([2-9]|[0-9]{2})'
}

@test "rm-console shows the operation under way, and how the last ones ended" {
	start_log
	operation slow normal <<-'SH'
	echo '%% 41 of the way'
	read -r _ <"$RM_RUN/go"
	echo '!! failed not today'
	exit 1
	SH
	mkfifo run/go
	console
	console_arm
	hold run/session
	see 'active manager'
	echo status | RM_AUTH_MANAGER=bob rm-exec -L "$RM_OPS"
	see 'status: done'
	echo slow | rm-exec -L "$RM_OPS" >answer 3>&- &
	see 'operation   slow'
	see '41 % of the way'
	: >run/go
	see 'slow: failed'
	until_true shows_not 'operation   slow'
	[ ! -e run/operation.progress ]
}

@test "rm-console: a key ends it while a session is open" {
	console
	console_arm
	hold run/session
	see 'active manager'
	press q at Main
	disarmed
}

@test "rm-console: killed in the middle of a session it comes back right" {
	operation partition-list read <<<'echo said so'
	console
	console_arm
	hold run/session
	see 'active manager: 172.17.0.1'
	console_pid
	kill -KILL "$CONSOLE_PID"
	until_true [ -s rc ]
	armed
	# What changed meanwhile is seen as well.
	sed 's/^ip .*/ip 172.17.0.9/' run/session.holder >run/new
	mv run/new run/session.holder
	console
	see 'active manager: 172.17.0.9'
	shows "$RM_TITLE"
	shows 'alice,bob'
	armed
	let_go
	see "$READY"
	press x at Main
	disarmed
	# What it hears of an operation is not taken for the card reader's.
	menu Partition
	choose List shows 'said so'
}

@test "rm-console: a thousand events a second, and a key is answered" {
	log_lines 1 1000 >state/audit.log
	console
	console_arm
	hold run/session
	see 'active manager'
	while :; do
		for i in {1..50}; do echo >run/audit.head; done
		moment 0.02
	done 3>&- &
	PIDS+=("$!")
	see 'op-1000: read'
	keys x
	effect disarmed
	effect at Main
	# In a menu as well.
	keys P
	effect on Partition
	keys Enter
	effect at Partition
}

@test "rm-console shows foreign text without what could harm a terminal" {
	console
	console_arm
	hold run/session
	see 'active manager'
	printf 'pid %s\nip \033[2J\033]0;x\007\nmanager a\tb\xc2\x9b31m\n' \
		"$HOLDER" >run/new
	mv run/new run/session.holder
	see 'active manager: ?[2J?]0;x?'
	shows 'a?b??31m'
	shows "$RM_TITLE"
}

@test "rm-console says why arming failed" {
	stand_in rm-supervise <<-'SH'
	echo 'rm-supervise: fatal: no luck' >&2
	exit 111
	SH
	console
	menu
	choose 'Remote Management' shows 'rm-supervise: fatal: no luck'
	choose OK at Main
	rm bin/rm-supervise
	PATH=/usr/bin:/bin console_path
}

# There may be no rm-supervise at all.
console_path() {
	console_end
	cp "$RM_BUILD/bin/rm-console" bin/
	console bin/rm-console
	menu
	choose 'Remote Management' shows 'unable to run rm-supervise'
}

@test "rm-console: a key typed while it is still arming ends that" {
	mkfifo go
	stand_in rm-supervise <<-'SH'
	[ "$1" = arm ] || exit 0
	read -r _ <go
	echo 0123 >"$RM_RUN/console/armed"
	echo was >"$RM_RUN/was"
	SH
	console
	menu
	choose 'Remote Management' shows 'switching remote management on'
	keys x
	echo >go
	until_true [ -e run/was ]
	until_true disarmed
	see Main
	# In one go with the key that arms.
	rm run/was
	reach on 'Remote Management'
	keys Enter x
	echo >go
	until_true [ -e run/was ]
	until_true disarmed
	see Main
}

@test "rm-console sleeps while nothing happens" {
	local armed menu
	console
	console_arm
	wakes >/dev/null
	local first=$CONSOLE_PID
	# And another appliance's, in its menu, at the same time.
	cp -r state state.2
	mkdir -p run.2/console
	RM_STATE=$PWD/state.2 RM_RUN=$PWD/run.2 console
	menu
	wakes >/dev/null
	armed=$(wakes_of "$first") menu=$(wakes_of "$CONSOLE_PID")
	moment 10
	[ "$(wakes_of "$first")" = "$armed" ]
	[ "$(wakes_of "$CONSOLE_PID")" = "$menu" ]
	kill -TERM "$first"
}

@test "rm-console is not woken by its own looks, nor by others'" {
	: >run/session
	: >run/service.addr
	console
	console_arm
	local before i
	before=$(wakes)
	for i in 1 2 3 4 5; do
		rm-once -q run/session
		rm-once -q run/service.addr
	done
	[ "$(wakes)" = "$before" ]
}
