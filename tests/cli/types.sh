#!/bin/sh
# SPDX-License-Identifier: MIT
# Names in the commands that show them, for a core that needs no other file: a
# stripped Swift program.
. "$SOURCE/tests/cli/common.inc"
command -v xz >/dev/null || skip "xz is not installed"
command -v python3 >/dev/null || skip "python3 is not installed"
core=$work/swift.core
xz -dc "$SOURCE/fixtures/swift/smini_static.core.xz" >"$core"

run types "$core"
[ "$status" = 0 ] || fail "types: exit status $status: $(cat "$work/err")"
head -n 1 "$work/out" | grep -Eq '^[0-9.]+ KiB of .* blocks in use have a name' ||
	fail "the first line is no answer: $(head -n 1 "$work/out")"
tail -n 1 "$work/out" | grep -q '^      heapscan owners .* who holds them$' ||
	fail "types does not say what to do next: $(tail -n 2 "$work/out")"
grep -Eq ' 14 .*swift +high .* smini_static\.Node$' "$work/out" ||
	fail "types does not count the nodes"
grep -q '^without a name: ' "$work/out" || fail "types hides what it misses"
nameless=$(sed -n '/^without a name: /,$s/.* \(0x[0-9a-f]*\) .*/\1/p' \
	"$work/out" | head -n 1)
run at "$core" "$nameless"
grep -q '^    type     unknown: ' "$work/out" ||
	fail "at hides that $nameless has no name: $(cat "$work/out")"
# A name that would fill lines: how it begins and ends. The whole is in --json.
run types "$core"
awk 'length > 300' "$work/out" | grep -q . && fail "types prints endless names"
grep -Eq ' smini_static\.Box<.* \.\.\. .*<Swift\.Int>>+$' "$work/out" ||
	fail "a long name has no end"
run types "$core" --json
grep -Eq '(smini_static\.Box<){90}Swift\.Int>{90}"' "$work/out" ||
	fail "a long name is not whole in --json"

# --sort and --top agree with the whole.
run types "$core" --sort count --top 2
[ "$(grep -c ' swift \| glibc \| text ' "$work/out")" = 2 ] ||
	fail "--top 2 is not 2: $(cat "$work/out")"
run types "$core" --sort address
[ "$status" = 2 ] || fail "--sort address: exit status $status"
run types "$core" --group-by source
grep -q ' swift$' "$work/out" || fail "--group-by source: $(cat "$work/out")"
run types "$core" --group-by module
grep -q 'smini_static$' "$work/out" ||
	fail "--group-by module: $(cat "$work/out")"
run types "$core" --group-by colour
[ "$status" = 2 ] || fail "--group-by colour: exit status $status"

# chunks --type: a name as it stands, or a pattern.
run chunks "$core" --type smini_static.Node
[ "$(grep -c ' smini_static\.Node$' "$work/out")" = 14 ] ||
	fail "chunks --type finds other nodes than 14"
run chunks "$core" --type 'smini_static.Box<*>'
[ "$(grep -c 'smini_static\.Box<' "$work/out")" = 243 ] ||
	fail "chunks --type with a pattern finds other boxes than 243"
run chunks "$core" --type nothing
grep -q '^0 chunks' "$work/out" || fail "chunks --type nothing finds something"

# at: the object, its counts, its fields and what they do for life.
xz -dc "$SOURCE/fixtures/swift/smini_static.truth.txt.xz" >"$work/truth"
leaked=$(awk '$2 == "leaked" { print $3; exit }' "$work/truth")
run at "$core" "$leaked"
grep -q 'type     smini_static.Node (swift, high: ' "$work/out" ||
	fail "at does not name the object: $(cat "$work/out")"
grep -q 'strong: 1$' "$work/out" || fail "at shows no count"
grep -Eq '^ +\+16 +next: smini_static.Node\? -> 0x[0-9a-f]+ \(strong\)' \
	"$work/out" || fail "at shows no strong field"
node=$(awk '$4 ~ /Node$/ && n++ == 1 { print $3 }' "$work/truth")
run at "$core" "$node"
grep -Eq 'prev: weak smini_static.Node\? -> 0x[0-9a-f]+ \(weak\)' \
	"$work/out" || fail "at shows no weak field: $(cat "$work/out")"
grep -Eq 'name: Swift.String -> 0x[0-9a-f]+ \(strong\)' "$work/out" ||
	fail "at shows no string's storage"

# A retain cycle: leaks finds it, why shows which field holds it.
run leaks "$core" --types
grep -q ' cycle of smini_static.Node' "$work/out" ||
	fail "leaks finds no cycle: $(cat "$work/out")"
grep -q 'Node retain cycle: smini_static.Node .next (strong) -> smini_' \
	"$work/out" || fail "leaks names no field: $(cat "$work/out")"
run why "$core" "$leaked" --types --references
grep -Eq '\+16 +\.next \(strong\) 0x[0-9a-f]+ .* smini_static\.Node$' \
	"$work/out" || fail "why names no field: $(cat "$work/out")"
# ... and of which cycle it is, which begins and ends with it.
run why "$core" "$leaked"
grep -q 'retain cycle: smini_static.Node .next (strong) -> smini_' \
	"$work/out" || fail "why shows no cycle: $(cat "$work/out")"
run why "$core" "$leaked" --json
python3 - "$work/out" "$leaked" <<'END' || fail "why --json: no such cycle"
import json
import sys
answer = json.load(open(sys.argv[1], encoding="utf-8"))
steps = answer["cycle"]
assert int(steps[-1]["user"], 16) == int(sys.argv[2], 16), steps
assert steps[0]["field"] == "next (strong)", steps
assert steps[0]["type"] == "smini_static.Node" and answer["below"] is None
END
# Small heaps are named without being asked.
run why "$core" "$leaked" --references
grep -q '\.next (strong) 0x.*smini_static.Node$' "$work/out" ||
	fail "why names nothing by itself: $(cat "$work/out")"
finish
