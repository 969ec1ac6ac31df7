#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rm-kat: known answers of the algorithms.
load helpers

@test "rm-kat: every algorithm has its known answer" {
	try 0 rm-kat
	[ "${#lines[@]}" -ge 13 ]
	local line
	for line in "${lines[@]}"; do
		has "$line" 'ok *(*)'
	done
	has "$output" '*Argon2id*'
	has "$output" '*RFC 6979*'
}

@test "rm-kat takes no arguments, and says when it cannot print" {
	try 100 rm-kat x
	has "$stderr" '*usage: rm-kat*'
	try 111 sh -c 'exec rm-kat >/dev/full'
}
