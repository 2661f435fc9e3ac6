#!/bin/sh
# SPDX-License-Identifier: MIT
# search finds what a program's books say is there, in each way of asking, and
# says who holds it.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
start grow "$work/ledger"
run capture --pid "$program" -o "$work/0.msl"
[ "$status" = 0 ] || fail "capture: $(cat "$work/err")"
run convert "$work/0.msl" "$work/0.core"
cat >"$work/judge.py" <<'END'
import json, sys
document, ledger, owner, offset, length, why = sys.argv[1:7]
blocks = {}
for line in open(ledger):
    addr, usable, of = line.split()
    if of == owner:
        blocks[int(addr, 16)] = int(usable)
d = json.load(open(document))
hits = {int(h["address"], 16): h for h in d["hits"]}
wanted = {a + int(offset): a for a in blocks}
assert sorted(hits) == sorted(wanted), (len(hits), len(wanted))
for addr, hit in hits.items():
    b = hit["block"]
    assert int(b["user"], 16) == wanted[addr] and b["offset"] == int(offset)
    assert b["usable"] == blocks[wanted[addr]] and b["state"] == "used"
    assert hit["length"] == int(length), hit
    if why == "why":
        assert b["reached"] == (owner != "lost"), hit
        assert owner == "lost" or \
            b["held_by"].startswith("variable %s of " % owner), hit
    else:
        assert b["reached"] is None and b["held_by"] is None
END
judge() { # judge OWNER OFFSET LENGTH [why]: of the last answer
	[ "$status" = 0 ] || fail "exit status $status: $(cat "$work/err")"
	python3 "$work/judge.py" "$work/out" "$work/ledger.0" "$1" "$2" "$3" \
		"${4:-}" || fail "search for $1 of $target"
}
for target in "--pid $program" "$work/0.msl" "$work/0.core"; do
	ask() { # shellcheck disable=SC2086 # the target may be two words
		run search --json $target "$@"
	}
	ask "cache entry"
	judge cache 8 11
	ask --as hex "63 61 63 68 65 20 65 6e 74 72 79"
	judge cache 8 11
	ask --as regex 'w[^b-z]ve (?=entry)' --why
	judge wave 8 5 why
	ask --as regex '(?i)LOST\b.*' --why
	judge lost 8 10 why
	ask --as integer 0x7972746e # "ntry": aligned in none
	grep -q '"hits":\[\]' "$work/out" || fail "an integer that is nowhere"
done

awk '($3 == "wave" || $3 == "lost") && n[$3]++ < 4' "$work/ledger.0" >"$work/few"
# Pointers to a block: the link of the next in its list, or nobody's.
while read -r block _ owner; do
	everywhere=
	[ "$owner" = lost ] || everywhere=--everywhere
	run search "$work/0.msl" --as pointer "$block" $everywhere --why
	if [ "$owner" = wave ]; then
		grep -Eq '^1 hit .*(1 in blocks in use|1 outside the heap)$' \
			"$work/out" || fail "$block: $(cat "$work/out")"
		grep -Eq 'held by variable wave|  wave\+0x0' "$work/out" ||
			fail "$block: $(cat "$work/out")"
	else
		grep -q '^0 hits ' "$work/out" || fail "$(cat "$work/out")"
	fi
done <"$work/few"

run search "$work/0.msl" "lost entry" --why
grep -q '^5 hits .*: 5 in blocks in use$' "$work/out" || fail "$(cat "$work/out")"
[ "$(grep -c '; leaked: nothing leads to it$' "$work/out")" = 5 ] ||
	fail "$(cat "$work/out")"
run search "$work/0.msl" nothing-of-this
grep -q '^0 hits ' "$work/out" || fail "$(cat "$work/out")"
grep -q -- --everywhere "$work/out" || fail "nothing found, and no advice"
# What would take for ever is left out, and that is said.
run search "$work/0.msl" --as regex '(((\w|[a-z]|.)*)*)*[!?]'
[ "$status" = 0 ] || fail "a slow pattern: exit status $status"
grep -q 'warning: .* takes too long' "$work/err" || fail "it is not said"
expect 2 'no such pattern: missing closing parenthesis' \
	search "$work/0.msl" --as regex '('
finish
