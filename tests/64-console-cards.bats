#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Custodians' cards in the console's own reader: its lock, trials, the quorum
# that the owner asks for at the console, and that a card is somebody there.
load helpers
load room
load console

setup() {
	console_setup
	room_start
	start_log
}

teardown() {
	console_end
	room_stop
	common_teardown
}

# enrol READER NAME: its card is put in, and its key is a custodian's.
enrol() {
	local key
	card_insert "$1" "$2"
	key=$(openssl x509 -in "$(card_file "$2" 9a.crt)" -noout -pubkey |
		tee "$2.pem" | openssl pkey -pubin -outform DER | sha256sum)
	mkdir -p "state/custodians/$2"
	install -m 600 "$2.pem" "state/custodians/$2/${key%% *}.pem"
}

# The card in reader 0 is changed for that one.
swap() {
	card_remove 0
	card_insert 0 "$1"
}

logged() {
	grep -F -- "$1" state/audit.log
}

how_often() {
	grep -cF -- "$1" state/audit.log || :
}

is_logged() {
	[ "$(how_often "$1")" = "$2" ]
}

policy() {
	printf '%s\n' 'session 1' "$@" '* local-only' >state/policy
	chmod 600 state/policy
}

# What a form asks for: the PIN of the card that is in.
pin() {
	secret "${PIN:-123456}"
	choose OK "$@"
}

@test "rm-console locks: nothing but a custodian's card unlocks it" {
	enrol 0 alice
	console 'room rm-console'
	menu
	choose 'Lock Console' shows 'Lock this console'
	press Escape at Main
	[ ! -e state/locked ]
	choose 'Lock Console' shows 'Lock this console'
	golden lock-question
	choose Yes at Locked
	golden locked
	until_true logged ' console-locked '
	# Every key but that one is for nothing.
	keys Escape P q F5 Tab C-c C-z End
	press Enter at Unlock
	golden unlock-form
	back Locked
	shows_not Main
	# A stranger's card, and a wrong PIN, are refused, and recorded.
	swap mallory
	choose Unlock
	pin shows 'no custodian has the key'
	golden unlock-refused
	logged ' card-refused purpose=unlock '
	press Enter at Locked
	swap alice
	choose Unlock
	PIN=654321 pin shows 'wrong PIN'
	golden unlock-wrong-pin
	logged ' why=wrong-pin '
	press Enter at Locked
	[ -e state/locked ]
	choose Unlock
	pin at Main
	[ ! -e state/locked ]
	logged ' card purpose=unlock custodian=alice '
	try 0 rm-audit verify state/audit.log
	run ! grep -rE '123456|654321' state run err
}

@test "rm-console comes back locked when it was killed" {
	enrol 0 alice
	console 'room rm-console'
	menu
	choose 'Lock Console' shows 'Lock this console'
	choose Yes at Locked
	console_pid
	kill -KILL "$CONSOLE_PID"
	until_true [ -s rc ]
	mux kill-server 2>/dev/null || :
	console 'room rm-console'
	effect at Locked
	# Armed from elsewhere, a key disarms, and it is locked as before.
	arm
	see "$READY"
	press x at Locked
	disarmed
	shows_not Main
}

@test "rm-console is not locked when nobody could unlock it; its lock is a file" {
	console
	menu
	choose 'Lock Console' shows 'no custodian is enrolled'
	press Enter at Main
	# Nor by a file, whoever put it there.
	: >state/locked
	choose 'Power Off'
	back Main
	rm state/locked
	mkdir -p state/custodians/alice
	: >state/locked
	effect at Locked
	rm state/locked
	effect at Main
}

@test "rm-console: a lock of an earlier boot leaves one way more, the factory reset" {
	operation factory-reset destructive <<<'echo "all gone"'
	enrol 0 alice
	echo 7 >state/locked
	console 'room rm-console'
	effect at Locked
	shows_not 'Factory Mode'
	echo 8 >state/boot-count.new
	mv state/boot-count.new state/boot-count
	: >run/audit.head	# an event
	see 'Return to Factory Mode'
	golden locked-before
	choose 'Return to Factory Mode' shows 'type its name'
	back Locked
	[ -e state/locked ]
	choose 'Return to Factory Mode' shows 'type its name'
	fill hsm-1
	choose OK shows 'all gone'
	press Enter at Locked
	# No card, no PIN, and nothing else.
	[ "$(how_often ' card')" = 0 ]
	shows_not Main
}

@test "rm-console: a card is tried, and nothing is changed" {
	local before
	enrol 0 alice
	console 'room rm-console'
	menu Configuration Custodians
	before=$(find state -type f ! -name 'audit.*' | sort | xargs sha256sum)
	choose 'Drill a Card' at Drill
	golden drill-form
	pin shows "This card is alice's"
	golden drill-result
	shows 'PIN tries before this one: 3'
	logged ' card purpose=drill custodian=alice '
	press Enter at Custodians
	swap mallory
	choose 'Drill a Card' at Drill
	pin shows 'no custodian has the key'
	golden drill-refused
	logged ' card-refused purpose=drill '
	press Enter at Custodians
	[ "$(find state -type f ! -name 'audit.*' | sort | xargs sha256sum)" = "$before" ]
}

# To the typed name of a set-mode that says what it got.
mode_form() {
	choose 'Operating Mode' shows 'type its name'
	field 'type its name, hsm-1'
	fill hsm-1
}

set_mode_here() {
	operation set-mode destructive 'args: mode=NRM|RM1|RM2' \
		<<<'echo "got $1"; : >"$RM_RUN/ran"'
}

@test "rm-console: the policy's cards at the console, of different custodians, then it is done" {
	set_mode_here
	enrol 0 bob
	card_remove bob
	enrol 0 alice
	policy 'set-mode session console=2'
	console 'room rm-console'
	menu Configuration
	mode_form
	choose OK shows 'set-mode: card 1 of 2'
	golden quorum-first
	pin shows 'set-mode: card 2 of 2; signed: alice'
	golden quorum-second
	# The same card signs again: it is the same person.
	secret 123456
	choose OK is_logged ' card purpose=operation ' 2
	see 'card 2 of 2; signed: alice'
	[ ! -e run/ran ]
	swap mallory
	pin shows 'no custodian has the key'
	press Enter shows 'card 2 of 2; signed: alice'
	[ ! -e run/ran ]
	swap bob
	pin shows 'got NRM'
	calm
	run -0 logged ' card purpose=operation operation=set-mode custodian=bob '
	has "$output" '*%0Aoperation%20set-mode%0Aargument%20NRM%0Apayload%20none%0Asigner%20*'
	# Each has a nonce of its own, and is there before it begins.
	[ "$(grep -o 'nonce%20[0-9a-f]*' state/audit.log | sort -u | wc -l)" = 3 ]
	[ "$(awk '/ (card|begin) / { print $4 }' state/audit.log | tail -n 1)" = begin ]
	try 0 rm-audit verify state/audit.log
}

@test "rm-console: Esc among the cards, and it is not done" {
	set_mode_here
	enrol 0 alice
	policy 'set-mode session console=1'
	console 'room rm-console'
	menu Configuration
	mode_form
	choose OK shows 'set-mode: card 1 of 1'
	back Configuration
	[ ! -e run/ran ]
	# More cards than there are people: said, and not asked for.
	policy 'set-mode session console=2'
	choose 'Operating Mode' shows 'enrolled are 1'
	golden quorum-too-few
	press Enter at Configuration
	[ ! -e run/ran ]
}

# Memory that it keeps from the disk: there lie secrets, and nothing else.
locked_kb() {
	awk '/^VmLck/ { print $2 }' "/proc/$CONSOLE_PID/status"
}

locks() {
	[ "$(locked_kb)" = "$1" ]
}

partition_form() {
	choose Create shows 'type its name'
	field user
	fill carol
	move Enter
	for word in word-12345 word-12345 99887766 99887766; do
		secret $word
		move Enter
	done
	fill "$1"
}

@test "rm-console: secrets of an operation that is left undone are wiped" {
	[[ $RM_BUILD != *asan* ]] || return 0	# sanitizers lock nothing
	local none
	operation partition-list read <<<:
	operation partition-create destructive 'args: user=/[a-z]+/' \
		'payload: secrets secret' <<<'echo made'
	enrol 0 alice
	policy 'partition-create local-only console=1'
	console 'room rm-console'
	menu Partition
	choose Create shows 'type its name'
	back Partition
	console_pid
	none=$(locked_kb)
	# Sent back by what is asked for behind them.
	partition_form hsm-2
	choose OK shows 'not the name of this appliance'
	[ "$(locked_kb)" -gt "$none" ]
	back Partition
	until_true locks "$none"
	# Among the cards; having been sent back before, too.
	partition_form hsm-2
	choose OK shows 'not the name of this appliance'
	field 'type its name, hsm-1'
	fill hsm-1
	choose OK shows 'partition-create: card 1 of 1'
	[ "$(locked_kb)" -gt "$none" ]
	back Partition
	until_true locks "$none"
	# And where arming takes all screens away.
	partition_form hsm-1
	choose OK shows 'partition-create: card 1 of 1'
	[ "$(locked_kb)" -gt "$none" ]
	arm
	see "$READY"
	until_true locks "$none"
}

@test "rm-console: with a policy that nobody can read nothing is destroyed but by factory reset" {
	set_mode_here
	operation factory-reset destructive <<<'echo "all gone"'
	enrol 0 alice
	policy nonsense
	console 'room rm-console'
	menu Configuration
	choose 'Operating Mode' shows 'policy line 2'
	shows 'possible all the same'
	press Enter at Configuration
	# Nor does a factory reset ask for cards, whatever is written there.
	choose 'Return to Factory Mode' shows 'type its name'
	fill hsm-1
	choose OK shows 'all gone'
	press Enter at Configuration
	policy 'factory-reset session console=1'
	choose 'Return to Factory Mode' shows 'type its name'
	fill hsm-1
	choose OK shows 'all gone'
	[ "$(how_often ' card')" = 0 ]
}

@test "rm-console: the policy's form has the cards at the console, and keeps them" {
	enrol 0 alice
	enrol 1 bob
	policy 'set-mode session console=2' 'restart session'
	console 'room rm-console'
	menu Configuration Policy
	see 'set-mode               session, cards here: 2'
	choose 'restart                session' shows 'cards at the console'
	field 'cards at the console'
	pick 1
	choose OK shows 'the policy is in force'
	calm
	press Enter shows 'restart                session, cards here: 1'
	grep -qx 'set-mode session console=2' state/policy
	grep -qx 'restart          session console=1' state/policy
	# For all of them at once, and for a factory reset, there is no such field.
	choose 'factory-reset          as *' shows 'a number of custodians'
	shows_not 'cards at the console'
}

# A card comes and goes: who has just begun to watch may not have looked yet.
cards_until_disarmed() {
	local i j
	for ((i = 0; i < 20; i++)); do
		card_insert 1 bob
		for ((j = 0; j < 60; j++)); do
			! disarmed || break 2
			moment 0.05
		done
		card_remove bob
	done
	disarmed
	card_remove bob
}

watches() {
	pgrep -x rm-card -P "$CONSOLE_PID"
}

watches_not() {
	! watches
}

@test "rm-console: a card that is put into its reader is somebody there" {
	enrol 0 alice
	echo "reader $(room_reader 1)" >>state/conf
	console 'room rm-console'
	console_arm
	# Another reader is none of its own.
	until_true watches
	swap alice
	swap alice
	armed
	cards_until_disarmed
	effect at Main
	until_true [ -e run/record ]
	# It is watched only as long as it is armed.
	until_true watches_not
	# What is in it before is nobody.
	card_insert 1 bob
	console_arm
	until_true watches
	swap alice
	armed
	card_remove bob
	armed
	cards_until_disarmed
	effect at Main
}

@test "rm-console --plain: a card that is put into its reader disarms, too" {
	console 'room rm-console --plain'
	see disarmed
	CONSOLE_PID=
	arm
	see armed
	cards_until_disarmed
	[ -e run/record ] || until_true [ -e run/record ]
}

@test "rm-console: a custodian is enrolled with a card, listed and removed" {
	policy
	enrol 1 bob
	card_insert 0 alice
	echo "reader $(room_reader 0)" >>state/conf
	console 'room rm-console'
	menu Configuration Custodians
	choose Enrol
	fill alice
	field 'PIN of the card'
	pin shows 'enrolled alice'
	calm
	press Enter at Custodians
	[ -e state/custodians/alice/*.pem ]
	choose List shows 'alice '
	calm
	press Enter at Custodians
	choose Remove
	is_so_already shows '< alice >'
	choose OK shows 'removed 1 key of alice'
	calm
	press Enter at Custodians
	[ ! -e state/custodians/alice ]
	# The last of those that the policy needs stays.
	choose Remove
	choose OK shows 'change the policy first'
	[ -e state/custodians/bob ]
}

@test "rm-console shows a name that is too long in part" {
	printf 'name %0200d\n' 0 | tr 0 a >state/conf
	console
	effect at Main
	shows "$(printf '%063d' 0 | tr 0 a) - Local"
}
