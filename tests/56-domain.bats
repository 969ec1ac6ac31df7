#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Replication domains, by their parts: the shared state, the sync point, the
# manifest, and a node that is asked, or lies.  Two appliances, neither booted;
# whole ones are in 57-live-sync.

load helpers
load appliance
load domain

setup() {
	common_setup
	MORE=$PWD
	LIB=$RM_BUILD/lib/rm
}
teardown() { common_teardown; }

# seed FOLDER: what two nodes have in common, and one key that they have not.
seed() {
	local user=$1/users/alice/partition
	seed_at "$1" '' master alice
	head -c 320 /dev/zero | tr '\0' t >"$user/tokens/0e4a-1/token.object"
	head -c 5000 /dev/urandom >"$user/tokens/0e4a-1/1234.object"
	rm "$user/tokens/0e4a-1/alice.object"
	printf 'user 0\nso 0\n' >"$user/pin.0123"
	: >"$user/gate.lock"
	: >"$user/tokens/0e4a-1/1234.lock"
	[ -e "$1/mode" ] || echo NRM >"$1/mode"
}

# two_nodes: a, in domain prod, which lists b; and b.  Ends at b.
two_nodes() {
	more_init b 127.0.0.1
	B=$APPLIANCE
	more_init a 127.0.0.1
	A=$APPLIANCE
	seed "$RM_STATE/current"
	domain put-if name '' prod
	domain put-if "node/$B" '' 'b 127.0.0.1 4435'
	more_at b
	seed "$RM_STATE/current"
	echo 'hash of bob' >"$RM_STATE/current/users/master/password"
}

# serve [LIB]: a listens, and is served by the scripts of LIB.
serve() {
	more_at a
	listen rm-listen -a 15 127.0.0.1 0 -- \
		rm-tls -a rm-node/1 -n "$RM_STATE/current/nodes" \
		"$RM_STATE/device.crt" "$RM_STATE/device.key" -- \
		"${1:-$LIB}/node/serve"
	more_at b
}

listen() {
	rm -f ready
	mkfifo ready
	"$1" -R 4 "${@:2}" 3>&- 4>ready </dev/null >>listen.out 2>>listen.log &
	LISTEN_PID=$!
	PIDS+=("$LISTEN_PID")
	read -r -t 60 PORT <ready
}

# may CODE FUNCTION...: as try, for a function, which has its own limit.
may() {
	local want=$1
	shift
	run "-$want" --separate-stderr "$@" && return 0
	printf 'status: %s\nstdout: %s\nstderr: %s\n' "$status" "$output" \
		"$stderr" >&2
	return 1
}

# dial PROG...: b's connection to a.
dial() {
	timeout 180 rm-connect -a rm-node/1 -c "$RM_STATE/device.crt" \
		-i "$RM_STATE/device.key" -p "$A" 127.0.0.1 "$PORT" -- "$@"
}

# pull [FACT...]: as live-sync does it.
pull() {
	[ $# -gt 0 ] || set -- 'version 0.1' 'mode NRM' 'domain prod'
	mkdir -p staging
	dial "$LIB/node/pull" "$PWD/staging" "$A" "$B" "$@" 5>&1
}

# --- the shared state -------------------------------------------------------

@test "domain: a value changes only if it is what the caller has seen" {
	mkdir store
	at="$LIB/node/domain -s store"
	# shellcheck disable=SC2086
	{
		try 1 $at get name
		try 0 $at put-if name '' prod
		try 1 $at put-if name '' other
		try 0 $at get name
		[ "$output" = prod ]
		[ "$(cat store/domain)" = 'name prod' ]
		try 0 $at put-if name prod test
		key=node/$(printf '%064d' 7)
		try 0 $at put-if "$key" '' 'b 192.0.2.1 4435'
		try 0 $at list
		[ "$output" = "name
$key" ]
		# As rm-tls wants it: the name of the file is the pin.
		[ "$(cat "store/nodes/${key#*/}.pem")" = 'b 192.0.2.1 4435' ]
		try 0 $at put-if "$key" 'b 192.0.2.1 4435' ''
		try 1 $at get "$key"
		try 0 $at put-if name test ''
		try 0 $at list
		[ "$output" = '' ]
		[ ! -e store/domain ]
	}
}

@test "domain: keys and values that make no sense are refused" {
	mkdir store
	for key in names node/ node/../../x "node/$(printf '%065d' 7)" \
		"node/$(printf '%063dA' 7)" ''; do
		try 100 "$LIB/node/domain" -s store get "$key"
	done
	try 100 "$LIB/node/domain" -s store put-if name '' $'two\nlines'
	try 100 "$LIB/node/domain" -s store put-if name ''
	try 100 "$LIB/node/domain" -s store
	try 111 "$LIB/node/domain" -s nowhere get name
	[ "$(find store -type f ! -name '.*')" = '' ]
}

@test "domain: of many who put at once, one wins" {
	mkdir store
	for i in 1 2 3 4 5 6 7 8; do
		"$LIB/node/domain" -s store put-if name '' "d$i" && echo "d$i" >>won &
	done 3>&-
	wait
	[ "$(wc -l <won)" -eq 1 ]
	[ "$("$LIB/node/domain" -s store get name)" = "$(cat won)" ]
}

@test "domain: the lock keeps others out, and lets its holder put" {
	mkdir store
	mkfifo hold
	"$LIB/node/domain" -s store lock sh -c \
		"'$LIB/node/domain' -s store put-if name '' mine; echo >in; read -r _ <hold" \
		3>&- &
	PIDS+=("$!")
	until_true [ -e in ]
	"$LIB/node/domain" -s store put-if name mine yours 3>&- &
	PIDS+=("$!")
	try 124 timeout 0.5 "$LIB/node/domain" -s store put-if name mine other
	[ "$("$LIB/node/domain" -s store get name)" = mine ]
	echo >hold
	until_true grep -qx 'name yours' store/domain
}

@test "domain: watch returns when the value is another" {
	mkdir store
	"$LIB/node/domain" -s store put-if name '' prod
	"$LIB/node/domain" -s store watch name prod 3>&- &
	local watch=$!
	PIDS+=("$watch")
	kill -0 "$watch"
	"$LIB/node/domain" -s store put-if name prod test
	timeout 20 tail --pid="$watch" -s 0.05 -f /dev/null
	wait "$watch"
	try 0 "$LIB/node/domain" -s store watch name prod
}

# --- the sync point ---------------------------------------------------------

@test "sync point: equal databases have it in common, others not" {
	seed one
	cp -r one two
	try 0 "$LIB/node/sync-point" one
	has "$output" '[0-9a-f][0-9a-f][0-9a-f][0-9a-f]*'
	[ "${#output}" -eq 16 ]
	local point=$output tokens=two/users/alice/partition/tokens/0e4a-1
	# What counts, locks, and is being built is no content.
	rm two/users/alice/partition/gate.lock "$tokens/1234.lock"
	echo 'user 3' >two/users/alice/partition/pin.0123
	echo 3 >two/users/alice/failures
	mkdir two/users/.carol.new
	echo x >two/users/.carol.new/password
	printf count | dd of="$tokens/token.object" conv=notrunc status=none
	try 0 "$LIB/node/sync-point" two
	[ "$output" = "$point" ]
	# All else is: one test for each.
	change() {
		rm -rf two
		cp -r one two
		(cd two && eval "$1")
		try 0 "$LIB/node/sync-point" two
		[ "$output" != "$point" ] || { echo "same: $1" >&2; return 1; }
	}
	tokens=${tokens#two/}
	change 'echo RM2 >mode'
	change 'echo other >users/alice/password'
	change 'mkdir users/bob; echo x >users/bob/password'
	change "mv $tokens/1234.object $tokens/1235.object"
	change "printf x | dd of=$tokens/1234.object conv=notrunc status=none"
	change "printf x | dd of=$tokens/token.object conv=notrunc seek=60 status=none"
	change "echo x >$tokens/generation"
}

@test "sync point: log-ins do not change it, keys do" {
	mkdir -p users/alice/partition/tokens
	echo NRM >mode
	echo "directories.tokendir = $PWD/users/alice/partition/tokens" >conf
	export SOFTHSM2_CONF=$PWD/conf
	local module=/usr/lib/softhsm/libsofthsm2.so before
	softhsm2-util --init-token --free --label alice --so-pin 12345678 \
		--pin 12345678 >/dev/null
	before=$("$LIB/node/sync-point" .)
	try 0 pkcs11-tool --module "$module" --login --pin 12345678 -O
	run pkcs11-tool --module "$module" --login --pin 87654321 -O
	[ "$status" -ne 0 ]
	[ "$("$LIB/node/sync-point" .)" = "$before" ]
	try 0 pkcs11-tool --module "$module" --login --pin 12345678 \
		--keypairgen --key-type EC:prime256v1 --label k
	[ "$("$LIB/node/sync-point" .)" != "$before" ]
}

# --- the manifest -----------------------------------------------------------

@test "manifest: what it makes is checked and verified well" {
	seed one
	"$LIB/node/manifest" make one >list
	head -n 2 list
	[ "$(head -n 2 list)" = 'dir users
dir users/alice' ]
	run ! grep lock list
	try 0 "$LIB/node/manifest" check list
	mkdir copy
	cp -r one/users copy/
	find copy -name '*.lock' -delete
	try 0 "$LIB/node/manifest" verify list copy
}

@test "manifest: a line that could lead elsewhere, or is no such line, is refused" {
	seed one
	"$LIB/node/manifest" make one >list
	local sum=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	while IFS= read -r line; do
		{ cat list; printf "${line//%/%%}\n"; } >bad
		try 1 "$LIB/node/manifest" check bad
		has "$stderr" 'manifest: fatal: *'
	done <<-LINES
	file $sum 5 users/../../evil
	file $sum 5 users/alice/../evil
	file $sum 5 users/alice/partition/../../evil
	file $sum 5 users/alice/partition/..
	file $sum 5 users/alice/partition/.hidden
	file $sum 5 users/alice/partition//x
	file $sum 5 /users/alice/partition/x
	file $sum 5 users/alice/partition/a b
	file $sum 5 users/alice/partition/x/
	file $sum 5 users/alice/partition/new/x
	file $sum 5 users/alice/partition/x.lock
	file $sum 5 users/alice/other
	file $sum 5 users/alice
	file $sum 5 users/al/password
	file $sum 5 users/a.lice/password
	file $sum 5 device.key
	file $sum 05 users/alice/failures
	file $sum -5 users/alice/failures
	file $sum 12345678901 users/alice/failures
	file ${sum%f} 5 users/alice/failures
	file ${sum^^} 5 users/alice/failures
	file $sum 5 users/alice/password
	link $sum 5 users/alice/failures
	dir users/alice
	dir users/carol
	dir users/alice/partition/..
	dir ../users
	dir users/alice/partition/a/b
	dir users/alice/partition/a\\nb
	dir users/alice/partition/\\033x
	dir users/alice/partition/\\303\\244

	junk
	LINES
	grep -v master list >bad
	try 1 "$LIB/node/manifest" check bad
	: >bad
	try 1 "$LIB/node/manifest" check bad
	head -c 3000 /dev/urandom >bad
	try 1 "$LIB/node/manifest" check bad
}

@test "manifest: what is not as listed, to the byte, does not verify" {
	seed one
	find one -name '*.lock' -delete
	"$LIB/node/manifest" make one >list
	local tokens=users/alice/partition/tokens/0e4a-1
	refused() {
		rm -rf two
		cp -r one two
		(cd two && eval "$1")
		try 1 "$LIB/node/manifest" verify list two
		has "$stderr" "manifest: fatal: $2"
	}
	refused "echo x >$tokens/extra" "not as listed: $tokens/extra"
	refused "mkdir $tokens/extra" "not as listed: $tokens/extra"
	refused "rm $tokens/1234.object" "not as listed: $tokens/1234.object"
	refused "printf x >$tokens/1234.object" "does not match: $tokens/1234.object"
	refused "ln -sf /etc/passwd $tokens/1234.object" "no plain file: $tokens/1234.object"
	refused "mv $tokens x; ln -s ../../../../x $tokens" "no plain file: $tokens"
	refused "ln $tokens/1234.object hard" "no plain file: $tokens/1234.object"
	refused "rm $tokens/1234.object; mkfifo $tokens/1234.object" \
		"no plain file: $tokens/1234.object"
	# Times and modes are not in it.
	chmod 600 "one/$tokens/1234.object"
	try 0 "$LIB/node/manifest" verify list one
}

# --- a node that is asked ---------------------------------------------------

@test "node: says who it is to a node it knows, and nothing to others" {
	two_nodes
	serve
	may 0 dial sh -c 'echo hello; cat >&2'
	[ "$stderr" = ": name a
: appliance $A
: version 0.1
: mode NRM
: domain prod
: node b 127.0.0.1 4435 $B
+ hello" ]
	may 0 dial sh -c 'echo point; cat >&2'
	[ "$stderr" = ": sync-point $(point a)
+ point" ]
	may 0 dial sh -c 'echo nonsense; cat >&2'
	[ "$stderr" = '! usage hello, point or pull' ]
	# Another key.
	openssl req -new -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 \
		-nodes -keyout c.key -out c.crt -subj /CN=c 2>/dev/null
	run dial_as_c
	has "$output" '*refused by the peer*'
	run ! grep -q sync-point <<<"$output"
	# One that is not listed any more.
	more_at a
	domain put-if "node/$B" 'b 127.0.0.1 4435' ''
	more_at b
	run dial sh -c 'echo hello; cat >&2'
	has "$output" '*refused by the peer*'
}

dial_as_c() {
	timeout 60 rm-connect -a rm-node/1 -c c.crt -i c.key -p "$A" 127.0.0.1 \
		"$PORT" -- sh -c 'echo hello; cat >&2'
}

@test "node: its snapshot can be pulled, and nothing of it stays there" {
	two_nodes
	serve
	may 0 pull
	has "$output" '*% 10 2 of 5 files to fetch, *'
	(cd "$MORE/a/state/current" && find users -type f ! -name '*.lock' \
		-exec cmp {} "$PWD/../../../staging/tree/{}" \;)
	[ "$(point a)" = \
		"$(sed -n 's/^sync-point //p' staging/manifest)" ]
	grep -qx "node/$B b 127.0.0.1 4435" staging/manifest
	# The signature is one that openssl agrees with.
	openssl x509 -in "$MORE/a/state/device.crt" -noout -pubkey >a.pub
	openssl dgst -sha256 -verify a.pub -signature staging/signature \
		staging/manifest
	until_true eval '[ -z "$(ls -d a/run/snapshots/*/)" ]'
	# Nothing has changed: nothing travels.
	may 0 pull
	has "$output" '*% 10 0 of 5 files to fetch, 0 bytes*'
	# One object has.
	echo new >"$MORE/a/state/current/users/alice/partition/tokens/0e4a-1/5.object"
	may 0 pull
	has "$output" '*% 10 1 of 6 files to fetch, 4 bytes*'
}

@test "node: a snapshot that a killed server left is removed by the next" {
	two_nodes
	serve
	mkfifo hold
	dial sh -c 'echo pull; head -c 28 >got; read -r _ <hold' 3>&- &
	PIDS+=("$!")
	until_true [ -s got ]
	local left
	left=$(ls -d a/run/snapshots/*/)
	# All of one connection is one group.
	kill -KILL -- "-$(pgrep -P "$LISTEN_PID")"
	until_true flock -n "$left/lock" true
	[ -e "$left" ]
	echo >hold
	may 0 pull
	[ ! -e "$left" ]
}

@test "node: an operation under way there makes a pull wait, then busy" {
	two_nodes
	serve
	mkfifo hold
	rm-once a/run/operation -- sh -c 'read -r _ <hold' 3>&- &
	PIDS+=("$!")
	until_true [ -s a/run/operation.holder ]
	may 1 pull
	has "$output" '*!! failed the node refuses: an operation is under way here'
	echo >hold
	may 0 pull
}

@test "node: a snapshot waits for the change that is under way" {
	two_nodes
	serve
	# Two files that are the same, whenever nobody writes.
	local at=$PWD/a/state/current/users/alice/partition pull
	mkfifo hold
	flock -s "$at/gate.lock" flock -s "$at/db.lock" sh -c \
		"echo 1 >$at/tokens/x; read -r _ <hold; echo 1 >$at/tokens/y" 3>&- &
	PIDS+=("$!")
	until_true [ -s "$at/tokens/x" ]
	pull >pulled 2>&1 3>&- &
	pull=$!
	until_true eval 'ls a/run/snapshots/*/tree/users/alice/password'
	try 124 timeout 1 tail --pid="$pull" -s 0.05 -f /dev/null
	echo >hold
	wait "$pull"
	cmp staging/tree/users/alice/partition/tokens/[xy]
}

@test "node: a snapshot has nothing of a change that was cut, and no journal" {
	two_nodes
	serve
	local at=$PWD/a/state/current/users/alice/partition
	echo torn >"$at/tokens/x"
	echo half >"$at/tokens/y"
	mkdir "$at/.undo" "$at/.undo.1"
	echo whole >"$at/.undo/old:tokens%2Fx"
	: >"$at/.undo.1/new:tokens%2Fy"
	may 0 pull
	[ "$(cat staging/tree/users/alice/partition/tokens/x)" = whole ]
	[ ! -e staging/tree/users/alice/partition/tokens/y ]
	[ -z "$(find staging -name '.undo*')" ]
	# Of the living nothing was changed.
	[ "$(cat "$at/tokens/x")" = torn ]
}

# --- a node that lies -------------------------------------------------------

# lie TOOL BODY: a node whose TOOL (of LIB) is another script, which has the
# honest one as $honest.
lie() {
	rm -rf lies
	mkdir -p lies/node
	cp -r "$LIB"/. lies
	mv "lies/node/$1" lies/node/honest
	printf '%s\n' '#!/bin/sh' 'honest=${0%/*}/honest' "$2" >"lies/node/$1"
	chmod 755 "lies/node/$1"
	[ -z "${LISTEN_PID:-}" ] || kill "$LISTEN_PID"
	serve "$PWD/lies"
}

# lie_after COMMAND: when the manifest has been made, in its folder.
lie_after() {
	lie manifest "\"\$honest\" \"\$@\" || exit
		[ \"\$1\" = make ] || exit 0
		cd \"\$2\"; $1"
}

@test "node: one that lies gets nothing in, whatever it says" {
	two_nodes
	local sum=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
	local tokens=users/alice/partition/tokens/0e4a-1 path
	# In the manifest: out of the folder, by a hidden name, twice.
	for path in users/alice/partition/../../../evil ../evil \
		users/alice/partition/.evil "$tokens/1234.object"; do
		lie manifest "[ \"\$1\" = make ] || exit 0
			\"\$honest\" \"\$@\"; echo 'file $sum 5 $path'"
		may 1 pull
		has "${lines[-1]}" '!! failed bad manifest: *'
	done
	refused() {
		lie_after "$1"
		may 1 pull
		has "${lines[-1]}" "!! failed what came is not what was signed: $2"
	}
	# Other files than those that it has signed.
	refused "ln -sf /etc/passwd $tokens/1234.object" '*1234.object'
	refused "echo x >>$tokens/1234.object" 'does not match: *1234.object'
	refused "rm $tokens/1234.object" '*1234.object'
	refused "cd $tokens; rm 1234.object; mkfifo 1234.object" '*1234.object'
	# More than it has signed does not even travel.
	lie_after "echo x >$tokens/evil.object"
	may 0 pull
	[ "$(find staging b -name '*evil*')" = '' ]
	# What it is, and for whom.
	may 1 pull 'version 0.1' 'mode RM2' 'domain prod'
	has "${lines[-1]}" '!! failed the manifest is for something else: mode NRM'
	may 1 pull 'version 0.1' 'mode NRM' 'domain other'
	has "${lines[-1]}" '!! failed the manifest is for something else: domain prod'
	B=$sum
	may 1 pull
	has "${lines[-1]}" '!! failed the manifest is for something else: for *'
	B=$APPLIANCE
}

# lie_in_stream NAME OTHER: in what rsync sends this name is another, which is
# as long.  The manifest, which is packed, has the name.
lie_in_stream() {
	[ "${#1}" -eq "${#2}" ]
	rm -f lied
	lie serve "\"\$honest\" | perl -e '
		while (sysread(STDIN, \$_, 1 << 20)) {
			open(F, \">>$PWD/lied\") if s{\Q$1\E}{$2}g;
			syswrite(STDOUT, \$_);
		}'"
}

@test "node: one whose rsync sends names that lead elsewhere, or that nobody asked for, is refused" {
	two_nodes
	local tokens=users/alice/partition/tokens/0e4a-1 name to
	name=$(printf '%040d.object' 7)
	echo key >"a/state/current/$tokens/$name"
	# Beside the tree, out of staging, and to the root of all.
	for to in ../../../../../../stray ../../../../../../../stray \
		../../../../../../../../../../../stray; do
		# As long as the name.
		while [ "${#to}" -lt "${#name}" ]; do to+=y; done
		lie_in_stream "$name" "$to"
		may 1 pull
		[ -e lied ]
		has "${lines[-1]}" '!! failed the node sends what it was not asked for (*'
	done
	lie_in_stream "$name" "$(printf '%040d.object' 8)"
	may 1 pull
	[ -e lied ]
	has "${lines[-1]}" '!! failed the node sends what it was not asked for (*'
	[ -z "$(find "$BATS_RUN_TMPDIR" -name 'strayy*' -o \
		-name '000*8.object')" ]
	# And one that does not lie.
	kill "$LISTEN_PID"
	serve
	may 0 pull
	[ "$(<"staging/tree/$tokens/$name")" = key ]
}

@test "node: a manifest that another key signed, or nobody, is refused" {
	two_nodes
	mkdir -p lies/node
	cp -r "$LIB"/. lies
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out other.key 2>/dev/null
	sed -i "s|^pack() {|&\nRM_STATE=$PWD/o|" lies/node/serve
	mkdir o
	cp other.key o/device.key
	serve "$PWD/lies"
	may 1 pull
	has "${lines[-1]}" '!! changed-key the manifest is signed by another key'
	kill "$LISTEN_PID"
	cp "$LIB/node/serve" lies/node/
	sed -i 's|^	cat "$snapshot/manifest"|	sed s/NRM/NRX/ "$snapshot/manifest"|' \
		lies/node/serve
	serve "$PWD/lies"
	may 1 pull
	has "${lines[-1]}" '!! denied the signature of the manifest does not verify'
}

@test "node: one that answers nonsense, or for ever, is not listened to" {
	two_nodes
	mkdir -p lies/node
	say() {
		[ -z "${LISTEN_PID:-}" ] || kill "$LISTEN_PID"
		{ echo '#!/bin/sh'; echo "$1"; } >lies/node/serve
		chmod 755 lies/node/serve
		serve "$PWD/lies"
		may 1 pull
		has "${lines[-1]}" "!! $2"
	}
	say 'exit 0' 'connection-lost the connection to the node was lost'
	say 'yes' 'failed the node answers what makes no sense'
	say 'printf "! failed "; yes' 'failed the node refuses: *'
	say 'printf "< manifest 9999999999999999\n"; cat' \
		'failed the manifest is too long'
	say 'printf "< manifest 0000000000000100\n"; yes' 'changed-key *'
	say 'printf "< manifest 0000000000000100\nfew"' \
		'connection-lost the connection to the node was lost'
	say 'printf "< manifest 00000000000000x0\n"; cat' \
		'failed the node answers what makes no sense'
}
