#!/bin/sh
# SPDX-License-Identifier: MIT
# A heap snapshot obeys the format's rules and shows who retains what.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
check() { # check FIXTURE_ARG STATUS
	run export --format heapsnapshot --pid "$program"
	[ "$status" = "$2" ] || fail "held $1: exit status $status"
	python3 -B "$SOURCE/tests/exports/heapsnapshot.py" "$work/out" \
		"$work/run/ledger" || fail "held $1"
}
start held
check "" 0
kill -ABRT "$program"
dump_core
if [ -n "$core" ]; then
	run export --format heapsnapshot "$core"
	python3 -B "$SOURCE/tests/exports/heapsnapshot.py" "$work/out" \
		"$work/run/ledger" || fail "from a core"
fi
# A block that is larger than 32 bits can say. Its memory was never touched:
# there is nothing in it, and nothing missing.
if [ "$(ulimit -v)" = unlimited ]; then
	start held big
	check big 0
fi
finish
