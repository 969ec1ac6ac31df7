#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Operations that stop the service and change what it serves, on a whole
# appliance, as its own console runs them.  No cards: ports are any free ones.
load helpers
load box

setup() {
	common_setup
	box_init
}

teardown() {
	box_end
	common_teardown
}

# An operation that holds the service until it is told to go on.
ops_with_holder() {
	mkdir ops
	cp "$RM_BUILD"/lib/rm/ops/* ops
	cp "$RM_BUILD"/lib/rm/*.sh .
	cat >ops/hold <<-'SH'
	#!/bin/sh
	# summary: hold the service
	# class: normal
	# limit: 60
	set -eu
	. "$RM_OPS/../op.sh"
	hold_service
	echo holds
	read -r word <"$RM_RUN/go"
	[ "$word" != fail ] || refuse failed 'told to'
	release_service
	echo released
	SH
	chmod 755 ops/hold
	export RM_OPS=$PWD/ops
	box_boot
	mkfifo run/go
}

hold_begin() {
	rm-exec -L "$RM_OPS" <<<hold >hold.out 2>>box.log 3>&- 7>&- &
	HOLD_PID=$!
	PIDS+=("$HOLD_PID")
	until_true grep -q '^: holds' hold.out
}

# What the chain started for the wish of now is at its hold, and waits.
is_held() {
	[ "$(cat run/service)" = "$(cat run/service.held)" ] &&
		rm-once -q run/service.addr
}

@test "hold_service ends the service and its connections, and it comes back" {
	ops_with_holder
	local before
	before=$(cat run/service)
	hold_begin
	is_held
	[ "$(cat run/service)" != "$before" ]
	# Nothing of the service is left but the chain at its hold.
	run ! pgrep -f "rm-listen .*-l $RM_RUN/service.addr"
	echo on >run/go
	wait "$HOLD_PID"
	grep -qx ': released' hold.out
	grep -qx '+ done' hold.out
	box_listens
}

@test "hold_service: the service comes back when the operation fails" {
	ops_with_holder
	hold_begin
	echo fail >run/go
	wait "$HOLD_PID"
	grep -qx '! failed told to' hold.out
	until_true box_listens
}

@test "hold_service: the service comes back when the operation is killed" {
	ops_with_holder
	hold_begin
	is_held
	kill -KILL "$HOLD_PID"
	wait "$HOLD_PID" || :
	until_true box_listens
}

@test "hold_service: a service that was stopped stays stopped" {
	ops_with_holder
	box stop-service
	hold_begin
	[ ! -e run/service ]
	echo on >run/go
	wait "$HOLD_PID"
	grep -qx '+ done' hold.out
	[ ! -e run/service ]
	try 0 rm-once -q run/service.addr
}

@test "hold_service is refused to who came through the service" {
	ops_with_holder
	RM_LOGIN_USER=master try 1 "$RM_OPS/hold"
	[ "$output" = '!! policy not through the service, which it ends' ]
	box_listens
}

# fill_database: what a mode's change keeps, and what it erases.
fill_database() {
	mkdir -p state/current/users/master state/current/users/bob/partition
	echo '$argon2id$hash' >state/current/users/master/password
	echo 3 >state/current/users/master/failures
	echo '$argon2id$other' >state/current/users/bob/password
	echo key >state/current/users/bob/partition/key
	echo 'name farm' >state/current/domain
	chmod -R go= state/current/users
}

@test "set-mode empties the database, keeps master, and the mode holds" {
	fill_database
	box_boot
	local before
	before=$(cat run/service)
	box 'set-mode RM1 confirm=box'
	has "$output" *': the mode is RM1; the database is empty*+ done'
	[ "$(cat state/current/mode)" = RM1 ]
	[ "$(ls state/current/users)" = master ]
	[ "$(cat state/current/users/master/password)" = '$argon2id$hash' ]
	[ "$(cat state/current/users/master/failures)" = 3 ]
	[ "$(stat -c %a state/current/users/master)" = 700 ]
	[ ! -e state/current/domain ]
	# The old one is no more; the service is another, and runs.
	[ "$(find state -maxdepth 1 -name 'gen-*')" = state/gen-2 ]
	[ "$(cat run/service)" != "$before" ]
	box_listens
	box status
	has "$output" *': mode RM1'*': service running'* ||
		has "$output" *': service running'*': mode RM1'*
}

@test "set-mode to the same mode changes nothing, and says so" {
	fill_database
	box_boot
	local before
	before=$(cat run/service)
	box 'set-mode NRM confirm=box'
	has "$output" ': the mode is NRM already: nothing has changed*+ done'
	[ "$(cat run/service)" = "$before" ]
	[ "$(readlink state/current)" = gen-1 ]
	[ -e state/current/users/bob ]
}

@test "set-mode wants the name, and a mode that there is" {
	box_boot
	box 'set-mode RM1'
	has "$output" ': erases all users but master*: keeps *! usage confirm=NAME*'
	box 'set-mode RM1 confirm=other'
	# What it erases has been read by then.
	has "$output" '! usage confirm= is not the name*'
	box 'set-mode RM9 confirm=box'
	has "$output" '! usage an argument is not one of those*'
	[ "$(readlink state/current)" = gen-1 ]
}

@test "set-mode leaves a stopped service stopped" {
	box_boot
	box stop-service
	box 'set-mode RM2 confirm=box'
	has "$output" *'+ done'
	[ ! -e run/service ]
	try 0 rm-once -q run/service.addr
	box start-service
	has "$output" *'the service listens'*
}

@test "what a killed operation left goes at the next boot and before the next one" {
	mkdir -p state/gen-7/users state/current/users/.bob.new
	ln -s gen-7 state/current.new
	box_boot
	[ ! -e state/gen-7 ]
	[ ! -L state/current.new ]
	[ ! -e state/current/users/.bob.new ]
	mkdir state/gen-2 state/gen-9
	ln -s gen-9 state/current.new
	box 'set-mode RM1 confirm=box'
	has "$output" *'+ done'
	[ "$(cat state/gen-2/mode)" = RM1 ]
	[ ! -e state/gen-9 ]
	[ ! -L state/current.new ]
}

# Whoever was to be told why has been, when nothing of it is left.
erased() {
	[ "$(cd state && echo *)" = 'audit.log boot-count conf lock lock.holder' ] &&
		run ! grep -q '^name ' state/conf
}

@test "factory-reset erases all but the log and the settings, and init goes on with it" {
	fill_database
	mkdir -p state/custodians/alice state/nodes
	echo key >state/custodians/alice/key.pem
	box_boot
	local old
	old=$(cat state/appliance)
	rm-supervise arm >/dev/null
	# Told before it is confirmed, and kept to.
	box factory-reset
	has "$output" ': erases users, partitions*: keeps the audit log*! usage confirm=NAME*'
	[ ! -e state/factory-reset ]
	box 'factory-reset confirm=box'
	has "$output" ': the appliance returns to factory mode now*+ done'
	box_booted
	[ "$BOOTED" = 'boot 2 waits for rm-supervise init NAME' ]
	erased
	[ "$(cat state/boot-count)" = 2 ]
	grep -q '^service 127.0.0.1 0$' state/conf
	[ ! -e run/console/armed ]
	try 100 rm-supervise arm
	try 0 rm-audit verify state/audit.log
	# What was last is known.
	grep -q " end .*operation=factory-reset result=done" state/audit.log
	has "$(tail -n 1 state/audit.log)" "* factory-reset appliance=$old prev=*"
	local head
	head=$(b2sum -l 256 <<<"$(tail -n 1 state/audit.log)")
	head=$(wc -l <state/audit.log):${head%% *}
	# The supervisor was waiting for this.
	try 0 rm-supervise init other <<<master-password
	box_booted
	[ "$BOOTED" = 'boot 3 of other' ]
	[ "$(cat state/appliance)" != "$old" ]
	grep -q " init name=other appliance=$(cat state/appliance) follows=$head " \
		state/audit.log
	[ "$(readlink state/current)" = gen-1 ]
	[ ! -e state/current/users/bob ]
	[ ! -e run/console/armed ]
	try 0 rm-audit verify state/audit.log
	grep -qx 'name other' state/conf
}

@test "factory-reset that was not begun changes nothing, one that was is completed at boot" {
	box_boot
	echo factory-reset >run/power
	until_true grep -q 'was not begun' box.log
	box_listens
	box status
	kill -KILL "$BOX_PID"
	wait "$BOX_PID" || :
	# The operation was killed right after it had begun it, and all with it.
	echo 'boot 1' >state/factory-reset
	echo 2 >state/rearm
	try 1 rm-supervise init box
	has "$stderr" '*the next boot completes it'
	box_boot
	[ "$BOOTED" = 'boot 2 waits for rm-supervise init NAME' ]
	erased
	has "$(tail -n 1 state/audit.log)" '* factory-reset appliance=*'
}

@test "what was begun and never ended is recorded at the next boot" {
	ops_with_holder
	hold_begin
	local begin
	begin=$(sed -n 's/^\([0-9]*\) .* begin operation=hold .* generation=1 .*/\1/p' \
		state/audit.log)
	[ -n "$begin" ]
	# All at once, lest one records the end of another.
	local all=("$(pgrep -P "$HOLD_PID")" "$HOLD_PID" "$BOX_PID")
	kill -STOP "${all[@]}"
	kill -KILL "${all[@]}"
	wait "$BOX_PID" || :
	box_boot
	grep -q " interrupted of=$begin operation=hold from=1 to=1 " \
		state/audit.log
	box_end
	box_boot
	[ "$(grep -c ' interrupted ' state/audit.log)" = 1 ]
	try 0 rm-audit verify state/audit.log
}

# The records behind that of this number: names, and operations if they have.
since() {
	sed -n "$(($1 + 1)),\$p" state/audit.log |
		sed -E 's/^[^ ]+ [^ ]+ [^ ]+ ([a-z-]+)( of=[0-9]+)?( operation=([a-z-]+))?.*/\1 \4/' |
		tr '\n' ','
}

# Who listens for the log; its keeper's command line has the same words.
log_listener() {
	local pid
	for pid in $(pgrep -x rm-listen); do
		! grep -q "$RM_RUN/audit.sock" "/proc/$pid/cmdline" ||
			echo "$pid"
	done
}

# One that is not that one, and takes a record.
another_listener() {
	[ "$(log_listener)" != "$1" ] && grep -q '^+ ' <(echo 'durable note' |
		timeout 10 rm-connect -u run/audit.sock)
}

@test "what was begun and never ended is recorded before the next record" {
	ops_with_holder
	ln -s "$RM_BUILD/lib/rm/modes" modes
	local begin pid
	# killed: the runner is; its begin is the last record.
	killed() {
		rm -f hold.out
		hold_begin
		begin=$(tail -n 1 state/audit.log)
		begin=${begin%% *}
		kill -KILL "$(sed -n 's/^pid //p' run/operation.holder)"
		wait "$HOLD_PID" || :
	}
	killed
	box 'set-mode RM1 confirm=box'
	[ "$(since "$begin")" = \
		'interrupted hold,begin set-mode,end set-mode,' ]
	grep -q " interrupted of=$begin operation=hold from=1 to=1 prev=" \
		state/audit.log
	killed
	box status
	[ "$(since "$begin")" = 'interrupted hold,read status,' ]
	grep -q " interrupted of=$begin operation=hold from=2 to=2 prev=" \
		state/audit.log
	# No operation, and not by the socket.
	killed
	rm-supervise disarm
	[ "$(since "$begin")" = 'interrupted hold,disarm ,' ]
	# The listener of the log is killed as well.
	killed
	pid=$(log_listener)
	kill -KILL "$pid"
	until_true another_listener "$pid"
	[ "$(since "$begin")" = 'interrupted hold,note ,' ]
	[ "$(grep -c ' interrupted ' state/audit.log)" = 4 ]
	box_end
	box_boot
	[ "$(grep -c ' interrupted ' state/audit.log)" = 4 ]
	rm-audit verify state/audit.log
}

@test "an appliance that was never made waits for init, too" {
	rm -rf state
	mkdir state
	box_boot
	[ "$BOOTED" = 'boot 1 waits for rm-supervise init NAME' ]
	[ ! -e state/audit.log ]
	echo restart >run/power
	box_booted
	[ "$BOOTED" = 'boot 2 waits for rm-supervise init NAME' ]
	printf '%s\n' 'listen 127.0.0.1 0' 'service 127.0.0.1 0' >state/conf
	try 0 rm-supervise init box <<<master-password
	box_booted
	[ "$BOOTED" = 'boot 3 of box' ]
}

# root_begin: root's door, and a stand-in for systemctl behind it.
root_begin() {
	echo 'power systemd' >>state/conf
	mkdir bin
	printf '%s\n' '#!/bin/sh' 'echo "$*" >>systemctl.log' \
		"exit ${1:-0}" >bin/systemctl
	chmod 755 bin/systemctl
	PATH=$PWD/bin:$PATH rm-listen -u -o "$(id -un)" run/root.sock -- \
		rm-exec -L "$RM_BUILD/lib/rm/root-ops" 2>>root.log 3>&- 7>&- &
	PIDS+=("$!")
	until_true [ -S run/root.sock ]
}

@test "power systemd: the host is restarted and switched off through root.sock" {
	root_begin
	local op
	for op in restart switch-off; do
		box_boot
		box "$op confirm=box"
		has "$output" *'+ done'
		wait "$BOX_PID"
		BOX_PID=
	done
	[ "$(cat systemctl.log)" = 'reboot
poweroff' ]
	# The log knows, and had it before it happened.
	[ "$(grep -c ' power verb=' state/audit.log)" = 2 ]
	grep -A 1 ' power verb=restart ' state/audit.log |
		grep -q ' begin operation=restart .*manager=- '
	try 0 rm-audit verify state/audit.log
	grep -q 'the host takes over: restart' box.log
}

@test "power systemd: if the host does not do it, the tree does, and the log says why" {
	root_begin 1
	box_boot
	box 'restart confirm=box'
	box_booted
	[ "$BOOTED" = 'boot 2 of box' ]
	grep -q ' power verb=restart result=failed%20exit%20status%201 ' \
		state/audit.log
	kill -TERM "${PIDS[0]}"
	wait "${PIDS[0]}"
	box 'switch-off confirm=box'
	wait "$BOX_PID"
	BOX_PID=
	grep -q ' power verb=switch-off result=system%20.*root.sock.* ' \
		state/audit.log
	try 0 rm-audit verify state/audit.log
}

@test "boots that follow each other too soon wait, longer each time" {
	echo 'boot-pause 1' >>state/conf
	local n
	box_boot
	for n in 2 3 4; do
		box 'restart confirm=box'
		box_booted
		[ "$BOOTED" = "boot $n of box" ]
	done
	[ "$(grep 'in a row' box.log)" = \
'rm-supervise: info: boot 2 in a row: waiting 1 s
rm-supervise: info: boot 3 in a row: waiting 1 s' ]
	# Longer ago than a minute is not too soon.
	box_end
	read -r up _ </proc/uptime
	echo "$((${up%.*} - 61)) 9" >run/boots
	box_boot
	[ "$(grep -c 'in a row' box.log)" = 2 ]
	[ "$(cut -d' ' -f2 run/boots)" = 0 ]
	# Nobody is kept from ending one that waits.
	box_end
	sed -i '/^boot-pause/d' state/conf
	echo "${up%.*} 9" >run/boots
	rm-supervise boot --headless >never 2>>box.log 3>&- &
	BOX_PID=$!
	until_true grep -q 'waiting 60 s' box.log
	kill -TERM "$BOX_PID"
	wait "$BOX_PID" || :
	BOX_PID=
	try 0 rm-once state/lock -- true
}
