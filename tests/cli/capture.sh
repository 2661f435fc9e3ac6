#!/bin/sh
# SPDX-License-Identifier: MIT
# A stopped process, its slices and its cores give the same report, chunk for
# chunk, whatever is converted into what; a reader that shares nothing with
# heapscan finds every rule for writers kept; other tools take the cores.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
[ "$(uname -m)" = x86_64 ] || skip "the strict reader knows x86_64 only"
start shapes ledger
live_report

strict() { # strict NAME ARGS...
	name=$1
	shift
	status=0
	python3 -B "$SOURCE/tests/slices/read_slice.py" "$work/$name" "$@" \
		>"$work/said" 2>&1 || status=$?
	case $status in
	0) ;;
	77) echo "not tried: $name: $(cat "$work/said")" ;;
	*) fail "$name: $(tail -3 "$work/said")" ;;
	esac
}

for codec in zstd lz4 none; do
	for hash in blake3 sha256 sha512-256; do
		does capture --pid "$program" -o "$work/$codec-$hash.msl" \
			--compress $codec --hash $hash
		does verify "$work/$codec-$hash.msl"
		strict "$codec-$hash.msl" "$program"
	done
	same $codec-sha256.msl
done
[ "$(stat -c %a "$work/zstd-sha256.msl")" = 600 ] ||
	fail "others can read the slice"
does capture --pid "$program" -o "$work/a.core" --format core
same a.core
[ "$(stat -c %a "$work/a.core")" = 600 ] || fail "others can read the core"

# --pause min cannot fork a stopped process, and says so.
does capture --pid "$program" -o "$work/min.msl" --pause min
grep -q 'stopped already' "$work/err" || fail "no reason: $(cat "$work/err")"
same min.msl

# Back and forth.
does convert "$work/a.core" "$work/b.msl"
strict b.msl --imported
same b.msl
does convert "$work/zstd-blake3.msl" "$work/c.core"
same c.core
does convert "$work/c.core" "$work/c.msl" --hash sha256
strict c.msl --imported
same c.msl

# Slice to slice: with nothing to change the very file, and there and back.
does convert "$work/lz4-sha256.msl" "$work/d.msl"
cmp -s "$work/lz4-sha256.msl" "$work/d.msl" || fail "not the same file"
does convert "$work/zstd-blake3.msl" "$work/e1.msl" --compress none \
	--hash sha256
does convert "$work/e1.msl" "$work/e2.msl" --compress zstd --hash blake3
cmp -s "$work/zstd-blake3.msl" "$work/e2.msl" ||
	fail "not the same file after there and back"

# Encrypted; and with another passphrase.
echo 'open sesame' >"$work/pass"
echo 'shut sesame' >"$work/other"
does capture --pid "$program" -o "$work/f.msl" --encrypt \
	--passphrase-file "$work/pass"
same f.msl --passphrase-file "$work/pass"
strict f.msl --passphrase "$work/pass" "$program"
does convert "$work/f.msl" "$work/g.msl" --encrypt \
	--passphrase-file "$work/pass" --new-passphrase-file "$work/other"
same g.msl --passphrase-file "$work/other"
expect 3 'passphrase or key is wrong' "$work/g.msl" \
	--passphrase-file "$work/pass"
does convert "$work/g.msl" "$work/h.msl" --passphrase-file "$work/other"
strict h.msl "$program"
for name in f.msl g.msl; do
	! grep -q MSLC "$work/$name" || fail "$name is not encrypted"
done
expect 2 'cannot be encrypted' capture --pid "$program" -o "$work/x" \
	--format core --encrypt

# What is left out is not there, and not unmapped either.
does capture --pid "$program" -o "$work/i.msl" --only-writable \
	--exclude '[stack],/nothing*'
run maps "$work/i.msl" --json
python3 - "$work/out" <<'END' || fail "left out: wrong"
import json, sys
maps = json.load(open(sys.argv[1]))["maps"]
assert any(m["captured"] for m in maps)
for m in maps:
    assert ("w" in m["protection"] or
            m["captured"] == m["from_file"]), m
END

# A file that exists stays as it is; what fails leaves nothing.
cp "$work/c.core" "$work/kept"
expect 2 'exists already' convert "$work/a.core" "$work/kept"
cmp -s "$work/kept" "$work/c.core" || fail "an existing file was changed"
does convert "$work/a.core" "$work/kept" --force --format core
expect 2 'no plain file' convert "$work/a.core" /dev/zero --force
expect 4 'no such folder' convert "$work/a.core" "$work/no/such.msl"
(
	ulimit -f 100
	trap '' XFSZ
	! "$HEAPSCAN" capture --pid "$program" -o "$work/full.core" \
		--format core 2>"$work/err"
) || fail "a full disk went unnoticed"
grep -q 'cannot write' "$work/err" || fail "full: $(cat "$work/err")"
python3 - "$work/zstd-blake3.msl" "$work/flipped" <<'END'
import sys
raw = bytearray(open(sys.argv[1], "rb").read())
raw[len(raw) // 2] ^= 4
open(sys.argv[2], "wb").write(raw)
END
expect 4 'hashes of .* do not hold' convert "$work/flipped" "$work/j.msl"
[ ! -e "$work/full.core" ] && [ ! -e "$work/j.msl" ] ||
	fail "a half file looks whole"
for left in "$work"/*.partial; do
	[ ! -e "$left" ] || fail "left behind: $left"
done

# Other tools take the core.
if command -v readelf >/dev/null; then
	readelf -lnW "$work/a.core" >"$work/said" 2>&1
	grep -q NT_PRSTATUS "$work/said" && grep -q NT_AUXV "$work/said" ||
		fail "readelf: $(cat "$work/said")"
fi
if command -v eu-readelf >/dev/null; then
	eu-readelf -ln "$work/a.core" >"$work/said" 2>&1 ||
		fail "eu-readelf: $(tail -3 "$work/said")"
fi
if command -v gdb >/dev/null; then
	for core in a.core c.core; do
		gdb -q -nx -batch -ex 'thread apply all bt' \
			"$FIXTURES/shapes" "$work/$core" >"$work/said" 2>&1
		grep -q '^#[0-9]* .* main ' "$work/said" ||
			fail "gdb, $core: $(tail -5 "$work/said")"
	done
fi
finish
