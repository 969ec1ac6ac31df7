# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # what rm-supervise sets
# init.sh: the part of rm-supervise that makes an appliance and lets its first
# custodians in.

identity() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$RM_STATE/$1.key" 2>/dev/null
	openssl req -new -x509 -key "$RM_STATE/$1.key" -subj "/CN=$2" \
		-days 36500 -out "$RM_STATE/$1.crt" 2>/dev/null
}

# The fingerprint of an identity, which is its name in a station's pins.
keyid() {
	digest=$(openssl pkey -in "$RM_STATE/$1.key" -pubout -outform DER |
		sha256sum)
	echo "${digest%% *}"
}

default_policy() {
	cat <<-'POLICY'
	# operation      approvals  options
	session          2
	status           session
	help             session
	audit            session
	start-service    session
	stop-service     session
	restart          session
	switch-off       session
	unlock-master    session
	live-sync        session
	factory-reset    session
	set-mode         session
	custodian-list   session
	policy-show      session
	explain          session
	partition-list   master
	partition-create master
	partition-delete master
	partition-change-pin master
	*                local-only
	POLICY
}

# What an owner has set stays, but for the name.
settings() {
	if [ -e "$RM_CONF" ]; then
		put "$RM_CONF" "name $1
$(grep -v '^name ' "$RM_CONF")"
		return
	fi
	cat >"$RM_CONF" <<-CONF
	name $1
	listen 0.0.0.0 4433
	service 0.0.0.0 4434
	node 0.0.0.0 4435
	engine /usr/lib/softhsm/libsofthsm2.so
	idle 120
	power tree
	CONF
}

# A new appliance goes on with the log of the one before, and says where.
old_log() {
	[ -s "$RM_STATE/audit.log" ] || return 0
	head=$(rm-audit verify "$RM_STATE/audit.log") || head='? records, head -'
	echo "follows=${head%% *}:${head##* }"
}

# The password of master comes from a descriptor, or from whoever sits at the
# terminal; it never passes through this script.
init() {
	fd=0
	if [ "${1:-}" = --password-fd ] && [ $# -ge 2 ]; then
		case $2 in
		[0-9]) fd=$2 ;;
		*) die 100 "bad descriptor $2: one digit" ;;
		esac
		shift 2
	fi
	[ $# -eq 1 ] || die 100 "$usage"
	case $1 in
	*[!a-z0-9-]* | [!a-z]* | '') die 100 "bad name $1: lower case" \
		"letters, digits and -, and a letter first" ;;
	esac
	[ ! -e "$RM_STATE/factory-reset" ] ||
		die 1 "refused: the return to factory mode is not complete:" \
			"the next boot completes it"
	[ ! -e "$RM_STATE/appliance" ] ||
		die 1 "refused: $RM_STATE already has an appliance"
	[ -e "$RM_OPS/status" ] || die 100 "no operations in $RM_OPS"
	mkdir -p "$RM_STATE/custodians" "$RM_STATE/gen-1/users" "$RM_RUN"
	rm-login -s "$RM_STATE/gen-1/users" master <&"$fd"
	ln -sfn gen-1 "$RM_STATE/current"
	echo NRM >"$RM_STATE/gen-1/mode"
	# Below the partition of each user, which is the engine's working folder.
	echo 'directories.tokendir = tokens' >"$RM_STATE/softhsm2.conf"
	settings "$1"
	default_policy >"$RM_STATE/policy"
	identity device "$1"
	identity service "$1"
	keyid service >"$RM_STATE/service"
	fingerprint=$(keyid device)
	sync
	# shellcheck disable=SC2046 # no word, or one
	record init "name=$1" "appliance=$fingerprint" $(old_log)
	# Its presence says that all the rest is there.
	put "$RM_STATE/appliance" "$fingerprint"
	echo "appliance $1 $fingerprint"
	# A supervisor that was waiting for it goes on.
	[ ! -p "$RM_RUN/power" ] ||
		echo init | timeout 2 tee "$RM_RUN/power" >/dev/null || :
}

# Without a quorum, enrolling ends with the first arming.
enrol() {
	[ $# -eq 1 ] || die 100 "$usage"
	need_state
	forget_arming
	[ ! -e "$RM_STATE/sealed" ] || die 1 "refused: this appliance has" \
		"been armed before; its custodians decide who joins them"
	[ -e "$RM_RUN/on" ] || log_for_now
	rm-enrol "$1"
}

# The log takes records for as long as this script runs: rm-enrol makes its own
# before it writes a key.
log_for_now() {
	rm -f "$RM_RUN/audit.ready"
	mkfifo "$RM_RUN/audit.ready"
	exec 6<>"$RM_RUN/audit.ready"
	rm-listen -R 6 -u "$RM_RUN/audit.sock" -- \
		rm-audit append -b "$RM_STATE/boot-count" \
		"$RM_STATE/audit.log" 2>>"$RM_RUN/log" &
	# shellcheck disable=SC2064 # this process, now
	trap "kill $! 2>/dev/null || :; wait $! || :" EXIT
	timeout 10 head -n 1 <&6 >/dev/null ||
		die 111 "the audit log does not start"
	rm -f "$RM_RUN/audit.ready"
}
