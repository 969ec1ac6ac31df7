#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Operations that change what the service serves, as a manager at a desk and a
# PKCS#11 client of somebody else's see them.
load helpers
load room
load appliance

@test "set-mode from a desk: a client sees it in its mechanism list" {
	appliance_init hsm-1 1 alice
	appliance_user app app-password
	appliance_boot
	appliance_arm
	p11_setup app app-password
	run -0 p11 -M
	has "$output" *'  MD5, digest'*
	run -0 p11 --init-token --slot-index 0 --label main --so-pin 12345678
	try 0 room rmctl $RMCTL --yes hsm-1 set-mode RM2
	has "$output" *'erases all users but master'*'the mode is RM2; the database is empty'
	# That user is no more; another is, in the new mode.
	run p11 -L
	[ "$status" -ne 0 ]
	appliance_user app app-password
	run -0 p11 -M
	has "$output" *'  SHA256, digest'*
	[[ $output != *MD5* ]]
	run -0 p11 -L
	[[ $output != *main* ]]
	try 0 room rmctl $RMCTL status
	has "$output" *'mode RM2'*
}

@test "factory-reset from a desk: answered, then gone; its stations are told of the new key" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	local old=$APPLIANCE
	try 0 room rmctl $RMCTL --yes hsm-1 factory-reset
	has "$output" *'keeps the audit log'*'the appliance returns to factory mode now'
	appliance_booted
	has "$BOOTED" 'boot 2 waits for *'
	run -0 room ss -Hltn 'sport = :4433 or sport = :4434'
	[ -z "$output" ]
	try 11 room rmctl $RMCTL status
	APPLIANCE=$(rm-supervise init hsm-1 <<<"$MASTER_PASSWORD")
	APPLIANCE=${APPLIANCE##* }
	appliance_booted
	sed -i 's/^session .*/session 1/' "$RM_STATE/policy"
	# The old custodian is none any more, until he is enrolled again.
	[ -z "$(ls "$RM_STATE/custodians")" ]
	appliance_enrol 0 alice
	appliance_arm
	try 31 room rmctl $RMCTL status
	has "$stderr" *'THE KEY OF '*' HAS CHANGED'*
	try 0 room rmctl trust --replace --fingerprint "$APPLIANCE" 127.0.0.1
	try 0 room rmctl $RMCTL status
	grep -q " init .* appliance=$APPLIANCE follows=" "$RM_STATE/audit.log"
	grep -q " factory-reset appliance=$old " "$RM_STATE/audit.log"
	try 0 rm-audit verify "$RM_STATE/audit.log"
}

@test "restart --wait returns when the appliance is back" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	local signed
	signed=$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')
	try 0 room rmctl $RMCTL --yes hsm-1 restart --wait 60
	[ "$output" = 'the appliance restarts now' ]
	has "$stderr" *'is back'*
	# It is, at once; and nobody but the restart asked a card.
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')" = \
		$((signed + 1)) ]
	try 0 room rmctl $RMCTL status
	has "$output" *'boot 2'*
	appliance_booted
	try 100 room rmctl $RMCTL --yes hsm-1 restart --wait soon
	[[ $stderr == *'usage: restart --wait [SECONDS]' ]]
}

@test "restart --wait tells who waits in vain" {
	appliance_init hsm-1 1 alice
	# It goes on: a restart that never comes back.
	mkdir ops
	cp "$RM_BUILD"/lib/rm/ops/* ops
	cp "$RM_BUILD"/lib/rm/op.sh .
	sed -i 's/^tell_supervisor.*/:/' ops/restart
	RM_OPS=$PWD/ops appliance_boot
	appliance_arm
	try 11 room rmctl $RMCTL --yes hsm-1 restart --wait 0.5
	has "$stderr" *'has not come back, armed, within 0.5 s'
}

# ops_with_key: each operation runs under kill-at, and at the step that stands
# in the file "at" somebody presses a key at the console.
ops_with_key() {
	cp -r "$RM_BUILD/lib/rm" lib
	cp -r lib/ops real
	local op
	for op in real/*; do
		op=${op##*/}
		{
			sed -n '/^#/!q; p' "real/$op"
			echo "exec kill-at -o '$PWD/pressed' -e 'rm -f $RM_STATE/rearm" \
				"$RM_RUN/console/armed' \$(cat '$PWD/at') --" \
				"'$PWD/real/$op' \"\$@\""
		} >"lib/ops/$op"
	done
	export RM_OPS=$PWD/lib/ops
}

# with_key OPERATION ARG...: at some of its steps; functions of the test:
# arrange makes "before" of what there is, verdict says before or after.
with_key() {
	local at rc
	appliance_init hsm-1 1 alice
	echo 'boot-pause 0' >>"$RM_CONF"
	ops_with_key
	for at in ${STEPS:-1 25}; do
		arrange
		[ -n "${BOOT_PID:-}" ] || appliance_boot
		appliance_arm
		echo "$at" >at
		rc=0
		timeout 60 room rmctl $RMCTL --yes hsm-1 "$@" >out 2>err || rc=$?
		# Told why, unless the answer was out before; or it went down.
		case $rc in
		0 | 13 | 14) ;;
		*) cat out err; return 1 ;;
		esac
		[ ! -e "$RM_RUN/console/armed" ]
		until_true rm-once -q "$RM_RUN/session"
		until_true [ -z "$(rm-audit unfinished "$RM_STATE/audit.log")" ]
		settle
		echo "$*: a key at step $at: $rc, $(verdict)" >&2
		[ -n "$(verdict)" ]
		[ ! -e "$RM_RUN/console/armed" ]
		rm-audit verify "$RM_STATE/audit.log"
	done
}

service_back() {
	[ -s "$RM_RUN/service.addr" ] && run ! rm-once -q "$RM_RUN/service.addr"
}

# A word that it left for the supervisor has been acted on.
power_settles() {
	local seen
	seen=$(grep -c 'unknown word' appliance.log || :)
	timeout 10 dd of="$RM_RUN/power" conv=nocreat,notrunc <<<mark \
		2>/dev/null || :
	until_true power_settled "$seen"
	if [ "$(cat "$RM_STATE/boot-count")" != "$BOOT" ]; then
		appliance_booted
	elif ! grep -qv ') Z ' "/proc/$BOOT_PID/stat" 2>/dev/null; then
		wait "$BOOT_PID"
		BOOT_PID=
	fi
}

power_settled() {
	[ "$(cat "$RM_STATE/boot-count")" != "$BOOT" ] ||
		! grep -qv ') Z ' "/proc/$BOOT_PID/stat" 2>/dev/null ||
		[ "$(grep -c 'unknown word' appliance.log)" -gt "$1" ]
}

@test "a key at the console during set-mode: undone or done, and recorded" {
	arrange() {
		[ "$(cat "$RM_STATE/current/mode")" = NRM ] || {
			appliance_end
			echo NRM >"$RM_STATE/current/mode"
		}
		[ -e "$RM_STATE/current/users/app" ] ||
			appliance_user app app-password
	}
	settle() { until_true service_back; }
	verdict() {
		case $(cat "$RM_STATE/current/mode"),$(ls "$RM_STATE/current/users" |
			tr '\n' ' ') in
		'NRM,app master ') echo before ;;
		'RM1,master ') echo after ;;
		esac
	}
	STEPS=${STEPS:-1 40 120} with_key set-mode RM1
	grep -q ' cut .*operation=set-mode' "$RM_STATE/audit.log"
}

@test "a key at the console during factory-reset: undone or done, and recorded" {
	arrange() { BOOT=$(cat "$RM_STATE/boot-count" || echo 0); }
	settle() { BOOT=$(cat "$RM_STATE/boot-count"); power_settles; }
	verdict() {
		if [ -e "$RM_STATE/appliance" ]; then
			[ ! -e "$RM_STATE/factory-reset" ] &&
				[ -e "$RM_STATE/device.key" ] && echo before
		elif [[ $BOOTED == *waits* ]]; then
			echo after
		fi
	}
	STEPS=3 with_key factory-reset
}

@test "a key at the console during stop-service: it runs, or it is stopped" {
	arrange() {
		[ -z "${BOOT_PID:-}" ] || timeout 60 room rm-exec -L \
			"$RM_BUILD/lib/rm/ops" <<<start-service
	}
	settle() { :; }
	verdict() {
		if [ ! -e "$RM_RUN/service" ]; then
			until_true rm-once -q "$RM_RUN/service.addr"
			echo stopped
		else
			until_true service_back
			echo running
		fi
	}
	STEPS='1 12' with_key stop-service
}

@test "a key at the console during restart: it comes back disarmed, or stays" {
	arrange() { BOOT=$(cat "$RM_STATE/boot-count" 2>/dev/null || echo 0); }
	settle() { BOOT=${BOOTED#boot }; BOOT=${BOOT%% *}; power_settles; }
	verdict() { service_back && echo "$BOOTED"; }
	STEPS='1 20' with_key restart
}
