#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
load helpers
load visit
load evil

# The signer is foreign: openssl and coreutils write and sign the texts.  The
# other links are socat and sh, and the facts are set by hand.

digits() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# make_key NAME TYPE...: NAME.key, NAME.pem, NAME.id in KEYS
make_key() {
	local key=$KEYS/$1
	shift
	openssl genpkey -quiet -algorithm "$@" -out "$key.key"
	openssl pkey -in "$key.key" -pubout -out "$key.pem"
	openssl pkey -pubin -in "$key.pem" -outform DER | sha256sum |
		cut -c -64 >"$key.id"
}

setup_file() {
	export KEYS=$BATS_FILE_TMPDIR
	local who
	for who in alice alice2 bob carol mallory; do
		make_key "$who" ec -pkeyopt ec_paramgen_curve:P-256
	done
	make_key p384 ec -pkeyopt ec_paramgen_curve:P-384
	make_key rsa rsa -pkeyopt rsa_keygen_bits:2048
	make_key ed25519 ed25519
}

setup() {
	common_setup
	digits 32 >state/appliance
	digits 16 >run/console/armed
	echo 'session 2' >state/policy
	RM_TLS_EXPORTER=$(digits 32)
	export RM_TLS_EXPORTER TCPREMOTEIP=192.0.2.7
	enrol alice
	enrol bob
	enrol carol
	start_log
}

# enrol PERSON [KEY]
enrol() {
	local key=${2:-$1}
	mkdir -p "state/custodians/$1"
	cp "$KEYS/$key.pem" "state/custodians/$1/$(<"$KEYS/$key.id").pem"
}

rules() {
	local f
	{
		cat state/policy
		for f in state/custodians/*/*.pem; do
			f=${f#state/custodians/}
			f=${f%.pem}
			echo "${f%/*} ${f#*/}"
		done | LC_ALL=C sort
	} | sha256sum | cut -c -64
}

# statement MANAGER KEY: a test can replace each value that is in force
statement() {
	printf '%s\n' 'rm-session 1' \
		"appliance ${APPLIANCE:-$(<state/appliance)}" \
		"arming ${ARMING:-$(<run/console/armed)}" \
		"rules ${RULES:-$(rules)}" \
		"channel ${CHANNEL:-$RM_TLS_EXPORTER}" \
		"manager ${MANAGER:-$1}" "signer ${SIGNER:-$(<"$KEYS/$2.id")}"
}

# vote MANAGER KEY: prints the line; ALG replaces the word
vote() {
	local alg=ecdsa-sha256 sign=(dgst -sha256 -sign "$KEYS/$2.key" -out sig)
	statement "$1" "$2" >text
	case $2 in
	p384) alg=ecdsa-sha384 sign[1]=-sha384 ;;
	rsa) alg=rsa-pkcs1-sha256 ;;
	ed25519) alg=ed25519
		sign=(pkeyutl -sign -rawin -inkey "$KEYS/$2.key" -out sig -in) ;;
	esac
	openssl "${sign[@]}" text
	echo "present $1 $(<"$KEYS/$2.id") ${ALG:-$alg} $(base64 -w 0 sig)"
}

# greeted COMMAND...: a visit, and its greeting in HEARD
greeted() {
	visit "$@"
	hear
}

@test "rm-auth greets with what a vote has to be over" {
	echo '17 '"$RM_TLS_EXPORTER" >run/audit.head
	try 1 rm-auth session -- false </dev/null
	[ "${lines[0]}" = "rm/1 $(<state/appliance) ready arming=$(<run/console/armed) rules=$(rules) log=17:$RM_TLS_EXPORTER" ]
	rm run/audit.head
	try 1 rm-auth session -- false </dev/null
	has "${lines[0]}" "* log=0:$(printf '%064d' 0)"
}

@test "rm-auth runs the program when the quorum is complete, and leaves it the rest of the input" {
	{ vote bob alice; vote bob bob; echo status; echo; } >in.txt
	try 0 rm-auth session -- sh -c 'env | grep ^RM_AUTH_ | sort; cat' <in.txt
	[ "${lines[1]}" = "+ 1 of 2 for bob: alice" ]
	[ "${lines[2]}" = "+ 2 of 2 for bob: alice, bob" ]
	[ "${lines[3]}" = "RM_AUTH_CUSTODIANS=alice,bob" ]
	[ "${lines[4]}" = "RM_AUTH_MANAGER=bob" ]
	[ "${lines[5]}" = "RM_AUTH_OPERATION=session" ]
	has "${lines[6]}" "RM_AUTH_SINCE=20??-??-??T??:??:??Z"
	[ "${lines[7]}" = "status" ]
}

@test "rm-auth takes not one byte behind the last vote" {
	{ vote bob alice; vote bob bob; printf 'first\nlast'; } >in.txt
	mkfifo in
	cat in.txt >in &
	try 0 rm-auth session -- cat <in
	[ "${lines[3]}" = first ]
	[ "${lines[4]}" = last ]
}

@test "rm-auth: one custodian is enough where the policy says 1" {
	count_here
	echo 'session 1' >state/policy
	vote alice alice >in.txt
	try 0 rm-auth session true <in.txt
	[ "${lines[1]}" = "+ 1 of 1 for alice: alice" ]
	# A session more, and nobody refused.
	[ "$(counted 2) $(counted 3)" = '1 0' ]
}

@test "rm-auth verifies P-256, P-384, RSA and Ed25519" {
	echo 'session 4' >state/policy
	enrol dora p384
	enrol emil rsa
	enrol fred ed25519
	{ vote dora p384; vote dora rsa; vote dora ed25519
		vote dora alice; } >in.txt
	try 0 rm-auth session -- true <in.txt
	[ "${lines[4]}" = "+ 4 of 4 for dora: alice, dora, emil, fred" ]
}

@test "rm-auth counts people, not cards" {
	enrol alice alice2
	{ vote alice alice; vote alice alice2; vote alice alice
		vote alice bob; } >in.txt
	try 0 rm-auth session -- true <in.txt
	[ "${lines[1]}" = "+ 1 of 2 for alice: alice" ]
	[ "${lines[2]}" = "+ 1 of 2 for alice: alice" ]
	[ "${lines[3]}" = "+ 1 of 2 for alice: alice" ]
	[ "${lines[4]}" = "+ 2 of 2 for alice: alice, bob" ]
	[ "$(wc -l <records)" = 2 ]
}

@test "rm-auth: the manager has to be one of those who voted" {
	{ vote bob alice; vote bob carol; vote bob bob; } >in.txt
	try 0 rm-auth session -- sh -c 'echo "$RM_AUTH_CUSTODIANS"' <in.txt
	[ "${lines[1]}" = "+ 1 of 2 for bob: alice" ]
	[ "${lines[2]}" = "+ 1 of 2 for bob: alice, carol; still wanted: bob" ]
	[ "${lines[3]}" = "+ 2 of 2 for bob: alice, bob, carol" ]
	[ "${lines[4]}" = "alice,bob,carol" ]
}

@test "rm-auth refuses a second manager on one connection, and goes on" {
	{ vote bob alice; vote carol carol; vote bob bob; } >in.txt
	try 0 rm-auth session -- true <in.txt
	[ "${lines[2]}" = "! denied the votes before this one were for bob" ]
	[ "${lines[3]}" = "+ 2 of 2 for bob: alice, bob" ]
}

@test "rm-auth: who is not enrolled is told so, and may go on" {
	{ vote bob mallory; vote eve alice; vote bob alice; vote bob bob
	} >in.txt
	try 0 rm-auth session -- true <in.txt
	[ "${lines[1]}" = "! not-enrolled no custodian has the key $(<"$KEYS/mallory.id")" ]
	[ "${lines[2]}" = "! not-enrolled no custodian is named eve" ]
	[ "${lines[4]}" = "+ 2 of 2 for bob: alice, bob" ]
}

@test "rm-auth: strangers who are refused are counted, and recorded once a minute" {
	vote eve alice >stranger
	# Who looks, and goes again, is none: rmctl restart --wait does.
	try 1 rm-auth session -- true </dev/null
	[ ! -s records ]
	for _ in 1 2 3; do
		try 1 rm-auth session -- true <stranger
	done
	[ "$(<records)" = 'relaxed refused count=1 ip=192.0.2.7' ]
	has "$(<run/remote.refused)" '2 [1-9]*'
	# Of who has signed there is a record.
	try 1 rm-auth session -- true < <(vote bob bob; cat stranger)
	has "$(tail -n 1 records)" 'durable vote custodian=bob *'
	has "$(<run/remote.refused)" '2 [1-9]*'
	echo '4 1' >run/remote.refused
	TCPREMOTEIP=192.0.2.8 try 1 rm-auth session -- true <stranger
	[ "$(tail -n 1 records)" = 'relaxed refused count=5 ip=192.0.2.8' ]
}

@test "rm-auth: a vote made for anything else is denied" {
	local other
	other=$(digits 32)
	echo 'session 1' >state/policy
	{
		APPLIANCE=$other vote bob bob
		ARMING=${other:32} vote bob bob
		RULES=$other vote bob bob
		CHANNEL=$other vote bob bob
		MANAGER=alice vote bob bob
		SIGNER=$other vote bob bob
	} >in.txt
	try 1 rm-auth session -- echo in <in.txt
	local i
	for i in 1 2 3 4 5 6; do
		[ "${lines[$i]}" = "! denied the signature does not verify for this appliance, arming, policy, connection and manager" ]
	done
	has "${lines[7]}" '! quorum-incomplete 0 of 1; *'
	[ "$(<records)" = 'relaxed refused count=1 ip=192.0.2.7' ]
}

@test "rm-auth: a signature by another's key is denied" {
	echo 'session 1' >state/policy
	SIGNER=$(<"$KEYS/bob.id") vote bob alice |
		sed "s/$(<"$KEYS/alice.id")/$(<"$KEYS/bob.id")/" >in.txt
	try 1 rm-auth session -- echo in <in.txt
	has "${lines[1]}" '! denied *'
}

@test "rm-auth: the key fixes the algorithm" {
	echo 'session 1' >state/policy
	ALG=ecdsa-sha384 vote bob bob >in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! denied the enrolled key signs with ecdsa-sha256" ]
}

@test "rm-auth: a file whose name is not its key's is not used" {
	echo 'session 1' >state/policy
	local id
	id=$(<"$KEYS/bob.id")
	cp "$KEYS/mallory.pem" "state/custodians/bob/$id.pem"
	SIGNER=$id vote bob mallory |
		sed "s/$(<"$KEYS/mallory.id")/$id/" >in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! system the enrolled key of bob cannot be used" ]
}

@test "rm-auth answers every line that is no vote, and goes on" {
	{
		echo status
		echo 'present bob'
		printf 'present\tbob\n'
		printf '%5000s\n' ' ' | tr ' ' a
		echo
		vote bob alice
		vote bob bob
	} >in.txt
	try 0 rm-auth session -- true <in.txt
	[ "${lines[1]}" = "! usage votes come first: present MANAGER KEYID ALG SIGNATURE" ]
	[ "${lines[2]}" = "! usage a vote is: present MANAGER KEYID ALG SIGNATURE" ]
	[ "${lines[3]}" = "! usage line is not printable ASCII" ]
	[ "${lines[4]}" = "! usage line too long" ]
	[ "${lines[6]}" = "+ 2 of 2 for bob: alice, bob" ]
}

@test "rm-auth never runs a last vote without its newline" {
	echo 'session 1' >state/policy
	printf %s "$(vote bob bob)" >in.txt
	try 1 rm-auth session -- echo in <in.txt
	has "${lines[1]}" '! quorum-incomplete 0 of 1; no more votes came'
}

held() { run timeout 60 rm-once -q "$1"; [ "$status" -eq 1 ]; }

@test "rm-auth writes down who has signed, for as long as it waits for more" {
	greeted rm-auth session -- cat
	say "$(vote bob mallory)"
	hear
	has "$HEARD" '! not-enrolled *'
	# A stranger leaves nothing.
	[ ! -e run/quorum.1 ]
	say "$(vote bob alice)"
	hear
	until_true [ -s run/quorum.1 ]
	held run/quorum.1
	[ "$(<run/quorum.1)" = "have 1
want 2
manager bob
custodians alice
ip 192.0.2.7" ]
	# The next one finds another place.
	vote carol carol >in2.txt
	mkfifo hold
	{ cat in2.txt; cat hold; } | rm-auth session -- cat >out2 2>&1 3>&- &
	PIDS+=("$!")
	until_true [ -s run/quorum.2 ]
	grep -qx 'custodians carol' run/quorum.2
	: >hold
	# Complete: the session is no quorum on its way.
	say "$(vote bob bob)"
	hear
	say ready
	hear
	[ "$HEARD" = ready ]
	run -0 timeout 60 rm-once -q run/quorum.1
}

@test "rm-auth says how far it was when the input ends" {
	count_here
	vote bob alice >in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[2]}" = "! quorum-incomplete 1 of 2 for bob: alice; no more votes came" ]
	[ ${#lines[@]} = 3 ]
	has "$stderr" '*rm-auth: fatal: 192.0.2.7: refused: 1 of 2 for bob: alice; no more votes came'
	[ "$(counted 2) $(counted 3)" = '0 1' ]
}

@test "rm-auth does not wait for ever for the first valid vote" {
	greeted rm-auth -t 3 session -- echo in
	say "present bob $(<"$KEYS/bob.id") ecdsa-sha256 AAAA"
	hear
	has "$HEARD" '! denied *'
	hear
	[ "$HEARD" = "! quorum-incomplete 0 of 2; no valid vote in time" ]
	ended 1
}

@test "rm-auth waits for each further vote as long as a person needs" {
	vote bob alice >in.txt
	greeted rm-auth -t 3 -T 60 session -- echo in
	say "$(<in.txt)"
	hear
	[ "$HEARD" = "+ 1 of 2 for bob: alice" ]
	# The first limit is none any more: nothing is said while it passes.
	run -142 read -r -t 3.2 -u 7
	exec 6>&-
	hear
	has "$HEARD" '! quorum-incomplete 1 of 2 for bob: alice; no more *'
	ended 1
}

@test "rm-auth does not wait for ever for a further vote" {
	greeted rm-auth -T 1 session -- echo in
	say "$(vote bob alice)"
	hear
	say present
	hear
	has "$HEARD" '! usage *'
	hear
	[ "$HEARD" = "! quorum-incomplete 1 of 2 for bob: alice; no valid vote in time" ]
	ended 1
}

@test "rm-auth takes at most 64 votes and 64 KiB from one connection" {
	yes present | head -n 65 >in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ ${#lines[@]} = 66 ]
	[ "${lines[65]}" = "! quorum-incomplete 0 of 2; one connection has 64 votes" ]
	# 64 KiB and no byte more
	head -c 65536 /dev/zero | tr '\0' '\n' >in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! quorum-incomplete 0 of 2; no more votes came" ]
	echo >>in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! quorum-incomplete 0 of 2; votes do not need so many bytes" ]
	head -c 70000 /dev/zero | tr '\0' 'a' >in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! quorum-incomplete 0 of 2; votes do not need so many bytes" ]
}

@test "rm-auth: during a session the greeting is busy and the connection ends" {
	mkfifo up hold
	rm-once run/session -- sh -c 'echo up >up; read -r _ <hold' 3>&- &
	PIDS+=("$!")
	read -r -t 60 _ <up
	count_here
	try 1 rm-auth session -- echo in
	has "$output" "rm/1 $(<state/appliance) busy arming=*"
	[ ${#lines[@]} = 1 ]
	[ "$(counted 3)" = 1 ]
	echo >hold
	wait "${PIDS[-1]}"
	try 1 rm-auth session -- echo in </dev/null
	has "${lines[0]}" 'rm/1 * ready *'
}

@test "rm-auth: a policy that is missing or in fault lets nobody in and says why" {
	local text
	local -A why=(
		['session 0']='policy line 1: approvals are a number from 1 to 64, session, master or local-only'
		['session 4']='the policy asks for 4 custodians for session, enrolled are 3'
		[$'session 1\nx 4']='the policy asks for 4 custodians for x, enrolled are 3'
		['* 1']='the policy has no line "session N"'
		['session 1 whatever']='policy line 1: an option that is not known'
	)
	for text in "${!why[@]}"; do
		echo "$text" >state/policy
		vote bob bob >in.txt
		try 1 rm-auth session -- echo in <in.txt
		has "${lines[0]}" 'rm/1 * ready *'
		[ "${lines[1]}" = "! policy ${why[$text]}" ]
		[ ${#lines[@]} = 2 ]
	done
	echo 'session 1' >state/policy
	chmod g+w state/policy
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! policy unable to read the policy: Operation not permitted" ]
	rm state/policy
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! policy unable to read the policy: No such file or directory" ]
}

@test "rm-auth: one key under two names lets nobody in" {
	enrol carol alice
	try 1 rm-auth session -- echo in </dev/null
	has "${lines[1]}" "! policy key $(<"$KEYS/alice.id") is enrolled for alice and for carol"
}

@test "rm-auth: only NAME/KEYID.pem is an enrolled key" {
	local id
	id=$(<"$KEYS/mallory.id")
	mkdir state/custodians/empty state/custodians/Eve
	cp "$KEYS/mallory.pem" "state/custodians/alice/$id.pem.new.XyZ123"
	cp "$KEYS/mallory.pem" "state/custodians/alice/${id^^}.pem"
	cp "$KEYS/mallory.pem" "state/custodians/$id.pem"
	cp "$KEYS/mallory.pem" "state/custodians/Eve/$id.pem"
	ln -s alice state/custodians/link
	echo 'session 1' >state/policy
	RULES=$({ cat state/policy; for who in alice bob carol; do
		echo "$who $(<"$KEYS/$who.id")"; done; } | sha256sum |
		cut -c -64)
	{ RULES=$RULES vote alice mallory; RULES=$RULES vote empty alice
		RULES=$RULES vote alice alice; } >in.txt
	try 0 rm-auth session -- true <in.txt
	has "${lines[0]}" "*rules=$RULES log=*"
	has "${lines[1]}" '! not-enrolled *'
	[ "${lines[2]}" = "! not-enrolled no custodian is named empty" ]
	[ "${lines[3]}" = "+ 1 of 1 for alice: alice" ]
}

@test "rm-auth: rules that change during a visit void its votes" {
	greeted rm-auth session -- echo in
	say "$(vote bob alice)"
	hear
	say "$(vote bob bob; echo 'status session' >>state/policy)"
	hear
	[ "$HEARD" = "! denied arming, policy or custodians have changed: connect again" ]
	exec 6>&-
	ended 1
}

# An operation as the console runs it, with its payload: change FILE WORDS
change() {
	{
		[ "$1" = - ] || { echo "< payload $(stat -c %s "$1")"; cat "$1"; }
		shift
		echo "$*"
	} >line
	try 0 rm-exec -L "$RM_BUILD/lib/rm/ops" <line
	[ "$(tail -n 1 <<<"$output")" = '+ done' ]
}

@test "rm-auth: a vote that was signed before the rules changed is denied after" {
	printf '%s\n' 'session 2' 'status session' >new.policy
	printf '%s\n' 'rm-enrol 1' "appliance $(<state/appliance)" \
		'custodian dora' "signer $(<"$KEYS/p384.id")" >text
	openssl dgst -sha384 -sign "$KEYS/p384.key" -out sig text
	{
		echo "enrol dora $(<"$KEYS/p384.id") ecdsa-sha384 $(base64 -w 0 sig)"
		cat "$KEYS/p384.pem"
	} >dora.enrol
	local what
	for what in 'new.policy policy-set' 'dora.enrol custodian-add dora' \
		'- custodian-remove carol'; do
		{ vote bob alice; vote bob bob; } >old.votes
		# shellcheck disable=SC2086 # words
		change $what
		try 1 rm-auth session -- echo in <old.votes
		[ "$(grep -c '^! denied the signature does not verify' \
			<<<"$output")" = 2 ]
		{ vote bob alice; vote bob bob; } >new.votes
		try 0 rm-auth session -- echo in <new.votes
		has "$output" *$'\nin'
	done
}

@test "rm-auth: a change of the rules between two votes voids the first" {
	echo 'session 2' >new.policy
	greeted rm-auth session -- echo in
	say "$(vote bob alice)"
	hear
	[ "$HEARD" = "+ 1 of 2 for bob: alice" ]
	local bobs
	bobs=$(vote bob bob)
	echo '# other bytes' >>new.policy
	change new.policy policy-set
	say "$bobs"
	hear
	[ "$HEARD" = "! denied arming, policy or custodians have changed: connect again" ]
	exec 6>&-
	ended 1
}

@test "rm-auth: without an arming, or without an appliance, nobody is heard" {
	rm run/console/armed
	try 1 rm-auth session -- echo in </dev/null
	[ "$output" = "! not-armed remote management is not switched on" ]
	echo 12 >state/appliance
	try 100 rm-auth session -- echo in </dev/null
	[ "$output" = "! system the appliance does not know its own name" ]
}

@test "rm-auth: TERM is the console's last word, HUP the appliance's" {
	greeted env --block-signal=TERM --block-signal=HUP \
		rm-auth session -- echo in
	kill -TERM "$VISIT"
	hear
	[ "$HEARD" = "* local console took over" ]
	ended 1
	rm in out
	greeted env --block-signal=TERM --block-signal=HUP \
		rm-auth session -- echo in
	say "$(vote bob alice)"
	hear
	kill -HUP "$VISIT"
	hear
	[ "$HEARD" = "* appliance is going down" ]
	ended 1
}

@test "rm-auth hands on signals as they came" {
	{ vote bob alice; vote bob bob; } >in.txt
	try 0 env --block-signal=TERM --block-signal=HUP \
		rm-auth session -- grep SigBlk /proc/self/status <in.txt
	has "${lines[3]}" 'SigBlk:?0000000000004001'
	try 0 rm-auth session -- grep SigBlk /proc/self/status <in.txt
	has "${lines[3]}" 'SigBlk:?0000000000000000'
}

@test "rm-auth ends when the peer is gone" {
	greeted rm-auth -t 3600 session -- echo in
	exec 7<&-
	until_true grep -q 'fatal: the peer is gone$' log
	ended 1
}

@test "rm-auth tells the listener once, and only of a custodian" {
	mkfifo admit
	{ echo present; vote bob mallory; CHANNEL=$(digits 32) vote bob bob
	} >in.txt
	exec 8<>admit
	RM_ADMIT_FD=8 try 1 rm-auth session -- echo in <in.txt
	run ! read -r -t 0 -u 8
	{ vote bob alice; vote bob bob; } >in.txt
	RM_ADMIT_FD=8 run -0 --separate-stderr timeout 60 rm-auth session -- \
		sh -c 'echo "fd ${RM_ADMIT_FD-none}"; [ ! -e /proc/self/fd/8 ]' \
		<in.txt
	[ "${lines[3]}" = "fd none" ]
	[ "$(dd bs=9 count=1 iflag=nonblock <&8 2>/dev/null)" = a ]
	RM_ADMIT_FD=77 try 100 rm-auth session -- true </dev/null
	[ "$stderr" = "rm-auth: fatal: RM_ADMIT_FD is no descriptor: 77" ]
}

@test "rm-auth: a vote that the log does not take does not count" {
	: >log-is-full
	{ vote bob alice; } >in.txt
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! system the audit log does not take the vote" ]
	has "${lines[2]}" '! quorum-incomplete 0 of 2; *'
	rm run/audit.sock
	try 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "! system the audit log does not take the vote" ]
}

@test "rm-auth: a vote in the log can be checked with nothing but openssl" {
	vote bob alice >in.txt
	try 1 rm-auth session -- true <in.txt
	local word line
	read -r line <records
	has "$line" "durable vote custodian=alice manager=bob text=rm-session%201%0A* alg=ecdsa-sha256 *"
	for word in $line; do
		case $word in
		text=*) printf '%b' "$(sed 's/%/\\x/g' <<<"${word#*=}")" >t ;;
		sig=*) base64 -d <<<"${word#*=}" >s ;;
		key=*) base64 -d <<<"${word#*=}" >k ;;
		esac
	done
	statement bob alice | cmp - t
	openssl dgst -sha256 -verify <(openssl pkey -pubin -inform DER -in k) \
		-signature s t
}

@test "rm-auth: the reader is jailed, sees only the peer's input, and is gone before the program" {
	greeted rm-auth session -- \
		sh -c 'echo "left:$(cat /proc/$$/task/$$/children)"; cat'
	local pid fds
	pid=$(reader_of "$VISIT")
	pid=${pid% }
	grep -q '^Seccomp:.2$' "/proc/$pid/status"
	grep -q '^NoNewPrivs:.1$' "/proc/$pid/status"
	fds=$(awk '/^SigBlk/ { print $2 }' "/proc/$pid/status")
	[ "$fds" = 0000000000004001 ]
	say "$(vote bob alice)"
	say "$(vote bob bob)"
	hear
	hear
	hear
	# cat of /proc is the only child there is
	has "$HEARD" 'left:*'
	[[ $HEARD != *"$pid"* ]]
	[ ! -e "/proc/$pid" ]
	exec 6>&-
	ended 0
}

@test "rm-auth: the reader does not outlive a killed rm-auth" {
	greeted rm-auth session -- echo in
	local pid
	pid=$(reader_of "$VISIT")
	kill -KILL "$VISIT"
	ended 137
	until_true test ! -e "/proc/${pid% }"
}

@test "rm-auth: a reader that was taken over gets nowhere" {
	evil_reader '+ 2 of 2'
	vote bob bob >in.txt
	local what
	for what in socket exec kill peer; do
		try_evil "$what" 111 rm-auth session -- echo in <in.txt
		[ ${#lines[@]} = 1 ]
		[ "$stderr" = "rm-auth: fatal: the reader failed" ]
	done
	try_evil nothing 1 rm-auth session -- echo in <in.txt
	[ "${lines[1]}" = "+ 1 of 2 for bob: bob" ]
}

@test "rm-auth hands on nothing but 0, 1 and 2" {
	{ vote bob alice; vote bob bob; } >in.txt
	run -0 with_012 timeout 60 rm-auth session -- \
		sh -c 'ls /proc/self/fd | tr "\n" " "' <in.txt
	[ "${lines[-1]}" = "0 1 2 3 " ]
}

# --- inside a session ---

inside() {
	RM_AUTH_MANAGER=bob RM_AUTH_CUSTODIANS=${NAMES:-alice,bob} \
		try "$@" </dev/null
}

@test "rm-auth inside a session runs what the session's quorum allows" {
	printf '%s\n' 'session 2' 'status session' 'one 1' 'two 2' 'three 3' \
		'* local-only' >state/policy
	local op
	for op in status one two; do
		inside 0 rm-auth "$op" -- sh -c 'echo "$RM_AUTH_OPERATION"'
		[ "$output" = "$op" ]
	done
	NAMES=alice,bob,carol inside 0 rm-auth three arg -- echo in
	[ "$output" = in ]
}

@test "rm-auth inside a session refuses what the policy wants more for" {
	printf '%s\n' 'session 2' 'status session' 'three 3' >state/policy
	inside 1 rm-auth three NRM -- echo in
	[ "$output" = "!! policy three needs 3 custodians, this session has 2" ]
	inside 1 rm-auth other -- echo in
	[ "$output" = "!! policy other is for the local console only" ]
	[ "$stderr" = "rm-auth: fatal: refused: other is for the local console only" ]
	# a quorum that was raised during the session
	echo 'session 3' >state/policy
	echo 'status session' >>state/policy
	inside 1 rm-auth status -- echo in
	[ "$output" = "!! policy status needs 3 custodians, this session has 2" ]
	rm state/policy
	inside 1 rm-auth status -- echo in
	[ "$output" = "!! policy unable to read the policy: No such file or directory" ]
}

@test "rm-auth inside a session counts only who is still a custodian" {
	printf '%s\n' 'session 1' 'two 2' 'one 1' >state/policy
	inside 0 rm-auth two -- echo in
	rm -r state/custodians/alice
	inside 1 rm-auth two -- echo in
	[ "$output" = "!! policy two needs 2 custodians, this session has 1" ]
	inside 0 rm-auth one -- echo in
	mv state/custodians/bob state/custodians/dora
	inside 1 rm-auth one -- echo in
	[ "$output" = "!! not-enrolled bob is no custodian any more" ]
}

@test "rm-auth: master's operations are for master of the service alone" {
	printf '%s\n' 'session 1' 'status session' 'parts master' '* 1' \
		>state/policy
	RM_LOGIN_USER=master try 0 rm-auth parts x -- \
		sh -c 'echo "$RM_AUTH_OPERATION $RM_LOGIN_USER"' </dev/null
	[ "$output" = 'parts master' ]
	RM_LOGIN_USER=joe try 1 rm-auth parts x -- echo in </dev/null
	[ "$output" = "!! policy parts is for user master of the service" ]
	inside 1 rm-auth parts x -- echo in
	[ "$output" = "!! policy parts is for user master of the service" ]
	local op
	for op in status other; do
		RM_LOGIN_USER=master try 1 rm-auth "$op" -- echo in </dev/null
		[ "$output" = \
			"!! policy $op needs a session of custodians, 1 of them" ]
	done
	# without a login and without a session there is nobody to ask for
	RM_LOGIN_USER='' try 100 rm-auth parts -- echo in </dev/null
}

@test "rm-auth: a login is no quorum" {
	RM_LOGIN_USER=master try 1 rm-auth session -- echo in </dev/null
	has "$output" '*
! quorum-incomplete 0 of 2; no more votes came'
}

@test "rm-auth: facts that leaked into a new chain let nobody in" {
	inside 100 rm-auth session -- echo in
	[ -z "$output" ]
	RM_AUTH_MANAGER= RM_AUTH_CUSTODIANS=a,b try 1 \
		rm-auth session -- echo in </dev/null
	try 100 rm-auth status -- echo in </dev/null
	[ -z "$output" ]
}

# --- kept votes ---

# keep MANAGER KEY: the vote of a connection of its own, left for another one
keep() {
	RM_TLS_EXPORTER=$(digits 32)
	vote "$1" "$2" | sed 's/^present/keep/'
}

# give RC LINE: a connection with this line alone; another one than the last
give() {
	local rc=$1
	shift
	try "$rc" rm-auth "$@" session -- sh -c \
		'echo "in $RM_AUTH_MANAGER $RM_AUTH_CUSTODIANS"' <line
}

leave_vote() {
	keep "$1" "$2" >line
	give 0
	shift 2
}

# alone KEY: that person's own connection, with no other vote on it
alone() {
	RM_TLS_EXPORTER=$(digits 32)
	vote "$1" "$1" >line
}

@test "rm-auth: a vote that was left for a manager counts on the manager's connection" {
	leave_vote bob alice
	has "$output" "*+ 1 of 2 for bob: alice; 600 s left"
	has "$(grep -c '' records)" 1
	has "$(cat records)" 'durable vote custodian=alice manager=bob kept=yes *'
	[ "$(stat -c %a run/votes run/votes/alice | tr '\n' ' ')" = '700 600 ' ]
	alone bob
	give 0
	has "$output" "*+ 2 of 2 for bob: alice, bob
in bob alice,bob"
	# spent
	[ -z "$(ls -A run/votes)" ]
	alone bob
	give 1
	has "$output" "*+ 1 of 2 for bob: bob
! quorum-incomplete *"
}

@test "rm-auth: votes that are left say how far it is, and how long they hold" {
	printf '%s\n' 'session 3' >state/policy
	leave_vote bob alice
	has "$output" "*+ 1 of 3 for bob: alice; 600 s left"
	leave_vote bob carol
	has "$output" "*+ 2 of 3 for bob: alice, carol; "[56]??" s left"
	# the manager's own connection, not complete without the manager
	RM_TLS_EXPORTER=$(digits 32)
	vote bob alice >line
	give 1
	has "$output" "*+ 2 of 3 for bob: alice, carol; "*" s left
! quorum-incomplete 1 of 3 for bob: alice; no more votes came"
	alone bob
	give 0
	has "$output" "*+ 3 of 3 for bob: alice, bob, carol
in bob alice,bob,carol"
}

@test "rm-auth: a kept vote makes no session on its own connection" {
	echo 'session 1' >state/policy
	leave_vote bob alice
	has "$output" "*+ 0 of 1 for bob: alice; still wanted: bob; 600 s left"
	run ! grep -q '^in' <<<"$output"
	# nor is anybody's own vote kept, which alone makes a connection theirs
	leave_vote bob alice
	keep bob bob >line
	give 1
	has "$output" "*! denied one's own vote is given on one's own connection, and not kept
! quorum-incomplete *"
	[ "$(ls run/votes)" = alice ]
	# and not by another name in the folder
	RM_TLS_EXPORTER=$(digits 32)
	printf 'until 999999999999\nchannel %s\n%s\n' "$RM_TLS_EXPORTER" \
		"$(vote bob bob | sed 's/^present/keep/')" >run/votes/bob
	chmod 600 run/votes/bob
	leave_vote bob alice
	run ! grep -q '^in' <<<"$output"
	[ "$(ls run/votes)" = alice ]
}

@test "rm-auth: people count, not votes, on whatever connections" {
	printf '%s\n' 'session 3' >state/policy
	enrol alice alice2
	leave_vote bob alice
	RM_TLS_EXPORTER=$(digits 32)
	{ vote bob alice2; vote bob bob; } >line
	give 1
	has "$output" "*+ 1 of 3 for bob: alice
+ 2 of 3 for bob: alice, bob
! quorum-incomplete 2 of 3 *"
	# a second one takes the place of the first
	leave_vote bob alice2
	has "$output" "*+ 1 of 3 for bob: alice; *"
	leave_vote carol alice
	has "$output" "*+ 1 of 3 for carol: alice; *"
	[ "$(ls run/votes)" = alice ]
	alone bob
	give 1
	has "$output" "*+ 1 of 3 for bob: bob
! *"
}

@test "rm-auth: a kept vote is over after its time" {
	keep bob alice >line
	give 0 -k 0.05
	has "$output" "*+ 1 of 2 for bob: alice; 1 s left"
	command sleep 0.1
	alone bob
	give 1
	has "$output" "*+ 1 of 2 for bob: bob
! *"
	[ -z "$(ls -A run/votes)" ]
}

@test "rm-auth: a kept vote is verified again, over what is in force then" {
	local what
	for what in 'echo "status session" >>state/policy' \
		'rm -r state/custodians/carol' 'digits 16 >run/console/armed' \
		'sed -i s/^channel.*/channel\ $(digits 32)/ run/votes/alice' \
		'rm -r state/custodians/alice; enrol dora alice' \
		'mv run/votes/alice run/votes/carol'; do
		rm -rf state/custodians
		enrol alice
		enrol bob
		enrol carol
		leave_vote bob alice
		eval "$what"
		alone bob
		give 1
		has "$output" "*+ 1 of 2 for bob: bob
! *"
		[ -z "$(ls -A run/votes)" ]
	done
	# what is no vote at all, and what others could have written
	leave_vote bob alice
	echo x >>run/votes/alice
	alone bob
	give 1
	has "$stderr" '*warning: */votes/alice is no kept vote*'
	leave_vote bob alice
	chmod 644 run/votes/alice
	alone bob
	give 1
	has "$stderr" '*warning: */votes/alice is no kept vote*'
}

@test "rm-auth: the start of any session voids all kept votes" {
	leave_vote bob alice
	RM_TLS_EXPORTER=$(digits 32)
	{ vote carol bob; vote carol carol; } >line
	give 0
	has "$output" "*in carol bob,carol"
	alone bob
	give 1
	has "$output" "*+ 1 of 2 for bob: bob
! *"
}

@test "rm-auth: of two connections of a manager, one gets the kept vote" {
	local i n
	leave_vote bob alice
	for i in 1 2 3 4; do
		alone bob
		mv line "line.$i"
		rm-auth session -- echo in <"line.$i" >"out.$i" 2>/dev/null 3>&- &
		PIDS+=("$!")
		# each has a channel of its own
		:
	done
	for i in "${PIDS[@]:1}"; do wait "$i" || :; done
	n=$(cat out.? | grep -c '^in')
	[ "$n" = 1 ]
	[ "$(cat out.? | grep -c '^! quorum-incomplete 1 of 2')" = 3 ]
}

@test "rm-auth: while one counts kept votes, another waits" {
	mkfifo hold
	rm-once run/votes.lock sh -c 'echo >up; exec cat hold' 3>&- &
	PIDS+=("$!")
	until_true [ -s up ]
	greeted rm-auth session -- echo in
	say "$(vote bob bob)"
	run ! read -r -t 0.5 -u 7 HEARD
	: >hold
	hear
	[ "$HEARD" = '+ 1 of 2 for bob: bob' ]
	exec 6>&-
	ended 1
}

@test "rm-auth keeps no vote that the log does not take, nor in a session" {
	touch log-is-full
	keep bob alice >line
	give 1
	has "$output" "*! system the audit log does not take the vote*"
	[ -z "$(ls -A run/votes 2>/dev/null)" ]
	rm log-is-full
	# one that began when this visitor was here already
	keep bob alice >line
	greeted rm-auth session -- echo in
	mkfifo hold
	rm-once run/session -- sh -c 'echo >up; exec cat hold' 3>&- 6>&- 7>&- &
	PIDS+=("$!")
	until_true [ -s up ]
	say "$(cat line)"
	hear
	[ "$HEARD" = '! busy a session is under way' ]
	exec 6>&-
	ended 1
	# nor for somebody who is no custodian
	kill "${PIDS[-1]}"
	wait "${PIDS[-1]}" || :
	keep eve alice >line
	give 1
	has "$output" '*! not-enrolled no custodian is named eve*'
	[ -z "$(ls -A run/votes 2>/dev/null)" ]
}

# --- the command line ---

@test "rm-auth: bad command lines are usage errors" {
	try 100 rm-auth
	has "$stderr" 'usage: rm-auth *'
	try 100 rm-auth session
	try 100 rm-auth session --
	try 100 rm-auth -t x session -- true
	[ "$stderr" = "rm-auth: fatal: bad number of seconds: x" ]
	try 100 rm-auth -t 1 -t 2 session -- true
	[ "$stderr" = "rm-auth: fatal: -t is given twice" ]
	try 100 rm-auth -T 0 session -- true
	try 100 rm-auth -x session -- true
	try 100 rm-auth ../x -- true
	# without "--" there is no telling arguments from a program
	inside 100 rm-auth status true
}

@test "rm-auth: facts that it needs are missing" {
	RM_TLS_EXPORTER='' try 100 rm-auth session -- true
	has "$stderr" 'rm-auth: fatal: RM_TLS_EXPORTER is missing*'
	RM_TLS_EXPORTER=12 try 100 rm-auth session -- true
	TCPREMOTEIP='' try 100 rm-auth session -- true
	has "$stderr" 'rm-auth: fatal: TCPREMOTEIP is missing*'
}

@test "rm-auth: a program that cannot be run or found" {
	{ vote bob alice; vote bob bob; } >in.txt
	try 127 rm-auth session -- ./nowhere <in.txt
	try 126 rm-auth session -- ./state <in.txt
}
