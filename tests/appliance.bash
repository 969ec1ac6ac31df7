# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034
#
# appliance.bash: a whole appliance and its station in one room, for bats
# files and the demo.  After helpers and room: load appliance
#
#	@test "..." {
#		appliance_init hsm-1 2 alice bob    # M, then whose cards
#		appliance_user app app-password     # of the service, no token yet
#		appliance_boot                      # headless, in the background
#		appliance_arm                       # at the local console
#		try 0 room rmctl $RMCTL status      # alice and bob sign
#	}
#
# RMCTL is the options for a station whose custodians' PINs are in a file.

RMCTL='-H 127.0.0.1 --pin-file pins'
MASTER_PASSWORD=master-password
P11_PROXY=/usr/lib/x86_64-linux-gnu/p11-kit-proxy.so
P11_CLIENT=/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-client.so

# Of files that need no more.
setup() {
	common_setup
	room_start
}

teardown() {
	appliance_end
	room_stop
	common_teardown
}

# The station: a home of its own, and PINs, one line a card.
station_setup() {
	mkdir -p home
	export HOME=$PWD/home XDG_CONFIG_HOME=$PWD/home/.config
	export XDG_STATE_HOME=$PWD/home/.local/state
	(umask 077; printf '123456\n123456\n123456\n' >pins
	printf '123456\n' >pin)
}

# appliance_init NAME M CUSTODIAN...: reader 0 has the first one's card, and
# so on; all stay inserted.  It is made once for all tests of a file.
appliance_init() {
	local i=0 who
	station_setup
	copy_of appliance_make "$ROOM_DIR" "${IDLE:-120}" "$@" || return 1
	cp -a "$ROOM_DIR/state/." "$RM_STATE/" || return 1
	RM_CONF=$RM_STATE/conf
	APPLIANCE=$(<"$RM_STATE/appliance")
	shift 2
	for who; do
		card_insert "$i" "$who" || return 1
		i=$((i + 1))
	done
}

# appliance_make FOLDER IDLE NAME M CUSTODIAN...: its state, and their cards.
appliance_make() {
	local at=$1 idle=$2 name=$3 quorum=$4 i=0 who
	shift 4
	RM_STATE=$at/state
	RM_CONF=$RM_STATE/conf
	mkdir -p "$RM_STATE"
	printf '%s\n' "name $name" 'listen 127.0.0.1 4433' \
		'service 127.0.0.1 4434' \
		'engine /usr/lib/softhsm/libsofthsm2.so' \
		"idle $idle" 'power tree' >"$RM_CONF"
	APPLIANCE=$(rm-supervise init "$name" <<<"$MASTER_PASSWORD") || return 1
	APPLIANCE=${APPLIANCE##* }
	sed -i "s/^session .*/session $quorum/" "$RM_STATE/policy"
	for who; do
		card_insert "$i" "$who" && appliance_enrol "$i" "$who" &&
			card_remove "$who" || return 1
		i=$((i + 1))
	done
	cp -a "$ROOM_DIR/cards" "$at"
}

# appliance_enrol READER NAME
appliance_enrol() {
	timeout 60 room rmctl --reader "$(room_reader "$1")" --pin-file pin \
		card enrol --appliance "$APPLIANCE" "$2" >"$2.enrol" &&
		rm-supervise enrol "$2" <"$2.enrol"
}

# Boots without a console and waits until it says so; PID in BOOT_PID.
appliance_boot() {
	rm -f booted
	mkfifo booted
	room rm-supervise boot --headless 3>&- >booted 2>>appliance.log \
		</dev/null &
	BOOT_PID=$!
	exec 7<booted
	appliance_booted
}

# Waits for the next boot's line: after a restart there is another.
appliance_booted() {
	read -r -t 60 BOOTED <&7 || { cat appliance.log >&2; return 1; }
}

appliance_arm() {
	timeout 60 room rm-supervise arm || { cat appliance.log >&2; return 1; }
	[ -e known ] || timeout 60 room rmctl trust --fingerprint \
		"$APPLIANCE" 127.0.0.1 >known 2>&1 ||
		{ cat known appliance.log >&2; return 1; }
}

# Switched off by whoever stands there.
appliance_end() {
	[ -n "${BOOT_PID:-}" ] || return 0
	kill -TERM "$BOOT_PID" 2>/dev/null || :
	wait "$BOOT_PID" 2>/dev/null || :
	BOOT_PID=
}

# appliance_user NAME PASSWORD: a user of the service and an empty partition,
# in one step, without any card.
appliance_user() {
	local users=$RM_STATE/current/users
	(umask 077; mkdir -p "$users/.$1.new/partition/tokens")
	rm-login -s "$users" ".$1.new" <<<"$2" &&
		mv -T "$users/.$1.new" "$users/$1"
}

# --- several appliances in one room ------------------------------------------
# Each has a folder of its name and an address of its own, 127.0.0.2 and so on;
# no custodians: what is asked of them is asked at the console.
#
#	more_init a 127.0.0.2		# and from here on it is the present one
#	more_boot			# boots it
#	more_at a			# the present one again
#	local_op live-sync b confirm=a	# at its console; output in $output
#	PIDS has the boots, for common_teardown

more_at() {
	WHO=$1
	export RM_STATE=$MORE/$1/state RM_RUN=$MORE/$1/run
	export RM_CONF=$RM_STATE/conf RM_OPS=$RM_BUILD/lib/rm/ops
	[ ! -e "$MORE/$1/addr" ] || ADDR=$(<"$MORE/$1/addr")
	[ ! -e "$RM_STATE/appliance" ] || APPLIANCE=$(<"$RM_STATE/appliance")
}

more_init() {
	MORE=${MORE:-$PWD}
	mkdir -p "$MORE/$1"
	copy_of more_make "$MORE/$1" "$@" || return 1
	more_at "$1"
}

# more_make FOLDER NAME ADDRESS: once for all tests of a file.
more_make() {
	RM_STATE=$1/state RM_RUN=$1/run
	RM_CONF=$RM_STATE/conf RM_OPS=$RM_BUILD/lib/rm/ops
	export RM_CONF RM_OPS
	mkdir -p "$RM_STATE"
	echo "$3" >"$1/addr"
	printf '%s\n' "name $2" "listen $3 4433" "service $3 4434" \
		"node $3 4435" 'engine /usr/lib/softhsm/libsofthsm2.so' \
		'idle 120' 'power tree' >"$RM_CONF"
	rm-supervise init "$2" <<<"$MASTER_PASSWORD" >"$1/init"
}

more_boot() {
	local at=$MORE/$WHO
	rm -f "$at/booted"
	mkfifo "$at/booted"
	room rm-supervise boot --headless 3>&- >"$at/booted" 2>>"$at/log" \
		</dev/null &
	PIDS+=("$!")
	echo "$!" >"$at/pid"
	exec 7<"$at/booted"
	read -r -t 60 _ <&7 || { cat "$at/log" >&2; return 1; }
	exec 7<&-
}

# Ends it, as whoever stands there would.
more_end() {
	local pid
	pid=$(<"$MORE/$WHO/pid")
	kill -TERM "$pid"
	wait "$pid" || :
}

local_op() {
	local line=$*
	run --separate-stderr timeout 180 room rm-exec -L "$RM_OPS" <<<"$line"
	# What it says of an operation that is silent for long.
	output=$(grep -vx '% 0 running' <<<"$output" || :)
}

# p11_setup USER PASSWORD [option of rmctl ...]: PKCS#11 applications of
# somebody else's are this user of the service, over the network.
p11_setup() {
	local user=$1
	mkdir -p "$XDG_CONFIG_HOME/pkcs11/modules"
	echo 'user-config: only' >"$XDG_CONFIG_HOME/pkcs11/pkcs11.conf"
	(umask 077; echo "$2" >"$user.password")
	shift 2
	# shellcheck disable=SC2016
	timeout 30 bash -c 'until [ -s "$RM_RUN/service.addr" ]; do
		sleep 0.05; done' || return 1
	timeout 60 room rmctl -q trust --replace --fingerprint \
		"$(cat "$RM_STATE/service")" "${ADDR:-127.0.0.1}:4434" ||
		return 1
	p11_module "-H ${ADDR:-127.0.0.1} --user $user --password-file $PWD/$user.password${*:+ $*}"
}

# The usual appliance with its service in use: custodian alice, and user app,
# whose token main has a P-256 key.  After room_start.
appliance_p11() {
	appliance_init hsm-1 1 alice || return 1
	appliance_user app app-password || return 1
	appliance_boot && appliance_arm || return 1
	p11_setup app app-password || return 1
	p11 --init-token --slot-index 0 --label main --so-pin 12345678 &&
		p11 --init-pin --login --login-type so --so-pin 12345678 \
			--pin 1234 &&
		p11 --login --pin 1234 --keypairgen \
			--key-type EC:prime256v1 --id 01
}

# p11_module OPTIONS: the one module of p11-kit is rmctl with these.
p11_module() {
	printf '%s\n' "remote: |$(command -v rmctl) $1 p11" 'critical: yes' \
		>"$XDG_CONFIG_HOME/pkcs11/modules/hsm.module"
}

p11() {
	timeout 60 room pkcs11-tool --module "$P11_PROXY" "$@"
}
