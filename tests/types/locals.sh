#!/bin/sh
# SPDX-License-Identifier: MIT
# Where variables of functions are is where gdb finds them.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
command -v gdb >/dev/null || skip "gdb is not installed"
for name in clocals clocals-optimised clocals-dwarf4 clocals-m32 \
	clocals-split clocals-clang clocals-clang-optimised \
	clocals-clang-dwarf4 clocals-clang-split; do
	[ -x "$FIXTURES/$name" ] || continue
	rm -rf "$work/run"
	start "$name" truth
	python3 "$SOURCE/tests/types/locals.py" "$HEAPSCAN" "$program" \
		"$work/run/truth" >"$work/gdb" 2>&1
	case $? in
	0) echo "$name: $(cat "$work/gdb")" ;;
	77) skip "$(cat "$work/gdb")" ;;
	*) fail "$name: $(cat "$work/gdb")" ;;
	esac
	# And why says so of a block that such a variable holds.
	if [ "$name" = clocals ]; then
		run why --pid "$program" \
			"$(sed -n 's/^object \(.*\) struct worker$/\1/p' \
				"$work/run/truth" | head -n 1)"
		grep -q "variable [a-z_]*()::[a-z]*, stack of thread" \
			"$work/out" || fail "why: $(cat "$work/out")"
	fi
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
done
finish
