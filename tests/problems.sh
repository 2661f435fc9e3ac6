#!/bin/sh
# SPDX-License-Identifier: MIT
# docs/problems.md has the code of every problem that the library reports, and no
# other.
cd "$1" || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

{
	sed -n 's/^\tX([A-Z_]*, [A-Z]*, "\([a-z-]*\)").*/\1/p' heap/finding.h
	cat backends/*.c symbols/*.c tls/*.c heap/*.c core/*.c |
		tr '\n\t' '  ' |
		grep -oE 'HS_(NOTE|WARNING|DAMAGE)(, | :)? *"[a-z]+-[a-z-]+"' |
		sed 's/.*"\(.*\)"/\1/'
} | sort -u >"$work/source"
grep -E '^\| `' docs/problems.md | cut -d '|' -f 2 | grep -oE '`[a-z-]+`' |
	tr -d '`' | sort >"$work/page"
[ "$(wc -l <"$work/source")" -gt 60 ] || {
	echo "FAILED: hardly any codes were found in the source"
	exit 1
}
diff "$work/source" "$work/page"
