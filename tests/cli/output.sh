#!/bin/sh
# SPDX-License-Identifier: MIT
# Where the answer goes: full disks, closed pipes, terminals, colours.
. "$SOURCE/tests/cli/common.inc"
start shapes ledger 1
escape=$(printf '\033')

# A full disk is an error in any form of answer, never silence.
if [ -c /dev/full ]; then
	for words in summary "summary --json" "chunks --json" maps graph; do
		status=0
		# shellcheck disable=SC2086
		"$HEAPSCAN" $words --pid "$program" >/dev/full 2>"$work/err" ||
			status=$?
		[ "$status" = 4 ] || fail "$words to a full disk: $status"
		grep -q '^heapscan: .*No space left' "$work/err" ||
			fail "$words to a full disk: $(cat "$work/err")"
	done
	status=0
	"$HEAPSCAN" --help >/dev/full 2>/dev/null || status=$?
	[ "$status" = 4 ] || fail "--help to a full disk: $status"
fi

# A file that may not grow ends the document before its closing brace.
(
	ulimit -f 8
	trap '' XFSZ
	exec "$HEAPSCAN" --pid "$program" --json
) >"$work/short" 2>"$work/err"
status=$?
[ "$status" = 4 ] || fail "JSON to a limited file: exit status $status"
[ -s "$work/short" ] || fail "the limited file is empty"
[ "$(tail -c 2 "$work/short")" = "}" ] && fail "a cut document looks whole"

# Standard output may be closed from the beginning.
status=0
"$HEAPSCAN" --pid "$program" >&- 2>"$work/err" || status=$?
[ "$status" = 4 ] || fail "a closed output: exit status $status"

# A reader that has seen enough: no message, no success.
mkfifo "$work/pipe"
head -c 1 <"$work/pipe" >/dev/null &
reader=$!
status=0
"$HEAPSCAN" chunks --pid "$program" --json >"$work/pipe" 2>"$work/err" ||
	status=$?
wait "$reader"
[ "$status" = 141 ] || [ "$status" = 0 ] || fail "a closed pipe: $status"
grep -q '^heapscan: ' "$work/err" && fail "a closed pipe: $(cat "$work/err")"
status=0
(
	trap '' PIPE
	exec 3>"$work/pipe" # a reader must be there to open it
	exec "$HEAPSCAN" chunks --pid "$program" --json >&3 3>&-
) 2>"$work/err" &
writer=$!
head -c 1 <"$work/pipe" >/dev/null
wait "$writer" || status=$?
grep -q '^heapscan: ' "$work/err" &&
	fail "a closed pipe, SIGPIPE ignored: $(cat "$work/err")"

# Colours: never in a file, always when asked for, not against NO_COLOR.
coloured() { grep -q "$escape" "$work/out"; }
run --pid "$program"
coloured && fail "colours in a file"
run --pid "$program" --color=always
coloured || fail "--color=always has no colours"
run --pid "$program" --color never
coloured && fail "--color never has colours"
grep -q '^stopped .* ms' "$work/err" || fail "the pause is not told"
grep -q 'stopped' "$work/out" && fail "the pause is in the answer"

if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
	on_terminal() {
		script -qec "\"$HEAPSCAN\" $* --pid $program" /dev/null \
			>"$work/out" 2>"$work/err" </dev/null
	}
	on_terminal summary
	coloured || fail "no colours on a terminal"
	NO_COLOR=1 on_terminal summary
	coloured && fail "colours in spite of NO_COLOR"
	NO_COLOR='' on_terminal summary
	coloured || fail "an empty NO_COLOR must not count"
	TERM=dumb on_terminal summary
	coloured && fail "colours on a dumb terminal"
	on_terminal chunks --color=never
	grep -q '^\.\.\. .* more (use --all)' "$work/out" ||
		fail "a cut table does not say so"
	[ "$(grep -c '^0x' "$work/out")" = 50 ] || fail "not 50 rows"
	on_terminal chunks --all --color=never
	[ "$(grep -c '^0x' "$work/out")" -gt 50 ] || fail "--all is cut"
fi
run chunks --pid "$program"
[ "$(grep -c '^0x' "$work/out")" -gt 50 ] || fail "a file gets a cut table"

# The same target gives the same bytes.
dump_core
if [ -n "$core" ]; then
	run "$core" --json
	cp "$work/out" "$work/first"
	run "$core" --json
	cmp -s "$work/first" "$work/out" || fail "two runs differ"
fi
finish
