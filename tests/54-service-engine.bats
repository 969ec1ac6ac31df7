#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The engine as the service gives it to its clients: every mechanism in every
# mode, another engine, and many partitions and objects (N=64 for all of them,
# make check T=54-service-engine N=64).
load helpers
load matrix
load box

setup() {
	common_setup
	ENGINE=/usr/lib/softhsm/libsofthsm2.so
}

teardown() {
	box_end
	common_teardown
}

# --- every mechanism in every mode ------------------------------------------

# The engine alone, for the rows to compare with.
engine_rows() {
	mkdir -p alone/tokens
	echo 'directories.tokendir = alone/tokens' >alone/conf
	SOFTHSM2_CONF=alone/conf softhsm2-util --init-token --free \
		--label alone --so-pin 87654321 --pin 123456 >/dev/null
	SOFTHSM2_CONF=alone/conf probe-matrix "$ENGINE" 123456
}

# matrix_service MODE LISTED: as its file says, and so many in the list.
matrix_service() {
	box_init
	echo "$1" >state/current/mode
	box_boot
	box_user bob
	engine_rows >engine.rows
	as bob timeout 60 probe-matrix "$P11_PROXY" 123456 >service.rows
	carried_and_allowed "$RM_BUILD/lib/rm/modes/$1" <engine.rows >want.rows
	diff want.rows <(reasons <service.rows)
	[ "$(grep -c list=yes service.rows)" -eq "$2" ]
}

@test "service: every mechanism in mode NRM" {
	matrix_service NRM 36
}

@test "service: every mechanism in mode RM1" {
	matrix_service RM1 20
}

@test "service: every mechanism in mode RM2" {
	matrix_service RM2 20
}

# --- another engine ---------------------------------------------------------

# A TPM in software.
tpm_start() {
	mkdir tpm
	swtpm socket --tpm2 --tpmstate "dir=$PWD/tpm" \
		--server "type=unixio,path=$PWD/s" \
		--ctrl "type=unixio,path=$PWD/s.ctrl" \
		--flags not-need-init,startup-clear >swtpm.log 2>&1 3>&- &
	PIDS+=("$!")
	until_true test -S s
}

# What each mechanism signs: the text, or its hash.
in_of() {
	case $1 in
	ECDSA) echo hash ;;
	*) echo text ;;
	esac
}

# bob CODE ARG...: his pkcs11-tool.
bob() {
	local code=$1
	shift
	try "$code" env HOME="$PWD/home.bob" \
		XDG_CONFIG_HOME="$PWD/home.bob/.config" \
		pkcs11-tool --module "$P11_PROXY" "$@"
}

@test "service: another engine by the one setting, with partitions of its own" {
	tpm_start
	box_init "engine $(pkg-config --variable=p11_module_path p11-kit-1)/libtpm2_pkcs11.so TPM2_PKCS11_TCTI=swtpm:path=$PWD/s TPM2_PKCS11_STORE=tokens"
	echo RM2 >state/current/mode
	box_boot
	local user id key how form
	for user in bob eve; do
		box_user $user
		[ -s state/current/users/$user/partition/tokens/tpm2_pkcs11.sqlite3 ]
	done
	echo text >text
	openssl dgst -sha256 -binary -out hash text
	while read -r id key how form; do
		bob 0 --login --pin 123456 --keypairgen \
			--key-type "$key" --id "$id" --label "of-bob"
		bob 0 --login --pin 123456 --sign -m "$how" \
			--id "$id" -i "$(in_of "$how")" -o sig \
			--signature-format "$form"
		bob 0 --read-object --type pubkey --id "$id" -o pub.der
		try 0 openssl dgst -sha256 -verify pub.der -keyform DER \
			-signature sig text
	done <<-'KEYS'
		01 rsa:2048 SHA256-RSA-PKCS rs
		02 EC:prime256v1 ECDSA openssl
	KEYS
	bob 1 --login --pin 123456 --keypairgen --key-type rsa:1024
	has "$stderr" '*CKR_KEY_SIZE_RANGE*'
	bob 1 --login --pin 999999 -O
	# Nobody sees another's, and the list has both.
	as eve pkcs11-tool --module "$P11_PROXY" --login --pin 123456 -O >eve.objects
	run ! grep of-bob eve.objects
	box partition-list
	has "$output" ': bob objects=* pin=set * label=bob
: eve objects=* pin=set * label=eve*'
	box 'partition-change-pin bob' 123456 222222
	has "$output" '*+ done'
	bob 0 --login --pin 222222 -O
	has "$output" '*of-bob*'
	box 'partition-delete bob confirm=box'
	has "$output" '*+ done'
	bob 1 -L
}

# --- what the console shows -------------------------------------------------

# The first numbers of the tally: calls, sessions of the service.
tally() {
	read -r CALLS SESSIONS < <(od -A n -t u8 -N 16 run/tally)
}

@test "service: calls and sessions are counted for the console, each one" {
	box_init
	box_boot
	tally
	[ "$CALLS $SESSIONS" = '0 0' ]
	box_user bob
	tally
	[ "$CALLS $SESSIONS" = '0 0' ]
	bob 0 --login --pin 123456 --keypairgen --key-type EC:prime256v1 --id 01
	tally
	local before=$CALLS
	[ "$before" -gt 5 ]
	[ "$SESSIONS" -eq 1 ]
	# Two calls for each of so many signatures, and what a client does around.
	as bob timeout 60 probe-load "$P11_PROXY" 123456 sign ec 200 1 >rate
	tally
	[ $((CALLS - before)) -gt 20 ]
	[ "$SESSIONS" -eq 2 ]
	master status
	tally
	[ "$SESSIONS" -eq 3 ]
}

# --- many -------------------------------------------------------------------

# object_copies USER N: until there are N objects of the one that is there, as
# the engine would have written them; one process writes many.
object_copies() {
	local from names=() n
	from=$(find "state/current/users/$1/partition/tokens" -name '*.object' \
		! -name token.object | head -n 1)
	for ((n = 2; n <= $2; n++)); do
		names+=("${from%/*}/$((10000000 + n))-1111-2222-3333-444444444444.object")
		if [ $((n % 500)) -eq 0 ] || [ "$n" -eq "$2" ]; then
			tee "${names[@]}" <"$from" >/dev/null
			names=()
		fi
	done
}

# took WHAT COMMAND...: a line with its seconds, for whoever reads the log.
took() {
	local what=$1 begun=$EPOCHREALTIME
	shift
	"$@" || return 1
	echo "# $what: $(awk "BEGIN { printf \"%.2f\", \
		$EPOCHREALTIME - $begun }") s" >&3
}

@test "service: many partitions, and many objects in one" {
	local many=${N:-} n
	[ -n "$many" ] || many=6
	local objects=$((many * 10000 / 64))
	box_init
	box_boot
	make_all() {
		for ((n = 1; n <= many; n++)); do
			box "partition-create user$n" "user$n-password" 123456
			has "$output" '*+ done' || return 1
		done
	}
	took "$many times partition-create" make_all
	box_client user1 user1-password
	box_client user2 user2-password
	tool() {
		local user=$1
		shift
		as "$user" timeout 60 pkcs11-tool --module "$P11_PROXY" "$@" >out
	}
	tool user1 --login --pin 123456 --keygen --key-type AES:32 --id 02
	object_copies user1 $((objects - 2))
	tool user1 --login --pin 123456 --keypairgen \
		--key-type EC:prime256v1 --id 01
	tool user2 --login --pin 123456 --keypairgen \
		--key-type EC:prime256v1 --id 01
	head -c 32 /dev/zero >hash
	# The log-in and C_Initialize, then a signature as well, of who has few
	# objects and of who has many.
	for n in 2 1; do
		took "user$n: a look" tool "user$n" -L
		took "user$n: a signature" tool "user$n" --login --pin 123456 \
			--sign -m ECDSA --id 01 -i hash -o sig
		[ "$(wc -c <sig)" -eq 64 ]
		# Signatures a second on one connection.
		took "user$n: 1 s of signatures" as "user$n" timeout 60 probe-load \
			"$P11_PROXY" 123456 sign ec 1000 1 >rate
		echo "# user$n: $(cat rate) signatures/s" >&3
		[ "$(cut -d ' ' -f 1 rate)" -gt 0 ]
		# And changes, which have a journal.
		took "user$n: a key" tool "user$n" --login --pin 123456 \
			--keygen --key-type AES:32 --id 03
		took "user$n: its deletion" tool "user$n" --login --pin 123456 \
			--delete-object --type secrkey --id 03
	done
	took 'status' box status
	has "$output" "*: users $((many + 1))
*: partitions $many
*"
	took 'partition-list' box partition-list
	[ "$(grep -c ' pin=set ' <<<"$output")" -eq "$many" ]
	has "$output" "*: user1 objects=$objects *"
	took 'partition-list, as master' master partition-list
	took 'partition-delete of all those objects' \
		box 'partition-delete user1 confirm=box'
	has "$output" '*+ done'
}
