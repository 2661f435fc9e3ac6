#!/bin/sh
# SPDX-License-Identifier: MIT
# README.md, ./dev and cmake/dependencies.cmake name the same libraries.
set -u
cd "${1:-.}" || exit 2
bad=0
fail() { echo "FAILED: $*"; bad=1; }

row() { # row NAME: the packages of that line of the table
	sed -n "s/^| $1[^|]*| \\([^|]*\\) |\$/\\1/p" README.md
}

# What ./dev installs is what README.md says of Debian.
dev=$(sed -n "/^packages='\$/,/^'\$/p" dev | awk 'NF > 1 { print $1 }' | sort)
readme=$(row Debian | sed 's/ ([^)]*)//g' | tr ' ' '\n' | sort)
[ -n "$dev" ] || fail "no package list in ./dev"
[ "$dev" = "$readme" ] || {
	fail "./dev installs other packages than README.md names:"
	echo "$dev" >"${TMPDIR:-/tmp}/packages.$$"
	echo "$readme" | diff "${TMPDIR:-/tmp}/packages.$$" -
	rm -f "${TMPDIR:-/tmp}/packages.$$"
}

# Every library that cmake looks for has a package in every line.
libraries=$(sed -n \
	-e 's/^ *pkg_check_modules([A-Z0-9_]* .*[ ]\([a-z0-9-]*\)\(>=[0-9.]*\)*)$/\1/p' \
	-e 's/^ *find_library([A-Z0-9_]* \([a-z0-9]*\) .*/\1/p' \
	cmake/dependencies.cmake cmake/blake3.cmake | sort -u)
[ "$(echo "$libraries" | wc -l)" -ge 10 ] ||
	fail "libraries of cmake/dependencies.cmake: $libraries"
for library in $libraries; do
	case $library in # how distributions call it
	libelf) words='libelf|elfutils' ;;
	libcgraph | libgvc) words=graphviz ;;
	libcrypto) words='ssl' ;;
	sqlite3) words=sqlite ;;
	libpcre2*) words=pcre2 ;;
	iberty) words='iberty|binutils' ;;
	*) words=${library#lib} ;;
	esac
	for system in Debian Fedora Arch Alpine; do
		row "$system" | grep -Eq "$words" ||
			fail "README.md: $system has no package for $library"
	done
done
exit $bad
