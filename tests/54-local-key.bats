#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A key at the console while an operation that a manager asked for is under
# way, at N of its steps: the session is closed and its peer told why, the
# operation is undone or done, the log says which, and the console is there.
# Every second time the operation stays where it is when the key comes, so
# that nothing but the key can be what ends it.  N=20 is the long form, which
# counts the steps first.
load helpers
load room
load appliance
load console

N=${N:-2}

setup() {
	common_setup
	room_start
	export TERM=screen
	export ASAN_OPTIONS=detect_leaks=0	# not under ptrace(2)
	unset TMUX
}

teardown() {
	boot_end || :
	common_teardown
	room_stop
}

# An operation runs under kill-at, which at the step that stands in the file
# "at" runs key.sh: that presses the key and, if there is a file "stay", stays.
op_with_key() {
	[ ! -e "key.$1" ] || return 0
	[ -d lib ] || cp -r "$RM_BUILD/lib/rm" lib
	export RM_OPS=$PWD/lib/ops
	mkdir -p real
	mv "lib/ops/$1" "real/$1"
	# What it looks like to itself is its link in lib/ops.
	ln -s "$PWD/real/$1" "key.$1"
	{
		sed -n '/^#/!q; s/^# limit: .*/# limit: 3600/; p' "real/$1"
		echo "exec kill-at -o '$PWD/steps' -e '$PWD/key.sh'" \
			"\$(cat '$PWD/at') -- '$PWD/key.$1' \"\$@\""
	} >"lib/ops/$1"
	chmod 755 "lib/ops/$1"
	# The console may be gone before it has read a key; what it is asked
	# here is what becomes of one that it has read.
	cat >key.sh <<-SH
	#!/bin/sh
	cd '$PWD'
	: >pressed
	tmux -S "tmux.\$(cat terminal)" send-keys x
	[ ! -e stay ] || exec sleep 600
	until [ ! -e power -o ! -e '$RM_RUN/console/armed' ]; do sleep 0.02; done
	SH
	chmod 755 key.sh
}

# What the last begin of that operation came to: cut, end, interrupted.
recorded() {
	local begin
	begin=$(grep " begin operation=$1 " "$RM_STATE/audit.log" | tail -n 1)
	sed -nE "s/^[^ ]+ [^ ]+ [^ ]+ ([a-z]+) of=${begin%% *} .*/\1/p" \
		"$RM_STATE/audit.log"
}

# It is, and nothing of the operation is there any more.
is_recorded() {
	[ -n "$(recorded "$1")" ] && rm-once -q "$RM_RUN/operation"
}

shows_menu() {
	shows 'Remote Management' && shows_not "$RM_TITLE"
}

# What the console can do at once, after a key: its first entry, say.
usable() {
	effect on About
	calm
	keys Enter
	see 'version  '
	calm
	keys Escape
	effect on About
}

# The file is older, maybe; the lock tells.
remote_listens() {
	! rm-once -q "$RM_RUN/remote.addr"
}

service_listens() {
	[ -s "$RM_RUN/service.addr" ] && ! rm-once -q "$RM_RUN/service.addr"
}

arm_it() {
	appliance_arm
	see "$RM_TITLE"
	see "$READY"
	until_true remote_listens
}

unknown_words() {
	sed -n '/unknown word/p' "$RM_RUN/log" 2>/dev/null | wc -l
}

# All words that were left for the supervisor have been taken, and acted on,
# and it has come to rest, or is gone: it says that it does not know this one.
power_settled() {
	local seen i
	! is_off || return 0
	seen=$(unknown_words)
	timeout 5 dd of="$RM_RUN/power" conv=nocreat,notrunc <<<mark || return
	for ((i = 0; i < 20; i++)); do
		! is_off || return 0
		[ "$(unknown_words)" -le "$seen" ] || return 0
		sleep 0.05
	done
	return 1
}

# An appliance that is up, with the console at its main menu.  Where nobody
# has pressed a key, it may be armed still, or again: a key ends that, too.
at_menu() {
	if [ -z "${TERMINAL:-}" ] || is_off; then
		[ -z "${TERMINAL:-}" ] || until_true rm-once -q "$RM_STATE/lock"
		boot
		echo "$TERMINAL" >terminal
	fi
	until_true power_settled
	BOOT=$(<"$RM_STATE/boot-count")
	if [ -e "$RM_RUN/console/armed" ]; then
		[ ! -e pressed ]
		see "$RM_TITLE"
		keys x
		until_true [ ! -e "$RM_RUN/console/armed" ]
		until_true disarm_is_over
	fi
	effect shows_menu
	[ ! -e pressed ] || usable
	rm -f pressed
}

# once OPERATION ARG...: as the manager; the exit code in rc.
once() {
	rc=0
	rm -f pressed
	# shellcheck disable=SC2086 # options are words
	timeout 120 room rmctl $RMCTL --yes hsm-1 "$@" >out 2>rmctl.err || rc=$?
}

# What a key must have led to, whatever the operation.
key_ended_all() {
	case $rc in
	13) grep -q 'local console' rmctl.err ;;
	# Who is slow to say so is cut off after 50 ms.
	42) grep -q 'connection lost' rmctl.err ;;
	# The answer was out before,
	0) [ ! -e stay ] || [ -e power ] ;;
	# or the appliance on its way down.
	14) [ -e power ] ;;
	*) false ;;
	esac || { cat out rmctl.err; return 1; }
	until_true [ ! -e "$RM_RUN/console/armed" ]
	until_true rm-once -q "$RM_RUN/session"
	# Not the old chain's address, when it is armed again.
	until_true rm-once -q "$RM_RUN/remote.addr"
}

# The console has what the key did recorded after it has done it: no arming
# must come in between.
disarm_is_over() {
	is_off || [ "$(<"$RM_STATE/boot-count")" != "$BOOT" ] ||
		[[ $(grep -E ' (arm id|disarm was)=' "$RM_STATE/audit.log" |
			tail -n 1) == *' disarm '* ]]
}

# strike OPERATION ARG...: at the step in "at".  A step that never came is an
# instant after the end; the key comes then, at the latest by at_menu.
strike() {
	local is
	once "$@"
	if [ -e pressed ]; then
		key_ended_all
	else
		[ "$rc" -eq 0 ] || { cat out rmctl.err; return 1; }
	fi
	until_true is_recorded "$1"
	settle
	is=$(verdict) || :
	echo "# $1: a key at step $(<"at") of $steps:" \
		"$rc, $(recorded "$1"), ${is:-broken}" >&3
	[ "$is" = before ] || [ "$is" = after ]
	[ "$(recorded "$1")" != cut ] || cut=$((cut + 1))
	if [ -e pressed ]; then
		until_true disarm_is_over
		[ ! -e "$RM_RUN/console/armed" ]
		[ ! -e "$RM_STATE/rearm" ]
	else
		[ "$is,$(recorded "$1")" = after,end ]
	fi
	[ -e power ] || at_menu
	rm-audit verify "$RM_STATE/audit.log"
}

# with_key STEPS OPERATION ARG...: an operation of about so many steps.  Of the
# test are arrange, which makes "before" of what there is, with the console at
# its main menu; settle, which waits for what goes on; and verdict, which says
# before or after.  If there is a file "power", the appliance may go down and
# come back.
with_key() {
	local i rc steps=$1 cut=0
	shift
	op_with_key "$1"
	for ((i = N > 2 ? -1 : 0; i < N; i++)); do
		# The middle of each of N parts; how many there are varies.
		echo $(((2 * i + 1) * steps / (2 * N))) >"at"
		[ "$i" -ge 0 ] || echo 0 >"at"
		rm -f stay
		[ $((i % 2)) -ne 1 ] || : >stay
		arrange
		arm_it
		strike "$@"
		[ "$i" -ge 0 ] || steps=$(sed -n 's/^steps //p' steps)
	done
	[ "$cut" -gt 0 ]
}

here() {
	timeout 60 room rm-exec -L "$RM_BUILD/lib/rm/ops" <<<"$1" >/dev/null
}

an_appliance() {
	appliance_init hsm-1 1 alice
	echo 'boot-pause 0' >>"$RM_CONF"
}

serving() {
	[ -e "$RM_RUN/service" ] || here start-service
	until_true service_listens
}

@test "a key at the console during unlock-master, stop-service, start-service and set-mode" {
	an_appliance
	arrange() {
		at_menu
		echo 7 >"$RM_STATE/current/users/master/failures"
	}
	settle() { :; }
	verdict() {
		case $(cat "$RM_STATE/current/users/master/failures") in
		7) echo before ;;
		0) echo after ;;
		esac
	}
	with_key 43 unlock-master
	arrange() { at_menu; serving; }
	verdict() {
		if [ ! -e "$RM_RUN/service" ]; then
			until_true rm-once -q "$RM_RUN/service.addr" &&
				echo after
		else
			until_true service_listens && echo before
		fi
	}
	with_key 31 stop-service
	arrange() {
		at_menu
		[ ! -e "$RM_RUN/service" ] || here stop-service
	}
	verdict() {
		if [ -e "$RM_RUN/service" ]; then
			until_true service_listens && echo after
		else
			rm-once -q "$RM_RUN/service.addr" && echo before
		fi
	}
	with_key 58 start-service
	arrange() {
		at_menu
		[ "$(<"$RM_STATE/current/mode")" = NRM ] ||
			here 'set-mode NRM confirm=hsm-1'
		serving
		[ -e "$RM_STATE/current/users/app" ] ||
			appliance_user app app-password
	}
	settle() { until_true service_listens; }
	verdict() {
		case $(<"$RM_STATE/current/mode"),$(cd "$RM_STATE/current/users" &&
			echo *) in
		'NRM,app master') echo before ;;
		RM1,master) echo after ;;
		esac
	}
	with_key 189 set-mode RM1
}

# --- the power --------------------------------------------------------------

power_arrange() {
	: >power
	at_menu
	until_true service_listens
}

power_settles() {
	until_true power_settled
}

@test "a key at the console during restart, switch-off and factory-reset: disarmed, whatever comes of it" {
	an_appliance
	arrange() { power_arrange; }
	settle() {
		power_settles
		until_true service_listens
	}
	verdict() {
		[ "$(<"$RM_STATE/boot-count")" = "$BOOT" ] && echo before ||
			echo after
	}
	with_key 61 restart
	settle() { power_settles; }
	verdict() {
		if is_off; then
			echo after
		else
			until_true service_listens && echo before
		fi
	}
	with_key 61 switch-off
	arrange() {
		if [ ! -e "$RM_STATE/appliance" ]; then
			APPLIANCE=$(rm-supervise init hsm-1 \
				<<<"$MASTER_PASSWORD")
			APPLIANCE=${APPLIANCE##* }
			sed -i 's/^session .*/session 1/' "$RM_STATE/policy"
			power_settles
			appliance_enrol 0 alice
			# Its key is another: the station trusts it anew.
			rm -f known "$XDG_CONFIG_HOME/rm/appliances"
		fi
		power_arrange
	}
	settle() {
		power_settles
		until_true [ ! -e "$RM_STATE/factory-reset" ]
	}
	verdict() {
		if [ -e "$RM_STATE/device.key" ]; then
			[ -e "$RM_STATE/appliance" ] &&
				until_true service_listens && echo before
		elif [ "$(cd "$RM_STATE" && echo *)" = \
			'audit.log boot-count conf lock lock.holder' ]; then
			echo after
		fi
	}
	with_key 83 factory-reset
}

# --- the database of a node ---------------------------------------------------

# users_of WHO USER...: with a partition each, of some size.
users_of() {
	local user at
	for user in "${@:2}"; do
		at=$1/current/users/$user
		(umask 077; mkdir -p "$at/partition/tokens/t-1"
		echo "hash of $user" >"$at/password"
		head -c 3000 /dev/urandom >"$at/partition/tokens/t-1/$user.object")
	done
}

# The one with the console again.
present() {
	export RM_STATE=$BATS_TEST_TMPDIR/state RM_RUN=$BATS_TEST_TMPDIR/run
	export RM_CONF=$RM_STATE/conf
	[ ! -e "$RM_STATE/appliance" ] || APPLIANCE=$(<"$RM_STATE/appliance")
}

@test "a key at the console during live-sync" {
	local other domain=$RM_BUILD/lib/rm/node/domain
	# The node, without a console, at an address of its own.
	more_init other 127.0.0.2
	users_of "$RM_STATE" alice bob
	other=$APPLIANCE
	present
	an_appliance
	echo 'node 127.0.0.1 4435' >>"$RM_CONF"
	more_at other
	"$domain" put-if name '' prod
	"$domain" put-if "node/$(<state/appliance)" '' 'hsm 127.0.0.1 4435'
	more_boot
	until_true [ -s "$RM_RUN/node.addr" ]
	present
	arrange() {
		if [ ! -e "$RM_STATE/current/users/carol" ]; then
			rm -rf "$RM_STATE/current/users"/{alice,bob}
			users_of "$RM_STATE" carol
			"$domain" put-if name '' prod || :
			"$domain" put-if "node/$other" '' \
				'other 127.0.0.2 4435' || :
		fi
		at_menu
		until_true service_listens
	}
	settle() { until_true service_listens; }
	verdict() {
		case $(cd "$RM_STATE/current/users" && echo *) in
		'carol master') echo before ;;
		'alice bob master') echo after ;;
		esac
	}
	with_key 2056 live-sync other
}
