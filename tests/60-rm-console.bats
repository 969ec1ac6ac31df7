#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The console in a real terminal: menus, operations, terminals.
load helpers
load console

@test "rm-console: the bottom line names the replication domain" {
	mkdir -p state/current
	echo 'name prod' >state/current/domain
	console
	see 'Replication Domain: prod'
}

@test "rm-console shows a menu in which every entry works, and nothing else" {
	console
	see 'Power Off'
	run -0 screen
	[ "${lines[0]}" = "$ROOT" ]
	has "${lines[-1]}" 'Service stopped *Replication Domain: <none>'
	run -0 sed -n 's/^ *│ \(.*[^ ]\) *│$/\1/p' <<<"$output"
	[ "$output" = 'About
Start Service
Monitor ▸
Remote Management
Configuration ▸
Partition ▸
Self Test
Lock Console
Power Off ▸' ]
}

@test "rm-console tells whether the service runs, from its lock" {
	console
	see 'Start Service'
	hold run/service.addr
	see 'Service running...'
	see 'Stop Service'
	let_go
	see 'Service stopped'
	see 'Start Service'
}

@test "rm-console: About tells all there is to know, and shows the key to a camera" {
	mkdir -p state/gen-1
	ln -s gen-1 state/current
	echo NRM >state/gen-1/mode
	mkdir -p state/gen-1/users/bob
	touch state/gen-1/users/bob/password
	echo 7 >state/gen-1/users/bob/failures
	echo 'engine /usr/lib/softhsm/libsofthsm2.so' >>state/conf
	local key
	key=$(echo a key | sha256sum)
	echo "${key%% *}" >state/service
	start_log
	echo 'durable boot number=7' | socat - UNIX-CONNECT:run/audit.sock
	console
	menu
	choose About shows 'mode      NRM'
	shows 'boot      7'
	shows 'name      hsm-1'
	shows "$(printf '%016d' 0)beef"
	shows 'engine    /usr/lib/softhsm'
	shows 'log       whole'
	shows 'blocked   bob'
	shows "${key:0:22}"
	shows "${key:44:20}"
	# The finder patterns of a QR code.
	shows '█▀▀▀▀▀█'
	choose OK at Main
}

@test "rm-console: About sees a log that was changed" {
	start_log
	echo 'durable boot number=7' | socat - UNIX-CONNECT:run/audit.sock
	echo 'durable boot number=8' | socat - UNIX-CONNECT:run/audit.sock
	sed -i 's/number=7/number=6/' state/audit.log
	try 0 env RM_OPS="$RM_OPS" "$RM_OPS/about"
	has "$output" '*log BROKEN: *'
	console
	menu
	choose About shows BROKEN
}

@test "rm-console stops and starts the real service, and it is recorded" {
	start_log
	echo wanted >run/service
	rm-keep run/service -- rm-listen -l run/service.addr 127.0.0.1 0 -- \
		cat 3>&- 2>/dev/null &
	PIDS+=("$!")
	console
	see 'Service running...'
	menu
	choose 'Stop Service' shows 'the service is stopped'
	see 'Service stopped'
	[ ! -e run/service ]
	choose OK at Main
	choose 'Start Service' shows 'the service listens on 127.0.0.1'
	see 'Service running...'
	run -0 grep -cE ' (begin|end) .*operation=(stop|start)-service ' \
		state/audit.log
	[ "$output" = 4 ]
}

@test "rm-console says so when an operation is refused, and goes on" {
	console
	menu
	choose 'Start Service' \
		shows 'not done: system the log does not take the record'
	back Main
}

@test "rm-console: an entry is there only if its operation is" {
	operation keep </dev/null
	rm ops/restart
	console
	menu 'Power Off'
	shows_not Restart
	rm ops/switch-off
	operation restart power <<<'echo anew'
	back Main
	choose 'Power Off'
	shows Restart
}

@test "rm-console: a long answer can be read in full" {
	start_log
	operation start-service normal <<<'seq -f "line %g." 60; echo "the end"'
	console
	menu
	choose 'Start Service' shows 'line 1.'
	answered 'line 1.'
	shows_not 'the end'
	press NPage shows 'line 20.'
	press PPage shows 'line 1.'
	press End shows 'the end'
	shows_not 'line 1.'
	press Home shows 'line 1.'
	press End shows 'the end'
	press Up shows_not 'the end'
	shows 'line 60'
	choose OK at Main
}

@test "rm-console asks for arguments, and for the name before it destroys" {
	start_log
	operation set-mode destructive 'args: mode=NRM|RM1|RM2 why=/[a-z]{3,9}/ [more]' \
		'note: erases this' 'note: keeps that' <<<'echo "got $# $1 $2"'
	console
	menu Configuration 'Operating Mode'
	shows 'erases this'
	shows 'keeps that'
	# A text that does not match, and a wrong name.
	on NRM
	pick RM1
	move Enter
	fill abcd12
	field 'type its name, hsm-1'
	fill hsm-2
	choose OK shows '*** '
	field why
	fill abx
	press BSpace is_value ab
	keys -l c
	effect is_value abc
	choose OK shows 'that is not the name'
	shows 'abc___'
	field 'type its name, hsm-1'
	press BSpace is_value hsm-
	fill hsm-1
	choose OK shows 'got 2 RM1 abc'
	answered 'got 2 RM1 abc'
	grep -q ' begin .*operation=set-mode args=RM1%20abc ' state/audit.log
	choose OK at Configuration
	# Esc leaves it, nothing is kept.
	choose 'Operating Mode'
	shows '< NRM >'
	shows_not abc
	back Configuration
}

@test "rm-console shows progress, and Esc stops an operation" {
	start_log
	operation start-service normal <<-'SH'
	echo '%% 40 halfway there'
	echo 'a line'
	sleep 600
	SH
	console
	menu
	choose 'Start Service' shows 'halfway there'
	see 'a line'
	shows '40%'
	press Escape shows 'stopped: the log'
	until_true grep -q ' cut .*operation=start-service' state/audit.log
	choose OK at Main
}

@test "rm-console asks once before it restarts or switches off" {
	start_log
	mkfifo run/power
	exec 9<>run/power
	console
	menu 'Power Off'
	choose Restart shows 'Restart hsm-1 now?'
	choose No at 'Power Off'
	choose 'Power Off' shows 'Switch off hsm-1 now?'
	press Escape shows '◂'
	# Nobody was told anything up to here.
	run ! read -r -t 0.1 -u 9 word
	choose Restart shows 'Restart hsm-1 now?'
	choose Yes shows 'the appliance restarts now'
	read -r -t 60 -u 9 word
	[ "$word" = restart ]
	choose OK at 'Power Off'
	choose 'Power Off' shows 'Switch off hsm-1 now?'
	reach on Yes
	keys Enter
	read -r -t 60 -u 9 word
	[ "$word" = switch-off ]
}

@test "rm-console: a menu takes any key without harm" {
	console
	menu
	# Alone, because it is the way after these that tells.
	local key
	for key in C-l C-z C-@ C-c C-s; do
		keys "$key"
		menu 'Power Off'
		back Main
	done
	keys C-l C-z C-q ä Home End PPage F12 M-x Tab BSpace
	keys -l $'\033[99;99X\033O\033['
	menu 'Power Off'
	back Main
}

@test "rm-console ends on TERM and HUP, and gives the terminal back" {
	local sig
	for sig in TERM HUP; do
		rm -f rc stty.*
		console 'stty -g >stty.before; rm-console; r=$?; stty -g >stty.after; (exit $r)'
		see Main
		console_pid
		kill -"$sig" "$CONSOLE_PID"
		until_true [ -s rc ]
		[ "$(cat rc)" = 0 ]
		cmp stty.before stty.after
		console_end
	done
}

@test "rm-console --plain tells the same, a line for each change" {
	mkfifo out in
	rm-console --plain <in >out 3>&- &
	PIDS+=("$!")
	exec 8>in 9<out
	line() {
		read -r -t 60 -u 9 LINE
		[ "$LINE" = "$1" ] || { echo "line: $LINE, not $1"; return 1; }
	}
	line 'service stopped'
	line 'disarmed'
	hold run/service.addr
	line 'service running'
	let_go
	line 'service stopped'
	arm
	line 'armed'
	hold run/session
	line 'active manager 172.17.0.1 custodians alice,bob tls TLSv1.3 X25519 ecdsa_secp256r1_sha256 TLS_AES_256_GCM_SHA384'
	let_go
	line 'session ended'
	: >state/rearm
	printf x >&8
	line 'disarmed'
	[ ! -e state/rearm ]
	until_true [ -s run/record ]
	# Nobody there any more is not somebody.
	exec 8>&-
	arm
	line 'armed'
	arm
	kill -TERM "${PIDS[0]}"
	wait "${PIDS[0]}"
	armed
}

@test "rm-console --plain on a terminal does not wait for the end of a line" {
	arm
	console 'rm-console --plain'
	see armed
	press x shows $'armed\ndisarmed'
	disarmed
}

@test "rm-console: bad command lines and surroundings are usage errors" {
	try 100 rm-console --nonsense
	has "$stderr" '*usage: rm-console *'
	try 100 rm-console --plain --plain
	try 100 rm-console extra
	try 100 rm-console </dev/null
	has "$stderr" '*standard input is no terminal: try --plain*'
	RM_RUN=$PWD/nowhere try 111 rm-console --plain
	has "$stderr" 'rm-console: fatal: unable to watch *nowhere: No such file or directory'
	console 'env -u TERM rm-console'
	until_true [ -s rc ]
	[ "$(cat rc)" = 100 ]
}

@test "rm-console: completion offers its option" {
	# shellcheck source=/dev/null
	. "$RM_TESTS/../completions/rm-console"
	COMP_WORDS=(rm-console --) COMP_CWORD=1
	_comp_cmd_rm_console
	[ "${COMPREPLY[*]}" = '--monitor --plain --self-test' ]
	COMP_WORDS=(rm-console x) COMP_CWORD=1
	_comp_cmd_rm_console
	[ -z "${COMPREPLY[*]}" ]
}

# --- configuration and partitions ------------------------------------------

@test "rm-console changes the settings, which hold from the next arming on" {
	start_log
	printf '%s\n' 'name hsm-1' 'listen 127.0.0.1 4433' 'power tree' >state/conf
	console
	menu Configuration 'Listen Address'
	shows '127.0.0.1____'
	shows '4433____'
	field port
	fill 70000
	choose OK shows 'not done: usage a port is at most 65535'
	answered 'not done: usage a port is at most 65535'
	choose OK at Configuration
	choose 'Listen Address'
	shows '127.0.0.1____'
	field address
	fill 127.0.0.2
	move Enter
	fill 5544
	press Enter on OK
	press Enter shows 'remote management listens on 127.0.0.2 5544'
	answered 'remote management listens on 127.0.0.2 5544'
	[ "$(cat state/conf)" = 'name hsm-1
power tree
listen 127.0.0.2 5544' ]
	choose OK at Configuration
	choose 'Time Limits'
	shows '120____'
	shows '15____'
	field idle
	fill 60
	choose OK shows 'idle 60 s, visitors 15 s'
	grep -qx 'idle 60' state/conf
	grep -qx 'visitor 15' state/conf
}

@test "rm-console shows date and time, and that they decide nothing" {
	console
	menu Configuration 'Date and Time'
	shows "$(date -u +%Y-%m-%d)"
	shows 'No limit'
	back Configuration
}

@test "rm-console: a policy is changed an operation at a time" {
	start_log
	printf '%s\n' '# mine' 'session 2' 'status session' '* local-only' \
		>state/policy
	local who
	for who in alice bob carol; do
		mkdir -p "state/custodians/$who"
		echo x >"state/custodians/$who/$(printf %s "$who" | sha256sum | cut -c -64).pem"
	done
	operation policy-set normal 'payload: policy' <<-'SH'
	cat >"$RM_STATE/policy"
	echo 'in force'
	SH
	console
	menu Configuration Policy
	shows 'session                2'
	shows 'about                  as *'
	choose 'session                2' shows 'a number of custodians'
	on 2
	pick 3
	choose OK shows 'in force'
	choose OK shows 'session                3'
	choose 'restart                as *' shows '< 1 >'
	pick local-only
	choose OK shows 'in force'
	[ "$(cat state/policy)" = '# mine
session          3
status session
* local-only
restart          local-only' ]
	grep -q ' begin .*operation=policy-set .*payload=' state/audit.log
}

@test "rm-console: a custodian's card is enrolled at its own reader" {
	start_log
	operation custodian-add normal 'args: name' 'payload: enrolment' <<-'SH'
	echo "welcome $1: $(head -n 1)"
	SH
	operation custodian-list read <<<:
	stand_in rmctl <<-'SH'
	echo "$@" >args
	read -r pin
	[ "$pin" = 1234 ] || { echo 'rmctl: fatal: wrong PIN: 2 tries left' >&2; exit 22; }
	echo 'enrol dora 5555 alg sig'
	SH
	console
	menu Configuration Custodians
	choose Enrol shows 'PIN of the card'
	fill dora
	move Enter
	secret 4321
	shows '****____'
	shows_not 4321
	choose OK shows 'wrong PIN: 2 tries left'
	choose OK at Custodians
	choose Enrol shows 'PIN of the card'
	fill dora
	move Enter
	secret 1234
	choose OK shows 'welcome dora: enrol dora 5555 alg sig'
	has "$(<args)" '-q --pin-fd 0 --wait 30 card enrol --appliance 0*beef dora'
}

@test "rm-console: secrets of a partition go by a payload, and nowhere else" {
	start_log
	operation partition-list read <<<:
	operation partition-create normal 'args: user=/[A-Za-z0-9]{3,16}/' \
		'payload: secrets secret' <<-'SH'
	echo "made $1 of $(cat | sha256sum)"
	SH
	console
	menu Partition Create
	field user
	fill client1
	move Enter
	secret 'correct horse'
	move Enter
	secret 'correct house'
	move Enter
	secret 99887766
	move Enter
	secret 99887766
	choose OK shows 'what was to be the same is not'
	field 'the same again'
	secret 'correct horse'
	choose OK shows \
		"$(printf 'correct horse\n99887766\n' | sha256sum | cut -c -20)"
	run ! grep -rE 'horse|99887766' state run err
}

# --- terminals --------------------------------------------------------------

@test "rm-console on a dumb terminal prints facts as lines" {
	console 'env TERM=dumb rm-console'
	see 'service stopped'
	arm
	see armed
	press x shows $'armed\ndisarmed'
	disarmed
}

@test "rm-console says what it needs when there is no room, and a key still counts" {
	console
	console_arm
	mux resize-window -x 40 -y 12
	see '40 x 12 is too small'
	see 'The console needs 80 x 24'
	armed
	keys x
	until_true disarmed
	mux resize-window -x 80 -y 25
	see Main
}

@test "rm-console draws in ASCII where there is no UTF-8" {
	console 'env LC_ALL=C rm-console'
	menu
	shows 'Power Off >'
	shows '+-----'
	shows '| About'
	run ! grep -P '[^\x00-\x7f]' <(screen)
	choose Configuration
	shows '| <'
}

@test "rm-console works on a VT100" {
	console 'env TERM=vt100 rm-console'
	menu
	shows 'Power Off >'
	choose Configuration
	choose '<' at Main
}
