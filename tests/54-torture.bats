#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Every operation, killed at N of its steps: one of its processes, all of them,
# or all with the appliance.  Afterwards, and again after the next boot, what
# was before is whole, or what was to be; the service is as it should be; and
# the log verifies.  "make torture N=200" is the long version of this.
load helpers
load box

N=${N:-3}

setup() {
	common_setup
	box_init 'boot-pause 0'
	copy_of app_make .
	printf '%032d' 7 >hash
}

teardown() {
	box_end
	common_teardown
}

# app_make FOLDER: a user, app, with a token and a key in it, who is put into
# many databases.
app_make() {
	local softhsm=/usr/lib/softhsm/libsofthsm2.so
	mkdir -p "$1/app/partition/tokens"
	rm-login -s "$1" app <<<app-password
	(
		cd "$1/app/partition"
		export SOFTHSM2_CONF=$RM_STATE/softhsm2.conf
		pkcs11-tool --module "$softhsm" --init-token --slot-index 0 \
			--label main --so-pin 12345678
		pkcs11-tool --module "$softhsm" --init-pin --login \
			--login-type so --so-pin 12345678 --pin 1234
		pkcs11-tool --module "$softhsm" --login --pin 1234 \
			--keypairgen --key-type EC:prime256v1 --id 01
	) >/dev/null 2>&1
}

# The full database: master, and app with its key.
database() {
	[ -e state/current/users/app ] || cp -a app state/current/users/app
}

# What a client of somebody else's sees: "whole" if it can sign with the key of
# app, "none" if there is no such user.
client_sees() {
	rm -f sig
	box_client app app-password
	if as app timeout 30 pkcs11-tool --module "$P11_PROXY" --login --pin 1234 \
		--sign -m ECDSA --id 01 -i hash -o sig >p11.out 2>&1 &&
		[ -s sig ]; then
		echo whole
	elif grep -q 'denied' p11.out; then
		echo none
	else
		cat p11.out
	fi
}

# --- one strike ---------------------------------------------------------------

# steps_of LINE: how many steps it has.
steps_of() {
	kill-at -o steps 0 -- rm-exec -L "$RM_OPS" <<<"$1" >out 2>>op.log
	sed -n 's/^steps //p' steps
}

# strike LINE K MODE: runs it and kills at step K.
strike() {
	local flags=()
	[ "$3" = one ] || flags=(-a)
	kill-at -o steps "${flags[@]}" "$2" -- rm-exec -L "$RM_OPS" <<<"$1" \
		>out 2>>op.log || :
	echo "$1: $3, $(tail -n 1 steps), step $2" >&2
	[ "$3" != power ] || box_end KILL
}

# What is so after the next boot, whatever was before it.
next_boot() {
	box_end
	box_boot
	rm-audit verify state/audit.log >/dev/null
	[ -z "$(rm-audit unfinished state/audit.log)" ]
	[ "$(find state -maxdepth 1 -name 'gen-*' | wc -l)" -le 1 ]
	[ -z "$(find state -name '*.new*')" ]
	[ ! -e state/factory-reset ]
}

# --- N strikes ----------------------------------------------------------------

# torture LINE: with functions of the test: arrange makes "before" of whatever
# there is; settle BOOT waits for what still goes on; verdict says before or
# after, if what there is is whole; booted WAS says it after the next boot.
torture() {
	local strike_no k steps boot was is modes=(one all power)
	local -A seen=([before]=0 [after]=0)
	box_boot
	arrange
	boot=$(<state/boot-count)
	steps=$(steps_of "$1")
	settle "$boot"
	for ((strike_no = 0; strike_no < N; strike_no++)); do
		arrange
		boot=$(<state/boot-count)
		# From the first step to one that there is not.
		k=$((1 + strike_no * (steps + 9) / (N > 1 ? N - 1 : 1)))
		mode=${modes[strike_no % 3]}
		[ "$strike_no" -lt $((N - 1)) ] || mode=one
		strike "$1" "$k" "$mode"
		[ "$mode" = power ] || settle "$boot"
		was=$(verdict)
		next_boot
		is=$(booted "$was")
		case $was,$is in
		before,before | after,after) ;;
		# What had begun is completed by the boot.
		begun,after) ;;
		*) echo "was ${was:-broken}, is ${is:-broken}"; return 1 ;;
		esac
		seen[$is]=$((seen[$is] + 1))
	done
	echo "# $1: $steps steps, killed at $N: ${seen[before]} undone," \
		"${seen[after]} done" >&3
	[ "${seen[before]}" -gt 0 ]
	[ "${seen[after]}" -gt 0 ]
}

booted() { verdict asks; }

# sees WHAT ASKS: a client's word, which is not asked for every time.
sees() {
	[ -z "$2" ] || [ "$(client_sees)" = "$1" ]
}

is_whole() {
	box_listens && [ "$(client_sees)" = whole ]
}

@test "set-mode, killed at any step, is undone or done" {
	arrange() {
		if [ "$(<state/current/mode)" != NRM ]; then
			box_end
			echo NRM >state/current/mode
		fi
		database
		box_lives || box_boot
	}
	settle() { until_true box_listens; }
	verdict() {
		case $(<state/current/mode),$(echo $(ls state/current/users)) in
		'NRM,app master') ! sees whole "${1:-}" || echo before ;;
		RM1,master) ! sees none "${1:-}" || echo after ;;
		esac
	}
	torture 'set-mode RM1 confirm=box'
}

@test "factory-reset, killed at any step, is undone or done" {
	arrange() {
		if [ ! -e state/appliance ]; then
			box_end
			rm-supervise init box <<<"$MASTER_PASSWORD" >/dev/null
		fi
		database
		box_lives || box_boot
	}
	settle() { power_settles "$1"; }
	verdict() {
		if [ -e state/factory-reset ]; then
			echo begun
		elif [ -e state/appliance ]; then
			[ -e state/current/users/master ] &&
				sees whole "${1:-}" && echo before
		elif [ "$(cd state && echo *)" = \
			'audit.log boot-count conf lock lock.holder' ]; then
			echo after
		fi
	}
	torture 'factory-reset confirm=box'
}

@test "stop-service, killed at any step, is undone or done" {
	arrange() {
		database
		box_lives || box_boot
		[ -e run/service ] || box start-service
	}
	settle() {
		if [ -e run/service ]; then
			until_true box_listens
		else
			until_true box_is_off
		fi
	}
	verdict() {
		if [ "$mode" = power ] || { [ -e run/service ] && box_listens; }
		then
			echo before
		elif box_is_off; then
			echo after
		fi
	}
	# Stopped is stopped until the next boot.
	booted() { ! is_whole || echo "$1"; }
	torture stop-service
}

@test "start-service, killed at any step, is undone or done" {
	arrange() {
		database
		box_lives || box_boot
		[ ! -e run/service ] || box stop-service
	}
	settle() { [ ! -e run/service ] || until_true box_listens; }
	verdict() {
		if [ "$mode" = power ] || [ ! -e run/service ]; then
			echo before
		elif box_listens; then
			echo after
		fi
	}
	booted() { ! is_whole || echo "$1"; }
	torture start-service
}

@test "restart, killed at any step, is undone or done" {
	arrange() { database; box_lives || box_boot; }
	settle() { power_settles "$1"; }
	verdict() {
		if [ "$mode" = power ] || [ "$(<state/boot-count)" = "$boot" ]
		then
			echo before
		elif box_listens; then
			echo after
		fi
	}
	booted() { ! is_whole || echo "$1"; }
	torture 'restart confirm=box'
}

@test "switch-off, killed at any step, is undone or done" {
	arrange() { database; box_lives || box_boot; }
	settle() { power_settles "$1"; }
	verdict() {
		if [ "$mode" = power ] || box_lives; then
			echo before
		else
			echo after
		fi
	}
	booted() { ! is_whole || echo "$1"; }
	torture 'switch-off confirm=box'
}

@test "unlock-master, killed at any step, is undone or done" {
	arrange() {
		database
		echo 7 >state/current/users/master/failures
		cp state/current/users/master/password password
		box_lives || box_boot
	}
	settle() { :; }
	verdict() {
		cmp -s password state/current/users/master/password || return
		sees whole "${1:-}" || return
		case $(cat state/current/users/master/failures || echo 0) in
		7) echo before ;;
		0) echo after ;;
		esac
	} 2>/dev/null
	torture unlock-master
}

# Whoever was made or deleted is there whole, or there is nothing of him.
user_traces() {
	find state/current/users -mindepth 1 -maxdepth 1 \
		\( -name new1 -o -name '.*.new' -o -name '.*.old' \)
}

@test "partition-create, killed at any step, is undone or done" {
	arrange() {
		database
		rm -rf state/current/users/new1
		box_lives || box_boot
	}
	settle() { :; }
	verdict() {
		if [ ! -e state/current/users/new1 ]; then
			sees whole "${1:-}" || return
			[ -z "${1:-}" ] || [ -z "$(user_traces)" ] || return
			echo before
			return
		fi
		[ -z "${1:-}" ] || {
			box_client new1 new1-password
			as new1 timeout 30 pkcs11-tool --module "$P11_PROXY" \
				--login --pin 123456 -O >/dev/null || return
		}
		echo after
	}
	torture '< secrets 21
new1-password
123456
partition-create new1'
}

@test "partition-delete, killed at any step, is undone or done" {
	arrange() { database; box_lives || box_boot; }
	settle() { :; }
	verdict() {
		[ -z "${1:-}" ] || [ -z "$(user_traces)" ] || return
		if [ -e state/current/users/app ]; then
			! sees whole "${1:-}" || echo before
		else
			! sees none "${1:-}" || echo after
		fi
	}
	torture 'partition-delete app confirm=box'
}

# boot_killed_at K: the boot that completes it; ended when it is at rest.
boot_killed_at() {
	rm -f booted
	mkfifo booted
	kill-at -a -o steps "$1" -- rm-supervise boot --headless 3>&- \
		>booted 2>>box.log </dev/null &
	if read -r -t 60 BOOTED <booted; then
		echo switch-off >run/power
	fi
	wait "$!" || :
}

@test "a return to factory mode, killed at any step of its completion, is completed" {
	local strike_no steps was
	for ((strike_no = -1; strike_no < N; strike_no++)); do
		[ -e state/appliance ] ||
			rm-supervise init box <<<"$MASTER_PASSWORD" >/dev/null
		database
		echo 'boot 1' >state/factory-reset
		if [ "$strike_no" -eq -1 ]; then
			boot_killed_at 0
			steps=$(sed -n 's/^steps //p' steps)
			continue
		fi
		was=$(<state/appliance)
		boot_killed_at $((1 + strike_no * steps / N))
		# The log has its last word before the keys go.
		[ -e state/device.key ] ||
			grep -q " factory-reset appliance=$was " state/audit.log
		next_boot
		[[ $BOOTED == *waits* ]]
		[ "$(cd state && echo *)" = \
			'audit.log boot-count conf lock lock.holder' ]
		box_end
	done
	echo "# completion of factory-reset: $steps steps, killed at $N" >&3
}
