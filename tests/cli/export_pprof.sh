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
# pprof itself, where somebody has it.
if command -v pprof >/dev/null; then
	pprof -raw "$work/profile" >"$work/raw" 2>&1 ||
		fail "pprof: $(cat "$work/raw")"
	grep -q 'inuse_space/bytes' "$work/raw" || fail "pprof sees no bytes"
fi
finish
