#!/bin/sh
# SPDX-License-Identifier: MIT
# A wrong command line ends with status 2 and one line that helps.
. "$SOURCE/tests/cli/common.inc"

expect 2 "no target" # nothing at all
expect 2 "no target" chunks
expect 2 "no target" --no-symbols
expect 2 "'chnks'; did you mean 'chunks'" chnks core.1
expect 2 "'cehck'; did you mean 'check'" cehck
expect 2 "no such command 'whence'" whence core.1 0x1000
expect 2 "'--jsno'; did you mean '--json'" --jsno core.1
expect 2 "no such option '-x'" -x core.1
expect 2 "no such option '--nonsense'" --nonsense core.1
expect 2 "'--exe' needs a value|--exe needs a value" chunks core.1 --exe
expect 2 "--json takes no value" --json=yes core.1
expect 2 "--pid takes a process id" --pid none
expect 2 "--pid takes a process id" --pid 0
expect 2 "--pid takes a process id" --pid -5
expect 2 "--pid takes a process id" --pid 99999999999999999999
expect 2 "--state does not go with 'maps'" maps core.1 --state used
expect 2 "--summary does not go with 'chunks'" chunks core.1 --summary
expect 2 "--color cannot be 'red'.*auto always never" --color=red core.1
expect 2 "--state cannot be 'usd'.*used mmapped" chunks core.1 --state usd
expect 2 "--state cannot be 'used,'" chunks core.1 --state used,
expect 2 "--min-size cannot be '5x'.* 4096, 64k" chunks core.1 --min-size 5x
expect 2 "--min-size cannot be '-1'" chunks core.1 --min-size=-1
expect 2 "--max-size cannot be '99999999999999G'" \
	chunks core.1 --max-size 99999999999999G
expect 2 "--top cannot be '0': it takes a number" chunks core.1 --top 0
expect 2 "--sysroot: there is no '/none/such'" core.1 --sysroot /none/such
expect 2 "--debug-dir: there is no '/none/such'" core.1 --debug-dir /none/such
expect 2 "--exe: there is no '/none/such'" core.1 --exe /none/such
expect 2 "no process: name it with --pid N" capture -o out.msl
expect 2 "--sort cannot be 'colour'.*address size state" \
	chunks core.1 --sort colour
expect 2 "--by cannot be 'mood'" graph core.1 --by mood
expect 2 "--around cannot be 'here'" graph core.1 --around here
expect 2 "--max-nodes cannot be '0'" graph core.1 --max-nodes 0
expect 2 "--fail-on cannot be 'many'.* 10, 64B, 1M" leaks core.1 --fail-on many
expect 2 "--jobs cannot be '0'" leaks core.1 --jobs 0
expect 2 "--at-exit needs a program" leaks --at-exit
expect 2 "--at-exit takes a program" leaks --at-exit --pid 1
expect 2 "--at-exit does not go with 'why'" why --at-exit -- true
expect 4 "cannot run '/none/such'" leaks --at-exit -- /none/such
expect 2 "usage: heapscan read TARGET ADDR LENGTH" read core.1 0x1000
expect 2 "usage: heapscan at TARGET ADDR..." at core.1
expect 2 "'extra' is one argument too many" maps core.1 extra
expect 2 "a command comes before the target: heapscan check" core.1 check
expect 2 "no such command 'nonsense'" help nonsense
expect 2 "no completion for 'tcsh'" completion tcsh
expect 4 "core.none" core.none
expect 4 "core.none" chunks core.none

# Control characters of an argument do not reach the terminal.
expect 4 'a\\x1b\[31mb' "$(printf 'a\033[31mb')"
grep -q "$(printf '\033')" "$work/err" && fail "an escape went through"

# With --json the error is a document as well, wherever --json stands.
run --nonsense --json
[ "$status" = 2 ] || fail "--nonsense --json: exit status $status"
[ "$(cat "$work/out")" = '{"error":{"code":"usage","message":"no such option '\
"'--nonsense'; \`heapscan help\` lists them"'"}}' ] ||
	fail "not an error document: $(cat "$work/out")"

# Help and version are answers: status 0 and nothing on stderr.
for words in --help -h help --version -V "help chunks" "chunks --help" \
	"--help core.none" "graph -h"; do
	# shellcheck disable=SC2086 # words are to be split
	run $words
	[ "$status" = 0 ] || fail "heapscan $words: exit status $status"
	[ -s "$work/err" ] && fail "heapscan $words: $(cat "$work/err")"
	[ -s "$work/out" ] || fail "heapscan $words says nothing"
done
run help
golden help.txt "$work/out"
run --help
golden help.txt "$work/out"
run help chunks
golden help-chunks.txt "$work/out"
run chunks --help
golden help-chunks.txt "$work/out"
for command in $(sed -n '/^commands$/,/^$/s/^  \([a-z]*\) .*/\1/p' \
	"$here/golden/help.txt"); do
	run help "$command"
	grep -q "^usage: heapscan $command" "$work/out" ||
		fail "help $command has no usage line"
	awk 'length($0) > 80 { exit 1 }' "$work/out" ||
		fail "help $command is wider than 80 columns"
done
run --version
sed 's/ [0-9][0-9.]*$/ VERSION/' "$work/out" >"$work/version"
golden version.txt "$work/version"
finish
