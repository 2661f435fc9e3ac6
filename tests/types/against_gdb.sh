#!/bin/sh
# SPDX-License-Identifier: MIT
# The fields of C and C++ objects as `at` shows them are what gdb's print says.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
command -v gdb >/dev/null || skip "gdb is not installed"
for variant in ctypes-dwarf5 ctypes-dwarf4 cxxtypes-dwarf5 cxxtypes-dwarf4 \
	cxxtypes-clang; do
	case $variant in
	ctypes-*) [ -x "$FIXTURES/$variant" ] ||
		skip "no fixture with debug info" ;;
	*) [ -x "$FIXTURES/$variant" ] || continue ;;
	esac
	rm -rf "$work/run"
	start "$variant" truth
	python3 "$SOURCE/tests/types/against_gdb.py" "$HEAPSCAN" "$program" \
		"$work/run/truth" >"$work/gdb" 2>&1
	case $? in
	0) ;;
	77) skip "$(cat "$work/gdb")" ;;
	*) fail "$variant: $(cat "$work/gdb")" ;;
	esac
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
done
finish
