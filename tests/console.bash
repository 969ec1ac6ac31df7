# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2034,SC2119,SC2120
#
# console.bash: the console in a real terminal (tmux).  After helpers:
# load console
#
#	console                          # [COMMAND], in a terminal of its own
#	menu Configuration 'Time Limits' # from Main, entry by entry
#	field idle                       # to a field of the form
#	fill 60                          # into it, instead of what it has
#	choose OK shows 'idle 60 s'      # to the button, Enter, and its effect
#	back Configuration               # Esc, to the window of that title
#
# A busy machine draws late.  So a helper that types never types onto a
# screen that is still to change, it demands that the effect to wait for is
# not there before, and it returns when the effect is there and the console
# has come to rest.  Effects are commands: at TITLE, on ENTRY, shows TEXT,
# shows_not TEXT, or any other.

ROOT='hsm-1 - Local Management Console'
RM_TITLE='RM (press ESC to exit)'
READY='ready to process remote commands'

# Facts are files and locks, put there by hand; rm-supervise is a stand-in
# unless a test says otherwise.
console_setup() {
	common_setup
	mkdir bin
	PATH=$PWD/bin:$PATH
	export RM_OPS=$RM_BUILD/lib/rm/ops TERM=screen
	unset TMUX
	echo 'name hsm-1' >state/conf
	echo 7 >state/boot-count
	# Without one that can be read, nothing is destroyed at the console.
	printf '%s\n' 'session 1' '* local-only' >state/policy
	printf '%060d%s\n' 0 beef >state/appliance
	stand_in rm-supervise <<-'SH'
	case $1 in
	arm)
		echo 0123456789abcdef0123456789abcdef >"$RM_RUN/console/new"
		mv "$RM_RUN/console/new" "$RM_RUN/console/armed"
		;;
	disarm)
		[ ! -e "$RM_RUN/console/armed" ] || echo late
		echo disarmed >>"$RM_RUN/record"
		;;
	esac
	SH
}

console_teardown() {
	console_end
	common_teardown
}

setup() { console_setup; }
teardown() { console_teardown; }

# stand_in NAME: a script of that name, first in PATH.
stand_in() {
	{ echo '#!/bin/sh'; cat; } >"bin/$1"
	chmod 755 "bin/$1"
}

# --- the terminal -----------------------------------------------------------

mux() {
	tmux -S "$PWD/tmux.${TERMINAL:-0}" -f /dev/null "$@"
}

# console [COMMAND]: in a terminal of its own; err and rc tell the rest.
console() {
	# A server of its own: the one before may still be ending.
	TERMINAL=$((${TERMINAL:-0} + 1))
	CONSOLE_PID='' RESTS=''
	mux new-session -d -x 80 -y 25 \
		"${1:-rm-console} 2>err; echo \$? >rc" 3>&-
	mkfifo "told.$TERMINAL"
	exec {TELL}<>"told.$TERMINAL"
	exec {HEAR}< <(exec tmux -S "$PWD/tmux.$TERMINAL" -C attach \
		-f ignore-size,no-output <"told.$TERMINAL" 2>/dev/null 3>&-)
	TELLS[TERMINAL]=$TELL HEARS[TERMINAL]=$HEAR
}

# at_terminal N: the Nth that was begun is meant from here on.
at_terminal() {
	TERMINAL=$1 CONSOLE_PID='' RESTS=''
	TELL=${TELLS[$1]} HEAR=${HEARS[$1]}
}

# ask COMMAND: to tmux, on a connection that stays: a process for each would be
# most of a test's time.
ask() {
	local line mark=$EPOCHREALTIME
	[ -n "${HEAR:-}" ] || return 1
	printf '%s ; display -p %s\n' "$1" "$mark" >&"$TELL"
	while IFS= read -r -t 60 -u "$HEAR" line; do
		[ "$line" != "$mark" ] || return 0
	done
	return 1
}

# Its process, once it is one, in CONSOLE_PID.
console_pid() {
	local pane comm=
	if [ -n "${CONSOLE_PID:-}" ]; then
		read -r comm <"/proc/$CONSOLE_PID/comm" || :
		[ "$comm" != rm-console ] || return 0
	fi 2>/dev/null
	pane=$(mux display -p '#{pane_pid}') || return 1
	CONSOLE_PID=$(pgrep -x rm-console -P "$pane" || pgrep -x rm-console \
		-P "$(pgrep -P "$pane" | head -n 1)" || booted_console)
}

# A whole appliance's is further below.
booted_console() {
	local pid
	for pid in $(pgrep -x rm-console); do
		! grep -qsz "^RM_RUN=$RM_RUN\$" "/proc/$pid/environ" ||
			echo "$pid"
	done | grep .
}

# Ends the console in order first: a terminal that goes sends signals of its
# own.  What does not end is killed, so that nothing is left behind.
console_end() {
	if console_pid 2>/dev/null; then
		kill -TERM "$CONSOLE_PID" || :
		timeout 5 tail --pid="$CONSOLE_PID" -f /dev/null ||
			kill -KILL "$CONSOLE_PID"
	fi
	CONSOLE_PID=
	# A server that cannot write to who is connected does not end: so what
	# that is is closed by our own end.
	local server
	for server in tmux.*; do
		[ ! -S "$server" ] ||
			tmux -S "$PWD/$server" kill-server 2>/dev/null || :
	done
	HEAR=
}

# --- a whole appliance with its console, in a terminal -----------------------

boot() {
	rm -f rc
	console 'room rm-supervise boot'
}

is_off() {
	[ -e rc ]
}

# Switched off; without a trace in the process table.
boot_end() {
	[ -n "${TERMINAL:-}" ] || return 0
	[ ! -p run/power ] || [ -e rc ] ||
		timeout 10 sh -c 'echo switch-off >run/power' || :
	until_true [ -e rc ]
	mux kill-server 2>/dev/null || :
}

# --- what is on the screen --------------------------------------------------

# capture [OPTION]: into the file captured, and CAPTURED.
capture() {
	ask "capture-pane ${1:-} -b c ; save-buffer -b c '$PWD/captured'" &&
		{ IFS= read -r -d '' CAPTURED <captured || :; }
}

screen() {
	capture && cat captured
}

shows() {
	capture && [[ $CAPTURED == *"$1"* ]]
}

shows_not() {
	! shows "$1"
}

# Takes one look at the screen apart: TITLE of the window, FOCUS (the place
# that is selected, without the sign of a further menu) and its ROW.  With
# KNOWN nothing can have changed since the last one.
look() {
	local sgr=$'\e\\[[0-9;]*m' no=$'[^\e]' lines i
	[ -z "${KNOWN:-}" ] || return 0
	capture -e || return 1
	LOOK=$CAPTURED
	TITLE='' FOCUS='' ROW=0
	mapfile -t lines <captured
	# A line at a time: patterns over all of it take bash seconds.
	for i in "${!lines[@]}"; do
		[ -n "$TITLE" ] ||
			[[ ! ${lines[i]} =~ (┤|-\+)\ ($sgr)?($no+)($sgr)?\ (├|\+-) ]] ||
			TITLE=${BASH_REMATCH[3]}
		# Its colours are no gauge's.
		[[ ${lines[i]} =~ $'\e'\[(37m$'\e'\[41|1\;7)m($no*) ]] || continue
		FOCUS=${BASH_REMATCH[2]} ROW=$((i + 1))
		break
	done
	FOCUS=${FOCUS%"${FOCUS##*[! ]}"}
	FOCUS=${FOCUS% ▸}
	[[ $FOCUS = '<'* ]] || FOCUS=${FOCUS% >}
}

# at TITLE: the window of that title is the uppermost.
at() {
	look
	[ "$TITLE" = "$1" ]
}

# on ENTRY: it is selected; of a button only the label is told.
on() {
	look
	[ "$FOCUS" = "$1" ] || [ "$FOCUS" = "< $1 >" ]
}

on_not() {
	! on "$1"
}

# see TEXT: waits for it; the screen is shown if it never comes.
see() {
	effect shows "$1"
}

# gone TEXT: the same for its end.
gone() {
	effect shows_not "$1"
}

effect() {
	local i
	RESTS=
	for ((i = 0; i < 3000; i++)); do
		! "$@" || return 0
		moment 0.02
	done
	echo "never came: $*" >&2
	screen >&2
	return 1
}

# Waits until the console sleeps, with all it has drawn on the screen: two
# looks one after the other show the same.  What changes by itself, each
# second, never rests: there four looks are enough.
calm() {
	local i was='' stat
	[ -z "${RESTS:-}" ] || return 0
	for ((i = 0; i < 3000; i++)); do
		stat=S
		! console_pid 2>/dev/null ||
			read -r _ _ stat _ <"/proc/$CONSOLE_PID/stat"
		look || return 1
		if [ "$stat $LOOK" = "S $was" ] ||
			{ [ "$i" -ge 4 ] && [ "$stat" = S ]; }; then
			RESTS=1	# until somebody types, or waits
			return 0
		fi
		was=
		[ "$stat" != S ] || was=$LOOK
		moment 0.02
	done
	echo 'the console never came to rest' >&2
	return 1
}

# answered TEXT: the same, and it is all: a running operation shows its output
# too, but takes no Enter.
answered() {
	see "$1"
	effect on OK
	calm
}

# --- keys -------------------------------------------------------------------

# Without any care: for what is no step on a way.
keys() {
	local word line=send-keys
	RESTS=
	for word; do line+=" '${word//\'/\'\\\'\'}'"; done
	# The last key of a console ends the connection, too.
	ask "$line" || :
}

is_so_already() {
	local KNOWN=1
	"$@"
}

# press KEY EFFECT...: one key, and what comes of it.
press() {
	local key=$1
	shift
	calm
	if is_so_already "$@"; then
		echo "before $key it is already so: $*" >&2
		screen >&2
		return 1
	fi
	keys "$key"
	effect "$@" && calm
}

is_elsewhere() {
	look
	[ "$ROW $FOCUS" != "$1" ]
}

# move KEY: the focus, by one place.
move() {
	calm
	keys "$1"
	effect is_elsewhere "$ROW $FOCUS" && calm
}

# reach COMMAND...: moves the focus on until this is so, once around at most.
reach() {
	local i
	calm
	for ((i = 0; i < 40; i++)); do
		! is_so_already "$@" || return 0
		move "${KEY:-Down}" || return 1
	done
	echo "nowhere: $*" >&2
	screen >&2
	return 1
}

# choose ENTRY [EFFECT...]: moves there, and Enter.  Without EFFECT a window
# of that title opens.
choose() {
	local entry=$1 KEY=Down
	shift
	[ $# -gt 0 ] || set -- at "$entry"
	calm
	# First letters are quicker, but a field takes them for itself.
	[[ $FOCUS = *_ || $FOCUS = '<'* || $entry != [A-Za-z]* ]] ||
		KEY=${entry:0:1}
	reach on "$entry" && press Enter "$@"
}

# menu ENTRY...: from Main on, each opens a window of that title.
menu() {
	local entry
	effect at Main
	for entry; do
		choose "$entry" || return 1
	done
}

# back TITLE: Esc, to that window.
back() {
	press Escape at "$1"
}

# --- forms ------------------------------------------------------------------

is_in_row_of() {
	look
	local lines
	capture && mapfile -t lines <captured &&
		[[ ${lines[ROW - 1]} =~ ^[^[:alnum:]]*$1\  ]]
}

# field LABEL: moves to the field with this label (a pattern).
field() {
	KEY=Tab reach is_in_row_of "$1"
}

# A long one shows only its end.
is_value() {
	look
	local end=$1
	[ ${#end} -le 33 ] || end=${end: -33}
	[ "${FOCUS%"${FOCUS##*[!_]}"}" = "$end" ]
}

# fill TEXT: into the field, instead of what it has.
fill() {
	calm
	is_so_already is_value '' || press C-u is_value ''
	keys -l "$1"
	effect is_value "$1" && calm
}

# secret TEXT: the same where only stars show.
secret() {
	calm
	is_so_already is_value '' || press C-u is_value ''
	keys -l "$1"
	effect is_value "${1//?/*}" && calm
}

# pick WORD: the one of a field with < WORD >.
pick() {
	local i
	for ((i = 0; i < 40; i++)); do
		! on "$1" || return 0
		move Right
	done
	echo "no choice: $1" >&2
	return 1
}

# --- facts by somebody else's hand ------------------------------------------

armed() {
	[ -e run/console/armed ]
}

disarmed() {
	[ ! -e run/console/armed ]
}

arm() {
	echo 0123 >run/console/new
	mv run/console/new run/console/armed
}

# From the main menu into the RM window.
console_arm() {
	menu
	choose 'Remote Management' shows "$READY"
	armed
}

# operation NAME [CLASS [HEADER ...]] <script: in a folder of our own.
operation() {
	local name=$1 class=${2:-normal} line
	shift "$(($# < 2 ? $# : 2))"
	if [ ! -d ops ]; then
		cp -r "$RM_BUILD/lib/rm" librm
		ln -s librm/ops ops
		export RM_OPS=$PWD/librm/ops
	fi
	{
		printf '%s\n' '#!/bin/sh' "# summary: try $name" \
			"# class: $class" '# limit: 60'
		for line; do printf '# %s\n' "$line"; done
		cat
	} >"ops/$name"
	chmod 755 "ops/$name"
}

is_held() {
	! rm-once -q "$1"
}

# Holds a lock, like whoever it belongs to would: hold LOCK
hold() {
	RM_AUTH_MANAGER=bob RM_AUTH_CUSTODIANS=alice,bob \
		RM_AUTH_SINCE=2026-11-23T12:00:00Z TCPREMOTEIP=172.17.0.1 \
		RM_TLS_VERSION=TLSv1.3 RM_TLS_GROUP=X25519 \
		RM_TLS_SIGNATURE=ecdsa_secp256r1_sha256 \
		RM_TLS_CIPHER=TLS_AES_256_GCM_SHA384 \
		rm-once "$1" -- sleep 600 3>&- &
	HOLDER=$!
	PIDS+=("$HOLDER")
	# A listener writes where it listens once it has the lock: an event.
	until_true is_held "$1"
	: >>"$1"
}

let_go() {
	kill -KILL "$HOLDER"
	wait "$HOLDER" || :
}

# How often the console was awake, once it has come to rest.
wakes() {
	calm
	console_pid
	wakes_of "$CONSOLE_PID"
}

wakes_of() {
	awk '/ctxt_switches/ { n += $2 } END { print n }' "/proc/$1/status"
}

start_log() {
	rm-listen -u run/audit.sock -- rm-audit append -b state/boot-count \
		state/audit.log 3>&- 2>/dev/null &
	PIDS+=("$!")
	until_true [ -S run/audit.sock ]
}

# tally CALLS LOG-INS SESSIONS REFUSED: the counters, by hand (rm_tally.h).
tally() {
	perl -e 'print pack("Q<4 x480", @ARGV)' "$@" >run/tally.new
	mv run/tally.new run/tally	# nobody maps half of one
}

# log_lines FROM TO [EXTRA]: records without an appender; the chain is not
# looked at here.
log_lines() {
	local prev
	prev=$(printf '%064d' 0)
	seq "$1" "$2" | sed "s/.*/& 2026-11-30T10:00:00Z 7 read operation=op-&${3:-} prev=$prev/"
}

# --- golden captures --------------------------------------------------------

# masked [SED]: the screen, without what changes: keys, and what SED (extended)
# takes away.
masked() {
	capture && sed -E "s/ +$//; s/[0-9a-f]{64}/$(printf %064d 0)/; ${1:-}" \
		captured
}

is_golden() {
	masked "$2" >screen.masked
	cmp -s "$1" screen.masked
}

# golden NAME [SED]: the screen comes to be that of tests/screens/NAME.txt.
# make golden writes those files; with PICTURES=FOLDER it leaves a picture of
# each there.
golden() {
	local name=${1// /-}
	local want=$RM_TESTS/screens/$name.txt
	calm
	[ -z "${PICTURES:-}" ] || mux capture-pane -e -N -p >"$PICTURES/$name.ansi"
	[ -z "${GOLDEN:-}" ] || masked "${2:-}" >"$want"
	effect is_golden "$want" "${2:-}" 2>/dev/null ||
		{ diff -u "$want" screen.masked; return 1; }
}
