#!/bin/sh
# SPDX-License-Identifier: MIT
# What begins on one page and ends on the next is found, live and in slices,
# which keep large mappings in pieces.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
FIXTURES=$(dirname "$(python3 -c 'import sys; print(sys.executable)')")
start python3 -c 'import mmap, signal
pages = 3072
m = mmap.mmap(-1, pages * 4096, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
for i in range(1, pages):
    word = b"nee" + b"dle-%05d-ove" % i + b"r"
    m[i * 4096 - 8:i * 4096 - 8 + len(word)] = word
print("ready", flush=True)
signal.pause()'
run capture --pid "$program" -o "$work/slice"
[ "$status" = 0 ] || fail "capture: $(cat "$work/err")"
run capture --pid "$program" -o "$work/stored" --compress none
[ "$status" = 0 ] || fail "capture: $(cat "$work/err")"
# hits ARGS...: all words, and what python keeps of them, the same everywhere.
hits() {
	live=
	for target in "--pid $program" "$work/slice" "$work/stored"; do
		# shellcheck disable=SC2086
		run search --everywhere $target "$@"
		found=$(head -n 1 "$work/out" | cut -d ' ' -f 1 | tr -d ,)
		[ "${found:-0}" -ge 3071 ] && [ "$found" = "${live:-$found}" ] ||
			fail "search $target $*: '$found', live '$live'"
		live=${live:-$found}
	done
}
hits --as regex 'needle-[0-9]{5}-over'
hits --as regex 'n[a-z]+-[0-9]+-o[a-z]+'
hits dle-0
finish
