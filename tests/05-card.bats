#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The virtual card and its room are what they claim to be, judged by programs
# that are not ours: yubico-piv-tool, OpenSC, scriptor, openssl.

load helpers
load room

setup() {
	common_setup
	room_start
}

teardown() {
	room_stop
	common_teardown
}

PKCS11=/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so

SELECT=00A4040005A000000308
PIN=0020008008313233343536FFFF
WRONG=0020008008393939393939FFFF
STATUS=0020008000
CERT_9A=00CB3FFF055C035FC10500

# bytes XX N: the byte N times
bytes() {
	printf -- "$1%.0s" $(seq "$2")
}

# P-256 with 9A over so many bytes; RSA with 9C, in one APDU and in two.
sign_9a() {
	printf '0087119A%02X7C%02X820081%02X%s00\n' \
		$(($1 + 6)) $(($1 + 4)) "$1" "$(bytes 11 "$1")"
}
RSA=7C82010682008182010000$(bytes 11 255)
RSA_EXTENDED=0087079C00010A${RSA}0000
RSA_CHAINED=(1087079CFF"${RSA:0:510}" 0087079C0B"${RSA:510}"00)

# raw N APDU...: each answer's bytes, a line each; "reset" is a reset
raw() {
	local reader
	reader=$(room_reader "$1")
	shift
	printf '%s\n' "$@" | timeout 60 room scriptor -r "$reader" -p T=1 2>/dev/null |
		sed -n '/^< OK/d; /^</ { :more; /:/!{ N; b more; }
			s/:.*//; s/[^0-9A-F]//g; p; }'
}

# row KIND WHAT A B APDU...: the last answer is "LENGTH SW", by kind of card
row() {
	local want=$3
	[ "$1" = A ] || want=$4
	last=$(raw 0 reset "${@:5}" | tail -1)
	has "$2: $((${#last} / 2 - 2)) ${last: -4}" "$2: $want"
}

rows() {
	local aid=A000000308000010000100 twice
	# shellcheck disable=SC2206 # words of no blanks
	twice=($SELECT $PIN $RSA_EXTENDED $RSA_EXTENDED)

	row "$1" 'SELECT' '19 9000' '124 9000' $SELECT
	row "$1" 'SELECT by 9 bytes' '19 9000' '124 9000' "00A4040009${aid:0:18}"
	row "$1" 'SELECT in full' '19 9000' '124 9000' "00A404000B$aid"
	row "$1" 'SELECT of another' '0 6A82' '0 6A82' 00A4040005A000000397
	row "$1" 'before SELECT' '0 63C3' '0 6986' $STATUS
	row "$1" 'PIN status' '0 63C3' '0 63C5' $SELECT $STATUS
	row "$1" 'PIN status, no Le' '0 63C3' '0 63C5' $SELECT 00200080
	row "$1" 'verified' '0 9000' '0 9000' $SELECT $PIN $STATUS
	row "$1" 'SELECT again' '0 63C3' '0 9000' $SELECT $PIN $SELECT $STATUS
	row "$1" 'reset' '0 63C3' '0 63C5' $SELECT $PIN reset $SELECT $STATUS
	row "$1" 'unpadded PIN' '0 6700' '0 6A80' $SELECT 0020008006313233343536
	row "$1" 'no PIN' '0 6982' '0 6982' $SELECT "$(sign_9a 32)"
	row "$1" 'algorithm' '0 6A86' '0 6A86' $SELECT $PIN "${RSA_EXTENDED/9C/9A}"
	row "$1" '16 bytes' '* 9000' '0 6A80' $SELECT $PIN "$(sign_9a 16)"
	row "$1" '48 bytes' '0 6700' '* 9000' $SELECT $PIN "$(sign_9a 48)"
	row "$1" 'order' '7? 9000' '7? 9000' $SELECT $PIN \
		"0087119A267C248120$(bytes 11 32)820000"
	row "$1" 'chained' '256 6108' '255 6109' $SELECT $PIN "${RSA_CHAINED[@]}"
	row "$1" 'rest' '8 9000' '8 6101' $SELECT $PIN "${RSA_CHAINED[@]}" \
		00C0000008
	row "$1" 'extended' '264 9000' '255 6109' $SELECT $PIN "$RSA_EXTENDED"
	row "$1" '9C twice' '264 9000' '0 6982' "${twice[@]}"
	row "$1" 'object' '3?? 9000' '255 61??' $SELECT \
		00CB3FFF0000055C035FC1050000
	row "$1" 'empty slot' '0 6A82' '0 6A82' $SELECT 00CB3FFF055C035FC10B00
	row "$1" 'discovery' '20 9000' '20 9000' $SELECT 00CB3FFF035C017E00
	has "$last" "*5F2F0240$([ "$1" = A ] && echo 10 || echo 00)9000"
	row "$1" 'history' '0 6A82' '10 9000' $SELECT 00CB3FFF055C035FC10C00
	row "$1" 'attest' '0 6D00' '255 61??' $SELECT 00F99A0000
	row "$1" 'metadata' '* 9000' '* 9000' $SELECT 00F7009A00
	row "$1" 'version' '3 9000' '3 9000' $SELECT 00FD000000
	has "$last" "050$([ "$1" = A ] && echo 7 || echo 4)009000"
}

@test "a room is the caller's own world: user, folder, status, no network" {
	export MARK=seen
	mkdir here
	cd here
	try 7 room sh -c 'id -u; pwd; echo $MARK; cat; exit 7' <<<typed
	[ "$output" = "$(id -u)
$PWD
seen
typed" ]
	try 0 room sh -c 'tail -n +3 /proc/net/dev; grep CapEff /proc/self/status'
	has "$output" '*lo:*CapEff:*0000000000000000'
	[ "${#lines[@]}" = 2 ]
	try 124 timeout 0.2 room sleep 1000
}

@test "two rooms do not see each other's cards" {
	card_insert 0 alice
	try 0 bash -uc '. "$RM_TESTS/room.bash"; unset ROOM_PID
		room_start && card_wait 0 empty && card_insert 0 bob &&
		room_stop'
	card_wait 0 present
	card_wait 1 empty
}

@test "all four readers hold cards at once, and a removal is seen" {
	local n
	for n in 0 1 2 3; do
		card_insert "$n" "card$n"
	done
	try 0 room opensc-tool -l
	for n in 0 1 2 3; do
		has "$output" "*Yes *$(room_reader "$n")*"
	done
	card_remove card2
	try 0 room opensc-tool -l
	has "$output" '*No *Virtual reader B 00 00*'
	card_remove 3
	card_insert 3 card2
}

@test "yubico-piv-tool gets signatures that fit the certificates" {
	local kind slot hash
	card_make alice p256 9a
	card_make alice rsa2048 9c
	card_make alice p384 82
	for kind in A B; do
		card_insert 0 alice -P "$kind"
		for slot in 9a 9c 82; do
			hash=SHA256
			[ "$slot" != 82 ] || hash=SHA384
			try 0 room yubico-piv-tool -r "$(room_reader 0)" \
				-a verify-pin -P 123456 -a test-signature -H $hash \
				-s "$slot" -i "$(card_file alice "$slot.crt")"
			has "$stderr$output" '*Successful*verification.*'
		done
		card_remove 0
	done
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')" = 2 ]
	[ "$(room_apdu_count '00 87 11 9A')" = 2 ]
	[ "$(room_apdu_count '00 20 00 80 08')" = 6 ]
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9c 07 part 9000')" = 2 ]
	run ! grep -r 123456 "$(card_file alice log)"
}

@test "key 9E signs without a PIN, an Ed25519 key signs the message itself" {
	local answer
	card_make alice p256 9e
	card_make alice ed25519 95
	card_insert 0 alice
	try 0 room yubico-piv-tool -r "$(room_reader 0)" -a test-signature \
		-s 9e -i "$(card_file alice 9e.crt)"
	answer=$(raw 0 $SELECT $PIN 0087E0950B7C098200810568656C6C6F00 | tail -1)
	has "$answer" '7C428240*9000'
	printf %b "$(sed 's/../\\x&/g' <<<"${answer:8:128}")" >sig
	printf hello >text
	openssl pkey -in "$(card_file alice 95.key)" -pubout -out pub
	try 0 openssl pkeyutl -verify -rawin -pubin -inkey pub -in text -sigfile sig
}

@test "OpenSC lists the card and signs with P-256 and RSA" {
	card_make alice p256 9a
	card_make alice rsa2048 9c
	card_insert 0 alice
	p11() { try 0 room pkcs11-tool --module $PKCS11 --slot-index 0 "$@"; }
	p11 -O
	has "$output" '*Certificate for PIV Authentication*subject:*CN=alice*'
	echo 'what is signed' >text
	openssl dgst -sha256 -binary -out hash text
	p11 --login -p 123456 --id 01 --sign -m ECDSA \
		--signature-format openssl -i hash -o ec.sig
	p11 --login -p 123456 --id 02 --sign -m SHA256-RSA-PKCS -i text -o rsa.sig
	openssl x509 -in "$(card_file alice 9a.crt)" -noout -pubkey >ec.pub
	openssl x509 -in "$(card_file alice 9c.crt)" -noout -pubkey >rsa.pub
	try 0 openssl dgst -sha256 -verify ec.pub -signature ec.sig text
	try 0 openssl dgst -sha256 -verify rsa.pub -signature rsa.sig text
}

@test "a gzipped certificate is the same certificate" {
	card_make alice
	openssl x509 -in "$(card_file alice 9a.crt)" -outform DER -out want
	gzip -9nk want
	card_insert 0 alice -z 9a=want.gz
	try 0 room pkcs11-tool --module $PKCS11 --slot-index 0 \
		--read-object --type cert --id 01 -o got
	cmp want got
	raw 0 $SELECT $CERT_9A 00C0000000 >answer
	has "$(<answer)" '*710101FE009000'
}

@test "a card of kind A answers as that model was seen to" {
	card_make alice p256 9a
	card_make alice rsa2048 9c
	card_insert 0 alice -P A
	rows A
}

@test "a card of kind B answers as that model was seen to" {
	card_make alice p256 9a
	card_make alice rsa2048 9c
	card_insert 0 alice -P B
	rows B
}

@test "wrong PINs count down to a blocked card, which stays blocked" {
	card_insert 0 alice
	try 1 room yubico-piv-tool -r "$(room_reader 0)" -a verify-pin -P 999999
	has "$stderr" '*2 tries left*'
	[ "$(raw 0 $SELECT $PIN $SELECT $STATUS | tail -1)" = 63C3 ]
	raw 0 $SELECT $WRONG $WRONG $WRONG $PIN $STATUS >answers
	[ "$(tail -n +2 answers)" = "63C2
63C1
6983
6983
63C0" ]
	card_remove alice
	card_insert 1 alice
	[ "$(raw 1 $SELECT $PIN | tail -1)" = 6983 ]
	card_insert 0 bob -P B -t 2
	raw 0 $SELECT $WRONG $WRONG $WRONG $STATUS >answers
	[ "$(tail -n +2 answers)" = "63C1
63C0
6983
6983" ]
}

@test "a blocked card can be had at once" {
	card_insert 0 alice -f blocked
	[ "$(raw 0 $SELECT $STATUS $PIN | tail -2)" = "63C0
6983" ]
}

@test "a mute card keeps its reader until it is removed, and no other" {
	card_insert 0 alice -f mute
	try 124 timeout 0.5 room scriptor -r "$(room_reader 0)" -p T=1 <<<$SELECT
	card_insert 1 bob
	has "$(raw 1 $SELECT)" '61*9000'
	card_remove alice
	card_insert 0 carol
	has "$(raw 0 $SELECT)" '61*9000'
}

@test "a card that is mute when it should sign answers all else" {
	card_insert 0 alice -f mute-on-sign
	[ "$(raw 0 $SELECT $PIN | tail -1)" = 9000 ]
	room scriptor -r "$(room_reader 0)" -p T=1 >answers 2>&1 3>&- \
		<<<"$SELECT"$'\n'"$PIN"$'\n'"$(sign_9a 32)" &
	PIDS+=("$!")
	was_asked() { [ "$(card_count alice GENERAL)" = 1 ]; }
	until_true was_asked
	run -124 timeout 0.5 tail --pid="$!" -s 0.05 -f /dev/null
}

@test "a card pulled while it signs is gone" {
	card_insert 0 alice -f pulled-on-sign
	# This driver reports it as success without a single byte.
	[ -z "$(raw 0 $SELECT $PIN "$(sign_9a 32)" | sed 1,2d)" ]
	card_remove alice
	card_insert 0 alice -f pulled-on-sign
	try 1 room yubico-piv-tool -r "$(room_reader 0)" -a verify-pin \
		-P 123456 -a test-signature -s 9a -i "$(card_file alice 9a.crt)"
	card_wait 0 empty
	card_remove 0
	card_insert 0 alice
}

@test "a wrong signature is well formed" {
	card_insert 0 alice -f wrong-signature
	try 1 room yubico-piv-tool -r "$(room_reader 0)" -a verify-pin \
		-P 123456 -a test-signature -s 9a -i "$(card_file alice 9a.crt)"
	has "$stderr$output" '*Failed ECDSA verification.*'
}

@test "a signature of wrong length is shorter than it says" {
	local answer
	card_insert 0 alice -f wrong-length
	answer=$(raw 0 $SELECT $PIN "$(sign_9a 32)" | tail -1)
	has "$answer" '7C*9000'
	[ $((0x${answer:2:2})) -gt $((${#answer} / 2 - 4)) ]
}

@test "broken and endless certificate objects" {
	card_insert 0 alice -f bad-tlv
	[ "$(raw 0 $SELECT $CERT_9A | tail -1)" = 53827FFF7084019000 ]
	card_insert 1 bob -f huge-object
	raw 1 $SELECT $CERT_9A 00C0000000 | tail -2 >answers
	has "$(head -1 answers)" '53831000*6100'
	[ "$(wc -c <answers)" = $((2 * (2 * 258 + 1))) ]
}

@test "the end of a room is the end of all its processes, and can be repeated" {
	local pids dir=$ROOM_DIR pid
	card_insert 0 alice
	card_insert 1 bob -f mute
	try 124 timeout 0.5 room scriptor -r "$(room_reader 1)" -p T=1 <<<$SELECT
	pids="$ROOM_PID $(cat "$dir"/cards/*/pid)"
	room_stop
	room_stop
	for pid in $pids; do
		[ ! -e "/proc/$pid" ]
	done
	[ ! -e "$dir" ]
}

@test "a room does not outlive a test that was killed" {
	local pids pid
	mkfifo up hold
	bash -uc '. "$RM_TESTS/room.bash"; unset ROOM_PID; room_start
		card_insert 0 alice; card_insert 1 bob -f mute
		echo $ROOM_PID $(cat $ROOM_DIR/cards/*/pid) >&4; read -r _' \
		3>&- 4>up <>hold >/dev/null 2>&1 &
	PIDS+=($!)
	read -r -t 60 pids <up
	[ "$(wc -w <<<"$pids")" = 3 ]
	# shellcheck disable=SC2206 # numbers
	PIDS+=($pids)
	kill -KILL $!
	gone() { ! grep -qs '^State:.[^Z]' "/proc/$1/status"; }
	for pid in $pids; do
		until_true gone "$pid"
	done
}
