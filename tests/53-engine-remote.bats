#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Operations that change what the service serves, as a manager at a desk and a
# PKCS#11 client of somebody else's see them.
load helpers
load room
load appliance

@test "set-mode from a desk: a client sees it in its mechanism list" {
	appliance_init hsm-1 1 alice
	appliance_user app app-password
	appliance_boot
	appliance_arm
	p11_setup app app-password
	run -0 p11 -M
	has "$output" *'  MD5, digest'*
	run -0 p11 --init-token --slot-index 0 --label main --so-pin 12345678
	try 0 room rmctl $RMCTL --yes hsm-1 set-mode RM2
	has "$output" *'erases all users but master'*'the mode is RM2; the database is empty'
	# That user is no more; another is, in the new mode.
	run p11 -L
	[ "$status" -ne 0 ]
	appliance_user app app-password
	run -0 p11 -M
	has "$output" *'  SHA256, digest'*
	[[ $output != *MD5* ]]
	run -0 p11 -L
	[[ $output != *main* ]]
	try 0 room rmctl $RMCTL status
	has "$output" *'mode RM2'*
}

@test "factory-reset from a desk: answered, then gone; its stations are told of the new key" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	local old=$APPLIANCE
	try 0 room rmctl $RMCTL --yes hsm-1 factory-reset
	has "$output" *'keeps the audit log'*'the appliance returns to factory mode now'
	appliance_booted
	has "$BOOTED" 'boot 2 waits for *'
	run -0 room ss -Hltn 'sport = :4433 or sport = :4434'
	[ -z "$output" ]
	try 11 room rmctl $RMCTL status
	APPLIANCE=$(rm-supervise init hsm-1 <<<"$MASTER_PASSWORD")
	APPLIANCE=${APPLIANCE##* }
	appliance_booted
	sed -i 's/^session .*/session 1/' "$RM_STATE/policy"
	# The old custodian is none any more, until he is enrolled again.
	[ -z "$(ls "$RM_STATE/custodians")" ]
	appliance_enrol 0 alice
	appliance_arm
	try 31 room rmctl $RMCTL status
	has "$stderr" *'THE KEY OF '*' HAS CHANGED'*
	try 0 room rmctl trust --replace --fingerprint "$APPLIANCE" 127.0.0.1
	try 0 room rmctl $RMCTL status
	grep -q " init .* appliance=$APPLIANCE follows=" "$RM_STATE/audit.log"
	grep -q " factory-reset appliance=$old " "$RM_STATE/audit.log"
	try 0 rm-audit verify "$RM_STATE/audit.log"
}

@test "restart --wait returns when the appliance is back" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	local signed
	signed=$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')
	try 0 room rmctl $RMCTL --yes hsm-1 restart --wait 60
	[ "$output" = 'the appliance restarts now' ]
	has "$stderr" *'is back'*
	# It is, at once; and nobody but the restart asked a card.
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')" = \
		$((signed + 1)) ]
	try 0 room rmctl $RMCTL status
	has "$output" *'boot 2'*
	appliance_booted
	try 100 room rmctl $RMCTL --yes hsm-1 restart --wait soon
	[[ $stderr == *'usage: restart --wait [SECONDS]' ]]
}

@test "restart --wait tells who waits in vain" {
	appliance_init hsm-1 1 alice
	# It goes on: a restart that never comes back.
	mkdir ops
	cp "$RM_BUILD"/lib/rm/ops/* ops
	cp "$RM_BUILD"/lib/rm/*.sh .
	sed -i 's/^tell_supervisor.*/:/' ops/restart
	RM_OPS=$PWD/ops appliance_boot
	appliance_arm
	try 11 room rmctl $RMCTL --yes hsm-1 restart --wait 0.5
	has "$stderr" *'has not come back, armed, within 0.5 s'
}
