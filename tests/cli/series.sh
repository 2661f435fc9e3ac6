#!/bin/sh
# SPDX-License-Identifier: MIT
# capture --series: each step holds what changed, and reads as a whole slice
# does; without a base it says what is missing and whose it is.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
start shapes ledger
live_report
flip() { # flip FILE PROGRAM: change a byte where the program says
	python3 - "$work/$1" "$2" <<'END' || fail "flip: cannot"
import sys
name, where = sys.argv[1:]
raw = bytearray(open(name, "rb").read())
raw[eval(where, {"raw": raw})] ^= 1
open(name, "wb").write(raw)
END
}

# A stopped process changes nothing: later steps hold no memory at all.
for way in zstd lz4 none; do
	does capture --pid "$program" --series 3 --every 0 -o "$work/$way.msl" \
		--compress $way --json
	python3 - "$work/out" <<'END' || fail "$way: not what a series is"
import json, os, sys
d = json.load(open(sys.argv[1]))
first, *rest = d["steps"]
assert d["ended"] == "complete" and d["asked"] == 3 and len(rest) == 2
assert first["unchanged"] == 0 and first["captured"] > 0
for step in rest:
    assert step["captured"] == 0, step
    assert step["unchanged"] == first["captured"]
    assert step["file_size"] == os.path.getsize(step["written"])
    assert step["file_size"] < first["captured"] // 20
END
	for i in 1 3; do
		same $way.000$i.msl
		does verify "$work/$way.000$i.msl"
		status=0
		python3 -B "$here/slices/read_slice.py" \
			"$work/$way.000$i.msl" >"$work/said" 2>&1 || status=$?
		[ $status = 0 ] || [ $status = 77 ] ||
			[ "$(uname -m)" != x86_64 ] ||
			fail "$way, step $i: $(tail -3 "$work/said")"
	done
	grep -q 'depends on .*/'$way'.0001.msl (.*, all as noted' "$work/out" ||
		fail "verify does not say what it depends on: $(cat "$work/out")"
done
does info "$work/zstd.0002.msl" --json
python3 - "$work/out" <<'END' || fail "info of a step: wrong"
import json, sys
d = json.load(open(sys.argv[1]))
base, = d["bases"]
assert base["name"] == "zstd.0001.msl" and base["path"].endswith(base["name"])
pages = sum(r["referenced_pages"] for r in d["regions"])
assert pages * 4096 == base["bytes"] > 0
assert all(r["captured_pages"] == 0 for r in d["regions"])
related = [t["values"] for t in d["tables"] if t["type_name"] == "related-dump"]
assert [r["dump"] for r in related] == [base["uuid"]], related
END

# Encrypted steps; and with shape only, whose steps have the same shape.
echo 'open sesame' >"$work/pass"
does capture --pid "$program" --series 2 --every 0 -o "$work/e.msl" --encrypt \
	--passphrase-file "$work/pass"
same e.0002.msl --passphrase-file "$work/pass"
does capture --pid "$program" --series 2 --every 0 -o "$work/shape.msl" \
	--shape-only
"$HEAPSCAN" "$work/shape.0001.msl" --json >"$work/first" 2>/dev/null
"$HEAPSCAN" "$work/shape.0002.msl" --json >"$work/second" 2>/dev/null
python3 -B - "$work/first" "$work/second" <<'END' || fail "shapes differ"
import json, sys
a, b = (json.load(open(n)) for n in sys.argv[1:3])
assert a["chunks"] and a["chunks"] == b["chunks"]
END
does capture --pid "$program" --series 2 --every 0 -o "$work/w" --only-writable
[ -s "$work/w.0001" ] && [ -s "$work/w.0002" ] || fail "names without a suffix"

# A whole one of it stands alone.
mkdir "$work/alone"
does convert "$work/zstd.0003.msl" "$work/alone/whole.msl"
same alone/whole.msl
does convert "$work/zstd.0003.msl" "$work/alone/whole.core"
same alone/whole.core
does verify "$work/alone/whole.msl"
! grep -q 'depends' "$work/out" || fail "the whole one depends on others"

# diff and rss take steps.
run diff "$work/zstd.0001.msl" "$work/zstd.0003.msl"
[ "$status" = 0 ] || fail "diff of equal steps: $status: $(cat "$work/err")"
does rss "$work/zstd.0003.msl"

# Without its base: said, and missing memory is not zeroes.
cp "$work/zstd.0003.msl" "$work/alone/"
run "$work/alone/zstd.0003.msl"
[ "$status" = 5 ] || [ "$status" = 4 ] ||
	fail "a step without its base: status $status"
grep -q "bytes that had not changed are in 'zstd.0001.msl'" "$work/out" \
	"$work/err" || fail "the base is not named: $(cat "$work/out" "$work/err")"
run verify "$work/alone/zstd.0003.msl"
[ "$status" = 5 ] || fail "verify without the base: status $status"
grep -q 'zstd.0001.msl (.*missing' "$work/out" ||
	fail "verify names no missing base: $(cat "$work/out")"
run convert "$work/alone/zstd.0003.msl" "$work/alone/holes.msl"
[ "$status" = 5 ] || fail "convert without the base: status $status"

# A base that is another one: no page of it is taken.
cp "$work/none.0001.msl" "$work/none.0002.msl" "$work/alone/"
flip alone/none.0001.msl 'raw.find(b"\x7fELF") + 0x20'
run verify "$work/alone/none.0002.msl"
[ "$status" = 1 ] || fail "verify with a changed base: status $status"
grep -q '4.0 KiB are not as noted' "$work/out" ||
	fail "verify of a changed base: $(cat "$work/out")"

# What cannot be.
expect 2 'exists already' capture --pid "$program" --series 2 \
	-o "$work/zstd.msl"
expect 2 'series consists of slices' capture --pid "$program" --series 2 \
	-o "$work/x" --format core
expect 2 '.*every cannot be' capture --pid "$program" --every 1x -o "$work/x"

# Ctrl-C ends it; what is there stays, and is whole. (A shell lets what it
# starts in the background ignore it, so it is another signal here.)
"$HEAPSCAN" capture --pid "$program" --series 100 --every 1h \
	-o "$work/c.msl" --json >"$work/said" 2>"$work/err" &
series=$!
while [ ! -e "$work/c.0001.msl" ] && kill -0 $series 2>/dev/null; do :; done
kill -TERM $series
status=0
wait $series || status=$?
[ "$status" = 0 ] || fail "interrupted: status $status: $(cat "$work/err")"
grep -q '"ended": *"interrupted"' "$work/said" ||
	fail "interrupted: $(cat "$work/said" "$work/err")"
same c.0001.msl
# The process ends: so does the series.
"$HEAPSCAN" capture --pid "$program" --series 1000000 --every 0.05 \
	-o "$work/g.msl" >"$work/said" 2>"$work/err" &
series=$!
while [ ! -e "$work/g.0002.msl" ] && kill -0 $series 2>/dev/null; do :; done
kill -9 "$program"
wait "$program" 2>/dev/null
program=
status=0
wait $series || status=$?
[ "$status" = 0 ] && grep -q 'the process is gone' "$work/err" ||
	fail "the process ended: status $status: $(tail -3 "$work/err")"
for left in "$work"/*.partial; do
	[ ! -e "$left" ] || fail "left behind: $left"
done
finish
