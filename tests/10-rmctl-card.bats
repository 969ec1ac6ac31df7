#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The station's side of a card: a real pcscd, virtual readers, virtual cards
# with the ways of two real ones.  Signatures are judged by openssl.
load helpers
load room

setup() {
	common_setup
	room_start
	APPLIANCE=$(printf '%064d' 0)
	umask 077
	echo 123456 >pin
	echo 654321 >wrong
}

teardown() {
	room_stop
	common_teardown
}

# enrol STATUS [option ...]: has a card sign a short text.
enrol() {
	local want=$1
	shift
	try "$want" room rmctl --appliance "$APPLIANCE" "$@" card enrol alice
}

# The enrolment in $lines: key, key id and signature fit each other.
verifies() {
	local name keyid alg sig
	read -r _ name keyid alg sig <<<"${lines[0]}"
	printf '%s\n' "${lines[@]:1}" >key.pem
	printf 'rm-enrol 1\nappliance %s\ncustodian %s\nsigner %s\n' \
		"$APPLIANCE" "$name" "$keyid" >text
	base64 -d <<<"$sig" >sig
	[ "$keyid" = "$(openssl pkey -pubin -in key.pem -outform DER |
		sha256sum | cut -d ' ' -f 1)" ]
	[ "$alg" = "$1" ]
	case $alg in
	ed25519) openssl pkeyutl -verify -pubin -inkey key.pem -rawin \
		-in text -sigfile sig ;;
	*sha384) openssl dgst -sha384 -verify key.pem -signature sig text ;;
	*) openssl dgst -sha256 -verify key.pem -signature sig text ;;
	esac
}

# Command APDUs that a card has seen.
apdus() {
	card_count "$1" .
}

# The children of a process.
child_of() {
	pgrep -P "$1"
}

# Starts rmctl with its PIN on the FIFO "pins", and waits until nothing but
# the PIN is missing: CARD_PID is the card's process.
start_asking() {
	mkfifo pins
	exec 5<>pins
	room rmctl --pin-fd 5 --appliance "$APPLIANCE" card enrol alice \
		3>&- >out 2>err &
	RMCTL_PID=$!
	PIDS+=("$RMCTL_PID")
	until_true looked_at_alice
	CARD_PID=$(child_of "$RMCTL_PID")
}

looked_at_alice() {
	[ "$(card_count alice 'VERIFY status')" = 1 ]
}

@test "a P-256 card of either kind signs with 5 APDUs" {
	card_insert 0 alice -P A
	enrol 0 --pin-file pin
	verifies ecdsa-sha256
	[ "$(apdus alice)" = 5 ]
	card_insert 1 bob -P B
	enrol 0 --pin-file pin --reader "$(room_reader 1)"
	verifies ecdsa-sha256
	[ "$(apdus bob)" = 5 ]
	[ "$(room_apdu_count '00 87 11 9A')" = 2 ]
}

@test "a P-384 card of either kind signs with 5 APDUs" {
	card_make alice p384
	card_insert 0 alice -P A
	enrol 0 --pin-file pin
	verifies ecdsa-sha384
	[ "$(apdus alice)" = 5 ]
	card_make bob p384
	card_insert 1 bob -P B
	enrol 0 --pin-file pin --reader "$(room_reader 1)"
	verifies ecdsa-sha384
	[ "$(apdus bob)" = 5 ]
}

@test "an RSA card of either kind signs, in pieces" {
	card_make alice rsa2048
	card_insert 0 alice -P A
	enrol 0 --pin-file pin
	verifies rsa-pkcs1-sha256
	card_make bob rsa2048
	card_insert 1 bob -P B
	enrol 0 --pin-file pin --reader "$(room_reader 1)"
	verifies rsa-pkcs1-sha256
	[ "$(card_count bob 'GENERAL AUTHENTICATE 9a 07 part 9000')" = 1 ]
	[ "$(apdus bob)" = 8 ]
}

@test "an Ed25519 card signs the text itself" {
	card_make alice ed25519
	card_insert 0 alice
	enrol 0 --pin-file pin
	verifies ed25519
}

@test "other slots: 9c wants the PIN for each signature, 82 is a retired key" {
	card_make alice p256 9c
	card_make alice p256 82
	card_insert 0 alice -P B
	enrol 21 --pin-file pin --wait 1
	has "$stderr" '*fatal: no-card: *: slot 9a is empty'
	enrol 0 --pin-file pin --slot 9c
	verifies ecdsa-sha256
	enrol 0 --pin-file pin --slot 82
	verifies ecdsa-sha256
	try 0 room rmctl card public-key --slot 82
	diff <(printf '%s\n' "$output") \
		<(openssl x509 -in "$(card_file alice 82.crt)" -pubkey -noout)
}

@test "a gzipped certificate is read" {
	card_make alice
	openssl x509 -in "$(card_file alice 9a.crt)" -outform DER | gzip -9 >c.gz
	card_insert 0 alice -z "9a=$PWD/c.gz"
	enrol 0 --pin-file pin
	verifies ecdsa-sha256
}

@test "card list: every reader, whose card, tries left, and no PIN" {
	card_insert 0 alice
	card_make bob rsa2048
	card_insert 2 bob -P B
	card_make carol p256 9c
	card_insert 3 carol
	try 0 room rmctl card list
	has "${lines[0]}" "$(room_reader 0)"$'\talice\t3\tecdsa-sha256\t*'
	[ "${lines[1]}" = "$(room_reader 1)"$'\t-\tno card' ]
	has "${lines[2]}" "$(room_reader 2)"$'\tbob\t5\trsa-pkcs1-sha256\t*'
	[ "${lines[3]}" = "$(room_reader 3)"$'\t-\tslot 9a is empty' ]
	[ "${#lines[@]}" = 4 ]
	try 0 room rmctl --reader "$(room_reader 2)" card list
	has "$output" "$(room_reader 2)"$'\tbob\t*'
	[ "${#lines[@]}" = 1 ]
	[ "$(card_count alice 'VERIFY [^s]')" = 0 ]
}

@test "after a signature nobody can sign without the PIN" {
	card_insert 0 alice -P B
	enrol 0 --pin-file pin
	# B keeps its PIN status over SELECT: only a reset takes it away.
	try 1 room yubico-piv-tool -r "$(room_reader 0)" -a test-signature \
		-s 9a -i "$(card_file alice 9a.crt)"
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 6982')" = 1 ]
}

@test "a wrong PIN is sent once and says how many tries are left" {
	card_insert 0 alice
	enrol 22 --pin-file wrong
	[ "$stderr" = "rmctl: fatal: wrong-pin: wrong PIN: a try was used, 2 left" ]
	[ -z "$output" ]
	[ "$(card_count alice 'VERIFY 63c2')" = 1 ]
	[ "$(apdus alice)" = 4 ]
}

@test "the last try is kept, and spent when told" {
	card_insert 0 alice -t 2
	enrol 22 --pin-file wrong
	enrol 24 --pin-file pin
	has "$stderr" 'rmctl: fatal: last-try: *no PIN was sent, tries left: 1'
	[ "$(card_count alice 'VERIFY [^s]')" = 1 ]
	enrol 0 --pin-file pin --last-try
	verifies ecdsa-sha256
}

@test "a blocked PIN is said so, by either kind of card, and not sent" {
	card_insert 0 alice -t 2 -P A
	card_insert 1 bob -t 2 -P B
	local reader
	for reader in 0 1; do
		reader=$(room_reader $reader)
		enrol 22 --pin-file wrong --reader "$reader"
		enrol 23 --pin-file wrong --reader "$reader" --last-try
		has "$stderr" '*pin-blocked: wrong PIN: a try was used, none*'
		enrol 23 --pin-file pin --reader "$reader" --last-try
		has "$stderr" '*pin-blocked: *: no PIN was sent, tries left: 0'
	done
	[ "$(card_count alice 'VERIFY [^s]')" = 2 ]
	[ "$(card_count bob 'VERIFY [^s]')" = 2 ]
}

@test "a mute card is given up in time, and holds up no other reader" {
	card_insert 0 alice -f mute
	card_insert 1 bob
	enrol 25 --pin-file pin --card-timeout 3 --reader "$(room_reader 0)"
	has "$stderr" '*card-lost: *does not answer: no PIN was sent'
	try 0 room rmctl card list --card-timeout 3
	has "${lines[0]}" "$(room_reader 0)"$'\t-\t*does not answer*'
	has "${lines[1]}" "$(room_reader 1)"$'\tbob\t3\t*'
	enrol 0 --pin-file pin --reader "$(room_reader 1)"
}

@test "a card that falls silent while it signs: the PIN was right" {
	card_insert 0 alice -f mute-on-sign
	enrol 25 --pin-file pin --card-timeout 3
	has "$stderr" '*card-lost: *: the PIN was right, no try was used'
	[ -z "$output" ]
}

@test "a card pulled out while it signs" {
	card_insert 0 alice -f pulled-on-sign
	enrol 25 --pin-file pin
	has "$stderr" '*card-lost: *: the PIN was right, no try was used'
	[ -z "$output" ]
}

@test "a signature that is short, or of another key, is never passed on" {
	card_insert 0 alice -f wrong-length
	enrol 40 --pin-file pin
	has "$stderr" '*failed: what the card answered is no signature*'
	[ -z "$output" ]
	card_insert 1 bob -f wrong-signature
	enrol 40 --pin-file pin --reader "$(room_reader 1)"
	has "$stderr" '*failed: *does not fit the key in its certificate*'
	[ -z "$output" ]
}

@test "objects with wrong lengths, and huge ones, are no certificates" {
	card_insert 0 alice -f bad-tlv
	enrol 21 --pin-file pin --wait 1
	has "$stderr" '*: slot 9a holds no certificate that makes sense'
	card_insert 1 bob -f huge-object
	enrol 21 --pin-file pin --wait 1 --reader "$(room_reader 1)"
	has "$stderr" "*: the card's answer is too long"
}

@test "a slow card is not a mute one" {
	card_insert 0 alice -f slow
	enrol 0 --pin-file pin --card-timeout 10
	verifies ecdsa-sha256
}

@test "no card in time, no such reader, no pcscd" {
	enrol 21 --pin-file pin --wait 1
	[ "${stderr_lines[1]}" = "rmctl: fatal: no-card: no card in any reader" ]
	enrol 20 --pin-file pin --wait 1 --reader nowhere
	has "$stderr" '*fatal: no-reader: no card reader with the name nowhere'
	PCSCLITE_CSOCK_NAME=$PWD/nowhere enrol 20 --pin-file pin
	[ "$stderr" = "rmctl: fatal: no-reader: the PC/SC service (pcscd) does not run" ]
	PCSCLITE_CSOCK_NAME=$PWD/nowhere try 20 room rmctl card list
}

@test "waiting for a card sleeps, and wakes when one comes" {
	local before
	room rmctl --wait 60 --pin-file pin --appliance "$APPLIANCE" \
		card enrol alice 3>&- >out 2>err &
	local pid=$!
	PIDS+=("$pid")
	until_true grep -q 'insert a card (no card in any reader)' err
	local card
	card=$(child_of "$pid")
	until_true grep -q '^State:.S' "/proc/$card/status"
	before=$(grep ctxt_switches "/proc/$card/status")
	# A moment of real work for this machine, none for rmctl.
	card_make alice rsa4096
	[ "$(grep ctxt_switches "/proc/$card/status")" = "$before" ]
	card_insert 0 alice
	wait "$pid"
	mapfile -t lines <out
	verifies rsa-pkcs1-sha256
}

@test "a card that does not fit is waited out: it is changed for another" {
	card_make carol p256 9c
	card_insert 0 carol
	room rmctl --wait 60 --pin-file pin --appliance "$APPLIANCE" \
		card enrol alice 3>&- >out 2>err &
	local pid=$!
	PIDS+=("$pid")
	until_true grep -q 'slot 9a is empty' err
	card_remove 0
	card_insert 0 alice
	wait "$pid"
	mapfile -t lines <out
	verifies ecdsa-sha256
	[ "$(card_count carol 'VERIFY')" = 0 ]
}

@test "several readers: the first card that fits, or the one that is named" {
	card_make carol p256 9c
	card_insert 0 carol
	card_insert 1 alice
	card_insert 2 bob
	try 0 room rmctl card public-key
	diff <(printf '%s\n' "$output") \
		<(openssl x509 -in "$(card_file alice 9a.crt)" -pubkey -noout)
	try 0 room rmctl card public-key --reader 'B 00'
	diff <(printf '%s\n' "$output") \
		<(openssl x509 -in "$(card_file bob 9a.crt)" -pubkey -noout)
}

@test "two at the same card take turns" {
	card_insert 0 alice -f slow
	room rmctl --pin-file pin --appliance "$APPLIANCE" card enrol alice \
		3>&- >first 2>&1 &
	local pid=$!
	PIDS+=("$pid")
	enrol 0 --pin-file pin
	verifies ecdsa-sha256
	wait "$pid"
	mapfile -t lines <first
	verifies ecdsa-sha256
	# Not one command of the other came in between.
	[ "$(cut -c 1-8 "$(card_file alice log)" | uniq -c | wc -l)" = 10 ]
	[ "$(cut -c 1-8 "$(card_file alice log)" | head -n 5)" = \
		"$(cut -c 1-8 "$(card_file alice log)" | tail -n 5)" ]
}

@test "PINs from a descriptor: one line, and not a byte more" {
	card_insert 0 alice
	printf '123456\n12345\nrest' >pins
	exec 5<pins
	enrol 0 --pin-fd 5
	verifies ecdsa-sha256
	enrol 100 --pin-fd 5
	has "$stderr" '*usage: a PIN has 6 to 8 characters: none was sent*'
	[ "$(cat <&5)" = rest ]
	enrol 100 --pin-fd 5
	has "$stderr" '*usage: no line is left to be read: no PIN was sent*'
	exec 5<&-
	[ "$(card_count alice 'VERIFY [^s]')" = 1 ]
}

@test "a PIN file that others can read, or a link, is refused" {
	card_insert 0 alice
	chmod 640 pin
	enrol 100 --pin-file pin
	ln -s wrong link
	enrol 100 --pin-file link
	[ "$(apdus alice)" = 0 ]
}

@test "only the card's process reads the PIN, and nobody prints it" {
	card_insert 0 alice
	# A leak checker does not work under strace.
	ASAN_OPTIONS=detect_leaks=0 room strace -ff -s 100 -o trace rmctl --pin-file pin \
		--appliance "$APPLIANCE" card enrol alice >out 2>err
	local main reader
	main=$(grep -l '^execve(' trace.*)
	# A byte at a time; which, even strace is not let see.
	reader=$(grep -l '^read([0-9]*, .*, 1) *= 1$' trace.*)
	[ "$reader" != "$main" ]
	[ "$(grep -c '^read([0-9]*, .*, 1) *= 1$' "$reader")" = 7 ]
	run ! grep -E '(write|execve)\(.*123456' trace.*
	run ! grep -q 123456 out err
}

@test "the card's process has no core file, and no debugger gets in" {
	ulimit -c unlimited
	card_insert 0 alice
	start_asking
	grep -qE '^Max core file size +0 +0 ' "/proc/$CARD_PID/limits"
	# With the sanitizers it is left open: they are such debuggers.
	[[ $RM_BUILD == */asan ]] || run ! cat "/proc/$CARD_PID/environ"
	echo 123456 >&5
	wait "$RMCTL_PID"
	exec 5>&-
}

@test "the card's process ends with its parent, and the card is reset" {
	card_insert 0 alice
	start_asking
	kill -KILL "$RMCTL_PID"
	wait "$RMCTL_PID" || :
	until_true [ ! -e "/proc/$CARD_PID" ]
	exec 5>&-
	# Nobody keeps the card's transaction.
	enrol 0 --pin-file pin
}

@test "the card's process keeps nothing of its parent's open" {
	card_insert 0 alice
	mkfifo held
	exec 6<>held 7<held 8>held 6>&-
	start_asking
	exec 8>&-
	kill -STOP "$CARD_PID"
	kill -KILL "$RMCTL_PID"
	wait "$RMCTL_PID" || :
	# Whoever still had it open would keep this from ending.
	timeout 60 cat <&7
	# The kernel may have woken it: its group lost its last parent.
	kill -CONT "$CARD_PID" 2>/dev/null || :
	exec 5>&- 7<&-
}

# A terminal: start_typing SCRIPT begins, descriptor 5 types, typescript shows.
start_typing() {
	mkfifo keys
	# bash lets what is in the background ignore ^C.
	env --default-signal=INT,QUIT room script -qfec "$*" typescript <keys 3>&- >/dev/null 2>&1 &
	SCRIPT_PID=$!
	PIDS+=("$SCRIPT_PID")
	exec 5>keys
}

# What stty -a said last.
has_echo() {
	[ "$(tr -s ' \r' '\n\n' <typescript | grep -xe echo -e -echo |
		tail -n 1)" = echo ]
}

prompts() {
	[ "$(grep -o '([0-9] tries left): ' typescript | wc -l)" = "$1" ]
}

@test "at a terminal the PIN is asked for by name and tries, without echo" {
	card_insert 0 alice
	start_typing "rmctl --appliance $APPLIANCE card enrol alice; stty -a"
	until_true prompts 1
	grep -q "PIN of alice, card in $(room_reader 0) (3 tries left): " typescript
	echo 123456 >&5
	wait "$SCRIPT_PID"
	grep -q '^enrol alice ' typescript
	run ! grep -q 123456 typescript
	has_echo
}

@test "^C at the prompt: the terminal is as it was, and nothing was sent" {
	card_insert 0 alice
	start_typing "trap : INT; rmctl --appliance $APPLIANCE card enrol alice;
		echo status=\$?; stty -a"
	until_true prompts 1
	printf '\003' >&5
	wait "$SCRIPT_PID"
	grep -q 'status=130' typescript
	has_echo
	[ "$(card_count alice 'VERIFY [^s]')" = 0 ]
}

@test "rmctl does not end before the terminal is as it was" {
	card_insert 0 alice
	start_typing "trap : TERM; rmctl --appliance $APPLIANCE card enrol alice
		echo status=\$?; stty -a"
	until_true prompts 1
	local rmctl card
	rmctl=$(child_of "$(child_of "$SCRIPT_PID")")
	card=$(child_of "$rmctl")
	kill -STOP "$card"
	kill -TERM "$rmctl"
	# It has told the card's process to end, and waits for that.
	until_true grep -q '^ShdPnd:.*4...$' "/proc/$card/status"
	kill -0 "$rmctl"
	kill -CONT "$card"
	wait "$SCRIPT_PID"
	grep -q status=143 typescript
	has_echo
}

@test "^Z at the prompt gives the terminal back, fg asks again" {
	card_insert 0 alice
	start_typing "bash --norc -c 'set -m
		rmctl --appliance $APPLIANCE card enrol alice
		stty -a; fg; stty -a'"
	until_true prompts 1
	printf '\032' >&5
	until_true prompts 2
	has_echo
	echo 123456 >&5
	wait "$SCRIPT_PID"
	grep -q '^enrol alice ' typescript
	has_echo
}

@test "no terminal and no PIN: nothing is sent" {
	card_insert 0 alice
	enrol 100 </dev/null
	has "$stderr" '*usage: there is no terminal to ask at: no PIN was sent*'
	[ "$(card_count alice 'VERIFY [^s]')" = 0 ]
}

@test "rmctl card: bad command lines" {
	try 100 room rmctl card
	try 100 room rmctl card nonsense
	try 100 room rmctl card list more
	try 100 room rmctl card enrol
	try 100 room rmctl card enrol alice
	has "$stderr" '*--appliance KEYID tells'
	enrol 100 --card-timeout 0
	card_insert 0 alice
	try 100 room rmctl --pin-file pin --appliance "$APPLIANCE" \
		card enrol 'Alice
manager bob'
	[ "$(card_count alice 'VERIFY [^s]')" = 0 ]
}

@test "rmctl has no way to sign but a card: it calls nothing that signs" {
	local calls
	calls=$(nm --undefined-only "$RM_BUILD/bin/rmctl")
	grep -q SCardTransmit <<<"$calls"
	run ! grep -E 'EVP_(Digest)?Sign|EVP_PKEY_(sign|Q_)|ECDSA_|RSA_|crypto_sign' \
		<<<"$calls"
}
