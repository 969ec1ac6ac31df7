#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rmctl p11 and PKCS#11 applications that nobody here wrote: pkcs11-tool,
# p11tool, openssl's engine, ssh.  The service is the appliance's, or, where it
# has to do what a service never should, p11-kit behind a script.
load helpers
load room
load appliance
load sshd

setup() { common_setup; }

# --- a service of our own ----------------------------------------------------

# A token, a key, and a service at PORT whose program is SCRIPT, after the
# log-in; log-ins are in logins, the pid of who serves in served.
# stand_in [SCRIPT]
stand_in() {
	station_setup
	mkdir -p tokens
	echo "directories.tokendir = $PWD/tokens" >softhsm2.conf
	export SOFTHSM2_CONF=$PWD/softhsm2.conf
	make-card service p256 k
	echo 'secret word' >accepted
	cat >standin <<-SH
	#!/bin/sh
	cd $PWD
	read -r word user password
	[ "\$word \$user" = 'login app' ] || exit 1
	echo "\$user" >>logins
	[ "\$(echo "\$password" | sed 's/%20/ /g')" = "\$(cat accepted)" ] || {
		echo '! denied wrong user or password, or the user is blocked'
		exit 1
	}
	echo "+ \$user"
	echo \$\$ >served
	${1:-exec p11-kit remote /usr/lib/softhsm/libsofthsm2.so}
	SH
	chmod 700 standin
	: >logins
	listen rm-listen -R 4 127.0.0.1 0 -- rm-tls -a rm-p11/1 k.crt k.key \
		-- "$PWD/standin"
	KEYID=$(openssl pkey -in k.key -pubout -outform DER | sha256sum)
	KEYID=${KEYID%% *}
	mkdir -p "$XDG_CONFIG_HOME"/{rm,pkcs11/modules}
	(umask 077; echo 'secret word' >password
	echo "box-service 127.0.0.1:$PORT $KEYID" >"$XDG_CONFIG_HOME/rm/appliances")
	echo 'user-config: only' >"$XDG_CONFIG_HOME/pkcs11/pkcs11.conf"
	OPTIONS="-H box-service --user app --password-file $PWD/password"
}

token() {
	softhsm2-util --init-token --free --label part --so-pin 12345678 \
		--pin 1234 >/dev/null
	pkcs11-tool --module /usr/lib/softhsm/libsofthsm2.so --login --pin 1234 \
		--keypairgen --key-type EC:prime256v1 --id 01 --label key >/dev/null
}

# An application that takes steps: step WORD; its answer is in ANSWER.
client() {
	rm -f steps results
	mkfifo steps results
	timeout 60 env --default-signal=PIPE probe-client "$P11_PROXY" 1234 \
		steps <steps >results 2>client.log 3>&- &
	CLIENT_PID=$!
	PIDS+=("$CLIENT_PID")
	exec 5>steps 6<results
}

step() {
	echo "$1" >&5
	read -r -t 30 ANSWER <&6 || ANSWER=none
	[ "$ANSWER" = "$2" ] && return 0
	echo "$1: $ANSWER, not $2" >&2
	cat client.log >&2
	return 1
}

client_ends() {
	echo end >&5
	exec 5>&- 6<&-
	wait "$CLIENT_PID"
}

# tool CODE ARG...: pkcs11-tool's exit status is as expected.
tool() {
	local code=$1
	shift
	try "$code" pkcs11-tool --module "$P11_PROXY" "$@"
}

# The same in the room.
p11_tool() {
	local code=$1
	shift
	try "$code" room pkcs11-tool --module "$P11_PROXY" "$@"
}

@test "p11: an application signs; a second one logs in for itself" {
	stand_in
	token
	p11_module "$OPTIONS"
	tool 0 --login --pin 1234 -O
	has "$output" *'Private Key Object; EC'*
	[ "$(grep -c app logins)" = 1 ]
	client
	step sign OK
	step again OK
	step sign OK
	client_ends
	[ "$(grep -c app logins)" -ge 3 ]
}

@test "p11: a service that ends, between calls and in one, is a removed device" {
	stand_in
	token
	p11_module "$OPTIONS"
	client
	step sign OK
	kill -KILL "$(cat served)"
	step sign DEVICE_REMOVED
	step sign DEVICE_REMOVED
	step again OK
	step sign OK
	# While it waits for the answer.
	kill -STOP "$(cat served)"
	echo sign >&5
	until_true waits_for_answer
	kill -KILL "$(cat served)"
	read -r -t 30 ANSWER <&6
	[ "$ANSWER" = DEVICE_REMOVED ]
	step again OK
	step sign OK
	client_ends
	has "$(cat client.log)" *'connection-lost: box-service has ended the connection'*
}

# The application reads (system call 0), but not from us (descriptor 0).
waits_for_answer() {
	grep -q '^0 0x[1-9a-f]' "/proc/$(pgrep -P "$CLIENT_PID")/syscall"
}

@test "p11: a lost connection is a removed device" {
	stand_in
	token
	p11_module "$OPTIONS"
	client
	step sign OK
	# Who speaks TLS there is killed: no close_notify, or a reset.
	kill -KILL "$(pgrep -P "$(cat served)" -x rm-tls)"
	step sign DEVICE_REMOVED
	step again OK
	step sign OK
	client_ends
}

@test "p11: a mute service is a removed device, in time" {
	stand_in
	token
	p11_module "$OPTIONS --call-timeout 1"
	client
	step sign OK
	local mute
	mute=$(cat served)
	kill -STOP "$mute"
	step sign DEVICE_REMOVED
	step sign DEVICE_REMOVED
	has "$(cat client.log)" *'connection-lost: box-service has not answered in time'*
	step again OK
	step sign OK
	kill -KILL "$mute"
	client_ends
}

@test "p11: when nobody listens any more, it comes back with the service" {
	stand_in
	token
	p11_module "$OPTIONS"
	client
	step sign OK
	kill -TERM "$LISTEN_PID"
	wait "$LISTEN_PID" || :
	step sign DEVICE_REMOVED
	step again DEVICE_REMOVED
	has "$(cat client.log)" *"not-armed: nothing listens at 127.0.0.1 port $PORT: is the service running?"*
	listen rm-listen -R 4 127.0.0.1 "$PORT" -- rm-tls -a rm-p11/1 k.crt \
		k.key -- "$PWD/standin"
	step again OK
	step sign OK
	client_ends
}

@test "p11: half an answer, a foreign one and an endless one are no answer" {
	local bytes
	for bytes in '\0\0\0\0\20\0\0\0\0\0\0\0\100abc' \
		'\0\0\0\0\231\0\0\0\0\0\0\0\0' \
		'\0\0\0\0\20\377\377\377\377\377\377\377\377' \
		'\0\0\0'; do
		stand_in "printf '$bytes'"
		p11_module "$OPTIONS"
		tool 1 -L
		has "$stderr" *CKR_DEVICE_REMOVED*
		kill -TERM "$LISTEN_PID"
		wait "$LISTEN_PID" || :
	done
}

@test "p11: a refused log-in is told, costs one try, and kills nobody" {
	stand_in
	echo 'another word' >accepted
	p11_module "$OPTIONS"
	tool 1 -L
	has "$stderr" *'rmctl: fatal: denied: app at box-service: wrong user or password'*
	has "$stderr" *CKR_DEVICE_ERROR*
	[ "$(grep -c app logins)" = 1 ]
}

@test "p11: a service that does not answer the log-in in time" {
	stand_in
	sed -i '/^read/i sleep 100' standin
	p11_module "$OPTIONS --call-timeout 0.5"
	tool 1 -L
	has "$stderr" *'connection-lost: no answer to the log-in in time'*CKR_DEVICE_REMOVED*
}

@test "p11: without its key, a service is told nothing" {
	stand_in
	p11_module "$OPTIONS"
	sed -i "s/$KEYID/${KEYID//[0-9]/0}/" "$XDG_CONFIG_HOME/rm/appliances"
	tool 1 -L
	has "$stderr" *'THE KEY OF box-service'*'HAS CHANGED'*CKR_DEVICE_ERROR*
	: >"$XDG_CONFIG_HOME/rm/appliances"
	p11_module "-H 127.0.0.1:$PORT --user app --password-file $PWD/password"
	tool 1 -L
	has "$stderr" *"unknown-key: 127.0.0.1:$PORT is not pinned"*CKR_DEVICE_ERROR*
	[ ! -s logins ]
}

@test "p11: usage" {
	station_setup
	try 100 rmctl p11 </dev/null
	has "$stderr" *'p11 wants -H HOST and --user NAME'*
	try 100 rmctl -H box --user master p11 </dev/null
	has "$stderr" *'master has no partition'*
	try 100 rmctl -H box --user app p11 more </dev/null
	try 100 rmctl -H box --user app --call-timeout x p11 </dev/null
	has "$stderr" *'bad number of seconds: x'*
	try 100 rmctl -H box --user app --password-fd 9 p11 </dev/null 9>&-
	try 100 rmctl --password-file a --password-fd 0 p11 </dev/null
	has "$stderr" *'--password-file and --password-fd are given both'*
	try 100 script -qec 'rmctl -H box --user app p11' /dev/null
	has "$output" *'not to a person'*
}

@test "p11: a password is a file of one's own, of the right length" {
	stand_in
	chmod 644 password
	p11_module "$OPTIONS"
	tool 1 -L
	has "$stderr" *"usage: no password for app: unable to use $PWD/password: it must be a file of yours"*CKR_DEVICE_ERROR*
	chmod 600 password
	echo short >password
	tool 1 -L
	has "$stderr" *'a password has 8 to 64 bytes: this one was not sent'*
	rm password
	tool 1 -L
	has "$stderr" *"unable to use $PWD/password: No such file or directory"*
	[ ! -s logins ]
}

# --- the agent ---------------------------------------------------------------

# agent [option ...]: starts one at sock, with the password on a descriptor.
agent() {
	rm -f said
	mkfifo said
	rmctl -H box-service --user app --password-fd 8 p11 --socket sock "$@" \
		8<password >said 2>agent.log </dev/null 3>&- &
	AGENT_PID=$!
	PIDS+=("$AGENT_PID")
	read -r -t 30 SAID <said || { cat agent.log >&2; return 1; }
	export P11_KIT_SERVER_ADDRESS=unix:path=$PWD/sock
}

agent_ends() {
	local rc=0
	wait "$AGENT_PID" || rc=$?
	[ "$rc" = "$1" ]
}

@test "p11 --socket: each connection logs in; the password is asked for once" {
	stand_in
	token
	agent
	[ "$SAID" = "P11_KIT_SERVER_ADDRESS=unix:path=$PWD/sock" ]
	[ "$(stat -c %a sock)" = 600 ]
	[ "$(grep -c app logins)" = 1 ]
	P11_PROXY=$P11_CLIENT
	tool 0 --login --pin 1234 -O
	has "$output" *'Private Key Object; EC'*
	client
	step sign OK
	[ "$(grep -c app logins)" = 4 ]
	# They have nothing to do with each other.
	tool 0 -L
	step sign OK
	client_ends
	[ "$(grep -c app logins)" = 5 ]
	# Nobody else's, and nothing of the password anywhere.
	[[ $RM_BUILD == *asan* ]] ||
		grep -q '^VmLck:[^1-9]*[1-9]' "/proc/$AGENT_PID/status"
	run ! grep -arq 'secret.word' agent.log listen.log \
		"/proc/$AGENT_PID/cmdline"
	kill -TERM "$AGENT_PID"
	agent_ends 0
	[ ! -e sock ]
}

@test "p11 --socket: the end of the agent ends no application" {
	stand_in
	token
	agent
	P11_PROXY=$P11_CLIENT
	client
	step sign OK
	kill -INT "$AGENT_PID"
	agent_ends 0
	step sign OK
	# Its library knows what to do when there is nothing to connect to.
	step again TOKEN_NOT_PRESENT
	client_ends || :
}

@test "p11 --socket: one agent a socket, and a dead one's is taken over" {
	stand_in
	agent
	try 10 rmctl $OPTIONS p11 --socket sock
	has "$stderr" *'busy: unable to listen on sock'*
	kill -KILL "$AGENT_PID"
	wait "$AGENT_PID" || :
	[ -e sock ]
	agent
	kill -TERM "$AGENT_PID"
	agent_ends 0
}

@test "p11 --socket: a wrong password is told at the start" {
	stand_in
	echo 'another word' >accepted
	try 1 rmctl $OPTIONS p11 --socket sock
	has "$stderr" *'denied: app at box-service: wrong user or password'*
	[ ! -e sock ]
	[ "$(grep -c app logins)" = 1 ]
}

@test "p11 --socket: a password that is refused later is tried once, by whoever is first" {
	stand_in
	token
	agent
	P11_PROXY=$P11_CLIENT
	client
	step sign OK
	echo 'another word' >accepted
	: >logins
	local i pids=()
	for i in 1 2 3 4; do
		timeout 30 pkcs11-tool --module "$P11_PROXY" -L >"tool.$i" \
			2>&1 3>&- &
		pids+=("$!")
	done
	for i in 1 2 3 4; do
		wait "${pids[i - 1]}" || [ $? = 1 ]
		grep -q 'CKR_DEVICE_ERROR\|No slots' "tool.$i"
	done
	[ "$(grep -c app logins)" = 1 ]
	pkcs11-tool --module "$P11_PROXY" -L >/dev/null 2>&1 || :
	agent_ends 1
	has "$(cat agent.log)" *'denied: the service does not take the password of app any more'*
	step sign OK
	client_ends
}

@test "p11 --socket: starts without the service, and serves when it is there" {
	stand_in
	token
	kill -TERM "$LISTEN_PID"
	wait "$LISTEN_PID" || :
	agent
	has "$(cat agent.log)" *'the password could not be tried yet'*
	P11_PROXY=$P11_CLIENT
	tool 1 -L
	has "$stderr" *CKR_DEVICE_REMOVED*
	listen rm-listen -R 4 127.0.0.1 "$PORT" -- rm-tls -a rm-p11/1 k.crt \
		k.key -- "$PWD/standin"
	tool 0 --login --pin 1234 -O
	has "$output" *'Private Key Object; EC'*
}

@test "p11 --socket: asks at the terminal, without echo" {
	stand_in
	mkfifo keys
	exec 9<>keys
	script -qfec "rmctl -H box-service --user app p11 --socket sock" \
		typescript <keys 3>&- >/dev/null 2>&1 &
	PIDS+=("$!")
	until_true grep -q 'Password of app at box-service: ' typescript
	echo 'secret word' >&9
	until_true grep -q P11_KIT_SERVER_ADDRESS typescript
	run ! grep -q 'secret word' typescript
	[ "$(grep -c app logins)" = 1 ]
	kill -TERM "$(pgrep -P "${PIDS[-1]}")"
}

# --- the appliance's own service ----------------------------------------------

@test "trust: the service's key is its own, and is found beside the appliance's" {
	room_start
	appliance_init hsm-1 1 alice
	appliance_user app app-password
	appliance_boot
	appliance_arm
	local key
	key=$(cat "$RM_STATE/service")
	[ "$key" != "$APPLIANCE" ]
	try 0 room rmctl $RMCTL status
	has "$output" *"service-key $key"*
	try 30 room rmctl trust --fingerprint "$APPLIANCE" 127.0.0.1:4434
	try 0 room rmctl trust --fingerprint "$key" 127.0.0.1:4434
	try 0 room rmctl trust hsm-1 127.0.0.1 --fingerprint "$APPLIANCE"
	try 0 room rmctl trust --list
	has "$output" *"hsm-1 127.0.0.1:4433 $APPLIANCE"*
	has "$output" *"key-${key:0:8} 127.0.0.1:4434 $key"*
	try 0 room rmctl trust --fingerprint "$key" localhost:4434
	try 0 room rmctl trust --list
	has "$output" *"localhost-service localhost:4434 $key"*
	(umask 077; echo app-password >app.password)
	mkdir -p "$XDG_CONFIG_HOME/pkcs11/modules"
	echo 'user-config: only' >"$XDG_CONFIG_HOME/pkcs11/pkcs11.conf"
	local host
	for host in hsm-1 127.0.0.1 127.0.0.1:4434 localhost localhost-service; do
		p11_module "-H $host --user app --password-file $PWD/app.password"
		p11_tool 0 -L
		has "$output" *'SoftHSM slot'*
	done
	# The appliance's own port is no service, and not asked for a password.
	p11_module "-H 127.0.0.1:4433 --user app --password-file $PWD/app.password"
	p11_tool 1 -L
	has "$stderr" *'CKR_DEVICE_ERROR'*
}

@test "p11: clients that nobody here wrote use the appliance's service" {
	room_start
	appliance_init hsm-1 1 alice
	appliance_user app app-password
	appliance_boot
	p11_setup app app-password
	p11_tool 0 --init-token --slot-index 0 --label main --so-pin 12345678
	p11_tool 0 --init-pin --login --login-type so --so-pin 12345678 --pin 1234
	local kind id=1
	for kind in rsa:2048 EC:prime256v1; do
		p11_tool 0 --login --pin 1234 --keypairgen --key-type "$kind" \
			--id "0$((id++))" --label "${kind%:*}"
	done
	# pkcs11-tool signs, and openssl verifies without any of us.
	printf 'a message\n' >text
	openssl dgst -sha256 -binary text >hash
	p11_tool 0 --login --pin 1234 --sign -m ECDSA --id 02 -i hash -o sig \
		--signature-format openssl
	p11_tool 0 --read-object --type pubkey --label EC -o ec.der
	try 0 openssl pkeyutl -verify -pubin -inkey ec.der -keyform DER \
		-in hash -sigfile sig
	has "$output" *'Signature Verified Successfully'*
	# p11tool
	GNUTLS_PIN=1234 try 0 room p11tool --login \
		--list-all 'pkcs11:token=main'
	has "$output" *'Label: rsa'*
	GNUTLS_PIN=1234 try 0 room p11tool --login \
		--test-sign 'pkcs11:token=main;object=rsa;type=private'
	has "$output$stderr" *'Verifying against '*ok*
	# openssl, by its engine
	for kind in rsa EC; do
		try 0 room openssl dgst -engine pkcs11 -keyform engine -sha256 \
			-sign "pkcs11:token=main;object=$kind;type=private;pin-value=1234" \
			-out sig.$kind text
		p11_tool 0 --read-object --type pubkey --label $kind -o $kind.der
		try 0 openssl dgst -sha256 -verify $kind.der -keyform DER \
			-signature sig.$kind text
		[ "$output" = 'Verified OK' ]
	done
	# ssh
	try 0 room ssh-keygen -D "$P11_PROXY"
	has "$output" *'ssh-rsa '*
	has "$output" *'ecdsa-sha2-nistp256 '*
	printf '%s\n' "$output" >authorized
	sshd_start authorized
	printf '#!/bin/sh\necho 1234\n' >askpass
	chmod 700 askpass
	SSH_ASKPASS=$PWD/askpass SSH_ASKPASS_REQUIRE=force try 0 room \
		ssh $SSH_OPTIONS -I "$P11_PROXY" 127.0.0.1 echo in
	[ "$output" = in ]
}

@test "p11: stop-service and start-service under a client that signs" {
	room_start
	appliance_p11
	rm -f steps results
	mkfifo steps results
	timeout 60 room env --default-signal=PIPE probe-client "$P11_PROXY" \
		1234 steps <steps >results 2>client.log 3>&- 7<&- &
	CLIENT_PID=$!
	PIDS+=("$CLIENT_PID")
	exec 5>steps 6<results
	step sign OK
	try 0 room rmctl $RMCTL stop-service
	step sign DEVICE_REMOVED
	step again DEVICE_REMOVED
	try 0 room rmctl $RMCTL start-service
	step again OK
	step sign OK
	client_ends
}
