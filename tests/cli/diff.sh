#!/bin/sh
# SPDX-License-Identifier: MIT
# What diff and types --diff say of a program that writes down what it grows
# by: live, as slices and cores, two of them and a series.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
start grow "$work/ledger"
# The next step is made when its ledger is whole and the program stands again.
next_step() {
	step=$((step + 1))
	kill -CONT "$program"
	until [ -s "$work/ledger.$step" ] &&
		read -r _ _ state _ <"/proc/$program/stat" && [ "$state" = T ]; do
		kill -0 "$program" 2>/dev/null || { fail "it ended"; finish; }
		sleep 0.01
	done
}
judge() { # judge BY STEP...: the last answer against the books of these steps
	by=$1
	shift
	[ "$status" = 1 ] || fail "diff --by $by: exit status $status"
	ledgers=$(printf "$work/ledger.%s " "$@")
	# shellcheck disable=SC2086 # names without spaces
	python3 "$SOURCE/tests/oracle/growth.py" "$work/out" "$by" $ledgers ||
		fail "diff --by $by of steps $*"
}
says() { # says PATTERN: the last answer does
	grep -Eq -e "$1" "$work/out" ||
		fail "no '$1' in: $(head -n 30 "$work/out")"
}
step=0
for i in 0 1 2 3 4; do
	[ $i = 0 ] || next_step
	run capture --pid "$program" -o "$work/$i.msl"
	[ "$status" = 0 ] || fail "capture: $(cat "$work/err")"
done
next_step
run convert "$work/3.msl" "$work/3.core"

for by in size owner; do
	run diff --json --by $by "$work/0.msl" "$work/3.core"
	judge $by 0 3
	run diff --json --by $by "$work/2.msl" "$program"
	judge $by 2 5
	run diff --json --by $by --pid "$program" "$work/1.msl"
	judge $by 5 1
	run diff --json --by $by "$work/0.msl" "$work/1.msl" "$work/2.msl" \
		"$work/3.core" "$work/4.msl" "$program"
	judge $by 0 1 2 3 4 5
done

# The answer is the first line.
run diff "$work/0.msl" "$work/1.msl"
says '1\.msl holds [0-9.]+ .iB more than .*/0\.msl in [0-9,]+ more blocks; most of it: '
says '^next: heapscan why .*/1.msl 0x[0-9a-f]+ '
run diff "$work/1.msl" "$work/0.msl"
head -n 1 "$work/out" | grep -q 'holds .* less than .* fewer blocks' ||
	fail "what shrank is not called less: $(head -n 1 "$work/out")"
run diff "$work/0.msl" "$work/0.msl"
[ "$status" = 0 ] || fail "no change, but exit status $status"
says '^.*0.msl holds as many bytes as .* in as many blocks$'
run diff --by owner "$work/0.msl" "$work/1.msl" "$work/2.msl"
head -n 1 "$work/out" | grep -q '^.* a step over 3 captures (confidence low)' ||
	fail "a series: $(head -n 1 "$work/out")"
says ' growing .* variable cache of .*/grow$'
says ' slowing | growing .* variable slow of .*/grow$'
run diff --by owner --top 1 "$work/0.msl" "$work/1.msl"
says '^\.\.\. [0-9]+ more'
run diff --by nothing "$work/0.msl" "$work/1.msl"
[ "$status" = 2 ] || fail "--by nothing: exit status $status"

# types --diff BEFORE AFTER is the same, by type.
run diff --by type "$work/0.msl" "$work/1.msl"
cp "$work/out" "$work/diff"
run types --diff "$work/0.msl" "$work/1.msl"
cmp -s "$work/diff" "$work/out" || fail "types --diff: $(cat "$work/out")"
[ "$status" = 1 ] || fail "types --diff: exit status $status"
run types --diff "$work/0.msl" "$work/1.msl" --group-by module
[ "$status" = 2 ] || fail "types --diff --group-by: exit status $status"

# Addresses of another process are other addresses.
kill -9 "$program"
wait "$program" 2>/dev/null
start grow "$work/other"
run diff --json --by owner "$work/0.msl" "$program"
python3 - "$work/out" <<'END' || fail "another process: $(cat "$work/out")"
import json, sys
d = json.load(open(sys.argv[1]))
assert not d["same_process"]
assert d["appeared"]["count"] is None and d["stayed"]["bytes"] is None
cache = [r for r in d["by_owner"] if r["owner"].startswith("variable cache ")]
assert len(cache) == 1 and cache[0]["counts"] == [100, 100]
END
finish
