# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # what op.sh sets
# partition.sh: what operations on users and their partitions share.  Sourced
# behind op.sh.
# shellcheck source=lib/conf.sh
. "$RM_OPS/../conf.sh"

# open_gate FOLDER: goes into a partition, and sets what $gate, the engine's
# module, wants there: the settings file's "engine MODULE [NAME=VALUE ...]".
open_gate() {
	cd "$1" || exit
	# shellcheck disable=SC2034 # for who calls
	gate=${RM_OPS%/*}/rm-gate.so
	read -r mode <"$RM_STATE/current/mode"
	export SOFTHSM2_CONF="$RM_STATE/softhsm2.conf" RM_GATE_STATE="$PWD" \
		RM_GATE_MODE="${RM_OPS%/*}/modes/$mode"
	# shellcheck disable=SC2046 # words of a setting
	set -- $(conf engine /usr/lib/softhsm/libsofthsm2.so)
	export RM_GATE_ENGINE="$1"
	shift
	for word; do
		# shellcheck disable=SC2163 # NAME=VALUE
		export "$word"
	done
}

# need_partition USER: $users is the folder of users, the true one.
need_partition() {
	users=$(readlink -f "$RM_STATE/current/users")
	[ -d "$users/$1/partition" ] ||
		refuse failed "there is no user $1 with a partition"
}

# set_password NAME: from the next line of descriptor 0, and not a byte more.
set_password() {
	rc=0
	rm-login -s "$users" "$1" || rc=$?
	case $rc in
	0) ;;
	1) refuse usage 'a password has 8 to 64 bytes' ;;
	*) refuse system 'the password cannot be set: see the log' ;;
	esac
}

# token_failed CODE WHICH-PIN: why rm-token has ended so.
token_failed() {
	case $1 in
	22) refuse wrong-pin "the $2 is wrong" ;;
	23) refuse pin-blocked "the $2 is locked after too many wrong ones" ;;
	100) refuse usage "the engine does not take a PIN of this form" ;;
	*) refuse failed 'the engine refuses: see the log' ;;
	esac
}
