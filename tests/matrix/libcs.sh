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

skip() { echo "skipped: $*"; exit 77; }
command -v apt-get >/dev/null || skip "no apt-get here"
command -v dpkg-deb >/dev/null || skip "no dpkg-deb here"
mirror=$(apt-get indextargets --format '$(ORIGIN) $(CODENAME) $(REPO_URI)' \
	'Created-By: Packages' 2>/dev/null |
	awk '$1 == "Debian" && $2 !~ /security/ { print $3; exit }')
[ -n "$mirror" ] || skip "apt has no index of a Debian mirror (apt-get update)"
# The mirror's signing keys, as the machine trusts them.
keys=/usr/share/keyrings/debian-archive-keyring.gpg
signed=
[ ! -f "$keys" ] || signed="[signed-by=$keys]"

mkdir -p "$cache"
cache=$(cd "$cache" && pwd)

prepare() { # prepare SUITE: a private apt that knows this suite alone
	state=$cache/apt-$1
	mkdir -p "$state/lists/partial" "$state/cache/archives/partial"
	echo "deb $signed $mirror $1 main" >"$state/sources.list"
	: >"$state/status"
	{
		echo "Dir::State \"$state\";"
		echo "Dir::State::status \"$state/status\";"
		echo "Dir::Cache \"$state/cache\";"
		echo "Dir::Etc::sourcelist \"$state/sources.list\";"
		echo 'Dir::Etc::sourceparts "/dev/null";'
		echo 'Dir::Etc::preferencesparts "/dev/null";'
		printf 'APT::Architectures { '
		printf '"%s"; ' $arches
		echo '};'
		echo 'Acquire::Languages "none";'
		echo 'Acquire::Check-Valid-Until "false";'
		echo 'Acquire::Retries "2";'
		echo 'APT::Sandbox::User "root";'
	} >"$state/apt.conf"
	export APT_CONFIG="$state/apt.conf"
}

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
	prepare "$suite"
	# Fresh for a day.
	[ -n "$(find "$state/updated" -mmin -1440 2>/dev/null)" ] || {
		apt-get -q update -o APT::Update::Error-Mode=any \
			>"$state/log" 2>&1 </dev/null || {
			echo "$suite: not on this mirror" >&2
			continue
		}
		: >"$state/updated"
	}
	for arch in $arches; do
		unpack "$arch"
	done
done
[ -n "$found" ] || skip "none of the suites $suites can be had here"
printf '%s\n' "$found" | sed 1d | sort -V
