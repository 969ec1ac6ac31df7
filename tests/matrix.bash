# SPDX-License-Identifier: ISC
# shellcheck shell=bash
#
# matrix.bash: the rows of probe-matrix, as they shall be.  Load it behind
# helpers.

# The rows of the engine alone, as the mode file says they shall be through
# the gate:  expected MODE <rows.  What is refused shows nowhere.
expected() {
	awk '
	function refused(from,   i) {
		for (i = from; i <= NF; i++)
			sub(/=.*/, "=MECHANISM_INVALID", $i)
	}
	FNR == NR {
		if ($1 == "default")
			deny = $2 == "deny"
		if ($1 == "mechanism") {
			rule[$2] = ","
			for (i = 3; i <= NF; i++)
				if (sub(/^use=/, "", $i))
					rule[$2] = "," $i ","
		}
		next
	}
	deny && !($1 in rule) {
		$2 = "list=no"
		refused(3)
	}
	rule[$1] ~ /[a-z]/ {
		for (i = 4; i <= NF; i++) {
			use = $i
			sub(/=.*/, "", use)
			sub(/-.*/, "", use)
			if (index(rule[$1], "," use ",") == 0)
				sub(/=.*/, "=MECHANISM_INVALID", $i)
		}
	}
	{ print }' "$1" -
}

# What the engine would have refused anyway may have another reason now.
reasons() {
	sed -E 's/=[A-Z]+_[A-Z_]+/=refused/g; s/=0x[0-9a-f]+/=refused/g'
}

# The mechanisms that p11-kit does not carry, from the manual page.
not_carried() {
	sed -n '/^\.\\" not carried: begin/,/^\.\\" not carried: end/p' \
		"$RM_TESTS/../man/rm-gate.8" | sed -n 's/^\.Li //p'
}

# What a client of p11-kit shall see, from the rows of the engine alone: it
# lists and tells nothing of what it does not carry.
#	carried_and_allowed MODE-FILE <engine.rows
carried_and_allowed() {
	expected "$1" | reasons | awk '
	FNR == NR { not[$1] = 1; next }
	$1 in not {
		$2 = "list=no"
		for (i = 3; i <= NF; i++)
			sub(/=.*/, "=refused", $i)
	}
	{ print }' <(not_carried) -
}
