# SPDX-License-Identifier: ISC
# shellcheck shell=sh disable=SC2154 # what rm-supervise sets
# power.sh: the part of rm-supervise that ends a boot, and what the next one
# has to do with it.

# It was remote if it is still armed: any local activity would have disarmed.
# Written first and looked at after, so that a key pressed meanwhile wins.
leave_rearm() {
	put "$RM_STATE/rearm" "$((boot + 1))"
	if [ ! -e "$RM_RUN/console/armed" ]; then
		rm -f "$RM_STATE/rearm"
		sync "$RM_STATE"
	fi
}

power() {
	leave_rearm
	# The answer goes out before the power does.
	rm-once -w 10 "$RM_RUN/operation" -- true || :
	record power "verb=$1"
	stop_all
	rm -f "$RM_RUN/on"
}

# The only rest of the supervisor.  A signal says its word on the same FIFO:
# whenever it comes, it is still there to be read.
wait_for_power() {
	verb=
	until [ -n "$verb" ]; do
		read -r verb <&5 || continue
		case $verb in
		restart | switch-off | terminate) ;;
		*) info "unknown word on $RM_RUN/power" && verb= ;;
		esac
	done
}
