#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Users of the service and their partitions: made, used by programs of others,
# and deleted, on a whole appliance.
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

# tool USER CODE ARG...: pkcs11-tool of that user, over the network.
tool() {
	local user=$1 code=$2
	shift 2
	try "$code" env HOME="$PWD/home.$user" \
		XDG_CONFIG_HOME="$PWD/home.$user/.config" \
		pkcs11-tool --module "$P11_PROXY" "$@"
}

@test "partition-create makes a user whose programs work at once, with the PIN given" {
	box_boot
	box_user bob
	[ "$output" = $': user bob has an empty partition\n+ done' ]
	tool bob 0 -L
	has "$output" '*token label*: bob*'
	tool bob 0 --login --pin 123456 --keypairgen --key-type EC:prime256v1 \
		--id 01
	tool bob 1 --login --pin 654321 -O
	has "$stderr" '*CKR_PIN_INCORRECT*'
	try 0 p11tool --version
	GNUTLS_PIN=123456 as bob timeout 20 p11tool --batch --login \
		--list-all pkcs11:token=bob >all
	grep -q 'Private key (EC' all
	[ "$(stat -c %a state/current/users/bob/partition)" = 700 ]
	# Nothing of the secrets is in the log, or anywhere else.
	run ! grep -rE 'bob-password|123456' state run/audit.head box.log
	grep -q ' begin .*operation=partition-create args=bob .*payload=secret' \
		state/audit.log
}

@test "nobody sees another's partition" {
	box_boot
	for user in bob eve; do
		box_user $user
		tool $user 0 --login --pin 123456 --keypairgen \
			--key-type EC:prime256v1 --id 01 --label "of-$user"
	done
	for user in bob eve; do
		tool $user 0 --login --pin 123456 -O
		[ "$(grep -c 'label: *of-' <<<"$output")" = 2 ]
		[ "$(grep -c "label: *of-$user" <<<"$output")" = 2 ]
		tool $user 0 -L
		[ "$(grep -c 'token label' <<<"$output")" = 1 ]
	done
	# The password of one is none of the other's.
	box_client bob eve-password
	tool bob 1 -L
}

@test "partition-list tells of each, for master through the service and at the console" {
	box_boot
	box_user bob
	box_user alice
	tool bob 0 --login --pin 123456 --keypairgen --key-type EC:prime256v1 \
		--id 01
	tool bob 0 --login --pin 123456 --keygen --key-type AES:32 --id 02
	for who in box master; do
		$who partition-list
		[[ $output =~ ^(\+ master$'\n')?:\ alice\ objects=0\ free=[1-9][0-9]+\ pin=set\ clients=0\ serial=[0-9a-f]{16}\ label=alice$'\n':\ bob\ objects=3\ free=[0-9]+\ pin=set\ clients=0\ serial=[0-9a-f]{16}\ label=bob$'\n'\+\ done$ ]]
	done
	# A broken one does not hide the others.
	rm -r state/current/users/alice/partition/tokens
	box partition-list
	has "$output" ': alice unreadable: see the log
: bob objects=3 *'
}

@test "master creates and deletes through the service, nobody else" {
	box_boot
	master 'partition-create bob' bob-password 123456 87654321
	[ "$output" = $'+ master\n: user bob has an empty partition\n+ done' ]
	box_client bob bob-password
	tool bob 0 --login --login-type so --so-pin 87654321 --init-pin \
		--new-pin 222222
	master 'partition-create bob' bob-password 123456
	has "$output" '*! failed there is a user bob already'
	tool bob 0 --login --pin 222222 -O
	master 'partition-delete bob'
	has "$output" '*! usage confirm=NAME*'
	[ -d state/current/users/bob ]
	master 'partition-delete bob confirm=box'
	has "$output" '*: user bob and the partition are deleted
+ done'
	[ ! -e state/current/users/bob ]
	tool bob 1 -L
	master 'partition-delete bob confirm=box'
	has "$output" '*! failed there is no user bob with a partition'
	master 'user-password master' new-password
	has "$output" '*! policy *'
	! grep -rE 'bob-password|123456|87654321|new-password' state box.log
}

@test "partition operations refuse what makes no sense" {
	box_boot
	box 'partition-create master' password 123456
	has "$output" '*! usage master is the administrator*'
	box 'partition-delete master confirm=box'
	has "$output" '*! usage master is the administrator*'
	for name in ab a.b ../x 12345678901234567 'b/../b'; do
		box "partition-create $name" password 123456
		has "$output" '*! usage *'
	done
	box 'partition-create bob' short 123456
	has "$output" '*! usage a password has 8 to 64 bytes'
	box 'partition-create bob' bob-password 12
	has "$output" '*! usage the engine does not take a PIN of this form'
	box 'partition-create bob' bob-password
	has "$output" '*! usage the engine does not take a PIN of this form'
	box 'partition-create bob'
	has "$output" '*! usage *secrets*'
	box 'partition-change-pin bob' 123456 222222
	has "$output" '*! failed there is no user bob with a partition'
	box 'partition-change-pin master' 123456 222222
	has "$output" '*! failed there is no user master with a partition'
	box 'user-password bob' bob-password
	has "$output" '*! failed there is no user bob'
	[ "$(ls -A state/current/users | grep -v '^\.names$\|^\.turns$')" = master ]
}

@test "partition-change-pin: wrong PINs are counted with the clients', and lock" {
	box_boot
	box_user bob
	box 'partition-change-pin bob' 123456 222222
	[ "$output" = $': the PIN of bob is changed\n+ done' ]
	tool bob 1 --login --pin 123456 -O
	tool bob 0 --login --pin 222222 -O
	for ((n = 0; n < 4; n++)); do
		box 'partition-change-pin bob' 999999 123456
		[ "$output" = '! wrong-pin the old PIN is wrong' ]
	done
	for ((n = 0; n < 3; n++)); do
		tool bob 1 --login --pin 888888 -O
		has "$stderr" '*CKR_PIN_INCORRECT*'
	done
	master 'partition-change-pin bob' 222222 123456
	has "$output" '*! pin-blocked the old PIN is locked *'
	tool bob 1 --login --pin 222222 -O
	has "$stderr" '*CKR_PIN_LOCKED*'
	box partition-list
	has "$output" ': bob * pin=locked *'
	# By whoever stands there.
	master 'partition-unlock bob'
	has "$output" '*! policy *'
	box 'partition-unlock bob'
	[ "$output" = $': the PINs of bob have seven tries again\n+ done' ]
	tool bob 0 --login --pin 222222 -O
	! grep -rE '123456|222222|999999|888888' state box.log
}

@test "user-password lets in who forgot his, and unblocks" {
	box_boot
	box_user bob
	box_client bob wrong-password
	tool bob 1 -L
	wrong bob 6
	box_client bob bob-password
	tool bob 1 -L
	box 'user-password bob' another-password
	[ "$output" = $': user bob has another password\n+ done' ]
	tool bob 1 -L
	box_client bob another-password
	tool bob 0 --login --pin 123456 -O
}

# stay USER FD: a connection of that user, logged in, until FD is closed or it
# is ended; its rm-connect is the last of PIDS.
stay() {
	mkfifo "$1.in"
	eval "exec $2<>$1.in"
	rm-connect -a rm-p11/1 -p "$KEY" 127.0.0.1 "$PORT" <"$1.in" \
		>"$1.out" 2>"$1.err" 3>&- 7>&- 8>&- 9>&- &
	PIDS+=("$!")
	echo "login $1 $1-password" >&"$2"
	until_true grep -qx "+ $1" "$1.out"
}

# A process that works below the partition of USER, in whatever generation.
works() {
	find /proc -mindepth 2 -maxdepth 2 -name cwd \
		-lname "$PWD/state/*users*$1*" 2>/dev/null | grep -q .
}

@test "partition-delete ends the user's connections first, and no one else's" {
	box_boot
	box_user bob
	box_user eve
	stay bob 8
	stay eve 9
	until_true works bob
	box partition-list
	has "$output" ': bob * clients=1 *
: eve * clients=1 *'
	box 'partition-delete bob confirm=box'
	has "$output" '*+ done'
	run ! works bob
	works eve
	try 0 rm-once -q run/clients/bob
	try 1 rm-once -q run/clients/eve
	# He is told that it is over.
	timeout 20 tail --pid="${PIDS[0]}" -f /dev/null
	kill -0 "${PIDS[1]}"
	exec 8>&- 9>&-
}
