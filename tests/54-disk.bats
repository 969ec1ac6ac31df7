#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Operations on a disk that is full at any of their steps, or read-only, and
# with a log that takes no more.  The state of the appliance is on a disk of
# its own, in a namespace of the test's own.
load helpers
load box

setup() {
	common_setup
}

# on_disk SIZE BODY: runs a function where state is a disk of that size.
on_disk() {
	PATH=$PATH:/usr/sbin:/sbin timeout 300 unshare --user --map-current-user \
		--keep-caps --mount bash -c "$(declare -f; declare -p MASTER_PASSWORD OPERATIONS)
		set -eu
		trap box_end EXIT
		mount -t tmpfs -o size=$1 tmpfs state
		box_init 'boot-pause 0'
		$2" 3>&- 7>&-
}

command_to() {
	rm-exec -L "$RM_OPS" <<<"$1" >out 2>>op.log
	tail -n 1 out
}

users() {
	ls state/current/users | tr '\n' ' '
}

# leave DISK KIB: fills it but for so much.
leave() {
	local avail
	avail=$(df --output=avail -k "$1" | tail -n 1)
	dd if=/dev/zero of="$1/filler" bs=1k count=$((avail - $2)) 2>>op.log
}

next_boot() {
	box_end
	box_boot
	rm-audit verify state/audit.log >verified
	[ -z "$(rm-audit unfinished state/audit.log)" ]
	[ "$(find state -maxdepth 1 -name 'gen-*' | wc -l)" -le 1 ]
	[ -z "$(find state -name '*.new*')" ]
	[ ! -e state/factory-reset ]
}

# until_room LINE: with 0 KiB left on the disk, then 4, 8 and so on, until it
# is done; arrange and verdict are functions of the test.
until_room() {
	local free is=before undone=0
	for ((free = 0; free < 200; free += 4)); do
		arrange
		leave state "$free"
		command_to "$1" >answer
		[ "$(cut -c 1 answer)" != + ] || settle
		rm -f state/filler
		is=$(verdict)
		[ "$is" != before ] || until_true box_listens
		next_boot
		[ "$(verdict)" = "$is" ]
		case $(cut -c 1 answer),$is in
		!,before) undone=$((undone + 1)) ;;
		+,after) break ;;
		# Done, and only then something was wrong.
		!,after) ;;
		*) echo "$(cat answer): $is"; return 1 ;;
		esac
	done
	[ "$is" = after ]
	[ "$undone" -gt 0 ]
}

settle() { :; }

full_set_mode() {
	arrange() {
		[ -e state/current/users/app ] ||
			cp -a state/current/users/master state/current/users/app
	}
	verdict() {
		case $(<state/current/mode),$(users) in
		'NRM,app master ') echo before ;;
		'RM1,master ') echo after ;;
		esac
	}
	box_boot
	until_room 'set-mode RM1 confirm=box'
}

@test "set-mode on a disk that is full at any of its steps is undone or done" {
	on_disk 2m full_set_mode
}

full_factory_reset() {
	arrange() { :; }
	settle() { box_booted; }
	verdict() {
		if [ -e state/appliance ] && [ -e state/current/users/master ]
		then
			echo before
		elif [ "$(cd state && echo *)" = \
			'audit.log boot-count conf lock lock.holder' ]; then
			echo after
		fi
	}
	box_boot
	until_room 'factory-reset confirm=box'
}

@test "factory-reset on a disk that is full at any of its steps is undone or done" {
	on_disk 2m full_factory_reset
}

full_unlock_master() {
	arrange() { echo 7 >state/current/users/master/failures; }
	verdict() {
		case $(cat state/current/users/master/failures || echo 0) in
		7) echo before ;;
		0) echo after ;;
		esac
	}
	box_boot
	until_room unlock-master
}

@test "unlock-master on a disk that is full at any of its steps is undone or done" {
	on_disk 2m full_unlock_master
}

# --- every operation ----------------------------------------------------------

OPERATIONS='unlock-master stop-service start-service set-mode restart switch-off factory-reset'

# line_of OPERATION: as it is asked for.
line_of() {
	case $1 in
	set-mode) echo 'set-mode RM1 confirm=box' ;;
	restart | switch-off | factory-reset) echo "$1 confirm=box" ;;
	*) echo "$1" ;;
	esac
}

# before OPERATION: an appliance that is up, on which it has something to do.
before() {
	if [ ! -e state/appliance ]; then
		box_end
		rm-supervise init box <<<"$MASTER_PASSWORD" >/dev/null
	fi
	box_lives || box_boot
	echo 7 >state/current/users/master/failures
	case $1 in
	set-mode)
		[ "$(<state/current/mode)" = NRM ] ||
			command_to 'set-mode NRM confirm=box' >/dev/null
		;;
	start-service) command_to stop-service >/dev/null ;;
	*) command_to start-service >/dev/null ;;
	esac
	boot=$(<state/boot-count)
}

# came_to OPERATION: before or after, once all that goes on has come to rest.
came_to() {
	# Gone in the meantime is what is looked at now.
	power_settles "$boot" || :
	if box_lives && [ -e state/appliance ] && [ -e run/service ]; then
		until_true box_listens
	fi
	case $1 in
	unlock-master) [ "$(<state/current/users/master/failures)" = 7 ] ;;
	stop-service) [ -e run/service ] ;;
	start-service) [ ! -e run/service ] ;;
	set-mode) [ "$(<state/current/mode)" = NRM ] ;;
	restart) [ "$(<state/boot-count)" = "$boot" ] ;;
	switch-off) box_lives ;;
	factory-reset) [ -e state/appliance ] ;;
	esac && echo before || echo after
}

# one_of ANSWER IS: what may be answered to what has happened.
one_of() {
	case $1,$2 in
	'+'*,after | '! '*,before) ;;
	*) echo "$op: $1: $2"; return 1 ;;
	esac
}

full_run() {
	mount -t tmpfs -o size=1m tmpfs run
	mkdir run/console
	local op boot free is
	for op in $OPERATIONS; do
		for free in 0 4 8 64; do
			before "$op"
			leave run "$free"
			command_to "$(line_of "$op")" >answer
			rm -f run/filler
			is=$(came_to "$op")
			[ "$(cut -c 1 answer)" = + ] || box_lives
			# Done, but it could not be said how.
			[ "$is" = after ] || one_of "$(<answer)" "$is"
		done
		# With room for all of it, it is done.
		one_of "$(<answer)" after
		[ "$is" = after ]
	done
	next_boot_or_init
}

next_boot_or_init() {
	[ -e state/appliance ] ||
		rm-supervise init box <<<"$MASTER_PASSWORD" >/dev/null
	next_boot
}

@test "every operation, with RM_RUN full: undone or done, and the service as it should be" {
	on_disk 4m full_run
}

log_table() {
	mkdir log
	mount -t tmpfs -o size=1m tmpfs log
	cp state/audit.log log/audit.log
	mount --bind log/audit.log state/audit.log
	local op boot begin is open
	for op in $OPERATIONS; do
		# Once as it should be, to see what its begin takes.
		before "$op"
		command_to "$(line_of "$op")" >answer
		one_of "$(<answer)" "$(came_to "$op")"
		begin=$(bytes_of begin)
		# Not even that: nothing has happened.
		before "$op"
		pad $((begin - 30))
		command_to "$(line_of "$op")" >answer
		[ "$(<answer)" = '! system the log does not take the record' ]
		rm log/filler
		[ "$(came_to "$op")" = before ]
		# That, and no more: it is done, and told as soon as there is room.
		before "$op"
		pad $((begin + 30))
		command_to "$(line_of "$op")" >answer
		[ "$(<answer)" = '+ done' ]
		open=$(rm-audit unfinished state/audit.log)
		has "$open" "* $op *"
		rm log/filler
		[ "$(came_to "$op")" = after ]
		[ -e state/appliance ] || rm-supervise init box \
			<<<"$MASTER_PASSWORD" >/dev/null
		box_lives || box_boot
		command_to status >answer
		grep -q " interrupted of=${open%% *} operation=$op " \
			state/audit.log
		rm-audit verify state/audit.log >verified
	done
}

@test "every operation, with a log that takes no begin, and with one that takes no end" {
	on_disk 4m log_table
}

# --- at boot ----------------------------------------------------------------

# cold_boot CODE PATTERN: does not come up, says why, and leaves nothing.
cold_boot() {
	local rc=0
	timeout 60 rm-supervise boot --headless >cold 2>why || rc=$?
	[ "$rc" = "$1" ] && has "$(tail -n 1 why)" "$2"
	[ ! -s cold ]
	[ ! -e run/console/armed ]
	[ ! -S run/audit.sock ]
	until_true rm-once -q state/lock
	[ -z "$(pgrep -f "$RM_RUN/service")" ]
}

unfit_at_boot() {
	# Read-only: not even the lock can be had.
	box_boot
	box_end
	echo 2 >state/rearm
	mount --bind state state
	mount -o remount,bind,ro state
	cold_boot 111 '*unable to lock *state/lock: Read-only file system'
	umount state
	[ "$(<state/boot-count)" = 1 ]
	# Full: the boot cannot be counted, so that no other is taken for it.
	leave state 0
	cold_boot 111 '*unable to write *: No space left on device'
	rm state/filler
	ln -s /dev/full state/boot-count.new
	cold_boot 111 '*unable to count the boot in *: is the disk full or read-only?'
	rm state/boot-count.new
	[ "$(<state/boot-count)" = 1 ]
	# A log that is full.
	mkdir log
	mount -t tmpfs -o size=1m tmpfs log
	cp state/audit.log log/audit.log
	mount --bind log/audit.log state/audit.log
	pad 30
	cold_boot 111 '*the audit log does not take the record boot: ! system the log cannot be written'
	rm log/filler
	# That was the boot that was to be armed again: this one is not.
	[ "$(<state/boot-count)" = 2 ]
	box_boot
	[ "$BOOTED" = 'boot 3 of box' ]
	[ ! -e run/console/armed ]
	[ ! -e state/rearm ]
	rm-audit verify state/audit.log >verified
}

@test "a disk that is read-only or full at boot: said, nothing half, and well again when it is" {
	on_disk 4m unfit_at_boot
}

rearm_stays() {
	# It could not be removed at the boot that it names.
	box_boot
	box_end
	echo 2 >state/rearm
	mkdir rm.bin
	printf '%s\n' '#!/bin/sh' \
		'case $* in *rearm*) echo "rm: read-only" >&2; exit 1 ;; esac' \
		'exec /bin/rm "$@"' >rm.bin/rm
	chmod 755 rm.bin/rm
	PATH=$PWD/rm.bin:$PATH cold_boot 111 '*unable to remove *state/rearm'
	[ "$(<state/rearm)" = 2 ]
	box_boot
	[ "$BOOTED" = 'boot 3 of box' ]
	[ ! -e run/console/armed ]
	[ ! -e state/rearm ]
	# Nor when somebody disarmed: at once, and for the boot that it names.
	rm-supervise arm >/dev/null
	echo 4 >state/rearm
	mount --bind state state
	mount -o remount,bind,ro state
	if rm-supervise disarm 2>why; then
		return 1
	fi
	[ ! -e run/console/armed ]
	[ "$(<state/rearm)" = 4 ]
	until_true rm-once -q run/remote.addr
	box_end KILL
	until_true umount state
	box_boot
	[ "$BOOTED" = 'boot 4 of box' ]
	[ ! -e run/console/armed ]
	[ ! -e state/rearm ]
	[ ! -e run/rearm.void ]
	# What is healthy arms again, as ever.
	rm-supervise arm >/dev/null
	command_to 'restart confirm=box' >/dev/null
	box_booted
	until_true [ -e run/console/armed ]
}

@test "a rearm that cannot be removed arms no later boot" {
	on_disk 4m rearm_stays
}

full_restart() {
	box_boot
	rm-supervise arm >/dev/null
	# Full for this one file.
	ln -s /dev/full state/rearm.new
	[ "$(command_to 'restart confirm=box')" = '+ done' ]
	box_booted
	[ "$BOOTED" = 'boot 2 of box' ]
	grep -q 'rearm cannot be written' box.log
	[ ! -e run/console/armed ]
	[ ! -e state/rearm ] && [ ! -L state/rearm.new ]
}

@test "restart with a disk too full for rearm: it comes back, disarmed" {
	on_disk 4m full_restart
}

read_only() {
	box_boot
	local was line
	was=$(cat state/audit.log)
	mount --bind state state
	mount -o remount,bind,ro state
	while read -r line; do
		[ "$(command_to "$line")" = \
			'! system the log does not take the record' ]
		box_listens
	done <<-'LINES'
	set-mode RM1 confirm=box
	factory-reset confirm=box
	unlock-master
	stop-service
	start-service
	restart confirm=box
	switch-off confirm=box
	LINES
	# What changes nothing still answers.
	[ "$(command_to status)" = '+ done' ]
	umount state
	[ "$(cat state/audit.log)" = "$was" ]
	[ "$(<state/boot-count)" = 1 ]
	[ "$(command_to 'set-mode RM1 confirm=box')" = '+ done' ]
	next_boot
}

@test "on a read-only disk no operation begins, and the service goes on" {
	on_disk 4m read_only
}

# pad BYTES: makes the log so long that just these fit before its disk is full.
pad() {
	local size want
	rm -f log/filler
	rm-audit append state/audit.log <<<"durable pad text=x" >>padded
	size=$(stat -c %s state/audit.log)
	want=$(((4096 - $1 - size % 4096 - 130 + 2 * 4096) % 4096))
	rm-audit append state/audit.log >>padded \
		<<<"durable pad text=$(head -c "$want" /dev/zero | tr '\0' x)"
	leave log 0
}

# The bytes of the last record of that name.
bytes_of() {
	grep " $1 " state/audit.log | tail -n 1 | wc -c
}

log_on_its_own() {
	mkdir log
	mount -t tmpfs -o size=1m tmpfs log
	cp state/audit.log log/audit.log
	mount --bind log/audit.log state/audit.log
	box_boot
	[ "$(command_to 'set-mode RM1 confirm=box')" = '+ done' ]
	local begin
	begin=$(bytes_of begin)
	# Not even its begin: it is not begun.
	pad $((begin - 30))
	[ "$(command_to 'set-mode RM2 confirm=box')" = \
		'! system the log does not take the record' ]
	[ "$(<state/current/mode)" = RM1 ]
	# Its begin, but not its end: done, and the next boot says so.
	pad $((begin + 30))
	[ "$(command_to 'set-mode RM2 confirm=box')" = '+ done' ]
	[ "$(<state/current/mode)" = RM2 ]
	until_true box_listens
	tail -n 1 state/audit.log | grep -q ' begin operation=set-mode '
	rm log/filler
	next_boot
	grep -q ' interrupted of=[0-9]* operation=set-mode from=2 to=3 ' \
		state/audit.log
	# Nobody is kept from a return to factory mode by the log.
	pad $((begin + 30))
	[ "$(command_to 'factory-reset confirm=box')" = '+ done' ]
	box_booted
	[[ $BOOTED == *waits* ]]
	[ "$(cd state && echo *)" = \
		'audit.log boot-count conf lock lock.holder' ]
	rm log/filler
	rm-audit verify state/audit.log
}

@test "a log that takes no more: not begun, or done and told at the next boot" {
	on_disk 4m log_on_its_own
}
