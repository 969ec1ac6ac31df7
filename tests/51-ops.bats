#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The operations, run as the console runs them: by themselves.
load helpers

setup() {
	common_setup
	mkdir bin
	PATH=$PWD/bin:$PATH
	OPS=$RM_BUILD/lib/rm/ops
	export RM_OPS=$OPS
	echo 'name box' >state/conf
	echo 12 >state/boot-count
}

# stand_in NAME: a script of that name, first in PATH.
stand_in() {
	{ echo '#!/bin/sh'; cat; } >"bin/$1"
	chmod 755 "bin/$1"
}

# The service: whoever holds the lock on the address and wrote it there.
keep_service() {
	rm-keep run/service -- rm-listen -l run/service.addr 127.0.0.1 0 -- cat \
		3>&- &
	PIDS+=("$!")
}

# A log by the real appender.
start_log() {
	rm-listen -u run/audit.sock -- rm-audit append -b state/boot-count \
		state/audit.log 3>&- &
	PIDS+=("$!")
	until_true [ -S run/audit.sock ]
}

@test "operations: all that are shipped have a good header" {
	try 0 rm-exec -l "$OPS"
	[ -z "$stderr" ]
	[ "$(sed 's/ .*//' <<<"$output" | tr '\n' ' ')" = \
		"$(ls "$OPS" | tr '\n' ' ')" ]
	for op in help restart start-service status stop-service switch-off; do
		has "$output" "*$op - *"
	done
	local list=$output
	try 0 "$OPS/help"
	[ "$output" = "$list" ]
}

@test "status tells the state of a fresh appliance" {
	try 0 "$OPS/status"
	[ "$(head -n 15 <<<"$output")" = 'name box
service stopped
clients 0
service-key -
mode NRM
users 0
blocked -
partitions 0
boot 12
armed no
manager -
ip -
operation -
domain none
version 0.1' ]
	has "${lines[15]}" 'landlock @(yes|no)'
	[ -z "$stderr" ]
	# Looking leaves nothing behind.
	[ "$(find run -type f)" = '' ]
}

@test "status tells what runs, who manages and from where" {
	echo 'name other' >>state/conf
	mkdir state/gen-1
	ln -s gen-1 state/current
	echo RM2 >state/current/mode
	echo 0123 >run/console/armed
	mkfifo hold
	for lock in service.addr session; do
		RM_AUTH_MANAGER=bob TCPREMOTEIP=192.0.2.1 rm-once "run/$lock" -- \
			sh -c 'read -r _ <hold' 3>&- &
		PIDS+=("$!")
		until_true [ -s "run/$lock.holder" ]
	done
	try 0 "$OPS/status"
	for line in 'name other' 'service running' 'mode RM2' 'armed yes' \
		'manager bob' 'ip 192.0.2.1'; do
		grep -qx "$line" <<<"$output"
	done
	exec 9<>hold
	printf '\n\n' >&9
	until_true rm-once -q run/session
	# The holder's file stays; nobody is there any more.
	try 0 "$OPS/status"
	grep -qx 'manager -' <<<"$output"
	exec 9>&-
}

@test "status tells the users, who of them is blocked, and how many clients are there" {
	mkdir -p state/gen-1/users run/clients
	ln -s gen-1 state/current
	local name
	for name in master bob eve; do
		echo "$name-password" | rm-login -s state/current/users "$name"
	done
	mkdir state/current/users/{bob,eve}/partition state/current/users/.amy.new
	echo 7 >state/current/users/eve/failures
	echo 6 >state/current/users/bob/failures
	try 0 "$OPS/status"
	for line in 'users 3' 'blocked eve' 'partitions 2' 'clients 0'; do
		grep -qx "$line" <<<"$output"
	done
	echo x >state/current/users/master/failures
	try 0 "$OPS/status"
	grep -qx 'blocked eve,master' <<<"$output"
	# Two of bob, one of master, by their locks; none when they have gone.
	try 0 "$OPS/unlock-master"
	mkfifo hold
	exec 9<>hold
	for name in bob bob master; do
		echo "login $name $name-password" | rm-login -c "$RM_RUN/clients" \
			state/current/users -- sh -c 'read -r _ <"$1"' sh \
			"$PWD/hold" 3>&- &
		PIDS+=("$!")
	done
	until_true clients_are 3
	printf '\n\n\n' >&9
	until_true clients_are 0
	exec 9>&-
}

clients_are() {
	"$OPS/status" | grep -qx "clients $1"
}

@test "status tells the operation under way, but never itself" {
	mkfifo hold
	rm-once run/operation -- sh -c 'read -r _ <hold' 3>&- &
	PIDS+=("$!")
	until_true [ -s run/operation.holder ]
	echo 'operation live-sync' >run/operation.holder
	try 0 "$OPS/status"
	grep -qx 'operation live-sync' <<<"$output"
	echo 'operation status' >run/operation.holder
	try 0 "$OPS/status"
	grep -qx 'operation -' <<<"$output"
	echo >hold
	wait "${PIDS[-1]}"
	echo 'operation live-sync' >run/operation.holder
	try 0 "$OPS/status"
	grep -qx 'operation -' <<<"$output"
}

@test "unlock-master lets master in again, with the same password" {
	mkdir -p state/gen-1/users
	ln -s gen-1 state/current
	echo master-password | rm-login -s state/current/users master
	try 0 "$OPS/unlock-master"
	[ "$output" = 'user master is not blocked: nothing to do' ]
	for _ in 1 2 3 4 5 6 7; do
		run -1 rm-login -d 0.001 state/current/users -- true \
			<<<'login master wrong-password'
	done
	run -1 rm-login state/current/users -- true \
		<<<'login master master-password'
	try 0 "$OPS/unlock-master"
	[ "$output" = 'user master was blocked and is not any more' ]
	try 0 rm-login state/current/users -- echo in \
		<<<'login master master-password'
	[ "${lines[1]}" = in ]
}

@test "unlock-user is for everybody else, and refuses who is not there" {
	mkdir -p state/gen-1/users
	ln -s gen-1 state/current
	echo bobs-password | rm-login -s state/current/users bob
	echo 3 >state/current/users/bob/failures
	try 0 "$OPS/unlock-user" bob
	[ "$output" = 'user bob was not blocked; wrong passwords forgotten: 3' ]
	[ "$(cat state/current/users/bob/failures)" = 0 ]
	try 1 "$OPS/unlock-user" eve
	[ "$output" = '!! failed there is no user eve' ]
	start_log
	try 0 rm-exec -L "$OPS" <<<'unlock-user eve'
	[ "$output" = '! failed there is no user eve' ]
	# What the tool has to say is said in the same form.
	chmod 500 state/current/users/bob
	rm state/current/users/bob/failures 2>/dev/null || :
	echo 7 >state/current/users/bob/failures
	try 0 rm-exec -L "$OPS" <<<'unlock-user bob'
	has "$output" '! system unable to *'
	chmod 700 state/current/users/bob
	try 0 rm-exec -L "$OPS" <<<'unlock-user ../bob'
	has "$output" '! usage *'
}

@test "stop-service ends the service, and says so when it has ended" {
	keep_service
	echo 1 >run/service
	until_true [ -s run/service.addr ]
	try 0 "$OPS/stop-service"
	[ "$output" = 'the service is stopped' ]
	[ ! -e run/service ]
	try 0 rm-once -q run/service.addr
	try 0 "$OPS/stop-service"
	[ "$output" = 'the service is stopped already' ]
}

@test "stop-service fails when the service does not stop" {
	echo 1 >run/service
	stand_in rm-once <<<'echo "$*" >>asked; exit 1'
	try 1 "$OPS/stop-service"
	[ "$output" = '!! failed the service has not stopped within 10 s' ]
	[ ! -e run/service ]
	grep -qx -- "-q -w 10 $RM_RUN/service.addr" asked
}

@test "start-service starts it, and says so when it listens" {
	keep_service
	try 0 "$OPS/start-service"
	has "$output" 'the service listens on 127.0.0.1 [1-9]*'
	try 1 rm-once -q run/service.addr
	local wish
	wish=$(cat run/service)
	[[ $wish =~ ^boot\ 12\ [0-9a-f]{16}$ ]]
	try 0 "$OPS/start-service"
	[ "$output" = 'the service runs already' ]
	[ "$(cat run/service)" = "$wish" ]
	try 0 "$OPS/stop-service"
	try 0 "$OPS/start-service"
	[ "$(cat run/service)" != "$wish" ]
	[ "$(find run -name '*.new*')" = '' ]
}

@test "start-service fails when nothing listens, and leaves the wish" {
	stand_in sleep <<<'echo x >>slept'
	# Locked but not written: not yet.
	stand_in rm-once <<<'exit 1'
	try 1 "$OPS/start-service"
	[ "$output" = '!! failed the service does not listen after 10 s' ]
	[ "$(wc -l <slept)" = 99 ]
	[ -e run/service ]
}

@test "start-service in a session keeps neither its lock nor the operation's" {
	keep_service
	stand_in rm-auth <<-'SH'
	while [ "$1" != -- ]; do shift; done
	shift
	exec "$@"
	SH
	start_log
	try 0 rm-once run/session -- rm-exec "$OPS" <<<start-service
	has "$output" ': the service listens on*+ done'
	until_true rm-once -q run/session
	try 0 rm-once -q run/operation
	try 1 rm-once -q run/service.addr
	# And all the others through the same door.
	printf '%s\n' status stop-service restart 'restart confirm=box' >lines
	mkfifo run/power
	exec 9<>run/power
	try 0 rm-exec "$OPS" <lines
	[ "$(grep -c '^+ done' <<<"$output")" = 3 ]
	has "$output" *'! usage confirm=NAME*restart confirm=NAME'*
	has "$output" *': service running'*': the service is stopped'*
	read -r -t 60 word <&9
	[ "$word" = restart ]
	exec 9<&-
}

@test "operations behind the real policy, in the real log" {
	keep_service
	start_log
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out key 2>/dev/null
	openssl pkey -in key -pubout -out key.pem
	local keyid
	keyid=$(openssl pkey -in key -pubout -outform DER | sha256sum)
	mkdir -p state/custodians/alice
	cp key.pem "state/custodians/alice/${keyid%% *}.pem"
	printf '%s\n' 'session 1' 'status session' 'start-service session' \
		'* local-only' >state/policy
	chmod -R go= state
	export RM_AUTH_MANAGER=alice RM_AUTH_CUSTODIANS=alice \
		TCPREMOTEIP=192.0.2.1
	printf '%s\n' status start-service stop-service \
		'restart confirm=box' nonsense >lines
	try 0 rm-exec "$OPS" <lines
	[ "$(grep -v '^: ' <<<"$output" | cut -d' ' -f1,2)" = '+ done
+ done
! policy
! policy
! usage' ]
	until_true grep -q ' session-end ' state/audit.log
	try 0 rm-audit verify state/audit.log
	grep -q '^1 .* 12 session-begin .*manager=alice.* ip=192.0.2.1 ' \
		state/audit.log
	grep -q ' read .*operation=status .*result=done' state/audit.log
	local begin sha
	sha=$(sha256sum <"$OPS/start-service")
	begin=$(grep " begin .*operation=start-service .*sha256=${sha%% *} " \
		state/audit.log)
	grep -q " end .*of=${begin%% *} operation=start-service result=done" \
		state/audit.log
	grep -q ' end .*operation=stop-service result=policy%20' state/audit.log
	# What the policy forbids has not happened.
	try 1 rm-once -q run/service.addr
}

@test "restart and switch-off tell the supervisor" {
	mkfifo run/power
	exec 9<>run/power
	local op word
	for op in restart switch-off; do
		try 0 "$OPS/$op"
		has "$output" 'the appliance *'
		read -r -t 60 word <&9
		[ "$word" = "$op" ]
	done
	exec 9<&-
}

@test "restart and switch-off fail when no supervisor is there" {
	stand_in timeout <<<'shift; exec /usr/bin/timeout 0.2 "$@"'
	local op
	for op in restart switch-off; do
		rm -f run/power
		run -1 "$OPS/$op"
		[ "$output" = '!! system no supervisor is there to do it' ]
		[ ! -e run/power ]
		mkfifo run/power
		run -1 "$OPS/$op"
		[ "$output" = '!! system the supervisor does not listen' ]
	done
}

@test "set-listen takes what rm-listen takes, and set-limits changes both in one step" {
	local address
	for address in 300.1.1.1 1.2.3.4.5 1.2.3 1.2.3.04 010.2.3.4 ::: fe80::1:::2 \
		1:2 12345::1 ab; do
		try 1 "$OPS/set-listen" "$address" 4433
		[ "$output" = "!! usage $address is no address of IPv4 or IPv6" ]
		[ "$(<state/conf)" = 'name box' ]
	done
	for address in 0.0.0.0 192.0.2.7 :: fe80::1 ::ffff:192.0.2.7; do
		try 0 "$OPS/set-listen" "$address" 4433
		[ "$(<state/conf)" = "name box
listen $address 4433" ]
	done
	echo 'idle 7' >>state/conf
	# One rename, and no more.
	stand_in mv <<'SH'
[ ! -e moved ] || exit 1
: >moved
exec /bin/mv "$@"
SH
	try 0 "$OPS/set-limits" 60 20
	[ "$(<state/conf)" = "name box
listen ::ffff:192.0.2.7 4433
idle 60
visitor 20" ]
}
