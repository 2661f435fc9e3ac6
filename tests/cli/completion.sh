#!/bin/sh
# SPDX-License-Identifier: MIT
# Completions parse, know every command and offer what the command takes.
. "$SOURCE/tests/cli/common.inc"
commands=$("$HEAPSCAN" help | sed -n '/^commands$/,/^$/s/^  \([a-z]*\) .*/\1/p')
[ -n "$commands" ] || fail "help lists no commands"
parsed=0

for shell in bash zsh fish; do
	run completion "$shell"
	[ "$status" = 0 ] || fail "completion $shell: $status"
	cp "$work/out" "$work/$shell"
	for command in $commands; do
		grep -qw -e "$command" "$work/$shell" ||
			fail "$shell does not know '$command'"
	done
	for option in json state max-nodes debug-dir; do
		grep -q -e "$option" "$work/$shell" ||
			fail "$shell does not know --$option"
	done
	if command -v "$shell" >/dev/null; then
		"$shell" -n "$work/$shell" || fail "$shell cannot parse it"
		parsed=$((parsed + 1))
	fi
done
golden completion.bash "$work/bash"
golden completion.zsh "$work/zsh"
golden completion.fish "$work/fish"

if command -v bash >/dev/null; then
	cat >"$work/try" <<'END'
. "$1"
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
_heapscan
printf '%s\n' "${COMPREPLY[@]}"
END
	offers() { # offers WORD WORDS...: WORD is among the suggestions
		word=$1
		shift
		bash "$work/try" "$work/bash" "$@" | grep -qx -e "$word" ||
			fail "bash does not offer '$word' after '$*'"
	}
	offers chunks heapscan chu
	offers --state heapscan chunks --s
	offers tcache heapscan chunks --state tc
	offers --json heapscan core.1 --j
	offers --around heapscan graph core.1 --ar
	offers zsh heapscan completion z
	offers graph heapscan help gr
	bash "$work/try" "$work/bash" heapscan maps core.1 --st |
		grep -q -e --state && fail "bash offers --state for maps"
fi
[ "$parsed" -gt 0 ] || skip "none of bash, zsh, fish is installed"
finish
