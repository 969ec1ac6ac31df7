# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034
#
# sshd.bash: a real sshd in the room, for bats files and the bench: port 2222,
# for the user who runs the tests.  After room: load sshd
#
#	sshd_start AUTHORIZED [line of sshd_config ...]
#	room ssh $SSH_OPTIONS 127.0.0.1 true
#
# The user may have no login shell: sshd sees another passwd, and no service
# that tells of a locked password.

SSH_OPTIONS='-F none -p 2222 -o IdentityAgent=none -o UserKnownHostsFile=ssh/known -o StrictHostKeyChecking=accept-new'

sshd_start() {
	local dir=$PWD/ssh authorized
	authorized=$(readlink -f "$1")
	shift
	mkdir "$dir"
	awk -F: -v OFS=: -v u="$(id -un)" -v h="$HOME" \
		'$1 == u { $2 = "*NP*"; $6 = h; $7 = "/bin/sh" } { print }' \
		/etc/passwd >"$dir/passwd"
	printf '%s: files\n' passwd shadow group hosts >"$dir/nsswitch"
	ssh-keygen -q -t ed25519 -N '' -f "$dir/host"
	printf '%s\n' 'Port 2222' 'ListenAddress 127.0.0.1' \
		"HostKey $dir/host" 'UsePAM no' 'StrictModes no' 'PidFile none' \
		"AuthorizedKeysFile $authorized" "$@" >"$dir/config"
	# shellcheck disable=SC2016
	room unshare --user --map-current-user --keep-caps --mount sh -c '
		mount --bind "$1/passwd" /etc/passwd
		mount --bind "$1/nsswitch" /etc/nsswitch.conf
		exec /usr/sbin/sshd -D -e -f "$1/config"
	' sh "$dir" >"$dir/log" 2>&1 </dev/null 3>&- &
	SSHD_PID=$!
	PIDS+=("$SSHD_PID")
	timeout 20 bash -c 'until room ss -Hltn "sport = :2222" | grep -q .; do
		sleep 0.05; done'
}
