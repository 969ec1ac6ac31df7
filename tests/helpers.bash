# SPDX-License-Identifier: ISC
# Loaded by every bats file: load helpers
# shellcheck disable=SC2154,SC2034 # set and used by bats and by the files
bats_require_minimum_version 1.8.0
set -u
load copy
export LC_ALL=C.UTF-8
# tmux runs what it is given by the shell of the user, who may have none.
export SHELL=/bin/sh
unset RM_STATE RM_RUN RM_CONF RM_ADMIT_FD RM_LOCK_FD RM_TALLY

# Settings of this test alone.
common_setup() {
	cd "$BATS_TEST_TMPDIR" || return 1
	mkdir -p state run/console
	export RM_STATE=$PWD/state RM_RUN=$PWD/run BATS_TEST_TMPDIR
	PIDS=()
}

# Ends every background process that the test put into PIDS; safe to repeat.
common_teardown() {
	local pid
	for pid in ${PIDS[@]+"${PIDS[@]}"}; do
		kill -TERM "$pid" 2>/dev/null || :
	done
	for pid in ${PIDS[@]+"${PIDS[@]}"}; do
		wait "$pid" 2>/dev/null || :
	done
	PIDS=()
}

setup() { common_setup; }
teardown() { common_teardown; }

# In place of bats' own run, a call of which costs as much as three programs:
# the same for what is used here. run [!|-CODE] [--separate-stderr] command ...
# Sets status, output and lines, and stderr and stderr_lines.
run() {
	local want='' apart='' flags=$-
	local errors=${BATS_TEST_TMPDIR:-$BATS_FILE_TMPDIR}/stderr.$BASHPID
	while :; do
		case $1 in
		!) want=! ;;
		-[0-9]*) want=${1#-} ;;
		--separate-stderr) apart=1 ;;
		-*) echo "run: what is $1?" >&2; return 1 ;;
		*) break ;;
		esac
		shift
	done
	status=0
	set +eET
	if [ "$apart" ]; then
		output=$("$@" 2>"$errors") || status=$?
		stderr=$(<"$errors")
	else
		output=$("$@" 2>&1) || status=$?
	fi
	# Their lines, without the empty ones.
	set -f
	local IFS=$'\n'
	# shellcheck disable=SC2206
	lines=($output) stderr_lines=(${stderr-})
	set +f "-$flags"
	case $want in
	'' | "$status") return 0 ;;
	!) [ "$status" -eq 0 ] || return 0 ;;
	esac
	BATS_ERROR_SUFFIX=", exit code $status, not $want"
	return 1
}

# Runs a command and demands this exit status; shows all when it is another.
# Sets status, output and stderr.  try CODE command [arg ...]
try() {
	local want=$1
	shift
	stderr=
	run "-$want" --separate-stderr exec timeout 60 "$@" && return 0
	printf 'command: %s\nstatus: %s, not %s\nstdout: %s\nstderr: %s\n' \
		"$*" "$status" "$want" "$output" "$stderr" >&2
	return 1
}

# Closes all descriptors but 0, 1 and 2: bats has some of its own.
close_more() {
	local fd
	for fd in /proc/self/fd/*; do
		fd=${fd##*/}
		[ "$fd" -le 2 ] || eval "exec $fd>&-" 2>/dev/null || :
	done
}

# Runs a command with no other descriptors than these.
with_012() (
	close_more
	exec "$@"
)

# has TEXT PATTERN: TEXT matches the glob pattern; shows both if not.
has() {
	# shellcheck disable=SC2053 # the pattern is meant as one
	[[ $1 == $2 ]] && return 0
	printf 'text:    %s\npattern: %s\n' "$1" "$2" >&2
	return 1
}

# Starts a listening tool in the background and waits until it says where, in
# PORT:  listen rm-listen -R 4 127.0.0.1 0 -- cat   (descriptor 4 is the FIFO)
listen() {
	rm -f ready
	mkfifo ready
	"$@" 3>&- 4>ready </dev/null >>listen.out 2>>listen.log &
	LISTEN_PID=$!
	PIDS+=("$LISTEN_PID")
	read -r -t 60 PORT <ready
}

# What the programs of this test count (rm_tally.h): count_here, and then
# counted SLOT.
count_here() {
	truncate -s 512 run/tally
	export RM_TALLY=$PWD/run/tally
}

counted() {
	od -A n -t u8 -j $((8 * $1)) -N 8 run/tally | tr -d ' '
}

# moment SECONDS: lets others work, and takes no process for it: nothing ever
# comes out of this FIFO.
moment() {
	local silence=$BATS_TEST_TMPDIR/silence
	# Somebody else of this test may be making it, too.
	[ -p "$silence" ] || mkfifo "$silence" 2>/dev/null ||
		[ -p "$silence" ] || return
	read -r -t "$1" _ <>"$silence" || :
}

# Waits, without polling the clock of a test, until a command succeeds; the
# limit is only against hangs.
until_true() {
	local i
	for ((i = 0; i < 1200; i++)); do
		"$@" >/dev/null 2>&1 && return 0
		moment 0.05
	done
	echo "never became true: $*" >&2
	return 1
}
