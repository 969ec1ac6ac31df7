#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers

append() {
	local line
	for line; do
		echo "$line"
	done | rm-audit append log
}

# Three records, the second with spelled bytes.
three() {
	append 'durable boot number=1' 'relaxed note text=a%20b%0Ac' \
		'durable boot number=2' >/dev/null
}

@test "rm-audit append answers with number and hash, and verify agrees" {
	run -0 append 'durable boot number=1' 'relaxed boot number=2'
	has "${lines[0]}" '+ 1 *'
	has "${lines[1]}" '+ 2 *'
	local hash=${lines[1]##* }
	try 0 rm-audit verify log
	[ "$output" = "2 records, head $hash" ]
	[ "$(stat -c %a log)" = 600 ]
	try 0 sh -c 'rm-audit verify <log'
}

@test "rm-audit: b2sum is a foreign verifier of the chain" {
	three
	local n prev
	for n in 1 2; do
		prev=$(sed -n "$((n + 1))s/.* prev=//p" log)
		[ "$(sed -n "${n}p" log | b2sum -l 256 | cut -d' ' -f1)" = "$prev" ]
	done
}

@test "rm-audit verify names the first record in which a byte was changed" {
	three
	local from to
	while read -r from to; do
		sed "2s/$from/$to/" log >bad
		run ! cmp -s log bad
		try 1 rm-audit verify bad
		# In the record itself if its form is hurt, in the next if not.
		has "$stderr" 'rm-audit: fatal: record [23] is bad: *'
		[ -z "$output" ]
	done <<-'CHANGES'
	^2 4
	T T1
	Z. Zx
	note mote
	text= tex=
	a%20b a%20c
	%0A %0a
	prev=. prev=x
	$ x
	CHANGES
}

@test "rm-audit verify sees records that are gone, doubled or exchanged" {
	three
	local edit
	for edit in 1d 2d '2p' '2{h;d};3{G}' ; do
		sed "$edit" log >bad
		try 1 rm-audit verify bad
		has "$stderr" 'rm-audit: fatal: record * is bad: *'
	done
}

@test "rm-audit verify sees a shortened log when it knows a later record" {
	three
	local hash
	hash=$(sed -n 3p log | b2sum -l 256 | cut -d' ' -f1)
	try 0 rm-audit verify -H "3:$hash" log
	sed -n 1,2p log >short
	try 0 rm-audit verify short
	try 1 rm-audit verify -H "3:$hash" short
	has "$stderr" '*the log is shortened: it ends with record 2, and 3 was seen'
	try 1 rm-audit verify -H "2:$hash" log
	try 100 rm-audit verify -H 3 log
}

@test "rm-audit append removes a torn record and says so" {
	three
	printf '4 2026-11-23T12:00' >>log
	try 0 rm-audit verify log
	has "$stderr" '*18 bytes of a torn record behind record 3'
	append 'durable boot number=3' >/dev/null
	try 0 rm-audit verify log
	[ -z "$stderr" ]
	has "$(sed -n 4p log)" '4 * torn bytes=18 *'
	has "$(sed -n 5p log)" '5 * boot number=3 *'
}

@test "rm-audit append refuses to go on behind what is no record" {
	three
	echo junk >>log
	run -0 append 'durable boot number=3'
	[ "$output" = "! system the log does not end with a record" ]
	[ "$(tail -n 1 log)" = junk ]
}

@test "rm-audit append takes one spelling, and no lies about the sender" {
	local line
	for line in 'boot number=1' 'durable' 'durable ' 'durable Boot' \
		'durable boot x' 'durable boot x=%41' 'durable boot x=1 ' \
		'durable boot uid=0' 'durable boot pid=1' 'durable boot prev=1' \
		'lasting boot x=1'; do
		run -0 append "$line"
		has "$output" '! usage *'
	done
	[ ! -s log ]
}

@test "rm-audit append: who sent it is what the kernel says" {
	socat UNIX-LISTEN:sock,fork EXEC:'rm-audit append log',nofork 3>&- &
	PIDS+=("$!")
	until_true test -S sock
	run -0 sh -c 'echo "durable boot number=1" | socat -t 60 - UNIX-CONNECT:sock'
	has "$output" '+ 1 *'
	has "$(cat log)" "1 * boot number=1 uid=$(id -u) pid=* prev=*"
}

@test "rm-audit append: many at once make one chain" {
	local i
	for i in 1 2 3 4; do
		seq 50 | sed "s/.*/durable boot writer=$i number=&/" |
			rm-audit append log >/dev/null &
	done
	wait
	try 0 rm-audit verify log
	has "$output" '200 records, head *'
}

@test "rm-audit append behind rm-listen: two clients at once, one chain" {
	listen rm-listen -R 4 -u sock -- rm-audit append log
	local i
	for i in 1 2; do
		seq 100 | sed "s/.*/durable boot writer=$i number=&/" |
			timeout 60 socat -t 20 - UNIX-CONNECT:sock >"answers$i" \
			3>&- &
		PIDS+=("$!")
	done
	wait "${PIDS[1]}" "${PIDS[2]}"
	[ "$(grep -c '^+ ' answers1)" = 100 ]
	[ "$(grep -c '^+ ' answers2)" = 100 ]
	try 0 rm-audit verify log
	has "$output" '200 records, head *'
	# What was answered is what is there.
	local number hash
	read -r _ number hash <answers1
	try 0 rm-audit verify -H "$number:$hash" log
}

@test "rm-audit: a line that is too long is refused, however it comes in" {
	local size
	for size in 16400 300000; do
		rm -f log
		run -0 sh -c "(printf 'durable boot x='
			head -c $size /dev/zero | tr '\\0' a; echo
			echo durable boot) | rm-audit append log"
		[ "$output" = '! usage line too long' ]
		[ ! -s log ]
		# One that stands behind a chain is not taken for a torn write.
		three
		(head -c "$size" /dev/zero | tr '\0' a; echo) >>log
		try 1 rm-audit verify log
		has "$stderr" '*record 4 is bad: line too long'
	done
}

@test "rm-audit append leaves nothing of a record that does not fit the disk" {
	three
	cp log before
	try 0 sh -c 'ulimit -f 1; trap "" XFSZ
		head -c 1100 /dev/zero | tr "\0" a | sed "s/^/durable boot x=/;s/$/\n/" |
		rm-audit append log'
	[ "$output" = "! system the log cannot be written" ]
	cmp log before
	try 0 rm-audit verify log
}

@test "rm-audit append writes the boot number, and where the log ends" {
	echo 7 >boot
	run -0 sh -c 'echo "durable arm" | rm-audit append -b boot -H head log'
	has "$(cat log)" '1 * 7 arm prev=*'
	[ "+ $(cat head)" = "$output" ]
}

@test "rm-audit append: durable is on disk before the answer, relaxed does not wait" {
	append 'relaxed boot' >/dev/null
	ASAN_OPTIONS=detect_leaks=0 try 0 sh -c "echo 'durable arm' |
		strace -o trace -e trace=pwrite64,fsync,write rm-audit append log"
	has "$(cut -d'(' -f1 trace | tr '\n' ' ')" 'pwrite64 fsync write *'
	ASAN_OPTIONS=detect_leaks=0 try 0 sh -c "echo 'relaxed arm' |
		strace -o trace -e trace=pwrite64,fsync,write rm-audit append log"
	has "$(cut -d'(' -f1 trace | tr '\n' ' ')" 'pwrite64 write *'
	# A disk that does not take it is not hidden from who waits for it.
	ASAN_OPTIONS=detect_leaks=0 try 0 sh -c "echo 'durable arm' |
		strace -o trace -e inject=fsync:error=EIO rm-audit append log"
	[ "$output" = '! system the log cannot be synced' ]
}

@test "rm-audit append writes the time in UTC, whatever the zone" {
	local before after stamp
	before=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	TZ=XXX-9 append 'relaxed boot' >/dev/null
	after=$(date -u +%Y-%m-%dT%H:%M:%SZ)
	read -r _ stamp _ <log
	[[ ! $stamp < $before && ! $stamp > $after ]]
}

@test "rm-audit verify checks the signatures of cards" {
	local key sig keyid
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out k
	openssl pkey -in k -pubout -outform DER -out k.der
	keyid=$(sha256sum <k.der | cut -d' ' -f1)
	printf 'rm-session 1\nmanager bob\nsigner %s\n' "$keyid" >text
	sig=$(openssl dgst -sha256 -sign k text | base64 -w0)
	key=$(base64 -w0 k.der)
	local spelled="rm-session%201%0Amanager%20bob%0Asigner%20$keyid%0A"
	append "durable vote custodian=bob text=$spelled alg=ecdsa-sha256 sig=$sig key=$key" >/dev/null
	try 0 rm-audit verify log
	rm log
	append "durable vote custodian=bob text=${spelled/bob/eve} alg=ecdsa-sha256 sig=$sig key=$key" >/dev/null
	try 1 rm-audit verify log
	has "$stderr" '*record 1 is bad: its signature does not verify'
	rm log
	append "durable vote text=$spelled alg=rsa-pkcs1-sha256 sig=$sig key=$key" >/dev/null
	try 1 rm-audit verify log
	rm log
	append "durable vote text=$spelled sig=$sig key=$key" >/dev/null
	try 1 rm-audit verify log
	# Truly signed, but the text says that another key did it.
	rm log
	sed "s/$keyid/${keyid//[0-9]/0}/" text >other
	sig=$(openssl dgst -sha256 -sign k other | base64 -w0)
	append "durable vote text=${spelled/$keyid/${keyid//[0-9]/0}} alg=ecdsa-sha256 sig=$sig key=$key" >/dev/null
	try 1 rm-audit verify log
	has "$stderr" '*record 1 is bad: its text names another signer'
	# A vote cannot do without.
	rm log
	append "durable vote custodian=bob text=$spelled" >/dev/null
	try 1 rm-audit verify log
	has "$stderr" '*record 1 is bad: a vote has no sig'
}

@test "rm-audit show prints what a person reads, and nothing else" {
	append 'durable vote text=rm-session%201%0Asigner%20x%0A by=%1B[31m' >/dev/null
	try 0 rm-audit show log
	[ "${lines[1]}" = '    text:' ]
	[ "${lines[2]}" = '        rm-session 1' ]
	[ "${lines[3]}" = '        signer x' ]
	[ "${lines[4]}" = '    by: ?[31m' ]
}

@test "rm-audit unfinished names what was begun and has no end" {
	append 'durable begin operation=a generation=1' \
		'durable end of=1 operation=a result=done' \
		'durable begin operation=b generation=1' \
		'durable read operation=status result=done' \
		'durable begin operation=c generation=2' \
		'durable cut of=5 operation=c result=x' \
		'durable begin operation=d' \
		'durable interrupted of=7 operation=d from=2 to=2' \
		'durable begin operation=e%20f generation=../x' >/dev/null
	try 0 rm-audit unfinished log
	[ "$output" = '3 b 1 2
9 - - -' ]
	append 'durable end of=3 operation=b result=done' \
		'durable end of=9 operation=x result=done' >/dev/null
	try 0 rm-audit unfinished log
	[ -z "$output" ]
	# No more than it can hold, and it says so.
	yes 'relaxed begin operation=x generation=1' | head -n 65 |
		rm-audit append log >/dev/null
	try 0 rm-audit unfinished <log
	[ "${#lines[@]}" = 64 ]
	has "$stderr" '*record 12 is left out*'
}

# with_lock LINE ...: appended by the one that knows the operation lock.
with_lock() {
	printf '%s\n' "$@" | timeout 60 rm-audit append -o lock log
}

# lock_holds, lock_gone: somebody has it; nobody has it any more.
lock_holds() {
	mkfifo hold
	rm-once lock -- sh -c 'read -r _ <hold' 3>&- &
	PIDS+=("$!")
	exec 9<>hold
	until_true [ -s lock.holder ]
}

lock_gone() {
	echo >&9
	wait "${PIDS[-1]}"
	exec 9>&-
	rm hold lock.holder
}

names() {
	cut -d' ' -f4 log | tr '\n' ' '
}

@test "rm-audit append -o: who was killed is told before the next record, once" {
	ln -s gen-3 state/current
	with_lock 'durable begin operation=a generation=2' >/dev/null
	[ "$(names)" = 'begin ' ]
	# By another appender, as after a restart; it has no file to go by.
	[ "$(find . -name 'lock*')" = '' ]
	run -0 with_lock 'relaxed note' 'relaxed note'
	has "${lines[0]}" '+ 3 *'
	[ "$(names)" = 'begin interrupted note note ' ]
	has "$(sed -n 2p log)" \
		'2 * interrupted of=1 operation=a from=2 to=3 prev=*'
	[ -z "$(rm-audit unfinished log)" ]
	# One that is about to be erased with the rest became nothing.
	with_lock 'durable begin operation=b generation=3' >/dev/null
	: >state/factory-reset
	with_lock 'relaxed note' >/dev/null
	has "$(sed -n 6p log)" \
		'6 * interrupted of=5 operation=b from=3 to=- prev=*'
	try 0 rm-audit verify log
	# Who does not know the lock says nothing.
	append 'durable begin operation=c' 'relaxed note' >/dev/null
	[ "$(names)" = \
		'begin interrupted note note begin interrupted note begin note ' ]
}

@test "rm-audit append -o: nothing is said while the lock is held, and nobody waits for it" {
	lock_holds
	with_lock 'durable begin operation=a generation=2' 'relaxed note' \
		'relaxed note' >/dev/null
	[ "$(cat lock.begun)" = '1 a 2' ]
	with_lock 'durable end of=1 operation=a result=done' \
		'relaxed note' >/dev/null
	[ "$(names)" = 'begin note note end note ' ]
	[ ! -e lock.begun ]
	lock_gone
	with_lock 'relaxed note' >/dev/null
	[ "$(names)" = 'begin note note end note note ' ]
}

@test "rm-audit append -o: one that is long ago is told when the lock is free, or another's" {
	local next
	for next in note begin read; do
		rm -f log
		lock_holds
		with_lock 'durable begin operation=a generation=2' \
			'relaxed note' >/dev/null
		with_lock 'relaxed note' >/dev/null
		[ "$next" != note ] || lock_gone
		with_lock "durable $next operation=b generation=2" >/dev/null
		[ "$(names)" = "begin note note interrupted $next " ]
		[ "$next" = note ] || lock_gone
		# Killed before it could take its file away: not again.
		echo '1 a 2' >lock.begun
		sed -i '$d' log
		with_lock 'relaxed note' >/dev/null
		[ "$(names)" = "begin note note interrupted note " ]
		[ ! -e lock.begun ]
		rm-audit verify log
	done
	# A boot tells of several, in order, and none of them twice.
	rm log
	append 'durable begin operation=a' 'relaxed note' \
		'durable begin operation=b' >/dev/null
	with_lock 'durable interrupted of=1 operation=a from=1 to=1' \
		'durable interrupted of=3 operation=b from=1 to=1' >/dev/null
	[ "$(names)" = 'begin note begin interrupted interrupted ' ]
}

@test "rm-audit append -o: a file that is not ours to read is no reason to stop" {
	local junk
	for junk in '' junk '1 a' '0 a 1' '-1 a 1' '1 ../x ../y'; do
		rm -f log
		echo "$junk" >lock.begun
		with_lock 'relaxed note' >/dev/null
		case $junk in
		1*y) has "$(head -n 1 log)" \
			'1 * interrupted of=1 operation=- from=- to=- *' ;;
		*) [ "$(names)" = 'note ' ] ;;
		esac
	done
	rm -f log lock.begun
	mkdir lock.begun
	lock_holds
	run -0 --separate-stderr with_lock 'durable begin operation=a' \
		'relaxed note'
	[ "$(names)" = 'begin note ' ]
	has "$stderr" '*unable to write lock.begun*'
	lock_gone
}

@test "rm-audit: a long log is read in a stream" {
	awk 'BEGIN { for (i = 0; i < 20000; i++) print "relaxed boot number=" i }' |
		rm-audit append log >/dev/null
	try 0 rm-audit verify log
	has "$output" '20000 records, *'
}

@test "rm-audit: bad command lines, logs that are not there" {
	try 100 rm-audit
	has "$stderr" 'usage: rm-audit append *'
	try 100 rm-audit append
	try 100 rm-audit wonder
	try 100 rm-audit append -b a -b b log
	try 100 rm-audit append -o a -o b log
	try 100 rm-audit verify -o a log
	try 100 rm-audit show -H 1:2 log
	try 111 rm-audit verify nowhere
	[ "$stderr" = 'rm-audit: fatal: unable to open nowhere: No such file or directory' ]
	ln -s log link
	three
	try 111 rm-audit append link
	try 111 sh -c 'rm-audit show log >/dev/full'
}
