#!/bin/sh
# SPDX-License-Identifier: MIT
# libcs.sh CACHE SUITES ARCHITECTURES
#
# Unpacks libc6 and libc6-dbg of Debian's SUITES into CACHE, each version once,
# and prints a line "VERSION ARCH FOLDER" for every one that is there. FOLDER
# holds root/ (the package) and debug/ (its debug files). The mirror is the one
# that this machine's apt uses; suites that it does not offer are left out.
# Nothing of the machine's own apt is touched: state and cache are in CACHE.
# Exit status 77 and a reason when nothing can be had here.
set -eu
cache=$1 suites=$2 arches=$3

. "$(dirname "$0")/suites.inc"

unpack() { # unpack ARCH: what the suite in APT_CONFIG offers
	# apt takes a second for every question.
	[ "$state/version-$1" -nt "$state/updated" ] ||
		apt-cache show --no-all-versions "libc6:$1" 2>/dev/null |
		sed -n 's/^Version: //p' >"$state/version-$1"
	version=$(cat "$state/version-$1")
	[ -n "$version" ] || return 0
	folder=$cache/$version/$1
	if [ ! -f "$folder/complete" ]; then
		rm -rf "$folder"
		mkdir -p "$folder/debs"
		(cd "$folder/debs" && apt-get -q download "libc6:$1" \
			"libc6-dbg:$1") >&2 </dev/null || return 0
		dpkg-deb -x "$folder"/debs/libc6_*.deb "$folder/root"
		dpkg-deb -x "$folder"/debs/libc6-dbg_*.deb "$folder/debug"
		rm -rf "$folder/debs"
		: >"$folder/complete"
	fi
	# Two suites often have the same one.
	case $told in *" $version/$1 "*) return 0 ;; esac
	told="$told $version/$1 "
	found="$found
$version $1 $folder"
}

found= told=
for suite in $suites; do
	prepare "$suite" || continue
	for arch in $arches; do
		unpack "$arch"
	done
done
[ -n "$found" ] || skip "none of the suites $suites can be had here"
printf '%s\n' "$found" | sed 1d | sort -V
