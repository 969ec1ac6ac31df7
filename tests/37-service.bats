#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The chain of the service, from the log-in to the engine, on an appliance
# without cards.  The clients are programs of others.
load helpers
load box

setup() {
	common_setup
	box_init
	# As "as bob", but a program, for try.
	BOB=(env "HOME=$PWD/home.bob" "XDG_CONFIG_HOME=$PWD/home.bob/.config")
}

teardown() {
	box_end
	common_teardown
}

# A line to the service, and what comes back.
knock() {
	run -0 timeout 20 rm-connect -a rm-p11/1 -p "$KEY" 127.0.0.1 "$PORT" \
		<<<"$1"
}

status_has() {
	"$RM_OPS/status" | grep -qx "$1"
}

@test "service: pkcs11-tool, p11tool, openssl and ssh-keygen use it, over the network, after a log-in" {
	box_boot
	box_user bob
	try 0 "${BOB[@]}" pkcs11-tool --module "$P11_PROXY" --login --pin 123456 \
		--keypairgen --key-type EC:prime256v1 --id 01 --label ec
	try 0 "${BOB[@]}" pkcs11-tool --module "$P11_PROXY" --login --pin 123456 \
		--keypairgen --key-type rsa:2048 --id 02 --label rsa
	GNUTLS_PIN=123456 try 0 "${BOB[@]}" p11tool --batch --login --test-sign \
		'pkcs11:token=bob;object=ec;type=private'
	has "$output$stderr" '*Verifying against public key in the token... ok*'
	head -c 1000 /dev/urandom >data
	cat >openssl.cnf <<-CNF
	openssl_conf = conf
	[conf]
	engines = engines
	[engines]
	pkcs11 = pkcs11
	[pkcs11]
	MODULE_PATH = $P11_PROXY
	CNF
	local key
	for key in ec rsa; do
		OPENSSL_CONF=$PWD/openssl.cnf try 0 "${BOB[@]}" openssl dgst \
			-engine pkcs11 -keyform engine -sign \
			"pkcs11:token=bob;object=$key;type=private;pin-value=123456" \
			-sha256 -out "$key.sig" data
		as bob pkcs11-tool --module "$P11_PROXY" --read-object \
			--type pubkey --label "$key" -o "$key.der" >/dev/null
		openssl pkey -pubin -inform DER -in "$key.der" -out "$key.pem"
		# Whoever checks it has nothing of ours.
		[ "$(openssl dgst -sha256 -verify "$key.pem" \
			-signature "$key.sig" data)" = 'Verified OK' ]
	done
	try 0 "${BOB[@]}" ssh-keygen -D "$P11_PROXY"
	ssh-keygen -i -m PKCS8 -f rsa.pem >rsa.pub
	grep -qF "$(cut -d' ' -f2 rsa.pub)" <<<"$output"
}

@test "service: seven wrong passwords block, which status and the log tell, and the console lifts" {
	box_boot
	box_user bob
	knock 'login bob bob-password'
	[ "${lines[0]}" = '+ bob' ]
	knock 'login bob wrong-password'
	has "$output" '! denied *'
	wrong bob 6
	knock 'login bob bob-password'
	has "$output" '! denied *'
	try 1 "${BOB[@]}" pkcs11-tool --module "$P11_PROXY" -L
	status_has 'blocked bob'
	box about
	has "$output" $'*\n: blocked bob\n+ done'
	grep -q ' login-blocked user=bob ip=127.0.0.1 ' state/audit.log
	grep -q ' login-failed count=1 user=bob ip=127.0.0.1 ' state/audit.log
	[ "$(grep -c ' login-failed ' state/audit.log)" = 1 ]
	box 'unlock-user bob'
	has "$output" ': user bob was blocked and is not any more*'
	status_has 'blocked -'
	box about
	run ! grep '^: blocked' <<<"$output"
	knock 'login bob bob-password'
	[ "${lines[0]}" = '+ bob' ]
	# What was not told yet is told when it goes down.
	box_end
	grep -q ' login-failed count=[1-9]* ' \
		<(grep login-failed state/audit.log | tail -n +2)
	try 0 rm-audit verify state/audit.log
}

@test "service: master has the operations that the policy gives him, and no engine" {
	box_boot
	master partition-list
	has "$output" '+ master
+ done'
	local op
	for op in status stop-service 'factory-reset confirm=box' unlock-master; do
		master "$op"
		has "$output" '+ master*! policy *'
	done
	[ -e run/service ]
	# The frames of p11-kit are no command.
	knock "login master $MASTER_PASSWORD"$'\n'$'\x01junk'
	has "$output" '+ master*! usage *'
}

@test "service: nobody is served before he has logged in, and nothing in an unknown mode" {
	box_boot
	box_user bob
	knock 'partition-list'
	[ "$output" = '! usage log in first: login USER PASSWORD' ]
	knock $'\x01'
	has "$output" '! usage *'
	knock ''
	has "$output" '! usage *'
	local mode
	for mode in NRMX '' ../modes/NRM; do
		echo "$mode" >state/current/mode
		try 1 "${BOB[@]}" pkcs11-tool --module "$P11_PROXY" -M
	done
	rm state/current/mode
	try 1 "${BOB[@]}" pkcs11-tool --module "$P11_PROXY" -M
	echo NRM >state/current/mode
	try 0 "${BOB[@]}" pkcs11-tool --module "$P11_PROXY" -M
}

@test "service: status counts who is there, who is cut off at once when it stops, and begins anew" {
	box_boot
	box_user bob
	local n
	for n in 1 2 3; do
		rm-connect -a rm-p11/1 -p "$KEY" 127.0.0.1 "$PORT" -- sh -c '
			echo "login bob bob-password"
			head -n 1 >"$1"
			cat >/dev/null' sh "client.$n" \
			</dev/null >/dev/null 2>&1 3>&- &
		PIDS+=("$!")
	done
	until_true status_has 'clients 3'
	[ "$(ls run/clients)" = bob ]
	box stop-service
	status_has 'clients 0'
	for n in "${PIDS[@]}"; do
		timeout 20 tail --pid="$n" -f /dev/null
	done
	[ "$(cat client.*)" = '+ bob
+ bob
+ bob' ]
	box start-service
	[ -z "$(ls run/clients)" ]
	status_has 'clients 0'
}

@test "service: strangers who say nothing keep nobody out" {
	box_boot
	box_user bob
	local n
	for ((n = 0; n < 40; n++)); do
		rm-connect -a rm-p11/1 -p "$KEY" 127.0.0.1 "$PORT" -- \
			cat </dev/null >/dev/null 2>&1 3>&- &
		PIDS+=("$!")
	done
	until_true grep -q 'evicted' box.log
	knock 'login bob bob-password'
	[ "${lines[0]}" = '+ bob' ]
}

@test "service: a word of the setting engine that sets nothing stops the boot" {
	echo 'engine /usr/lib/softhsm/libsofthsm2.so rm -rf' >>state/conf
	try 100 rm-supervise boot --headless
	has "$stderr" '*fatal: bad word of the setting engine: rm'
}
