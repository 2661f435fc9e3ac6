#!/bin/sh
# SPDX-License-Identifier: MIT
# Exports are whole or not there, for their owner only, never written over
# another file; csv and ndjson have every chunk with all members of --json.
. "$SOURCE/tests/cli/common.inc"
start held
umask 022

# The file.
for format in csv ndjson heapsnapshot pprof sqlite; do
	file=$work/file.$format
	run export --format $format -o "$file" --pid "$program"
	[ "$status" = 0 ] || fail "$format: exit status $status: $(cat "$work/err")"
	[ ! -s "$work/out" ] || fail "$format: something on standard output"
	[ -s "$file" ] || fail "$format: no file"
	[ "$(stat -c %a "$file")" = 600 ] || fail "$format: others may read it"
	cp "$file" "$work/first"
	run export --format $format -o "$file" --force --pid "$program"
	[ "$status" = 0 ] || fail "$format: --force: exit status $status"
	cmp "$file" "$work/first" || fail "$format: other bytes the second time"
	echo precious >"$file"
	expect 2 'is there already; --force' \
		export --format $format -o "$file" --pid "$program"
	[ "$(cat "$file")" = precious ] || fail "$format: written over a file"
	mv "$work/first" "$file.whole"
done
ls "$work" | grep -q partial && fail "an unfinished file was left"
# Where the disk ends, nothing is left that looks like an export.
mkdir "$work/nowhere"
expect 4 "cannot write '$work/nowhere/no/x'" \
	export --format csv -o "$work/nowhere/no/x" --pid "$program"
for format in ndjson sqlite pprof; do
	(
		# One block: much less than any of them.
		ulimit -f 1 2>/dev/null && trap '' XFSZ
		run export --format $format -o "$work/nowhere/x" --pid "$program"
		[ "$status" = 4 ] || echo "$format: exit status $status"
		grep -q '^heapscan: cannot write' "$work/err" ||
			echo "$format: $(cat "$work/err")"
	) >"$work/said"
	# A small file may fit in a block; then it must be whole.
	[ $format != ndjson ] && [ -s "$work/nowhere/x" ] &&
		rm "$work/nowhere/x" && continue
	[ ! -s "$work/said" ] || fail "full disk: $(cat "$work/said")"
	[ -z "$(ls "$work/nowhere")" ] || fail "full disk: $(ls "$work/nowhere")"
done
expect 2 'no ordinary file' \
	export --format csv -o /dev/zero --pid "$program"
expect 2 'is a folder' export --format csv -o "$work" --pid "$program"
expect 2 'no format' export --pid "$program"
expect 2 "use one of" export --format xml --pid "$program"
expect 2 'not text' export --format sqlite --pid "$program"
expect 2 'not text' export --format pprof -o - --pid "$program"
expect 2 'filters go with' \
	export --format heapsnapshot --min-size 1k --pid "$program"

# From a slice of the same moment: the same. A core does not hold the names of
# threads, so there only the chunks are.
run capture --pid "$program" -o "$work/it.msl"
run convert "$work/it.msl" "$work/it.core"
for format in csv ndjson heapsnapshot pprof sqlite; do
	for kind in msl core; do
		file=$work/$kind.$format
		run export --format $format -o "$file" "$work/it.$kind"
		[ "$status" = 0 ] || fail "$format of $kind: exit status $status"
	done
done
for file in msl.csv msl.ndjson msl.heapsnapshot msl.pprof core.csv \
	core.ndjson; do
	cmp "$work/$file" "$work/file.${file#*.}.whole" ||
		fail "$file is not what the process gives"
done

# The rows.
run chunks --json --pid "$program"
cp "$work/out" "$work/json"
run export --format csv --pid "$program"
cp "$work/out" "$work/csv"
run export --format ndjson -o - --pid "$program"
cp "$work/out" "$work/ndjson"
run export --format csv --state mmapped,free --top 2 --pid "$program"
[ "$(wc -l <"$work/out")" -le 3 ] || fail "csv: filters are not heard"
command -v python3 >/dev/null || skip "python3 is not installed"
python3 -B "$SOURCE/tests/exports/rows.py" "$work/json" "$work/csv" \
	"$work/ndjson" "$work/run/ledger" || fail "the rows differ"
for kind in msl core; do
	python3 -B "$SOURCE/tests/exports/heapsnapshot.py" \
		"$work/$kind.heapsnapshot" "$work/run/ledger" &&
		python3 -B "$SOURCE/tests/exports/pprof.py" \
			"$work/$kind.pprof" "$work/run/ledger" ||
		fail "the exports of $kind are wrong"
	python3 -c 'import sqlite3' 2>/dev/null || continue
	python3 -B "$SOURCE/tests/exports/database.py" "$work/$kind.sqlite" \
		"$work/json" "$work/run/ledger" "$SOURCE/docs/exports.md" ||
		fail "the database of $kind is wrong"
done
finish
