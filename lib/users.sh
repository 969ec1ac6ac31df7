# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2034 # for who calls
# users.sh: what operations tell of all users at once.  Sourced.

# Users, as rm-users(5) has them; seven wrong passwords block one.  Sets
# $users, $partitions and $blocked, names with commas between them or nothing.
count_users() {
	users=0 partitions=0 blocked=
	for user in "$RM_STATE"/current/users/*; do
		[ -e "$user/password" ] || continue
		users=$((users + 1))
		[ ! -d "$user/partition" ] || partitions=$((partitions + 1))
		[ ! -e "$user/failures" ] || {
			failures=7
			read -r failures <"$user/failures" || :
			case $failures in
			[0-6]) ;;
			*) blocked=$blocked,${user##*/} ;;
			esac
		}
	done
	blocked=${blocked#,}
}
