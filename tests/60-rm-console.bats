#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The console in a real terminal: menus, the RM window, terminals.
load helpers
load console

@test "rm-console shows a menu in which every entry works, and nothing else" {
	console
	see 'Power Off'
	run -0 screen
	[ "${lines[0]}" = "$ROOT" ]
	has "${lines[-1]}" 'Service stopped *Replication Domain: <none>'
	run -0 sed -n 's/^ *│ \(.*[^ ]\) *│$/\1/p' <<<"$output"
	[ "$output" = 'About
Start Service
Remote Management
Configuration ▸
Partition ▸
Self Test
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
	echo 'engine /usr/lib/softhsm/libsofthsm2.so' >>state/conf
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes \
		-keyout state/service.key -out state/service.crt -subj /CN=x \
		2>/dev/null
	start_log
	echo 'durable boot number=7' | socat - UNIX-CONNECT:run/audit.sock
	console
	see About
	keys Enter
	see 'mode      NRM'
	shows 'boot      7'
	shows 'name      hsm-1'
	shows "$(printf '%016d' 0)beef"
	shows 'engine    /usr/lib/softhsm'
	shows 'log       whole'
	local key
	key=$(openssl x509 -in state/service.crt -noout -pubkey |
		openssl pkey -pubin -outform DER | sha256sum)
	shows "${key:0:22}"
	shows "${key:44:20}"
	# The finder patterns of a QR code.
	shows '█▀▀▀▀▀█'
	keys Enter
	see 'Remote Management'
}

@test "rm-console: About sees a log that was changed" {
	start_log
	echo 'durable boot number=7' | socat - UNIX-CONNECT:run/audit.sock
	echo 'durable boot number=8' | socat - UNIX-CONNECT:run/audit.sock
	sed -i 's/number=7/number=6/' state/audit.log
	try 0 env RM_OPS="$RM_OPS" "$RM_OPS/about"
	has "$output" '*log BROKEN: *'
	console
	see About
	keys Enter
	see BROKEN
}

@test "rm-console stops and starts the real service, and it is recorded" {
	start_log
	echo wanted >run/service
	rm-keep run/service -- rm-listen -l run/service.addr 127.0.0.1 0 -- \
		cat 3>&- 2>/dev/null &
	PIDS+=("$!")
	console
	see 'Service running...'
	keys Down Enter
	answered 'the service is stopped'
	see 'Service stopped'
	[ ! -e run/service ]
	keys Enter
	see 'Start Service'
	keys Enter
	see 'the service listens on 127.0.0.1'
	see 'Service running...'
	run -0 grep -cE ' (begin|end) .*operation=(stop|start)-service ' \
		state/audit.log
	[ "$output" = 4 ]
}

@test "rm-console says so when an operation is refused, and goes on" {
	console
	see 'Start Service'
	keys Down Enter
	answered 'not done: system the log does not take the record'
	keys Escape
	see 'Remote Management'
}

@test "rm-console: an entry is there only if its operation is" {
	operation keep </dev/null
	rm ops/restart
	console
	see 'Power Off'
	keys End Enter
	see '◂'
	shows_not Restart
	rm ops/switch-off
	operation restart power <<<'echo anew'
	keys Down Escape
	see 'Start Service'
	keys End Enter
	see Restart
}

@test "rm-console: a long answer can be read in full" {
	start_log
	operation start-service normal <<<'seq -f "line %g." 60; echo "the end"'
	console
	see 'Start Service'
	keys S Enter
	answered 'line 1.'
	shows_not 'the end'
	keys PPage NPage NPage NPage
	see 'the end'
	shows_not 'line 1.'
	keys Home
	see 'line 1.'
	keys End
	see 'the end'
	keys Up
	answered 'line 60'
	keys Enter
	see Main
}

@test "rm-console asks for arguments, and for the name before it destroys" {
	start_log
	operation set-mode destructive 'args: mode=NRM|RM1|RM2 why=/[a-z]{3,9}/ [more]' \
		'note: erases this' 'note: keeps that' <<<'echo "got $# $1 $2"'
	console
	see 'Configuration'
	keys C Enter
	see 'Operating Mode'
	keys O Enter
	see 'erases this'
	shows 'keeps that'
	shows '< NRM >'
	# The mode, then a text that does not match, and a wrong name.
	keys Right Enter
	see '< RM1 >'
	keys -l abcd12
	keys Enter Enter
	keys -l hsm-2
	keys Enter Enter
	see '*** '
	shows 'why'
	keys BTab BTab BTab
	keys C-u
	keys -l abx
	keys BSpace
	keys -l c
	keys Enter Enter Enter Enter
	see 'that is not the name'
	shows 'abc___'
	keys BTab
	keys BSpace 1 Enter Enter
	answered 'got 2 RM1 abc'
	grep -q ' begin .*operation=set-mode args=RM1%20abc ' state/audit.log
	keys Enter
	see 'Operating Mode'
	# Esc leaves it, nothing is kept.
	keys Enter
	see '< NRM >'
	shows_not abc
	keys Escape
	until_true shows_not '< NRM >'
	shows 'Operating Mode'
}

@test "rm-console shows progress, and Esc stops an operation" {
	start_log
	operation start-service normal <<-'SH'
	echo '%% 40 halfway there'
	echo 'a line'
	sleep 600
	SH
	console
	see 'Start Service'
	keys S Enter
	see 'halfway there'
	shows 'a line'
	shows '40%'
	keys Escape
	see 'stopped'
	until_true grep -q ' cut .*operation=start-service' state/audit.log
	keys Enter
	see Main
}

@test "rm-console asks once before it restarts or switches off" {
	start_log
	mkfifo run/power
	exec 9<>run/power
	console
	see 'Power Off'
	keys End Enter
	see Restart
	keys Down Enter
	see 'Restart hsm-1 now?'
	keys Enter
	see '◂'
	keys P Enter
	see 'Switch off hsm-1 now?'
	keys Escape
	see '◂'
	# Nobody was told anything up to here.
	run ! read -r -t 0.1 -u 9 word
	keys R Enter
	see 'Restart hsm-1 now?'
	keys Down Enter
	read -r -t 60 -u 9 word
	[ "$word" = restart ]
	answered 'the appliance restarts now'
	keys Enter
	see '◂'
	keys P Enter
	see 'Switch off hsm-1 now?'
	keys Y Enter
	read -r -t 60 -u 9 word
	[ "$word" = switch-off ]
}

@test "rm-console arms, shows the RM window, and a key ends both" {
	console
	console_arm
	shows "$RM_TITLE"
	shows "$(printf '%028d' 0)beef"
	shows_not Main
	keys Escape
	see Main
	shows_not "$RM_TITLE"
	disarmed
	until_true [ -e run/record ]
	[ "$(cat run/record)" = disarmed ]
	[ ! -s err ]
	# The other name for it.
	keys C Enter
	see 'Load Remote Management'
	keys Down Enter
	see "$READY"
	armed
}

@test "rm-console: any byte is local activity, whatever it means elsewhere" {
	console
	local key
	for key in x Enter C-c C-s C-z C-l C-@ C-d Up F5 ä; do
		console_arm
		keys "$key"
		until_true disarmed
		see Main
	done
	shows_not "$RM_TITLE"
}

@test "rm-console unlinks first, rearm before armed, then draws, then records" {
	console 'strace -f -e trace=unlink,write,execve -o trace rm-console'
	console_arm
	: >state/rearm
	# The terminal is written to only after both are gone.
	local before
	before=$(wc -l <trace)
	keys x
	see Main
	until_true grep -q '"disarm"' trace
	run -0 sed "1,${before}d; s/^[0-9]* *//; s/ = .*//" trace
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
	keys x
	see Main
	disarmed
	# And it is at work while that still hangs.
	keys End Enter
	see Restart
	: >hang
}

@test "rm-console comes up in the RM window when it is armed" {
	arm
	console
	see "$READY"
	armed
	shows_not Main
	keys x
	see Main
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
	see Main
	keys End Enter
	see Restart
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
	keys q
	see Main
	disarmed
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
	see 'Remote Management'
	keys R Enter
	see 'rm-supervise: fatal: no luck'
	keys Enter
	see Main
	rm bin/rm-supervise
	PATH=/usr/bin:/bin console_path
}

# There may be no rm-supervise at all.
console_path() {
	console_end
	cp "$RM_BUILD/bin/rm-console" bin/
	console bin/rm-console
	see 'Remote Management'
	keys R Enter
	see 'unable to run rm-supervise'
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
	see 'Remote Management'
	keys R Enter
	see 'switching remote management on'
	keys x
	echo >go
	until_true [ -e run/was ]
	until_true disarmed
	see Main
}

@test "rm-console sleeps while nothing happens" {
	console
	console_arm
	local before
	before=$(wakes)
	read -r -t 2 _ <><(:) || :
	[ "$(wakes)" = "$before" ]
	keys x
	see Main
	before=$(wakes)
	read -r -t 2 _ <><(:) || :
	[ "$(wakes)" = "$before" ]
}

@test "rm-console is not woken by its own looks, nor by others'" {
	console
	console_arm
	local before i
	before=$(wakes)
	for i in 1 2 3 4 5; do
		! rm-once -q run/session
		rm-once -q run/service.addr
	done
	[ "$(wakes)" = "$before" ]
}

@test "rm-console: a menu takes any key without harm" {
	console
	see Main
	# Alone, because it is the key after these that tells.
	local key
	for key in C-l C-z C-@ C-c C-s; do
		keys "$key"
		see Main
		keys End Enter
		see Restart
		keys Escape
		see Main
	done
	keys C-l C-z C-q ä Home End PPage F12 M-x Tab BSpace
	keys -l $'\033[99;99X\033O\033['
	see Main
	keys End Enter
	see Restart
	keys Escape
	see Main
	shows_not Restart
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
	keys x
	see disarmed
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
	[ "${COMPREPLY[*]}" = '--plain --self-test' ]
	COMP_WORDS=(rm-console x) COMP_CWORD=1
	_comp_cmd_rm_console
	[ -z "${COMPREPLY[*]}" ]
}

# --- configuration and partitions ------------------------------------------

@test "rm-console changes the settings, which hold from the next arming on" {
	start_log
	printf '%s\n' 'name hsm-1' 'listen 127.0.0.1 4433' 'power tree' >state/conf
	console
	keys C Enter
	see 'Listen Address'
	keys L L Enter
	see '127.0.0.1____'
	shows '4433____'
	keys Down C-u
	keys -l 70000
	keys Enter Enter
	answered 'not done: usage a port is at most 65535'
	keys Enter
	see 'Listen Address'
	keys Enter
	see '127.0.0.1____'
	keys C-u
	keys -l 127.0.0.2
	keys Enter C-u
	keys -l 5544
	keys Enter Enter
	answered 'remote management listens on 127.0.0.2 5544'
	[ "$(cat state/conf)" = 'name hsm-1
power tree
listen 127.0.0.2 5544' ]
	keys Enter
	see 'Time Limits'
	keys T Enter
	see '120____'
	shows '15____'
	keys C-u
	keys -l 60
	keys Enter Enter Enter
	see 'idle 60 s, visitors 15 s'
	grep -qx 'idle 60' state/conf
	grep -qx 'visitor 15' state/conf
}

@test "rm-console shows date and time, and that they decide nothing" {
	console
	keys C Enter
	see 'Date and Time'
	keys D Enter
	see "$(date -u +%Y-%m-%d)"
	shows 'No limit'
	keys Escape
	see 'Listen Address'
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
	keys C Enter
	see Policy
	keys P Enter
	see 'session                2'
	shows 'about                  as *'
	keys S Enter
	see 'a number of custodians'
	shows '< 2 >'
	keys Right Enter Enter
	answered 'in force'
	keys Enter
	see 'session                3'
	keys R Enter
	see '< 1 >'
	keys l Enter Enter
	answered 'in force'
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
	keys C Enter
	see 'Custodians ▸'
	keys C C Enter
	see Enrol
	keys E Enter
	see 'PIN of the card'
	keys -l dora
	keys Enter
	keys -l 4321
	see '****____'
	shows_not 4321
	keys Enter Enter
	see 'wrong PIN: 2 tries left'
	keys Enter
	see Enrol
	keys Enter
	see 'PIN of the card'
	keys -l dora
	keys Enter
	keys -l 1234
	keys Enter Enter
	see 'welcome dora: enrol dora 5555 alg sig'
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
	see 'Partition ▸'
	keys P Enter
	see Create
	keys C Enter
	see 'password of the user'
	keys -l client1
	keys Enter
	keys -l 'correct horse'
	keys Enter
	keys -l 'correct house'
	keys Enter
	keys -l 99887766
	keys Enter
	keys -l 99887766
	keys Enter Enter
	see 'what was to be the same is not'
	keys BTab BTab BTab C-u
	keys -l 'correct horse'
	see '*************__'
	keys Enter Enter Enter Enter
	see "$(printf 'correct horse\n99887766\n' | sha256sum | cut -c -20)"
	run ! grep -rE 'horse|99887766' state run err
}

# --- terminals --------------------------------------------------------------

@test "rm-console on a dumb terminal prints facts as lines" {
	console 'env TERM=dumb rm-console'
	see 'service stopped'
	arm
	see armed
	keys x
	see disarmed
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
	see 'Power Off >'
	shows '+-----'
	shows '| About'
	run ! grep -P '[^\x00-\x7f]' <(screen)
	keys C Enter
	see '| <'
}

@test "rm-console works on a VT100" {
	console 'env TERM=vt100 rm-console'
	see 'Power Off >'
	keys C Enter
	see 'Load Remote Management'
}
