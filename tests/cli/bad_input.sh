#!/bin/sh
# SPDX-License-Identifier: MIT
# Each description in tests/bad/cli makes an input and says how it must end:
#	make: shell command, with the input's path in $1 and the core in $core
#	args: what follows on the command line; default: the path
#	status: exit status, stderr: regular expression for the one line
# No input may crash, hang or leave half a document.
. "$SOURCE/tests/cli/common.inc"
tested=0

start shapes ledger 1
dump_core
value() { sed -n "s/^$1: //p" "$file"; }

for file in "$here"/bad/cli/*.expect; do
	name=${file##*/}
	name=${name%.expect}
	make=$(value make)
	wanted=$(value status)
	pattern=$(value stderr)
	[ -n "$make" ] && [ -n "$wanted" ] && [ -n "$pattern" ] ||
		fail "$name.expect is not complete"
	# shellcheck disable=SC2016 # the description's own variable
	case $make in
	*'$core'*) [ -n "$core" ] || { echo "$name: no core here"; continue; } ;;
	esac
	input=$work/$name
	(
		set -- "$input"
		eval "$make"
	) || { fail "$name: cannot make it"; continue; }
	for json in "" --json; do
		status=0
		# shellcheck disable=SC2086 # $json may be nothing
		timeout 60 "$HEAPSCAN" "$input" $json >"$work/out" \
			2>"$work/err" </dev/null || status=$?
		[ "$status" = "$wanted" ] ||
			fail "$name $json: exit status $status, not $wanted"
		grep -Eq -e "$pattern" "$work/err" ||
			fail "$name $json: stderr lacks '$pattern':" \
				"$(cat "$work/err")"
		[ "$wanted" = 5 ] && continue
		[ "$(grep -c '' "$work/err")" = 1 ] ||
			fail "$name $json: more than one line:" \
				"$(cat "$work/err")"
		if [ -z "$json" ]; then
			[ ! -s "$work/out" ] || fail "$name: an answer"
		else
			grep -q '^{"error":{"code":"[a-z-]*","message":".*"}}$' \
				"$work/out" || fail "$name: no error document"
		fi
	done
	tested=$((tested + 1))
done
[ "$tested" -ge 8 ] || fail "only $tested inputs were tried"

# Processes that cannot be examined.
expect 4 "process" --pid 4194304
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null &&
	setpriv --reuid=65534 --clear-groups "$HEAPSCAN" --version \
		>/dev/null 2>&1; then
	status=0
	setpriv --reuid=65534 --clear-groups "$HEAPSCAN" --pid 1 --json \
		>"$work/out" 2>"$work/err" || status=$?
	[ "$status" = 3 ] || fail "pid 1 as nobody: exit status $status"
	grep -q '"code":"permission"' "$work/out" ||
		fail "pid 1 as nobody: $(cat "$work/out")"
fi
finish
