# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2154
#
# domain.bash: appliances of one domain, for bats files.  After helpers, room
# and appliance: load domain.  Its setup and teardown are for whole appliances
# in a room.

setup() {
	common_setup
	room_start
	MORE=$PWD
}

teardown() {
	common_teardown
	room_stop
}

domain() {
	"$RM_BUILD/lib/rm/node/domain" "$@"
}

# seed_at FOLDER TEXT USER...: users, each but master with a partition, as the
# engine leaves it; TEXT is in their passwords' hashes.
seed_at() {
	local at text=$2 user users=$1/users tokens
	shift 2
	for user; do
		at=$users/$user
		mkdir -p "$at"
		echo "hash of $user$text" >"$at/password"
		[ "$user" != master ] || continue
		tokens=$at/partition/tokens/0e4a-1
		mkdir -p "$tokens"
		head -c 320 /dev/urandom >"$tokens/token.object"
		head -c 700 /dev/urandom >"$tokens/$user.object"
	done
}

# seed USER...: at the present appliance.
seed() {
	seed_at "$RM_STATE/current" " at $WHO" "$@"
}

# pair: a, in domain prod, with alice and bob, and b with carol; they know each
# other.  Both are up; b is the present one.
pair() {
	more_init a 127.0.0.2
	seed master alice bob
	A=$APPLIANCE
	more_init b 127.0.0.3
	echo 'boot-pause 0' >>"$RM_CONF"
	seed master carol
	B=$APPLIANCE
	domain put-if "node/$A" '' 'a 127.0.0.2 4435'
	more_boot
	more_at a
	domain put-if "node/$B" '' 'b 127.0.0.3 4435'
	domain put-if name '' prod
	more_boot
	until_true [ -s "$RM_RUN/node.addr" ]
	more_at b
}

# pair_in_prod: and b is in the domain, too.
pair_in_prod() {
	pair
	domain put-if name '' prod
}

# point APPLIANCE: its sync point.
point() {
	"$RM_BUILD/lib/rm/node/sync-point" "$MORE/$1/state/current"
}

# says GLOB: the last answer.
says() {
	has "${lines[-1]}" "$1" || { printf '%s\n' "$output" "$stderr" >&2; false; }
}

# serves APPLIANCE: somebody listens there for clients.
serves() {
	local rc=0
	RM_RUN=$MORE/$1/run rm-once -q "$MORE/$1/run/service.addr" || rc=$?
	[ "$rc" -eq 1 ]
}

# at_rest APPLIANCE: whatever was left of an operation has gone, the service
# is not held by it any more, and serves.
at_rest() {
	rm-once -q -w 60 "$MORE/$1/run/operation"
	rm-once -q -w 60 "$MORE/$1/run/hold"
	until_true serves "$1"
}

# whole APPLIANCE: nothing is left beside its database.
whole() {
	[ "$(cd "$MORE/$1/state" && echo gen-*)" = \
		"$(readlink "$MORE/$1/state/current")" ]
}
