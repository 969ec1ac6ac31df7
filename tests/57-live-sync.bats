#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Domains and live-sync of whole appliances: two or three in one room, booted,
# each asked at its own console.

load helpers
load room
load appliance
load domain

OLD=0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef

# untouched: b has what it had, and serves.
untouched() {
	[ "$(cd b/state/current/users && echo *)" = 'carol master' ]
	until_true serves b
}

@test "domain: created, joined, tested and left, and status shows it" {
	more_init a 127.0.0.2
	seed master alice bob
	A=$APPLIANCE
	more_boot
	more_init b 127.0.0.3
	seed master carol
	B=$APPLIANCE
	more_boot
	more_at a
	local_op status
	has "$output" '*: domain none*'
	local_op domain-leave
	says '! failed this appliance is in no domain'
	local_op domain-create no-good
	says '! usage *'
	local_op domain-create prod
	says '+ done'
	local_op domain-create other
	says '! failed this appliance is in domain prod'
	local_op status
	has "$output" '*: domain prod*'
	local_op node-add b 127.0.0.3 4435 "$B"
	local_op node-add b 127.0.0.3 4435 "$OLD"
	says '! failed a node b is listed already'
	local_op node-add c 127.0.0.3 4435 "$B"
	says '! failed that key is listed already, as node b'
	local_op node-add c 127.0.0.3 99999 "$OLD"
	says '! usage bad port 99999'
	local_op node-add c -x 1 "$OLD"
	says '! usage *'
	local_op node-add itself 127.0.0.2 4435 "$A"
	local_op node-list
	has "$output" "*: b 127.0.0.3 4435 $B
: itself 127.0.0.2 4435 $A (itself)
+ done"
	more_at b
	local_op node-add a 127.0.0.2 4435 "$A"
	local_op node-test a
	has "$output" '*: ok   node a (a) has the key listed, and knows this appliance*'
	has "$output" "*: NO   node a is in domain prod, this appliance in none*"
	has "$output" "*: another database: sync point $(point a) there, $(point b) here*"
	says '! failed 1 conditions of live-sync are not met'
	local_op domain-join a
	says '! usage *'
	local_op domain-join a confirm=b
	has "$output" "*: database of node a, sync point $(point a)
: domain prod
+ done"
	has "$output" '*% 90 verifying*'
	[ "$(point a)" = "$(point b)" ]
	diff -r -x '*.lock' -x '.*' a/state/current/users b/state/current/users
	untouched_identity=$(cat b/state/appliance)
	[ "$untouched_identity" = "$B" ]
	# The list has travelled; a is in it, by the name it has there.
	local_op node-list
	has "$output" "*: b 127.0.0.3 4435 $B (itself)*"
	has "$output" "*: itself 127.0.0.2 4435 $A*"
	local_op node-test itself
	has "$output" "*: same database: sync point $(point a)*"
	says '+ done'
	until_true serves b
	rm-audit verify b/state/audit.log
	grep -q " sync node=$A name=a domain=prod point=$(point a) manifest=" \
		b/state/audit.log
	[ ! -e b/state/staging ]
	# Nobody else is answered there any more.
	until_true [ -s b/run/node.addr ]
	local_op node-remove itself
	local_op domain-leave
	until_true rm-once -q b/run/node.addr
	local_op status
	has "$output" '*: domain none*'
	more_at a
	local_op node-test b
	says '! failed node b does not answer: unable to connect to *'
}

@test "live-sync: each condition has a message of its own" {
	pair
	local_op live-sync a confirm=b
	says '! failed this appliance is in no domain: domain-create or domain-join first'
	domain put-if name '' test
	local_op live-sync c confirm=b
	says '! usage no node c is listed'
	local_op live-sync a confirm=b
	says '! failed node a is in domain prod, this appliance in test'
	local_op domain-join a confirm=b
	says '! failed this appliance is in domain test: domain-leave first'
	domain put-if name test prod
	# The service.
	: >"$RM_RUN/clients/carol"
	local_op live-sync a confirm=b
	says '! failed a client has connected since the service was started: *'
	local_op stop-service
	local_op live-sync a confirm=b
	says '! failed the service is stopped: start-service first'
	local_op start-service
	# The mode, at each end.
	echo RM2 >"$RM_STATE/current/mode"
	local_op live-sync a confirm=b
	says '! failed node a is in mode NRM, this appliance in RM2'
	echo NRM >"$RM_STATE/current/mode"
	# Whom it knows.
	more_at a
	local_op node-remove b
	more_at b
	local_op live-sync a confirm=b
	says "! not-enrolled node a does not know this appliance: node-add with the key $B is to be done there"
	more_at a
	local_op node-add b 127.0.0.3 4435 "$B"
	more_at b
	local_op node-remove a
	local_op live-sync confirm=b
	says '! failed no node is listed: node-add first'
	local_op node-add b 127.0.0.3 4435 "$B"
	local_op live-sync b confirm=b
	says '! failed b is this appliance itself'
	local_op live-sync confirm=b
	says '! failed b is this appliance itself'
	local_op node-add a 127.0.0.2 4435 "$OLD"
	local_op live-sync a confirm=b
	says '! changed-key node a has another key than the one listed: *'
	local_op node-remove a
	local_op node-add a 127.0.0.2 4436 "$A"
	local_op live-sync a confirm=b
	says '! failed node a does not answer: unable to connect to 127.0.0.2 port 4436: Connection refused'
	local_op node-remove a
	untouched
	# And now all of it is right: the first that is another is taken.
	local_op node-add z 127.0.0.2 4435 "$A"
	local_op live-sync confirm=b
	says '+ done'
	[ "$(point a)" = "$(point b)" ]
}

@test "live-sync: another version is refused" {
	pair_in_prod
	# The node says so: its own rm-exec is another.
	mkdir -p lies/node
	cp -r "$RM_BUILD"/lib/rm/. lies
	sed -i 's/^	version=.*/	version=0.2/' lies/node/serve
	relisten lies
	local_op live-sync a confirm=b
	says '! failed node a is of version 0.2, this appliance of 0.1'
	untouched
}

# relisten LIB: in a's place, the scripts of LIB at 127.0.0.4; b lists it.
relisten() {
	local lib=$PWD/$1
	more_at a
	listen room rm-listen -R 4 -a 15 127.0.0.4 0 -- \
		rm-tls -a rm-node/1 -n "$RM_STATE/current/nodes" \
		"$RM_STATE/device.crt" "$RM_STATE/device.key" -- \
		"$lib/node/serve"
	more_at b
	domain put-if "node/$A" 'a 127.0.0.2 4435' \
		"a 127.0.0.4 $PORT"
}

@test "live-sync: a node that lies about its sync point changes nothing" {
	pair_in_prod
	mkdir -p lies/node
	cp -r "$RM_BUILD"/lib/rm/. lies
	printf '#!/bin/sh\necho 0123456789abcdef\n' >lies/node/sync-point
	relisten lies
	local_op live-sync a confirm=b
	says '! failed the sync point of node a is not that of what it gave'
	untouched
	# What an unfinished one has left is removed by the next.
	rm lies/node/sync-point
	cp "$RM_BUILD/lib/rm/node/sync-point" lies/node/
	local_op live-sync a confirm=b
	says '+ done'
	whole b
}

@test "live-sync: who is served meanwhile keeps his database" {
	pair_in_prod
	mkdir -p lies/node
	cp -r "$RM_BUILD"/lib/rm/. lies
	# Somebody logs in at b while a makes its snapshot.
	sed -i "2i : >$PWD/b/run/clients/carol" lies/node/snapshot
	relisten lies
	local_op live-sync a confirm=b
	says '! failed a client has connected since the service was started: *'
	untouched
}

@test "live-sync: a cable cut in the middle, and the next run goes on from there" {
	pair_in_prod
	local i at=a/state/current/users/bob/partition/tokens/0e4a-1
	for i in {1..60}; do
		head -c 20000 /dev/urandom >"$at/big-$i.object"
	done
	# A cable that lets so many bytes through.
	echo 500000 >length
	cat >cable <<-'CABLE'
	#!/bin/sh
	socat - TCP:127.0.0.2:4435,nodelay | stdbuf -o0 head -c "$(cat length)"
	CABLE
	chmod 755 cable
	listen room rm-listen -R 4 127.0.0.4 0 -- "$PWD/cable"
	domain put-if "node/$A" 'a 127.0.0.2 4435' "a 127.0.0.4 $PORT"
	local_op live-sync a confirm=b
	says '! connection-lost cut off: what came from the node is kept for the next time *'
	has "$output" '*% 10 67 of 67 files to fetch, *'
	untouched
	until_true eval '[ -z "$(ls -d a/run/snapshots/*/)" ]'
	# Even before the first byte of a file.
	echo 5000 >length
	local_op live-sync a confirm=b
	says '! connection-lost *'
	untouched
	echo 100000000 >length
	local_op live-sync a confirm=b
	says '+ done'
	local fetched
	fetched=$(sed -nE 's/^% 10 ([0-9]+) of 67 files.*/\1/p' <<<"$output")
	echo "the third run fetched $fetched of 67"
	# Percent, bytes, and time left; each percent once.
	sed -nE 's/^% ([0-9]+) [0-9,]+ bytes, [0-9.]+[kMG]?B\/s, [0-9:]+ left$/\1/p' \
		<<<"$output" >percents
	[ -s percents ]
	sort -nc percents
	[ "$(wc -l <percents)" -le 101 ]
	[ "$fetched" -lt 55 ]
	[ "$(point a)" = "$(point b)" ]
}

@test "live-sync: what a cut one leaves goes with the next operation that changes something, and at boot" {
	pair_in_prod
	local left=$RM_STATE/staging/tree/users/alice/partition/key at
	at=$RM_STATE/current/users
	leave() {
		mkdir -p "${left%/*}" "$RM_STATE/gen-9/users" "$at/.dave.old" \
			"$RM_RUN/snapshots/old"
		echo key >"$left"
		: >"$RM_RUN/snapshots/old/key"
	}
	# Who looks leaves it as it is.
	leave
	local_op status
	local_op node-test a
	says '+ done'
	[ -e "$left" ]
	[ -e "$RM_STATE/gen-9" ]
	# What is done right before the next sync leaves what has come.
	local_op stop-service
	local_op start-service
	says '+ done'
	[ -e "$left" ]
	whole b
	[ ! -e "$at/.dave.old" ]
	[ ! -e "$RM_RUN/snapshots/old" ]
	# All others do not, not even if they are refused.
	local_op node-add a 127.0.0.9 4435 "$OLD"
	says '! failed a node a is listed already'
	[ ! -e "$RM_STATE/staging" ]
	# One that is in use stays.
	leave
	exec 9>"$RM_RUN/snapshots/old/lock"
	flock 9
	local_op node-remove a
	says '+ done'
	[ -e "$RM_RUN/snapshots/old/key" ]
	exec 9>&-
	leave
	more_end
	more_boot
	[ ! -e "$RM_STATE/staging" ]
	[ ! -e "$RM_RUN/snapshots/old" ]
	[ ! -e "$at/.dave.old" ]
	whole b
}

@test "domain: three appliances; the third takes from the second, the first being off" {
	pair
	more_init c 127.0.0.5
	seed master dave
	local C=$APPLIANCE
	domain put-if "node/$B" '' 'b 127.0.0.3 4435'
	more_boot
	more_at a
	local_op node-add c 127.0.0.5 4435 "$C"
	more_at b
	local_op domain-join a confirm=b
	says '+ done'
	more_at a
	more_end
	# b knows c from a's list, and c knows a from b's.
	more_at c
	until_true [ -s "$MORE/b/run/node.addr" ]
	local_op node-discover b
	has "$output" "*: a 127.0.0.2 4435 $A
: b calls this appliance c
+ done"
	local_op domain-join b confirm=c
	says '+ done'
	[ "$(point c)" = "$(point b)" ]
	[ "$(point c)" = "$(point a)" ]
	local_op node-list
	has "$output" "*: a 127.0.0.2 4435 $A
: b 127.0.0.3 4435 $B
: c 127.0.0.5 4435 $C (itself)*"
}

# A program of somebody else's, which signs at the present appliance with
# alice's key, and the signature verifies with what a gave out.
sign_as_alice() {
	p11 --login --pin 1234 --sign -m ECDSA --id 01 -i hash -o sig \
		--signature-format openssl >sign.out 2>&1 &&
		openssl pkeyutl -verify -pubin -inkey alice.pub -keyform DER \
			-in hash -sigfile sig
}

@test "live-sync: a foreign client sees the keys and signs; another was never disturbed" {
	station_setup
	more_init a 127.0.0.2
	appliance_user alice alice-password
	A=$APPLIANCE
	more_boot
	p11_setup alice alice-password
	run -0 p11 --init-token --slot-index 0 --label hers --so-pin 12345678
	run -0 p11 --init-pin --login --login-type so --so-pin 12345678 --pin 1234
	run -0 p11 --login --pin 1234 --keypairgen --key-type EC:prime256v1 --id 01
	run -0 p11 --read-object --type pubkey --id 01 -o alice.pub
	head -c 32 /dev/urandom >hash
	sign_as_alice
	local_op domain-create prod
	more_init b 127.0.0.3
	appliance_user carol carol-password
	B=$APPLIANCE
	more_boot
	local_op node-add a 127.0.0.2 4435 "$A"
	more_at a
	local_op node-add b 127.0.0.3 4435 "$B"
	# Who works at a goes on, all the while.
	mkfifo hold
	exec 9<>hold
	while ! read -r -t 0.05 _ <&9; do
		sign_as_alice && echo signed || echo failed
	done >client.log 3>&- 7>&- &
	local client=$!
	PIDS+=("$client")
	until_true grep -q signed client.log
	more_at b
	local_op domain-join a confirm=b
	says '+ done'
	local n
	n=$(wc -l <client.log)
	until_true eval '[ "$(wc -l <client.log)" -gt '"$((n + 1))"' ]'
	echo >&9
	wait "$client"
	exec 9>&-
	run ! grep failed client.log
	# What has been at b has gone, and what a had is there.
	p11_setup carol carol-password
	run p11 -L
	has "$output" '*denied*'
	p11_setup alice alice-password
	sign_as_alice
	# Its PIN is the same, and wrong ones count.
	run p11 --login --pin 4321 -O
	has "$output" '*CKR_PIN_INCORRECT*'
	[ "$(point a)" = "$(point b)" ]
	# Somebody has connected now.
	local_op live-sync a confirm=b
	says '! failed a client has connected since *'
	local_op stop-service
	local_op start-service
	local_op live-sync a confirm=b
	says '+ done'
	# A database of another mode is none of ours.
	local_op set-mode RM2 confirm=b
	says '+ *'
	local_op domain-join a confirm=b
	says '! usage no node a is listed'
	local_op node-add a 127.0.0.2 4435 "$A"
	local_op domain-join a confirm=b
	says '! failed node a is in mode NRM, this appliance in RM2'
}
