#!/bin/sh
# SPDX-License-Identifier: MIT
# Who holds an object of Python, said as a programmer would write it, for every
# way to hold one: against the program itself, and each step against what its
# collector sees. Live, as a core and as a slice. For every Python from 3.9 on
# that is found in the path, and those that HS_PYTHONS names.
. "$SOURCE/tests/cli/common.inc"
. "$SOURCE/tests/types/pythons.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
unset PYTHONMALLOC
echo "| program | objects | held as said | steps the collector sees, too | |"
echo "| --- | --- | --- | --- | --- |"
first=yes
pythons >"$work/pythons"
while read -r minor python <&3; do
	FIXTURES=$(dirname "$python")
	rm -rf "$work/run"
	start "$(basename "$python")" "$SOURCE/fixtures/holders.py" truth
	truth=$work/run/truth
	python3 -B "$here/types/holders.py" "$HEAPSCAN" "$truth" "Python 3.$minor" \
		"$work/live" --pid "$program" ||
		failures=$((failures + 1))
	if [ "$first" = yes ]; then
		first=no
		does capture --pid "$program" -o "$work/dump.msl"
		does capture --pid "$program" --format core -o "$work/dump.core"
		for dump in dump.msl dump.core; do
			python3 -B "$here/types/holders.py" "$HEAPSCAN" \
				"$truth" "Python 3.$minor, $dump" "$work/other" \
				"$work/$dump" || failures=$((failures + 1))
			cmp "$work/live" "$work/other" ||
				fail "$dump does not answer as the live process"
		done
		address=$(python3 -c 'import json, sys
print("%x" % json.load(open(sys.argv[1]))["held"][0]["address"])' "$truth")
		run why "$work/dump.msl" "$address" --referrers
		! grep -q s3cret "$work/out" ||
			fail "a key was shown without --content"
		run why "$work/dump.msl" "$address" --content
		grep -Fq "held as __main__.sessions[3].cache['s3cret']  (high" \
			"$work/out" || fail "--content: $(cat "$work/out")"
		run types "$work/dump.msl"
		next=$(sed -n 's/^      heapscan \(.* --objects\)   .*/\1/p' \
			"$work/out")
		# shellcheck disable=SC2086
		does $next
		grep -q '^variables hold .* held as __main__\.' "$work/out" ||
			fail "'$next' says: $(head -n 1 "$work/out")"
		# 400 steps: on a terminal how they begin and end.
		address=$(python3 -c 'import json, sys
print("%x" % json.load(open(sys.argv[1]))["chain"])' "$truth")
		run why "$work/dump.msl" "$address"
		grep -Eq '^held as __main__\.chain(\.child)+\.\.\.  \(high' \
			"$work/out" || fail "no end: $(head -n 1 "$work/out")"
		[ "$(grep -c '^  \.child ' "$work/out")" -ge 400 ] ||
			fail "steps are missing in a file"
		if script -qec true /dev/null >/dev/null 2>&1 </dev/null; then
			script -qec "\"$HEAPSCAN\" why \"$work/dump.msl\" \
				$address --color=never" /dev/null \
				>"$work/out" 2>"$work/err" </dev/null
			grep -q '^   \.\.\. .* steps more (use --all)' \
				"$work/out" || fail "400 steps: $(cat "$work/out")"
			[ "$(wc -l <"$work/out")" -lt 70 ] || fail "too long"
		fi
	fi
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
done 3<"$work/pythons"
finish
