#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The unit files: what they start is what was installed, and it works, started
# the way that they say.  No systemd runs here: the lines are read by ourselves,
# and by systemd-analyze where there is one.
load helpers
load box

setup() {
	common_setup
	ROOT=$PWD/root
	UNITS=$ROOT/usr/lib/systemd/system
	make -s -C "$RM_TESTS/.." BUILD="${RM_BUILD#"${RM_TESTS%/tests}/"}" \
		install PREFIX=/usr DESTDIR="$ROOT" >made 2>&1 ||
		{ cat made >&2; return 1; }
}

teardown() {
	box_end
	common_teardown
}

# values UNIT KEY: what stands behind it, one a line.
values() {
	sed -n "s/^$2=//p" "$UNITS/$1"
}

@test "systemd: every unit is in its place, and names nothing that is not installed" {
	run -0 ls "$UNITS"
	[ "$output" = 'rm-appliance.service
rm-appliance@.service
rm-root.service' ]
	run ! grep -r '@[A-Z]' "$UNITS"
	local unit word
	for unit in "$UNITS"/*; do
		unit=${unit##*/}
		[ "$(values "$unit" ExecStart | wc -l)" = 1 ]
		for word in $(values "$unit" ExecStart); do
			case $word in
			/usr/*) [ -e "$ROOT$word" ] ;;
			/run/rm/root.sock) ;;
			/*) echo "$word"; return 1 ;;
			esac
		done
		[ "$(values "$unit" Documentation)" = 'man:rm-supervise(8)' ]
	done
	[ -e "$ROOT/usr/share/man/man8/rm-supervise.8" ]
	# What is stated as the default is the default.
	[ "$(values rm-appliance.service StateDirectory)" = rm ]
	[ "$(values rm-appliance.service RuntimeDirectory)" = rm ]
	grep -q 'RM_STATE:-/var/lib/rm}' "$ROOT/usr/bin/rm-supervise"
	grep -q 'RM_RUN:-/run/rm}' "$ROOT/usr/bin/rm-supervise"
	# Both ways to boot differ in the console and in nothing else.
	diff <(grep -v '^#' "$UNITS/rm-appliance.service") \
		<(grep -v '^#' "$UNITS/rm-appliance@.service") >differ || :
	run ! grep -E '^[<>] ' <(grep -vE \
		'^[<>] (Description|After|Conflicts|ExecStart|Environment|Standard|TTY)' \
		differ)
}

@test "systemd: the units have the form that systemd wants" {
	local unit line section='' known
	known=' Description Documentation Wants After Conflicts Type User ExecStart Environment Restart RestartSec KillMode TimeoutStopSec UMask LimitCORE NoNewPrivileges ProtectSystem ProtectHome PrivateTmp PrivateNetwork ReadWritePaths StateDirectory StateDirectoryMode RuntimeDirectory RuntimeDirectoryMode RuntimeDirectoryPreserve StandardInput StandardOutput StandardError TTYPath TTYReset TTYVHangup WantedBy '
	for unit in "$UNITS"/*; do
		while IFS= read -r line; do
			case $line in
			'' | '#'*) ;;
			'['*']') section=$line ;;
			*=*) [[ -n $section && $known == *" ${line%%=*} "* ]] ;;
			*) echo "$unit: $line"; return 1 ;;
			esac
		done <"$unit"
	done
	command -v systemd-analyze >/dev/null || return 0
	# With programs that are there, a user too, and no other unit.
	mkdir check
	for unit in "$UNITS"/*; do
		sed "s|/usr/|$ROOT/usr/|g; s/^User=.*/User=$(id -un)/
			s|man:.*|file:$ROOT|" "$unit" >"check/${unit##*/}"
	done
	mv check/rm-appliance@.service check/rm-appliance@tty1.service
	SYSTEMD_UNIT_PATH=$PWD/check: try 0 systemd-analyze verify --man=no \
		check/*.service
	# It warns of users that are nobody's, too.
	run ! grep -E 'Unknown|Failed|[Ii]gnor|not executable' <<<"$stderr"
}

@test "systemd: started as the unit says, it boots, and ends in order" {
	local start
	export RM_STATE RM_RUN RM_OPS=$ROOT/usr/lib/rm/ops
	read -ra start <<<"$(values rm-appliance.service ExecStart)"
	box_init 'boot-pause 0'
	unset RM_OPS
	mkfifo booted
	"$ROOT${start[0]}" "${start[@]:1}" 3>&- >booted 2>>box.log \
		</dev/null &
	BOX_PID=$!
	exec 7<booted
	box_booted
	[ "$BOOTED" = 'boot 1 of box' ]
	# KillMode=mixed: TERM is for the first process alone.
	kill -TERM "$BOX_PID"
	wait "$BOX_PID" || :
	BOX_PID=
	grep -q ' power verb=terminate ' state/audit.log
	try 0 rm-once -q state/lock
}

@test "systemd: root's door, opened as the unit says, restarts the host for the appliance" {
	local start
	export RM_OPS=$ROOT/usr/lib/rm/ops
	box_init 'power systemd'
	mkdir bin
	printf '%s\n' '#!/bin/sh' 'echo "$*" >>systemctl.log' >bin/systemctl
	chmod 755 bin/systemctl
	# The same words, at other places and for another user.
	read -ra start <<<"$(values rm-root.service ExecStart |
		sed "s|/usr/|$ROOT/usr/|g; s|/run/rm/|$RM_RUN/|g
			s|-o rm |-o $(id -un) |")"
	PATH=$PWD/bin:$PATH "${start[@]}" 2>>root.log 3>&- 7>&- &
	PIDS+=("$!")
	until_true [ -S run/root.sock ]
	box_boot
	box 'restart confirm=box'
	has "$output" *'+ done'
	wait "$BOX_PID"
	BOX_PID=
	[ "$(<systemctl.log)" = reboot ]
	rm-audit verify state/audit.log
}
