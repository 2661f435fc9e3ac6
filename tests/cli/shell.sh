#!/bin/sh
# SPDX-License-Identifier: MIT
# One open target answers line after line, as the single commands do.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
start held
kill -ABRT "$program"
dump_core
[ -n "$core" ] || skip "no core files here"

# ask STATUS LINES...: into $work/out and $work/err.
ask() { # STATUS `any`: whichever
	wanted=$1
	shift
	status=0
	printf '%s\n' "$@" | "$HEAPSCAN" shell $options "$core" \
		>"$work/out" 2>"$work/err" || status=$?
	[ "$wanted" = any ] || [ "$status" = "$wanted" ] ||
		fail "$*: exit status $status, not $wanted: $(cat "$work/err")"
}
same() { # same COMMAND [ARGS]: as without the shell
	name=$1
	shift
	"$HEAPSCAN" "$name" $options "$core" "$@" >"$work/alone" 2>/dev/null
	diff "$work/alone" "$work/out" >"$work/diff" ||
		fail "$name $*: $(head -5 "$work/diff")"
}
user() { # user NAME: of the block, by the fixture's ledger
	awk -v name="$1" '$1 == name { print $4 }' "$work/run/ledger"
}

for options in "" "--no-symbols" "--json"; do
	for line in summary "chunks --state in-use" arenas bins threads maps \
		modules check leaks owners rss types "why $(user below)" \
		"at $(user inside)" "search --as pointer $(user top)"; do
		ask any "$line"
		# shellcheck disable=SC2086 # words of a line
		same $line
	done
done
options=

# What one answer needed does not spoil the next; the last one decides.
ask 0 summary leaks "why $(user below)" types leaks "at $(user top)" summary
"$HEAPSCAN" "$core" >"$work/alone"
tail -n "$(wc -l <"$work/alone")" "$work/out" | cmp -s - "$work/alone" ||
	fail "the summary changed after other questions"
ask 1 summary leaks
ask 2 leaks chunsk
grep -q "did you mean 'chunks'" "$work/err" || fail "no suggestion"

# Words, comments, the shell's own pipe and redirection.
ask 0 "" "   # nothing" "chunks # all of them" "quit" "chunks"
same chunks
ask 0 'chunks --state "in-use" | sed -n 1p'
[ "$(wc -l <"$work/out")" = 1 ] || fail "a pipe: $(cat "$work/out")"
ask 0 "chunks >$work/file"
[ ! -s "$work/out" ] || fail "a redirected answer is printed as well"
mv "$work/file" "$work/out"
same chunks
ask 0 "chunks | head -n 1" arenas
ask 2 'search "open'
ask 2 capture
ask 2 "leaks --pid 1"
ask 2 "leaks --at-exit"
ask 0 help "help why"


python3 -B "$SOURCE/tests/cli/shell_typed.py" "$HEAPSCAN" "$core" \
	"$(user below)" || fail "typed at a terminal"
finish
