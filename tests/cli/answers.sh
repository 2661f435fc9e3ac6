#!/bin/sh
# SPDX-License-Identifier: MIT
# What the commands say about a program whose heap is known: filters, places,
# raw bytes, graphs. The ledger of the program is the truth.
. "$SOURCE/tests/cli/common.inc"
start shapes ledger
target="--pid $program"
ledger=$work/run/ledger

live=$(awk '$1 == "live"' "$ledger" | wc -l)
block=$(awk '$1 == "live" && $3 > 100 { print $2; exit }' "$ledger")
usable=$(awk -v b="$block" '$1 == "live" && $2 == b { print $4 }' "$ledger")
[ -n "$block" ] || fail "the ledger names no live block"
ask() { # shellcheck disable=SC2086 # the target is two words
	command=$1
	shift
	run "$command" $target "$@"
}

# The first line is the answer.
ask summary
head -n 1 "$work/out" |
	grep -Eq '^[0-9.]+ [KMG]?i?B in use in [0-9,]+ blocks?, .* free in ' ||
	fail "the first line is no answer: $(head -n 1 "$work/out")"
tail -n 1 "$work/out" | grep -q '^next: heapscan ' ||
	fail "the last line names no next command"

# at: the start, the middle and the header of a block, stdin, nothing.
ask at "$block"
grep -q "the start of the used block $block of $usable bytes" "$work/out" ||
	fail "at a live block: $(cat "$work/out")"
inside=$(printf '0x%x' $((block + 24)))
ask at "$inside"
grep -q "24 bytes into the used block $block" "$work/out" ||
	fail "inside a live block: $(cat "$work/out")"
# shellcheck disable=SC2086
echo "$block 0x10" | "$HEAPSCAN" at $target - >"$work/out" 2>/dev/null
grep -q "the start of the used block $block" "$work/out" ||
	fail "at -: $(cat "$work/out")"
grep -q '^0x10  not mapped' "$work/out" || fail "at 0x10: $(cat "$work/out")"
ask threads
sp=$(awk 'NR == 2 { print ($2 == "*") ? $4 : $3 }' "$work/out")
ask at "$sp"
grep -q 'stack    thread [0-9]* (.*), 0 bytes above' "$work/out" ||
	fail "at a stack pointer: $(cat "$work/out")"
ask threads
tp=$(awk 'NR == 2 { print ($2 == "*") ? $5 : $4 }' "$work/out")
tcache=$(awk 'NR == 2 { print ($2 == "*") ? $7 : $6 }' "$work/out")
ask at "$tcache" "$(printf '0x%x' $((tp + 16)))"
grep -q "this is  the tcache structure of thread $program" "$work/out" ||
	fail "at a tcache: $(cat "$work/out")"
grep -q "16 bytes above the thread pointer of thread $program" "$work/out" ||
	fail "at a thread pointer: $(cat "$work/out")"
ask at nonsense
[ "$status" = 2 ] || fail "at nonsense: exit status $status"

# chunks: filters agree with each other and with the whole.
ask chunks
total=$(grep -c '^0x' "$work/out")
count() {
	ask chunks "$@"
	grep -c '^0x' "$work/out"
}
sum=0
for state in used mmapped tcache fastbin unsorted smallbin largebin top \
	internal unknown; do
	sum=$((sum + $(count --state $state)))
done
[ "$sum" = "$total" ] || fail "states add up to $sum of $total"
used=$(count --state used,mmapped)
[ "$used" = "$(count --state in-use)" ] || fail "in-use is not its parts"
ask chunks --tid 1
[ "$status" = 2 ] && grep -q 'no thread 1' "$work/err" ||
	fail "a thread that is not there: status $status"
[ "$used" -ge "$live" ] || fail "$used blocks in use, $live in the ledger"
small=$(count --max-size 1023)
large=$(count --min-size 1k)
[ $((small + large)) = "$total" ] || fail "sizes add up to $small + $large"
[ "$(count --top 3)" = 3 ] || fail "--top 3 is not 3"
ask chunks --sort size
awk '/^0x/ { gsub(",", ""); if (NR > 4 && $3 > last) exit 1; last = $3 }' \
	"$work/out" || fail "--sort size is not sorted"
ask arenas
second=$(awk '$1 == "1" { print $2 }' "$work/out")
if [ -n "$second" ]; then
	[ "$(count --arena 1)" = "$(count --arena "$second")" ] ||
		fail "an arena by number is not the one by address"
fi
ask chunks --arena 4711
[ "$status" = 2 ] || fail "--arena 4711: exit status $status"

# read: as many bytes as asked for, or status 5.
ask read "$block" 16
[ "$status" = 0 ] || fail "read: exit status $status"
[ "$(wc -c <"$work/out")" = 16 ] || fail "read gave another length"
ask read "$block" 0x10
[ "$(wc -c <"$work/out")" = 16 ] || fail "read 0x10 gave another length"
ask read 0x10 16
[ "$status" = 5 ] || fail "read of nothing: exit status $status"
ask read ffffffffffffffff 16
[ "$status" = 2 ] || fail "read past the end: exit status $status"

# check: a sound heap.
ask check
[ "$status" = 0 ] || fail "check: exit status $status: $(cat "$work/out")"
grep -q '^no damage found' "$work/out" || fail "check: $(cat "$work/out")"

# graph: dot, whichever way it is asked for, and honest about a cut.
ask graph
cp "$work/out" "$work/graph"
grep -q '^digraph heapscan {' "$work/graph" || fail "graph is not dot"
# shellcheck disable=SC2086
run $target --dot
grep -q '^digraph heapscan {' "$work/out" || fail "--dot is not dot"
ask graph --max-nodes 2
[ "$(grep -c 'fillcolor=' "$work/out")" = 2 ] || fail "not cut at 2 nodes"
grep -q 'label=".*cut at 2 nodes' "$work/out" ||
	fail "the label hides the cut"
grep -q 'cut at 2 nodes' "$work/err" || fail "stderr hides the cut"
ask graph --around "$block" --depth 1
grep -q "label=\"$block" "$work/out" || fail "the block is not in its graph"
if command -v dot >/dev/null; then
	dot -Tcanon "$work/graph" >/dev/null || fail "dot cannot read it"
fi
finish
