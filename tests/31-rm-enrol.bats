#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers

# The card is foreign: openssl signs, coreutils write the text.

setup_file() {
	export KEYS=$BATS_FILE_TMPDIR
	local who
	for who in alice bob; do
		make_key "$who" ec -pkeyopt ec_paramgen_curve:P-256
	done
	make_key p384 ec -pkeyopt ec_paramgen_curve:P-384
	make_key rsa rsa -pkeyopt rsa_keygen_bits:2048
	make_key rsa1024 rsa -pkeyopt rsa_keygen_bits:1024
	make_key p521 ec -pkeyopt ec_paramgen_curve:P-521
	make_key explicit ec -pkeyopt ec_paramgen_curve:P-256 \
		-pkeyopt ec_param_enc:explicit
	openssl ec -in "$KEYS/bob.key" -pubout -conv_form compressed \
		-out "$KEYS/bob.compressed" 2>/dev/null
}

make_key() {
	local key=$KEYS/$1
	shift
	openssl genpkey -quiet -algorithm "$@" -out "$key.key"
	openssl pkey -in "$key.key" -pubout -out "$key.pem"
}

setup() {
	common_setup
	mkdir state/custodians
	od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' >state/appliance
}

keyid() { openssl pkey -pubin -in "$1" -outform DER | sha256sum | cut -c -64; }

# enrolment NAME KEY: what the station writes; each value can be replaced
enrolment() {
	local pem=${PEM:-$KEYS/$2.pem} alg=ecdsa-sha256 hash=-sha256 id
	case $2 in
	p384) alg=ecdsa-sha384 hash=-sha384 ;;
	rsa*) alg=rsa-pkcs1-sha256 ;;
	esac
	id=$(openssl pkey -pubin -in "$pem" -outform DER | sha256sum)
	id=${id%% *}
	printf '%s\n' 'rm-enrol 1' "appliance ${APPLIANCE:-$(<state/appliance)}" \
		"custodian ${SIGNED:-$1}" "signer ${SIGNER:-$id}" >text
	openssl dgst "$hash" -sign "$KEYS/$2.key" -out sig text
	echo "enrol $1 ${ID:-$id} ${ALG:-$alg} $(base64 -w 0 sig)"
	cat "$pem"
}

@test "rm-enrol writes the key that signed, under its KEYID" {
	local key id alg
	for key in bob:ecdsa-sha256 p384:ecdsa-sha384 rsa:rsa-pkcs1-sha256; do
		alg=${key#*:} key=${key%:*}
		id=$(keyid "$KEYS/$key.pem")
		enrolment "c-$key" "$key" >in.txt
		try 0 rm-enrol "c-$key" <in.txt
		[ "$output" = "enrolled c-$key $id $alg" ]
		cmp "$KEYS/$key.pem" "state/custodians/c-$key/$id.pem"
		[ "$(stat -c %a "state/custodians/c-$key/$id.pem")" = 644 ]
	done
}

@test "rm-enrol takes another folder" {
	mkdir other
	enrolment bob bob >in.txt
	try 0 rm-enrol -C other bob <in.txt
	[ -e "other/bob/$(keyid "$KEYS/bob.pem").pem" ]
	[ ! -e state/custodians/bob ]
}

@test "rm-enrol: a second card of one person, and the same card again" {
	enrolment bob bob >in.txt
	try 0 rm-enrol bob <in.txt
	try 0 rm-enrol bob <in.txt
	enrolment bob alice >in.txt
	try 0 rm-enrol bob <in.txt
	[ "$(find state/custodians -name '*.pem' | wc -l)" = 2 ]
}

@test "rm-enrol refuses a key that is known under another name" {
	enrolment bob bob >in.txt
	try 0 rm-enrol bob <in.txt
	enrolment eve bob >in.txt
	try 1 rm-enrol eve <in.txt
	[ "$stderr" = "rm-enrol: fatal: refused: this key is enrolled for bob" ]
	[ ! -e state/custodians/eve ]
}

@test "rm-enrol refuses a signature over anything else" {
	local other
	other=$(tr 0-9 1-90 <state/appliance)
	local what="refused: the signature does not verify for bob on this appliance"
	APPLIANCE=$other enrolment bob bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: $what" ]
	SIGNED=eve enrolment bob bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: $what" ]
	SIGNER=$other enrolment bob bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: $what" ]
	# alice's signature, bob's key
	PEM=$KEYS/bob.pem enrolment bob alice >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: $what" ]
	[ -z "$(ls state/custodians)" ]
}

@test "rm-enrol refuses what does not fit together" {
	enrolment eve bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: refused: the enrolment is for eve, not for bob" ]
	ID=$(keyid "$KEYS/alice.pem") enrolment bob bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: refused: the enrolment names another key than it has" ]
	ALG=ed25519 enrolment bob bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: refused: this key signs with ecdsa-sha256, not with ed25519" ]
}

@test "rm-enrol refuses keys that must not be enrolled" {
	local -A why=(
		[rsa1024]='RSA key outside 2048 to 4096 bits'
		[p521]='curve other than P-256 and P-384'
		[explicit]='curve given by parameters instead of a name'
	)
	local key
	for key in "${!why[@]}"; do
		enrolment bob "$key" >in.txt
		try 1 rm-enrol bob <in.txt
		[ "$stderr" = "rm-enrol: fatal: refused: ${why[$key]}" ]
	done
	# the same key as another's, in another spelling
	PEM=$KEYS/bob.compressed enrolment bob bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: refused: point that is not uncompressed" ]
	[ -z "$(ls state/custodians)" ]
}

@test "rm-enrol refuses a 65th custodian" {
	local i
	for ((i = 1; i <= 64; i++)); do
		mkdir "state/custodians/c$i"
		: >"state/custodians/c$i/$(printf '%064x' "$i").pem"
	done
	enrolment bob bob >in.txt
	try 1 rm-enrol bob <in.txt
	[ "$stderr" = "rm-enrol: fatal: refused: there are 64 custodians already" ]
	# a further card of one of them is no further custodian
	enrolment c7 bob >in.txt
	try 0 rm-enrol c7 <in.txt
}

@test "rm-enrol refuses what is no enrolment" {
	local text
	for text in '' 'enrol bob' 'present bob' $'enrol bob x y z\n' \
		$'enrol  bob\n' "$(printf '%5000s' x)"; do
		try 1 rm-enrol bob <<<"$text"
		has "$stderr" 'rm-enrol: fatal: refused: no enrolment: *'
	done
	enrolment bob bob | head -n 3 >in.txt
	try 1 rm-enrol bob <in.txt
	{ enrolment bob bob; cat "$KEYS/alice.pem"; } >in.txt
	try 1 rm-enrol bob <in.txt
	[ -z "$(ls state/custodians)" ]
}

@test "rm-enrol: an enrolment that the log does not take is none; -n writes no record" {
	enrolment bob bob >in.txt
	printf '#!/bin/sh\nread -r l || exit 0\necho "$l" >>records\n[ ! -e ok ] || echo "+ 1 0"\n' >appender
	chmod +x appender
	socat UNIX-LISTEN:run/audit.sock,fork EXEC:./appender \
		</dev/null >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	until_true socat -u OPEN:/dev/null UNIX-CONNECT:run/audit.sock
	try 111 rm-enrol bob <in.txt
	[ ! -e state/custodians/bob ]
	rm records
	try 0 rm-enrol -n bob <in.txt
	[ ! -e records ]
	: >ok
	try 0 rm-enrol bob <in.txt
	has "$(<records)" "durable enrol custodian=bob keyid=$(keyid "$KEYS/bob.pem") text=rm-enrol%201%0A* alg=ecdsa-sha256 sig=* key=*"
}

@test "rm-enrol: two at once do not give one key two names" {
	enrolment bob bob >bob.txt
	enrolment eve bob >eve.txt
	local i rc
	for i in 1 2 3 4 5; do
		rm -rf state/custodians/*
		rc=0
		rm-enrol eve <eve.txt >/dev/null 2>&1 3>&- &
		rm-enrol bob <bob.txt >/dev/null 2>&1 || rc=1
		wait "$!" || rc=$((rc + 1))
		[ "$rc" = 1 ]
		[ "$(find state/custodians -name '*.pem' | wc -l)" = 1 ]
	done
}

@test "rm-enrol: bad command lines are usage errors" {
	try 100 rm-enrol
	has "$stderr" 'usage: rm-enrol *'
	try 100 rm-enrol a b
	try 100 rm-enrol -n -n bob
	try 100 rm-enrol -C a -C b bob
	try 100 rm-enrol -x bob
	try 100 rm-enrol ../bob
	has "$stderr" 'rm-enrol: fatal: bad name ../bob*'
	enrolment bob bob >in.txt
	rm state/appliance
	try 100 rm-enrol bob <in.txt
}

@test "rm-enrol: a full disk or a closed output is not success" {
	enrolment bob bob >in.txt
	run -111 --separate-stderr timeout 60 sh -c 'rm-enrol bob >/dev/full' <in.txt
	rm -rf state/custodians
	try 111 rm-enrol bob <in.txt
}
