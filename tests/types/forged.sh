#!/bin/sh
# SPDX-License-Identifier: MIT
# Naming ends soon where blocks share parts so that looking at each part of each
# would take hours. What counts is processor time: a busy machine changes
# nothing.
. "$SOURCE/tests/cli/common.inc"

# ends LIBRARY KIND 'A LINE': and that is in the answer.
ends() {
	start "$1-forged" "$2"
	shift
	(
		ulimit -t 25
		"$HEAPSCAN" types --pid "$program" --top 99 >"$work/out" 2>"$work/err"
	) || fail "$1: no end, or none that is good: $(cat "$work/err")"
	grep -Eq -e "$2" "$work/out" || fail "$1: $(cat "$work/out")"
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
}

ends curl regex ' 120,000 .*regex$'
ends curl tables ' 120,000 .*pointers to 56-byte blocks'
ends curl curl ' 4,000 .*curl handle'
ends libcrypto stacks '^without a name: 480,00[0-9] blocks'
ends libcrypto hashes '^without a name: 120,00[0-9] blocks'
ends libcrypto shared '^without a name: 120,00[0-9] blocks'
ends libglib-2.0 counts '^without a name: 120,00[0-9] blocks'
ends libglib-2.0 pools ' 120,000 .*nginx pool$'
finish
