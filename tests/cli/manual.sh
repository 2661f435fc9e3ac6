#!/bin/sh
# SPDX-License-Identifier: MIT
# The manual page knows the commands, options, states and exit statuses that
# the command knows, and no others.
. "$SOURCE/tests/cli/common.inc"
page=$SOURCE/docs/heapscan.1
"$HEAPSCAN" help >"$work/help"

sed -n '/^commands$/,/^$/s/^  \([a-z]*\) .*/\1/p' "$work/help" |
	sort >"$work/commands"
sed -n '/^\.Sh COMMANDS/,/^\.Sh OPTIONS/s/^\.It Cm \([a-z]*\).*/\1/p' "$page" |
	sort >"$work/page.commands"
diff "$work/commands" "$work/page.commands" ||
	fail "the manual page lists other commands"

for command in $(cat "$work/commands"); do
	"$HEAPSCAN" help "$command"
done | sed -n 's/^  *\(-., \)\{0,1\}--\([a-z-]*\).*/\2/p' |
	sort -u >"$work/options"
sed -n '/^\.Sh OPTIONS/,/^\.Sh STATES/s/^\.It Fl -\([a-z-]*\).*/\1/p' "$page" |
	sort -u >"$work/page.options"
[ "$(wc -l <"$work/options")" -gt 15 ] || fail "help lists hardly any options"
diff "$work/options" "$work/page.options" ||
	fail "the manual page lists other options"

for state in used mmapped tcache fastbin unsorted smallbin largebin top \
	internal unknown; do
	sed -n '/^\.Sh STATES/,/^\.Sh JSON/p' "$page" | grep -qw "$state" ||
		fail "the manual page does not explain '$state'"
done
for code in 0 1 2 3 4 5; do
	sed -n '/^\.Sh EXIT STATUS/,/^\.Sh EX/p' "$page" |
		grep -q "^\.It $code\$" || fail "exit status $code is missing"
	sed -n '/^exit status/,$p' "$work/help" | grep -q "^  $code  " ||
		fail "help does not name exit status $code"
done

if command -v mandoc >/dev/null; then
	mandoc -Tlint -Wwarning "$page" || fail "mandoc complains"
elif command -v man >/dev/null; then
	said=$(man --warnings -l "$page" 2>&1 >/dev/null)
	[ -z "$said" ] || fail "man complains: $said"
fi
finish
