# SPDX-License-Identifier: ISC
# shellcheck shell=bash

# copy_of MAKE FOLDER [ARG ...]: into that folder, what the function MAKE makes
# in the folder it is given; once for all tests of the file that call it so.
copy_of() {
	local make=$1 to=$2
	shift 2
	local made="${BATS_FILE_TMPDIR:-$PWD}/$make $*"
	(
		umask 077
		exec 8>"$made.lock"
		flock 8
		[ -e "$made" ] || { mkdir -p "$made.new" &&
			"$make" "$made.new" "$@" 8>&- &&
			mv -T "$made.new" "$made"; }
	) && cp -a "$made/." "$to/"
}
