#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The replication entries of the console, at one of two whole appliances.
load helpers
load room
load appliance
load console
load domain

setup() {
	common_setup
	room_start
	export TERM=screen
	unset TMUX
	pair_in_prod
}

teardown() {
	console_end
	common_teardown
	room_stop
}

# Sync points are of keys that are made here.
answer() {
	effect on OK
	golden "$1" 's/point [0-9a-f]{16}/point 0123456789abcdef/; s/[0-9a-f]{16} here/0123456789abcdef here/'
	press Enter at Replication
}

@test "rm-console: nodes are listed, tested, discovered, removed, and one's database is taken" {
	local other
	other=$(printf '%064d' 0 | tr 0 f)	# the last of the list
	RM_STATE=$MORE/a/state domain put-if "node/$other" '' 'c 127.0.0.4 4435'
	until_true serves b
	console 'room rm-console'
	see 'Service running...'
	menu Configuration Replication
	choose 'Node List' on OK
	shows "$A"
	answer node-list
	choose 'Test Node' shows '< a >'
	golden form-test-node
	choose OK shows 'another database'
	answer node-test
	choose 'Discover from a Node' shows '< a >'
	golden form-discover
	choose OK shows 'c 127.0.0.4'
	answer node-discover
	domain get "node/$other"
	choose 'Database Live Sync' shows 'type its name, b'
	golden form-live-sync
	field 'type its name, b'
	fill b
	choose OK shows 'database of node a'
	answer live-sync
	[ "$(point a)" = "$(point b)" ]
	choose 'Test Node'
	pick a
	choose OK shows 'same database'
	answer node-test-same
	# By now it is listed itself; who comes first is a matter of the keys.
	choose 'Remove Node'
	pick a
	golden form-remove-node
	pick c
	choose OK shows 'c is not listed'
	answer remove-node
	run ! domain get "node/$other"
	choose 'Leave Domain' on OK
	answer leave-domain
	see 'Replication Domain: <none>'
}
