#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# The main job, end to end: arm at the console, present cards, run a command.

load helpers
load room
load appliance

# A client that was there before: signs with its key again and again, and
# writes a line each time, in the words of pkcs11-tool alone.
p11_client() {
	while :; do
		if timeout 60 room pkcs11-tool --module "$P11_PROXY" --login \
			--pin 1234 --sign -m ECDSA --id 01 -i hash -o sig \
			>p11.out 2>&1 && [ -s sig ]; then
			echo signed
		else
			grep -m 1 CKR_ p11.out || tail -n 1 p11.out
		fi >>client.log
		rm -f sig
		read -r -t 0.1 _ <&9 && break
	done
}

p11_client_says() {
	: >client.log
	until_true grep -q "$1" client.log
}

p11_client_failed() {
	[ "$(grep -c CKR_ client.log)" -ge "$1" ]
}

@test "main job: two custodians manage a real HSM from a desk" {
	appliance_init hsm-1 2 alice bob
	appliance_user app app-password
	appliance_boot
	p11_setup app app-password
	run -0 p11 --init-token --slot-index 0 --label main --so-pin 12345678
	run -0 p11 --init-pin --login --login-type so --so-pin 12345678 --pin 1234
	run -0 p11 --login --pin 1234 --keypairgen --key-type EC:prime256v1 --id 01
	printf '%032d' 7 >hash
	mkfifo hold
	exec 9<>hold
	p11_client 3>&- 7>&- &
	PIDS+=("$!")
	p11_client_says signed

	try 11 room rmctl $RMCTL status
	appliance_arm
	try 0 room rmctl $RMCTL status
	has "$output" *'service running'*
	# Both cards signed, and nothing else did.
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')" -ge 1 ]
	[ "$(card_count bob 'GENERAL AUTHENTICATE 9a 11 9000')" -ge 1 ]
	[ "$(room_apdu_count '00 87 11 9A')" -ge 2 ]

	try 0 room rmctl $RMCTL stop-service
	p11_client_says CKR_
	# It stays so: the client itself is the clock.
	: >client.log
	until_true p11_client_failed 3
	run ! grep signed client.log
	try 0 room rmctl $RMCTL status
	has "$output" *'service stopped'*
	try 0 room rmctl $RMCTL start-service
	p11_client_says signed

	printf '%s\n' status stop-service status start-service >script
	try 0 room rmctl $RMCTL run <script
	p11_client_says signed

	try 0 room rmctl $RMCTL --yes hsm-1 restart
	appliance_booted
	p11_client_says signed
	try 0 room rmctl $RMCTL status
	has "$output" *'boot 2'*
	try 0 room rmctl $RMCTL --yes hsm-1 switch-off
	wait "$BOOT_PID"
	echo >&9

	# Everything is provable afterwards.
	try 0 rm-audit verify "$RM_STATE/audit.log"
}

@test "main job: anyone can check a custodian's signature from the log" {
	appliance_init hsm-1 2 alice bob
	appliance_boot
	appliance_arm
	try 0 room rmctl $RMCTL status
	local record field
	record=$(grep ' vote ' "$RM_STATE/audit.log" | grep 'custodian=bob')
	for field in text sig key; do
		eval "$field=\$(sed -n 's/.* $field=\\([^ ]*\\).*/\\1/p' <<<\"\$record\")"
	done
	# shellcheck disable=SC2154 # set by the eval above
	printf '%b' "${text//%/\\x}" >text
	# shellcheck disable=SC2154
	base64 -d <<<"$sig" >sig
	# shellcheck disable=SC2154
	base64 -d <<<"$key" >key
	head -n 1 text | grep -qx 'rm-session 1'
	grep -qx "appliance $APPLIANCE" text
	run -0 openssl dgst -sha256 -verify key -keyform DER -signature sig text
	[ "$output" = 'Verified OK' ]
	# One byte changed, and it is not.
	sed 's/manager alice/manager alicf/' text >other
	run -1 openssl dgst -sha256 -verify key -keyform DER -signature sig other
}

@test "main job: nothing is left when the appliance is switched off" {
	appliance_init hsm-1 1 alice
	appliance_boot
	appliance_arm
	try 0 room rmctl $RMCTL status
	try 0 room rmctl $RMCTL --yes hsm-1 switch-off
	wait "$BOOT_PID"
	run -1 pgrep -f "$RM_RUN"
	run -0 room ss -Hltn 'sport = :4433 or sport = :4434'
	[ -z "$output" ]
}
