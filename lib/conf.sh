# SPDX-License-Identifier: ISC
# shellcheck shell=sh
# conf.sh: files of "KEY VALUE" lines, of which the last one of a key counts,
# the settings file above all.  Sourced.

# value KEY FILE: sets $found, to nothing if there is none.  No process of its
# own: this is what is done most.
value() {
	found=
	[ ! -r "$2" ] || while read -r key rest || [ -n "$key" ]; do
		[ "$key" != "$1" ] || found=$rest
	done <"$2"
}

# conf KEY PRESET: the value of a setting.
conf() {
	value "$1" "${RM_CONF:-$RM_STATE/conf}"
	echo "${found:-$2}"
}
