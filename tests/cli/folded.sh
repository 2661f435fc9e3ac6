#!/bin/sh
# SPDX-License-Identifier: MIT
# What is the matter with many files is one line of an answer, and as many as
# there are files where everything is listed.
. "$SOURCE/tests/cli/common.inc"
start shapes ledger 1
dump_core
[ -n "$core" ] || skip "no core was written (core_pattern)"
# Another program in the place of every library.
"$HEAPSCAN" modules "$core" --json >"$work/modules.json" 2>/dev/null
wrong=0
for file in $(grep -o '"path": *"/[^"]*\.so[^"]*"' "$work/modules.json" |
	sed 's/.*"\(\/.*\)"/\1/'); do
	mkdir -p "$work/root/$(dirname "$file")"
	cp "$HEAPSCAN" "$work/root/$file"
	wrong=$((wrong + 1))
done
[ "$wrong" -ge 2 ] || fail "only $wrong libraries: $(cat "$work/modules.json")"
more=$((wrong - 1))
said='is another build than the one that ran'
line="; and $more more files\\{0,1\\} like it"
lines() { # lines NUMBER FILE: so many of them say it
	[ "$(grep -c "$said" "$2")" = "$1" ] ||
		fail "not $1 lines with '$said': $(cat "$2")"
}
run "$core" --sysroot "$work/root"
lines 1 "$work/out"
grep -q "$said.*$line \\[" "$work/out" || fail "lacks '$line'"
run summary --all "$core" --sysroot "$work/root"
lines "$wrong" "$work/out"
run check "$core" --sysroot "$work/root"
lines "$wrong" "$work/out"
run leaks "$core" --sysroot "$work/root"
lines 1 "$work/err"
grep -q "$said.*$line (\`heapscan check\` lists them)" "$work/err" ||
	fail "lacks '$line': $(cat "$work/err")"
finish
