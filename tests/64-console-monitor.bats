#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The console's monitor: counters and the event log.
load helpers
load console

# A line of the screen does.
matches() {
	local line lines
	capture && mapfile -t lines <captured || return 1
	for line in "${lines[@]}"; do
		[[ ! $line =~ $1 ]] || return 0
	done
	return 1
}

@test "Monitor: counters as numbers and gauges, which follow what is so" {
	tally 123456 42 7 12
	mkdir run/clients
	console
	menu Monitor Counters
	effect matches 'PKCS#11 calls +[0-9]+ +123456'
	matches 'log-ins to the service +[0-9]+ +42'
	matches 'management sessions +[0-9]+ +7'
	matches 'refused connections +[0-9]+ +12'
	matches 'service sessions .* 0 of 128'
	matches 'CPU .* [0-9]+ %'
	matches 'memory .* [0-9]+ %'
	tally 987654 43 8 13
	effect matches 'PKCS#11 calls +[0-9]+ +987654'
	effect matches 'refused connections +[0-9]+ +13'
	# Connections hold a place in their user's file.
	rm-once run/clients/app -- sleep 600 3>&- &
	PIDS+=("$!")
	effect shows '1 of 128'
	kill "${PIDS[-1]}"
	effect shows '0 of 128'
	# A boot begins with new counters.
	rm run/tally
	tally 5 0 0 0
	effect matches 'PKCS#11 calls +[0-9]+ +5$|PKCS#11 calls +[0-9]+ +5 '
	choose OK at Monitor
}

@test "Monitor: the calls of each second leave a history" {
	tally 0 0 0 0
	console
	menu Monitor Counters
	tally 5000 0 0 0
	effect matches 'PKCS#11 calls .*█'
	matches 'PKCS#11 calls +▁*█'
	# A second later it is one to the left.
	effect matches 'PKCS#11 calls +▁*█▁'
	# It is of this look alone.
	back Monitor
	choose Counters
	run ! matches 'PKCS#11 calls .*█'
}

@test "Monitor takes samples only while it is open" {
	tally 1 1 1 1
	console 'strace -f -tt -e trace=openat -o trace rm-console'
	menu Monitor Counters
	until_true grep -q /proc/meminfo trace
	back Monitor
	local before
	before=$(grep -c /proc/meminfo trace)
	before_wakes=$(wakes)
	moment 3
	[ "$(grep -c /proc/meminfo trace)" = "$before" ]
	[ "$(wakes)" = "$before_wakes" ]
}

@test "Monitor: there is none while it is armed" {
	tally 1 1 1 1
	console
	menu Monitor Counters
	arm
	see "$READY"
	shows_not Counters
	press x at Main
}

@test "Event Log follows the log as it grows" {
	start_log
	echo 'durable boot number=7' | socat - UNIX-CONNECT:run/audit.sock
	console
	menu Monitor 'Event Log'
	matches '[0-9-]{5} [0-9:]{8} boot number=7'
	shows_not prev=
	echo 'durable one number=8' | socat - UNIX-CONNECT:run/audit.sock
	see 'one number=8'
	back Monitor
}

@test "Event Log: scrolled back it stays, and End follows again" {
	log_lines 1 900 >state/audit.log
	console
	menu Monitor 'Event Log'
	shows 'operation=op-900'
	press PPage shows_not 'operation=op-900'
	shows 'End follows it again'
	log_lines 901 901 >>state/audit.log
	calm
	shows_not op-901
	press End shows op-901
	shows_not 'End follows'
	log_lines 902 902 >>state/audit.log
	see op-902
	# To the first record, part by part, and forward again.
	local i
	for ((i = 0; i < 20; i++)); do
		! matches 'operation=op-1 ' || break
		keys Home
		calm
	done
	matches 'operation=op-1 '
	press NPage shows_not 'operation=op-1 '
	for ((i = 0; i < 100; i++)); do
		! shows op-902 || break
		keys NPage
		calm
	done
	shows op-902
}

@test "Event Log shows what matches the text that is typed" {
	{ log_lines 1 2000; log_lines 2001 2001 ' who=Mallory'; log_lines 2002 4000; } \
		>state/audit.log
	console
	menu Monitor 'Event Log'
	shows op-4000
	fill mallory
	shows 'operation=op-2001 who=Mallory'
	shows_not op-4000
	# What comes is held against it as well.
	{ log_lines 4001 4001; log_lines 4002 4002 ' who=Mallory'; } >>state/audit.log
	see op-4002
	shows_not op-4001
	fill nobody
	shows 'nothing of that kind'
	press C-u shows op-4002
	shows op-4001
}

@test "Event Log: foreign text is shown clean" {
	{
		log_lines 1 1 ' text=%1B[2J%07'
		printf '\033[2J\033]0;x\007 \302\23331m no record\n'
	} >state/audit.log
	console
	menu Monitor 'Event Log'
	shows 'text=%1B[2J%07'
	shows '?? ?[2J?]0;x? ??31m no record'
	shows filter
}

@test "Event Log: a log that is missing, replaced or cut" {
	console
	menu Monitor 'Event Log'
	shows 'there is no log'
	log_lines 1 30 >state/new
	mv state/new state/audit.log
	see op-30
	log_lines 50 51 >state/new
	mv state/new state/audit.log
	see op-51
	shows_not op-30
	log_lines 60 60 >state/audit.log
	see op-60
	shows_not op-51
	rm state/audit.log
	see 'there is no log'
	# A line is shown when it is whole.
	printf %s "$(log_lines 70 70)" >state/audit.log
	see 'nothing of that kind'
	echo >>state/audit.log
	see op-70
}

@test "Event Log: thousand events a second, and a key is answered" {
	log_lines 1 100 >state/lines
	: >state/audit.log
	console
	menu Monitor 'Event Log'
	# Up to two thousand a second.
	while :; do cat state/lines; moment 0.05; done >>state/audit.log 3>&- &
	PIDS+=("$!")
	see op-100
	local i
	for i in 1 2 3; do
		keys C-u
		keys -l "op-$i"
		effect is_value "op-$i"
	done
	keys Escape
	effect at Monitor
	kill "${PIDS[-1]}"
	choose Counters
	back Monitor
}

@test "rm-console --monitor tells the same as lines" {
	tally 11 22 33 44
	log_lines 1 1 >state/audit.log
	rm-console --monitor >out 3>&- &
	PIDS+=("$!")
	until_true grep -qE '^cpu [0-9]+ memory [0-9]+ service-sessions 0 calls 11 log-ins 22 management-sessions 33 refused 44$' out
	log_lines 2 2 >>state/audit.log
	until_true grep -qx 'event 11-30 10:00:00 read operation=op-2' out
	run ! grep op-1 out
	log_lines 3 3 >state/new
	mv state/new state/audit.log
	until_true grep -q op-3 out
	try 100 rm-console --monitor --plain
}

@test "Monitor in ASCII and on a VT100" {
	tally 1 1 1 1
	console 'env LC_ALL=C rm-console'
	menu Monitor Counters
	run ! grep -P '[^\x00-\x7f]' <(screen)
	console_end
	console 'env TERM=vt100 rm-console'
	menu Monitor Counters
	shows 'since boot'
	mux resize-window -x 100 -y 40
	effect matches 'Service stopped {50,}'
	shows 'since boot'
	mux resize-window -x 80 -y 25
	back Monitor
	choose 'Event Log'
	shows filter
}
