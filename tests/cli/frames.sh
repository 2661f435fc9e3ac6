#!/bin/sh
# SPDX-License-Identifier: MIT
# Who called whom, in every thread: as the program itself wrote it down, and as
# gdb says; live, of a core and of a slice, with names and without.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"

compare() { # compare WHAT ARGS...: as frames.py takes them
	what=$1
	shift
	python3 "$here/cli/frames.py" "$HEAPSCAN" "$work/run/truth" "$@" \
		>"$work/said" 2>&1
	case $? in
	0) ;;
	77) echo "$what: $(cat "$work/said")" ;;
	*) fail "$what: $(cat "$work/said")" ;;
	esac
	rm -f "$work/said"
}

for name in calls calls-stripped calls-static calls-m32; do
	[ -x "$FIXTURES/$name" ] || continue
	rm -rf "$work/run"
	start "$name"
	gdb=
	# Without symbols gdb has to guess in 32 bits, and guesses.
	command -v gdb >/dev/null && gdb="--gdb $FIXTURES/$name"
	# shellcheck disable=SC2086
	compare "$name live" $gdb --pid "$program"
	run capture --pid "$program" -o "$work/run/slice" --force
	compare "$name slice" "$work/run/slice"
	if [ "$name" = calls ]; then
		run threads --frames --pid "$program"
		grep -q "deep+0x[0-9a-f]* in .*/calls" "$work/out" ||
			fail "no function is named: $(head -5 "$work/out")"
		grep -q "and 2[0-9]* more: --all" "$work/out" ||
			[ ! -t 1 ] || fail "a deep recursion is not cut"
		# A byte of the frame is said to be its function's.
		"$HEAPSCAN" threads --frames --json --pid "$program" \
			2>/dev/null >"$work/run/json"
		at=$(python3 -c 'import json, sys
for t in json.load(open(sys.argv[1]))["threads"]:
    for f in t["frames"]:
        if (f["function"] or "").startswith("before+"):
            print(hex(int(f["start"], 16) + 8))' "$work/run/json")
		run at --pid "$program" "$at"
		head -1 "$work/out" | grep -q "stack of thread .*, in before+0x" ||
			fail "at names no function: $(cat "$work/out")"
		run threads --frames --no-symbols --pid "$program"
		[ "$status" = 4 ] || fail "--no-symbols --frames: exit $status"
	fi
	dump_core
	if [ -n "$core" ]; then
		# shellcheck disable=SC2086
		compare "$name core" $gdb "$core"
	fi
done
finish
