#!/bin/sh
# SPDX-License-Identifier: MIT
# Slices of a stopped process, written by a writer that shares nothing with
# heapscan, give the report of the live process, chunk for chunk; info and
# verify say what is in them and whether they are whole.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
[ "$(uname -m)" = x86_64 ] || skip "the writer knows x86_64 only"
ulimit -s 1024 # small stacks of threads, small slices
start shapes ledger
live_report

make() { # make NAME OPTIONS...: $work/NAME is a slice of the process
	name=$1
	shift
	made=0
	python3 -B "$SOURCE/tests/slices/make_slice.py" "$program" \
		"$work/$name" "$@" >"$work/said" 2>&1 || made=$?
	if [ "$made" = 77 ]; then
		echo "not tried: $name: $(cat "$work/said")"
		return 1
	fi
	[ "$made" = 0 ] || { fail "no slice '$name': $(cat "$work/said")"; return 1; }
}
equal() { # equal NAME [bare]: its report is the live one's
	run "$work/$1" --json
	[ "$status" = 0 ] ||
		fail "$1: exit status $status: $(cat "$work/err")"
	python3 -B "$SOURCE/tests/slices/compare.py" "$work/live" \
		"$work/out" "${2:-named}" || fail "$1 is not as the live process"
	run verify "$work/$1"
	[ "$status" = 0 ] || fail "$1 does not verify: $(cat "$work/out")"
}

make plain || { cat "$work/said"; exit 77; }
equal plain
make zstd --compress zstd --hash sha512-256 && equal zstd
make lz4 --compress lz4 --modules lines && equal lz4
make zstd-frame --compress zstd --framing b && equal zstd-frame
make lz4-frame --compress lz4 --framing b && equal lz4-frame
# as the reference writes: no threads, and a list of modules that is wrong
make bare --compress zstd --modules none --no-threads && equal bare bare
make gdb --modules gdb --no-threads && equal gdb bare
run verify "$work/lz4-frame"
grep -q 'as memdiver does' "$work/out" || fail "MemDiver is not recognised"

# Several readers at once, and each alone: the same document.
if [ -f "$work/zstd" ]; then
	run "$work/zstd" --json
	cp "$work/out" "$work/first"
	taskset 1 "$HEAPSCAN" "$work/zstd" --json >"$work/one" 2>/dev/null
	cmp -s "$work/first" "$work/one" ||
		fail "one processor gives another document than many"
fi

# Encrypted: by file, by environment, not at all.
if make locked --passphrase 'open sesame'; then
	printf 'open sesame\n' >"$work/pass"
	run "$work/locked" --json --passphrase-file "$work/pass"
	[ "$status" = 0 ] || fail "locked: $status: $(cat "$work/err")"
	python3 -B "$SOURCE/tests/slices/compare.py" "$work/live" \
		"$work/out" named || fail "locked is not as the live process"
	HEAPSCAN_PASSPHRASE='open sesame' "$HEAPSCAN" verify "$work/locked" \
		>"$work/out" || fail "verify of locked: $(cat "$work/out")"
	grep -q 'authenticated' "$work/out" || fail "the tag is not mentioned"
	HEAPSCAN_PASSPHRASE=wrong
	export HEAPSCAN_PASSPHRASE
	expect 3 'passphrase or key is wrong, or the file was changed' \
		"$work/locked"
	HEAPSCAN_PASSPHRASE='open sesame'
	python3 - "$work/locked" "$work/tampered" <<'END'
import sys
raw = bytearray(open(sys.argv[1], "rb").read())
raw[len(raw) // 2] ^= 1
open(sys.argv[2], "wb").write(raw)
END
	expect 3 'passphrase or key is wrong, or the file was changed' \
		"$work/tampered"
	unset HEAPSCAN_PASSPHRASE
	status=0
	setsid "$HEAPSCAN" "$work/locked" >"$work/out" 2>"$work/err" \
		</dev/null || status=$?
	[ "$status" = 3 ] || fail "locked without passphrase: $status"
	grep -q 'is encrypted: give its passphrase' "$work/err" ||
		fail "no cure: $(cat "$work/err")"
fi
key=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff
if make keyed --key $key; then
	echo $key >"$work/key"
	run verify "$work/keyed" --passphrase-file "$work/key"
	[ "$status" = 0 ] || fail "keyed: $status: $(cat "$work/err")"
fi

# One flipped bit, a cut, no slice.
python3 - "$work/plain" "$work/flipped" "$work/cut" <<'END'
import sys
raw = bytearray(open(sys.argv[1], "rb").read())
open(sys.argv[3], "wb").write(raw[:len(raw) // 2])
raw[len(raw) // 2] ^= 4
open(sys.argv[2], "wb").write(raw)
END
run verify "$work/flipped"
[ "$status" = 1 ] || fail "a flipped bit: exit status $status"
grep -q 'the chain breaks at block [0-9]* (memory-region' "$work/out" ||
	fail "a flipped bit: $(cat "$work/out")"
run verify "$work/cut"
[ "$status" = 1 ] || fail "a cut slice: exit status $status"
grep -q 'End-of-Capture missing' "$work/out" || fail "cut: $(cat "$work/out")"
run info "$work/cut"
[ "$status" = 5 ] || fail "info of a cut slice: exit status $status"
run "$work/cut" --json
[ "$status" = 5 ] || [ "$status" = 4 ] ||
	fail "the report of a cut slice: exit status $status"
expect 4 'no Memory Slice' info "$HEAPSCAN"
expect 4 "no file" verify "$work/nothing"
expect 2 'no file' info

# Text and documents.
run info "$work/plain" --digests
grep -q "^Memory Slice 1.0 of process $program (Linux, x86_64)" "$work/out" ||
	fail "info: $(head -n 1 "$work/out")"
grep -q 'process-identity' "$work/out" || fail "info lists no blocks"
if python3 -c 'import jsonschema' 2>/dev/null; then
	run info "$work/plain" --json --digests
	cp "$work/out" "$work/info"
	run verify "$work/plain" --json
	python3 - "$SOURCE/docs/schema/heapscan-1.schema.json" "$work" \
		"$program" <<'END' || fail "a document is not as it should be"
import hashlib
import json
import os
import sys
import jsonschema

schema = json.load(open(sys.argv[1]))
info = json.load(open(sys.argv[2] + "/info"))
jsonschema.Draft7Validator(schema).validate(info)
jsonschema.Draft7Validator(schema).validate(
    json.load(open(sys.argv[2] + "/out")))
assert info["integrity"]["chain"] == "ok", info["integrity"]
assert info["integrity"]["file_hash"] == "ok", info["integrity"]
memory = os.open("/proc/%s/mem" % sys.argv[3], os.O_RDONLY)
checked = 0
for region in info["regions"]:
    pages = region["size"] // region["page_size"]
    if region["captured_pages"] == pages:
        truth = os.pread(memory, region["size"], int(region["base"], 16))
        assert hashlib.sha256(truth).hexdigest() == region["sha256"], region
        checked += 1
assert checked > 5, checked
END
fi
finish
