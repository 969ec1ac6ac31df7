# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # what rm-supervise sets
# init.sh: the part of rm-supervise that makes an appliance and lets its first
# custodians in.

# A new appliance is built aside, in a folder that is nobody's: it takes its
# place at the end, and one file, which comes last, says that it is there.
draft=$RM_STATE/draft

identity() {
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 \
		-out "$draft/$1.key" 2>/dev/null
	openssl req -new -x509 -key "$draft/$1.key" -subj "/CN=$2" \
		-days 36500 -out "$draft/$1.crt" 2>/dev/null
}

# The fingerprint of an identity, which is its name in a station's pins.
keyid() {
	digest=$(openssl pkey -in "$draft/$1.key" -pubout -outform DER |
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

# Nothing is made where there is, or may still be, an appliance.
need_room() {
	[ ! -e "$RM_STATE/factory-reset" ] ||
		die 1 "refused: the return to factory mode is not complete:" \
			"the next boot completes it"
	[ ! -e "$RM_STATE/appliance" ] ||
		die 1 "refused: $RM_STATE already has an appliance"
	[ -e "$RM_OPS/status" ] || die 100 "no operations in $RM_OPS"
}

# draft_begin NAME MODE: the password of master comes from descriptor $fd, or
# from whoever sits at that terminal; it never passes through this script.
draft_begin() {
	case $1 in
	*[!a-z0-9-]* | [!a-z]* | '') die 100 "bad name $1: lower case" \
		"letters, digits and -, and a letter first" ;;
	esac
	[ ${#1} -le 63 ] || die 100 "bad name: it has more than 63 letters"
	need_room
	[ -e "$lib/modes/$2" ] || die 100 "there is no mode $2"
	rm -rf "$draft"
	mkdir -p "$draft/custodians" "$draft/gen-1/users" "$draft/enrolments" \
		"$RM_RUN"
	rm-login -s "$draft/gen-1/users" master <&"$fd"
	ln -s gen-1 "$draft/current"
	echo "$2" >"$draft/gen-1/mode"
	# Below the partition of each user, which is the engine's working folder.
	echo 'directories.tokendir = tokens' >"$draft/softhsm2.conf"
	(umask 077; default_policy >"$draft/policy")
	identity device "$1"
	identity service "$1"
	keyid service >"$draft/service"
	echo "$1" >"$draft/name"
	keyid device >"$draft/appliance"
}

need_draft() {
	need_room
	[ -e "$draft/appliance" ] ||
		die 1 "refused: no appliance has been begun"
}

# The card signs for this identity.  The log has nothing of a draft: what came
# is kept, and enrolled anew, with its record, when the draft is no more one.
draft_enrol() {
	need_draft
	cat >"$draft/enrolment"
	RM_STATE=$draft rm-enrol -n -C "$draft/custodians" "$1" \
		<"$draft/enrolment"
	n=$(find "$draft/enrolments" -type f | wc -l)
	mv "$draft/enrolment" "$draft/enrolments/$(printf %03d "$n").$1"
}

# draft_quorum M: with the checks of policy-set.
draft_quorum() {
	need_draft
	sed "s/^session .*/session          $1/" "$draft/policy" |
		RM_STATE=$draft rm-rules set "$RM_OPS" >/dev/null
}

# What one that was killed has left is swept away by the next: until the file
# appliance is there, there is none.
draft_commit() {
	need_draft
	read -r name <"$draft/name"
	read -r fingerprint <"$draft/appliance"
	rm -rf "$RM_STATE"/gen-* "$RM_STATE/current" "$RM_STATE/custodians" \
		"$RM_STATE/sealed"
	settings "$name"
	mkdir "$RM_STATE/custodians"
	for part in gen-1 current softhsm2.conf policy device.key device.crt \
		service.key service.crt service; do
		mv -T "$draft/$part" "$RM_STATE/$part"
	done
	sync
	# shellcheck disable=SC2046 # no word, or one
	record init "name=$name" "appliance=$fingerprint" $(old_log)
	take_enrolments
	# Its presence says that all the rest is there.
	put "$RM_STATE/appliance" "$fingerprint"
	rm -rf "$draft"
	echo "appliance $name $fingerprint"
	# A supervisor that was waiting for it goes on.
	[ ! -p "$RM_RUN/power" ] ||
		echo init | timeout 2 tee "$RM_RUN/power" >/dev/null || :
}

take_enrolments() {
	custodians=$RM_STATE/custodians
	for enrolment in "$draft/enrolments"/*; do
		[ -e "$enrolment" ] || continue
		[ -n "${logging:-}" ] || log_for_now
		logging=yes
		RM_STATE=$draft rm-enrol -C "$custodians" \
			"${enrolment##*/???.}" <"$enrolment"
	done
}

# For the console's first boot, a step at a time.
draft() {
	[ $# -ge 1 ] || die 100 "$usage"
	step=$1
	shift
	fd=0
	case $step:$# in
	begin:2 | enrol:1 | quorum:1 | commit:0) "draft_$step" "$@" ;;
	drop:0) rm -rf "$draft" ;;
	*) die 100 "$usage" ;;
	esac
}

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
	draft_begin "$1" NRM
	draft_commit
}

# Without a quorum, enrolling ends with the first arming.
enrol() {
	[ $# -eq 1 ] || die 100 "$usage"
	need_state
	[ ! -e "$RM_STATE/sealed" ] || die 1 "refused: this appliance has" \
		"been armed before; its custodians decide who joins them"
	is_up || log_for_now
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
		-o "$RM_RUN/operation" "$RM_STATE/audit.log" 2>>"$RM_RUN/log" &
	# shellcheck disable=SC2064 # this process, now
	trap "kill $! 2>/dev/null || :; wait $! || :" EXIT
	timeout 10 head -n 1 <&6 >/dev/null ||
		die 111 "the audit log does not start"
	rm -f "$RM_RUN/audit.ready"
}
