#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rmctl against a server of somebody else's (openssl s_server and a shell
# script) with real cards behind a real pcscd, and against the real chain.

load helpers
load room
load appliance

setup() {
	common_setup
	room_start
	station_setup
}

ARMING=0123456789abcdef0123456789abcdef
HASH=$ARMING$ARMING

# A server that plays an appliance: server SCRIPT [FIRST LINE].  It greets as
# one unless told otherwise; the script's input is what the station says, its
# output is what the station hears.  SERVER is the pid of the TLS end.
server() {
	[ -e k.key ] || make_identity k
	rm -f srv.in srv.out
	mkfifo srv.in srv.out
	# shellcheck disable=SC2094 # a FIFO each way
	room openssl s_server -quiet -alpn rm/1 -tls1_3 -key k.key -cert k.crt \
		-accept 4433 <srv.in >srv.out 2>srv.log 3>&- &
	SERVER=$!
	PIDS+=("$SERVER")
	FIRST=${2:-rm/1 $KEYID ready arming=$ARMING rules=$HASH log=7:$HASH} \
		SERVER=$SERVER SAY=$1 bash -c 'echo "$FIRST"; eval "$SAY"
		while read -r line; do echo "$line" >>heard; done' \
		>srv.in <srv.out 3>&- &
	PIDS+=("$!")
	until_true room_listens 4433
}

# make_identity NAME: NAME.key, NAME.crt; its fingerprint to KEYID.
make_identity() {
	make-card hsm-1 p256 "$1"
	KEYID=$(openssl pkey -in "$1.key" -pubout -outform DER | sha256sum)
	KEYID=${KEYID%% *}
}

pin() {
	mkdir -p home/.config/rm
	(umask 077; echo "${2:-hsm-1} 127.0.0.1:4433 $1" \
		>home/.config/rm/appliances)
}

# The first vote completes the quorum.
VOTE='read -r word manager keyid alg sig; echo "$word $manager $alg" >>heard
	echo "+ 1 of 1 for $manager: $manager";'

# A station with one card and a pinned server; then: at_desk CODE ARG...
desk() {
	make_identity k
	pin "$KEYID"
	card_insert 0 alice
	server "$@"
}

at_desk() {
	local code=$1
	shift
	try "$code" room rmctl -H hsm-1 --pin-file pin "$@"
}

# --- what needs no card -----------------------------------------------------

@test "rmctl: usage" {
	try 100 rmctl
	has "$stderr" 'usage: rmctl *'
	try 0 rmctl --help
	has "$output" 'usage: rmctl *'
	[ "$(wc -l <<<"$output")" -le 30 ]
	try 0 rmctl help
	try 0 rmctl --version
	try 100 rmctl --bogus
	try 100 rmctl -H x -H y status
	try 100 rmctl status
	has "$stderr" '*no appliance*'
	try 100 rmctl -H x --wait y status
	try 100 rmctl -H x --as 1x status
	try 100 rmctl -H x --slot 9b status
	try 100 rmctl -H x --fingerprint 12 trust y
	try 100 rmctl -H 'bad host' status
	try 100 rmctl -H x shell more
	try 100 rmctl -H x status ''
	try 100 rmctl trust
	try 100 rmctl trust Name host
}

@test "rmctl: the usage is the man page's synopsis" {
	try 0 rmctl --help
	local verb
	for verb in trust distrust card shell run; do
		has "$output" "*$verb*"
		grep -qE "^\.Cm .*$verb" "$RM_TESTS/../man/rmctl.1"
	done
	# Every long option stands in the page.
	local option
	for option in $(grep -oE -- '--[a-z-]+' <<<"$output" | sort -u); do
		[ "$option" = --help ] || grep -qE "Fl -?${option#-}" \
			"$RM_TESTS/../man/rmctl.1"
	done
}

@test "rmctl never takes a PIN file that others can read" {
	chmod 644 pin
	try 100 rmctl -H x --pin-file pin status
	has "$stderr" '*pin must be a file of yours that nobody else can read'
	chmod 600 pin
	ln -s pin link
	try 100 rmctl -H x --pin-file link status
	try 100 rmctl -H x --pin-file nowhere status
	try 100 rmctl -H x --pin-fd 77 status
	try 100 rmctl -H x --pin-file pin --pin-fd 0 status
}

@test "exit 11 not-armed: nothing listens, pinned or not" {
	try 11 room rmctl -H 127.0.0.1 status
	has "$stderr" 'rmctl: fatal: not-armed: *console*'
	pin "$HASH"
	try 11 room rmctl -H hsm-1 status
	try 11 room rmctl trust 127.0.0.1
}

@test "exit 30 unknown-key: an unpinned appliance is told nothing" {
	server ''
	try 30 room rmctl -H 127.0.0.1 status
	has "$stderr" 'rmctl: fatal: unknown-key: *rmctl trust 127.0.0.1*'
	# Not one byte came: it saw no ClientHello.
	[ ! -e heard ]
	run -1 grep -iE 'ciph|alpn' srv.log
}

@test "exit 31 changed-key: refused loudly, with both fingerprints" {
	server ''
	pin "$HASH"
	try 31 room rmctl -H hsm-1 --pin-file pin status
	has "$stderr" '*THE KEY OF hsm-1*HAS CHANGED*'
	has "$stderr" "*$HASH*"
	has "$stderr" "*$KEYID*"
	[ ! -e heard ]
	try 31 room rmctl trust --fingerprint "$KEYID" 127.0.0.1
	has "$stderr" "*$HASH*$KEYID*"
	grep -q "$HASH" home/.config/rm/appliances
}

@test "rmctl trust pins a key by its whole fingerprint, and only that" {
	server ''
	try 30 room rmctl trust 127.0.0.1 </dev/null
	has "$stderr" '*no terminal*'
	try 30 room rmctl trust --fingerprint "$HASH" 127.0.0.1
	has "$stderr" "*$HASH*$KEYID*"
	[ ! -e home/.config/rm/appliances ]
	try 0 room rmctl trust --fingerprint "$KEYID" hsm-1 127.0.0.1
	[ "$(cat home/.config/rm/appliances)" = "hsm-1 127.0.0.1:4433 $KEYID" ]
	[ "$(stat -c %a home/.config/rm/appliances)" = 600 ]
	# Again is no change; another name for the same address is one.
	try 0 room rmctl trust 127.0.0.1
	try 0 room rmctl trust --fingerprint "$KEYID" box 127.0.0.1:4433
	try 0 rmctl trust --list
	[ "$output" = "box 127.0.0.1:4433 $KEYID" ]
	try 0 rmctl distrust box
	try 0 rmctl trust --list
	[ -z "$output" ]
	try 30 rmctl distrust box
}

@test "rmctl trust --replace puts a new key in place, compared as before" {
	server ''
	pin "$HASH"
	echo "# mine" >>home/.config/rm/appliances
	echo "other 127.0.0.2:4433 $HASH" >>home/.config/rm/appliances
	try 30 room rmctl trust --replace 127.0.0.1 </dev/null
	try 0 room rmctl trust --replace --fingerprint "$KEYID" 127.0.0.1
	try 0 rmctl trust --list
	[ "$output" = "# mine
other 127.0.0.2:4433 $HASH
hsm-1 127.0.0.1:4433 $KEYID" ]
	# One name never stands for two appliances.
	try 100 room rmctl trust --fingerprint "$KEYID" other 127.0.0.1
	has "$stderr" '*other is the name of another appliance*'
}

@test "rmctl trust asks on a terminal for digits that it does not show" {
	server ''
	terminal rmctl trust hsm-1 127.0.0.1
	until_true screen_shows 'Type its last 8 digits'
	screen >shown
	grep -q "${KEYID:0:56}" shown
	run -1 grep "${KEYID:56}" shown
	keys "${KEYID:56}" Enter
	until_true screen_shows '[exit 0]'
	grep -q "$KEYID" home/.config/rm/appliances
}

@test "rmctl trust pins nothing when other digits are typed" {
	server ''
	terminal rmctl trust hsm-1 127.0.0.1
	until_true screen_shows 'Type its last 8 digits'
	keys 00000000 Enter
	until_true screen_shows '[exit 30]'
	[ ! -e home/.config/rm/appliances ]
}

# A command of ours on a real terminal, and its exit code.
terminal() {
	SHELL=/bin/sh tmux -S "$PWD/tmux" -f /dev/null new-session -d -x 100 -y 25 \
		"trap : INT; room $*; echo \"[exit \$?]\"; exec cat" 3>&-
	PIDS+=("$(tmux -S "$PWD/tmux" display -p '#{pid}')")
}
screen() { tmux -S "$PWD/tmux" capture-pane -p -J; }
screen_shows() { screen | grep -qF -- "$1"; }
keys() { tmux -S "$PWD/tmux" send-keys "$@"; }

@test "rmctl refuses a file of pins that others can write, or with a bad line" {
	pin "$HASH"
	chmod 666 home/.config/rm/appliances
	try 100 rmctl -H hsm-1 status
	chmod 600 home/.config/rm/appliances
	echo garbage >>home/.config/rm/appliances
	try 100 rmctl -H hsm-1 status
	has "$stderr" '*line 2*'
	try 100 rmctl trust --list --list
}

@test "exit 10 busy: before any card or PIN is used" {
	make_identity k
	pin "$KEYID"
	server '' "rm/1 $KEYID busy arming=$ARMING rules=$HASH log=7:$HASH"
	# No reader holds a card, and it does not matter.
	try 10 room rmctl -H hsm-1 status </dev/null
	has "$stderr" 'rmctl: fatal: busy: *'
}

@test "rmctl finds an appliance by name, by address, over IPv6" {
	make_identity k
	echo "echo 'rm/1 $KEYID busy arming=$ARMING rules=$HASH log=7:$HASH'" >play
	room tcpserver -RHl0 127.0.0.1 4433 rm-tls -a rm/1 k.crt k.key \
		-- sh play </dev/null >srv.log 2>&1 3>&- &
	PIDS+=("$!")
	room socat TCP6-LISTEN:4433,bind=[::1],ipv6only,fork,reuseaddr \
		TCP4:127.0.0.1:4433 </dev/null 3>&- &
	PIDS+=("$!")
	until_true room sh -c "[ \$(ss -Hltn 'sport = :4433' | wc -l) = 2 ]"
	try 0 room rmctl trust --fingerprint "$KEYID" hsm-6 '[::1]'
	try 0 room rmctl trust --fingerprint "$KEYID" hsm-4 127.0.0.1:4433
	local where
	for where in hsm-6 hsm-4 '[::1]' '[::1]:4433' 127.0.0.1; do
		try 10 room rmctl -H "$where" status
		has "$stderr" "*on ${where//[/[[]}"
		RM_HOST=$where try 10 room rmctl status
	done
}

@test "exit 42 connection-lost: no greeting, or none that makes sense" {
	make_identity k
	pin "$KEYID"
	server '' 'HTTP/1.1 400 Bad Request'
	try 42 room rmctl -H hsm-1 status
	has "$stderr" '*does not greet as an appliance*'
}

@test "exit 42 connection-lost: no greeting in time" {
	make_identity k
	pin "$KEYID"
	mkfifo never
	room openssl s_server -quiet -alpn rm/1 -tls1_3 -key k.key \
		-cert k.crt -accept 4433 <>never >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	until_true room_listens 4433
	try 42 room rmctl -H hsm-1 status
	has "$stderr" '*no greeting in time*'
}

@test "rmctl believes the pin, not the name that an appliance calls itself" {
	make_identity k
	pin "$KEYID"
	server '' "rm/1 $HASH ready arming=$ARMING rules=$HASH log=7:$HASH"
	try 31 room rmctl -H hsm-1 status
}

@test "rmctl speaks TLS 1.3 and rm/1 only" {
	make_identity k
	pin "$KEYID"
	room openssl s_server -quiet -alpn http/1.1 -tls1_3 -key k.key \
		-cert k.crt -accept 4433 </dev/zero >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	room openssl s_server -quiet -alpn rm/1 -tls1_2 -key k.key \
		-cert k.crt -accept 4434 </dev/zero >/dev/null 2>&1 3>&- &
	PIDS+=("$!")
	until_true room_listens 4433
	until_true room_listens 4434
	try 1 room rmctl -H hsm-1 status
	sed 's/4433/4434/' -i home/.config/rm/appliances
	try 1 room rmctl -H hsm-1 status
}

# --- one card, and a server that says what we like --------------------------

@test "rmctl prints what an operation prints, and nothing else, on stdout" {
	desk "$VOTE read -r line; echo \"\$line\" >>heard
		echo ': mode NRM'; echo '% 41 half way'; echo ':  ä  b'
		echo '+ all good'"
	at_desk 0 status
	[ "$output" = "mode NRM
 ä  b" ]
	has "$stderr" '*1 of 1 for alice: alice*'
	has "$stderr" '*all good*'
	run ! grep -q '41' <<<"$stderr"
	[ "$(cat heard)" = "present alice ecdsa-sha256
status" ]
	# One card, one PIN, one signature.
	[ "$(card_count alice 'VERIFY 9000')" = 1 ]
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')" = 1 ]
}

@test "rmctl --progress and --quiet" {
	desk "$VOTE read -r line; echo '% 41 half way'; echo '+ all good'"
	at_desk 0 --progress --quiet x
	[ "$stderr" = ' 41 % half way' ]
	[ -z "$output" ]
}

@test "rmctl spells arguments for the wire" {
	desk "$VOTE read -r line; echo \"\$line\" >>heard; echo +"
	at_desk 0 -- run 'a b' '%' 'ä'
	[ "$(tail -n 1 heard)" = 'run a%20b %25 %C3%A4' ]
}

@test "rmctl makes what an appliance says harmless for a terminal" {
	desk "$VOTE read -r line; printf ': \\033[2Jx\\n'
		printf '! failed \\033]0;x\\007\\n'"
	at_desk 40 x
	[ "$output" = '?[2Jx' ]
	has "$stderr" '*rmctl: fatal: failed: [?]]0;x[?]'
}

@test "every word of a refusal has its exit code" {
	local word code
	for word in denied=1 busy=10 not-enrolled=32 quorum-incomplete=33 \
		failed=40 policy=41 usage=100 system=111 strange=40; do
		code=${word#*=} word=${word%=*}
		[ "$code" = 1 ] && desk "$VOTE read -r l; echo '! $word why'" ||
			server "$VOTE read -r l; echo '! $word why'"
		at_desk "$code" x
		has "$stderr" "*rmctl: fatal: *why"
		server_end
	done
}

server_end() {
	kill -TERM "$SERVER"
	wait "$SERVER" 2>/dev/null || :
	room sh -c '! ss -Hltn "sport = :4433" | grep -q .'
}

@test "exit 32 not-enrolled: a vote that is refused is the end" {
	desk "read -r vote; echo '! not-enrolled no custodian has this key'"
	at_desk 32 status
	has "$stderr" 'rmctl: fatal: not-enrolled: no custodian has this key'
}

@test "exits 12, 13, 14: a notice ends it with its code" {
	desk "$VOTE read -r line; echo ': x'; echo '* idle limit reached'"
	at_desk 12 status
	[ "$output" = x ]
	has "$stderr" '*rmctl: fatal: idle-limit: idle limit reached'
	server_end
	server "$VOTE read -r line; echo '* local console took over'"
	at_desk 13 status
	server_end
	server "$VOTE read -r line; echo '* appliance is going down'"
	at_desk 14 status
	server_end
	# Also before the quorum, while a card is worked.
	server "echo '* local console took over'"
	at_desk 13 status
	server_end
	# Any other is only told.
	server "$VOTE read -r line; echo '* nice weather'; echo '+'"
	at_desk 0 status
	has "$stderr" '*nice weather*'
}

@test "exit 42 connection-lost: an end without close_notify" {
	desk "$VOTE read -r line; echo ': half'; sleep 1; kill -KILL \$SERVER"
	at_desk 42 status
	[ "$output" = half ]
	has "$stderr" '*rmctl: fatal: connection-lost: *without close_notify*'
}

@test "rmctl: an appliance that says nonsense is left" {
	desk "$VOTE read -r line; echo 'hello'"
	at_desk 42 status
	server_end
	server "read -r vote; echo '+ many of few'"
	at_desk 42 status
	server_end
	server "$VOTE read -r line; head -c 5000 /dev/zero | tr '\\0' x; echo"
	at_desk 42 status
}

@test "rmctl run stops at the first command that fails" {
	desk "$VOTE while read -r line; do echo \"\$line\" >>heard
		case \$line in b*) echo '! failed why' ;; *) echo \": \$line\"
		echo + ;; esac; done"
	printf '%s\n' '# comment' '' '  a   1' b%20 c >script
	at_desk 40 run <script
	[ "$output" = 'a 1' ]
	[ "$(tail -n +2 heard)" = "a 1
b%20" ]
	server_end
	server "$VOTE while read -r line; do
		case \$line in b*) echo '! failed why' ;; *) echo \": \$line\"
		echo + ;; esac; done"
	at_desk 40 run --keep-going <script
	[ "$output" = "a 1
c" ]
	# What cannot be gone on from is told, whatever failed before.
	server_end
	server "$VOTE while read -r line; do echo '! failed why'; done"
	printf 'b\nc' >script
	at_desk 40 run --keep-going <script
	has "$stderr" '*failed: why*the last line has no end*'
}

@test "rmctl run never runs a last line without its end" {
	desk "$VOTE while read -r line; do echo \"\$line\" >>heard; echo +; done"
	printf 'a\nfactory-reset' >script
	at_desk 100 run <script
	has "$stderr" '*the last line has no end*'
	[ "$(tail -n +2 heard)" = a ]
	server_end
	server "$VOTE while read -r line; do echo +; done"
	printf 'a\0b\n' >script
	at_desk 100 run <script
	server_end
	server "$VOTE while read -r line; do echo +; done"
	printf 'a %%2f\n' >script
	at_desk 100 run <script
	server_end
	server "$VOTE while read -r line; do echo +; done"
	head -c 9000 /dev/zero | tr '\0' x >script
	at_desk 100 run <script
}

@test "rmctl shell in a pipe goes on after a failure; its code is the last's" {
	desk "$VOTE while read -r line; do
		case \$line in b) echo '! policy why' ;; *) echo \": \$line\"
		echo + ;; esac; done"
	at_desk 0 shell < <(printf '%s\n' a b c)
	[ "$output" = "a
c" ]
	has "$stderr" '*rmctl: fatal: policy: why*'
	server_end
	server "$VOTE while read -r line; do
		case \$line in b) echo '! policy why' ;; *) echo + ;; esac; done"
	at_desk 41 shell < <(printf '%s\n' a b exit c)
}

@test "rmctl shell hears a notice while nobody types" {
	desk "$VOTE read -r line; echo +; sleep 0.1
		echo '* local console took over'"
	mkfifo hold
	exec 8<>hold
	echo status >&8
	at_desk 13 shell <hold
	exec 8>&-
	has "$stderr" '*local console took over'
}

@test "rmctl present leaves a vote for another manager, and asks no more" {
	desk "read -r word manager keyid alg sig; echo \"\$word \$manager \$alg\" >>heard
		echo \"+ 0 of 1 for \$manager: alice; still wanted: \$manager; 600 s left\""
	at_desk 0 present --for bob
	[ -z "$output" ]
	has "$stderr" '*0 of 1 for bob: alice; still wanted: bob; 600 s left'
	[ "$(cat heard)" = "keep bob ecdsa-sha256" ]
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')" = 1 ]
	server_end
	server 'read -r line; echo "! busy a session is under way"'
	at_desk 10 present --for bob
	at_desk 100 present
	has "$stderr" '*present --for NAME: who is to command'
	at_desk 100 present --for Bob
	at_desk 100 present --for bob bob
}

@test "rmctl confirms with --yes, and only when asked to" {
	desk "$VOTE while read -r line; do echo \"\$line\" >>heard
		case \$line in
		*confirm=hsm-1) echo + ;;
		*confirm=*) echo '! usage confirm= is not the name' ;;
		off*) echo '! usage confirm=NAME must be the last' ;;
		*) echo + ;;
		esac; done"
	at_desk 0 --yes hsm-1 run < <(printf '%s\n' status 'off now')
	[ "$(tail -n +2 heard)" = "status
off now
off now confirm=hsm-1" ]
	server_end
	server "$VOTE while read -r line; do
		case \$line in *confirm=*) echo '! usage confirm= is not' ;;
		*) echo '! usage confirm=NAME must be the last' ;; esac; done"
	at_desk 100 --yes other off
	server_end
	server "$VOTE read -r line; echo '! usage confirm=NAME must be the last'
		read -r line && echo \"\$line\" >confirmed"
	at_desk 100 off
	has "$stderr" '*--yes NAME*'
	[ ! -e confirmed ]
}

# Says what it heard of a payload: the announcement, its bytes, the command.
HEAR_PAYLOAD='while read -r line; do echo "$line" >>heard
	case $line in
	"< payload "*) head -c "${line##* }" >>heard; echo >>heard ;;
	*confirm=*) echo + ;;
	off*) echo "! usage confirm=NAME must be the last" ;;
	*) echo + ;;
	esac; done'

@test "rmctl --payload sends a file in front of the command, every byte of it" {
	printf 'a\nb' >new.policy
	desk "$VOTE $HEAR_PAYLOAD"
	at_desk 0 --payload new.policy put x
	[ "$(tail -n +2 heard)" = "< payload 3
a
b
put x" ]
	server_end
	server "$VOTE $HEAR_PAYLOAD"
	rm heard
	at_desk 0 --yes hsm-1 --payload - off <new.policy
	[ "$(tail -n +2 heard)" = "< payload 3
a
b
off
< payload 3
a
b
off confirm=hsm-1" ]
}

@test "rmctl run: a last word <FILE is the payload of its line" {
	echo one >'the file'
	: >two
	desk "$VOTE $HEAR_PAYLOAD"
	printf '%s\n' 'put x <the%20file' 'b a<the <two' c >script
	at_desk 0 run <script
	[ "$(tail -n +2 heard)" = "< payload 4
one

put x
< payload 0

b a<the
c" ]
	local line
	for line in '<two' 'put <two x' 'put <' 'put < two' 'put <nowhere'; do
		server_end
		rm -f heard
		server "$VOTE $HEAR_PAYLOAD"
		at_desk 100 run <<<"$line"
		[ "$(wc -l <heard)" = 1 ]
	done
	has "$stderr" '*usage: unable to read the payload nowhere: No such file*'
}

@test "rmctl: a payload that cannot be read is told before any card is asked" {
	make_identity k
	pin "$KEYID"
	card_insert 0 alice
	server :
	at_desk 100 --payload nowhere put
	has "$stderr" '*usage: unable to read the payload nowhere: No such file*'
	at_desk 100 --payload . put
	has "$stderr" '*usage: unable to read the payload .: Is a directory'
	head -c 65537 /dev/zero >big
	at_desk 100 --payload big put
	has "$stderr" '*usage: the payload big has more than 65536 bytes'
	try 100 room rmctl -H hsm-1 --pin-fd 0 --payload - put <pin
	has "$stderr" '*standard input has either PINs or the payload'
	at_desk 100 --payload big run </dev/null
	has "$stderr" '*in the lines of run, <FILE behind a command*'
	[ ! -e heard ]
	[ "$(card_count alice 'VERIFY 9000')" = 0 ]
}

@test "rmctl warns when the appliance's log was shortened or rewritten" {
	local other=${HASH//0/f} state=home/.local/state/rm/
	desk "$VOTE read -r line; echo +"
	at_desk 0 status
	[ "$(cat "$state$KEYID")" = "7 $HASH" ]
	server_end
	server "$VOTE read -r line; echo +" \
		"rm/1 $KEYID ready arming=$ARMING rules=$HASH log=6:$HASH"
	at_desk 0 status
	has "$stderr" '*HAS BEEN SHORTENED*6*7*'
	server_end
	server "$VOTE read -r line; echo +" \
		"rm/1 $KEYID ready arming=$ARMING rules=$HASH log=7:$other"
	at_desk 0 status
	has "$stderr" '*HAS BEEN REWRITTEN*'
	server_end
	server "$VOTE read -r line; echo +" \
		"rm/1 $KEYID ready arming=$ARMING rules=$HASH log=8:$other"
	at_desk 0 status
	run ! grep -q 'HAS BEEN' <<<"$stderr"
	[ "$(cat "$state$KEYID")" = "8 $other" ]
}

@test "rmctl dies when nobody takes its output" {
	desk "$VOTE read -r line; echo ': x'; echo +"
	try 111 room sh -c 'exec rmctl -H hsm-1 --pin-file pin status >/dev/full'
	has "$stderr" '*unable to write standard output*'
}

# --- cards ------------------------------------------------------------------

# The first vote is one of two.
HALF='read -r word manager keyid alg sig; echo "$manager $keyid" >>heard
	echo "+ 1 of 2 for $manager: someone";'
FULL='read -r word manager keyid alg sig; echo "$manager $keyid" >>heard
	echo "+ 2 of 2 for $manager: both"; read -r line; echo +;'

# A server that hears no vote is one that no signature was made for.
desk_without_card() {
	make_identity k
	pin "$KEYID"
	server "$VOTE read -r line; echo +"
}

@test "exit 20 no-reader: no reader, or no pcscd" {
	desk_without_card
	PCSCLITE_CSOCK_NAME=$PWD/none at_desk 20 status
	server_end
	server ''
	at_desk 20 --reader Nobody --wait 1 status
	run ! grep -q alice heard
}

@test "exit 21 no-card: none in time, or no PIV card with that key" {
	desk_without_card
	at_desk 21 --wait 1 status
	has "$stderr" '*insert a card*'
	server_end
	server ''
	at_desk 21 -q --wait 1 status
	[[ $stderr != *'insert a card'* ]]
	server_end
	server ''
	card_insert 0 alice
	at_desk 21 --wait 1 --slot 9d status
	run ! grep -q alice heard
}

@test "exit 22 wrong-pin: sent once, and the tries left are told" {
	desk ''
	echo 654321 >pin
	at_desk 22 status
	has "$stderr" '*rmctl: fatal: wrong-pin: *2*'
	[ "$(card_count alice 'VERIFY 63c2')" = 1 ]
	[ "$(card_count alice 'GENERAL AUTHENTICATE')" = 0 ]
	[ ! -e heard ]
}

@test "exit 23 pin-blocked" {
	make_identity k
	pin "$KEYID"
	card_insert 0 alice -f blocked
	server ''
	at_desk 23 status
	[ "$(card_count alice 'VERIFY 6')" = 0 ]
}

@test "exit 24 last-try: it is kept, unless told" {
	make_identity k
	pin "$KEYID"
	card_insert 0 alice -t 1
	server "$VOTE read -r line; echo +"
	at_desk 24 status
	[ "$(card_count alice 'VERIFY [69]')" = 0 ]
	server_end
	server "$VOTE read -r line; echo +"
	at_desk 0 --last-try status
}

@test "exit 25 card-lost: mute, or pulled out in the middle" {
	make_identity k
	pin "$KEYID"
	card_insert 0 alice -f mute-on-sign
	card_insert 1 bob -f pulled-on-sign
	server ''
	at_desk 25 --reader "$(room_reader 0)" --card-timeout 3 status
	server_end
	server ''
	at_desk 25 --reader "$(room_reader 1)" status
}

@test "exit 33 quorum-incomplete: no second card in time" {
	desk "$HALF"
	at_desk 33 --wait 1 status
	has "$stderr" '*card 2 of 2: insert another card*'
	has "$stderr" '*rmctl: fatal: quorum-incomplete: 1 of 2*'
	# The card that has voted was not asked again.
	[ "$(card_count alice 'GENERAL AUTHENTICATE')" = 1 ]
	[ "$(wc -l <heard)" = 1 ]
}

@test "exit 33 quorum-incomplete: the appliance does not wait longer" {
	desk "$HALF sleep 0.1; echo '! quorum-incomplete 1 of 2; too late'"
	at_desk 33 status
	has "$stderr" '*too late*'
}

@test "rmctl uses two cards in two readers, one after the other" {
	card_insert 1 bob
	desk "$HALF $FULL"
	(umask 077; printf '123456\n123456\nrest\n' >pin)
	at_desk 0 status
	[ "$(card_count alice 'GENERAL AUTHENTICATE 9a 11 9000')" = 1 ]
	[ "$(card_count bob 'GENERAL AUTHENTICATE 9a 11 9000')" = 1 ]
	# Both for the first one, with two keys.
	[ "$(cut -d' ' -f1 heard | sort -u | wc -l)" = 1 ]
	[ "$(cut -d' ' -f2 heard | sort -u | wc -l)" = 2 ]
}

@test "rmctl uses two cards that are swapped in one reader" {
	desk "$HALF $FULL"
	(umask 077; printf '123456\n123456\n' >pins)
	timeout 60 room rmctl -H hsm-1 --pin-file pins --as bob status \
		>out 2>err 3>&- &
	local pid=$!
	until_true grep -q 'card 2 of 2: insert another card' err
	card_remove alice
	card_insert 0 bob
	wait "$pid"
	[ "$(cut -d' ' -f1 heard)" = "bob
bob" ]
}

@test "rmctl takes the PIN of each card from its own line of --pin-fd" {
	card_make bob
	card_insert 1 bob -p 87654321
	desk "$HALF $FULL"
	# Which card is the first is the readers' order.
	try 0 room rmctl -H hsm-1 --pin-fd 5 --reader 'reader A' status \
		5< <(printf '%s\n' 123456 87654321)
	[ "$(card_count alice 'VERIFY 9000')" = 1 ]
	[ "$(card_count bob 'VERIFY 9000')" = 1 ]
}

@test "rmctl: the manager is told, or the name on the first card" {
	card_make Bob
	card_insert 0 Bob
	make_identity k
	pin "$KEYID"
	server "$VOTE read -r line; echo +"
	at_desk 100 status
	has "$stderr" '*--as NAME*'
	[ "$(card_count Bob 'VERIFY 9')" = 0 ]
	server_end
	server "$VOTE read -r line; echo +"
	RM_MANAGER=carol at_desk 0 status
	server_end
	server "$VOTE read -r line; echo +"
	RM_MANAGER=carol at_desk 0 --as bob status
	[ "$(grep -oE 'present [a-z]+' heard)" = "present carol
present bob" ]
}

# A server with a greeting for every connection; the script plays it.
play() {
	[ -e k.key ] || make_identity k
	pin "$KEYID"
	echo "echo 'rm/1 $KEYID ready arming=$ARMING rules=$HASH log=7:$HASH'
		$1" >play
	room tcpserver -RHl0 127.0.0.1 4433 rm-tls -a rm/1 k.crt k.key \
		-- sh play </dev/null >srv.log 2>&1 3>&- &
	PIDS+=("$!")
	until_true room_listens 4433
}

ANSWER='while read -r line; do echo "$line" >>heard; case $line in
	*confirm=hsm-1) echo ": $line"; echo + ;;
	off*) echo "! usage confirm=NAME must be the last" ;;
	bad*) echo "! failed why" ;; *) echo ": ran $line"; echo + ;; esac; done'

@test "rmctl shell on a terminal: PIN, prompt, confirmation" {
	card_insert 0 alice
	play "$VOTE $ANSWER"
	terminal rmctl -H hsm-1 shell
	until_true screen_shows 'PIN'
	# It has connected, and hung up: nobody types against a clock.
	[ "$(room ss -Htn state established '( sport = :4433 )' | wc -l)" = 0 ]
	keys 123456 Enter
	until_true screen_shows 'hsm-1>'
	run ! grep -q 123456 <(screen)
	keys status Enter
	until_true screen_shows 'ran status'
	keys bad Enter
	until_true screen_shows 'rmctl: fatal: failed: why'
	keys 'off now' Enter
	until_true screen_shows "type the appliance's name:"
	keys hsm-1 Enter
	until_true screen_shows 'off now confirm=hsm-1'
	keys off Enter
	until_true screen_shows 'To confirm off'
	keys C-u Enter
	until_true screen_shows '--yes NAME'
	keys exit Enter
	until_true screen_shows '[exit 100]'
	[ "$(card_count alice 'VERIFY 9000')" = 1 ]
}

@test "rmctl asks for the PIN of every card by its name, also of a swapped one" {
	card_insert 0 alice
	play "$HALF $FULL"
	terminal rmctl -H hsm-1 --as bob status
	until_true screen_shows 'alice'
	keys 123456 Enter
	until_true screen_shows 'card 2 of 2: insert another card'
	card_remove alice
	card_insert 0 bob
	until_true screen_shows 'PIN of bob'
	keys 123456 Enter
	until_true screen_shows '[exit 0]'
	[ "$(grep -c '^bob ' heard)" = 2 ]
	[ "$(card_count bob 'VERIFY 9000')" = 1 ]
}

@test "rmctl waits for a first card without holding a connection" {
	play "$VOTE $ANSWER"
	timeout 60 room rmctl -H hsm-1 --pin-file pin status >out 2>err 3>&- &
	local pid=$!
	until_true grep -q 'insert a card' err
	[ "$(room ss -Htn state established '( sport = :4433 )' | wc -l)" = 0 ]
	card_insert 0 alice
	wait "$pid"
	[ "$(cat out)" = 'ran status' ]
}

@test "rmctl interrupted at the PIN leaves the terminal as it was" {
	card_insert 0 alice
	play "$VOTE $ANSWER"
	printf '%s\n' 'trap : INT' 'rmctl -H hsm-1 status' 'stty -a' >after
	terminal sh after
	until_true screen_shows 'PIN'
	keys C-c
	until_true screen_shows ' echo '
	[ "$(card_count alice 'VERIFY 9')" = 0 ]
}

# --- the real chain ---------------------------------------------------------

# Operations of our own beside the real ones; the policy allows all but one.
chain() {
	local quorum=$1 op
	shift
	mkdir ops
	cp "$RM_BUILD"/lib/rm/ops/* ops
	cp "$RM_BUILD"/lib/rm/*.sh .
	operation fails normal 'echo "some output"; echo "disk on fire" >&2; exit 3'
	operation waits normal 'echo waiting; exec sleep 500'
	operation counts normal 'echo "%% 50 half"; echo counted "$@"' '[what]'
	operation wipes destructive 'echo wiped'
	operation hidden normal 'echo hidden'
	operation puts destructive 'sha256sum'
	sed -i '/^# class/i # payload: stuff' ops/puts
	appliance_init hsm-1 "$quorum" "$@"
	for op in fails waits counts wipes puts; do
		echo "$op session"
	done >>"$RM_STATE/policy"
	RM_OPS=$PWD/ops appliance_boot
	appliance_arm
}

# operation NAME CLASS BODY [ARGS]
operation() {
	printf '%s\n' '#!/bin/sh' "# summary: a test" "# args: ${4:-}" \
		"# class: $2" '# limit: 600' "$3" >"ops/$1"
	[ -n "${4:-}" ] || sed -i '/^# args/d' "ops/$1"
	chmod 755 "ops/$1"
}

# A session in the background: shell.out, shell.err, and its pid in SESSION.
session() {
	mkfifo cmds
	# shellcheck disable=SC2086 # options are words
	room rmctl $RMCTL shell <cmds >shell.out 2>shell.err 3>&- 7>&- &
	SESSION=$!
	PIDS+=("$SESSION")
	exec 8>cmds
	echo status >&8
	until_true grep -q '^mode ' shell.out
}

session_code() {
	local rc=0
	wait "$SESSION" || rc=$?
	exec 8>&-
	[ "$rc" = "$1" ] || { echo "code $rc, not $1"; cat shell.err; return 1; }
}

@test "chain: every answer has its exit code, on one card" {
	chain 1 alice
	try 0 room rmctl $RMCTL counts 'a b%'
	[ "$output" = 'counted a b%' ]
	try 0 room rmctl $RMCTL --progress counts
	has "$stderr" '*50 % half*'
	try 40 room rmctl $RMCTL fails
	[ "$output" = 'some output' ]
	has "$stderr" '*rmctl: fatal: failed: disk on fire'
	try 41 room rmctl $RMCTL hidden
	has "$stderr" '*rmctl: fatal: policy: *'
	try 100 room rmctl $RMCTL nonsense
	try 100 room rmctl $RMCTL counts one two
	try 100 room rmctl $RMCTL counts -x
	try 100 room rmctl $RMCTL wipes
	has "$stderr" '*--yes NAME*'
	try 100 room rmctl $RMCTL --yes hsm-2 wipes
	try 0 room rmctl $RMCTL --yes hsm-1 wipes
	[ "$output" = wiped ]
	try 32 room rmctl $RMCTL --as carol status
	run -0 room rmctl $RMCTL help
	has "$output" '*counts*'
}

@test "chain: a payload goes through every link, whatever its bytes" {
	chain 1 alice
	{ head -c 65000 /dev/urandom; printf '\nstatus\n< x 9\n'; } >bytes
	try 100 room rmctl $RMCTL --payload bytes counts
	has "$stderr" '*it takes no payload: counts*'
	try 0 room rmctl $RMCTL --yes hsm-1 --payload bytes puts
	[ "$output" = "$(sha256sum <bytes)" ]
	printf '%s\n' 'puts <bytes' 'counts x' >script
	try 0 room rmctl $RMCTL --yes hsm-1 run <script
	[ "$output" = "$(sha256sum <bytes)
counted x" ]
	[ "$(grep -c " payload=$(sha256sum <bytes | cut -d' ' -f1) " \
		"$RM_STATE/audit.log")" = 2 ]
}

@test "chain: custodians and policy are changed from a desk, if the owner says so" {
	chain 1 alice
	card_insert 1 bob
	timeout 60 room rmctl --reader "$(room_reader 1)" --pin-file pin \
		card enrol --appliance "$APPLIANCE" bob >bob.enrol
	try 41 room rmctl $RMCTL --payload bob.enrol custodian-add bob
	try 0 room rmctl $RMCTL explain custodian-add
	[ "$output" = 'custodian-add: the local console
custodian-add: its payload, enrolment' ]
	sed 's/^\*.*/* session/' "$RM_STATE/policy" >"$RM_STATE/policy.new"
	chmod 600 "$RM_STATE/policy.new"
	mv "$RM_STATE/policy.new" "$RM_STATE/policy"
	try 0 room rmctl $RMCTL policy-show
	sed 's/^session .*/session 2/' <<<"$output" >two
	# One cannot ask for two as long as there is one.
	try 1 room rmctl $RMCTL --payload two policy-set
	has "$stderr" '*denied: the policy asks for 2 custodians for session, enrolled is 1'
	printf '%s\n' 'custodian-add bob <bob.enrol' custodian-list \
		'policy-set <two' status >script
	try 41 room rmctl $RMCTL run <script
	has "$output" "enrolled bob *alice *bob *"
	# The rules are others now, for this session too.
	has "$stderr" '*policy: status needs 2 custodians, this session has 1'
	try 0 room rmctl $RMCTL status
	has "$stderr" '*2 of 2 for alice: alice, bob*'
	try 1 room rmctl $RMCTL custodian-remove bob
	has "$stderr" '*denied: the policy asks for 2 custodians *'
	try 0 rm-audit verify "$RM_STATE/audit.log"
}

@test "chain: custodians sign one after another, each at a station of their own" {
	chain 2 alice bob
	local readers=("$(room_reader 0)" "$(room_reader 1)")
	try 33 room rmctl --wait 1 --reader "${readers[1]}" $RMCTL counts
	try 0 room rmctl --reader "${readers[0]}" $RMCTL present --for bob
	has "$stderr" '*1 of 2 for bob: alice; 600 s left'
	try 0 room rmctl --wait 1 --reader "${readers[1]}" $RMCTL counts it
	[ "$output" = 'counted it' ]
	has "$stderr" '*2 of 2 for bob: alice, bob*'
	# That was one session; there is no vote left for another.
	try 33 room rmctl --wait 1 --reader "${readers[1]}" $RMCTL counts
	try 0 rm-audit verify "$RM_STATE/audit.log"
}

@test "chain: run stops at the first failure; one session for all" {
	chain 2 alice bob
	printf '%s\n' status counts fails 'counts never' >script
	try 40 room rmctl $RMCTL run <script
	has "$output" *$'counted\nsome output'
	run ! grep -q never <<<"$output"
	[ "$(grep -c ' session-begin ' "$RM_STATE/audit.log")" = 1 ]
	try 40 room rmctl $RMCTL --keep-going run <script
	has "$output" *'counted never'
}

@test "chain: exit 33, and nobody who signs alone runs anything" {
	chain 2 alice bob
	card_remove bob
	try 33 room rmctl $RMCTL --wait 1 counts
	[ -z "$output" ]
	card_insert 0 bob 2>/dev/null || card_insert 1 bob
	try 0 room rmctl $RMCTL counts
}

@test "chain: exit 10 while a session is open, without a card" {
	chain 1 alice
	session
	local before
	before=$(card_count alice 'VERIFY 9')
	try 10 room rmctl $RMCTL status
	[ "$(card_count alice 'VERIFY 9')" = "$before" ]
	exec 8>&-
	wait "$SESSION"
	until_true room rmctl $RMCTL status
}

@test "chain: exit 12, the idle limit" {
	IDLE=0.5 chain 1 alice
	session
	session_code 12
	has "$(tail -n 1 shell.err)" 'rmctl: fatal: idle-limit: *'
}

@test "chain: exit 13, local console" {
	chain 1 alice
	session
	room rm-supervise disarm
	session_code 13
	has "$(tail -n 1 shell.err)" 'rmctl: fatal: local-console: *'
	try 11 room rmctl $RMCTL status
}

@test "chain: exit 13 in the middle of an operation" {
	chain 1 alice
	session
	echo waits >&8
	until_true grep -q waiting shell.out
	room rm-supervise disarm
	session_code 13
}

@test "chain: exit 14, going down" {
	chain 1 alice
	session
	echo switch-off >"$RM_RUN/power"
	session_code 14
	has "$(tail -n 1 shell.err)" 'rmctl: fatal: going-down: *'
}

@test "chain: exit 42 when the connection is torn" {
	chain 1 alice
	session
	echo waits >&8
	until_true grep -q waiting shell.out
	# Only its copier is rm-tls still; the chain has become rm-exec.
	kill -KILL "$(pgrep -f "^rm-tls -a rm/1 $RM_STATE/")"
	session_code 42
	has "$(tail -n 1 shell.err)" '*connection-lost: *without close_notify*'
}

@test "chain: a wrong pin is the card's own word, and leaves no vote" {
	chain 1 alice
	echo 654321 >wrong
	chmod 600 wrong
	try 22 room rmctl -H 127.0.0.1 --pin-file wrong status
	run ! grep -q ' vote ' "$RM_STATE/audit.log"
	try 0 room rmctl $RMCTL status
}

# --- completion -------------------------------------------------------------

@test "rmctl: completion" {
	# shellcheck source=completions/rmctl
	source "$RM_TESTS/../completions/rmctl"
	pin "$HASH" "hsm-1"
	# shellcheck disable=SC2016
	echo '$(touch ran) 127.0.0.2:4433 x' >>home/.config/rm/appliances
	complete_words rmctl tr
	[ "${COMPREPLY[*]}" = trust ]
	# Every operation, and a verb of the station's own.
	local op
	complete_words rmctl ''
	for op in "$RM_BUILD"/lib/rm/ops/* distrust; do
		has " ${COMPREPLY[*]} " "* ${op##*/} *"
	done
	complete_words rmctl -H ''
	[ "${COMPREPLY[*]}" = hsm-1 ]
	complete_words rmctl --pin
	[ "${COMPREPLY[*]}" = '--pin-file --pin-fd' ]
	complete_words rmctl --payload home/.con
	[ "${COMPREPLY[*]}" = home/.config ]
	complete_words rmctl --pass
	[ "${COMPREPLY[*]}" = '--password-file --password-fd' ]
	complete_words rmctl p1
	[ "${COMPREPLY[*]}" = p11 ]
	complete_words rmctl card e
	[ "${COMPREPLY[*]}" = enrol ]
	complete_words rmctl --as ''
	[ -z "${COMPREPLY[*]-}" ]
	[ ! -e ran ]
}

complete_words() {
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_comp_cmd_rmctl
}
