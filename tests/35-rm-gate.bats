#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers
load matrix
# Loops count with n: run has a variable i of its own.

# A partition of its own, and the gate in front of it in mode RM2.
setup() {
	common_setup
	ENGINE=/usr/lib/softhsm/libsofthsm2.so
	GATE=$RM_BUILD/lib/rm/rm-gate.so
	MODES=$RM_BUILD/lib/rm/modes
	# SoftHSM leaks at its end, and only there.
	export ASAN_OPTIONS=detect_leaks=0
	mkdir -p part/tokens
	token_conf part/tokens >part/softhsm2.conf
	export SOFTHSM2_CONF=$PWD/part/softhsm2.conf
	softhsm2-util --init-token --free --label part --so-pin 87654321 \
		--pin 123456 >/dev/null
	export RM_GATE_ENGINE=$ENGINE RM_GATE_MODE=$MODES/RM2
	export RM_GATE_STATE=$PWD/part
	TOOL=(pkcs11-tool --module "$GATE" --token-label part)
}

token_conf() {
	printf '%s\n' "directories.tokendir = $PWD/$1" 'log.level = ERROR' \
		'objectstore.backend = file'
}

# A home in which PKCS#11 clients find the gate behind p11-kit remote, and
# nothing else; PROXY is what they load.
remote_home() {
	PROXY=$(pkg-config --variable=proxy_module p11-kit-1)
	export HOME=$PWD/home
	mkdir -p home/.config/pkcs11/modules
	echo 'user-config: only' >home/.config/pkcs11/pkcs11.conf
	printf '%s\n' "remote: |p11-kit remote $GATE" 'critical: yes' \
		>home/.config/pkcs11/modules/hsm.module
}

matrix_in_process() {
	probe-matrix "$ENGINE" 123456 >engine.rows
	[ "$(wc -l <engine.rows)" -eq 70 ]
	! grep -v 'list=yes info=OK' engine.rows || return 1
	export RM_GATE_MODE=$MODES/$1
	probe-matrix "$GATE" 123456 >gate.rows
	expected "$MODES/$1" <engine.rows >want.rows
	diff <(reasons <want.rows) <(reasons <gate.rows)
	# A mechanism that is refused is refused for that, by every call.
	diff <(grep list=no want.rows) <(grep list=no gate.rows)
}

matrix_remote() {
	remote_home
	probe-matrix "$ENGINE" 123456 >engine.rows
	export RM_GATE_MODE=$MODES/$1
	probe-matrix "$PROXY" 123456 >remote.rows
	carried_and_allowed "$MODES/$1" <engine.rows >want.remote
	diff want.remote <(reasons <remote.rows)
}

@test "rm-gate: every mechanism in mode NRM, in process" {
	matrix_in_process NRM
	diff engine.rows gate.rows
}

@test "rm-gate: every mechanism in mode RM1, in process" {
	matrix_in_process RM1
	[ "$(grep -c list=yes gate.rows)" -eq 35 ]
}

@test "rm-gate: every mechanism in mode RM2, in process" {
	matrix_in_process RM2
	[ "$(grep -c list=yes gate.rows)" -eq 35 ]
}

@test "rm-gate: every mechanism in mode NRM, through p11-kit remote" {
	matrix_remote NRM
	[ "$(grep -c list=yes remote.rows)" -eq 36 ]
}

@test "rm-gate: every mechanism in mode RM1, through p11-kit remote" {
	matrix_remote RM1
}

@test "rm-gate: every mechanism in mode RM2, through p11-kit remote" {
	matrix_remote RM2
}

@test "rm-gate: no way around the mode RM2" {
	try 0 probe-rules "$GATE" 123456
	has "$output" '*1..60'
	! grep '^not ok' <<<"$output"
}

@test "rm-gate: pkcs11-tool is refused in RM2 what is not approved, and nothing else" {
	try 0 "${TOOL[@]}" -M
	has "$output" '*RSA-PKCS-KEY-PAIR-GEN, keySize={2048,16384}*'
	has "$output" '*RSA-PKCS, keySize={2048,16384}, sign, verify
*'
	try 1 "${TOOL[@]}" --hash -m MD5 -i part/softhsm2.conf
	has "$stderr" '*C_DigestInit failed: rv = CKR_MECHANISM_INVALID*'
	try 1 "${TOOL[@]}" --login --pin 123456 --keypairgen --key-type rsa:1024
	has "$stderr" '*C_GenerateKeyPair failed: rv = CKR_KEY_SIZE_RANGE*'
	try 1 "${TOOL[@]}" --login --pin 123456 --keypairgen --key-type EC:prime192v1
	has "$stderr" '*C_GenerateKeyPair failed: rv =*0x140*'
	try 1 "${TOOL[@]}" --login --pin 123456 --keypairgen --key-type EC:edwards25519
	try 1 "${TOOL[@]}" --login --pin 123456 --keygen --key-type DES3:24
	has "$stderr" '*Generate Key mechanism not supported*'
	for key in rsa:2048 EC:secp384r1; do
		try 0 "${TOOL[@]}" --login --pin 123456 --keypairgen --key-type $key
	done
	try 0 "${TOOL[@]}" --login --pin 123456 --keygen --key-type AES:32
}

@test "rm-gate: a key that is too small for the mode cannot be used, however it came" {
	RM_GATE_MODE=$MODES/NRM try 0 "${TOOL[@]}" --login --pin 123456 \
		--keypairgen --key-type rsa:1024 --id 01
	echo text >text
	try 1 "${TOOL[@]}" --login --pin 123456 --sign -m SHA256-RSA-PKCS --id 01 \
		-i text -o sig
	has "$stderr" '*C_SignInit failed: rv = CKR_KEY_SIZE_RANGE*'
	RM_GATE_MODE=$MODES/NRM try 0 "${TOOL[@]}" --login --pin 123456 --sign \
		-m SHA256-RSA-PKCS --id 01 -i text -o sig
}

@test "rm-gate: p11tool signs with RSA and P-256 in RM2, in process and through p11-kit remote" {
	remote_home
	export GNUTLS_PIN=123456
	"${TOOL[@]}" --login --pin 123456 --keypairgen --key-type rsa:2048 --id 01 \
		--label one
	"${TOOL[@]}" --login --pin 123456 --keypairgen --key-type EC:prime256v1 \
		--id 02 --label two
	for where in "--provider=$GATE" ''; do
		for label in one two; do
			# shellcheck disable=SC2086 # no word, or one
			try 0 p11tool $where --batch --login --test-sign \
				"pkcs11:token=part;object=$label;type=private"
			has "$output$stderr" '*Verifying against public key in the token... ok*'
		done
	done
	try 0 p11tool --list-mechanisms pkcs11:token=part
	has "$output" '*CKM_RSA_PKCS_PSS*'
	[[ $output != *CKM_MD5* ]]
}

@test "rm-gate: through p11-kit remote, pkcs11-tool makes and uses keys, and MD5 is refused" {
	remote_home
	TOOL[2]=$PROXY
	try 0 "${TOOL[@]}" --login --pin 123456 --keypairgen --key-type EC:prime256v1 --id 01
	echo text >text
	# The client hashes: p11-kit does not carry the forms that do.
	openssl dgst -sha256 -binary -out hash text
	try 0 "${TOOL[@]}" --login --pin 123456 --sign -m ECDSA --id 01 \
		-i hash -o sig --signature-format openssl
	try 0 "${TOOL[@]}" --read-object --type pubkey --id 01 -o pub.der
	try 0 openssl dgst -sha256 -verify pub.der -keyform DER -signature sig text
	try 1 "${TOOL[@]}" --hash -m MD5 -i text
	has "$stderr" '*CKR_MECHANISM_INVALID*'
	try 1 "${TOOL[@]}" --login --pin 123456 --keypairgen --key-type rsa:1024
	has "$stderr" '*CKR_KEY_SIZE_RANGE*'
}

@test "rm-gate: after seven wrong PINs the right one is refused, in every process" {
	for ((n = 1; n <= 7; n++)); do
		try 1 "${TOOL[@]}" --login --pin 999999 -O
		has "$stderr" "*rm-gate: warning: wrong user PIN, $n of 7 tries*"
		has "$stderr" '*C_Login failed: rv = CKR_PIN_INCORRECT*'
	done
	try 1 "${TOOL[@]}" --login --pin 123456 -O
	has "$stderr" '*C_Login failed: rv = CKR_PIN_LOCKED*'
	try 0 "${TOOL[@]}" -L
	has "$output" '*user PIN locked*'
	# The security officer has tries of his own, and can begin anew.
	try 0 "${TOOL[@]}" --login --login-type so --so-pin 87654321 --init-pin \
		--new-pin 222222
	try 0 "${TOOL[@]}" --login --pin 222222 -O
	[ "$(cat part/pin.*)" = $'user 0\nso 0' ]
}

@test "rm-gate: through p11-kit remote, the PIN locks too, and removing the counter unlocks" {
	remote_home
	TOOL[2]=$PROXY
	for ((n = 1; n <= 7; n++)); do
		try 1 "${TOOL[@]}" --login --pin 999999 -O
	done
	try 1 "${TOOL[@]}" --login --pin 123456 -O
	has "$stderr" '*C_Login failed: rv = CKR_PIN_LOCKED*'
	rm part/pin.*
	try 0 "${TOOL[@]}" --login --pin 123456 -O
}

@test "rm-gate: a right PIN begins the count anew; the security officer's is another" {
	for ((n = 1; n <= 6; n++)); do
		try 1 "${TOOL[@]}" --login --pin 999999 -O
	done
	try 0 "${TOOL[@]}" -L
	has "$output" '*final user PIN try*'
	try 0 "${TOOL[@]}" --login --pin 123456 -O
	for ((n = 1; n <= 7; n++)); do
		try 1 "${TOOL[@]}" --login --login-type so --so-pin 999999 \
			--init-pin --new-pin 333333
	done
	[ "$(cat part/pin.[0-9a-f]*)" = $'user 0\nso 7' ]
	try 1 "${TOOL[@]}" --login --login-type so --so-pin 87654321 --init-pin \
		--new-pin 333333
	has "$stderr" '*CKR_PIN_LOCKED*'
	try 1 "${TOOL[@]}" --init-token --label other --so-pin 87654321
	has "$stderr" '*CKR_PIN_LOCKED*'
	try 0 "${TOOL[@]}" --login --pin 123456 -O
}

@test "rm-gate: the old PIN of a change, and the officer's of a new token, are tries too" {
	try 0 probe-load "$GATE" 999999 change 444444
	[ "$output" = PIN_INCORRECT ]
	# A new PIN that is too short says nothing of the old one.
	try 0 probe-load "$GATE" 999999 change 1
	[ "$(cat part/pin.[0-9a-f]*)" = $'user 1\nso 0' ]
	try 0 probe-load "$GATE" 123456 change 444444
	[ "$output" = OK ]
	for ((n = 1; n <= 7; n++)); do
		try 0 probe-load "$GATE" 123456 change 555555
	done
	try 0 probe-load "$GATE" 444444 change 555555
	[ "$output" = PIN_LOCKED ]
	try 1 "${TOOL[@]}" --login --pin 444444 -O
	has "$stderr" '*CKR_PIN_LOCKED*'
	for ((n = 1; n <= 7; n++)); do
		try 1 "${TOOL[@]}" --init-token --label other --so-pin 999999
	done
	try 1 "${TOOL[@]}" --init-token --label other --so-pin 87654321
	has "$stderr" '*CKR_PIN_LOCKED*'
}

@test "rm-gate: twenty processes at once have seven tries together" {
	local pids=()
	for ((n = 0; n < 20; n++)); do
		probe-load "$GATE" 999999 login >login.$n 2>/dev/null 3>&- &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	[ "$(cat login.* | grep -c PIN_INCORRECT)" -eq 7 ]
	[ "$(cat login.* | grep -c PIN_LOCKED)" -eq 13 ]
}

@test "rm-gate: processes that log in at once do not disturb each other" {
	local pids=()
	for ((n = 0; n < 20; n++)); do
		probe-load "$GATE" 123456 login >login.$n 3>&- &
		pids+=("$!")
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	[ "$(cat login.* | grep -cx OK)" -eq 20 ]
}

@test "rm-gate: who looks at the token waits for who writes it, and the reverse" {
	local how
	for how in -x -s; do
		rm -f up hold
		mkfifo up hold
		flock $how part/token.lock sh -c 'echo up >up; read -r _ <hold' 3>&- &
		PIDS+=("$!")
		read -r -t 60 _ <up
		if [ $how = -x ]; then
			try 124 timeout 0.5 "${TOOL[@]}" -L
		else
			try 0 "${TOOL[@]}" -L
			try 124 timeout 0.5 probe-load "$GATE" 123456 login
		fi
		echo >hold
	done
	try 0 probe-load "$GATE" 123456 login
	[ "$output" = OK ]
}

@test "rm-gate: a try is counted before the engine is asked" {
	# The engine writes its token while it looks at the PIN: it dies there.
	run strace -f -o trace -e trace=ftruncate \
		-e inject=ftruncate:signal=KILL \
		probe-load "$GATE" 999999 login
	[ -z "$output" ]
	[ "$(cat part/pin.*)" = $'user 1\nso 0' ]
}

@test "rm-gate: what is not a counter locks" {
	try 1 "${TOOL[@]}" --login --pin 999999 -O
	local counter
	counter=$(echo part/pin.[0-9a-f]*)
	for text in '' 'user 0' $'user 8\nso 0\n' $'user 0\nso 0\nx'; do
		printf %s "$text" >"$counter"
		try 1 "${TOOL[@]}" --login --pin 123456 -O
		has "$stderr" '*is not a counter of PINs*'
	done
	printf 'user 0\nso 0\n' >"$counter"
	chmod 644 "$counter"
	try 1 "${TOOL[@]}" --login --pin 123456 -O
	chmod 600 "$counter"
	try 0 "${TOOL[@]}" --login --pin 123456 -O
}

@test "rm-gate: a change is on disk before it is confirmed" {
	try 0 strace -f -o trace -e trace=syncfs,ftruncate,unlink \
		probe-load "$GATE" 123456 make 2
	# Log-in and two pairs; nothing is written behind the last.
	[ "$(grep -c 'syncfs(.*= 0' trace)" -eq 3 ]
	grep -E 'syncfs|ftruncate' trace | tail -n 1 | grep -q syncfs
	try 1 strace -f -o trace -e trace=syncfs \
		-e inject=syncfs:error=EIO:when=2 \
		probe-load "$GATE" 123456 make 1
	has "$stderr" '*rm-gate: warning: a change may not be on disk: *
key: DEVICE_ERROR'
}

@test "rm-gate: every copy under the turnstile is whole while two write" {
	local pids=() copies=0
	probe-load "$GATE" 123456 make 1 >/dev/null
	for ((n = 0; n < 2; n++)); do
		probe-load "$GATE" 123456 make 40 >writer.$n 3>&- &
		pids+=("$!")
	done
	while kill -0 "${pids[0]}" 2>/dev/null && [ $copies -lt 12 ]; do
		mkdir "copy.$copies"
		timeout 20 flock -x part/gate.lock flock -x part/db.lock \
			cp -a part/tokens "copy.$copies/"
		copies=$((copies + 1))
	done
	for pid in "${pids[@]}"; do
		wait "$pid"
	done
	[ $copies -ge 3 ]
	for ((n = 0; n < copies; n++)); do
		token_conf "copy.$n/tokens" >"copy.$n/conf"
		SOFTHSM2_CONF=copy.$n/conf try 0 probe-load "$ENGINE" 123456 check
		echo "# copy $n: $output pairs" >&2
	done
	try 0 probe-load "$ENGINE" 123456 check
	[ "$output" -eq 81 ]
}

@test "rm-gate: a writer waits while a copy is made" {
	mkfifo up hold
	# shellcheck disable=SC2016
	flock -x part/gate.lock flock -x part/db.lock \
		sh -c 'echo up >up; read -r _ <hold' 3>&- &
	PIDS+=("$!")
	read -r -t 60 _ <up
	# A log-in writes too: it waits, and what does not write goes on.
	try 0 "${TOOL[@]}" -M
	try 124 timeout 0.5 probe-load "$GATE" 123456 make 1
	echo >hold
	try 0 probe-load "$GATE" 123456 make 1
}

@test "rm-gate: two threads sign on one connection, and a forked child begins anew" {
	try 0 probe-load "$GATE" 123456 sign ec 300 2
	[ "${output% *}" -gt 0 ]
	try 0 probe-load "$GATE" 123456 fork
	remote_home
	try 0 probe-load "$PROXY" 123456 sign ec 300 2
	[ "${output% *}" -gt 0 ]
	try 0 probe-load "$PROXY" 123456 fork
}

@test "rm-gate: without all settings there is no module" {
	for name in RM_GATE_ENGINE RM_GATE_MODE RM_GATE_STATE; do
		run -1 env -u $name pkcs11-tool --module "$GATE" -L
		has "$output" "*rm-gate: fatal: $name is not set*"
	done
	RM_GATE_MODE=modes/RM2 try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: fatal: RM_GATE_MODE is not an absolute path: modes/RM2*'
	RM_GATE_MODE=$MODES/RM9 try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: fatal: unable to read mode file */RM9: No such file*'
	echo 'default maybe' >mode
	RM_GATE_MODE=$PWD/mode try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: fatal: mode file */mode: line 1: default is allow or deny*'
	echo 'default allow' >mode
	chmod 666 mode
	RM_GATE_MODE=$PWD/mode try 1 "${TOOL[@]}" -L
	has "$stderr" '*Operation not permitted*'
	RM_GATE_STATE=$PWD/nowhere try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: fatal: unable to open */nowhere: No such file*'
	RM_GATE_TOKENS=$PWD/nowhere try 1 "${TOOL[@]}" -L
	RM_GATE_ENGINE=$PWD/nowhere.so try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: fatal: unable to load engine: *nowhere.so*'
	RM_GATE_ENGINE=$(realpath /lib/*/libz.so.1 | head -n 1) try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: fatal: not a PKCS#11 module: *'
	RM_GATE_ENGINE=$GATE try 1 "${TOOL[@]}" -L
	has "$stderr" '*rm-gate: fatal: RM_GATE_ENGINE is the gate itself*'
	# Where libp11-kit has a function of the same name.
	RM_GATE_ENGINE=$GATE run -1 timeout 20 p11-kit remote "$GATE" </dev/null
	has "$output" '*rm-gate: fatal: RM_GATE_ENGINE is the gate itself*'
	RM_GATE_MODE='' run -1 p11-kit remote "$GATE" </dev/null
	has "$output" '*rm-gate: fatal: RM_GATE_MODE is not set*'
}

@test "rm-gate: nothing that is secret is written or logged" {
	"${TOOL[@]}" --login --pin 999999 -O >all 2>&1 || :
	"${TOOL[@]}" --login --pin 123456 -O >>all 2>&1
	cat part/pin.* part/*.lock >>all
	! grep -E '999999|123456' all
}

# A TPM in software, and PKCS#11 in front of it: nothing of SoftHSM's.
tpm_engine() {
	mkdir -p tpm store
	swtpm socket --tpm2 --tpmstate "dir=$PWD/tpm" \
		--server "type=unixio,path=$PWD/s" \
		--ctrl "type=unixio,path=$PWD/s.ctrl" \
		--flags not-need-init,startup-clear >swtpm.log 2>&1 3>&- &
	PIDS+=("$!")
	until_true test -S s
	unset SOFTHSM2_CONF
	export TPM2_PKCS11_TCTI=swtpm:path=$PWD/s TPM2_PKCS11_STORE=$PWD/store
	RM_GATE_ENGINE=$(pkg-config --variable=p11_module_path p11-kit-1)/libtpm2_pkcs11.so
	export RM_GATE_ENGINE RM_GATE_STATE=$PWD/store
	TOOL[4]=tpm
	try 0 pkcs11-tool --module "$GATE" --init-token --slot-index 0 \
		--label tpm --so-pin 87654321
	try 0 "${TOOL[@]}" --login --login-type so --so-pin 87654321 \
		--init-pin --new-pin 123456
}

@test "rm-gate: another engine stands in SoftHSM's place by one setting" {
	tpm_engine
	try 0 "${TOOL[@]}" -M
	has "$output" '*RSA-PKCS-KEY-PAIR-GEN, keySize={2048,3072}, hw*'
	[[ $output != *SHA1-RSA-PKCS* && $output != *RSA-X-509* ]]
	echo text >text
	try 1 "${TOOL[@]}" --login --pin 123456 --keypairgen --key-type rsa:1024
	has "$stderr" '*CKR_KEY_SIZE_RANGE*'
	local id key how form
	while read -r id key how form; do
		try 0 "${TOOL[@]}" --login --pin 123456 --keypairgen \
			--key-type "$key" --id "$id"
		try 0 "${TOOL[@]}" --login --pin 123456 --sign -m "$how" \
			--id "$id" -i text -o sig --signature-format "$form"
		try 0 "${TOOL[@]}" --read-object --type pubkey --id "$id" \
			-o pub.der
		try 0 openssl dgst -sha256 -verify pub.der -keyform DER \
			-signature sig text
	done <<-'KEYS'
		01 rsa:2048 SHA256-RSA-PKCS rs
		02 EC:prime256v1 ECDSA-SHA256 openssl
	KEYS
	try 0 "${TOOL[@]}" --login --pin 123456 --delete-object \
		--type privkey --id 01
	try 1 "${TOOL[@]}" --login --pin 999999 -O
	has "$stderr" '*rm-gate: warning: wrong user PIN, 1 of 7 tries*'
	printf 'user 7\nso 0\n' >"$(echo store/pin.0*)"
	try 1 "${TOOL[@]}" --login --pin 123456 -O
	has "$stderr" '*CKR_PIN_LOCKED*'
}
