#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rm-exec alone: the policy is a script, the peer is a pipe, the log is socat.
load helpers
load evil

# A sanitizer would rather be the first library that is loaded.
PRELOADED=verify_asan_link_order=0

setup() {
	common_setup
	mkdir bin ops
	PATH=$PWD/bin:$PATH
	echo 'name box' >state/conf
	policy <<<'shift $(($# - left)); exec "$@"'
	op hello read <<<'echo hello'
}

# What stands in for rm-auth: all after "--" is in "$@" of the last line.
policy() {
	{
		echo '#!/bin/sh'
		echo 'echo "$*" >>policy.log; left=$#; for w; do'
		echo 'left=$((left - 1)); [ "$w" != -- ] || break; done'
		cat
	} >bin/rm-auth
	chmod 755 bin/rm-auth
}

# op NAME CLASS [ARGS [LIMIT]]: an operation with the body on standard input.
op() {
	{
		printf '#!/bin/sh\n# summary: about %s\n# class: %s\n' "$1" "$2"
		[ -z "${3:-}" ] || printf '# args: %s\n' "$3"
		printf '# limit: %s\n' "${4:-60}"
		cat
	} >"ops/$1.new"
	chmod 755 "ops/$1.new"
	mv "ops/$1.new" "ops/$1"
}

# A log that keeps what it is told in the file records.
start_log() {
	cat >bin/log <<-'SH'
	#!/bin/sh
	echo "$$ $PPID" >>dials
	while read -r line; do
		[ ! -e refuse ] || { echo '! system full'; exit; }
		echo "$line" >>records
		echo "+ $(grep -c '' records) 00"
	done
	SH
	chmod 755 bin/log
	: >records
	socat UNIX-LISTEN:run/audit.sock,fork EXEC:bin/log 3>&- &
	PIDS+=("$!")
	until_true [ -S run/audit.sock ]
}

# say LINE...: runs rm-exec with these lines, and demands that it ends well.
say() {
	printf '%s\n' "$@" >lines
	try 0 rm-exec ops <lines
}

# Starts rm-exec in the background: lines go to descriptor 8, answers to out.
start_exec() {
	rm -f cmds
	mkfifo cmds
	"$@" <cmds >out 2>err 3>&- &
	EXEC_PID=$!
	PIDS+=("$EXEC_PID")
	exec 8>cmds
}

# Where the operation that runs now has its process.
op_pid() {
	until_true [ -s op.pid ]
	cat op.pid
}

is_gone() {
	! kill -0 "$1" 2>/dev/null
}

@test "rm-exec answers each line with its output and one result" {
	op fail normal <<<'echo one; echo no luck >&2; exit 3'
	op odd read <<<'echo why >&2; echo "!! policy not today"; exit 1'
	op fine read <<<'echo "!! policy not today"'
	op mute read <<<'exit 7'
	op dead read <<<'kill -9 $$'
	start_log
	say hello fail hello odd fine mute dead
	[ "$output" = ': hello
+ done
: one
! failed no luck
: hello
+ done
! policy not today
+ done
! failed exit status 7
! failed killed by signal 9' ]
	has "$stderr" '*rm-exec: info: fail: no luck*'
}

@test "rm-exec runs what was read when the input ends, but no half line" {
	printf 'hello\nhello\nhello' >lines
	try 0 rm-exec ops <lines
	[ "$(grep -c '^+ done' <<<"$output")" = 2 ]
	try 0 rm-exec ops </dev/null
	[ -z "$output" ]
}

@test "rm-exec answers every bad line, and the session goes on" {
	local long
	long=$(printf 'a%.0s' {1..5000})
	printf '%s\n' 'hello ' '' ' hello' 'hello  x' $'he\tllo' $'h\xc3\xa4' \
		'hello %41' 'hello %2f' 'hello %00' Hello - "$long" \
		"${long:0:4095}" 'hello x' nothing ../ops/hello hello >lines
	try 0 rm-exec ops <lines
	[ "$output" = '! usage words are parted by exactly one space
! usage words are parted by exactly one space
! usage words are parted by exactly one space
! usage line is not printable ASCII
! usage line is not printable ASCII
! usage bad %XX spelling
! usage bad %XX spelling
! usage bad %XX spelling
! usage a command begins with the name of an operation
! usage a command begins with the name of an operation
! usage line too long
! usage a command begins with the name of an operation
! usage too many arguments: hello
! usage there is no such operation: see help
! usage a command begins with the name of an operation
: hello
+ done' ]
}

@test "rm-exec finds the next line behind any number of bytes without one" {
	{ head -c 100000 /dev/zero | tr '\0' a; printf '\nhello\n'; } >lines
	try 0 rm-exec ops <lines
	[ "$output" = '! usage line too long
: hello
+ done' ]
	head -c 100000 /dev/zero >lines
	try 0 rm-exec ops <lines
	[ -z "$output" ]
}

@test "rm-exec takes only arguments that the header allows, and spells them back" {
	op set read 'mode=NRM|RM1 [node=/[a-z]+/] [note]' <<-'SH'
	for w; do printf '<%s>\n' "$w"; done
	SH
	say 'set NRM' 'set RM1 abc' 'set RM1 abc a%20b%25%C3%A4' \
		set 'set RM' 'set RM1 abc1' 'set RM1 abc -x' \
		'set RM1 abc a%0Ab' 'set RM1 abc x y'
	[ "$output" = ': <NRM>
+ done
: <RM1>
: <abc>
+ done
: <RM1>
: <abc>
: <a b%ä>
+ done
! usage an argument is missing: set mode=NRM|RM1 [node=/[a-z]+/] [note]
! usage an argument is not one of those that the operation takes: set mode=NRM|RM1 [node=/[a-z]+/] [note]
! usage an argument is not one of those that the operation takes: set mode=NRM|RM1 [node=/[a-z]+/] [note]
! usage an argument begins with - or has control characters: set mode=NRM|RM1 [node=/[a-z]+/] [note]
! usage an argument begins with - or has control characters: set mode=NRM|RM1 [node=/[a-z]+/] [note]
! usage too many arguments: set mode=NRM|RM1 [node=/[a-z]+/] [note]' ]
}

@test "rm-exec wants the appliance's name for power and destructive ones" {
	start_log
	op off power <<<'echo "$# gone"'
	op wipe destructive '[what]' <<<'echo "$*"'
	op touch normal '[what]' <<<'echo "$*"'
	say off 'off confirm=bax' 'off confirm=' 'off confirm=box' 'wipe x' \
		'wipe confirm=box x' 'wipe x confirm=box' 'touch confirm=box'
	[ "$output" = "! usage confirm=NAME, the appliance's name, must be the last argument: off confirm=NAME
! usage confirm= is not the name of this appliance: off confirm=NAME
! usage confirm= is not the name of this appliance: off confirm=NAME
: 0 gone
+ done
! usage confirm=NAME, the appliance's name, must be the last argument: wipe [what] confirm=NAME
! usage confirm=NAME, the appliance's name, must be the last argument: wipe [what] confirm=NAME
: x
+ done
: confirm=box
+ done" ]
	# An appliance without a name confirms nothing.
	rm state/conf
	say 'off confirm='
	has "$output" '! usage confirm= is not *'
}

@test "rm-exec offers only regular executable files with a good header" {
	op plain read <<<'echo no'
	chmod 644 ops/plain
	op nolimit read <<<'echo no'
	sed -i '/^# limit/d' ops/nolimit
	op regex read 'a=/(/' <<<'echo no'
	ln -s hello ops/link
	mkdir ops/folder
	mkfifo ops/pipe
	printf '# summary: x\n# class: read\n# limit: 1\n' >ops/nobang
	chmod 755 ops/nobang
	say plain nolimit 'regex x' link folder pipe nobang
	[ "$(uniq <<<"$output")" = '! usage there is no such operation: see help' ]
	has "$stderr" '*warning: nolimit is not offered: no limit*'
	has "$stderr" '*warning: regex is not offered: *does not compile*'
	try 0 rm-exec -l ops
	[ "$output" = 'hello - about hello' ]
	has "$stderr" '*warning: ops/plain is not offered: it may not be executed*'
	has "$stderr" '*warning: ops/link is not offered: it cannot be opened*'
	has "$stderr" '*warning: ops/folder is not offered: *'
	has "$stderr" '*warning: ops/pipe is not offered: it is not a regular file*'
	has "$stderr" '*warning: ops/nobang is not offered: it does not begin with #!*'
}

@test "rm-exec -L asks no policy, and is not for peers" {
	start_log
	op change normal <<<'echo changed'
	policy <<<'exit 1'
	printf '%s\n' hello change >lines
	try 0 rm-exec -L ops <lines
	[ "$output" = ': hello
+ done
: changed
+ done' ]
	[ ! -e policy.log ]
	has "$(head -n 1 records)" 'relaxed read operation=hello *manager=- *'
	has "$(sed -n 2p records)" 'durable begin operation=change *'
	PROTO=TCP try 100 rm-exec -L ops </dev/null
	[ "$stderr" = 'rm-exec: fatal: -L is not for peers' ]
	# Who may open a unix socket has been decided there.
	PROTO=UNIX try 0 rm-exec -L ops <lines
}

@test "rm-exec -l lists names, arguments and summaries, sorted" {
	op zeta read 'mode=A|B [node]' <<<:
	op alpha power <<<:
	try 0 rm-exec -l ops
	[ "$output" = 'alpha - about alpha
hello - about hello
zeta mode=A|B [node] - about zeta' ]
	[ -z "$stderr" ]
}

@test "rm-exec asks the policy, with the operation and its arguments" {
	op set read 'a b' <<<'echo "$1,$2"'
	say 'set x%20y z'
	[ "$output" = ': x y,z
+ done' ]
	has "$(cat policy.log)" 'set x y z -- /proc/*/fd/* x y z'
	policy <<<'echo "!! policy set is local only"; exit 1'
	say 'set x z' 'set x z'
	[ "$(uniq <<<"$output")" = '! policy set is local only' ]
	rm bin/rm-auth
	ln -s /nonexistent bin/rm-auth
	PATH=$PWD/bin:/usr/bin:/bin try 0 "$RM_BUILD/bin/rm-exec" ops <lines
	has "$output" '! failed *unable to run rm-auth: No such file or directory*'
}

@test "rm-exec gives an operation this environment, and no more" {
	op env read <<<'env | grep -vE "^(PWD|_|OLDPWD|SHLVL)=" | sort'
	SECRET=x LD_LIBRARY_PATH=/x RM_LOCK_NO=1 RM_ADMIT_FD=9 PROTO=TCP \
		TCPREMOTEIP=192.0.2.1 RM_AUTH_MANAGER=bob LC_ALL=de_DE HOME=/x \
		try 0 rm-exec ops <<<env
	diff <(echo "$output") - <<-END
	: LC_ALL=C
	: PATH=$PATH
	: PROTO=TCP
	: RM_AUTH_MANAGER=bob
	: RM_CONF=$RM_STATE/conf
	: RM_LANDLOCK=$(rm-exec -V | sed -n 's/^landlock //p')
	: RM_OPS=$PWD/ops
	: RM_RUN=$RM_RUN
	: RM_STATE=$RM_STATE
	: RM_VERSION=0.1
	: TCPREMOTEIP=192.0.2.1
	+ done
	END
}

@test "rm-exec gives an operation 0, 1, 2 and the operation lock, and no more" {
	op fds read <<-'SH'
	exec /bin/ls -l /proc/self/fd
	SH
	exec 7<ops/hello
	rm-once run/session -- rm-exec ops <<<fds >out
	exec 7<&-
	sed -n 's/^.* \([0-9]* -> .*\)$/\1/p' out >fds
	# ls itself has the folder open, at the first number that is free.
	[ "$(cut -d' ' -f1 fds | tr '\n' ' ')" = '0 1 2 3 4 ' ]
	grep -qx '0 -> /dev/null' fds
	grep -qx '1 -> pipe:.*' fds
	grep -qx '2 -> pipe:.*' fds
	grep -qx "3 -> $PWD/run/operation" fds
}

@test "rm-exec gives an operation a session, no signals blocked or ignored" {
	op signals read <<-'SH'
	# 32 and 33 belong to libc's threads; it lets nobody touch them.
	grep -E '^Sig(Blk|Ign|Pnd)' /proc/self/status | cut -f2 |
		sed 's/0000000180000000/0000000000000000/' | sort -u
	[ "$(cut -d' ' -f6 /proc/$$/stat)" = $$ ] && echo leader
	read -r line || echo no input
	SH
	(trap '' INT QUIT USR1; rm-exec ops <<<signals >out)
	[ "$(cat out)" = ': 0000000000000000
: leader
: no input
+ done' ]
}

@test "rm-exec cleans output, splits long lines and keeps UTF-8 whole" {
	op dirt read <<-'SH'
	printf 'a\033[31mb\tc\r\n\n\303\244\302\233\377\nno newline'
	SH
	op long read <<-'SH'
	head -c 4092 /dev/zero | tr '\0' a; printf '\303\244b\n'
	head -c 4093 /dev/zero | tr '\0' c; echo
	SH
	say dirt long
	{
		printf ': a?[31mb?c?\n: \n: ä???\n: no newline\n+ done\n: '
		head -c 4092 /dev/zero | tr '\0' a
		printf '\n: äb\n: '
		head -c 4093 /dev/zero | tr '\0' c
		printf '\n+ done\n'
	} >want
	diff <(echo "$output") want
	! rm-exec ops <lines | LC_ALL=C grep -E '^.{4096}'
}

@test "rm-exec passes on 10 MB, every byte of it" {
	op big read <<<'seq 1500000'
	rm-exec ops <<<big >out
	[ "$(tail -n 1 out)" = '+ done' ]
	cmp <(head -n -1 out) <(seq 1500000 | sed 's/^/: /')
}

@test "rm-exec passes on progress, and gives some where there is none" {
	op work read <<-'SH'
	printf '%%%% 41 copying\n%%%% 101 x\n%%%% x\n%%%% 041 x\n%%%%41\n'
	SH
	say work
	[ "$output" = '% 41 copying
: %% 101 x
: %% x
: %% 041 x
: %%41
+ done' ]
	op slow read <<-'SH'
	read -r _ <>go; echo '%% 7 seven'; read -r _ <>go
	SH
	mkfifo go
	start_exec rm-exec -p 0.05 ops
	echo slow >&8
	until_true grep -c '^% 0 running' out
	echo >go
	until_true sh -c '[ "$(grep -c "^% 7 seven" out)" -ge 3 ]'
	echo >go
	exec 8>&-
	wait "$EXEC_PID"
	[ "$(tail -n 1 out)" = '+ done' ]
	[ "$(sed 's/^% \([07]\) .*/\1/' out | uniq | tr '\n' ' ')" = '0 7 + done ' ]
}

@test "rm-exec ends an operation at its limit, whatever it does about it" {
	op late read '' 3 <<<'echo $$ >op.pid; trap "" TERM; echo up; while :; do sleep 0.1; done'
	op soft read '' 3 <<<'trap "echo bye; exit 0" TERM; while :; do sleep 0.1; done'
	say late soft hello
	[ "$output" = ': up
! failed time limit of 3 s is over
: bye
! failed time limit of 3 s is over
: hello
+ done' ]
	is_gone "$(cat op.pid)"
}

@test "rm-exec: nothing that an operation starts outlives it" {
	op daemon read <<-'SH'
	(setsid sh -c 'trap "" TERM HUP; echo $$ >op.pid; sleep 600' &) &
	while [ ! -s op.pid ]; do sleep 0.01; done
	echo up
	SH
	op group read <<<'sleep 600 & echo $! >op.pid'
	say daemon
	[ "$output" = ': up
+ done' ]
	is_gone "$(cat op.pid)"
	try 0 rm-once -q run/operation
	rm op.pid
	say group
	[ "$output" = '+ done' ]
	is_gone "$(cat op.pid)"
}

# --- payloads ---

# with NAME FILE LINE...: an announcement, the file's bytes, then these lines.
with() {
	echo "< $1 $(stat -L -c %s "$2")"
	cat "$2"
	shift 2
	[ $# -eq 0 ] || printf '%s\n' "$@"
}

# An operation that shows what it got.
payload_op() {
	op put normal '[word]' <<<'cat >got; wc -c <got; echo "${1:-}"'
	sed -i "/^# class/i # payload: ${1:-stuff}" ops/put
}

@test "rm-exec hands a payload to the operation, every byte of it" {
	payload_op
	start_log
	head -c 65536 /dev/urandom >full
	printf 'a\nhello\n< x 7\n\n' >lines-in-it
	: >empty
	local f
	for f in full lines-in-it empty; do
		with stuff "$f" 'put x' hello >lines
		try 0 rm-exec ops <lines
		[ "$output" = ": $(stat -c %s "$f")
: x
+ done
: hello
+ done" ]
		cmp "$f" got
		has "$(grep begin records | tail -n 1)" \
			"durable begin operation=put args=x sha256=* payload=$(sha256sum <"$f" | cut -d' ' -f1) manager=- *"
	done
	# hello had none: it is that of one command
	has "$(tail -n 1 records)" 'relaxed read operation=hello args=- manager=-*'
}

@test "rm-exec: a payload is a file that nobody can change, read from its start" {
	op put read <<-'SH'
	readlink /proc/self/fd/0
	head -c 3 >/dev/null
	(echo x >&0) 2>/dev/null || echo read-only
	(echo x >/proc/self/fd/0) 2>/dev/null || echo sealed
	echo $(ls /proc/self/fd)
	SH
	sed -i '/^# class/i # payload: stuff' ops/put
	echo text >f
	with stuff f put >lines
	with_012 rm-exec ops <lines >out
	[ "$(cat out)" = ': /memfd:payload (deleted)
: read-only
: sealed
: 0 1 2 3 4
+ done' ]
}

@test "rm-exec wants a payload exactly where the header has one" {
	payload_op
	op opt read <<<'cat; echo "$(readlink /proc/self/fd/0)"'
	sed -i '/^# class/i # payload: [more]' ops/opt
	op off power <<<'cat'
	sed -i '/^# class/i # payload: why' ops/off
	echo text >f
	start_log
	{
		with stuff f hello hello
		echo put
		with other f 'put x'
		with payload f 'put x'
		echo opt
		with more f opt
		with payload f off
		with payload f 'off confirm=box'
		echo 'off confirm=box'
		with stuff f nothing put
	} >lines
	try 0 rm-exec ops <lines
	diff <(echo "$output") - <<-'END'
	! usage it takes no payload: hello
	: hello
	+ done
	! usage its payload is missing: put [word] <stuff
	! usage it takes another payload: put [word] <stuff
	: 5
	: x
	+ done
	: /dev/null
	+ done
	: text
	: /memfd:payload (deleted)
	+ done
	! usage confirm=NAME, the appliance's name, must be the last argument: off <why confirm=NAME
	: text
	+ done
	! usage its payload is missing: off <why confirm=NAME
	! usage there is no such operation: see help
	! usage its payload is missing: put [word] <stuff
	END
	[ "$(grep -c begin records)" = 2 ]
}

@test "rm-exec: a payload that cannot be had costs one command, no more" {
	payload_op
	start_log
	echo text >f
	printf 'hello\n\nput\n' >g
	head -c 65537 /dev/zero | tr '\0' '\n' >big
	head -c 300000 /dev/urandom >bigger
	{
		with stuff big put
		echo hello
		with stuff bigger put
		echo hello
		with stuff f
		with stuff g put
		echo hello
		with stuff f ' put' put
		with stuff f "$(printf 'a%.0s' {1..5000})" put
		with stuff f '' '' put
	} >lines
	try 0 rm-exec ops <lines
	diff <(echo "$output") - <<-'END'
	! usage a payload has at most 65536 bytes
	: hello
	+ done
	! usage a payload has at most 65536 bytes
	: hello
	+ done
	! usage a command takes one payload
	: hello
	+ done
	! usage words are parted by exactly one space
	! usage its payload is missing: put [word] <stuff
	! usage line too long
	! usage its payload is missing: put [word] <stuff
	: 5
	: 
	+ done
	END
}

@test "rm-exec ends the connection when it cannot tell where a payload ends" {
	local line
	for line in '<' '< ' '< stuff' '< stuff x' '< stuff -1' '<stuff 5' \
		'< stuff 05' '< stuff 4294967296' '< Stuff 5' \
		"< $(printf 'a%.0s' {1..5000}) 5" "<$(head -c 9999 /dev/zero |
			tr '\0' b)"; do
		printf '%s\n' hello "$line" hello hello >lines
		RM_AUTH_MANAGER=bob try 0 rm-exec ops <lines
		[ "$output" = ': hello
+ done
! usage a payload is announced by "< NAME LENGTH": the connection ends here' ]
	done
	start_log
	RM_AUTH_MANAGER=bob try 0 rm-exec ops <lines
	has "$(tail -n 1 records)" 'relaxed session-end manager=bob reason=usage'
}

@test "rm-exec: a payload that is cut off is nothing" {
	payload_op
	start_log
	printf '< stuff 10\nput x\nput' >lines
	try 0 rm-exec ops <lines
	[ -z "$output" ]
	printf '< stuff 3\nabc' >lines
	try 0 rm-exec ops <lines
	[ -z "$output$(cat records)" ]
	[ ! -e got ]
}

@test "rm-exec: a payload may come in pieces, and while an operation runs" {
	payload_op
	start_log
	op wait read <<<'read -r _ <go'
	mkfifo go
	start_exec rm-exec ops
	printf 'wait\n< st' >&8
	echo >go
	until_true grep '^+ done' out
	printf 'uff 6\nab' >&8
	command sleep 0.1	# so that it is read in two pieces
	printf 'cd\n\nput x\nwait\n< stuff 2\nzz' >&8
	until_true grep '^: x' out
	echo >go
	printf 'put y\n' >&8
	exec 8>&-
	wait "$EXEC_PID"
	[ "$(cat out)" = '+ done
: 6
: x
+ done
+ done
: 2
: y
+ done' ]
}

@test "rm-exec: of a secret payload not even the hash is in the log" {
	payload_op 'stuff secret'
	start_log
	echo 'PIN 87654321' >f
	with stuff f 'put x' >lines
	try 0 rm-exec ops <lines
	cmp f got
	has "$(head -n 1 records)" \
		'durable begin operation=put args=x sha256=* payload=secret manager=- *'
	run ! grep -e 87654321 -e "$(sha256sum <f | cut -d' ' -f1)" records
	[ -z "$(tr -d '\n' <<<"$stderr" | grep 87654321)" ]
}

@test "rm-exec -l shows what takes a payload" {
	payload_op
	op opt read <<<:
	sed -i '/^# class/i # payload: [more] secret' ops/opt
	try 0 rm-exec -l ops
	[ "$output" = 'hello - about hello
opt [<more] - about opt
put [word] <stuff - about put' ]
}

@test "rm-exec records a changing operation before it begins, and its end" {
	start_log
	op change normal 'a [b]' <<<'cp records seen; exit "$1"'
	say 'change 0 x%20y' 'change 4' hello
	local sha
	sha=$(sha256sum <ops/change | cut -d' ' -f1)
	diff records - <<-END
	durable begin operation=change args=0%20x%20y sha256=$sha manager=- generation=-
	durable end of=1 operation=change result=done
	durable begin operation=change args=4 sha256=$sha manager=- generation=-
	durable end of=3 operation=change result=failed%20exit%20status%204
	relaxed read operation=hello args=- manager=- result=done
	END
	# It stood there when the operation ran, and nothing after it.
	[ "$(wc -l <seen)" = 3 ]
}

@test "rm-exec begins nothing that cannot be recorded" {
	op change normal <<<'touch ran'
	say change hello
	[ "$output" = '! system the log does not take the record
: hello
+ done' ]
	start_log
	touch refuse
	say change hello
	[ "$output" = '! system the log does not take the record
: hello
+ done' ]
	[ ! -e ran ]
	rm refuse
	say change
	[ "$output" = '+ done' ]
	[ -e ran ]
}

@test "rm-exec begins nothing for a peer who has gone meanwhile" {
	start_log
	op change normal <<<'touch ran'
	# The peer goes while the log is at work on the begin.
	cat >bin/log.late <<-'SH'
	#!/bin/sh
	read -r line
	echo "$line" >>records
	kill -KILL "$(cat exec.pid)"
	while kill -0 "$(cat exec.pid)"; do :; done 2>/dev/null
	echo "+ 1 00"
	SH
	chmod 755 bin/log.late
	cp bin/log bin/log.fine
	mv bin/log.late bin/log
	(echo "$BASHPID" >exec.pid; exec rm-exec ops <<<change) || :
	mv bin/log.fine bin/log
	until_true grep -q '^durable cut of=1 operation=change result=failed%20not%20begun' records
	[ ! -e ran ]
}

@test "rm-exec runs the very file that it hashed" {
	start_log
	op swap normal <<<'echo first'
	local sha
	sha=$(sha256sum <ops/swap | cut -d' ' -f1)
	op other normal <<<'echo second'
	# Renamed over it when the log already has the hash.
	policy <<<'mv ops/other ops/swap; shift $(($# - left)); exec "$@"'
	say swap
	[ "$output" = ': first
+ done' ]
	has "$(head -n 1 records)" "*sha256=$sha *"
}

@test "rm-exec records a session, who has it and how it ends" {
	start_log
	export RM_AUTH_MANAGER=bob RM_AUTH_CUSTODIANS=alice,bob \
		TCPREMOTEIP=192.0.2.1 RM_TLS_VERSION=TLSv1.3 RM_TLS_GROUP=X25519 \
		RM_TLS_SIGNATURE=s RM_TLS_CIPHER=c
	say hello
	until_true grep -q session-end records
	start_exec rm-exec ops
	echo hello >&8
	until_true grep -q '^+ done' out
	kill -TERM "$EXEC_PID"
	wait "$EXEC_PID"
	exec 8>&-
	until_true grep -q local-console records
	rm-exec ops <<<hello | :
	until_true grep -q connection-lost records
	diff <(grep -v operation=hello records | grep -v '^relaxed read') - <<-'END'
	relaxed session-begin manager=bob custodians=alice,bob ip=192.0.2.1 tls=TLSv1.3%20X25519%20s%20c
	relaxed session-end manager=bob reason=done
	relaxed session-begin manager=bob custodians=alice,bob ip=192.0.2.1 tls=TLSv1.3%20X25519%20s%20c
	relaxed session-end manager=bob reason=local-console
	relaxed session-begin manager=bob custodians=alice,bob ip=192.0.2.1 tls=TLSv1.3%20X25519%20s%20c
	relaxed session-end manager=bob reason=connection-lost
	END
	grep -qx 'relaxed read operation=hello args=- manager=bob result=done' records
}

@test "rm-exec tells the log of a session over one connection, made again if it ends" {
	local appender socat
	start_log
	op change normal <<<'echo changed'
	RM_AUTH_MANAGER=bob start_exec rm-exec ops
	printf '%s\n' hello change >&8
	# The answer comes after the record.
	until_true sh -c '[ "$(grep -c "^+ done" out)" = 2 ]'
	read -r appender socat <dials
	kill "$appender"
	until_true is_gone "$socat"
	echo change >&8
	exec 8>&-
	wait "$EXEC_PID"
	[ "$(cut -d' ' -f1-3 records | sed 's/ of=.*//')" = \
		'relaxed session-begin manager=bob
relaxed read operation=hello
durable begin operation=change
durable end
durable begin operation=change
durable end
relaxed session-end manager=bob' ]
	[ "$(grep -c '' dials)" = 2 ]
}

@test "rm-exec without a session keeps no connection to the log" {
	start_log
	say hello hello
	[ "$(grep -c '' dials)" = 2 ]
}

@test "rm-exec runs one operation at a time, whoever asked" {
	mkfifo go
	op wait read <<<'echo up; read -r _ <go'
	RM_AUTH_MANAGER=bob start_exec rm-exec ops
	echo wait >&8
	until_true grep -q '^: up' out
	grep -qx 'operation wait' run/operation.holder
	grep -qx 'manager bob' run/operation.holder
	grep -qx 'pid [0-9]*' run/operation.holder
	say hello
	[ "$output" = '! busy another operation is under way' ]
	echo >go
	until_true grep -q '^+ done' out
	say hello
	[ "$output" = ': hello
+ done' ]
	[ ! -e run/operation.holder ]
	exec 8>&-
}

# A runner that is killed, and what its operation started, which lives on.
leave_orphan() {
	mkfifo go
	op wait read <<-'SH'
	sh -c 'echo up; read -r _ <go'
	echo never
	SH
	start_exec rm-exec ops
	echo wait >&8
	until_true grep -q '^: up' out
	kill -KILL "$(sed -n 's/^pid //p' run/operation.holder)"
	wait "$EXEC_PID" || :
	exec 8>&-
}

@test "rm-exec waits for what a killed runner left, and then goes on" {
	leave_orphan
	run ! rm-once -q run/operation
	start_exec rm-exec ops
	echo hello >&8
	exec 8>&-
	# No answer yet: it opens the log of this test when it looks again.
	until_true grep -q 'State:.S' "/proc/$EXEC_PID/status"
	timeout 1 tail --pid="$EXEC_PID" -f /dev/null || :
	[ ! -s out ]
	echo >go
	wait "$EXEC_PID"
	[ "$(cat out)" = ': hello
+ done' ]
}

@test "rm-exec: who waits for what a killed runner left goes with its peer" {
	leave_orphan
	: >run/session
	rm-once run/session -- sh -c 'echo $$ >wire; exec rm-exec ops' \
		<<<hello >out 2>&1 3>&- &
	PIDS+=("$!")
	until_true [ -s wire ]
	until_true pgrep -P "$(<wire)"
	kill -KILL "$(<wire)"
	until_true rm-once -q run/session
	run ! rm-once -q run/operation
	echo >go
}

@test "rm-exec: an operation is gone 2 s after the peer, cut, and the session free" {
	start_log
	op stubborn normal <<-'SH'
	trap '' TERM HUP INT
	setsid sleep 600 &
	echo $$ $! >op.pid
	while :; do sleep 0.1; done
	SH
	mkfifo cmds left
	# Whoever reads goes, and rm-exec learns by POLLERR.
	rm-once run/session -- rm-exec ops <cmds 3>&- | read -r _ <left 3>&- &
	PIDS+=("$!")
	exec 8>cmds
	echo stubborn >&8
	local pids
	pids=$(op_pid)
	try 1 rm-once -q run/session
	local before=${EPOCHREALTIME/./} us
	echo >left
	until_true rm-once -q run/session
	# Not before it had its time; and how late a busy machine is, is not us.
	us=$((${EPOCHREALTIME/./} - before))
	[ "$us" -ge 1900000 ]
	[ "$us" -lt 20000000 ]
	# Free means gone: in this order, or the test is worth nothing.
	for pid in $pids; do is_gone "$pid"; done
	try 0 rm-once -q run/operation
	[ ! -e run/session.holder ]
	exec 8>&-
	grep -qx 'durable cut of=1 operation=stubborn result=failed%20killed%20by%20signal%209' records
}

@test "rm-exec: a cut operation is sent TERM and does not die of its output" {
	start_log
	op tidy normal <<-'SH'
	trap 'seq 20000; touch tidied; exit 0' TERM
	echo $$ >op.pid
	while :; do echo x; sleep 0.01; done
	SH
	rm-exec ops <<<tidy >/dev/null &
	local pid=$!
	op_pid
	kill -KILL "$pid"
	until_true grep -q '^durable cut of=1 operation=tidy result=done' records
	[ -e tidied ]
	try 0 rm-once -q run/operation
}

@test "rm-exec says who took over, between two lines" {
	start_exec rm-exec ops
	echo hello >&8
	until_true grep -q '^+ done' out
	kill -TERM "$EXEC_PID"
	wait "$EXEC_PID"
	exec 8>&-
	[ "$(cat out)" = ': hello
+ done
* local console took over' ]
	start_exec rm-exec ops
	echo nothing >&8
	until_true grep -q '^!' out
	kill -HUP "$EXEC_PID"
	wait "$EXEC_PID"
	exec 8>&-
	[ "$(tail -n 1 out)" = '* appliance is going down' ]
}

@test "rm-exec: a signal that came before it was there is not lost" {
	cat >blocked.c <<-'C'
	#include <signal.h>
	#include <unistd.h>
	int main(int argc, char *argv[]) {
		sigset_t s; (void)argc; sigfillset(&s);
		sigprocmask(SIG_BLOCK, &s, 0); raise(SIGTERM);
		execvp(argv[1], argv + 1); return 127; }
	C
	gcc -o blocked blocked.c
	mkfifo never
	try 0 ./blocked rm-exec ops <>never
	[ "$output" = '* local console took over' ]
}

@test "rm-exec: an answer goes out before the word that the power goes" {
	mkfifo go
	op last read <<<'echo up; read -r _ <go; echo the end'
	start_exec rm-exec ops
	echo last >&8
	until_true grep -q '^: up' out
	# It stands still while answer and signal reach it.
	kill -STOP "$EXEC_PID"
	echo >go
	until_true rm-once -q run/operation
	kill -HUP "$EXEC_PID"
	kill -CONT "$EXEC_PID"
	wait "$EXEC_PID"
	exec 8>&-
	[ "$(cat out)" = ': up
: the end
+ done
* appliance is going down' ]
}

@test "rm-exec: 100 cuts in heavy output, and every line is whole" {
	op flood read <<<'exec yes 0123456789abcdefghijklmnopqrstuvwxyz'
	local i line n sig word
	mkfifo out
	for i in {1..50}; do
		for sig in TERM HUP; do
			word='local console took over'
			[ "$sig" = TERM ] || word='appliance is going down'
			rm-exec ops <<<flood >out 3>&- &
			local pid=$!
			exec 9<out
			# One byte at a time, so that nothing is lost.
			for ((n = 0; n < i; n++)); do
				read -r line <&9
				echo "$line"
			done >part
			kill -"$sig" "$pid"
			cat <&9 >>part
			exec 9<&-
			wait "$pid"
			[ "$(tail -n 1 part)" = "* $word" ]
			[ "$(head -n -1 part | sort -u)" = \
				': 0123456789abcdefghijklmnopqrstuvwxyz' ]
		done
	done
}

@test "rm-exec ends when the peer is gone, also while nothing happens" {
	mkfifo left never
	{
		rm-exec ops <>never
		echo "status $?" >&2
	} 2>err 3>&- | read -r _ <left 3>&- &
	PIDS+=("$!")
	echo >left
	until_true grep -qx 'status 0' err
	grep -qx 'rm-exec: info: the peer has gone' err
}

@test "rm-exec keeps the session's lock until it is gone, and tells the watcher" {
	mkfifo go
	op wait read <<<'echo up; read -r _ <go'
	start_exec rm-once run/session -- rm-exec ops
	echo wait >&8
	until_true grep -q '^: up' out
	[ -e run/session.holder ]
	try 1 rm-once -q run/session
	echo >go
	exec 8>&-
	wait "$EXEC_PID"
	until_true rm-once -q run/session
	[ ! -e run/session.holder ]
	# Another lock is kept as well, but the session is then not ours.
	echo 'manager bob' >run/session.holder
	start_exec rm-once run/other -- rm-exec ops
	echo hello >&8
	until_true grep -q '^+ done' out
	try 1 rm-once -q run/other
	exec 8>&-
	wait "$EXEC_PID"
	until_true rm-once -q run/other
	[ -e run/session.holder ]
}

@test "rm-exec: the wire half is jailed, the runner has nothing of the peer's" {
	mkfifo go
	op wait read <<<'echo up; read -r _ <go'
	start_exec rm-exec ops
	echo wait >&8
	until_true grep -q '^: up' out
	local runner
	runner=$(sed -n 's/^pid //p' run/operation.holder)
	if [ "${RM_BUILD##*/}" != asan ]; then
		grep -qx $'Seccomp:\t2' "/proc/$EXEC_PID/status"
		grep -qx $'NoNewPrivs:\t1' "/proc/$EXEC_PID/status"
	fi
	grep -qx $'Seccomp:\t0' "/proc/$runner/status"
	[ "$(readlink "/proc/$runner/fd/0")" = /dev/null ]
	[ "$(readlink "/proc/$runner/fd/1")" = /dev/null ]
	run -0 ls -l "/proc/$runner/fd"
	run ! grep -E 'out$|cmds$' <<<"$output"
	# A session of its own: the group's signals do not reach it.
	[ "$(cut -d' ' -f6 "/proc/$runner/stat")" = "$runner" ]
	echo >go
	exec 8>&-
	wait "$EXEC_PID"
}

@test "rm-exec: a wire half that was taken over gets nowhere" {
	[ "${RM_BUILD##*/}" != asan ] || return 0	# has no such jail
	evil_reader ''
	local what
	for what in socket exec kill open; do
		try_evil "$what" 159 rm-exec ops <<<hello	# SIGSYS
		[ -z "$output" ]
		until_true rm-once -q run/operation
	done
	try_evil nothing 0 rm-exec ops <<<hello
	[ "$output" = $': hello\n+ done' ]
}

@test "rm-exec: the runner believes nothing of the wire half" {
	# A wire half that was taken over, played by a write(2) of our own.
	cat >evil.c <<-'C'
	#define _GNU_SOURCE
	#include <dlfcn.h>
	#include <stdint.h>
	#include <stdlib.h>
	#include <string.h>
	#include <unistd.h>
	struct req { uint32_t kind, n, len; char text[4096]; };
	ssize_t write(int fd, const void *buf, size_t size)
	{
		ssize_t (*real)(int, const void *, size_t) =
		    (ssize_t (*)(int, const void *, size_t))
		    dlsym(RTLD_NEXT, "write");
		static struct req r;
		const char *how = getenv("EVIL");
		if (size != sizeof(r) || how == NULL)
			return real(fd, buf, size);
		memcpy(&r, buf, size);
		switch (*how) {
		case 'k': r.kind = 99; break;
		case 'n': r.n = 2; break;
		case 'N': r.n = 4000000000; break;
		case 'l': r.len = 4000000000; break;
		case '0': r.len = 0; break;
		case 'f': memset(r.text, 'a', 4096); r.len = 4096; break;
		case 'e': memset(r.text, 0, 4096); r.len = 9; r.n = 9; break;
		case 'w': for (r.n = r.len = 0; r.n < 100; r.n++)
			memcpy(r.text + 2 * r.n, "a", 2); r.len = 200; break;
		case 'p': strcpy(r.text, "../ops/hello");
			r.len = 13; break;
		case 'o': memcpy(r.text, "take\0-x", 8); r.len = 8; r.n = 2;
			break;
		case 's': return real(fd, buf, size / 2);
		case 't': (void)real(fd, &r, size); break;
		case 'D': if (r.kind == 3) r.kind = 4; break;
		case 'P': if (r.kind == 4) r.kind = 3; break;
		case 'L': if (r.kind == 3) r.n = 65537; break;
		case 'S': if (r.kind == 3) r.n = 6; break;
		case 'M': if (r.kind == 4) r.len = 6; break;
		case 'E': if (r.kind == 4) r.len = 0; break;
		case 'A': if (r.kind == 3) memcpy(r.text, "../xy", 5); break;
		case 'Z': if (r.kind == 3) memset(r.text, 'a', 4096),
			r.len = 4096; break;
		}
		return real(fd, &r, size);
	}
	C
	gcc -shared -fPIC -o evil.so evil.c -ldl
	op take read '[a]' <<<'touch ran'
	op long read <<<'sleep 600'
	local how ended=0
	for how in k n N l 0 f e w s; do
		echo hello >lines
		EVIL=$how LD_PRELOAD=$PWD/evil.so ASAN_OPTIONS=$PRELOADED \
			try 111 rm-exec ops <lines
		[ -z "$output" ]
		has "$stderr" '*the wire half says what it must not*'
		ended=$((ended + 1))
	done
	[ "$ended" = 9 ]
	for how in p o; do
		EVIL=$how LD_PRELOAD=$PWD/evil.so ASAN_OPTIONS=$PRELOADED \
			try 0 rm-exec ops <<<hello
		has "$output" '! usage *'
	done
	payload_op
	printf '< stuff 5\nabcdeput\n' >lines
	for how in D P L S M E A Z; do
		EVIL=$how LD_PRELOAD=$PWD/evil.so ASAN_OPTIONS=$PRELOADED \
			try 111 rm-exec ops <lines
		[ -z "$output" ]
		has "$stderr" '*the wire half says what it must not*'
		ended=$((ended + 1))
	done
	[ "$ended" = 17 ]
	[ ! -e ran ]
	[ ! -e got ]
	# A second request before the answer to the first.
	EVIL=t LD_PRELOAD=$PWD/evil.so ASAN_OPTIONS=$PRELOADED \
		try 111 rm-exec ops <<<long
	has "$stderr" '*the wire half says what it must not*'
	until_true rm-once -q run/operation
}

@test "rm-exec refuses to run without what it needs" {
	try 100 rm-exec
	has "$stderr" 'usage: rm-exec *'
	try 100 rm-exec ops more
	try 100 rm-exec -x ops
	try 100 rm-exec -p x ops
	[ "$stderr" = 'rm-exec: fatal: bad number of seconds: x' ]
	try 100 rm-exec -p 1 -p 1 ops
	[ "$stderr" = 'rm-exec: fatal: -p is given twice' ]
	try 100 rm-exec -l -l ops
	try 100 rm-exec -l -p 1 ops
	try 100 rm-exec -l -L ops
	try 100 rm-exec -L -L ops
	try 100 rm-exec -V ops
	try 100 rm-exec nowhere
	[ "$stderr" = 'rm-exec: fatal: unable to open nowhere: No such file or directory' ]
	try 100 rm-exec -l nowhere
	RM_LOCK_FD=77 try 100 rm-exec ops
	[ "$stderr" = 'rm-exec: fatal: RM_LOCK_FD is no descriptor: 77' ]
	RM_LOCK_FD=1 try 100 rm-exec ops
	run -100 --separate-stderr sh -c 'exec rm-exec ops <&-'
	[ "$stderr" = 'rm-exec: fatal: descriptor 0 is closed' ]
	run -100 --separate-stderr sh -c 'exec rm-exec ops >&-'
	[ "$stderr" = 'rm-exec: fatal: descriptor 1 is closed' ]
}

@test "rm-exec refuses root, except behind a local socket" {
	try 100 unshare -Ur rm-exec ops <<<hello
	has "$stderr" '*refusing to run as root*'
	PROTO=UNIX try 0 unshare -Ur rm-exec ops <<<hello
	[ "$output" = ': hello
+ done' ]
}

@test "rm-exec -V says which kernel's walls there are" {
	try 0 rm-exec -V
	[ "${lines[0]}" = 'version 0.1' ]
	has "${lines[1]}" 'landlock @(yes|no)'
	try 111 sh -c 'exec rm-exec -V >/dev/full'
}

@test "rm-exec: completion offers options and folders" {
	# shellcheck source=/dev/null
	. "$RM_TESTS/../completions/rm-exec"
	COMP_WORDS=(rm-exec -) COMP_CWORD=1
	_comp_cmd_rm_exec
	[ "${COMPREPLY[*]}" = '-L -l -p -V' ]
	COMP_WORDS=(rm-exec -l o) COMP_CWORD=2
	_comp_cmd_rm_exec
	[ "${COMPREPLY[*]}" = ops ]
}
