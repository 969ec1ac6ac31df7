# SPDX-License-Identifier: ISC
# op.sh: what operations share, and rm-supervise with them.  Sourced:
#	set -eu; . "$RM_OPS/../op.sh"
#
# One that puts another database in the place of this one:
#
#	hold_service		from here on nobody is served
#	generation_begin	$now is the database, $next a folder to fill
#	generation_flip		synced, one rename, synced: done
#	release_service		served again, if it was before
#
# Killed before the rename, nothing has happened; after it, all has.
umask 077

# refuse CODE TEXT: the answer, by a word of rm-toolkit(7); ends it.
refuse() {
	echo "!! $*"
	exit 1
}

# told COMMAND...: runs a tool; if it fails, its last word is the answer.
told() {
	rc=0
	{ said=$("$@" 2>&1 >&6); } 6>&1 || rc=$?
	[ -z "$said" ] || echo "$said" >&2
	said=${said##*fatal: }
	case $rc in
	0) ;;
	1) refuse denied "${said#refused: }" ;;
	100) refuse usage "$said" ;;
	*) refuse system "$said" ;;
	esac
}

# put FILE TEXT: replaces a file that survives, in one durable step; false, and
# no other step is made, if the disk does not take it.
put() {
	printf '%s\n' "$2" >"$1.new" &&
		sync "$1.new" &&
		mv "$1.new" "$1" &&
		sync "${1%/*}"
}

# It acts when the operation has ended, and the answer is out.
tell_supervisor() {
	[ -p "$RM_RUN/power" ] ||
		refuse system 'no supervisor is there to do it'
	echo "$1" | timeout 5 tee "$RM_RUN/power" >/dev/null ||
		refuse system 'the supervisor does not listen'
}

# --- the service ------------------------------------------------------------

# Its listener locks the address, and writes it down when it listens.
service_listens() {
	[ -s "$RM_RUN/service.addr" ] || return 1
	rc=0
	rm-once -q "$RM_RUN/service.addr" || rc=$?
	[ "$rc" -eq 1 ]
}

# within_10_s COMMAND: waits until it is true; false if it does not become so.
within_10_s() {
	left=100
	until "$@"; do
		left=$((left - 1))
		[ "$left" -gt 0 ] || return 1
		sleep 0.1
	done
}

# A wish of its own, so that rm-keep can tell it from the one before: it ends
# what runs for that, and starts it again.
wish_service() {
	read -r boot <"$RM_STATE/boot-count"
	wish="boot $boot $(od -An -N8 -tx1 /dev/urandom | tr -d ' \n')"
	echo "$wish" >"$RM_RUN/service.new.$$"
	mv "$RM_RUN/service.new.$$" "$RM_RUN/service"
}

# The chain says for which wish it is at its hold: then rm-keep has ended all
# that ran for the one before.
at_hold() {
	held=
	read -r held 2>/dev/null <"$RM_RUN/service.held" || :
	[ "$held" = "$wish" ]
}

# Ends the service and all its connections, and keeps it from starting.  The
# kernel frees the lock when the last process of the operation has gone; then
# the chain, which waits for it, goes on.  A service that is stopped stays so.
hold_service() {
	[ -z "${RM_LOGIN_USER:-}" ] ||
		refuse policy 'not through the service, which it ends'
	exec 4<>"$RM_RUN/hold"
	rm-once -d 4 -w 30 || refuse busy 'the service is held already'
	if [ -e "$RM_RUN/service" ]; then
		wish_service
		within_10_s at_hold ||
			refuse failed 'the service has not ended within 10 s'
	fi
	rm-once -q -w 10 "$RM_RUN/service.addr" ||
		refuse failed 'the service has not stopped within 10 s'
}

# What was to be done is done: it does not fail for the service's sake.
release_service() {
	exec 4>&-
	[ ! -e "$RM_RUN/service" ] || within_10_s service_listens ||
		echo 'but the service does not listen yet: see its log'
}

# --- the database -----------------------------------------------------------

# What an operation that was killed has left; at boot and before the next one.
remove_leftovers() {
	current=$(readlink "$RM_STATE/current") || return 0
	for old in "$RM_STATE"/gen-*; do
		[ "$old" = "$RM_STATE/$current" ] || rm -rf "$old"
	done
	rm -rf "$RM_STATE/current.new" "$RM_STATE/current/users"/.*.new \
		"$RM_STATE/current/users"/.*.old
}

generation_begin() {
	[ ! -e "$RM_STATE/factory-reset" ] ||
		refuse going-down 'the appliance returns to factory mode'
	remove_leftovers
	now=$(readlink "$RM_STATE/current")
	next=$RM_STATE/gen-$((${now#gen-} + 1))
	now=$RM_STATE/$now
	mkdir "$next"
}

generation_flip() {
	sync -f "$next"
	ln -s "${next##*/}" "$RM_STATE/current.new"
	mv -T "$RM_STATE/current.new" "$RM_STATE/current"
	sync "$RM_STATE"
	rm -rf "$now"
}

# --- settings ---------------------------------------------------------------

# set_settings KEY VALUE ...: the one line of each key in the settings file, in
# one step.
set_settings() {
	conf=${RM_CONF:-$RM_STATE/conf} lines=
	[ ! -e "$conf" ] || lines=$(cat "$conf")
	while [ $# -gt 1 ]; do
		lines="$(echo "$lines" | grep -v "^$1 " || :)
$1 $2"
		shift 2
	done
	put "$conf" "$lines"
}

# --- before any operation ---------------------------------------------------

# The class in the header of who sources this: read, if there is none.
own_class() {
	class='read'
	while read -r hash key value; do
		case $hash$key in
		'#class:') class=$value ;;
		'#'*) ;;
		*) return 0 ;;
		esac
	done <"$0"
}

# What those that were killed have left, before an operation that changes
# something.  What came of a node's database before a cut stays for who goes on
# from there, and for those that are to be run right before that.
sweep() {
	[ -r "$0" ] || return 0
	own_class
	[ "$class" != read ] || return 0
	remove_leftovers
	case $(readlink "$0") in
	*/live-sync | */domain-join | */stop-service | */start-service) ;;
	*) rm -rf "$RM_STATE/staging" ;;
	esac
	[ ! -d "$RM_RUN/snapshots" ] ||
		flock "$RM_RUN/snapshots/lock" "$RM_OPS/../node/sweep"
}
sweep
