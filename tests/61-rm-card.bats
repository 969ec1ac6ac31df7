#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Cards in the console's own reader: what they sign, and what the log has of it.
load helpers
load room

NONCE=0f1e2d3c4b5a69788796a5b4c3d2e1f0

setup() {
	common_setup
	room_start
	printf '%064d\n' 5 >state/appliance
	: >state/conf
	echo 3 >state/boot-count
	rm-listen -u run/audit.sock -- rm-audit append -b state/boot-count \
		state/audit.log 3>&- 2>/dev/null &
	PIDS+=("$!")
	until_true [ -S run/audit.sock ]
	card_insert 0 alice
	enrol alice
}

teardown() {
	room_stop
	common_teardown
}

# As if enrolled, and without a record.
enrol() {
	local key
	key=$(openssl x509 -in "$(card_file "$1" 9a.crt)" -noout -pubkey |
		tee "$1.pem" | openssl pkey -pubin -outform DER | sha256sum)
	KEY=${key%% *}
	mkdir -p "state/custodians/$1"
	install -m 600 "$1.pem" "state/custodians/$1/$KEY.pem"
}

# card CODE WORD...: the PIN is that of the card, or PIN.
card() {
	local code=$1
	shift
	echo "${PIN:-123456}" >pin
	try "$code" room rm-card -w 20 "$@" <pin
}

logged() {
	grep -F -- "$1" state/audit.log
}

@test "rm-card: a custodian's card signs, and the log has what, for who checks it" {
	card 0 unlock "$NONCE"
	[ "$output" = "alice $KEY 3" ]
	run -0 logged ' card purpose=unlock custodian=alice text=rm-console%201%0A'
	has "$output" "*nonce%20$NONCE%0Apurpose%20unlock%0Asigner%20$KEY%0A *"
	card 0 drill "$NONCE"
	logged ' card purpose=drill custodian=alice '
	card 0 operation "$NONCE" none set-mode 'RM 1'
	run -0 logged ' card purpose=operation operation=set-mode custodian=alice '
	has "$output" '*%0Aoperation%20set-mode%0Aargument%20RM%25201%0Apayload%20none%0A*'
	try 0 rm-audit verify state/audit.log
	# Another nonce is another signature; one that was changed is none.
	sed -i "s/$NONCE/f${NONCE#0}/" state/audit.log
	try 1 rm-audit verify state/audit.log
	run ! grep -r 123456 state run
}

@test "rm-card refuses a stranger's card and a wrong PIN, and the log has both" {
	card_remove alice
	card_insert 0 mallory
	card 1 unlock "$NONCE"
	has "$stderr" 'rm-card: fatal: refused: no custodian has the key *'
	run -0 logged ' card-refused purpose=unlock keyid='
	has "$output" '* why=not-enrolled *'
	card_remove mallory
	card_insert 0 alice
	PIN=654321 card 1 unlock "$NONCE"
	has "$stderr" '*wrong PIN*2 left*'
	run -0 logged ' why=wrong-pin '
	has "$output" "* card-refused purpose=unlock keyid=$KEY *"
	# The tries before it are told.
	card 0 drill "$NONCE"
	[ "$output" = "alice $KEY 2" ]
	# No card at all.
	card_remove alice
	try 1 room rm-card -w 0.2 unlock "$NONCE" <pin
	logged ' why=no-card '
}

@test "rm-card: a key that is not the one enrolled is refused" {
	# The file's name is that of alice's key, what is in it is not.
	card_make eve
	openssl x509 -in "$(card_file eve 9a.crt)" -noout -pubkey \
		>"state/custodians/alice/$KEY.pem"
	card 1 unlock "$NONCE"
	has "$stderr" '*the enrolled key of alice cannot be used: another key*'
	# And no key that others can write.
	enrol alice
	chmod 666 "state/custodians/alice/$KEY.pem"
	card 1 unlock "$NONCE"
	has "$stderr" '*cannot be used*'
}

@test "rm-card says nothing that the log does not have" {
	kill "${PIDS[0]}"
	wait "${PIDS[0]}" || :
	card 111 unlock "$NONCE"
	[ -z "$output" ]
	has "$stderr" '*the log at *audit.sock does not take it*'
	PIN=000000 card 111 unlock "$NONCE"
	try 111 rm-card lock
}

@test "rm-card ends when nobody waits for it, and the card is not asked" {
	card_remove alice
	echo 123456 >pin
	mkfifo heard
	room rm-card -w 600 unlock "$NONCE" <pin >heard 2>/dev/null 3>&- &
	PIDS+=("$!")
	exec 8<heard
	exec 8<&-
	wait "${PIDS[-1]}" || :
	card_insert 0 alice
	run ! logged ' card '
	[ "$(card_count alice 'VERIFY 63')" = 0 ]
}

@test "rm-card watch tells of each card that is put in, and of no other" {
	mkfifo out
	card_insert 1 bob
	echo "reader $(room_reader 0)" >state/conf
	room rm-card watch >out 2>/dev/null 3>&- &
	PIDS+=("$!")
	exec 8<out
	# Who has just begun may not have looked yet.
	local i
	for ((i = 0; i < 30; i++)); do
		card_remove alice
		card_insert 0 alice
		! read -r -t 2 -u 8 LINE || break
	done
	[ "$LINE" = inserted ]
	# Another reader is not the console's.
	card_remove bob
	card_insert 1 bob
	card_remove alice
	card_insert 0 alice
	read -r -t 60 -u 8 LINE
	[ "$LINE" = inserted ]
	exec 8<&-
}

@test "rm-card: usage, and what cannot be signed" {
	local words
	for words in '' drill 'drill a b' 'operation a none' wonder 'lock x' \
		'-w x lock' '-w 1 -w 1 lock'; do
		# shellcheck disable=SC2086
		try 100 rm-card $words </dev/null
	done
	try 100 rm-card unlock 123 </dev/null
	has "$stderr" '*no text to be signed*'
	try 100 rm-card operation "$NONCE" some set-mode RM1 </dev/null
	rm state/appliance
	try 100 rm-card unlock "$NONCE" </dev/null
	has "$stderr" '*unable to read */appliance*'
}

@test "rm-card lock is recorded" {
	try 0 rm-card lock
	logged ' console-locked '
}

@test "rm-card: completion" {
	# shellcheck source=/dev/null
	. "$RM_TESTS/../completions/rm-card"
	COMP_WORDS=(rm-card '') COMP_CWORD=1
	_comp_cmd_rm_card
	[ "${COMPREPLY[*]}" = 'drill unlock operation lock watch' ]
	COMP_WORDS=(rm-card -w 5 '') COMP_CWORD=3
	_comp_cmd_rm_card
	[ "${COMPREPLY[*]}" = 'drill unlock operation' ]
	COMP_WORDS=(rm-card -) COMP_CWORD=1
	_comp_cmd_rm_card
	[ "${COMPREPLY[*]}" = -w ]
	COMP_WORDS=(rm-card drill x) COMP_CWORD=2
	_comp_cmd_rm_card
	[ -z "${COMPREPLY[*]}" ]
}
