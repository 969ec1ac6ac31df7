#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Changes of the engine's files, cut by a kill at each step at which a file
# changes: a foreign client sees all as it was, or all as it was to be.
# N= tries every step; without it about twenty of each.
load helpers

setup() {
	common_setup
	export ASAN_OPTIONS=detect_leaks=0	# SoftHSM's own, at its end
	export SOFTHSM2_CONF=$PWD/conf RM_GATE_STATE=$PWD/part
	export RM_GATE_ENGINE=/usr/lib/softhsm/libsofthsm2.so
	export RM_GATE_MODE=$RM_BUILD/lib/rm/modes/NRM
	GATE=$RM_BUILD/lib/rm/rm-gate.so
	TOOL=(pkcs11-tool --module "$GATE" --token-label part)
	mkdir -p part/tokens
	echo "directories.tokendir = $PWD/part/tokens" >conf
	softhsm2-util --init-token --free --label part --so-pin 87654321 \
		--pin 123456 >/dev/null
	tool --keypairgen --key-type EC:prime256v1 --id 01 --label first
	tool --keygen --key-type AES:32 --id 02 --label second
	cp -R part kept
}

tool() {
	timeout 60 "${TOOL[@]}" --login --pin "${PIN:-123456}" "$@" >out 2>err
}

as_before() {
	rm -rf part
	cp -R kept part
}

# What a client sees who logs in, but what is another in every new key, and
# the order.
seen() {
	tool -O || { cat err >&2; return 1; }
	sed 's/\(EC_POINT: *\).*/\1/' out | sort
}

no_journal() {
	[ -z "$(find part -name '.undo*')" ] && return 0
	find part -name '.undo*' >&2
	return 1
}

# killed [-p PIN] ARG...: the same as pkcs11-tool does, killed at one step
# after another, then looked at with the old PIN, or that one.
killed() {
	local new=123456 k all every=1 tried=0 cut=0
	if [ "$1" = -p ]; then
		new=$2
		shift 2
	fi
	seen >before
	as_before
	kill-at -f -o steps 0 -- "${TOOL[@]}" --login --pin 123456 "$@" \
		>/dev/null 2>err
	PIN=$new seen >after
	read -r _ all <steps
	[ "$all" -gt 10 ]
	[ -n "${N:-}" ] || every=$((all / 20 + 1))
	for ((k = 1; k <= all; k += every)); do
		as_before
		kill-at -f -o steps "$k" -- "${TOOL[@]}" --login --pin 123456 \
			"$@" >/dev/null 2>err || return 1
		[ -z "$(find part -name '.undo*')" ] || cut=$((cut + 1))
		seen >now 2>why || PIN=$new seen >now || { cat why >&2; return 1; }
		cmp -s before now || cmp -s after now || {
			echo "killed at step $k of $all:" >&2
			diff before now >&2
			return 1
		}
		no_journal || return 1
		tried=$((tried + 1))
	done
	[ "$cut" -gt 0 ]
	echo "# $1: killed at $tried of $all steps, $cut left a journal" >&3
	# And it can all be used.
	head -c 32 /dev/zero >hash
	as_before
	kill-at -f -o steps $((all * 2 / 3)) -- "${TOOL[@]}" --login \
		--pin 123456 "$@" >/dev/null 2>err
	tool --sign -m ECDSA --id 01 -i hash -o sig || PIN=$new \
		tool --sign -m ECDSA --id 01 -i hash -o sig ||
		tool --sign -m ECDSA --id 09 -i hash -o sig
	[ "$(wc -c <sig)" -eq 64 ]
}

@test "rm-gate: a log-in that is killed loses no token" {
	killed -O
}

@test "rm-gate: nor does a change of an attribute lose the object" {
	killed --set-id 09 --type privkey --id 01
}

@test "rm-gate: a pair of keys is there as a whole, or not at all" {
	killed --keypairgen --key-type EC:prime256v1 --id 03 --label third
}

@test "rm-gate: a secret key, too" {
	killed --keygen --key-type AES:32 --id 04 --label fourth
}

@test "rm-gate: an object is destroyed, or it is not" {
	killed --delete-object --type secrkey --id 02
}

@test "rm-gate: of two PINs one is right" {
	killed -p 654321 --change-pin --new-pin 654321
}

# A torn token, as a process leaves it that is killed in a log-in.
torn() {
	local k
	for ((k = 1; ; k++)); do
		as_before
		kill-at -f -o steps "$k" -- "${TOOL[@]}" --login \
			--pin 123456 -O >/dev/null 2>err || return 1
		[ -z "$(find part/tokens -name token.object -empty)" ] ||
			return 0
	done
}

@test "rm-gate: without the gate such a token is lost; a copy is mended by rm-token -u" {
	seen >before
	torn
	cp -R part copy
	run softhsm2-util --show-slots
	[[ $output != *'Label:            part '* ]]
	rm -rf part
	mv copy part
	try 0 rm-token -u part
	no_journal
	run softhsm2-util --show-slots
	has "$output" '*Label:*part *'
	seen >now
	cmp before now
	try 111 rm-token -u nowhere
	try 100 rm-token -u part show
}

@test "rm-gate: a journal that cannot be put back is told, not waited for" {
	mkdir part/.undo
	mkfifo hold
	flock part/.undo sh -c 'read -r _ <hold' 3>&- &
	PIDS+=("$!")
	until_true eval '! flock -n part/.undo true'
	try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: warning: unable to take back a change that was cut:*'
	echo >hold
	until_true flock -n part/.undo true
	try 0 "${TOOL[@]}" -L
	no_journal
}

@test "rm-gate: ten thousand objects more do not make a change slower" {
	local from n many=${N:-500} one all
	from=$(grep -lr second part/tokens --include '*.object')
	for ((n = 0; n < many; n++)); do
		echo "${from%/*}/$((10000000 + n))-1111-2222-3333-444444444444.object"
	done >names
	xargs -n 500 sh -c 'cat "$0" | tee "$@" >/dev/null' "$from" <names
	[ "$(find part -name '*.object' | wc -l)" -gt "$many" ]
	kill-at -f -o steps 0 -- "${TOOL[@]}" --login --pin 123456 \
		--set-id 09 --type privkey --id 01 >out 2>err
	read -r _ all <steps
	as_before
	kill-at -f -o steps 0 -- "${TOOL[@]}" --login --pin 123456 \
		--set-id 09 --type privkey --id 01 >out 2>err
	read -r _ one <steps
	[ "$all" -eq "$one" ]
}
