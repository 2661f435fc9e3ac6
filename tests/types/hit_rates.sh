#!/bin/sh
# SPDX-License-Identifier: MIT
# How many objects of programs that know the truth about themselves get their
# right name; the table of docs/types.md. One that is wrong or missing is a
# failure. Needs HEAPSCAN, FIXTURES and SOURCE, as tests do; ./dev test runs it.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
names=$SOURCE/tests/types/names.py

row() { # row TITLE TRUTH SOURCES ARGS...
	title=$1 truth=$2 sources=$3,shape # which says no more than it sees
	shift 3
	python3 "$names" "$title" "$truth" "$sources" "$HEAPSCAN" "$@" ||
		failures=$((failures + 1))
}

# live TITLE SOURCES FIXTURE ARGS...: one that runs and writes run/truth.
live() {
	title=$1 sources=$2
	shift 2
	if [ ! -x "$FIXTURES/$1" ]; then
		echo "| $title | not built here | | | |"
		return
	fi
	rm -rf "$work/run"
	start "$@"
	if [ -s "$work/run/truth" ]; then
		row "$title" "$work/run/truth" "$sources" --pid "$program"
	else
		echo "| $title | says nothing here | | | |"
	fi
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
}

echo "| program | objects known | named right | blocks named | bytes named |"
echo "| --- | --- | --- | --- | --- |"
# swift TITLE FILE: a core that is kept here, with its truth.
swift() {
	xz -dc "$SOURCE/fixtures/swift/$2.core.xz" >"$work/swift.core"
	xz -dc "$SOURCE/fixtures/swift/$2.truth.txt.xz" >"$work/swift.truth"
	row "Swift $1" "$work/swift.truth" "swift,libstdc++,glibc,text" \
		"$work/swift.core"
}
if command -v xz >/dev/null; then
	swift "6.0, deep generics" smini_static
	swift "6.0" sdemo-6.0
	swift "6.0, not optimised" sdemo-6.0-debug
	swift "6.0, tasks" stasks-6.0
	swift "6.0, buffers" sbuffers-6.0
	swift "6.0, leaks" sleaks-6.0
	swift "6.2" sdemo-6.2
	swift "6.2, without reflection" sdemo-6.2-plain
	swift "6.2, leaks" sleaks-6.2
fi
cxx=c++,libstdc++,glibc,text
live "C++" $cxx cxx truth
live "C++, stripped" $cxx cxx-stripped truth
live "C++, libstdc++ inside, stripped" $cxx cxx-static-libstdc++ truth
live "C++, static, stripped" $cxx cxx-static truth
live "C++, 32 bits, stripped" $cxx cxx-m32 truth
live "C++, libc++, stripped" c++,libc++,glibc,text cxx-libc++ truth
live "C library's own" glibc,text clib truth
# Of a core, which has no pages of files.
if [ -x "$FIXTURES/clib" ]; then
	rm -rf "$work/run"
	start clib truth
	kill -ABRT "$program"
	dump_core
	if [ -n "$core" ] && [ -s "$work/run/truth" ]; then
		row "C library's own, of a core" "$work/run/truth" glibc,text \
			"$core"
	else
		echo "| C library's own, of a core | no core files here | | | |"
	fi
fi
live "SQLite, zlib, libxml2, readline, LibreOffice, curl" \
	libreoffice,readline,sqlite,zlib,libxml2,curl,openssl,libtasn1,libstdc++,glibc,text \
	libraries truth
live "OpenSSL" openssl,glibc,text lhash truth
# GLib before 2.76 puts objects into slabs of its own otherwise.
export G_SLICE=always-malloc
live "GObject, all in blocks" gobject,glib,glibc,text gobjects truth blocks
unset G_SLICE
live "C, no runtime at all, stripped" glibc,text shapes-stripped truth
live "C, lists, trees and tables, no debug info" glibc,text links truth
live "C, lists, trees and tables, 32 bits" glibc,text links-m32 truth
c=dwarf,glibc,text
live "C, DWARF 5" $c ctypes-dwarf5 truth
live "C, DWARF 4 with type units" $c ctypes-dwarf4 truth
live "C, optimised" $c ctypes-optimised truth
live "C, a file for each unit, DWARF 4" $c ctypes-split truth
# All units of the program in one file beside it, and in none where they were.
together() { # together TITLE FIXTURE FOLDER, where that was compiled
	if command -v dwp >/dev/null && [ -x "$FIXTURES/$2" ] &&
		(cd "$3" && dwp -e "$FIXTURES/$2" -o "$work/one.dwp") \
			2>/dev/null; then
		built=$FIXTURES
		FIXTURES=$work
		LC_ALL=C sed 's/\.dwo/.not/g' "$built/$2" >"$work/one"
		chmod +x "$work/one"
		live "$1" $c one truth
		FIXTURES=$built
	fi
}
together "C, one file for all units" ctypes-split "$FIXTURES/.."
together "C, variables on stacks, clang, one file for all units, DWARF 4" \
	clocals-clang-split "$FIXTURES"
live "C, 32 bits" $c ctypes-m32 truth
live "C, variables on stacks" $c clocals truth
live "C, variables on stacks, optimised" $c clocals-optimised truth
live "C, variables on stacks, DWARF 4" $c clocals-dwarf4 truth
live "C, variables on stacks, 32 bits" $c clocals-m32 truth
live "C, variables on stacks, clang" $c clocals-clang truth
live "C, variables on stacks, clang, optimised" $c clocals-clang-optimised truth
live "C, variables on stacks, clang, DWARF 4" $c clocals-clang-dwarf4 truth
live "C, variables on stacks, a file for each unit" $c clocals-split truth
live "C, variables on stacks, clang, a file for each unit, DWARF 4" $c \
	clocals-clang-split truth
cxx=c++,libstdc++,dwarf,glibc,text
live "C++ by declarations, DWARF 5" $cxx cxxtypes-dwarf5 truth
live "C++ by declarations, DWARF 4 with type units" $cxx cxxtypes-dwarf4 truth
live "C++ by declarations, optimised" $cxx cxxtypes-optimised truth
live "C++ by declarations, clang" $cxx cxxtypes-clang truth
live "C++ by declarations, clang, optimised, DWARF 4" $cxx \
	cxxtypes-clang-optimised truth
live "C++ by declarations, a file for each unit" $cxx cxxtypes-split truth
# Where these are missing it must be said.
if [ -x "$FIXTURES/cxxtypes-split" ]; then
	built=$FIXTURES
	LC_ALL=C sed 's/\.cc\.dwo/.cc.not/g' "$built/cxxtypes-split" >"$work/lost"
	chmod +x "$work/lost"
	FIXTURES=$work
	rm -rf "$work/run"
	start lost truth
	"$HEAPSCAN" types --pid "$program" >"$work/types" 2>/dev/null
	grep -q "debug info of 4 units is in files of its own (.dwo)" \
		"$work/types" || fail "nobody said that the files are missing"
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
	FIXTURES=$built
fi
live "C++, suspended coroutines" $cxx coroutines-gcc truth
live "C++, suspended coroutines, optimised" $cxx coroutines-optimised truth
live "C++, suspended coroutines, clang" $cxx coroutines-clang truth
cxx=c++,libstdc++,glibc,text
live "C++, suspended coroutines, no debug info" $cxx coroutines-symbols truth \
	frames
live "C++, suspended coroutines, clang, no debug info" $cxx \
	coroutines-clang-symbols truth frames
cxx=c++,libc++,dwarf,glibc,text
live "C++ by declarations, libc++" $cxx cxxtypes-libc++ truth
live "C++ by declarations, libc++, optimised" $cxx cxxtypes-libc++-optimised truth
# Plain classes have no name without declarations, whatever they look like; but
# what they are linked with can be seen.
if [ -x "$FIXTURES/cxxtypes-dwarf5" ]; then
	strip -g -o "$work/plain" "$FIXTURES/cxxtypes-dwarf5"
	built=$FIXTURES
	FIXTURES=$work
	rm -rf "$work/run"
	start plain truth
	sed -n 's/^object \([^ ]*\) \(app::\(Point\|Segment\)\|shop::Part\)$/maybe \1 nothing/p
s/^object \([^ ]*\) app::Shape$/maybe \1 72-byte list node, next +32/p
s/^object \([^ ]*\) Global$/maybe \1 136-byte list node, next +0/p' \
		"$work/run/truth" >"$work/truth"
	row "C++, plain classes, not declared" "$work/truth" \
		c++,libstdc++,glibc,text --pid "$program"
	kill -9 "$program"
	wait "$program" 2>/dev/null
	program=
	FIXTURES=$built
fi
# What two programs have in common, in a third file, as -dbgsym packages do it.
if command -v dwz >/dev/null && [ -x "$FIXTURES/ctypes-dwarf5" ]; then
	cp "$FIXTURES/ctypes-dwarf5" "$work/one"
	cp "$FIXTURES/ctypes-dwarf5" "$work/two"
	dwz -m "$work/common.debug" "$work/one" "$work/two" ||
		fail "dwz could not share"
	built=$FIXTURES
	FIXTURES=$work
	live "C, shared by dwz" $c one truth
	if [ -x "$built/cxxtypes-dwarf5" ]; then
		cp "$built/cxxtypes-dwarf5" "$work/one"
		cp "$built/cxxtypes-optimised" "$work/two"
		dwz -m "$work/common.debug" "$work/one" "$work/two" ||
			fail "dwz could not share"
		cxx=c++,libstdc++,dwarf,glibc,text
		live "C++ by declarations, shared by dwz" $cxx one truth
		live "C++ by declarations, optimised, shared" $cxx two truth
	fi
	FIXTURES=$built
else
	echo "| C, shared by dwz | dwz is not installed | | | |"
fi
# start() runs what is in FIXTURES.
all=$FIXTURES
if lua=$(command -v lua5.4); then
	FIXTURES=$(dirname "$lua")
	live "Lua 5.4" lua,glibc,text lua5.4 "$SOURCE/fixtures/objects.lua" truth
	FIXTURES=$all
else
	echo "| Lua 5.4 | not installed | | | |"
fi
if bash=$(command -v bash); then
	FIXTURES=$(dirname "$bash")
	live "bash" bash,readline,glibc,text bash "$SOURCE/fixtures/functions.sh" \
		truth
	FIXTURES=$all
else
	echo "| bash | not installed | | | |"
fi
# Where python's own allocator steps aside, every object is a block.
export PYTHONMALLOC=malloc
FIXTURES=$(dirname "$(python3 -c 'import sys; print(sys.executable)')")
other=python,glibc,text,libstdc++,c++,dwarf # a python may have its own
live "Python, PYTHONMALLOC=malloc" $other python3 \
	"$SOURCE/fixtures/objects.py" truth
unset PYTHONMALLOC
live "Python, what malloc has of it" $other python3 \
	"$SOURCE/fixtures/objects.py" truth large
FIXTURES=$all
finish
