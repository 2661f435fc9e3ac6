#!/bin/sh
# SPDX-License-Identifier: MIT
# The command in one file needs nothing but a kernel: in an empty folder that
# it takes for the whole system, it says of a core what the other one says.
. "$SOURCE/tests/cli/common.inc"
static=$BUILD/cli/heapscan-static
later() { # later REASON: skip the rest; what failed before counts
	[ "$failures" = 0 ] || finish
	skip "$@"
}
[ -x "$static" ] ||
	skip "no static build; missing:$(cat "$BUILD/static-missing")"

size=$(wc -c <"$static")
# Debian 12: 8.4 MB. Debian 13's OpenSSL alone is 1.5 MB larger.
[ "$size" -lt 10485760 ] || fail "$size bytes are more than 10 MiB"
[ "$("$static" --version)" = \
	"$("$HEAPSCAN" --version) (static build, without dot)" ] ||
	fail "--version: $("$static" --version)"
if command -v readelf >/dev/null; then
	readelf -lWd "$static" >"$work/elf"
	grep -E 'INTERP|\(NEEDED\)' "$work/elf" && fail "it is not alone"
	# The note says from which kernel on it runs, the property which CPUs.
	readelf -nW "$static" >"$work/notes"
	grep -q 'OS: Linux, ABI: [23]\.' "$work/notes" ||
		fail "it wants a kernel of today: $(grep ABI: "$work/notes")"
	grep 'ISA needed' "$work/notes" | grep -v 'x86-64-baseline$' &&
		fail "it wants a CPU of today"
fi

start shapes ledger
"$static" --pid "$program" --json --summary >"$work/live" 2>"$work/err" ||
	fail "--pid: exit status $?: $(cat "$work/err")"
dump_core
[ -n "$core" ] || later "no core was written (core_pattern)"
mkdir "$work/empty"
cp "$static" "$work/empty/heapscan"
mv "$core" "$work/empty/core"

# Where a user may have a namespace of his own, he needs not be root.
alone() {
	if [ "$(id -u)" = 0 ]; then
		chroot "$work/empty" /heapscan "$@"
	else
		unshare -Ur chroot "$work/empty" /heapscan "$@"
	fi
}
alone --version >/dev/null 2>"$work/err" ||
	later "no chroot here: $(head -n 1 "$work/err")"

# answers ARGS...: it has an answer.
answers() {
	status=0
	alone "$@" >"$work/alone" 2>"$work/err" || status=$?
	case $status in
	0 | 1 | 5) ;;
	*) fail "$*: exit status $status: $(cat "$work/err")" ;;
	esac
	[ -s "$work/alone" ] || fail "$*: no answer"
}
answers /core
answers /core --json
answers check /core --json
answers leaks /core --json
answers chunks /core --sort size --all
answers at /core 0x1000

# The counts are those of the dynamic command, which sees libc and its DWARF.
alone /core --json --summary >"$work/alone" 2>"$work/err"
"$HEAPSCAN" "$work/empty/core" --json --summary >"$work/whole" 2>"$work/err"
command -v python3 >/dev/null || later "python3 is not installed"
python3 - "$work/alone" "$work/whole" "$work/live" <<'PY' ||
import json, sys
sums = [json.load(open(name))["summary"] for name in sys.argv[1:]]
alone, whole, live = ([s["in_use"], s["free"]] for s in sums)
print("alone:", alone, "whole:", whole, "live:", live)
sys.exit(alone != whole or live != whole or not whole[0]["count"])
PY
	fail "the static command counts otherwise"

# What it cannot do it says.
status=0
alone graph /core >"$work/out" 2>"$work/err" || status=$?
[ "$status" = 2 ] || fail "graph: exit status $status, not 2"
grep -q 'no graphviz.*--json' "$work/err" || fail "graph: $(cat "$work/err")"
[ ! -s "$work/out" ] || fail "graph: an error and an answer"
alone graph /core --json >"$work/out" 2>/dev/null
grep -q '"edges"' "$work/out" || fail "graph --json: no graph"
finish
