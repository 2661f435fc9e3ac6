#!/bin/sh
# SPDX-License-Identifier: MIT
# Naming ends soon where blocks share parts so that looking at each part of each
# would take hours. What counts is processor time: a busy machine changes
# nothing.
. "$SOURCE/tests/cli/common.inc"

# ends KIND 'A LINE': and that is in the answer.
ends() {
	start curl-forged "$1"
	(
		ulimit -t 25
		"$HEAPSCAN" types --pid "$program" --top 99 >"$work/out" 2>"$work/err"
	) || fail "$1: no end, or none that is good: $(cat "$work/err")"
	grep -Eq -e "$2" "$work/out" || fail "$1: $(cat "$work/out")"
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
}

ends regex ' 120,000 .*regex$'
ends tables ' 120,000 .*pointers to 56-byte blocks'
ends curl ' 4,000 .*curl handle'
finish
