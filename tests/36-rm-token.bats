#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rm-token alone, on SoftHSM behind the gate, in a folder of its own.
load helpers

setup() {
	common_setup
	ENGINE=/usr/lib/softhsm/libsofthsm2.so
	GATE=$RM_BUILD/lib/rm/rm-gate.so
	# SoftHSM leaks at its end, and only there.
	export ASAN_OPTIONS=detect_leaks=0
	mkdir tokens
	echo 'directories.tokendir = tokens' >conf
	export SOFTHSM2_CONF=$PWD/conf RM_GATE_ENGINE=$ENGINE \
		RM_GATE_MODE=$RM_BUILD/lib/rm/modes/RM2 RM_GATE_STATE=$PWD
	TOOL=(pkcs11-tool --module "$ENGINE" --token-label bob)
}

# token CODE LINES ARG...: tries rm-token with these lines as its input.
token() {
	local code=$1
	printf %b "$2" >lines
	shift 2
	try "$code" rm-token "$GATE" "$@" <lines
}

value() {
	sed -n "s/^$1 //p" <<<"$output"
}

@test "rm-token init makes a token that pkcs11-tool can use, with the PIN from a line" {
	token 0 '123456\n' init bob
	[ -z "$output$stderr" ]
	try 0 "${TOOL[@]}" --login --pin 123456 --keypairgen \
		--key-type EC:prime256v1 --id 01
	try 1 "${TOOL[@]}" --login --pin 123457 -O
	has "$stderr" '*CKR_PIN_INCORRECT*'
}

@test "rm-token init: the security officer's PIN is the second line, or nobody's" {
	token 0 '123456\n87654321\n' init bob
	try 0 "${TOOL[@]}" --login --login-type so --so-pin 87654321 \
		--init-pin --new-pin 222222
	rm -rf tokens/* pin.*
	for lines in '123456\n' '123456\n\n' '123456'; do
		token 0 "$lines" init bob
		try 1 "${TOOL[@]}" --login --login-type so --so-pin 123456 \
			--init-pin --new-pin 333333
		has "$stderr" '*CKR_PIN_INCORRECT*'
		rm -rf tokens/* pin.*
	done
	# It is drawn, 128 bits, when it was not given.
	local n=()
	for lines in '123456' '123456\n87654321'; do
		printf "$lines" >lines
		try 0 strace -e trace=getrandom -o trace \
			rm-token "$GATE" init bob <lines
		n+=("$(grep -c ', 16, 0) *= 16$' trace)")
		rm -rf tokens/* pin.*
	done
	[ "${n[0]}" -eq $((n[1] + 1)) ]
}

@test "rm-token takes its own lines from standard input, and not a byte more" {
	printf '123456\n87654321\nrest\n' >lines
	exec 5<lines
	try 0 rm-token "$GATE" init bob <&5
	[ "$(cat <&5)" = rest ]
	exec 5<&-
	printf '123456\n654321\nrest\n' >lines
	exec 5<lines
	try 0 rm-token "$GATE" pin <&5
	[ "$(cat <&5)" = rest ]
	exec 5<&-
}

@test "rm-token show tells of every token, and of the room for another" {
	token 0 '' show
	[ "$output" = 'room yes' ]
	token 0 '123456\n' init bob
	try 0 "${TOOL[@]}" --login --pin 123456 --keypairgen \
		--key-type EC:prime256v1 --id 01
	token 0 '' show
	[ "$(value label)" = bob ]
	[[ $(value serial) =~ ^[0-9a-f]{16}$ ]]
	# The private one is not seen without the PIN.
	[ "$(value objects)" = 1 ]
	[ "$(value free)" = unknown ]
	[ "$(value pin) $(value so-pin) $(value room)" = 'set set yes' ]
	has "$("${TOOL[@]}" -L)" "*serial num*: $(value serial)*"
	token 0 '123456\n' init 'another one'
	token 0 '' show
	[ "$(value label | sort)" = $'another one\nbob' ]
	# A token without a user's PIN, of somebody else's making.
	softhsm2-util --init-token --free --label none --so-pin 87654321 \
		--pin 123456 >/dev/null
	rm -rf tokens/*
	pkcs11-tool --module "$ENGINE" --init-token --slot-index 0 \
		--label none --so-pin 87654321 >/dev/null
	token 0 '' show
	[ "$(value label) $(value pin)" = 'none none' ]
}

@test "rm-token pin changes the PIN; a wrong old one is counted and then locked" {
	token 0 '123456\n' init bob
	token 0 '123456\n654321\n' pin
	try 0 "${TOOL[@]}" --login --pin 654321 -O
	for ((n = 1; n <= 7; n++)); do
		token 22 '123456\n222222\n' pin bob
		has "$stderr" "*rm-gate: warning: wrong user PIN, $n of 7*
rm-token: fatal: the PIN is wrong"
	done
	token 23 '654321\n222222\n' pin
	[ "$stderr" = 'rm-token: fatal: the PIN is locked after too many wrong ones' ]
	token 0 '' show
	[ "$(value pin)" = locked ]
	try 0 "${TOOL[@]}" --login --pin 654321 -O
}

@test "rm-token pin finds the token by its label where there are several" {
	token 1 '123456\n654321\n' pin
	[ "$stderr" = 'rm-token: fatal: refused: there is no such token' ]
	token 0 '123456\n' init bob
	# The only one is meant, whatever its owner calls it now.
	token 0 '123456\n123456\n' pin alice
	token 0 '123456\n' init eve
	token 1 '123456\n654321\n' pin
	has "$stderr" '*there is more than one such token'
	token 0 '123456\n654321\n' pin bob
	try 0 "${TOOL[@]}" --login --pin 654321 -O
	token 1 '123456\n' init eve
	has "$stderr" '*refused: there is a token of that label already'
}

@test "rm-token test goes a round in a scratch token, and leaves no key" {
	token 0 '' test
	[ "$output" = $'P-256 ok\nRSA-2048 ok' ]
	[ "$(find tokens -name '*.object' ! -name token.object)" = '' ]
	# What the mode forbids does not go well.
	token 1 '' test
	has "$stderr" '*there is a token of that label already'
	rm -rf tokens/*
	sed '/^mechanism CKM_RSA_PKCS_KEY_PAIR_GEN/d' "$RM_GATE_MODE" >mode
	RM_GATE_MODE=$PWD/mode token 1 '' test
	[ "$output" = 'P-256 ok' ]
	[ "$stderr" = 'rm-token: fatal: refused: the engine refuses RSA-2048: 0x70' ]
}

@test "rm-token: a PIN that the engine does not take makes no token" {
	for lines in '12\n' '123456\n12\n'; do
		token 100 "$lines" init bob
		has "$stderr" '*the engine does not take a PIN of this length or form'
	done
	token 0 '' show
	[ "$output" = 'room yes' ]
	token 100 '' init bob
	has "$stderr" 'rm-token: fatal: the PIN: *'
	token 100 "$(printf '%0200d' 0)\n" init bob
	token 100 "123456\n$(printf '%0200d' 0)\n" init bob
	has "$stderr" "rm-token: fatal: the security officer's PIN: *too long"
	token 100 '123456\n' pin
	has "$stderr" 'rm-token: fatal: the new PIN: *'
	[ -z "$(ls tokens)" ]
}

@test "rm-token: a module that is none, or does not begin, is a system failure" {
	try 111 rm-token "$PWD/nowhere.so" show
	has "$stderr" 'rm-token: fatal: *nowhere.so*'
	try 111 rm-token "$(realpath /lib/*/libz.so.1 | head -n 1)" show
	has "$stderr" 'rm-token: fatal: *is not a PKCS#11 module'
	RM_GATE_MODE='' try 111 rm-token "$GATE" show
	has "$stderr" '*rm-gate.so does not begin: 0x5'
}

@test "rm-token: bad command lines are usage errors, as the page has them" {
	local synopsis
	synopsis=$(mandoc -T ascii -O width=1000 "$RM_TESTS/../man/rm-token.8" |
		col -bx | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed '1d;$d' |
		xargs)
	for args in '' "$GATE" "$GATE init" "$GATE show x" "$GATE test x" \
		"$GATE burn" "$GATE pin a b"; do
		# shellcheck disable=SC2086
		try 100 rm-token $args
		[ "$(xargs <<<"$stderr")" = "usage: $synopsis" ]
	done
	for label in '' 'new
line' "$(printf '%033d' 0)"; do
		token 100 '123456\n' init "$label"
		has "$stderr" '*bad label: *'
	done
	[ -z "$(ls tokens)" ]
}

@test "rm-token: PINs are in no memory dump, message or file" {
	try 0 strace -o trace -e trace=prctl,setrlimit,prlimit64,mlock \
		rm-token "$GATE" init bob <<<123456
	grep -qE 'RLIMIT_CORE, \{rlim_cur=0, rlim_max=0\}' trace
	# The sanitizers lock nothing, and want to look into it.
	[[ $RM_BUILD == *asan* ]] || {
		grep -q 'mlock(' trace
		grep -q 'PR_SET_DUMPABLE, SUID_DUMP_DISABLE' trace
	}
	token 22 '999999\n888888\n' pin
	[[ $stderr$output != *999999* && $stderr$output != *888888* ]]
	! grep -rE '123456|999999' pin.* tokens
}

@test "rm-token: completion offers its verbs" {
	# shellcheck disable=SC1091
	. "$RM_TESTS/../completions/rm-token"
	COMP_WORDS=(rm-token rm-gate.so '') COMP_CWORD=2
	_comp_cmd_rm_token
	[ "${COMPREPLY[*]}" = 'init show pin test version' ]
	COMP_WORDS=(rm-token rm-gate.so s)
	_comp_cmd_rm_token
	[ "${COMPREPLY[*]}" = show ]
	: >rm-gate.so
	COMP_WORDS=(rm-token rm-g) COMP_CWORD=1
	_comp_cmd_rm_token
	[ "${COMPREPLY[*]}" = rm-gate.so ]
}
