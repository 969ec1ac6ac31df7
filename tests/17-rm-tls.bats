#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The listener is tcpserver and the peer is openssl s_client or socat: foreign.
load helpers
load evil

# A certificate and its key:  identity NAME [openssl's -newkey arguments]
identity() {
	local name=$1
	shift
	[ $# -gt 0 ] || set -- ec -pkeyopt ec_paramgen_curve:P-256
	openssl req -x509 -newkey "$@" -nodes -keyout "$name.key" \
		-out "$name.crt" -subj "/CN=$name" -days 1 2>/dev/null
	chmod 600 "$name.key"
}

# The KEYID of a certificate, by other means than ours.
keyid() {
	openssl x509 -in "$1.crt" -noout -pubkey |
		openssl pkey -pubin -outform der | sha256sum | cut -d' ' -f1
}

setup_file() {
	cd "$BATS_FILE_TMPDIR" || return 1
	identity dev
	identity node
}

setup() {
	common_setup
	cp "$BATS_FILE_TMPDIR"/*.{crt,key} .
}

# serve [options of rm-tls] -- prog [arg ...]   sets PORT; the log is in log,
# with tcpserver's own lines about pids and states.
serve() {
	local opts=()
	while [ "$1" != -- ]; do
		opts+=("$1")
		shift
	done
	rm -f ready
	mkfifo ready
	(close_more && exec tcpserver -1 -v -H -R -l0 127.0.0.1 0 rm-tls \
		"${opts[@]}" dev.crt dev.key "$@") >ready 2>>log </dev/null &
	PIDS+=("$!")
	read -r -t 60 PORT <ready
}

# A client that says what comes on its input and shows what it gets.
client() { timeout 60 openssl s_client -connect "127.0.0.1:$PORT" "$@" 2>&1; }

# One that can end its own half and go on reading; any ALPN.
half_client() {
	timeout 60 socat -t 20 - "OPENSSL:127.0.0.1:$PORT,verify=0$1"
}

asan() { [[ $RM_BUILD == */asan ]]; }

@test "rm-tls gives the program the peer's words and the peer its answer" {
	serve -a rm/1 -- sh -c 'read -r x; echo "got $x"'
	run -0 client -alpn rm/1 -quiet <<<hello
	has "$output" '*got hello'
}

@test "rm-tls sets the bundle and the exporter as the peer sees them" {
	serve -a rm/1 -- sh -c 'read -r _; env | grep ^RM_TLS_'
	RM_TLS_PEER=stale run -0 client -alpn rm/1 -ign_eof \
		-keymatexport EXPORTER-Channel-Binding -keymatexportlen 32 <<<x
	local exporter
	exporter=$(sed -n 's/^ *Keying material: //p' <<<"$output")
	[ ${#exporter} = 64 ]
	grep -qx "RM_TLS_EXPORTER=${exporter,,}" <<<"$output"
	grep -qx RM_TLS_VERSION=TLSv1.3 <<<"$output"
	grep -qx RM_TLS_GROUP=X25519 <<<"$output"
	has "$output" '*Server Temp Key: X25519,*'
	grep -qx RM_TLS_SIGNATURE=ecdsa_secp256r1_sha256 <<<"$output"
	grep -qx RM_TLS_CIPHER=TLS_AES_256_GCM_SHA384 <<<"$output"
	has "$output" '*Cipher is TLS_AES_256_GCM_SHA384*'
	run ! grep RM_TLS_PEER <<<"$output"
}

@test "rm-tls names other groups, ciphers and kinds of key" {
	local kind want
	serve -- sh -c 'echo "$RM_TLS_GROUP $RM_TLS_CIPHER"'
	run -0 client -quiet -groups P-256 \
		-ciphersuites TLS_CHACHA20_POLY1305_SHA256
	has "$output" '*secp256r1 TLS_CHACHA20_POLY1305_SHA256'
	while read -r want kind; do
		# shellcheck disable=SC2086 # words
		identity dev $kind
		serve -- sh -c 'echo "$RM_TLS_SIGNATURE"'
		run -0 client -quiet
		has "$output" "*$want"
	done <<-'END'
		rsa_pss_rsae_sha256 rsa:2048
		ecdsa_secp384r1_sha384 ec -pkeyopt ec_paramgen_curve:P-384
		ed25519 ed25519
	END
}

@test "rm-tls refuses a peer that names another protocol, or none" {
	serve -a rm/1 -- touch ran
	run -1 client -alpn rm/2 </dev/null
	has "$output" '*alert no application protocol*'
	run -1 client </dev/null
	has "$output" '*alert no application protocol*'
	run -1 client -alpn rm/1,rm/10 -alpn rm/10 </dev/null
	refused_thrice() {
		[ "$(grep -c 'fatal: the peer does not speak rm/1$' log)" = 3 ]
	}
	until_true refused_thrice
	[ ! -e ran ]
}

@test "rm-tls takes its protocol out of several" {
	serve -a rm/1 -- echo hello
	run -0 client -alpn h2,rm/1 -quiet </dev/null
	has "$output" '*hello'
}

@test "rm-tls refuses TLS 1.2" {
	serve -a rm/1 -- touch ran
	run -1 client -alpn rm/1 -tls1_2 </dev/null
	has "$output" '*alert protocol version*'
	until_true grep 'fatal: TLS failed: unsupported protocol' log
	[ ! -e ran ]
}

@test "rm-tls does not let the host's openssl.cnf weaken it" {
	cat >weak.cnf <<-'END'
		openssl_conf = a
		[a]
		ssl_conf = b
		[b]
		system_default = c
		[c]
		MaxProtocol = TLSv1.2
		Groups = P-521
	END
	OPENSSL_CONF=$PWD/weak.cnf serve -- sh -c 'echo "$RM_TLS_GROUP"'
	run -0 client -quiet
	has "$output" '*X25519'
}

@test "rm-tls refuses what is no TLS at all" {
	try 1 rm-tls dev.crt dev.key -- touch ran <<<'GET / HTTP/1.0'
	has "$stderr" 'rm-tls: fatal: TLS failed: *'
	try 1 rm-tls dev.crt dev.key -- touch ran < <(head -c 100000 /dev/urandom)
	try 1 rm-tls dev.crt dev.key -- touch ran </dev/null
	[ "$stderr" = "rm-tls: fatal: connection lost: end without close_notify" ]
	[ ! -e ran ]
}

@test "rm-tls waits no longer than it is told for the handshake" {
	mkfifo silent
	exec 5<>silent
	try 1 rm-tls -t 0.2 dev.crt dev.key -- touch ran <&5
	[ "$stderr" = "rm-tls: fatal: no handshake in time" ]
	# The beginning of a ClientHello does not buy time.
	printf '\026\003\001\001\000\001' >&5
	try 1 rm-tls -t 0.2 dev.crt dev.key -- touch ran <&5
	exec 5>&-
	[ ! -e ran ]
}

@test "rm-tls ends at TERM and HUP while it waits, even if they were blocked" {
	local sig
	mkfifo silent
	exec 5<>silent
	for sig in TERM HUP; do
		env --block-signal="$sig" strace -f -e trace=ppoll,execve \
			-o trace.$sig rm-tls dev.crt dev.key -- touch ran \
			3>&- <&5 2>err.$sig &
		PIDS+=("$!")
		until_true grep ppoll trace.$sig
		kill -"$sig" "$(sed -n '1s/ .*//p' trace.$sig)"
		rc=0
		wait "$!" || rc=$?
		[ "$rc" = 1 ]
		has "$(<err.$sig)" 'rm-tls: fatal: ended while waiting *'
	done
	exec 5>&-
	[ ! -e ran ]
}

@test "rm-tls hands the mask of signals on" {
	# No shell in between: it would clear the mask.
	mkfifo ready
	tcpserver -1 -H -R -l0 127.0.0.1 0 env --block-signal=TERM \
		--block-signal=HUP rm-tls dev.crt dev.key -- \
		grep SigBlk /proc/self/status 3>&- >ready 2>>log </dev/null &
	PIDS+=("$!")
	read -r -t 60 PORT <ready
	run -0 client -quiet </dev/null
	# Bits 0 and 14: HUP and TERM.
	has "$output" $'*SigBlk:\t0000000000004001'
	serve -- grep SigBlk /proc/self/status
	run -0 client -quiet </dev/null
	has "$output" $'*SigBlk:\t0000000000000000'
}

@test "rm-tls: the copier goes on when TERM and HUP come" {
	mkfifo up words
	serve -- sh -c 'echo $$ >up; exec cat'
	half_client "" <words >answer 3>&- &
	local client=$! pid copier
	exec 5>words
	read -r -t 60 pid <up
	copier=$(<"/proc/$pid/task/$pid/children")
	kill -TERM "${copier% }"
	kill -HUP "${copier% }"
	echo hello >&5
	exec 5>&-
	wait "$client"
	[ "$(<answer)" = hello ]
}

@test "rm-tls: the peer may end its half and still gets the answer" {
	serve -- sh -c 'wc -c'
	run -0 half_client "" < <(printf hello)
	[ "$output" = 5 ]
	run ! grep 'lost' log
}

@test "rm-tls: an end without close_notify is a loss, not an end of input" {
	# tail says nothing, and ends when its output is broken.
	serve -- sh -c 'echo up; cat >/dev/null; tail -f /dev/null; echo >lost'
	mkfifo words
	openssl s_client -connect "127.0.0.1:$PORT" -quiet <words 3>&- \
		>answer 2>/dev/null &
	local pid=$!
	exec 5>words
	until_true grep up answer
	kill -KILL "$pid"
	exec 5>&-
	until_true test -e lost
	until_true grep 'rm-tls: fatal: connection lost: ' log
}

@test "rm-tls says close_notify, and shuts its half, when the program ends" {
	serve -- echo bye
	run -0 client -msg -quiet </dev/null
	has "$output" '*bye*<<< TLS 1.3, Alert *warning close_notify*'
}

@test "rm-tls drops what the peer still says, so that no reset destroys its last line" {
	head -c 300000 /dev/zero >much
	rm -f ready
	mkfifo ready go
	(close_more && exec tcpserver -1 -H -R -l0 127.0.0.1 0 strace -f \
		-o trace -e trace=shutdown,recvfrom,setsockopt rm-tls \
		dev.crt dev.key -- sh -c 'echo up; read -r _ <go; echo bye') \
		>ready 2>>log </dev/null &
	PIDS+=("$!")
	read -r -t 60 PORT <ready
	half_client "" <much >answer 3>&- &
	until_true grep up answer
	echo >go
	wait "$!"
	[ "$(<answer)" = $'up\nbye' ]
	# All that was unread has been read, up to the peer's own end.
	until_true grep 'recvfrom(0, .* = 0$' trace
	[ "$(grep -c 'shutdown(1, SHUT_WR)' trace)" = 1 ]
	# Without this, a short answer waits 40 ms for the one before it.
	grep 'setsockopt(1, SOL_TCP, TCP_NODELAY, ' trace
}

@test "rm-tls gives out no session tickets" {
	serve -- echo hello
	run -0 client -msg -quiet </dev/null
	has "$output" '*<<< TLS 1.3, Handshake *Finished*'
	run ! grep -i 'NewSessionTicket' <<<"$output"
}

@test "rm-tls copies 8 MB both ways at once, none of it waiting for the other" {
	head -c 8000000 /dev/urandom >there
	head -c 8000000 /dev/urandom >back
	serve -- sh -c 'cat back & md5sum >sum; wait'
	half_client "" <there | cmp - back
	[ "$(cut -d' ' -f1 sum)" = "$(md5sum <there | cut -d' ' -f1)" ]
	# And the program says all before it listens.
	serve -- sh -c 'cat back; md5sum >sum'
	: >sum
	half_client "" <there | cmp - back
	[ "$(cut -d' ' -f1 sum)" = "$(md5sum <there | cut -d' ' -f1)" ]
}

@test "rm-tls: a program that closes its input can still speak" {
	head -c 2000000 /dev/urandom >there
	serve -- sh -c 'exec <&-; cat there'
	half_client "" <there | cmp - there
}

@test "rm-tls: pid and exit status are the program's" {
	serve -- sh -c 'echo $$; exit 7'
	run -0 client -quiet </dev/null
	local pid=${lines[-1]}
	until_true grep "end $pid status 1792" log
	grep "pid $pid from 127.0.0.1" log
}

@test "rm-tls hands on nothing but 0, 1 and 2" {
	serve -- sh -c 'ls /proc/self/fd | tr "\n" " "'
	run -0 client -quiet </dev/null
	# ls itself has the folder open, at the first number that is free.
	has "$output" '*0 1 2 3 '
}

@test "rm-tls: the copier holds no descriptor that only crosses it" {
	mkfifo admit ready words
	(cat admit && touch eof) 3>&- &
	PIDS+=("$!")
	tcpserver -1 -H -R -l0 127.0.0.1 0 sh -c 'exec rm-tls dev.crt \
		dev.key sh -c "echo over >&7; exec 7>&-; exec cat" 7>admit' \
		3>&- >ready 2>>log </dev/null &
	PIDS+=("$!")
	read -r -t 60 PORT <ready
	half_client "" <words >answer 3>&- &
	exec 5>words
	# The program has closed it, and the copier lives.
	until_true test -e eof
	echo hello >&5
	until_true grep hello answer
	exec 5>&-
	wait "$!"
}

@test "rm-tls: others of the same user cannot look into the copier" {
	asan && return 0	# that needs to look into itself
	mkfifo up words
	serve -- sh -c 'echo $$ >up; exec cat'
	half_client "" <words >/dev/null 3>&- &
	exec 5>words
	local pid copier
	read -r -t 60 pid <up
	copier=$(<"/proc/$pid/task/$pid/children")
	[ "$(stat -c %U "/proc/${copier% }/mem")" = root ]
	run ! ls "/proc/${copier% }/fd"
	exec 5>&-
	wait "$!"
}

# The calls of rm-tls into trace, a line each behind the pid.  Of a process
# that must not be looked into, strace cannot show what a pointer points to.
trace_tls() {
	run -1 timeout 60 strace -f -o trace -e \
		trace=%file,%desc,seccomp,prctl,prlimit64 rm-tls dev.crt \
		dev.key -- true <<<junk
	parent=$(sed -n '1s/ .*//p' trace)
	copier=$(grep -v "^$parent " trace | sed -n '1s/ .*//p')
	[ -n "$copier" ]
}
# Number of the first line at which the copier makes this call.
at() { grep -n "^$copier *$1" trace | head -n 1 | cut -d: -f1; }

@test "rm-tls: certificate and key are read in the copier, and only there" {
	trace_tls
	[ "$(grep -c "^$copier *open.*O_NOFOLLOW" trace)" = 2 ]
	grep "^$parent *exec.*dev.key" trace
	run ! grep -E "^$parent *open.*(dev.key|dev.crt|O_NOFOLLOW)" trace
}

@test "rm-tls: no look inside before there is a key, a jail before there is a peer" {
	local core dump key jail peer
	trace_tls
	core=$(at 'prlimit64(0, RLIMIT_CORE, {rlim_cur=0, rlim_max=0}')
	asan || dump=$(at 'prctl(PR_SET_DUMPABLE, SUID_DUMP_DISABLE)')
	key=$(at 'open.*O_NOFOLLOW')
	jail=$(at 'seccomp(SECCOMP_SET_MODE_FILTER, 0, ')
	peer=$(at 'read(0,')
	[ "$core" -lt "$key" ]
	[ "${dump:-0}" -lt "$key" ]
	[ "$key" -lt "$jail" ]
	[ "$jail" -lt "$peer" ]
	sed "1,${jail}d" trace >after
	run ! grep "^$copier *\(open\|socket\|execve\|clone\)" after
	run ! grep "^$parent *read(0," trace
}

@test "rm-tls: a copier that was taken over gets nowhere" {
	evil_reader ''
	local what
	for what in socket exec kill open; do
		try_evil "$what" 111 rm-tls dev.crt dev.key -- touch ran <<<junk
		has "$stderr" 'rm-tls: fatal: *'
		[ ! -e ran ]
	done
	try_evil nothing 1 rm-tls dev.crt dev.key -- touch ran <<<junk
}

@test "rm-tls refuses to run without a jail, unless it is told to" {
	ASAN_OPTIONS=detect_leaks=0 try 100 strace -f -o /dev/null \
		-e inject=seccomp:error=EINVAL \
		rm-tls dev.crt dev.key -- true <<<junk
	has "$stderr" '*rm-tls: fatal: no sandbox*'
	RM_NO_SANDBOX=1 try 1 rm-tls dev.crt dev.key -- true <<<junk
	has "$stderr" 'rm-tls: warning: no sandbox: RM_NO_SANDBOX=1 is set*'
}

@test "rm-tls -n demands a key that the folder pins, and says which it was" {
	local pin
	pin=$(keyid node)
	mkdir -p nodes/a
	serve -n nodes -- sh -c 'echo "$RM_TLS_PEER"'
	for where in "$pin.pem" "a/$pin.pem"; do
		touch "nodes/$where"
		run -0 client -quiet -cert node.crt -key node.key </dev/null
		[ "${lines[-1]}" = "$pin" ]
		rm "nodes/$where"
	done
	# Nor does a link, a folder, or another spelling pin anything.
	mkdir "nodes/$pin.pem"
	ln -s ../dev.crt "nodes/a/$pin.pem"
	touch "nodes/${pin^^}.pem" "nodes/a/$pin" "nodes/.$pin.pem"
	run client -cert node.crt -key node.key </dev/null
	until_true grep "fatal: the peer's key is not pinned: seen $pin" log
}

@test "rm-tls -n refuses another key, loudly, and a peer without one" {
	mkdir nodes
	touch "nodes/$(keyid node).pem"
	serve -n nodes -- sh -c 'touch ran; echo ran'
	run -1 client -quiet -cert dev.crt -key dev.key </dev/null
	has "$output" '*alert bad certificate*'
	run -1 client -quiet </dev/null
	has "$output" '*alert certificate required*'
	[ ! -e ran ]
	try 100 rm-tls -n nowhere dev.crt dev.key -- true </dev/null
	[ "$stderr" = "rm-tls: fatal: unable to read nowhere: No such file or directory" ]
}

@test "rm-tls refuses keys that others can read, that are none, that do not fit" {
	local mode
	for mode in 640 604 620 660; do
		chmod "$mode" dev.key
		try 100 rm-tls dev.crt dev.key -- true </dev/null
		has "$stderr" "rm-tls: fatal: unable to use dev.key: * closed to *"
	done
	chmod 400 dev.key
	try 1 rm-tls dev.crt dev.key -- true </dev/null
	ln -s dev.key link.key
	try 100 rm-tls dev.crt link.key -- true </dev/null
	try 100 rm-tls dev.crt nowhere -- true </dev/null
	[ "$stderr" = "rm-tls: fatal: unable to use nowhere: No such file or directory" ]
	mkfifo -m 600 fifo.key
	try 100 rm-tls dev.crt fifo.key -- true </dev/null
	try 100 rm-tls dev.crt node.key -- true </dev/null
	[ "$stderr" = "rm-tls: fatal: node.key holds no private key that fits the certificate" ]
	(umask 077; echo junk >junk.key)
	try 100 rm-tls dev.crt junk.key -- true </dev/null
	try 100 rm-tls junk.key dev.key -- true </dev/null
	[ "$stderr" = "rm-tls: fatal: junk.key holds no certificate that can be used" ]
	(umask 077; openssl pkey -in dev.key -aes128 -passout pass:x -out pass.key)
	try 100 rm-tls dev.crt pass.key -- true </dev/null
	(umask 077; head -c 100000 /dev/zero >huge.key)
	try 100 rm-tls dev.crt huge.key -- true </dev/null
}

@test "rm-tls behind rm-listen: every word arrives, and the lease cuts" {
	local i pids=()
	listen rm-listen -R 4 127.0.0.1 0 -- rm-tls dev.crt dev.key -- \
		sh -c 'echo "$TCPREMOTEIP $RM_TLS_VERSION"; cat; echo bye'
	head -c 200000 /dev/urandom | od -x >text
	for i in 1 2 3 4 5 6; do
		half_client "" <text >"answer.$i" 3>&- &
		pids+=("$!")
	done
	wait "${pids[@]}"
	for i in 1 2 3 4 5 6; do
		cmp "answer.$i" <(echo 127.0.0.1 TLSv1.3; cat text; echo bye)
	done
	mkfifo words
	half_client "" <words >answer 3>&- &
	exec 5>words
	until_true grep TLSv1.3 answer
	kill -TERM "$LISTEN_PID"
	wait "$!" || :
	exec 5>&-
	wait "$LISTEN_PID" || :
}

@test "rm-tls refuses to be root" {
	try 100 unshare -r rm-tls dev.crt dev.key -- true </dev/null
	has "$stderr" 'rm-tls: fatal: refusing to run as root*'
}

@test "rm-tls: bad command lines are usage errors, as the page has them" {
	local synopsis
	synopsis=$(mandoc -T ascii "$RM_TESTS/../man/rm-tls.8" | col -b |
		sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed '1d;$d' | xargs)
	try 100 rm-tls dev.crt dev.key
	[ "$stderr" = "usage: $synopsis" ]
	try 100 rm-tls dev.crt dev.key --
	try 100 rm-tls dev.crt
	try 100 rm-tls -x dev.crt dev.key true
	try 100 rm-tls -t soon dev.crt dev.key true
	[ "$stderr" = "rm-tls: fatal: bad number of seconds: soon" ]
	try 100 rm-tls -t 1 -t 2 dev.crt dev.key true
	[ "$stderr" = "rm-tls: fatal: -t is given twice" ]
	try 100 rm-tls -a a -a b dev.crt dev.key true
	try 100 rm-tls -n a -n b dev.crt dev.key true
}

@test "rm-tls: a program that cannot be run, or found" {
	serve -- ./nowhere
	run client -quiet </dev/null
	until_true grep 'status 32512' log	# 127
	serve -- ./state
	run client -quiet </dev/null
	until_true grep 'status 32256' log	# 126
}

@test "rm-tls: completion offers options, protocols and files" {
	. "$RM_TESTS/../completions/rm-tls"
	COMP_WORDS=(rm-tls -) COMP_CWORD=1
	_comp_cmd_rm_tls
	[ "${COMPREPLY[*]}" = '-a -n -t' ]
	COMP_WORDS=(rm-tls -a rm) COMP_CWORD=2
	_comp_cmd_rm_tls
	[ "${COMPREPLY[*]}" = 'rm/1 rm-node/1 rm-p11/1' ]
	COMP_WORDS=(rm-tls dev.c) COMP_CWORD=1
	_comp_cmd_rm_tls
	[ "${COMPREPLY[*]}" = dev.crt ]
}
