#!/bin/sh
# SPDX-License-Identifier: MIT
# A core that is cut while it is read ends in one line, not in a crash.
. "$SOURCE/tests/cli/common.inc"
start shapes ledger
dump_core
[ -n "$core" ] || skip "no core was written (core_pattern)"

# The largest block of the fixture is some MiB: more than a pipe and our
# buffer hold, so that the command waits in the middle of it.
"$HEAPSCAN" maps "$core" --json | tr ',' '\n' >"$work/maps"
start=
while IFS= read -r line; do
	case $line in
	*'"start":"'*) at=${line##*\"start\":\"} && at=${at%\"} ;;
	*'"captured":'*)
		[ "${line#*:}" -ge 4194304 ] && [ -z "$start" ] && start=$at ;;
	esac
done <"$work/maps"
[ -n "$start" ] || skip "no captured mapping is large enough"

mkfifo "$work/pipe"
"$HEAPSCAN" read "$core" "$start" 4194304 >"$work/pipe" 2>"$work/err" &
reader=$!
{
	head -c 1 >/dev/null # it has begun
	: >"$core"
	cat >/dev/null
} <"$work/pipe"
status=0
wait "$reader" || status=$?
[ "$status" = 4 ] || fail "exit status $status: $(cat "$work/err")"
grep -q '^heapscan: a mapped file became shorter' "$work/err" ||
	fail "no message: $(cat "$work/err")"
finish
