#!/usr/bin/env bats
# SPDX-License-Identifier: ISC
# rm-rules, and the operations that are made of it, run by rm-exec as the
# console runs them.  The cards are foreign: openssl signs.
load helpers

setup_file() {
	export KEYS=$BATS_FILE_TMPDIR
	local who
	for who in alice alice2 bob carol; do
		openssl genpkey -quiet -algorithm ec \
			-pkeyopt ec_paramgen_curve:P-256 -out "$KEYS/$who.key"
		openssl pkey -in "$KEYS/$who.key" -pubout -out "$KEYS/$who.pem"
		openssl pkey -pubin -in "$KEYS/$who.pem" -outform DER |
			sha256sum | cut -c -64 >"$KEYS/$who.id"
	done
}

setup() {
	common_setup
	OPS=$RM_BUILD/lib/rm/ops
	mkdir -p state/custodians
	od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n' >state/appliance
	echo 7 >state/boot-count
	echo 'name box' >state/conf
	printf '%s\n' 'session 2' 'status session' 'partition-list master' \
		'set-mode 3' '* local-only' >state/policy
	chmod 600 state/policy
	enrol alice
	enrol alice alice2
	enrol bob
	enrol carol
	rm-listen -u run/audit.sock -- rm-audit append -b state/boot-count \
		state/audit.log 3>&- 2>/dev/null &
	PIDS+=("$!")
	until_true [ -S run/audit.sock ]
}

# enrol PERSON [KEY]: the file alone
enrol() {
	local key=${2:-$1}
	mkdir -p "state/custodians/$1"
	cp "$KEYS/$key.pem" "state/custodians/$1/$(<"$KEYS/$key.id").pem"
}

# enrolment NAME KEY: what rmctl card enrol prints
enrolment() {
	printf '%s\n' 'rm-enrol 1' "appliance $(<state/appliance)" \
		"custodian $1" "signer $(<"$KEYS/$2.id")" >text
	openssl dgst -sha256 -sign "$KEYS/$2.key" -out sig text
	echo "enrol $1 $(<"$KEYS/$2.id") ecdsa-sha256 $(base64 -w 0 sig)"
	cat "$KEYS/$2.pem"
}

# op [-p FILE] WORDS: one command, at the console; its answer is in output
op() {
	{
		if [ "$1" = -p ]; then
			echo "< payload $(stat -c %s "$2")"
			cat "$2"
			shift 2
		fi
		echo "$*"
	} >line
	try 0 rm-exec -L "$OPS" <line
}

last_line() { tail -n 1 <<<"$output"; }

# What is in force; a refusal must leave it alone.
in_force() { (cd state && find policy custodians -type f ! -name .lock | sort | xargs sha256sum); }

@test "rm-rules list: a line for each key, sorted" {
	printf '%s %s\n' alice "$(<"$KEYS/alice.id")" \
		alice "$(<"$KEYS/alice2.id")" bob "$(<"$KEYS/bob.id")" \
		carol "$(<"$KEYS/carol.id")" | sort >want
	try 0 rm-rules list
	diff <(echo "$output") want
	op custodian-list
	diff <(echo "$output") <(sed 's/^/: /' want; echo '+ done')
	# also where the policy is in fault
	rm state/policy
	try 0 rm-rules list
	diff <(echo "$output") want
	enrol eve bob
	try 1 rm-rules list
	has "$stderr" "rm-rules: fatal: refused: key $(<"$KEYS/bob.id") is enrolled for bob and for eve"
}

@test "policy-show prints the policy, as it was set" {
	printf '# the owner writes\n\nsession 1\n' >new
	op -p new policy-set
	op policy-show
	[ "$output" = ': # the owner writes
: 
: session 1
+ done' ]
	rm state/policy
	op policy-show
	[ "$output" = '! failed there is no policy' ]
}

@test "policy-set puts a policy in force, in one step, and it is recorded" {
	printf '%s\n' 'session 3' 'status 1' '* session' >new
	op -p new policy-set
	[ "$output" = ': the policy is in force: a session needs 3 of 3 custodians
+ done' ]
	cmp new state/policy
	[ "$(stat -c %a state/policy)" = 600 ]
	[ "$(ls state | grep policy)" = policy ]
	grep -q " begin operation=policy-set args=- sha256=[0-9a-f]* payload=$(sha256sum <new | cut -d' ' -f1) " \
		state/audit.log
	try 0 rm-audit verify state/audit.log
}

@test "policy-set refuses what could never be satisfied, and what it does not understand" {
	local before text
	before=$(in_force)
	declare -A faults=(
		['session 4']='the policy asks for 4 custodians for session, enrolled are 3'
		[$'session 2\nset-mode 4']='the policy asks for 4 custodians for set-mode, enrolled are 3'
		[$'session 2\nset-mode local-only console=4']='the policy asks for 4 custodians for set-mode, enrolled are 3'
		[$'session 2\nfactory-reset session console=1']='no cards are asked for at the console for factory-reset'
		['status 1']='the policy has no line "session N"'
		['session 0']='policy line 1: *'
		[$'session 1\nstatus 1 requester-excluded']='policy line 2: an option that is not known'
	)
	for text in "${!faults[@]}"; do
		echo "$text" >new
		op -p new policy-set
		# shellcheck disable=SC2053 # a pattern
		[[ $output == "! denied "${faults[$text]} ]]
		[ "$(in_force)" = "$before" ]
	done
	printf 'session 1\n* 1' >new
	op -p new policy-set
	[ "$output" = '! denied policy line 2: no end of line' ]
	{ echo 'session 1'; head -c 16384 /dev/zero | tr '\0' '\n'; } >new
	op -p new policy-set
	[ "$output" = '! denied a policy has fewer than 16384 bytes' ]
	op policy-set
	has "$output" '! usage its payload is missing: policy-set <policy'
	[ "$(in_force)" = "$before" ]
}

@test "policy-set takes the place of one that is in fault" {
	echo nonsense >state/policy
	echo 'session 1' >new
	op -p new policy-set
	[ "$(last_line)" = '+ done' ]
	# also when somebody else could write it
	chmod 666 state/policy
	op -p new policy-set
	[ "$(last_line)" = '+ done' ]
	[ "$(stat -c %a state/policy)" = 600 ]
}

@test "policy-set notes a rule for what does not exist" {
	printf '%s\n' 'session 1' 'statsu session' 'status session' '* 1' >new
	op -p new policy-set
	[ "$output" = ': note: no operation is named statsu
: the policy is in force: a session needs 1 of 3 custodians
+ done' ]
}

@test "custodian-add takes what rmctl card enrol prints" {
	rm -r state/custodians/carol
	enrolment carol carol >carol.enrol
	op -p carol.enrol custodian-add carol
	[ "$output" = ": enrolled carol $(<"$KEYS/carol.id") ecdsa-sha256
+ done" ]
	cmp "$KEYS/carol.pem" "state/custodians/carol/$(<"$KEYS/carol.id").pem"
	# its own record proves who signed
	grep -q ' enrol custodian=carol ' state/audit.log
	try 0 rm-audit verify state/audit.log
}

@test "custodian-add has the checks of rm-enrol, and says which" {
	local before
	before=$(in_force)
	enrolment dora carol >dora.enrol
	op -p dora.enrol custodian-add dora
	[ "$output" = '! denied this key is enrolled for carol' ]
	op -p dora.enrol custodian-add eve
	[ "$output" = '! denied the enrolment is for dora, not for eve' ]
	sed 's/^enrol dora/enrol eve/' dora.enrol >eve.enrol
	op -p eve.enrol custodian-add eve
	has "$output" '! denied the signature does not verify for eve *'
	echo nonsense >bad.enrol
	op -p bad.enrol custodian-add eve
	has "$output" '! denied no enrolment: *'
	op custodian-add eve
	has "$output" '! usage its payload is missing: custodian-add *'
	op -p eve.enrol custodian-add Eve
	has "$output" '! usage *'
	[ "$(in_force)" = "$before" ]
}

@test "custodian-remove removes one key, or all of a person, in one step" {
	local id
	echo 'session 2' >state/policy
	id=$(<"$KEYS/alice2.id")
	op custodian-remove alice "$id"
	[ "$output" = ': removed 1 key of alice; 3 custodians are left
+ done' ]
	[ "$(ls state/custodians/alice)" = "$(<"$KEYS/alice.id").pem" ]
	op custodian-remove alice "$id"
	[ "$output" = '! denied alice has no such key' ]
	enrol alice alice2
	# what a killed one has left
	mkdir state/custodians/.alice.gone
	touch state/custodians/.alice.gone/x
	op custodian-remove alice
	[ "$output" = ': removed 2 keys of alice; 2 custodians are left
+ done' ]
	[ "$(ls -A state/custodians | tr '\n' ' ')" = '.lock bob carol ' ]
	op custodian-remove alice
	[ "$output" = '! denied no custodian is named alice' ]
}

@test "custodian-remove: the last key of a person is the person" {
	echo 'session 2' >state/policy
	op custodian-remove bob "$(<"$KEYS/bob.id")"
	[ "$output" = ': removed 1 key of bob; 2 custodians are left
+ done' ]
	[ ! -e state/custodians/bob ]
}

@test "custodian-remove refuses to leave a policy that can never be satisfied" {
	local before
	before=$(in_force)
	op custodian-remove bob
	[ "$output" = '! denied the policy asks for 3 custodians for set-mode, enrolled are 2: change the policy first, or enrol another custodian' ]
	op custodian-remove carol "$(<"$KEYS/carol.id")"
	has "$output" '! denied the policy asks for 3 custodians *'
	# a second card of one person is not needed
	op custodian-remove alice "$(<"$KEYS/alice2.id")"
	[ "$(last_line)" = '+ done' ]
	echo 'session 3' >state/policy
	before=$(in_force)
	op custodian-remove bob
	[ "$output" = '! denied the policy asks for 3 custodians for session, enrolled are 2: change the policy first, or enrol another custodian' ]
	[ "$(in_force)" = "$before" ]
	# with too few already, nobody can be spared
	echo 'session 4' >state/policy
	op custodian-remove bob
	has "$output" '! denied the policy asks for 4 custodians *'
	rm state/policy
	op custodian-remove bob
	has "$output" '! denied unable to read the policy*'
	[ -e state/custodians/bob ]
}

@test "rm-rules: a change waits for another one, and for rm-enrol" {
	rm-once state/custodians/.lock sh -c 'echo held >held; read -r _' \
		< <(until_true test -s waits; command sleep 0.2; echo) 3>&- &
	PIDS+=("$!")
	until_true [ -s held ]
	echo 'session 2' >new
	echo x >waits
	# What is read is read behind the lock.
	try 0 rm-rules set "$OPS" <new
	wait "${PIDS[-1]}"
}

@test "explain tells what an operation needs, from the policy in force" {
	op explain status
	[ "$output" = ": status: the session's quorum, 2 of 3 custodians
+ done" ]
	op explain switch-off
	[ "$output" = ": switch-off: the local console
: switch-off: confirm=NAME, the appliance's name
+ done" ]
	op explain custodian-add
	[ "$output" = ': custodian-add: the local console
: custodian-add: its payload, enrolment
+ done' ]
	printf '%s\n' 'session 1' 'audit master' 'status 3' '* 2' >state/policy
	op explain
	[ "$(head -n 1 <<<"$output")" = ': session: 1 of 3 custodians' ]
	has "$output" *$'\n: status: 3 of 3 custodians\n'*
	has "$output" *$'\n: help: 2 of 3 custodians\n'*
	has "$output" *$'\n: audit: user master, logged in at the service\n'*
	[ "$(grep -c '^: ' <<<"$output")" = $(($(ls "$OPS" | wc -l) + 1)) ]
	op explain nothing
	[ "$output" = '! denied there is no such operation' ]
	echo 'session 4' >state/policy
	op explain status
	[ "$output" = ': nobody gets in remotely: the policy asks for 4 custodians for session, enrolled are 3
: status: the local console
+ done' ]
}

@test "explain and rm-auth agree on every operation" {
	printf '%s\n' 'session 2' 'status session' 'audit 3' 'help master' \
		'restart 1' 'explain local-only' '* 2' >state/policy
	local name need rc
	try 0 rm-rules explain "$OPS"
	echo "$output" >needs
	while IFS=: read -r name need; do
		[ "$name" != session ] || continue
		rc=0
		RM_AUTH_MANAGER=bob RM_AUTH_CUSTODIANS=alice,bob \
			rm-auth "$name" -- true >/dev/null 2>&1 || rc=1
		case $need in
		' 3 of '* | ' user master'* | ' the local console') [ "$rc" = 1 ] ;;
		' 1 of '* | ' 2 of '* | *" session's quorum"*) [ "$rc" = 0 ] ;;
		*) false ;;
		esac
	done <needs
}

@test "audit shows the last records" {
	local i
	for i in 1 2 3; do op help; done
	op audit 2
	[ "$(grep -c '^: [0-9]' <<<"$output")" = 2 ]
	has "$output" *'operation: help'*
	op audit
	has "$output" ': 1  *'
	op audit 0
	has "$output" '! usage *'
	op audit x
	has "$output" '! usage *'
}

@test "rm-rules: usage" {
	try 100 rm-rules
	has "$stderr" 'usage: rm-rules list*'
	try 100 rm-rules nonsense
	try 100 rm-rules list more
	try 100 rm-rules explain
	try 100 rm-rules set
	try 100 rm-rules remove
	try 100 rm-rules remove a b c
	try 100 rm-rules -x
	try 100 rm-rules explain nowhere
	try 1 rm-rules remove ../alice
	try 1 rm-rules remove alice ../x
	local full
	try 111 sh -c 'rm-rules list >/dev/full'
}

@test "rm-rules: completion" {
	# shellcheck source=completions/rm-rules
	source "$RM_TESTS/../completions/rm-rules"
	COMP_WORDS=(rm-rules e) COMP_CWORD=1
	_comp_cmd_rm_rules
	[ "${COMPREPLY[*]}" = explain ]
	COMP_WORDS=(rm-rules set stat) COMP_CWORD=2
	_comp_cmd_rm_rules
	[ "${COMPREPLY[*]}" = state ]
}
