# SPDX-License-Identifier: ISC
# shellcheck shell=bash disable=SC2154
#
# box.bash: an appliance without cards, at any free ports, for what the HSM
# service and its users do.  After helpers: load box
#
#	setup()    { common_setup; box_init; }
#	teardown() { box_end; common_teardown; }
#	@test "..." {
#		box_boot
#		box_user bob                    # password bob-password, PIN 123456
#		as bob pkcs11-tool --module "$P11_PROXY" -L

MASTER_PASSWORD=master-password
# shellcheck disable=SC2034 # for the files
P11_PROXY=$(pkg-config --variable=proxy_module p11-kit-1)

# box_init [LINE ...]: lines of its settings, for those that it would have.
# It is made once for all tests of a file, and each has a copy.
box_init() {
	export RM_OPS=$RM_BUILD/lib/rm/ops
	# SoftHSM leaks at its end, and only there.
	export ASAN_OPTIONS=detect_leaks=0
	copy_of box_make state
	printf '%s\n' 'name box' 'listen 127.0.0.1 0' 'service 127.0.0.1 0' \
		'engine /usr/lib/softhsm/libsofthsm2.so' "$@" >state/conf
}

# box_make FOLDER: with a custodian, without whom the policy could never be
# met, and would be in fault.
box_make() {
	local key alice=$1/custodians/alice
	RM_STATE=$1 rm-supervise init box <<<"$MASTER_PASSWORD" >/dev/null ||
		return 1
	mkdir -p "$alice"
	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 |
		openssl pkey -pubout >"$alice/key"
	key=$(openssl pkey -pubin -in "$alice/key" -outform DER | sha256sum)
	mv "$alice/key" "$alice/${key%% *}.pem"
	sed -i 's/^session .*/session 1/' "$1/policy"
}

# Boots and waits until it says so, in BOOTED, and the service listens at PORT.
box_boot() {
	rm -f booted
	mkfifo booted
	rm-supervise boot --headless 3>&- >booted 2>>box.log </dev/null &
	BOX_PID=$!
	exec 7<booted
	box_booted
}

# After a restart there is another line.
box_booted() {
	read -r -t 60 BOOTED <&7 || { cat box.log >&2; return 1; }
	[[ $BOOTED != *waits* ]] || return 0
	until_true box_listens
	read -r _ PORT <run/service.addr
	read -r KEY <state/service
}

box_listens() {
	local rc=0
	[ -s run/service.addr ] || return 1
	rm-once -q run/service.addr || rc=$?
	[ "$rc" -eq 1 ]
}

box_is_off() {
	rm-once -q run/service.addr
}

box_lives() {
	[ -n "${BOX_PID:-}" ] &&
		grep -qv ') Z ' "/proc/$BOX_PID/stat" 2>/dev/null
}

# Switched off by whoever stands there; KILL: as by a cut of the power.
box_end() {
	[ -n "${BOX_PID:-}" ] || return 0
	kill "-${1:-TERM}" "$BOX_PID" 2>/dev/null || :
	wait "$BOX_PID" 2>/dev/null || :
	exec 7<&-
	BOX_PID=
}

# power_settles BOOT: a word that was left for the supervisor of that boot has
# been taken by now, and acted on.
power_settles() {
	local seen boot=$1
	box_lives || return 0
	seen=$(grep -c 'unknown word' box.log || :)
	timeout 10 dd of=run/power conv=nocreat,notrunc <<<mark 2>/dev/null || :
	until_true power_settled "$seen" "$boot"
	[ "$(<state/boot-count)" = "$boot" ] || box_booted
}

power_settled() {
	[ "$(<state/boot-count)" != "$2" ] || ! box_lives ||
		[ "$(grep -c 'unknown word' box.log)" -gt "$1" ]
}

# A command line, with these lines as its payload, if there are any.
command_lines() {
	local line=$1
	shift
	if [ $# -gt 0 ]; then
		printf '%s\n' "$@" >payload
		printf '< payload %d\n' "$(wc -c <payload)"
		cat payload
	fi
	printf '%s\n' "$line"
}

# box LINE [PAYLOAD-LINE ...]: one command, as at the console.
box() {
	command_lines "$@" >lines
	try 0 rm-exec -L "$RM_OPS" <lines
}

# master LINE [PAYLOAD-LINE ...]: the same as master, through the service.
master() {
	{
		echo "login master $MASTER_PASSWORD"
		command_lines "$@"
	} >lines
	try 0 rm-connect -a rm-p11/1 -p "$KEY" 127.0.0.1 "$PORT" <lines
}

box_user() {
	box "partition-create $1" "$1-password" 123456
	has "$output" '*+ done*'
	box_client "$1" "$1-password"
}

# station FOLDER: a home in which the service is pinned as box-service.
station() {
	mkdir -p "$1/.config/rm" "$1/.config/pkcs11/modules"
	echo "box-service 127.0.0.1:$PORT $KEY" >"$1/.config/rm/appliances"
}

# box_client USER PASSWORD: a home for his applications.
box_client() {
	local home=$PWD/home.$1
	station "$home"
	echo 'user-config: only' >"$home/.config/pkcs11/pkcs11.conf"
	(umask 077; echo "$2" >"$home/password")
	printf '%s\n' "remote: |$(command -v rmctl) -H box-service --user $1 --password-file $home/password p11" \
		'critical: yes' >"$home/.config/pkcs11/modules/hsm.module"
}

# as USER COMMAND...: also "try 0 as USER COMMAND", as env(1) it is a program.
as() {
	local home=$PWD/home.$1
	shift
	env HOME="$home" XDG_CONFIG_HOME="$home/.config" "$@"
}

# wrong USER N: so many wrong passwords at once, over the network; each is told
# the same, after a time that would else be spent N times.
wrong() {
	local n pids=()
	rm -f wrong.*
	for ((n = 1; n <= $2; n++)); do
		timeout 60 rm-connect -a rm-p11/1 -p "$KEY" 127.0.0.1 "$PORT" \
			<<<"login $1 wrong-password" >"wrong.$n" 3>&- 7>&- &
		pids+=("$!")
	done
	for n in "${pids[@]}"; do
		wait "$n" || return 1
	done
	[ "$(cat wrong.* | grep -c '^! denied ')" -eq "$2" ]
}
