#!/bin/sh
# SPDX-License-Identifier: MIT
# roots.sh CACHE SUITES
#
# Unpacks compilers, runtimes and libraries of Debian's SUITES into CACHE, each
# suite a folder that a program can be run in (chroot), and prints a line
# "SUITE FOLDER" for every one that is there. Packages come as suites.inc says.
# A folder stays as it is for a week; FOLDER/versions says what is in it.
# Exit status 77 and a reason when nothing can be had here.
set -eu
cache=$1 suites=$2
arches=amd64
. "$(dirname "$0")/suites.inc"

# What has the same name in all suites draws in the libraries.
wanted='g++ libc6-dev clang libc++-dev libc++abi-dev python3 perl lua5.3 lua5.4
	lua5.5 python3.15 redis-server redis-tools openssl sqlite3 libglib2.0-bin
	libxml2-utils rustc dash coreutils'

unpack() { # unpack SUITE: what the suite in APT_CONFIG offers of it
	folder=$cache/root-$1
	[ -z "$(find "$folder/versions" -mtime -7 2>/dev/null)" ] ||
		[ "$(cat "$folder/wanted" 2>/dev/null)" != "$wanted" ] || return 0
	have=$(apt-cache pkgnames | sort)
	want=
	for package in $wanted; do
		! printf '%s\n' "$have" | grep -Fqx "$package" ||
			want="$want $package"
	done
	# Nothing is configured, so nothing is run: files are enough.
	# shellcheck disable=SC2086
	apt-get -q -y --no-install-recommends --download-only \
		-o APT::Get::AllowUnauthenticated=false install $want \
		>"$state/log" 2>&1 </dev/null || {
		echo "$1: $(tail -n 3 "$state/log")" >&2
		return 1
	}
	rm -rf "$folder"
	mkdir -p "$folder/root/usr/bin" "$folder/root/usr/sbin" \
		"$folder/root/usr/lib" "$folder/root/usr/lib64" \
		"$folder/root/tmp/names" "$folder/root/dev" "$folder/root/proc"
	for name in bin sbin lib lib64; do
		ln -s usr/$name "$folder/root/$name"
	done
	for deb in "$state"/cache/archives/*.deb; do
		dpkg-deb --fsys-tarfile "$deb" |
			tar -x -C "$folder/root" --keep-directory-symlink \
				--no-same-owner --exclude ./usr/share/doc \
				--exclude ./usr/share/locale --exclude ./dev
	done
	for deb in "$state"/cache/archives/*.deb; do
		basename "$deb" .deb
	done >"$folder/versions.new"
	rm -rf "$state/cache/archives"
	echo "$wanted" >"$folder/wanted"
	mv "$folder/versions.new" "$folder/versions"
}

found=
for suite in $suites; do
	case $suite in
	experimental) prepare $suite root-$suite unstable ;;
	*) prepare $suite root-$suite ;;
	esac || continue
	if unpack "$suite"; then
		found=1
		echo "$suite $cache/root-$suite"
	fi
done
[ -n "$found" ] || skip "none of the suites $suites can be had here"
