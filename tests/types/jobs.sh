#!/bin/sh
# SPDX-License-Identifier: MIT
# The names are the same however many threads look for them: types, chunks and
# objects of programs with enough blocks to be shared out: one that describes
# its objects, one whose debug information does, and one of C++.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"

# same_for_all COMMANDS...: of $work/slice
same_for_all() {
	for command in "$@"; do
		for jobs in 1 2 7; do
			# shellcheck disable=SC2086
			run $command --json --jobs $jobs "$work/slice"
			cp "$work/out" "$work/$jobs"
			[ "$jobs" = 1 ] && continue
			cmp -s "$work/1" "$work/$jobs" ||
				fail "$command differs with --jobs $jobs"
		done
		[ "$(wc -c <"$work/1")" -gt 1000 ] ||
			fail "$command says nothing"
	done
}

capture() {
	run capture --pid "$program" --force -o "$work/slice"
	[ "$status" = 0 ] || fail "capture: $(cat "$work/err")"
}

FIXTURES=$(dirname "$(python3 -c 'import sys; print(sys.executable)')")
export PYTHONMALLOC=malloc
start python3 -c 'import json, signal, sys
things = [[{i: [i]}, str(i) * 9, (i,)] for i in range(20000)]
print("ready", flush=True)
signal.pause()'
capture
same_for_all types "chunks --type list" "chunks --all"
grep -q '"list items"' "$work/1" || fail "no list items among the names"
kill -9 "$program"
wait "$program" 2>/dev/null

FIXTURES=$BUILD/bench
start gen_heap 100000
capture
same_for_all types "chunks --type entry" "chunks --all"
grep -q '"struct node"' "$work/1" || fail "no struct node among the names"
kill -9 "$program"
wait "$program" 2>/dev/null

# Objects with vtables and containers, whose words are looked for everywhere.
[ -x "$BUILD/bench/gen_objects" ] || finish
start gen_objects 100000
capture
same_for_all types "chunks --type order" "chunks --all"
grep -q '"std::string text"' "$work/1" || fail "no text of strings"
grep -q '"std::list<unsigned long> node"' "$work/1" || fail "no nodes of lists"
finish
