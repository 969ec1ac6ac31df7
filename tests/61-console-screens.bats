#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Screens at 80x25, held against tests/screens; make golden writes these.  Those
# that want cards or other appliances are in 62, 64 and 65.
load helpers
load console

setup() {
	console_setup
	printf '%s\n' 'name hsm-1' 'listen 172.17.0.2 4433' 'idle 120' \
		>state/conf
	mkdir -p state/gen-1/users state/custodians
	ln -s gen-1 state/current
	echo NRM >state/gen-1/mode
	printf '%s\n' 'session 2' 'status session' 'restart local-only' \
		'* 2' >state/policy
	local who
	for who in alice bob carol; do
		mkdir "state/custodians/$who"
		echo x >"state/custodians/$who/$(printf %s "$who" |
			sha256sum | cut -c -64).pem"
	done
}

@test "screens: the menus" {
	console
	menu
	golden main
	local title
	for title in Monitor Configuration Partition 'Power Off'; do
		choose "$title"
		golden "menu-${title,,}"
		back Main
	done
	choose Configuration
	for title in Custodians Replication; do
		choose "$title"
		golden "menu-${title,,}"
		back Configuration
	done
}

@test "screens: About" {
	start_log
	echo 'durable boot number=7' | socat - UNIX-CONNECT:run/audit.sock
	console
	menu
	choose About shows 'name      hsm-1'
	golden about 's/(version|up|boot|log)( +)[^ ]+( [^ ]+)* {2,}/\1\2...  /'
}

@test "screens: the monitor" {
	tally 123456 42 7 12
	log_lines 1 40 >state/audit.log
	console
	menu Monitor Counters
	golden counters 's/ +[0-9]+%/ #%/; s/[0-9]+ % */# %/; s/ *[▁▂▃▄▅▆▇█]+ */ #/'
	back Monitor
	choose 'Event Log'
	golden event-log
	press PPage shows 'End follows'
	golden event-log-scrolled
}

@test "screens: forms of the configuration" {
	start_log
	console
	menu Configuration
	local title
	for title in 'Listen Address' 'Time Limits' 'Card Reader' \
		'Operating Mode' 'Return to Factory Mode'; do
		choose "$title"
		golden "form-${title,,}"
		back Configuration
	done
	choose 'Date and Time'
	golden date-and-time 's/[0-9]{4}-[0-9-]{5} [0-9:]{8} [A-Z]{3,4}/.../; s/up for [0-9]+ s\. */up for # s./'
	back Configuration
	choose Policy
	golden policy
	choose 'session                2' shows 'a number of custodians'
	golden policy-entry
}

@test "screens: custodians and replication" {
	start_log
	console
	menu Configuration Custodians
	choose Enrol shows 'PIN of the card'
	golden form-enrol
	back Custodians
	choose Remove
	golden form-remove
	back Custodians
	back Configuration
	choose Replication
	local title
	for title in 'Create Domain' 'Join Domain' 'Add Node'; do
		choose "$title"
		golden "form-${title,,}"
		back Replication
	done
}

@test "screens: partitions, and the unlocking of master" {
	start_log
	mkdir -p state/gen-1/users/app state/gen-1/users/master
	console
	menu Partition
	local title
	for title in Create Delete 'Change PIN' 'Unlock PIN' \
		'Password of a User' 'Unlock a User'; do
		choose "$title" on_not "$title"
		golden "form-partition-${title,,}"
		press Escape on "$title"
	done
	# The one user who has none.
	echo x >state/gen-1/users/master/password
	back Main
	choose Configuration
	choose 'Unlock Master' on OK
	golden unlock-master
}

@test "screens: questions, answers and an operation under way" {
	start_log
	operation start-service normal <<-'SH'
	echo '%% 40 halfway there'
	echo 'a line'
	sleep 600
	SH
	console
	menu 'Power Off'
	choose Restart shows 'Restart hsm-1 now?'
	golden question
	press Escape at 'Power Off'
	back Main
	choose 'Start Service' shows 'halfway there'
	see 'a line'
	golden operation
	press Escape shows 'stopped: the log'
	golden answer
}

@test "screens: the self-test" {
	# Of a whole appliance: nothing is missing.
	rm -rf state
	"$RM_BUILD/bin/rm-supervise" init hsm-1 <<<'correct horse' >/dev/null
	start_log
	console
	menu
	choose 'Self Test' shows 'ok SHA-256'
	answered 'tests are ok'
	golden self-test
	press Home shows 'ok SHA-256'
}

@test "screens: the RM window" {
	log_lines 1 2 >state/audit.log
	console
	console_arm
	golden rm-ready
	rm-once run/quorum.1 -- sleep 600 3>&- &
	local gathers=$!
	PIDS+=("$gathers")
	printf '%s\n' 'have 1' 'want 2' 'manager bob' 'custodians alice' \
		'ip 172.17.0.1' >>run/quorum.1
	see 'quorum 1 of 2: alice (172.17.0.1)'
	golden rm-quorum
	kill "$gathers"
	gone quorum
	hold run/session
	see 'active manager'
	golden rm-session 's/idle +[0-9]+ s of 120 */idle # s of 120/'
	hold run/operation
	printf 'operation live-sync\n' >run/operation.holder
	printf '41 of the way\n' >run/operation.progress
	: >>run/operation
	see '41 % of the way'
	golden rm-operation 's/idle +[0-9]+ s of 120 */idle # s of 120/'
}

@test "screens: no room, and terminals of old" {
	console
	see Main
	mux resize-window -x 40 -y 12
	see 'The console needs 80 x 24'
	golden no-room
	console_end
	console 'env LC_ALL=C rm-console'
	menu Configuration
	golden ascii
	console_end
	console 'env TERM=vt100 rm-console'
	menu Configuration
	golden vt100
}
