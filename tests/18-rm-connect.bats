#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The host is openssl s_server or socat: foreign.  Its certificate has
# expired and names nobody: only the key counts.
load helpers

setup_file() {
	local name
	cd "$BATS_FILE_TMPDIR" || return 1
	for name in dev node; do
		openssl genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 \
			-out "$name.key" 2>/dev/null
		openssl req -new -key "$name.key" -subj "/CN=$name" |
			openssl x509 -req -signkey "$name.key" -days -1 \
				-out "$name.crt" 2>/dev/null
		openssl x509 -in "$name.crt" -noout -pubkey |
			openssl pkey -pubin -outform der | sha256sum |
			cut -d' ' -f1 >"$name.id"
	done
}

setup() {
	common_setup
	export HOME=$PWD/home
	unset XDG_CONFIG_HOME
	mkdir -p home/.config/rm
	cp "$BATS_FILE_TMPDIR"/* .
	cat node.crt node.key >node.pem
	chmod 600 ./*.key node.pem
	ID=$(<dev.id)
}

# A host that answers each line with the same line backwards; what it says
# of itself is in host.log.  With HEARS=1 it answers nothing, and what it hears
# is in host.log, too.  host [more options of s_server]   sets PORT
host() {
	local answer=-rev
	[ -z "${HEARS:-}" ] || answer=
	mkfifo never 2>/dev/null || :
	: >host.log
	(close_more && exec openssl s_server -accept "${BIND:-127.0.0.1}:0" \
		-cert dev.crt -key "${KEY:-dev.key}" ${answer:+"$answer"} "$@") \
		<>never >>host.log 2>&1 &
	HOST_PID=$!
	PIDS+=("$HOST_PID")
	until_true grep -E '^ACCEPT' host.log
	PORT=$(sed -n 's/^ACCEPT .*://p' host.log)
}

# The host that hears, one after the other, heard this of who has its pin, and
# no secret before.
heard_only() {
	try 0 rm-connect -p "$ID" 127.0.0.1 "$PORT" <<<"$1"
	until_true grep -x "$1" host.log
	run ! grep secret host.log
}

# A host that runs a program:  run_host -- prog [arg ...]   sets PORT
run_host() {
	shift
	rm -f ready
	mkfifo ready
	(close_more && exec tcpserver -1 -H -R -l0 127.0.0.1 0 rm-tls \
		dev.crt dev.key -- "$@") >ready 2>>log </dev/null &
	HOST_PID=$!
	PIDS+=("$HOST_PID")
	read -r -t 60 PORT <ready
}

# A unix socket, sock, behind which socat runs a shell command.
unix_host() {
	(close_more && exec socat -t 20 UNIX-LISTEN:sock,fork \
		SYSTEM:"$1") 2>>log </dev/null &
	HOST_PID=$!
	PIDS+=("$HOST_PID")
	until_true test -S sock
}

# Ends a host without letting it say anything.
kill_host() {
	kill -KILL "$HOST_PID"
	wait "$HOST_PID" 2>/dev/null || :
}

@test "rm-connect is a pipe to the pinned host" {
	host -alpn rm/1
	try 0 rm-connect -a rm/1 -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$output" = olleh ]
	[ -z "$stderr" ]
}

@test "rm-connect finds the pin in the user's file, or in the one it is told" {
	local line
	host
	line="cellar 127.0.0.1:$PORT $ID"
	echo "$line" >home/.config/rm/appliances
	try 0 rm-connect 127.0.0.1 "$PORT" <<<hello
	[ "$output" = olleh ]
	mkdir -p xdg/rm
	XDG_CONFIG_HOME=$PWD/xdg try 1 rm-connect 127.0.0.1 "$PORT" <<<hello
	mv home/.config/rm/appliances xdg/rm/
	XDG_CONFIG_HOME=$PWD/xdg try 0 rm-connect 127.0.0.1 "$PORT" <<<hello
	printf '# ours\n\nattic [::1]:%s %s\n%s' "$PORT" "$(<node.id)" "$line" \
		>file
	try 0 rm-connect -k file 127.0.0.1 "$PORT" <<<hello
}

@test "rm-connect refuses a host that is not pinned, and says how to pin it" {
	HEARS=1 host
	try 1 rm-connect 127.0.0.1 "$PORT" <<<secret
	[ -z "$output" ]
	has "$stderr" "rm-connect: fatal: the peer's key is not pinned: seen $ID
rm-connect: info: * pin it by -p, or by a line \"NAME 127.0.0.1:$PORT KEYID\" in $HOME/.config/rm/appliances"
	until_true grep 'alert bad certificate' host.log
	# A pin for another port, or another host, is none for this.
	echo "a 127.0.0.1:1 $ID" >file
	echo "b 127.0.0.2:$PORT $ID" >>file
	try 1 rm-connect -k file 127.0.0.1 "$PORT" <<<secret
	heard_only welcome
}

@test "rm-connect refuses a host whose key has changed, loudly" {
	HEARS=1 host
	echo "a 127.0.0.1:$PORT $(<node.id)" >file
	try 1 rm-connect -k file 127.0.0.1 "$PORT" <<<secret
	[ -z "$output" ]
	has "$stderr" "rm-connect: fatal: the peer's key is not the pinned one: pinned $(<node.id), seen $ID
rm-connect: info: DO NOT GO ON *"
	try 1 rm-connect -p "$(<node.id)" 127.0.0.1 "$PORT" touch ran <<<secret
	[ ! -e ran ]
	heard_only welcome
}

@test "rm-connect refuses a host that shows the pinned key but does not hold it" {
	# The public half of dev and the private half of node, in one file.
	openssl ec -in dev.key -outform der -out dev.der 2>/dev/null
	openssl ec -in node.key -outform der -out node.der 2>/dev/null
	{
		head -c 7 dev.der
		tail -c +8 node.der | head -c 32
		tail -c +40 dev.der
	} >forged.der
	openssl base64 -in forged.der | sed \
		'1i-----BEGIN EC PRIVATE KEY-----
		$a-----END EC PRIVATE KEY-----' | sed 's/^\t*//' >forged.key
	KEY=forged.key host
	try 1 rm-connect -p "$ID" 127.0.0.1 "$PORT" <<<secret
	has "$stderr" 'rm-connect: fatal: *bad signature*'
	[ -z "$output" ]
}

@test "rm-connect refuses a host that does not speak its protocol" {
	host
	try 1 rm-connect -a rm/1 -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$stderr" = "rm-connect: fatal: the peer does not speak rm/1" ]
	host -alpn rm/2
	try 1 rm-connect -a rm/1 -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$stderr" = "rm-connect: fatal: refused by the peer: alert no application protocol" ]
	host -tls1_2
	try 1 rm-connect -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$stderr" = "rm-connect: fatal: refused by the peer: alert protocol version" ]
}

@test "rm-connect -i shows its own key to a host that asks" {
	host -Verify 1
	try 0 rm-connect -i node.pem -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$output" = olleh ]
	grep 'CN *= *node' host.log
	try 1 rm-connect -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$stderr" = "rm-connect: fatal: refused by the peer: alert certificate required" ]
	# In two files; the certificate alone identifies nobody.
	try 0 rm-connect -c node.crt -i node.key -p "$ID" 127.0.0.1 "$PORT" \
		<<<hello
	[ "$output" = olleh ]
	try 100 rm-connect -c dev.crt -i node.key -p "$ID" 127.0.0.1 "$PORT"
	try 100 rm-connect -c node.crt -p "$ID" 127.0.0.1 "$PORT"
	has "$stderr" 'usage: rm-connect *'
	chmod 640 node.pem
	try 100 rm-connect -i node.pem -p "$ID" 127.0.0.1 "$PORT" <<<hello
	has "$stderr" 'rm-connect: fatal: unable to use node.pem: *'
}

@test "rm-connect ends its half at the end of its input, and hears the rest" {
	run_host -- wc -c
	try 0 rm-connect -p "$ID" 127.0.0.1 "$PORT" < <(printf hello)
	[ "$output" = 5 ]
}

@test "rm-connect ends when the host does, although its input goes on" {
	run_host -- echo bye
	mkfifo endless
	exec 5<>endless
	try 0 rm-connect -p "$ID" 127.0.0.1 "$PORT" <&5
	[ "$output" = bye ]
	exec 5>&-
}

@test "rm-connect ends when nobody reads and nothing is left to say" {
	mkfifo in out
	run_host -- sh -c 'cat; exec 5<>never; read -r _ <&5'
	mkfifo never
	timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" <in >out 3>&- &
	local pid=$!
	exec 5>in 6<out
	echo hello >&5
	read -r -t 60 -u 6 line
	[ "$line" = hello ]
	exec 5>&- 6<&-
	wait "$pid"
	timeout 60 sh -c 'echo over >never'
}

@test "rm-connect as a pipe is one process, and in a jail" {
	host
	mkfifo in
	rm-connect -p "$ID" 127.0.0.1 "$PORT" <in >out 3>&- &
	local pid=$!
	exec 5>in
	echo hello >&5
	until_true grep olleh out
	[ -z "$(<"/proc/$pid/task/$pid/children")" ]
	grep -x 'Seccomp:	2' "/proc/$pid/status"
	exec 5>&-
	wait "$pid"
}

@test "rm-connect reads nothing of the host before it is in its jail" {
	host
	run -0 timeout 60 strace -o trace rm-connect -p "$ID" 127.0.0.1 \
		"$PORT" <<<hello
	local fd
	fd=$(sed -n 's/^connect(\([0-9]*\), {sa_family=AF_INET, .*/\1/p' trace)
	[ -n "$fd" ]
	grep "^setsockopt($fd, SOL_TCP, TCP_NODELAY, \[1\], 4) = 0" trace
	sed -n '/^connect(.*sa_family=AF_INET, /,/^seccomp(.*FILTER, 0, /p' \
		trace >before
	grep '^seccomp(.*FILTER, 0, ' before
	sed '1,/^seccomp(.*FILTER, 0, /d' trace >after
	run ! grep -E "^(read|recvfrom)\\($fd," before
	grep -E "^(read|recvfrom)\\($fd," after
	run ! grep -E '^(open|socket|connect|clone|exec)' after
}

@test "rm-connect: a connection that is cut is a loss, 111, and said" {
	mkfifo in
	host
	exec 5<>in
	try_cut() {
		timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" <in \
			>out 2>err 3>&- &
		local pid=$!
		echo hello >&5
		until_true grep olleh out
		kill_host
		rc=0
		wait "$pid" || rc=$?
		[ "$rc" = 111 ]
	}
	try_cut
	[ "$(<err)" = "rm-connect: fatal: connection lost: end without close_notify" ]
	# The same when it is a proxy in between that goes.
	host
	(close_more && exec socat -d -d TCP-LISTEN:0,bind=127.0.0.1 \
		"TCP:127.0.0.1:$PORT") 2>proxy.log &
	HOST_PID=$!
	until_true grep 'listening on' proxy.log
	PORT=$(sed -n 's/.*listening on .*:\([0-9]*\)$/\1/p' proxy.log)
	: >out
	try_cut
	has "$(<err)" 'rm-connect: fatal: connection lost: *'
	exec 5>&-
}

@test "rm-connect does not wait for ever for a connection or a handshake" {
	run_silent() {
		rm -f ready
		mkfifo ready never 2>/dev/null || :
		(close_more && exec tcpserver -1 -H -R -l0 127.0.0.1 0 sh -c \
			'read -r _ <>never') >ready 2>>log </dev/null &
		PIDS+=("$!")
		read -r -t 60 PORT <ready
	}
	run_silent
	try 111 rm-connect -t 0.2 -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$stderr" = "rm-connect: fatal: no handshake in time" ]
	try 111 rm-connect -t 0.2 -p "$ID" 127.0.0.1 "$PORT" touch ran <<<hello
	[ "$stderr" = "rm-connect: fatal: no handshake in time" ]
	[ ! -e ran ]
	printf '\n\n' | tee -a never >/dev/null &
	kill "${PIDS[@]}"
	until_true try 111 rm-connect -p "$ID" 127.0.0.1 "$PORT"
	has "$stderr" "rm-connect: fatal: unable to connect to 127.0.0.1 port $PORT: Connection refused"
	try 111 rm-connect -p "$ID" nowhere.invalid 1
	has "$stderr" 'rm-connect: fatal: unable to find nowhere.invalid: *'
}

@test "rm-connect speaks IPv6, and tries all addresses of a name" {
	BIND='[::1]' host
	try 0 rm-connect -p "$ID" ::1 "$PORT" <<<hello
	[ "$output" = olleh ]
	echo "a [::1]:$PORT $ID" >file
	try 0 rm-connect -k file ::1 "$PORT" env <<<hello
	has "$output" ''
	# Each of two hosts listens on one of the name's two addresses.
	printf '::1 both\n127.0.0.1 both\n' >hosts
	local bind
	for bind in '[::1]' 127.0.0.1; do
		BIND=$bind host
		try 0 unshare -rm sh -c 'mount --bind hosts /etc/hosts &&
			exec rm-connect "$@"' sh -p "$ID" both "$PORT" <<<hello
		[ "$output" = olleh ]
	done
}

@test "rm-connect gives a program the connection, and the facts about it" {
	local want
	host
	PROTO=UNIX RM_AUTH_MANAGER=bob TCPREMOTEIP=192.0.2.1 RM_ADMIT_FD=7 \
		try 0 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- sh -c '
		env >env; echo hello; read -r line; echo "$line" >line'
	[ "$(<line)" = olleh ]
	for want in PROTO=TCP TCPREMOTEIP=127.0.0.1 "TCPREMOTEPORT=$PORT" \
		TCPLOCALIP=127.0.0.1 RM_TLS_VERSION=TLSv1.3 \
		RM_TLS_GROUP=X25519 "RM_TLS_PEER=$ID" \
		RM_TLS_SIGNATURE=ecdsa_secp256r1_sha256 \
		RM_TLS_CIPHER=TLS_AES_256_GCM_SHA384; do
		grep -qx "$want" env
	done
	grep -qxE 'RM_TLS_EXPORTER=[0-9a-f]{64}' env
	grep -qxE 'TCPLOCALPORT=[0-9]+' env
	run ! grep -E '^RM_(AUTH_|ADMIT)' env
}

@test "rm-connect and rm-tls agree on the exporter" {
	run_host -- sh -c 'echo "$RM_TLS_EXPORTER"; cat'
	try 0 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- sh -c '
		read -r theirs; [ "$theirs" = "$RM_TLS_EXPORTER" ]'
}

@test "rm-connect: status and pid are the program's, which has 0, 1 and 2 only" {
	host
	try 7 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- sh -c 'exit 7'
	try 127 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- ./nowhere
	try 126 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- ./state
	run -0 with_012 timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- \
		sh -c 'ls /proc/self/fd | tr "\n" " " >list; echo $$ >pid'
	[ "$(<list)" = '0 1 2 3 ' ] || [ "$(<list)" = '0 1 2 3 4 ' ]
	rm-connect -p "$ID" 127.0.0.1 "$PORT" -- sh -c 'echo $$ >pid' 3>&- &
	wait "$!"
	[ "$(<pid)" = "$!" ]
}

@test "rm-connect: a program hears a clean end, and a loss breaks its output" {
	run_host -- sh -c 'echo bye'
	try 0 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- sh -c 'cat >got'
	[ "$(<got)" = bye ]
	run_host -- sh -c 'echo up; exec cat'
	rm-connect -p "$ID" 127.0.0.1 "$PORT" -- sh -c 'read -r _; echo up >up
		cat >/dev/null; tail -f /dev/null; echo lost >lost' \
		3>&- 2>err &
	until_true grep up up
	local pid
	pid=$(pgrep -f -x "cat" -P "$HOST_PID")
	kill -KILL "$(<"/proc/$pid/task/$pid/children")"
	wait "$!"
	grep lost lost
	has "$(<err)" 'rm-connect: fatal: connection lost: *'
}

@test "rm-connect copies 8 MB both ways at once" {
	head -c 8000000 /dev/urandom >there
	head -c 8000000 /dev/urandom >back
	run_host -- sh -c 'cat back & md5sum >sum; wait'
	# Through pipes, which are filled as far as they go.
	cat there | timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" |
		cat | cmp - back
	[ "$(cut -d' ' -f1 sum)" = "$(md5sum <there | cut -d' ' -f1)" ]
	: >sum
	timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" <there | cmp - back
	[ "$(cut -d' ' -f1 sum)" = "$(md5sum <there | cut -d' ' -f1)" ]
	# Nobody reads until all is said.
	: >sum
	timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" <there |
		(until_true test -s sum && cmp - back)
	# And through a program.
	: >sum
	timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" -- sh -c '
		(cat there; exec >&-) & exec >&-; cmp - back; wait'
	[ "$(cut -d' ' -f1 sum)" = "$(md5sum <there | cut -d' ' -f1)" ]
}

@test "rm-connect leaves the descriptors that it shares as they were" {
	run_host -- cat
	mkfifo in
	exec 5<>in
	echo hello >&5
	rm-connect -p "$ID" 127.0.0.1 "$PORT" <&5 >&5 3>&- &
	PIDS+=("$!")
	until_true grep -q Seccomp:.2 "/proc/$!/status"
	# O_NONBLOCK is 04000.
	has "$(grep flags: "/proc/$$/fdinfo/5")" $'flags:\t*[0-3]???'
	exec 5>&-
	kill "$!"
}

@test "rm-connect: what cannot be written is a failure" {
	run_host -- echo hello
	timeout 60 rm-connect -p "$ID" 127.0.0.1 "$PORT" >/dev/full 2>err \
		</dev/null && rc=0 || rc=$?
	[ "$rc" = 111 ]
	has "$(<err)" 'rm-connect: fatal: unable to write standard output: *'
}

@test "rm-connect -u is a pipe to a unix socket" {
	unix_host 'read -r x; echo "got $x"'
	try 0 rm-connect -u sock <<<hello
	[ "$output" = 'got hello' ]
	try 111 rm-connect -u nowhere <<<hello
	[ "$stderr" = "rm-connect: fatal: unable to connect to nowhere: No such file or directory" ]
	kill_host
	try 111 rm-connect -u sock <<<hello
	[ "$stderr" = "rm-connect: fatal: unable to connect to sock: Connection refused" ]
}

@test "rm-connect -u ends its half, and copies 8 MB both ways" {
	head -c 8000000 /dev/urandom >there
	unix_host cat
	timeout 60 rm-connect -u sock <there | cmp - there
}

@test "rm-connect -u gives a program the socket itself" {
	unix_host 'read -r x; echo "got $x"'
	TCPREMOTEIP=192.0.2.1 try 3 rm-connect -u sock -- sh -c '
		env >env; readlink /proc/$$/fd/0 >&2
		echo hello; read -r line; echo "$line" >line; exit 3'
	[ "$(<line)" = 'got hello' ]
	has "$stderr" 'socket:*'
	grep -qx PROTO=UNIX env
	run ! grep TCP env
}

@test "rm-connect refuses a file of pins that others write, or that is not one" {
	host
	echo "a 127.0.0.1:$PORT $ID" >file
	chmod 620 file
	try 100 rm-connect -k file 127.0.0.1 "$PORT" <<<hello
	has "$stderr" 'rm-connect: fatal: unable to use file: *others*'
	chmod 600 file
	echo 'not a line' >>file
	try 100 rm-connect -k file 127.0.0.1 "$PORT" <<<hello
	has "$stderr" 'rm-connect: fatal: file: line 2 is not *'
	ln -s file link
	try 100 rm-connect -k link 127.0.0.1 "$PORT" <<<hello
	try 1 rm-connect -k nowhere 127.0.0.1 "$PORT" <<<hello
}

@test "rm-connect refuses to run without a jail, unless it is told to" {
	host
	ASAN_OPTIONS=detect_leaks=0 try 100 strace -o /dev/null \
		-e inject=seccomp:error=EINVAL \
		rm-connect -p "$ID" 127.0.0.1 "$PORT" <<<hello
	has "$stderr" '*rm-connect: fatal: no sandbox*'
	RM_NO_SANDBOX=1 try 0 rm-connect -p "$ID" 127.0.0.1 "$PORT" <<<hello
	[ "$stderr" = "rm-connect: warning: no sandbox: RM_NO_SANDBOX=1 is set" ]
}

@test "rm-connect: bad command lines are usage errors, as the page has them" {
	local synopsis
	synopsis=$(mandoc -T ascii "$RM_TESTS/../man/rm-connect.8" | col -b |
		sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed '1d;$d' | xargs)
	try 100 rm-connect host
	[ "$(xargs <<<"$stderr")" = "usage: $synopsis" ]
	try 100 rm-connect
	try 100 rm-connect -x host 1
	try 100 rm-connect host 1 --
	try 100 rm-connect -u sock -p "$ID"
	try 100 rm-connect -p abc host 1
	[ "$stderr" = "rm-connect: fatal: not a KEYID: abc" ]
	try 100 rm-connect -t soon host 1
	[ "$stderr" = "rm-connect: fatal: bad number of seconds: soon" ]
	try 100 rm-connect -t 1 -t 2 host 1
	[ "$stderr" = "rm-connect: fatal: -t is given twice" ]
	HOME='' try 100 rm-connect host 1
	[ "$stderr" = "rm-connect: fatal: HOME is missing" ]
}

@test "rm-connect: completion offers options, protocols and files" {
	. "$RM_TESTS/../completions/rm-connect"
	COMP_WORDS=(rm-connect -) COMP_CWORD=1
	_comp_cmd_rm_connect
	[ "${COMPREPLY[*]}" = '-a -c -i -k -p -t -u' ]
	COMP_WORDS=(rm-connect -a rm/) COMP_CWORD=2
	_comp_cmd_rm_connect
	[ "${COMPREPLY[*]}" = rm/1 ]
	COMP_WORDS=(rm-connect -i node.p) COMP_CWORD=2
	_comp_cmd_rm_connect
	[ "${COMPREPLY[*]}" = node.pem ]
}
