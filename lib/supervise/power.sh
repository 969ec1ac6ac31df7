# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154,SC2034 # what rm-supervise sets, and uses
# power.sh: the part of rm-supervise that ends a boot, and what the next one
# has to do with it.

# --- the end of a boot ------------------------------------------------------

# The only rest of the supervisor.  A signal says its word on the same FIFO:
# whenever it comes, it is still there to be read.  Takes the words it is given.
wait_for_power() {
	verb=
	trap keep_consoles CHLD
	keep_consoles
	until [ -n "$verb" ]; do
		read -r verb <&5 || continue
		case " $* terminate " in
		*" $verb "*) ;;
		*) info "unknown word on $RM_RUN/power" && verb= ;;
		esac
	done
	trap - CHLD
}

# It was remote if it is still armed: any local activity would have disarmed.
# Written first and looked at after, so that a key pressed meanwhile wins.
leave_rearm() {
	if put "$RM_STATE/rearm" "$((boot + 1))"; then
		rm -f "$RM_RUN/rearm.void"
	else
		info "$RM_STATE/rearm cannot be written: disarmed from now on"
	fi
	[ -e "$RM_RUN/console/armed" ] || forget_arming
	sync "$RM_STATE" || :
}

# wait_for_operation SECONDS: the answer goes out before the power does; from
# here on no other begins.
wait_for_operation() {
	exec 4<>"$RM_RUN/operation"
	rm-once -d 4 -w "$1" || info 'an operation is still under way'
}

# ask_root VERB: has whoever has the rights restart the host, or switch it off.
ask_root() {
	answer=$(echo "$1" | timeout 60 rm-connect -u "$RM_RUN/root.sock") ||
		answer="! system $RM_RUN/root.sock does not answer"
	case $answer in
	*'+ '*) info "the host takes over: $1" ;;
	*)
		(record power "verb=$1" "result=$(echo "${answer##*! }" |
			sed 's/%/%25/g; s/ /%20/g')") || :
		info "the host does not $1: $answer"
		return 1
		;;
	esac
}

# Before there is an appliance there is no log; and one that takes no more
# keeps nobody from switching off.
record_power() {
	[ ! -e "$RM_STATE/audit.log" ] || (record power "verb=$1") || :
}

# What "power" in the settings says is to be restarted or switched off: the
# tree of our own processes, or the host.  Does not return if it is the host:
# it has the word then, and we are ended with all the rest.
power() {
	leave_rearm
	wait_for_operation 10
	record_power "$1"
	stop_chains
	exec 4>&-
	if [ "$(conf power tree)" = systemd ] && ask_root "$1"; then
		stop audit
		exit 0
	fi
	stop audit
	rm -f "$RM_RUN/on"
}

# --- factory reset ----------------------------------------------------------

# The operation leaves the file factory-reset as its last act: with that it
# has begun, and from then on it is completed, at once or by the next boot.
factory_reset() {
	wait_for_operation 100
	if [ ! -e "$RM_STATE/factory-reset" ]; then
		exec 4>&-
		info 'the return to factory mode was not begun'
		return 0
	fi
	forget_arming
	record_power factory-reset
	stop_all
	exec 4>&-
	erase
}

# Everything but the log, the number of boots and the settings, save the name
# in them.  May be killed anywhere and begun anew; the log cannot hinder it.
erase() {
	(record factory-reset "appliance=$(cat "$RM_STATE/appliance" \
		2>/dev/null || echo -)") || :
	rearm=
	for file in "$RM_STATE"/* "$RM_STATE"/.[!.]*; do
		case ${file##*/} in
		audit.log | boot-count | factory-reset | lock | lock.holder) ;;
		*) [ "$file" = "$RM_CONF" ] || rm -rf "$file" ;;
		esac
	done
	if grep -q '^name ' "$RM_CONF" 2>/dev/null; then
		put "$RM_CONF" "$(grep -v '^name ' "$RM_CONF")"
	fi
	sync -f "$RM_STATE"
	rm "$RM_STATE/factory-reset"
	sync "$RM_STATE"
	info 'everything is erased: back in factory mode'
}

# --- the beginning of the next ----------------------------------------------

# Prints the boot number that a remote restart asked to be armed, once.
take_rearm() {
	rearm=
	[ -e "$RM_RUN/rearm.void" ] || [ ! -e "$RM_STATE/rearm" ] ||
		read -r rearm <"$RM_STATE/rearm" || :
	# What cannot be removed names a boot that there never is again.
	rm -f "$RM_STATE/rearm" "$RM_STATE"/*.new ||
		die 111 "unable to remove $RM_STATE/rearm"
	sync "$RM_STATE"
	rm -f "$RM_RUN/rearm.void"
}

# A boot that follows another too soon waits: not the first time, then 1 s,
# and each time twice as long, up to "boot-pause SECONDS".
pause_boot() {
	most=$(conf boot-pause 60)
	read -r now _ </proc/uptime
	now=${now%.*} soon=0 last=
	[ ! -r "$RM_RUN/boots" ] || read -r last soon <"$RM_RUN/boots" || :
	if [ -n "$last" ] && [ "$((now - last))" -lt 60 ]; then
		soon=$((soon + 1))
	else
		soon=0
	fi
	pause=0 n=$soon
	while [ "$n" -gt 1 ] && [ "$pause" -lt "$most" ]; do
		pause=$((pause == 0 ? 1 : pause * 2)) n=$((n - 1))
	done
	[ "$pause" -le "$most" ] || pause=$most
	[ "$pause" -eq 0 ] || info "boot $soon in a row: waiting $pause s"
	# Whoever ends us meanwhile ends all who have the lock of RM_STATE.
	[ "$pause" -eq 0 ] || sleep_until_ended "$pause"
	boots="$((now + pause)) $soon"
}

# A trap has to wait for a command, but not for wait.
sleep_until_ended() {
	eval "sleep $1 ${RM_LOCK_FD:-3}>&- &"
	# shellcheck disable=SC2064 # that process
	trap "kill $! || :; forget_arming; exit 0" TERM INT HUP
	wait "$!"
	trap 'forget_arming; exit 0' TERM INT HUP
}

# Operations that were begun and have no end in the log: their processes are
# gone with the last boot, and one rename tells what became of them.
record_interrupted() {
	to=$(readlink "$RM_STATE/current") || to=-
	[ ! -e "$RM_STATE/factory-reset" ] || to=-
	open=$(rm-audit unfinished "$RM_STATE/audit.log") ||
		info 'what the log leaves open cannot be told'
	[ -z "$open" ] || while read -r of operation from next; do
		[ "$next" != - ] || next=${to#gen-}
		(record interrupted "of=$of" "operation=$operation" \
			"from=$from" "to=$next") || :
	done <<-OPEN
	$open
	OPEN
}

# What the last boot left undone.
settle() {
	[ ! -e "$RM_STATE/audit.log" ] || record_interrupted
	[ ! -e "$RM_STATE/factory-reset" ] || erase
	remove_leftovers
	# Of a database that was fetched, of an appliance that was not finished.
	rm -rf "$RM_STATE/staging" "$RM_STATE/draft"
	# Of files that were being replaced (rm_io_replace).
	find "$RM_STATE" -type f -name '*.new.??????' -delete
}
