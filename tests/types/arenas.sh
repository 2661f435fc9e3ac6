#!/bin/sh
# SPDX-License-Identifier: MIT
# What runtimes keep in areas of their own, by type: each object that a program
# knows of, and counts as it gives them itself. For every Python from 3.9 on that
# is found in the path, and those that HS_PYTHONS names; for GLib before 2.76;
# for perl.
. "$SOURCE/tests/cli/common.inc"
. "$SOURCE/tests/types/pythons.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
echo "| program | objects known | named right | parts named | bytes named |"
echo "| --- | --- | --- | --- | --- |"
all=$FIXTURES
unset PYTHONMALLOC
pythons >"$work/pythons"
while read -r minor python <&3; do
	FIXTURES=$(dirname "$python")
	rm -rf "$work/run"
	start "$(basename "$python")" "$SOURCE/fixtures/objects.py" truth
	python3 "$here/types/arenas.py" "$HEAPSCAN" "$work/run/truth" \
		"pymalloc arenas" "Python 3.$minor" --pid "$program" ||
		failures=$((failures + 1))
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
done 3<"$work/pythons"
if command -v perl >/dev/null; then
	FIXTURES=$(dirname "$(command -v perl)")
	rm -rf "$work/run"
	start perl "$SOURCE/fixtures/values.pl" truth
	python3 "$here/types/arenas.py" "$HEAPSCAN" "$work/run/truth" \
		"perl value heads" "perl" --pid "$program" ||
		failures=$((failures + 1))
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
fi
FIXTURES=$all
unset G_SLICE
if [ -x "$FIXTURES/gobjects" ]; then
	rm -rf "$work/run"
	start gobjects truth
	if "$HEAPSCAN" types --json --pid "$program" 2>/dev/null |
		grep -q '"GSlice slabs"'; then
		python3 "$here/types/arenas.py" "$HEAPSCAN" "$work/run/truth" \
			"GSlice slabs" "GObject, slabs" --pid "$program" ||
			failures=$((failures + 1))
	else
		echo "| GObject, slabs | no slabs in this GLib | | | |"
	fi
fi
finish
