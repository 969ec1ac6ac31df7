#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# Fifty threads in ten PKCS#11 applications sign, while a manager stops and
# starts the service: N times (make check T=59-p11-stress N=20), or twice.
load helpers
load room
load appliance

teardown() {
	: >end
	appliance_end
	room_stop
	common_teardown
}

CLIENTS=10 THREADS=5

# Each has signed in its ROUND-th connection.
all_in() {
	local n
	for ((n = 1; n <= CLIENTS; n++)); do
		[ "$(grep -c '^in$' "client.$n")" -ge "$1" ] || return 1
	done
}

# For whoever looks into it: who waits for what, when the manager has to.
what_waits() {
	ps -eo pid,ppid,stat,wchan:24,etimes,args --sort=etimes >&2
	cat client.*.log appliance.log >&2
}

manager() {
	try 0 room rmctl $RMCTL "$@" && return 0
	what_waits
	return 1
}

@test "p11: fifty threads in ten clients sign while the service is stopped and started" {
	local rounds=${N:-} round n pids=() line
	[ -n "$rounds" ] || rounds=2
	room_start
	appliance_p11
	for ((n = 1; n <= CLIENTS; n++)); do
		room env --default-signal=PIPE probe-client "$P11_PROXY" 1234 \
			sign "$PWD/end" "$THREADS" >"client.$n" \
			2>"client.$n.log" 3>&- 7<&- &
		pids+=("$!")
		PIDS+=("$!")
	done
	until_true all_in 1
	for ((round = 1; round <= rounds; round++)); do
		manager stop-service
		manager start-service
		# No client is dead, each time.
		until_true all_in $((round + 1)) || { what_waits; return 1; }
	done
	: >end
	for ((n = 0; n < CLIENTS; n++)); do
		wait "${pids[n]}"
	done
	for ((n = 1; n <= CLIENTS; n++)); do
		line=$(tail -n 1 "client.$n")
		echo "# client $n: $line" >&3
		# None hung, and the only failure is that the service was gone.
		[[ $line =~ ^signed\ ([0-9]+)\ wrong\ 0\ longest\ ([0-9]+)\ failures\ DEVICE_REMOVED$ ]]
		[ "${BASH_REMATCH[1]}" -gt "$rounds" ]
		[ "${BASH_REMATCH[2]}" -lt 60000 ]
	done
	# And what is left is whole.
	run -0 p11 --login --pin 1234 -O
	has "$output" '*Private Key Object; EC*'
	has "$output" '*Public Key Object; EC*'
}
