#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rmctl partition: master, from a desk, over the service.
load helpers
load box

setup() {
	common_setup
	export HOME=$PWD/desk XDG_CONFIG_HOME=$PWD/desk/.config
	mkdir desk
	(umask 077; echo "$MASTER_PASSWORD" >master
	printf '%s\n' bob-password 123456 >bob
	printf '%s\n' 123456 222222 >pins)
	DESK=(rmctl -H box-service --password-file master)
}

serve() {
	box_init
	box_boot
	station "$PWD/desk"
}

teardown() {
	box_end
	common_teardown
}

# bob CODE ARG...: his pkcs11-tool.
bob() {
	local code=$1
	shift
	try "$code" env HOME="$PWD/home.bob" \
		XDG_CONFIG_HOME="$PWD/home.bob/.config" \
		pkcs11-tool --module "$P11_PROXY" "$@"
}

@test "rmctl partition: create, list, change-pin and delete, with secrets from files" {
	serve
	try 0 "${DESK[@]}" --payload bob partition create bob
	[ "$output" = 'user bob has an empty partition' ]
	box_client bob bob-password
	bob 0 --login --pin 123456 --keypairgen \
		--key-type EC:prime256v1 --id 01
	try 0 "${DESK[@]}" partition list
	has "$output" 'bob objects=2 free=* pin=set clients=0 serial=* label=bob'
	try 0 "${DESK[@]}" --payload pins partition change-pin bob
	try 22 "${DESK[@]}" --payload pins partition change-pin bob
	[ "$stderr" = 'rmctl: fatal: wrong-pin: the old PIN is wrong' ]
	bob 0 --login --pin 222222 -O
	# What is destroyed is told first, and the appliance's name typed back.
	try 100 "${DESK[@]}" partition delete bob </dev/null
	has "$output" 'erases the user, the partition and every key in it*'
	has "$stderr" '*confirm=NAME is wanted: use --yes NAME*'
	try 100 "${DESK[@]}" --yes hsm-9 partition delete bob
	bob 0 -L
	try 0 "${DESK[@]}" --yes box partition delete bob
	has "$output" '*user bob and the partition are deleted'
	try 40 "${DESK[@]}" --yes box partition delete bob
	has "$stderr" 'rmctl: fatal: failed: there is no user bob with a partition'
	try 0 "${DESK[@]}" partition list
	[ -z "$output" ]
	# Secrets are in no log, and in no file of the appliance.
	run ! grep -rE 'bob-password|123456|222222|master-password' state run box.log
}

@test "rmctl partition: a wrong password is one of seven, and master is blocked" {
	serve
	(umask 077; echo 'another password' >wrong)
	try 1 rmctl -H box-service --password-file wrong partition list
	has "$stderr" 'rmctl: fatal: denied: master at box-service: wrong user or password, or the user is blocked'
	wrong master 6
	try 1 "${DESK[@]}" partition list
	box unlock-master
	try 0 "${DESK[@]}" partition list
}

@test "rmctl partition: what makes no sense is not even dialled" {
	# Nobody listens there.
	PORT=1 KEY=$(printf '%064d' 0)
	station "$PWD/desk"
	for args in partition 'partition burn' 'partition list x' \
		'partition create' 'partition delete a b' \
		'--user bob partition list' '--payload bob partition list' \
		'--payload bob partition delete bob' \
		'--payload nowhere partition create bob'; do
		# shellcheck disable=SC2086
		try 100 "${DESK[@]}" $args
		has "$stderr" 'rmctl: fatal: usage: *'
	done
	try 100 rmctl --password-file master partition list
	has "$stderr" '*no appliance: use -H HOST*'
	try 100 rmctl -H box-service --password-fd 0 --payload - partition \
		create bob <master
	has "$stderr" '*standard input has either the password or the payload'
	# Without a terminal nobody can be asked.
	try 100 setsid "${DESK[@]}" partition create bob </dev/null
	has "$stderr" '*there is no terminal to ask at; or use --payload FILE'
	try 11 "${DESK[@]}" partition list
	has "$stderr" '*is the service running?'
}

@test "rmctl partition: secrets come from descriptors, too" {
	serve
	try 0 rmctl -H box-service --password-fd 5 --payload /dev/fd/6 \
		partition create bob 5<master 6<bob
	try 0 rmctl -H box-service --password-fd 5 --payload - \
		partition change-pin bob 5<master <pins
	[ "$output" = 'the PIN of bob is changed' ]
}

# typed COMMAND...: at a terminal, whose screen goes to typescript.
typed() {
	rm -f keys
	mkfifo keys
	exec 9<>keys
	: >typescript
	script -qfec "$*" typescript <keys 3>&- 7>&- >/dev/null 2>&1 &
	TYPED=$!
	PIDS+=("$TYPED")
}

# answer PROMPT TEXT: when it is asked for the next time.
answer() {
	until_true asked "$1"
	echo "$2" >&9
}

asked() {
	[ "$(tr '\r' '\n' <typescript | grep -c ': *$')" -ge 1 ] &&
		tr '\r' '\n' <typescript | grep -v '^$' | tail -n 1 |
		grep -q "^$1 *$"
}

@test "rmctl partition: asks for secrets twice, without echo, before it dials" {
	serve
	typed rmctl -H box-service partition create bob
	answer 'Password of master at box-service:' master-password
	answer 'New password of user bob:' bob-password
	answer 'The same again for bob:' bob-password
	# Nobody has been told anything yet.
	try 0 rm-once -q run/clients/master
	answer 'New PIN of the partition of bob:' 123456
	answer 'The same again for bob:' 123456
	wait "$TYPED"
	grep -q 'user bob has an empty partition' typescript
	run ! grep -E 'password$|-password|123456' typescript
	box_client bob bob-password
	bob 0 --login --pin 123456 -O
	typed rmctl -H box-service partition change-pin bob
	answer 'Password of master at box-service:' master-password
	answer 'Old PIN of the partition of bob:' 123456
	answer 'New PIN of the partition of bob:' 222222
	answer 'The same again for bob:' 222223
	local rc=0
	wait "$TYPED" || rc=$?
	[ $rc -eq 100 ]
	grep -q 'what was typed again is something else' typescript
	bob 0 --login --pin 123456 -O
	typed rmctl -H box-service --password-file master partition delete bob
	answer "To confirm partition-delete, type the appliance's name:" box
	wait "$TYPED"
	grep -q 'user bob and the partition are deleted' typescript
	exec 9>&-
}

@test "rmctl partition: completion offers the verbs, and files for the payload" {
	# shellcheck disable=SC1091
	. "$RM_TESTS/../completions/rmctl"
	COMP_WORDS=(rmctl partition '') COMP_CWORD=2
	_comp_cmd_rmctl
	[ "${COMPREPLY[*]}" = 'list create delete change-pin' ]
	COMP_WORDS=(rmctl part) COMP_CWORD=1
	_comp_cmd_rmctl
	has " ${COMPREPLY[*]} " '* partition *'
}
