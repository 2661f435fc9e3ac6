#!/bin/sh
# SPDX-License-Identifier: MIT
# Rules name what declarations leave open, in every command that names blocks;
# a line that is no rule is said with its number.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
[ -x "$FIXTURES/ctypes-dwarf5" ] || skip "no fixture with debug info"
rules=$SOURCE/fixtures/ctypes.rules

start ctypes-dwarf5 truth
# With rules, what they are about is known, and all else stays as it was.
grep '^ruled' "$work/run/truth" | while read -r _ address name; do
	sed -i "/^maybe $address /d" "$work/run/truth"
	echo "object $address $name"
done >"$work/more"
cat "$work/more" >>"$work/run/truth"
python3 "$SOURCE/tests/types/names.py" "with rules" "$work/run/truth" \
	dwarf,glibc,text "$HEAPSCAN" --pid "$program" --rules "$rules" \
	>"$work/out" || fail "$(cat "$work/out")"
[ "$(wc -l <"$work/more")" -ge 20 ] || fail "the fixture says too little"

run types --pid "$program" --rules "$rules"
grep -q ' dwarf  *high .* struct blob$' "$work/out" ||
	fail "types --rules: $(cat "$work/out")"
# Of what is so small there may be more than one.
grep -q ' dwarf  *medium .* struct tiny$' "$work/out" ||
	fail "one small struct, for certain: $(grep tiny "$work/out")"
# What it says to do next knows the same names.
next=$(sed -n 's/ \{3\}where they are$//; s/^next: heapscan //p' "$work/out")
echo "$next" | grep -q "^chunks --pid $program --rules .* --type '" ||
	fail "the next command forgets the rules: $next"
eval "\"\$HEAPSCAN\" $next" >"$work/out" 2>/dev/null
grep -Eq '^[1-9][0-9,]* chunks?,' "$work/out" ||
	fail "what to do next finds nothing: $next: $(cat "$work/out")"

echo 'struct conn: colour = 1 -> struct tree' >"$work/bad.rules"
expect 2 'line 1 of the rules is not understood from column 21 on' \
	types --pid "$program" --rules "$work/bad.rules"
# Also where they are of no use: a program without debug information.
rm -rf "$work/run"
kill -9 "$program"
wait "$program" 2>/dev/null
start shapes-stripped ledger
expect 2 'line 1 of the rules is not understood from column 21 on' \
	types --pid "$program" --rules "$work/bad.rules"
kill -9 "$program"
wait "$program" 2>/dev/null
start ctypes-dwarf5 truth
expect 2 "no rules 'no-such'" types --pid "$program" --rules no-such

# Those that are installed are rules, whatever program they are for.
for file in "$SOURCE"/rules/*.rules; do
	run types --pid "$program" --rules "$file"
	[ "$status" = 0 ] || fail "$file: $(cat "$work/err")"
done
finish
