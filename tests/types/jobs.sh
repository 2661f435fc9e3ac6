#!/bin/sh
# SPDX-License-Identifier: MIT
# The names are the same however many threads look for them: types, chunks and
# objects of a program with enough blocks to be shared out.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
FIXTURES=$(dirname "$(python3 -c 'import sys; print(sys.executable)')")
export PYTHONMALLOC=malloc
start python3 -c 'import json, signal, sys
things = [[{i: [i]}, str(i) * 9, (i,)] for i in range(20000)]
print("ready", flush=True)
signal.pause()'
run capture --pid "$program" -o "$work/slice"
[ "$status" = 0 ] || fail "capture: $(cat "$work/err")"
for command in types "chunks --type list" "chunks --all"; do
	for jobs in 1 2 7; do
		# shellcheck disable=SC2086
		run $command --json --jobs $jobs "$work/slice"
		cp "$work/out" "$work/$jobs"
		[ "$jobs" = 1 ] && continue
		cmp -s "$work/1" "$work/$jobs" ||
			fail "$command differs with --jobs $jobs"
	done
	[ "$(wc -c <"$work/1")" -gt 1000 ] || fail "$command says nothing"
done
grep -q '"list items"' "$work/1" || fail "no list items among the names"
finish
