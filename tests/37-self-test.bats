#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The operation self-test, on an appliance that was just made.
# Each thing that is tested is broken once.
load helpers

setup() {
	common_setup
	export RM_OPS=$RM_BUILD/lib/rm/ops
	copy_of appliance state
}

appliance() {
	RM_STATE=$1 rm-supervise init hsm-1 <<<'correct horse' >/dev/null
}

@test "rm-console --self-test: all is well with a new appliance" {
	try 0 rm-console --self-test
	has "${lines[-1]}" 'all * tests are ok'
	[ -z "$(printf '%s\n' "${lines[@]::${#lines[@]}-1}" | grep -v '^ok ')" ]
	has "$output" '*engine generates, signs, verifies, destroys*'
	# Nothing is left of it.
	[ -z "$(ls run | grep self-test)" ]
}

works() {
	compgen -G 'run/self-test.*'
}

@test "self-test: one that is cut leaves nothing behind" {
	setsid "$RM_OPS/self-test" >out 2>&1 3>&- &
	local pid=$!
	until_true works
	kill -TERM -- "-$pid"
	wait "$pid" || :
	run ! works
}

# fails WHAT: that line and no other has failed.
fails() {
	try 1 rm-console --self-test
	run -0 grep '^FAILED' <<<"$output"
	[ "${#lines[@]}" -eq 1 ]
	has "$output" "FAILED $1"
}

@test "make: a program that is made anew is in the manifest anew" {
	cp -as "$RM_BUILD" built
	cd "$RM_TESTS/.."
	local make="make -n STATIC= BUILD=$BATS_TEST_TMPDIR/built"
	run ! grep sha256sum <($make 2>&1)
	rm "$BATS_TEST_TMPDIR/built/lib/rm/rm-gate.so"
	grep sha256sum <($make 2>&1)
}

@test "make: what install puts there, uninstall takes away, all of it" {
	local built=$RM_BUILD make='make -s --old-file=all STATIC='
	unset MAKEFLAGS MFLAGS MAKELEVEL PREFIX DESTDIR
	cd "$RM_TESTS/.."
	$make BUILD="$built" DESTDIR="$BATS_TEST_TMPDIR/dest" install
	cd "$BATS_TEST_TMPDIR/dest/usr/local"
	cmp bin/rmctl "$built/bin/rmctl"
	[ -x bin/rm-supervise ]
	[ "$(find share/man -type f | wc -l)" = \
		"$(find "$RM_TESTS/../man" -name '*.[1-9]' | wc -l)" ]
	(cd lib/rm && diff -r ops "$built/lib/rm/ops")
	cd "$RM_TESTS/.."
	$make BUILD="$built" DESTDIR="$BATS_TEST_TMPDIR/dest" uninstall
	[ -z "$(find "$BATS_TEST_TMPDIR/dest" ! -type d)" ]
}

@test "make deps: nothing without the network when all is there, else one line" {
	mkdir bin
	printf '%s\n' '#!/bin/sh' 'echo "$@" >>asked' >bin/apt-get
	chmod 755 bin/*
	PATH=$PWD/bin:$PATH try 0 unshare -rn "$RM_TESTS/deps"
	[ -z "$output$stderr" ]
	[ ! -e asked ]
	printf '%s\n' '#!/bin/sh' '[ "$4" != socat ] || exit 1' \
		'echo install ok installed' >bin/dpkg-query
	chmod 755 bin/dpkg-query
	PATH=$PWD/bin:$PATH try 0 unshare -rn "$RM_TESTS/deps"
	[ "$output" = 'deps: installing socat' ]
	[ "$(tail -n 1 asked)" = '-qq install --no-install-recommends socat' ]
}

@test "tests/run: a file that breaks off has failed, whatever else has" {
	mkdir -p tests build/bin
	cp "$RM_TESTS/run" tests
	printf '%s\n' '@test "one" {' ':' '}' '@test "two" {' 'kill -KILL $$' \
		'}' >tests/1-breaks.bats
	printf '%s\n' '@test "when alone" {' \
		'[ -e was ] || { : >was; false; }' '}' >tests/2-busy.bats
	run env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$PWD" TMPDIR="$PWD" \
		tests/run 2-busy
	[ "$status" = 0 ]
	has "$output" '*1 passed, 0 failed, 0 skipped'
	rm was
	run env -i PATH=/usr/local/bin:/usr/bin:/bin HOME="$PWD" TMPDIR="$PWD" \
		tests/run 1-breaks 2-busy
	[ "$status" = 1 ]
	has "$output" '*without a result: 1 tests*'
	has "$output" '*2 passed, 1 failed, 0 skipped'
}

@test "self-test: a key that others may read" {
	chmod 644 state/device.key
	fails '*hands: device.key can be had by others'
}

@test "self-test: a policy that others may write" {
	chmod 666 state/policy
	fails '*hands: others may write */policy'
}

@test "self-test: a log that was changed" {
	echo 'durable boot number=1' | rm-audit append state/audit.log >/dev/null
	sed -i '1s/name=hsm-1/name=hsm-2/' state/audit.log
	fails 'audit log is whole: *'
}

@test "self-test: an engine that is none" {
	echo 'engine /bin/true' >>state/conf
	fails 'engine *'
}

@test "self-test: a reader that is not there" {
	echo 'reader of nobody' >>state/conf
	fails 'reader of the console: *nobody'
}

@test "self-test: a program that is not as it was built" {
	cp -r "$RM_BUILD/bin" "$RM_BUILD/lib" . 2>/dev/null ||
		cp -r "$RM_BUILD/lib" .
	echo '# and more' >>bin/rm-supervise
	RM_OPS=$PWD/lib/rm/ops fails 'programs *: *'
}

@test "self-test: an algorithm that computes something else" {
	mkdir wrong
	printf '%s\n' '#!/bin/sh' 'echo "FAILED SHA-256 (FIPS 180-4)"' \
		'exit 1' >wrong/rm-kat
	chmod 755 wrong/rm-kat
	PATH=$PWD/wrong:$PATH fails 'SHA-256 (FIPS 180-4)'
}

@test "self-test as an operation: progress, results, and why it failed" {
	rm-listen -u run/audit.sock -- rm-audit append state/audit.log \
		3>&- 2>/dev/null &
	PIDS+=("$!")
	until_true [ -S run/audit.sock ]
	chmod 644 state/service.key
	run -0 timeout 60 rm-exec -L "$RM_OPS" <<<self-test
	has "$output" *'% 70 engine'*
	has "$output" *': FAILED *service.key*'
	has "$output" *'! failed 1 of * tests have failed'
}
