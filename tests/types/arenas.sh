#!/bin/sh
# SPDX-License-Identifier: MIT
# What runtimes keep in areas of their own, by type: each object that a program
# knows of, and counts as it gives them itself. For every Python from 3.9 on that
# is found in the path, and those that HS_PYTHONS names; for GLib before 2.76;
# for perl.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
echo "| program | objects known | named right | parts named | bytes named |"
echo "| --- | --- | --- | --- | --- |"
seen=
all=$FIXTURES
unset PYTHONMALLOC
for name in python3 /usr/bin/python3 python3.9 python3.10 python3.11 \
		python3.12 python3.13 python3.14 ${HS_PYTHONS:-}; do
	about=$("$name" -c 'import os, sys
print("%d %d %s" % (*sys.version_info[:2], os.path.realpath(sys.executable)))' 2>/dev/null) ||
		continue
	# shellcheck disable=SC2086
	set -- $about
	[ "$1" = 3 ] && [ "$2" -ge 9 ] || continue
	case " $seen " in
	*" $3 "*) continue ;;
	esac
	seen="$seen $3"
	FIXTURES=$(dirname "$3")
	rm -rf "$work/run"
	start "$(basename "$3")" "$SOURCE/fixtures/objects.py" truth
	python3 "$here/types/arenas.py" "$HEAPSCAN" "$work/run/truth" \
		"pymalloc arenas" "Python 3.$2" --pid "$program" ||
		failures=$((failures + 1))
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
done
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
