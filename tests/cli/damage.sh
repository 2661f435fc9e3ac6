#!/bin/sh
# SPDX-License-Identifier: MIT
# Exit status 1 for a damaged heap and 5 for a core that is cut, and the rest
# of the heap is still told.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
start shapes ledger
block=$(awk '$1 == "live" && $3 > 100 && $3 < 1000 { print $2; exit }' \
	"$work/run/ledger")
dump_core
[ -n "$core" ] || skip "no core was written (core_pattern)"

# Smash the size in the header of a block in use.
cp "$core" "$work/smashed"
python3 - "$work/smashed" "$block" <<'END' || fail "cannot damage the core"
import struct
import sys

size_field = int(sys.argv[2], 16) - 8
with open(sys.argv[1], "r+b") as f:
    header = f.read(64)
    phoff, = struct.unpack_from("<Q", header, 32)
    phnum, = struct.unpack_from("<H", header, 56)
    for i in range(phnum):
        f.seek(phoff + 56 * i)
        kind, _, offset, addr, _, size = struct.unpack("<IIQQQQ", f.read(40))
        if kind == 1 and addr <= size_field < addr + size:
            f.seek(offset + size_field - addr)
            f.write(struct.pack("<Q", 0x4141414141414141))
            sys.exit(0)
sys.exit(1)
END
run check "$work/smashed"
[ "$status" = 1 ] || fail "check of a smashed heap: exit status $status"
grep -q '^damaged: ' "$work/out" || fail "check: $(head -n 1 "$work/out")"
grep -q '^damage ' "$work/out" || fail "check names no damage"
run check "$work/smashed" --json
[ "$status" = 1 ] || fail "check --json: exit status $status"
grep -q '"damaged":true' "$work/out" || fail "check --json: not damaged"
grep -q '"cause":"overflow"' "$work/out" || fail "check --json: no overflow"

# What glibc said comes first; what memory holds only with --content.
mkdir "$work/bug"
(
	cd "$work/bug" || exit 1
	ulimit -c unlimited 2>/dev/null
	exec "$FIXTURES/bugs" ledger overflow-free
) >/dev/null 2>&1
bug=
for file in "$work"/bug/core "$work"/bug/core.*; do
	[ -s "$file" ] && bug=$file && break
done
[ -n "$bug" ] || skip "no core was written (core_pattern)"
run check "$bug"
[ "$status" = 1 ] || fail "check of an abort: exit status $status"
head -n 1 "$work/out" |
	grep -Eq '^glibc said: .*\(thread [0-9]+, bugs\)$' ||
	fail "check does not begin with glibc's verdict: $(head -n 1 "$work/out")"
suspect=$(awk '$1 == "suspect" { print $2 }' "$work/bug/ledger")
grep -q "^overflow: the block $suspect of " "$work/out" ||
	fail "check does not blame $suspect"
grep -q AAAA "$work/out" && fail "check shows memory that nobody asked for"
run check "$bug" --content
grep -q '"AAAA' "$work/out" || fail "check --content shows nothing"
run check "$bug" --json
grep -q 41414141 "$work/out" &&
	fail "check --json shows memory that nobody asked for"
run check "$bug" --json --content
grep -q '"bytes":"41414141' "$work/out" || fail "check --json --content"
if python3 -c 'import jsonschema' 2>/dev/null; then
	python3 - "$SOURCE/docs/schema/heapscan-1.schema.json" "$work/out" <<'END' || fail "check --json of damage does not fit the schema"
import json
import sys

import jsonschema

schema, report = (json.load(open(name)) for name in sys.argv[1:])
jsonschema.validate(report, schema)
END
fi

run "$work/smashed"
[ "$status" = 0 ] || [ "$status" = 5 ] ||
	fail "the summary of a smashed heap: exit status $status"
grep -q '^damage ' "$work/out" || fail "the summary hides the damage"
grep -q '^next: heapscan check ' "$work/out" ||
	fail "the summary does not lead to check"
run chunks "$work/smashed"
grep -q '^damage: ' "$work/err" || fail "chunks says nothing of the damage"
[ "$(grep -c '^0x' "$work/out")" -gt 500 ] || fail "the walk did not go on"

# A core that ends too early is used as far as it goes. The last to go is the
# stack, so the heap and the C library's data are still there.
size=$(wc -c <"$core")
head -c $((size - 65536)) "$core" >"$work/cut"
run "$work/cut"
[ "$status" = 5 ] || fail "a cut core: exit status $status: $(cat "$work/err")"
head -n 1 "$work/out" | grep -q 'memory is missing' ||
	fail "the first line hides that memory is missing"
run "$work/cut" --json --summary
[ "$status" = 5 ] || fail "a cut core as JSON: exit status $status"
grep -q '"complete":false' "$work/out" || fail "a cut core is complete"
finish
