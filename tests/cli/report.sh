#!/bin/sh
# SPDX-License-Identifier: MIT
# The whole text of a report, its numbers and addresses replaced by letters:
# nobody changes the wording or the columns without seeing it here.
. "$SOURCE/tests/cli/common.inc"
libc=$(getconf GNU_LIBC_VERSION 2>/dev/null)
[ "$libc" = "glibc 2.36" ] ||
	skip "the golden report is one of glibc 2.36, here is ${libc:-another}"
start shapes ledger 1
plain() {
	sed -E -e "s,$FIXTURES/,,g; s,$work/,,g" \
		-e 's/0x[0-9a-f]+/ADDR/g; s/x86_64|aarch64/ARCH/' \
		-e 's/^(layout .* memory: ).*/\1WHICH/' \
		-e 's/[0-9][0-9,]*(\.[0-9]+)*/N/g' \
		-e 's/N (B|KiB|MiB)/SIZE/g' \
		-e 's, /[^ ]*/libc\.so\.N, libc.so.N,g' -e 's/  +/  /g' "$work/out" |
		uniq # how many rows alike is the fixture's business
}
dump_core
[ -n "$core" ] || skip "no core was written (core_pattern)"
for command in summary arenas bins threads check; do
	run $command "$core" --no-symbols
	plain >"$work/$command"
	golden report-$command.txt "$work/$command"
done
finish
