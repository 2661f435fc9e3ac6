#!/bin/sh
# SPDX-License-Identifier: MIT
# Trait objects of a Rust program beside what it wrote down itself: each has its
# type or its size for a name, never another one's. Types that share their code
# have no more than the size; without optimisation none does.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
command -v rustc >/dev/null || skip "rustc is not installed"
FIXTURES=$work

# program NAME LEAST OPTIONS...: at least so many have the name of their type.
program() {
	name=$1 least=$2
	shift 2
	rustc "$@" --crate-name traits -o "$work/$name" \
		"$SOURCE/fixtures/traits.rs" 2>"$work/rustc" ||
		skip "rustc does not build: $(head -n 1 "$work/rustc")"
	[ "$name" != stripped ] || strip -s "$work/$name"
	rm -rf "$work/run"
	start "$name" truth
	"$HEAPSCAN" chunks --json --pid "$program" 2>/dev/null >"$work/chunks"
	python3 - "$work/run/truth" "$work/chunks" "$name" "$least" <<-'END' ||
		import json, sys
		truth, chunks, title, least = sys.argv[1:]
		found = {c["user"]: c["type"]
		         for c in json.load(open(chunks))["chunks"]}
		right, bad, said = 0, [], 0
		for line in open(truth):
		    at, size, name = line.split()
		    said += 1
		    right += found[at] == name
		    if found[at] not in (
		            name, "Rust trait object of %s bytes" % size):
		        bad.append("%s is %s, not %s" % (at, found[at], name))
		print("%s: %d boxes, %d by type, %d wrong" % (
		    title, said, right, len(bad)))
		print("\n".join(bad))
		sys.exit(bool(bad) or right < int(least))
	END
		fail "$name: names that are wrong or missing"
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
}
# What boxes, counted references, vectors, strings and tables hold, by debug
# information: every name there is, and no other.
owned() { # owned NAME OPTIONS...
	name=$1
	shift
	rustc "$@" --crate-name owned -o "$work/$name" \
		"$SOURCE/fixtures/owned.rs" 2>"$work/rustc" ||
		skip "rustc does not build: $(head -n 1 "$work/rustc")"
	rm -rf "$work/run"
	start "$name" truth
	python3 "$SOURCE/tests/types/names.py" "Rust, $name" "$work/run/truth" \
		dwarf,rust,glibc,text "$HEAPSCAN" --pid "$program" ||
		fail "$name: names that are wrong or missing"
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
}
owned owned -g
owned owned-optimised -g -O
program plain 38 -g
program optimised 13 -O
program stripped 0 -O
finish
