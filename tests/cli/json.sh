#!/bin/sh
# SPDX-License-Identifier: MIT
# Every document is valid JSON of the published schema, live and from a core.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
python3 -c 'import jsonschema' 2>/dev/null ||
	skip "python3-jsonschema is not installed"
start shapes ledger
cat >"$work/validate.py" <<'END'
import json
import sys
import jsonschema

schema = json.load(open(sys.argv[1]))
work = sys.argv[2]
jsonschema.Draft7Validator.check_schema(schema)
whole = jsonschema.Draft7Validator(schema)


def look(number, kind):
    with open("%s/doc.%s" % (work, number), encoding="utf-8",
              errors="strict") as f:
        document = json.load(f, parse_constant=lambda c: sys.exit(c))
    part = dict(schema, **{"$ref": "#/definitions/" + kind})
    del part["oneOf"]
    jsonschema.Draft7Validator(part).validate(document)
    # That it is what it should be; now that it is nothing else. Shortened,
    # since this looks at every element a dozen times.
    whole.validate({k: v[:5] if isinstance(v, list) else v
                    for k, v in document.items()})
    if "chunks" in document:
        chunks = [int(c["address"], 16) for c in document["chunks"]]
        assert chunks == sorted(chunks), "chunks are not in order"
        total = document.get("selected")
        assert not total or len(chunks) == total["count"], "wrong sum"


bad = 0
for line in open(work + "/list"):
    number, kind, label = line.rstrip("\n").split(" ", 2)
    try:
        look(number, kind)
    except Exception as e:
        bad = 1
        print("FAILED: %s: %s" % (label, str(e)[:2000]))
sys.exit(bad)
END
number=0
valid() { # valid KIND STATUS ARGS...: keep the document for the validation
	kind=$1
	wanted=$2
	shift 2
	run "$@"
	[ "$status" = "$wanted" ] ||
		fail "$*: exit status $status: $(cat "$work/err")"
	number=$((number + 1))
	cp "$work/out" "$work/doc.$number"
	echo "$number $kind $*" >>"$work/list"
}
documents() { # documents TARGET...: each command on this target
	valid report 0 "$@" --json
	block=$(sed -n 's/.*"user":"\(0x[0-9a-f]*\)",.*"state":"used".*/\1/p' \
		"$work/out" | head -n 1)
	valid report 0 "$@" --json --summary
	grep -q '"chunks":\[' "$work/out" && fail "--summary lists chunks"
	valid chunks 0 chunks "$@" --json --state in-use
	grep -q '"state":"tcache","arena"' "$work/out" &&
		fail "--state in-use lets free chunks through"
	valid chunks 0 chunks "$@" --json --arena main --min-size 1k
	valid check 0 check "$@" --json
	for kind in arenas bins threads maps modules types; do
		valid $kind 0 $kind "$@" --json
	done
	valid at 0 at "$@" --json "$block" 0x1 0xffffffffffffffff
	valid read 0 read "$@" "$block" 16 --json
	valid error 5 read "$@" 0x1 16 --json
	valid graph 0 graph "$@" --json
	valid graph 0 graph "$@" --json --around "$block" --depth 3
	valid error 2 graph "$@" --json --around 0x1
	valid graph 0 graph "$@" --json --path "$block"
	valid graph 0 graph "$@" --json --leaks
	valid graph 0 graph "$@" --json --by type --max-nodes 3
	valid graph 0 graph "$@" --json --by owner
	valid leaks 0 leaks "$@" --json --types
	cp "$work/out" "$work/baseline"
	valid leaks 0 leaks "$@" --json --baseline "$work/baseline"
	valid owners 0 owners "$@" --json --depth 3
	root=$(sed -n '/"level":0/s/.*"user":"\(0x[0-9a-f]*\)".*/\1/p' \
		"$work/out" | head -n 1)
	[ -z "$root" ] || valid why 0 why "$@" "$root" --json --paths 5
	valid error 2 why "$@" 0x1 --json
	valid rss 0 rss "$@" --json
	valid search 0 search "$@" --json --as pointer "$block" --why
	valid search 0 search "$@" --json --everywhere ledger
	valid error 2 search "$@" --json --as regex '('
	valid report 0 "$@" --json --no-symbols
}
documents --pid "$program"
valid written 0 capture --pid "$program" -o "$work/w.msl" --json
valid series 0 capture --pid "$program" --series 2 --every 0 -o "$work/s.msl" \
	--json
valid info 0 info "$work/s.0002.msl" --json
valid verify 0 verify "$work/s.0002.msl" --json
valid written 0 convert "$work/w.msl" "$work/w.core" --json
valid error 2 convert "$work/w.msl" "$work/w.core" --json
dump_core
[ -z "$core" ] || documents "$core"
[ -z "$core" ] || valid diff 0 diff "$core" "$core" "$core" --json
[ -z "$core" ] || valid diff 0 diff "$core" "$core" --json --by owner
[ -z "$core" ] || valid diff 0 types --diff "$core" "$core" --json
valid error 4 "$work/none" --json
valid error 2 --nonsense --json
python3 "$work/validate.py" "$SOURCE/docs/schema/heapscan-1.schema.json" \
	"$work" || fail "not every document is valid"
finish
