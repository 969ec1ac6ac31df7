# SPDX-License-Identifier: ISC
# shellcheck disable=SC2034,SC2154 # set here for operations, and by op.sh
# node.sh: the other appliances of a domain, for operations.  Sourced after
# op.sh.  A node is $node (NAME), $addr, $port, $key (KEYID); what it says of
# itself is $their_name, _version, _mode, _domain, _point, and what we are
# $own (KEYID), $version, $mode, $domain ('' in none), as far as asked for.
lib=$RM_OPS/..
host='[0-9A-Za-z:][0-9A-Za-z:.-]*'

# One operation at a time: what is there is of one that was killed.
rm -rf "$RM_RUN"/node-work.*
work=$(mktemp -d "$RM_RUN/node-work.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' TERM
export TMPDIR="$work"

read -r own <"$RM_STATE/appliance" ||
	refuse system 'this appliance has no identity'

who_are_we() {
	domain=$("$lib/node/domain" get name) || domain=
	read -r mode <"$RM_STATE/current/mode"
	version=$(rm-exec -V | sed -n 's/^version //p')
}

# nodes: "NAME ADDR PORT KEYID" of each, sorted.
nodes() {
	for entry in $("$lib/node/domain" list); do
		[ "$entry" = name ] ||
			echo "$("$lib/node/domain" get "$entry") ${entry#node/}"
	done | sort
}

# find_node NAME
find_node() {
	nodes | grep "^$1 " >"$work/node" || refuse usage "no node $1 is listed"
	read -r node addr port key <"$work/node"
}

# dial PROG...: prog at the other end of a connection to the node.
dial() {
	rm-connect -c "$RM_STATE/device.crt" -i "$RM_STATE/device.key" \
		-p "$key" -a rm-node/1 "$addr" "$port" -- "$@"
}

# Why a connection came to nothing, in the words of who made it.
why_not() {
	case $(cat "$work/why") in
	*'is not the pinned one'*)
		refuse changed-key "node $node has another key than the one" \
			"listed: node-remove and node-add, if you know why"
		;;
	*'refused by the peer'*)
		refuse not-enrolled "node $node does not know this appliance:" \
			"node-add with the key $own is to be done there"
		;;
	*)
		refuse failed "node $node does not answer:" \
			"$(grep -m 1 -o 'fatal: .*' "$work/why" | cut -c 8-)"
		;;
	esac
}

# said KEY REGEX: the one value of that form; empty if there is none.
said() {
	grep -axE ": $1 $2" "$work/said" | head -n 1 | cut -d ' ' -f 3-
}

# say_to_node WORD: what it answers to that.
say_to_node() {
	# shellcheck disable=SC2016 # for the shell inside
	dial sh -c 'echo "$2"; timeout --foreground 60 head -c 65536 >"$1"' \
		sh "$work/said" "$1" 2>"$work/why" || why_not
	grep -aqx "+ $1" "$work/said" || {
		[ ! -s "$work/why" ] || why_not
		refuse failed "node $node does not answer to $1"
	}
}

# What the node says of itself, and, as that takes time, its sync point.
ask_node() {
	say_to_node hello
	their_name=$(said name '[a-z][a-z0-9-]{0,31}')
	their_version=$(said version '[0-9A-Za-z.+~-]{1,32}')
	their_mode=$(said mode '[A-Z0-9]{1,8}')
	their_domain=$(said domain '[A-Za-z0-9]{1,32}')
	[ "$(said appliance '[0-9a-f]{64}')" = "$key" ] ||
		refuse changed-key "node $node says that it is another"
}

ask_point() {
	say_to_node point
	their_point=$(said sync-point '[0-9a-f]{16}')
}

# --- what must be so before a database is taken from a node -----------------

# check_ITEM: nothing, or the reason why not.
check_not_itself() {
	[ "$key" != "$own" ] ||
		echo "$node is this appliance itself"
}

check_mode() {
	[ "$their_mode" = "$mode" ] || echo "node $node is in mode" \
		"${their_mode:-?}, this appliance in $mode"
}

check_version() {
	[ "$their_version" = "$version" ] || echo "node $node is of version" \
		"${their_version:-?}, this appliance of $version"
}

check_domain() {
	[ "$their_domain" = "$domain" ] || echo "node $node is in domain" \
		"${their_domain:-?}, this appliance in ${domain:-none}"
}

check_service() {
	service_listens || echo 'the service is stopped: start-service first'
}

check_clients() {
	[ -z "$(ls "$RM_RUN/clients" 2>/dev/null)" ] || echo 'a client has connected since' \
		'the service was started: stop-service and start-service first'
}

# must ITEM...: each, or the operation ends.
must() {
	for item; do
		reason=$("check_$item")
		[ -z "$reason" ] || refuse failed "$reason"
	done
}

# --- the database of a node -------------------------------------------------

progress() {
	echo "%% $*"
}

# The node's list becomes ours, and the node stays in it, by the name that it
# has here; by its key, if the list has that name for another.
take_nodes() {
	sed -n 's/^node\///p' "$staging/manifest" | while read -r id value; do
		"$lib/node/domain" -s "$next" put-if "node/$id" '' "$value"
	done
	! "$lib/node/domain" -s "$next" get "node/$key" >/dev/null || return 0
	name=$node
	! grep -qE "^node/[0-9a-f]* $node " "$staging/manifest" ||
		name=n$(echo "$key" | cut -c 1-12)
	"$lib/node/domain" -s "$next" put-if "node/$key" '' "$name $addr $port"
}

# A note of what was taken, with what the node signed, for the log.
note_sync() {
	sum=$(sha256sum <"$staging/manifest")
	echo "durable sync node=$key name=$node domain=$their_domain" \
		"point=$point manifest=${sum%% *}" |
		rm-connect -u "$RM_RUN/audit.sock" >"$work/noted" 2>&1 || :
	grep -q '^+ ' "$work/noted" ||
		refuse system 'the log does not take the record sync'
}

# take_database: pulls that of the node, which has said that it is in
# $their_domain, and puts it in the place of ours.  What came so far stays in
# $staging: who is cut off begins there next time.
take_database() {
	staging=$RM_STATE/staging
	mkdir -p "$staging"
	rm -f "$staging/refused"
	progress 1 "asking node $node for a snapshot"
	# Progress and reasons come out by 5, the connection has 0 and 1.
	rc=0
	dial "$lib/node/pull" "$staging" "$key" "$own" \
		"version $their_version" "mode $mode" "domain $their_domain" \
		5>&1 2>"$work/why" || rc=$?
	cat "$work/why" >&2
	# It has said why, or has not even begun.
	[ ! -e "$staging/refused" ] || exit 1
	[ "$rc" -eq 0 ] || why_not
	point=$(sed -n 's/^sync-point //p' "$staging/manifest")
	progress 95 'stopping the service'
	hold_service
	# Whoever came while we copied would lose what he has done.
	must clients
	generation_begin
	mv "$staging/tree/users" "$next/users"
	echo "$mode" >"$next/mode"
	"$lib/node/domain" -s "$next" put-if name '' "$their_domain"
	take_nodes
	[ "$("$lib/node/sync-point" "$next" "$staging/files")" = "$point" ] ||
		refuse failed "the sync point of node $node is not that of" \
			'what it gave'
	note_sync
	progress 98 'putting it in place'
	generation_flip
	rm -rf "$staging"
	release_service
	echo "database of node $node, sync point $point"
}
