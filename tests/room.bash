# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# room.bash: a private world with a real pcscd, virtual readers and virtual
# PIV cards, for bats files and the demo.  No root, no host set-up: user, mount
# and network namespaces of its own, with nothing but an own loopback.  Rooms
# do not see each other, so fixed ports inside one clash with nobody.
#
#	load room               # after helpers; or: source tests/room.bash
#	setup()    { room_start; }
#	teardown() { room_stop; }
#	@test "..." {
#		card_insert 0 alice             # P-256 key in 9A, PIN 123456
#		card_make bob rsa2048 9c        # bob's card, before inserting
#		card_insert 1 bob -P B -t 5     # any options of piv-card
#		run -0 --separate-stderr timeout 10 room rmctl card list
#		[ "$(card_count alice 'GENERAL AUTHENTICATE 9a')" = 0 ]
#		card_remove alice               # or: card_remove 0
#		card_insert 2 alice             # same key; a blocked PIN stays so
#	}
#
# room CMD...             run CMD inside, as the same user in the same folder;
#                         a program: also "timeout 10 room CMD", "room CMD &"
# room_start, room_stop   call them in the shell that lives as long as the
#                         room shall (setup, setup_file; not under run, not in
#                         a subshell): the room dies with that shell.
#                         room_stop may be called again, or without a room
#                         Tests of one file run in parallel too: share a room
#                         (setup_file) only with a reader for each test.
# room_check              can a room be made here?  Says why not
# room_reader N           name of reader N (0 to 3), as PC/SC tells it
# room_listens PORT       true when somebody inside listens there
# room_apdu_count REGEX   command APDUs that pcscd sent to any card, written
#                         "00 87 11 9A ..."; REGEX from their beginning
# card_make NAME [TYPE [SLOT]]    p256 (default) p384 rsa2048 rsa3072 rsa4096
#                         ed25519; SLOT 9a (default) 9c 9d 9e 82 to 95; the
#                         same name has the same key in all tests of a file
# card_insert N NAME [piv-card options]   returns when pcscd reports it
#                         -P A|B, two models that differ where real ones do;
#                         -t TRIES, -p PIN, -z 9a=CERT.DER.gz; -f FAULT: mute
#                         mute-on-sign pulled-on-sign wrong-length blocked
#                         wrong-signature bad-tlv huge-object slow
# card_remove N|NAME      returns when pcscd reports the reader empty
# card_wait N present|empty
# card_file NAME FILE     path of a card's file: 9a.crt, 9a.key, log, tries
# card_count NAME REGEX   lines of the card's own log: "VERIFY 63c2",
#                         "VERIFY status 63c3", "GENERAL AUTHENTICATE 9a 11
#                         9000", "GET DATA 5fc105 9000", "GET RESPONSE 9000"
#
# Exported: ROOM_PID, ROOM_DIR, ROOM_LOG (pcscd's log, throwaway PINs in clear)

ROOM_TESTS=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
# shellcheck disable=SC1091 # linted by itself
. "$ROOM_TESTS/copy.bash"
PATH=$ROOM_TESTS/card:${RM_BUILD:-$ROOM_TESTS/../build}/tests:$PATH

ROOM_DRIVER=/usr/lib/pcsc/drivers/serial/libifdvpcd.so
ROOM_PORT=35963         # inside the room; reader N listens at this plus N
ROOM_READERS=('Virtual reader A' 'Virtual reader B')   # two slots each

_room_die() {
	echo "room: fatal: $*" >&2
	return 1
}

room_check() {
	local tool
	for tool in unshare setpriv ip pcscd openssl; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$tool" >/dev/null ||
			_room_die "$tool is not installed" || return 1
	done
	[[ -e $ROOM_DRIVER ]] ||
		_room_die "vsmartcard-vpcd is not installed" || return 1
	unshare --user --map-current-user --keep-caps --mount --net \
		mount -t tmpfs tmpfs /run 2>/dev/null ||
		_room_die "unprivileged user namespaces are not allowed here"
}

# The driver has one table of slots for all readers that share a file, two
# slots a reader: so the second pair of readers gets a copy of it.
_room_config() {
	local n copy=$ROOM_DRIVER
	cp "$ROOM_DRIVER" "$ROOM_DIR/vpcd.so"
	for ((n = 0; n < ${#ROOM_READERS[@]}; n++)); do
		[ "$n" -eq 0 ] || copy=$ROOM_DIR/vpcd.so
		printf '%s\n' "FRIENDLYNAME \"${ROOM_READERS[n]}\"" \
			"DEVICENAME /dev/null:$((ROOM_PORT + 2 * n))" \
			"LIBPATH $copy" "CHANNELID $((ROOM_PORT + 2 * n))" ''
	done >"$ROOM_DIR/reader.conf"
}

# Inside: be killed with the shell that called room_start, then become pcscd,
# which needs none of the rights that were needed to get here.
# shellcheck disable=SC2016
_room_inside='
	[ "$PPID" = "$1" ]
	PATH=$PATH:/usr/sbin:/sbin
	mount -t tmpfs tmpfs /run
	mkdir /run/pcscd
	ip link set lo up
	echo up >&4
	exec 4>&-
	exec setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all \
		pcscd --foreground --debug --apdu -c "$2"
'

room_start() {
	local self=$BASHPID
	ROOM_DIR=$(mktemp -d "${BATS_TEST_TMPDIR:-${BATS_FILE_TMPDIR:-${TMPDIR:-/tmp}}}/room.XXXXXX")
	ROOM_LOG=$ROOM_DIR/pcscd.log
	mkdir "$ROOM_DIR/cards" "$ROOM_DIR/readers"
	_room_config
	mkfifo "$ROOM_DIR/up"
	unshare --user --map-current-user --keep-caps --mount --net \
		setpriv --pdeathsig KILL sh -euc "$_room_inside" room \
		"$self" "$ROOM_DIR/reader.conf" \
		</dev/null >"$ROOM_LOG" 2>&1 3>&- 4>"$ROOM_DIR/up" &
	ROOM_PID=$!
	export ROOM_PID ROOM_DIR ROOM_LOG
	if ! read -r -t 60 _ <"$ROOM_DIR/up" || ! room wait-card daemon; then
		cat "$ROOM_LOG" >&2
		room_stop
		room_check || return 1
		_room_die "pcscd does not run"
	fi
}

# End a process that may be another shell's child, and wait until it is gone.
_room_end() {
	local pid=$1 signal=$2
	kill "-$signal" "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null ||
		timeout 60 tail --pid="$pid" -s 0.05 -f /dev/null
}

room_stop() {
	local pid
	[[ -n ${ROOM_PID:-} ]] || return 0
	for pid in "$ROOM_DIR"/cards/*/pid; do
		[[ ! -e $pid ]] || _card_end "$(<"$pid")"
	done
	# A mute card can keep pcscd from ending by itself; with its world
	# gone there is nothing that it would have had to tidy up.
	_room_end "$ROOM_PID" KILL
	rm -rf "$ROOM_DIR"
	unset ROOM_PID ROOM_DIR ROOM_LOG
}

room_reader() {
	printf '%s 00 %02d\n' "${ROOM_READERS[$1 / 2]}" $(($1 % 2))
}

room_listens() {
	grep -qs "$(printf ':%04X [0:]* 0A ' "$1")" \
		"/proc/$ROOM_PID/net/tcp" "/proc/$ROOM_PID/net/tcp6"
}

room_apdu_count() {
	grep -cE "APDU: $1" "$ROOM_LOG" || true
}

card_file() {
	printf '%s\n' "$ROOM_DIR/cards/$1/$2"
}

card_make() {
	local name=$1 type=${2:-p256} slot=${3:-9a}
	mkdir -p "$ROOM_DIR/cards/$name"
	copy_of _card_key "$ROOM_DIR/cards/$name" "$name" "$type" "$slot"
}

_card_key() {
	make-card "$2" "$3" "$1/$4"
}

card_wait() {
	room wait-card "$2" "$(room_reader "$1")"
}

# A card may have left by itself: its number could be somebody else's now.
_card_end() {
	[[ $(cat "/proc/$1/comm" 2>/dev/null) != piv-card ]] ||
		_room_end "$1" TERM
}

card_insert() {
	local reader=$1 name=$2 dir key
	shift 2
	dir=$ROOM_DIR/cards/$name
	[[ ! -e $dir/pid ]] ||
		_room_die "$name is in a reader already" || return 1
	[[ ! -e $ROOM_DIR/readers/$reader ]] ||
		_room_die "reader $reader holds a card already" || return 1
	[[ -n $(compgen -G "$dir/*.key") ]] || card_make "$name" || return 1
	for key in "$dir"/*.key; do
		key=${key%.key}
		set -- -k "${key##*/}=$key.key" -c "${key##*/}=$key.crt" "$@"
	done
	[[ -e $dir/up ]] || mkfifo "$dir/up"
	room piv-card -R 4 -l "$dir/log" -s "$dir/tries" "$@" \
		$((ROOM_PORT + reader)) \
		</dev/null >"$dir/stderr" 2>&1 3>&- 4>"$dir/up" &
	echo $! >"$dir/pid"
	echo "$name" >"$ROOM_DIR/readers/$reader"
	echo "$reader" >"$dir/reader"
	if ! read -r -t 60 _ <"$dir/up" || ! card_wait "$reader" present; then
		cat "$dir/stderr" >&2
		card_remove "$name" || true
		_room_die "card $name was not accepted by reader $reader"
	fi
}

card_remove() {
	local name=$1 dir reader
	[[ $name != [0-9] ]] || name=$(cat "$ROOM_DIR/readers/$1") || return 1
	dir=$ROOM_DIR/cards/$name
	[[ -e $dir/pid ]] || _room_die "$name is in no reader" || return 1
	reader=$(<"$dir/reader")
	_card_end "$(<"$dir/pid")"
	rm "$dir/pid" "$dir/reader" "$ROOM_DIR/readers/$reader"
	card_wait "$reader" empty
}

card_count() {
	grep -cE "^$2" "$ROOM_DIR/cards/$1/log" || true
}
