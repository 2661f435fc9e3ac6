#!/bin/sh
# SPDX-License-Identifier: MIT
# --shape-only: the same answers about structure, references and leaks, and
# nothing of what the program had in its memory.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
SHAPE_SECRET=sesame-in-the-environment
export SHAPE_SECRET
start leaks sesame-in-the-arguments "$FIXTURES/plugin.so"
await_stop
run capture --pid "$program" -o "$work/full.msl" --compress none
[ "$status" = 0 ] || { cat "$work/err"; skip "the process cannot be read"; }
does capture --pid "$program" -o "$work/live.msl" --shape-only --compress none
does convert "$work/full.msl" "$work/shape.msl" --shape-only --compress none
does convert "$work/full.msl" "$work/shape.core" --shape-only
does verify "$work/shape.msl"
does info "$work/shape.msl" --json
grep -Eq '"flags": ?8[,}]' "$work/out" || fail "it is not marked as redacted"

cat >"$work/same.py" <<'END'
import json
import sys

a, b = (json.load(open(n)) for n in sys.argv[1:3])
for d in (a, b):
    # who says it differs: names of ld.so's are not kept
    d.get("allocator", {}).pop("tcache_source", None)
    for key in ("tool", "target"):
        d.pop(key)
    for t in d.get("threads", []):
        t.pop("current"), t.pop("name")
for key in a:
    if a[key] != b[key]:
        sys.exit("FAILED: %s %s: %.300s and %.300s" % (
            sys.argv[3], key, a[key], b[key]))
END
for command in summary check leaks graph bins; do
	"$HEAPSCAN" $command "$work/full.msl" --json >"$work/before" 2>/dev/null
	for name in live.msl shape.msl shape.core; do
		"$HEAPSCAN" $command "$work/$name" --json >"$work/after" \
			2>/dev/null
		python3 -B "$work/same.py" "$work/before" "$work/after" \
			"$name: $command" || fail "$name: $command differs"
	done
done

# Texts of the heap, the stack, the arguments and the program's variables.
cat >"$work/texts.py" <<'END'
import sys

full, shape = (open(n, "rb").read() for n in sys.argv[1:3])
for word in (b"sesame-in-the-environment", b"sesame-in-the-arguments"):
    assert word in full and word not in shape, word
END
for name in live.msl shape.msl shape.core; do
	python3 -B "$work/texts.py" "$work/full.msl" "$work/$name" ||
		fail "$name tells too much"
done

# Every kind of chunk, those with mappings of their own among them.
kill -9 "$program"
wait "$program" 2>/dev/null
start shapes ledger
await_stop
does capture --pid "$program" -o "$work/every.msl"
does capture --pid "$program" -o "$work/every-shape.msl" --shape-only
"$HEAPSCAN" chunks "$work/every.msl" --all >"$work/before"
"$HEAPSCAN" chunks "$work/every-shape.msl" --all >"$work/after"
[ "$(wc -l <"$work/before")" -gt 100 ] || fail "no chunks to compare"
cmp "$work/before" "$work/after" || fail "the shape has other chunks"
finish
