#!/bin/sh
# SPDX-License-Identifier: MIT
# A profile is what profile.proto says, and its stacks say who retains what.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
start held
run export --format pprof -o "$work/profile" --pid "$program"
[ "$status" = 0 ] || fail "exit status $status: $(cat "$work/err")"
python3 -B "$SOURCE/tests/exports/pprof.py" "$work/profile" \
	"$work/run/ledger" || fail "not the profile that it should be"
# pprof itself, where somebody has it; Go brings it along.
pprof=
if command -v pprof >/dev/null; then
	pprof=pprof
elif command -v go >/dev/null && go tool -n pprof >/dev/null 2>&1; then
	pprof="go tool pprof"
fi
if [ -n "$pprof" ]; then
	# shellcheck disable=SC2086 # a command of several words
	$pprof -raw "$work/profile" >"$work/raw" 2>&1 ||
		fail "pprof: $(cat "$work/raw")"
	grep -q 'inuse_space/bytes' "$work/raw" || fail "pprof sees no bytes"
	# All that is in use, to the byte.
	run --pid "$program" --json --summary
	in_use=$(python3 -c 'import json, sys
t = json.load(sys.stdin)["summary"]["in_use"]
print(t["count"], t["bytes"])' <"$work/out")
	# shellcheck disable=SC2086
	for index in inuse_objects:${in_use% *} inuse_space:${in_use#* }; do
		$pprof -top -unit=B -sample_index="${index%:*}" \
			"$work/profile" >"$work/top" 2>&1
		grep -Eq "of ${index#*:}B? total" "$work/top" ||
			fail "pprof does not see $index: $(head -n 6 "$work/top")"
	done
fi
finish
