#!/bin/sh
# SPDX-License-Identifier: MIT
# The folded graphs of a program whose owners and lists are known, and the way
# to one of its blocks.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
start grow "$work/ledger"
run capture --pid "$program" -o "$work/0.msl"
[ "$status" = 0 ] || fail "capture: $(cat "$work/err")"
for by in type owner; do
	run graph --json --by $by --max-nodes 1000 "$work/0.msl"
	[ "$status" = 0 ] || fail "--by $by: exit status $status"
	cp "$work/out" "$work/$by"
done
run "$work/0.msl" --json --summary
cat >"$work/judge.py" <<'END'
import json, sys
work = sys.argv[1]
in_use = json.load(open(work + "/out"))["summary"]["in_use"]
ledger = [line.split() for line in open(work + "/ledger.0")]
for by in "type", "owner":
    d = json.load(open("%s/%s" % (work, by)))
    assert d["by"] == by and d["nodes_left_out"] == 0
    assert sum(n["count"] for n in d["nodes"]) == in_use["count"]
    assert sum(n["chunk_bytes"] for n in d["nodes"]) == in_use["chunk_bytes"]
nodes = {n["label"].split(" of ")[0]: n for n in d["nodes"]}
for owner in "cache", "slow", "wave":
    count = sum(1 for line in ledger if line[2] == owner)
    node = nodes["variable " + owner]
    assert node["count"] == count > 0, (owner, node)
    # A list: each block but the last points to the next.
    edges = [e for e in d["edges"] if e["from"] == e["to"] == node["id"]]
    assert [e["count"] for e in edges] == [count - 1], (owner, edges)
lost = sum(1 for line in ledger if line[2] == "lost")
assert nodes["nothing: leaked"]["count"] == lost
END
python3 "$work/judge.py" "$work" || fail "the folded graphs are wrong"

# What is left out is said, on stderr and in the picture.
run graph --by owner --max-nodes 2 "$work/0.msl"
grep -q 'label=".*cut at 2 nodes.* left out' "$work/out" ||
	fail "the picture hides its cut: $(head -n 5 "$work/out")"
grep -q 'cut at 2 nodes' "$work/err" || fail "the cut is not said"
for format in svg png; do
	run graph --by type -T $format "$work/0.msl"
	[ "$status" = 0 ] && [ -s "$work/out" ] || fail "no $format"
done

# The way to the last block of a list begins at its variable.
last=$(awk '$3 == "wave" { print $1; exit }' "$work/ledger.0")
run graph --path "$last" "$work/0.msl"
grep -q 'label="variable wave\\nof grow"' "$work/out" ||
	fail "no root in the path: $(cat "$work/out")"
grep -q "label=\".*$last" "$work/out" || fail "no end in the path"
run graph --path "$last" --json "$work/0.msl"
python3 - "$work/out" <<'END' || fail "the path is no list"
import json, sys
d = json.load(open(sys.argv[1]))
roots = [n for n in d["nodes"] if n["root"]]
assert len(roots) == 1 and len(d["nodes"]) == 21, len(d["nodes"])
assert len(d["edges"]) == 20
END

# Of the variables that share a block one is named, in words and in JSON.
run owners --json "$work/0.msl"
python3 - "$work/out" "$work/ledger.0" <<'END' || fail "owners: who holds it"
import json, sys
both = [l.split()[0] for l in open(sys.argv[2]) if l.split()[2] == "both"]
for o in json.load(open(sys.argv[1]))["owners"]:
    held = o["one_holder"]
    assert (o["user"] in both) == (held is not None), o
    if held:
        both.remove(o["user"])
        assert held["symbol"]["name"] in ("left", "right"), o
assert not both
END
run owners "$work/0.msl"
grep -Eq ': by variable (left|right) of .*/grow, and others$' \
	"$work/out" || fail "owners: $(cat "$work/out")"
finish
