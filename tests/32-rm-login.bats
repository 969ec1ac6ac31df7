#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers
load visit
load evil

# Users of this test; hashes cost time, so the first test of a file makes them.
setup_file() {
	mkdir -p "$BATS_FILE_TMPDIR/users"
	rm-login -s "$BATS_FILE_TMPDIR/users" master <<<master-password
	rm-login -s "$BATS_FILE_TMPDIR/users" bob <<<'bobs password %'
	rm-login -s "$BATS_FILE_TMPDIR/users" eve <<<eves-password
	mkdir "$BATS_FILE_TMPDIR"/users/{bob,eve}/partition
}

setup() {
	common_setup
	cp -a "$BATS_FILE_TMPDIR/users" users
	export TCPREMOTEIP=192.0.2.7
	DENIED='! denied wrong user or password, or the user is blocked'
	RIGHT='login bob bobs%20password%20%25'
}

failures() { cat "users/$1/failures"; }

no_child() { [ -z "$(cat "/proc/$1/task/$1/children")" ]; }

@test "rm-login runs the program in the user's partition, and leaves it the rest of the input" {
	printf '%s\nfirst\nlast' "$RIGHT" >in.txt
	RM_LOGIN_PARTITION=/leaked try 0 rm-login users -- sh -c 'cat; echo; pwd
		env | grep ^RM_LOGIN | sort' <in.txt
	[ "$output" = "+ bob
first
last
$PWD/users/bob/partition
RM_LOGIN_PARTITION=$PWD/users/bob/partition
RM_LOGIN_USER=bob" ]
	[ "$stderr" = 'rm-login: info: 192.0.2.7: bob has logged in' ]
	[ "$(failures bob)" = 0 ]
}

@test "rm-login takes not one byte behind the line" {
	{ echo "$RIGHT"; head -c 60000 /dev/urandom; } >in.txt
	try 0 rm-login users -- sh -c 'tail -c +1 | sha256sum' <in.txt
	[ "${lines[1]}" = "$(tail -c 60000 in.txt | sha256sum)" ]
	# From a pipe, whose bytes cannot be put back.
	mkfifo in
	cat in.txt >in &
	try 0 rm-login users -- sha256sum <in
	[ "${lines[1]}" = "$(tail -c 60000 in.txt | sha256sum)" ]
}

@test "rm-login: master has no partition, and stays where he is" {
	RM_LOGIN_PARTITION=/leaked try 0 rm-login users -- sh -c 'pwd
		env | grep ^RM_LOGIN' <<<'login master master-password'
	[ "$output" = "+ master
$PWD
RM_LOGIN_USER=master" ]
}

@test "rm-login gives the real path of the partition, through the link of a generation" {
	mkdir gen-1
	mv users gen-1/users
	ln -s gen-1 current
	try 0 rm-login current/users -- sh -c 'echo "$RM_LOGIN_PARTITION"' \
		<<<"$RIGHT"
	[ "${lines[1]}" = "$PWD/gen-1/users/bob/partition" ]
}

@test "rm-login says the same to a wrong password, an unknown user and a blocked one" {
	local line
	count_here
	echo 7 >users/eve/failures
	for line in 'login bob wrong-password' 'login nobody wrong-password' \
		'login eve eves-password' 'login eve wrong-password' \
		'login bob short' 'login ../bob wrong-password' \
		'login a2345678901234567 wrong-password' \
		"login bob $(printf '%065d' 0)"; do
		try 1 rm-login -d 0.01 users -- echo in <<<"$line"
		[ "$output" = "$DENIED" ]
	done
	[ "$(counted 3)" = 8 ]
	# Three were bob's own.
	[ "$(failures bob)" = 3 ]
	[ "$(failures eve)" = 7 ]
	[ "$(ls users)" = 'bob
eve
master' ]
}

# cpu LINE: milliseconds of the processors for five attempts
cpu() {
	local TIMEFORMAT='%U %S' i
	{ time for ((i = 0; i < 5; i++)); do
		rm-login -d 0.001 users -- true <<<"$1" >/dev/null 2>&1 || :
	done; } 2>&1 | tr -d . | { read -r u s; echo $((10#$u + 10#$s)); }
}

@test "rm-login does the same work for all of them" {
	local line ms least=1000000 most=0
	echo 7 >users/eve/failures
	for line in 'login master wrong-password' 'login nobody wrong-password' \
		'login eve wrong-password' 'login eve eves-password' \
		'login x short'; do
		ms=$(cpu "$line")
		echo "$ms ms: $line"
		[ "$ms" -ge "$least" ] || least=$ms
		[ "$ms" -le "$most" ] || most=$ms
	done
	# Without a password to look at it would be less than a fifth.
	[ "$most" -lt $((3 * least)) ]
}

@test "rm-login tells no refusal before the time of -d, and lets in at once" {
	local line start
	echo 7 >users/eve/failures
	for line in 'login bob wrong-password' 'login nobody wrong-password' \
		'login eve eves-password'; do
		start=${EPOCHREALTIME/./}
		try 1 rm-login -d 0.7 users -- echo in <<<"$line"
		[ $((${EPOCHREALTIME/./} - start)) -ge 700000 ]
	done
	try 0 rm-login -d 3600 users -- echo in <<<"$RIGHT"
}

@test "rm-login: seven wrong passwords block a user, a right one in between does not let it come to that" {
	local n
	for n in 1 2 3 4 5 6; do
		try 1 rm-login -d 0.001 users -- echo in <<<'login bob wrong-password'
		[ "$(failures bob)" = "$n" ]
	done
	try 0 rm-login users -- echo in <<<"$RIGHT"
	[ "$(failures bob)" = 0 ]
	for n in 1 2 3 4 5 6 7; do
		try 1 rm-login -d 0.001 users -- echo in <<<'login bob wrong-password'
	done
	has "$stderr" '*refused: bob: wrong password; blocked now'
	try 1 rm-login -d 0.001 users -- echo in <<<"$RIGHT"
	[ "$output" = "$DENIED" ]
	[ "$stderr" = 'rm-login: info: 192.0.2.7: refused: bob: blocked' ]
	# The others are not.
	try 0 rm-login users -- echo in <<<'login eve eves-password'
	try 0 rm-login -u users bob
	try 0 rm-login users -- echo in <<<"$RIGHT"
}

@test "rm-login counts on the disk before it answers, and before it looks" {
	# Not even strace may look into its memory, but at its calls.
	strace -f -o trace -e trace=fsync,rename,write,mmap \
		rm-login -d 0.001 users -- true <<<'login bob wrong-password' \
		>/dev/null 2>&1 || :
	# File, rename, folder; then the memory of Argon2; then the answer.
	local order
	order=$(sed -n -e 's/.*fsync(.*= 0$/sync/p' \
		-e 's/.*rename(.*= 0$/rename/p' \
		-e 's/.*mmap(NULL, 19[0-9]\{6\},.*/argon/p' \
		-e 's/.*write(1, .*/answer/p' trace | tr '\n' ' ')
	[ "$order" = 'sync rename sync argon answer ' ] ||
		{ echo "$order" >&2; false; }
	# Who is not there, or is blocked, costs the disk nothing.
	echo 7 >users/eve/failures
	local user
	for user in nobody eve; do
		strace -f -o trace -e trace=fsync,fdatasync,rename,write \
			rm-login -d 0.001 users -- true \
			<<<"login $user wrong-password" >/dev/null 2>&1 || :
		grep -q 'write(1, ' trace
		run ! grep -E 'sync\(|rename\(' trace
	done
}

@test "rm-login: many wrong ones at once are seven tries, and no more" {
	local i pids=()
	for ((i = 0; i < 12; i++)); do
		rm-login -t 60 -d 0.001 users -- touch in \
			<<<'login bob wrong-password' >"answer.$i" 2>>log 3>&- &
		pids+=("$!")
	done
	for i in "${pids[@]}"; do
		wait "$i" || :
	done
	[ "$(cat answer.* | sort -u)" = "$DENIED" ]
	[ "$(grep -c 'wrong password$' log)" = 6 ]
	[ "$(grep -c 'blocked now$' log)" = 1 ]
	[ "$(grep -c 'bob: blocked$' log)" = 5 ]
	[ "$(failures bob)" = 7 ]
	[ ! -e in ]
}

@test "rm-login: many right ones at once all get in" {
	local i pids=()
	for ((i = 0; i < 12; i++)); do
		rm-login -t 60 users -- echo in <<<"$RIGHT" >"answer.$i" 2>>log 3>&- &
		pids+=("$!")
	done
	for i in "${pids[@]}"; do
		wait "$i"
	done
	[ "$(cat answer.* | grep -c '^in$')" = 12 ]
	[ "$(failures bob)" = 0 ]
}

# All turns are taken, as the test says.
no_turns() {
	mkfifo up hold
	exec 8<>hold
	rm-once users/.turns -- sh -c 'echo up >up; read -r _ <hold' 3>&- &
	PIDS+=("$!")
	read -r -t 60 _ <up
}

@test "rm-login waits for a turn, and gets it" {
	no_turns
	visit rm-login users -- echo in
	say "$RIGHT"
	run ! read -r -t 0.3 -u 7
	echo >&8
	hear
	[ "$HEARD" = '+ bob' ]
	ended 0
}

@test "rm-login: who gets no turn in time is told busy, and nothing is counted" {
	no_turns
	local who rc pids=()
	# Time enough for the line, on any machine; both at once.
	for who in bob nobody; do
		rm-login -t 2 users -- echo in <<<"login $who wrong-password" \
			>"answer.$who" 2>>log 3>&- &
		pids+=("$!")
	done
	for who in "${pids[@]}"; do
		rc=0
		wait "$who" || rc=$?
		[ "$rc" -eq 1 ]
	done
	[ "$(cat answer.*)" = "$(printf '%s\n' \
		'! busy too many log-ins at once: try again'{,})" ]
	[ ! -e users/bob/failures ] || [ "$(failures bob)" = 0 ]
}

@test "rm-login: who goes while it waits for a turn takes none" {
	no_turns
	visit rm-login users -- echo in
	say "login bob wrong-password"
	exec 7<&-
	until_true grep -q 'fatal: the peer is gone$' log
	ended 1
	echo >&8
	[ ! -e users/bob/failures ] || [ "$(failures bob)" = 0 ]
}

@test "rm-login answers a line that is no log-in, and ends" {
	local line
	for line in status '' 'login bob' 'login bob a b' $'login\tbob x' \
		'login bob secret%' ' login bob secret12' $'login bob secret\r'; do
		try 1 rm-login users -- echo in <<<"$line"
		has "$output" '! usage *'
		[ "${#lines[@]}" = 1 ]
	done
	try 1 rm-login users -- echo in <<<status
	[ "$output" = '! usage log in first: login USER PASSWORD' ]
	printf 'login bob %0600d\n' 0 >in.txt
	try 1 rm-login users -- echo in <in.txt
	[ "$output" = '! usage line too long' ]
	head -c 1000000 /dev/zero >in.txt
	try 1 rm-login users -- echo in <in.txt
	[ "$output" = '! usage line too long' ]
	try 1 rm-login users -- echo in </dev/null
	[ "$output" = '! usage no log-in came' ]
	# A line without its newline is none.
	printf %s "$RIGHT" >in.txt
	try 1 rm-login users -- echo in <in.txt
	[ "$output" = '! usage no log-in came' ]
	[ ! -e users/bob/failures ] || [ "$(failures bob)" = 0 ]
}

@test "rm-login takes the longest line there can be" {
	local name=a234567890123456 password
	password=$(printf '\377%.0s' {1..64})
	rm-login -s users "$name" <<<"$password"
	mkdir "users/$name/partition"
	try 0 rm-login users -- echo in \
		<<<"login $name $(printf '%%FF%.0s' {1..64})"
	[ "${lines[1]}" = in ]
}

@test "rm-login does not wait for ever for the line" {
	visit rm-login -t 0.3 users -- echo in
	printf 'login bo' >&6
	hear
	[ "$HEARD" = '! denied no log-in came in time' ]
	ended 1
}

@test "rm-login: TERM is the console's last word, HUP the appliance's" {
	visit env --block-signal=TERM --block-signal=HUP \
		rm-login users -- echo in
	until_true grep -q . "/proc/$VISIT/task/$VISIT/children"
	kill -TERM "$VISIT"
	hear
	[ "$HEARD" = "* local console took over" ]
	ended 1
	# While it waits for a turn.
	no_turns
	visit env --block-signal=TERM --block-signal=HUP \
		rm-login users -- echo in
	until_true grep -q . "/proc/$VISIT/task/$VISIT/children"
	say "$RIGHT"
	# Its reader has gone: it has the line.
	until_true no_child "$VISIT"
	kill -HUP "$VISIT"
	hear
	[ "$HEARD" = "* appliance is going down" ]
	ended 1
	echo >&8
	# And before a refusal is told.
	visit env --block-signal=TERM --block-signal=HUP \
		rm-login -d 600 users -- echo in
	say 'login bob wrong-password'
	until_true grep -q 'wrong password' log
	kill -TERM "$VISIT"
	hear
	[ "$HEARD" = "* local console took over" ]
	ended 1
}

@test "rm-login hands on signals as they came" {
	try 0 env --block-signal=TERM --block-signal=HUP \
		rm-login users -- grep SigBlk /proc/self/status <<<"$RIGHT"
	has "${lines[1]}" 'SigBlk:?0000000000004001'
	try 0 rm-login users -- grep SigBlk /proc/self/status <<<"$RIGHT"
	has "${lines[1]}" 'SigBlk:?0000000000000000'
}

@test "rm-login ends when the peer is gone" {
	visit rm-login -t 3600 users -- echo in
	exec 7<&-
	until_true grep -q 'fatal: the peer is gone$' log
	ended 1
	run -1 timeout 20 rm-login users -- touch ran <<<'login bob wrong-password' >&-
	[ ! -e ran ]
}

@test "rm-login tells the listener only of a right password" {
	mkfifo admit
	exec 8<>admit
	RM_ADMIT_FD=8 try 1 rm-login -d 0.01 users -- echo in \
		<<<'login bob wrong-password'
	run ! read -r -t 0 -u 8
	RM_ADMIT_FD=8 try 0 rm-login users -- sh -c \
		'echo "fd ${RM_ADMIT_FD-none}"; [ ! -e /proc/self/fd/8 ]' \
		<<<"$RIGHT"
	[ "${lines[1]}" = "fd none" ]
	[ "$(dd bs=9 count=1 iflag=nonblock <&8 2>/dev/null)" = a ]
	RM_ADMIT_FD=77 try 100 rm-login users -- true <<<"$RIGHT"
	[ "$stderr" = "rm-login: fatal: RM_ADMIT_FD is no descriptor: 77" ]
}

@test "rm-login: clients have places, which go with the last of their heirs" {
	mkdir clients
	mkfifo hold
	exec 8<>hold
	local n
	for n in 1 2; do
		rm-login -c "$PWD/clients" users -- sh -c 'read -r _ <"$1"' \
			sh "$PWD/hold" <<<"$RIGHT" >/dev/null 2>&1 3>&- &
		PIDS+=("$!")
	done
	until_true clients_are 2 bob
	try 0 rm-login -c clients users -- sh -c 'echo "$RM_LOCK_FD"
		ls /proc/self/fd | tr "\n" " "' <<<'login eve eves-password'
	has "${lines[1]}" [1-9]*
	has " ${lines[2]} " "* ${lines[1]} *"
	clients_are 0 eve
	clients_are 2 bob
	kill -KILL "${PIDS[0]}"
	until_true clients_are 1 bob
	echo >&8
	until_true clients_are 0 bob
	# Nobody else has one.
	try 1 rm-login -c clients -d 0.01 users -- true <<<'login nobody 12345678'
	[ "$(ls clients)" = 'bob
eve' ]
	try 111 rm-login -c nowhere users -- echo in <<<"$RIGHT"
	[ "$output" = '! system clients cannot be counted' ]
}

clients_are() {
	[ "$(rm-once -n "clients/$2")" = "$1" ]
}

@test "rm-login limits the memory of the program" {
	[[ $RM_BUILD != *asan* ]] || return 0
	try 0 rm-login users -- sh -c 'ulimit -v' <<<"$RIGHT"
	[ "${lines[1]}" = 1048576 ]
	try 0 rm-login -m 64 users -- sh -c 'ulimit -v; ulimit -Hv' <<<"$RIGHT"
	[ "${lines[1]} ${lines[2]}" = '65536 65536' ]
}

@test "rm-login hands on nothing but 0, 1 and 2" {
	run -0 with_012 timeout 20 rm-login users -- \
		sh -c 'ls /proc/self/fd | tr "\n" " "' <<<"$RIGHT"
	[ "${lines[-1]}" = "0 1 2 3 " ]
}

@test "rm-login: the reader is jailed, has the line in locked memory, and is gone before the program" {
	visit rm-login users -- \
		sh -c 'echo "left:$(cat /proc/$$/task/$$/children)"'
	local pid
	until_true grep -q . "/proc/$VISIT/task/$VISIT/children"
	pid=$(reader_of "$VISIT")
	pid=${pid% }
	until_true grep -q '^Seccomp:.2$' "/proc/$pid/status"
	grep -q '^NoNewPrivs:.1$' "/proc/$pid/status"
	[[ $RM_BUILD == *asan* ]] ||
		grep -q '^VmLck:[^1-9]*[1-9]' "/proc/$pid/status"
	# Nobody looks into either, not even the same user.
	[[ $RM_BUILD == *asan* ]] || [ ! -r "/proc/$pid/environ" ]
	[[ $RM_BUILD == *asan* ]] || [ ! -r "/proc/$VISIT/environ" ]
	grep -q '^Max core file size *0 ' "/proc/$VISIT/limits" ||
		[[ $RM_BUILD == *asan* ]]
	say "$RIGHT"
	hear
	[ "$HEARD" = '+ bob' ]
	hear
	has "$HEARD" 'left:*'
	[[ $HEARD != *"$pid"* ]]
	[ ! -e "/proc/$pid" ]
	ended 0
}

@test "rm-login: the reader does not outlive a killed rm-login" {
	visit rm-login users -- echo in
	until_true grep -q . "/proc/$VISIT/task/$VISIT/children"
	local pid
	pid=$(reader_of "$VISIT")
	kill -KILL "$VISIT"
	ended 137
	until_true test ! -e "/proc/${pid% }"
}

@test "rm-login: a reader that was taken over gets nowhere" {
	evil_reader '+ bob'
	local what
	for what in socket exec kill peer; do
		try_evil "$what" 111 rm-login users -- echo in <<<"$RIGHT"
		[ -z "$output" ]
		[ "$stderr" = "rm-login: fatal: the reader failed" ]
	done
	try_evil nothing 0 rm-login users -- echo in <<<"$RIGHT"
}

@test "rm-login: a password is in no log, no record, no argument and no environment" {
	start_log
	local line n
	for line in "$RIGHT" 'login bob hunter2-wrong' 'login hunter2 hunter2-wrong' \
		'login hunter2' 'login bob hunter2% x'; do
		visit rm-login -d 0.5 users -- sh -c 'env; tr "\0" " " \
			</proc/$$/cmdline; cat'
		say "$line"
		exec 6>&-
		cat <&7 >>said
		wait "$VISIT" || :
		cat log >>logs
	done
	run ! grep -rE 'hunter2|bobs' said logs records
	[ "$(wc -l <logs)" -ge 5 ]
}

@test "rm-login: refused attempts are counted, and recorded once a minute, without waiting for the disk" {
	start_log
	local n
	for n in 1 2 3; do
		try 1 rm-login -d 0.001 users -- true <<<'login bob wrong-password'
		try 1 rm-login -d 0.001 users -- true <<<'login zzz wrong-password'
	done
	[ "$(<records)" = 'relaxed login-failed count=1 user=bob ip=192.0.2.7' ]
	has "$(<run/login.refused)" '5 [1-9]*'
	# A minute later (the file says so) the next one tells of all.
	echo '5 1' >run/login.refused
	TCPREMOTEIP=192.0.2.8 try 1 rm-login -d 0.001 users -- true \
		<<<'login zzz wrong-password'
	[ "$(tail -n 1 records)" = \
		'relaxed login-failed count=6 user=- ip=192.0.2.8' ]
	# And so does one who gets in.
	echo '4 1' >run/login.refused
	try 0 rm-login users -- true <<<"$RIGHT"
	has "$(tail -n 1 records)" 'relaxed login-failed count=4 user=- ip=*'
	try 0 rm-login users -- true <<<"$RIGHT"
	[ "$(wc -l <records)" = 3 ]
}

@test "rm-login: a block is recorded durably, before the answer, and once" {
	start_log
	echo 6 >users/bob/failures
	try 1 rm-login -d 0.001 users -- true <<<'login bob wrong-password'
	[ "$(head -n 1 records)" = 'durable login-blocked user=bob ip=192.0.2.7' ]
	try 1 rm-login -d 0.001 users -- true <<<'login bob wrong-password'
	[ "$(grep -c login-blocked records)" = 1 ]
}

@test "rm-login: a log that does not take it changes nothing, nor does the lack of one" {
	start_log
	: >log-is-full
	try 1 rm-login -d 0.001 users -- true <<<'login bob wrong-password'
	[ "$output" = "$DENIED" ]
	has "$stderr" '*warning: the log at * does not take login-failed*'
	# It is not lost.
	has "$(<run/login.refused)" '1 *'
	try 0 rm-login users -- true <<<"$RIGHT"
	rm run/audit.sock
	try 1 rm-login -d 0.001 users -- true <<<'login bob wrong-password'
	[ "$stderr" = 'rm-login: info: 192.0.2.7: refused: bob: wrong password' ]
	unset TCPREMOTEIP
	try 0 rm-login users -- true <<<"$RIGHT"
	[ "$stderr" = 'rm-login: info: -: bob has logged in' ]
}

@test "rm-login: what is wrong with the appliance is said as that" {
	rmdir users/bob/partition
	try 111 rm-login users -- echo in <<<"$RIGHT"
	[ "$output" = '! system the partition is not there' ]
	chmod 644 users/eve/password
	try 111 rm-login users -- echo in <<<'login eve eves-password'
	[ "$output" = '! system passwords cannot be checked' ]
	echo secret >users/eve/password
	chmod 600 users/eve/password
	try 111 rm-login users -- echo in <<<'login eve eves-password'
	[ "$output" = '! system passwords cannot be checked' ]
	try 111 rm-login nowhere -- echo in <<<"$RIGHT"
	[ "$output" = '! system there are no users' ]
}

@test "rm-login -s sets a password, of nobody halfway" {
	try 0 rm-login -s users amy <<<'amys password'
	[ -z "$output$stderr" ]
	has "$(<users/amy/password)" '$argon2id$v=19$m=19456,t=2,p=1$*'
	[ "$(stat -c %a users/amy users/amy/password)" = '700
600' ]
	[ ! -e users/.amy.new ]
	echo 7 >users/bob/failures
	try 0 rm-login -s users bob <<<'another password'
	[ "$(failures bob)" = 0 ]
	try 0 rm-login users -- true <<<'login bob another%20password'
	local name
	for name in am a2345678901234567 ../amy 'a b' .am.new; do
		try 1 rm-login -s users "$name" <<<'amys password'
		has "$stderr" '*refused: a user is 3 to 16 letters*'
	done
	for name in 1234567 "$(printf '%065d' 0)"; do
		try 1 rm-login -s users kim <<<"$name"
		has "$stderr" '*a password 8 to 64 bytes'
		[[ $stderr != *"$name"* ]]
	done
	try 1 rm-login -s users kim </dev/null
	printf '%0200d\n' 0 >long
	try 1 rm-login -s users kim <long
	has "$stderr" '*no password: a line of 8 to 64 bytes*'
	try 111 rm-login -s nowhere kim <<<12345678
	[ ! -e users/kim ]
}

@test "rm-login -s of a user who is being made" {
	mkdir -p users/.kim.new/partition/tokens
	rm-login -s users .kim.new <<<kims-password
	try 1 rm-login -d 0.01 users -- true <<<'login kim kims-password'
	mv -T users/.kim.new users/kim
	try 0 rm-login users -- true <<<'login kim kims-password'
	try 111 rm-login -s users .joe.new <<<joes-password
}

# A person at a terminal, who types into descriptor 5.
start_typing() {
	mkfifo keys
	env --default-signal=INT,QUIT script -qfec "$*" typescript <keys 3>&- \
		>/dev/null 2>&1 &
	SCRIPT_PID=$!
	PIDS+=("$SCRIPT_PID")
	exec 5>keys
}

@test "rm-login -s at a terminal asks twice, without echo" {
	start_typing 'rm-login -s users kim; echo status=$?
		rm-login -s users joe; echo status=$?'
	until_true grep -q 'New password of user kim: ' typescript
	echo 'kims password' >&5
	until_true grep -q 'The same again for kim: ' typescript
	echo 'kims password' >&5
	until_true grep -q 'New password of user joe: ' typescript
	echo 'joes password' >&5
	until_true grep -q 'The same again for joe: ' typescript
	echo 'joes passwort' >&5
	wait "$SCRIPT_PID"
	exec 5>&-
	grep -q 'status=0' typescript
	grep -q 'refused: these are two different passwords' typescript
	grep -q 'status=1' typescript
	run ! grep -E 'kims p|joes p' typescript
	mkdir users/kim/partition
	try 0 rm-login users -- true <<<'login kim kims%20password'
	[ ! -e users/joe ]
}

@test "rm-login -u tells what it found, and refuses who is not there" {
	try 0 rm-login -u users bob
	[ "$output" = 'user bob is not blocked: nothing to do' ]
	echo 2 >users/bob/failures
	try 0 rm-login -u users bob
	[ "$output" = 'user bob was not blocked; wrong passwords forgotten: 2' ]
	echo torn >users/bob/failures
	try 0 rm-login -u users bob
	[ "$output" = 'user bob was blocked and is not any more' ]
	[ "$(failures bob)" = 0 ]
	try 1 rm-login -u users nobody
	[ "$stderr" = 'rm-login: fatal: refused: there is no user nobody' ]
	try 1 rm-login -u users ../bob
	try 111 sh -c 'rm-login -u users bob >/dev/full'
}

@test "rm-login refuses to be root" {
	try 100 unshare -r rm-login users -- touch ran <<<"$RIGHT"
	has "$stderr" 'rm-login: fatal: refusing to run as root: *'
	[ ! -e ran ]
}

@test "rm-login: bad command lines are usage errors, as the page has them" {
	local synopsis
	synopsis=$(mandoc -T ascii "$RM_TESTS/../man/rm-login.8" | col -b |
		sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' | sed '1d;$d' | xargs)
	try 100 rm-login
	[ "$(xargs <<<"$stderr")" = "usage: $synopsis" ]
	try 100 rm-login users
	try 100 rm-login users --
	try 100 rm-login -x users true
	try 100 rm-login -s users
	try 100 rm-login -s users bob more
	try 100 rm-login -s -u users bob
	try 100 rm-login -u -t 1 users bob
	try 100 rm-login -t soon users true
	[ "$stderr" = 'rm-login: fatal: bad number of seconds: soon' ]
	try 100 rm-login -d -1 users true
	try 100 rm-login -m 0 users true
	[ "$stderr" = 'rm-login: fatal: bad number of MiB: 0' ]
	local opt
	for opt in c d m t; do
		try 100 rm-login "-$opt" 20 "-$opt" 20 users true
		[ "$stderr" = "rm-login: fatal: -$opt is given twice" ]
	done
}

@test "rm-login: a program that cannot be run or found" {
	try 127 rm-login users -- ./nowhere <<<"$RIGHT"
	[ "$output" = '+ bob' ]
	has "$stderr" '*unable to run ./nowhere: No such file or directory'
	try 126 rm-login users -- . <<<"$RIGHT"
	try 3 rm-login users sh -c 'exit 3' <<<"$RIGHT"
}

@test "rm-login: completion offers options and folders" {
	# shellcheck source=/dev/null
	. "$RM_TESTS/../completions/rm-login"
	COMP_WORDS=(rm-login -) COMP_CWORD=1
	_comp_cmd_rm_login
	[ "${COMPREPLY[*]}" = '-c -d -m -s -t -u --' ]
	COMP_WORDS=(rm-login -s us) COMP_CWORD=2
	_comp_cmd_rm_login
	[ "${COMPREPLY[*]}" = users ]
}
