#!/bin/sh
# SPDX-License-Identifier: MIT
# A database has all that the other answers have, and the queries of the
# documentation work on it.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
python3 -c 'import sqlite3' 2>/dev/null || skip "python3 has no sqlite3"
start held
run export --format sqlite -o "$work/heap.db" --pid "$program"
[ "$status" = 0 ] || fail "exit status $status: $(cat "$work/err")"
run chunks --json --pid "$program"
python3 -B "$SOURCE/tests/exports/database.py" "$work/heap.db" "$work/out" \
	"$work/run/ledger" "$SOURCE/docs/exports.md" ||
	fail "not the database that it should be"
finish
