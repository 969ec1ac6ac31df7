#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# live-sync killed at N of its steps, as tests/54-torture.bats does to the
# other operations: the old database or the new one, whole; the service is
# back; the log verifies; nothing is left after the next boot.
load helpers
load room
load appliance
load domain

N=${N:-3}

sync_killed_at() {
	local mode=$1 step=$2 flags=()
	[ "$mode" = one ] || flags=(-a)
	room kill-at -o steps "${flags[@]}" "$step" -- rm-exec -L "$RM_OPS" \
		<<<'live-sync a confirm=b' >out 2>>op.log || :
	echo "$mode at $step: $(tail -n 1 steps); $(tail -n 1 out)" >&2
	if [ "$mode" = power ]; then
		kill -KILL "$(<"$MORE/b/pid")"
		wait "$(<"$MORE/b/pid")" || :
		rm-once -q -w 60 "$RM_RUN/operation"
	else
		at_rest b
	fi
}

@test "live-sync, killed at any step, is undone or done" {
	export ASAN_OPTIONS=detect_leaks=0	# not under ptrace(2)
	pair_in_prod
	local n k steps was is mode modes=(one all power)
	local -A seen=([before]=0 [after]=0)
	sync_killed_at one 0
	[ "$(tail -n 1 out)" = '+ done' ]
	[ "$(point a)" = "$(point b)" ]
	steps=$(sed -n 's/^steps //p' steps)
	for ((n = 0; n < N; n++)); do
		# Something to fetch, and something that goes.
		more_at a
		seed "user$n"
		rm -rf "$RM_STATE/current/users/user$((n - 1))"
		more_at b
		was=$(point b)
		k=$((1 + n * (steps + steps / 2) / (N > 1 ? N - 1 : 1)))
		mode=${modes[n % 3]}
		[ "$n" -lt $((N - 1)) ] || mode=one
		sync_killed_at "$mode" "$k"
		is=$(point b)
		case $is in
		"$was") seen[before]=$((seen[before] + 1)) ;;
		"$(point a)") seen[after]=$((seen[after] + 1)) ;;
		*) echo "$is is neither $was nor $(point a)"; return 1 ;;
		esac
		[ "$mode" = power ] || more_end
		more_boot
		until_true serves b
		[ "$(point b)" = "$is" ]
		whole b
		[ ! -e b/state/staging ]
		rm-audit verify b/state/audit.log >verified
		[ -z "$(rm-audit unfinished b/state/audit.log)" ]
	done
	echo "# live-sync: $steps steps, killed at $N: ${seen[before]} undone," \
		"${seen[after]} done" >&3
	[ "${seen[before]}" -gt 0 ]
	[ "${seen[after]}" -gt 0 ]
	# And the next one completes it.
	sync_killed_at one 0
	[ "$(tail -n 1 out)" = '+ done' ]
	[ "$(point a)" = "$(point b)" ]
}
