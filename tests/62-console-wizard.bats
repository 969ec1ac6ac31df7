#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# A new appliance, from the first boot on: built aside, and then there at once.
load helpers
load room
load appliance
load console

setup() {
	common_setup
	room_start
	station_setup
	export RM_OPS=$RM_BUILD/lib/rm/ops TERM=screen
	unset TMUX
	RM_CONF=$RM_STATE/conf
	settings_here
}

teardown() {
	boot_end
	appliance_end
	room_stop
	common_teardown
}

NOTHING='There is no appliance here yet'

# The wizard up to the custodians.
wizard_begin() {
	see "$NOTHING"
	choose 'Make an Appliance' shows 'password of master'
	fill hsm-1
	field 'password of master'
	secret "$MASTER_PASSWORD"
	field 'the same again'
	secret "$MASTER_PASSWORD"
	choose OK at 'First Custodians'
}

# wizard_enrol READER NAME: the only card that is in a reader.
wizard_enrol() {
	card_insert "$1" "$2"
	choose 'Enrol a Custodian' at Enrol
	fill "$2"
	field 'PIN of the card'
	secret 123456
	choose OK at 'First Custodians'
}

# --- without one ---------------------------------------------------------------

# As a factory leaves them: at addresses of this room.
settings_here() {
	printf '%s\n' 'listen 127.0.0.1 4433' 'service 127.0.0.1 4434' \
		'engine /usr/lib/softhsm/libsofthsm2.so' 'idle 120' \
		'power tree' >"$RM_CONF"
}

# draft_begin [MODE]
draft_begin() {
	try 0 rm-supervise draft begin hsm-1 "${1:-NRM}" <<<"$MASTER_PASSWORD"
	APPLIANCE=$(<"$RM_STATE/draft/appliance")
}

# card_enrolment READER NAME: makes NAME.enrol.
card_enrolment() {
	timeout 60 room rmctl --reader "$(room_reader "$1")" --pin-file pin \
		card enrol --appliance "$APPLIANCE" "$2" >"$2.enrol"
}

# draft_custodian READER NAME
draft_custodian() {
	card_insert "$1" "$2"
	card_enrolment "$1" "$2"
	try 0 rm-supervise draft enrol "$2" <"$2.enrol"
}

# Nothing is missing of what a boot and a station need.
whole() {
	local part
	for part in conf policy softhsm2.conf device.key device.crt service.key \
		service.crt service current/mode current/users/master; do
		[ -s "$RM_STATE/$part" ] || [ -d "$RM_STATE/$part" ] ||
			{ echo "$part is missing" >&2; return 1; }
	done
	[ "$(openssl pkey -in "$RM_STATE/device.key" -pubout -outform DER |
		sha256sum)" = "$(<"$RM_STATE/appliance")  -" ] || return 1
	[ "$(cd "$RM_STATE/custodians" && echo *)" = 'alice bob' ] || return 1
	grep -qx 'session  *2' "$RM_STATE/policy" || return 1
	grep -qx 'name hsm-1' "$RM_CONF" || return 1
	rm-rules explain "$RM_OPS" | grep -q '^session: 2 of 2 custodians'
}

@test "rm-supervise draft builds an appliance aside, and commit puts it in its place" {
	draft_begin RM1
	draft_custodian 0 alice
	draft_custodian 1 bob
	# Up to here there is none, and the log has not heard of one.
	[ "$(cd "$RM_STATE" && echo *)" = 'conf draft' ]
	try 1 rm-supervise draft quorum 3
	has "$stderr" '*refused: the policy asks for 3 custodians for session, enrolled are 2'
	try 1 rm-supervise draft quorum 0
	try 0 rm-supervise draft quorum 2
	try 0 rm-supervise draft commit
	[ "${lines[-1]}" = "appliance hsm-1 $APPLIANCE" ]
	whole
	[ "$(<"$RM_STATE/current/mode")" = RM1 ]
	[ ! -e "$RM_STATE/draft" ]
	# Its records, with the cards' own signatures.
	has "$(head -n 1 "$RM_STATE/audit.log")" "1 * init name=hsm-1 *"
	[ "$(grep -c ' enrol custodian=.* sig=' "$RM_STATE/audit.log")" = 2 ]
	try 0 rm-audit verify "$RM_STATE/audit.log"
	run ! grep -r "$MASTER_PASSWORD" "$RM_STATE"
	# And it works: two cards make a session.
	appliance_boot
	[ "$BOOTED" = 'boot 1 of hsm-1' ]
	appliance_arm
	try 0 room rmctl $RMCTL status
	has "$output" '*mode RM1*'
}

@test "rm-supervise draft refuses what is not in order, and can be dropped" {
	try 1 rm-supervise draft enrol alice </dev/null
	has "$stderr" '*refused: no appliance has been begun'
	try 1 rm-supervise draft commit
	try 100 rm-supervise draft
	try 100 rm-supervise draft begin hsm-1
	try 100 rm-supervise draft begin hsm-1 RM9 <<<"$MASTER_PASSWORD"
	has "$stderr" '*there is no mode RM9'
	try 100 rm-supervise draft begin "$(printf '%064d' 0 | tr 0 a)" NRM \
		<<<"$MASTER_PASSWORD"
	try 1 rm-supervise draft begin hsm-1 NRM <<<short
	[ ! -e "$RM_STATE/draft/appliance" ]
	draft_begin
	# A card's word for another appliance, or another name.
	card_insert 0 alice
	APPLIANCE=$(printf '%064d' 0) card_enrolment 0 alice
	try 1 rm-supervise draft enrol alice <alice.enrol
	has "$stderr" '*does not verify*'
	card_enrolment 0 alice
	try 1 rm-supervise draft enrol bob <alice.enrol
	try 0 rm-supervise draft enrol alice <alice.enrol
	try 0 rm-supervise draft drop
	[ "$(cd "$RM_STATE" && echo *)" = conf ]
	# Where there is an appliance there is no draft.
	try 0 rm-supervise init hsm-2 <<<"$MASTER_PASSWORD"
	try 1 rm-supervise draft begin hsm-1 NRM <<<"$MASTER_PASSWORD"
	has "$stderr" '*already has an appliance'
}

@test "rm-supervise draft commit, cut off at its steps, leaves no appliance or a whole one" {
	local at of made=0 none=0 number=0
	draft_begin
	draft_custodian 0 alice
	draft_custodian 1 bob
	try 0 rm-supervise draft quorum 2
	cp -a "$RM_STATE" ready
	kill-at -o steps 0 -- rm-supervise draft commit >/dev/null
	of=$(sed -n 's/^steps //p' steps)
	[ "$of" -gt 50 ]
	# The last steps most closely: there it comes to be.
	for at in $((of / 5)) $((of / 2)) $((of * 4 / 5)) $((of - 30)) \
		$((of - 20)) $((of - 14)) $((of - 9)) $((of - 5)) $((of - 2)); do
		rm -rf "$RM_STATE" "$RM_RUN"
		cp -a ready "$RM_STATE"
		mkdir "$RM_RUN"
		kill-at -a -o steps "$at" -- rm-supervise draft commit \
			>/dev/null 2>&1 || :
		number=$((number + 1))
		if [ -e "$RM_STATE/appliance" ]; then
			made=$((made + 1))
			whole
		else
			none=$((none + 1))
			# The next one begins anew, and nothing of this is in it.
			draft_begin
			card_enrolment 1 bob
			try 0 rm-supervise draft enrol bob <bob.enrol
			try 0 rm-supervise draft quorum 1
			try 0 rm-supervise draft commit
			[ "$(cd "$RM_STATE/custodians" && echo *)" = bob ]
		fi
		try 0 rm-audit verify "$RM_STATE/audit.log"
	done
	echo "# of $number cuts $made left a whole one, $none none" >&3
	[ "$none" -gt 0 ]
}

@test "rm-supervise boot drops what was not finished, and waits" {
	draft_begin
	appliance_boot
	[ "$BOOTED" = 'boot 1 waits for rm-supervise init NAME' ]
	[ ! -e "$RM_STATE/draft" ]
	# It goes on by itself when there is one.
	draft_begin
	draft_custodian 0 alice
	try 0 rm-supervise draft quorum 1
	try 0 rm-supervise draft commit
	appliance_booted
	[ "$BOOTED" = 'boot 2 of hsm-1' ]
}

@test "first boot: the console makes an appliance, which boots and can be managed" {
	boot
	see "$NOTHING"
	golden first
	choose 'Make an Appliance' shows 'password of master'
	golden first-form
	fill hsm-1
	field 'operating mode'
	pick RM1
	field 'password of master'
	secret "$MASTER_PASSWORD"
	field 'the same again'
	secret "another-$MASTER_PASSWORD"
	choose OK shows 'what was to be the same is not'
	field 'the same again'
	secret "$MASTER_PASSWORD"
	choose OK at 'First Custodians'
	golden first-nobody
	shows 'cards of  nobody yet'
	shows_not Continue
	# A wrong PIN enrols nobody.
	card_insert 0 alice
	choose 'Enrol a Custodian' at Enrol
	golden first-enrol
	fill alice
	field 'PIN of the card'
	secret 654321
	choose OK shows 'wrong PIN'
	golden first-wrong-pin
	press Enter at 'First Custodians'
	shows 'cards of  nobody yet'
	card_remove alice
	wizard_enrol 0 alice
	shows 'cards of  alice'
	card_remove alice
	wizard_enrol 0 bob
	shows 'cards of  alice, bob'
	golden first-custodians
	choose Continue shows 'How many of the 2'
	is_so_already shows '< 2 >'
	golden first-quorum
	choose OK at Summary
	golden first-summary
	shows 'name      hsm-1'
	shows 'mode      RM1'
	shows 'session   2 of 2 custodians'
	shows "key       $(<state/draft/appliance)"
	[ ! -e state/appliance ]
	# One step back, and on again.
	back 'First Custodians'
	choose Continue shows 'How many of the 2'
	choose OK at Summary
	choose 'Make the Appliance' at Main
	see 'hsm-1 - Local Management Console'
	see 'Service running...'
	whole
	[ "$(<state/current/mode)" = RM1 ]
	[ ! -e state/draft ]
	[ "$(<state/boot-count)" = 2 ]
	run ! grep -rE "$MASTER_PASSWORD|123456|654321" state run err
	try 0 rm-audit verify state/audit.log
	# Two cards, and it is managed.
	card_insert 1 alice
	choose 'Remote Management' shows "$READY"
	timeout 60 room rmctl trust --fingerprint "$(<state/appliance)" 127.0.0.1
	try 0 room rmctl $RMCTL status
	has "$output" '*mode RM1*'
	press x at Main
	# A restart by the menu comes back disarmed.
	menu 'Power Off'
	choose Restart shows 'Restart hsm-1 now?'
	choose Yes at Main
	see 'Service running...'
	[ "$(<state/boot-count)" = 3 ]
	disarmed
	try 11 room rmctl $RMCTL status
}

@test "first boot: Esc goes back, and leaves nothing" {
	boot
	see "$NOTHING"
	choose 'Make an Appliance' shows 'password of master'
	press Escape shows "$NOTHING"
	wizard_begin
	[ -e state/draft/appliance ]
	press Escape shows "$NOTHING"
	until_true [ ! -e state/draft ]
	[ "$(cd state && echo *)" = 'boot-count conf lock lock.holder' ] ||
		{ ls state >&2; false; }
	# A password that the appliance does not take is told, and can be mended.
	choose 'Make an Appliance' shows 'password of master'
	fill hsm-1
	field 'password of master'
	secret short
	field 'the same again'
	secret short
	choose OK shows 'fatal: '
	[ ! -e state/appliance ]
}

@test "first boot: a console that is killed begins anew, and there is no appliance" {
	boot
	wizard_begin
	wizard_enrol 0 alice
	shows 'cards of  alice'
	console_pid
	kill -KILL "$CONSOLE_PID"
	see "$NOTHING"
	[ ! -e state/appliance ]
	CONSOLE_PID=
	wizard_begin
	shows 'cards of  nobody yet'
	# The next boot has nothing of it either.
	boot_end
	boot
	see "$NOTHING"
	[ ! -e state/draft ]
	choose 'Power Off' shows 'Switch off now?'
	reach on Yes
	keys Enter
	until_true [ -e rc ]
	[ "$(<rc)" = 0 ]
	[ ! -e state/appliance ]
}

@test "first boot: after a return to factory mode the console is there again" {
	try 0 rm-supervise init hsm-1 <<<"$MASTER_PASSWORD"
	boot
	effect at Main
	see 'Service running...'
	menu Configuration
	choose 'Return to Factory Mode' shows 'type its name'
	fill hsm-1
	choose OK shows "$NOTHING"
	[ ! -e state/appliance ]
	wizard_begin
	wizard_enrol 0 alice
	choose Continue shows 'How many of the 1'
	choose OK at Summary
	choose 'Make the Appliance' at Main
	[ "$(cd state/custodians && echo *)" = alice ]
}

@test "a locked console is locked at the next boot as well, until a custodian's card" {
	appliance_init hsm-1 1 alice
	boot
	menu
	choose 'Lock Console' shows 'Lock this console'
	choose Yes at Locked
	[ "$(<state/locked)" = 1 ]
	# The power goes, and comes back.
	boot_end
	boot
	effect at Locked
	shows 'Return to Factory Mode'
	shows_not 'Remote Management'
	choose Unlock
	secret 654321
	choose OK shows 'wrong PIN'
	press Enter at Locked
	choose Unlock
	secret 123456
	choose OK at Main
	[ ! -e state/locked ]
	boot_end
	boot
	effect at Main
	grep -q ' card purpose=unlock custodian=alice ' state/audit.log
}
