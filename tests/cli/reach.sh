#!/bin/sh
# SPDX-License-Identifier: MIT
# What leaks, why, owners, diff and search say of a program whose leaks are
# known, and how they end.
. "$SOURCE/tests/cli/common.inc"
start leaks ledger "$FIXTURES/plugin.so"
target="--pid $program"
ledger=$work/run/ledger
ask() { # shellcheck disable=SC2086 # the target is two words
	command=$1
	shift
	run "$command" $target "$@"
}
ends() { # ends STATUS: the last command did
	[ "$status" = "$1" ] ||
		fail "$command: exit status $status, not $1: $(cat "$work/err")"
}
says() { # says PATTERN: the last answer does
	grep -Eq -e "$1" "$work/out" ||
		fail "$command does not say '$1': $(head -n 20 "$work/out")"
}
held() { awk -v w="$1" '$4 == w { print $2; exit }' "$ledger"; }
lost=$(grep -cE '^(root|child|cycle)' "$ledger")

ask leaks
ends 1
says "^leaked: $lost blocks, .*; reached: "
says '^ +[0-9]+ .* high +0x[0-9a-f]+  cycle of 72-byte list node, .*, 72 '
says '^next: heapscan why '
ask leaks --fail-on $((lost + 1))
ends 0
ask leaks --fail-on "$lost"
ends 1
ask leaks --fail-on 100B
ends 1
ask leaks --fail-on 1G
ends 0
ask leaks --all
[ "$(grep -cE '^0x.* (root|child|cycle) ' "$work/out")" = "$lost" ] ||
	fail "leaks --all does not list $lost blocks"
ask leaks --json
ends 1
cp "$work/out" "$work/before"
ask leaks --baseline "$work/before"
ends 0
says '^more than in the baseline: 0 blocks'
echo '{"groups":[]}' >"$work/none"
ask leaks --baseline "$work/none"
ends 1
ask leaks --baseline "$ledger"
ends 4

ask why "$(held bss)"
ends 0
says '^data  0x[0-9a-f]+  variable in_bss(\.slot\[0\])? of '
ask why "$(held main-tls)"
says '^tls  .*thread-local variable in_tls(\[[01]\])? '
ask why "$(held main-stack)"
says '^stack  0x[0-9a-f]+  variable main\(\)::on_stack\[3\], stack of thread .*, in main\+0x[0-9a-f]+, [0-9]+ bytes above'
grep -q 'more way' "$work/out" && fail "a way around is counted: $(cat "$work/out")"
ask why "$(held thread-stack)"
says '^stack  0x[0-9a-f]+  variable live_on\(\)::on_stack\[1\], stack of thread .*, in live_on\+0x[0-9a-f]+, '
ask why "$(held thread-stack)" --json
says '"function":"live_on\+0x[0-9a-f]+"'
ask why "$(held thread-stack)" --no-symbols
says '^stack  0x[0-9a-f]+  stack of thread [0-9]+ [^,]*, [0-9]+ bytes above'
block=$(awk '$1 == "child" { print $2; exit }' "$ledger")
ask why "$block" --referrers
ends 1
says '^leaked: '
says '^referrers: 1$'
ask why 0x10
ends 2

ask owners
ends 0
says 'data  variable in_bss(.slot.0.)? '
ask owners "$(held bss)" --depth 5
ends 0
says '^3 blocks at and below this one retain '
ask owners "$block"
ends 2

ask search --as pointer "$(held bss)"
ends 0
says 'in the used block '
ask search --everywhere --as pointer "$(held bss)"
says 'in_bss'
ask search no-such-text-anywhere-at-all
says '^0 hits '

ask graph --leaks
ends 0
says 'leaks, one of each shape'
says "label=\"$(awk '$4 == "self" { print $2; exit }' "$ledger")"
ask graph --path "$(held bss)" --max-nodes 1
says 'variable in_bss(.slot.0.)? '
ask graph --path "$(held bss)" -T svg
says '^<svg '
ask graph --leaks -T png
head -c 4 "$work/out" | grep -q PNG || fail "-T png is no PNG"
ask graph --leaks -T gif
ends 2

dump_core
if [ -n "$core" ]; then
	command=diff
	run diff "$core" "$core"
	ends 0
	says '^appeared +0 blocks'
	run diff "$core" "$HEAPSCAN"
	ends 4
fi

# The program's own output and end are not ours.
command=at-exit
run leaks --at-exit -- sh -c 'echo said; exit 7'
grep -q '^said$' "$work/err" || fail "at-exit hides what the program says"
grep -q 'exited with status 7' "$work/err" || fail "at-exit: $(cat "$work/err")"
run leaks --at-exit -- "$FIXTURES/leaks" "$work/ledger" \
	"$FIXTURES/plugin.so" exit
ends 1
lost=$(grep -cE '^(root|child|cycle)' "$work/ledger")
says "^leaked: $lost blocks, "
run leaks --at-exit -- sh -c 'kill -TERM $$'
ends 4
grep -q 'killed by signal 15' "$work/err" || fail "at-exit: $(cat "$work/err")"
finish
