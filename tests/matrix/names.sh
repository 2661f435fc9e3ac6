#!/bin/sh
# SPDX-License-Identifier: MIT
# names.sh [--table FILE] [--only WORD]...
#
# Names of blocks on every year's compilers, runtimes and libraries: programs
# that know what each of their blocks is are built and run with what Debian's
# suites have, and compared as tests/types does it. Writes the table to FILE; the
# exit status is 1 when a name is wrong or missing, 77 when no suite can be had.
# With --only, rows that have WORD in them alone. Needs HEAPSCAN, MATRIX_CACHE and
# python3.
set -u
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
export SOURCE
table=/dev/null
only=
while [ $# -gt 0 ]; do
	case $1 in
	--table=*) table=${1#*=} ;;
	--table) table=$2 && shift ;;
	--only) only="$only$2
" && shift ;;
	*) echo "usage: names.sh [--table FILE] [--only WORD]..." && exit 2 ;;
	esac
	shift
done
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
# Debian's own names for what is current: they stay when releases change.
SUITES=${HS_SUITES:-oldoldstable oldstable stable unstable experimental}
began=$(date +%s)
enter=$SOURCE/tests/matrix/enter.sh
"$SOURCE/tests/matrix/roots.sh" "$MATRIX_CACHE" "$SUITES" >"$work/roots" || {
	status=$?
	cat "$work/roots"
	exit $status
}
export G_SLICE=always-malloc

wanted() { # wanted TEXT: by --only
	[ -n "$only" ] || return 0
	printf '%s' "$only" | while read -r word; do
		case $1 in *"$word"*) exit 1 ;; esac
	done
	[ $? = 1 ]
}

# inside COMMAND...: in the suite's root, in its folder for this run.
inside() {
	"$enter" "$root" "$@"
}

# begin COMMAND...: run it there until it says that it is ready.
begin() {
	rm -f "$root/tmp/names/truth" "$work/said" "$root/tmp/names/nobody"
	mkfifo "$work/said"
	"$enter" "$root" "$@" >"$work/said" 2>"$work/complaint" &
	program=$!
	ready=
	while read -r line; do
		case $line in ready | "ready "*) ready=1 && break ;; esac
	done <"$work/said"
	[ -n "$ready" ] && [ -s "$root/tmp/names/truth" ]
}

end() {
	kill -9 "$program" 2>/dev/null
	wait "$program" 2>/dev/null
	program=
}

rows=0 wrong=0
known_as= # a script for sed, where an old version has other names
verdict() { # verdict TITLE STATUS: what a comparison said in $work/row
	cat "$work/row"
	grep '^|' "$work/row" | sed "s/^/| $suite /" >>"$work/table"
	rows=$((rows + 1))
	[ "$2" = 0 ] || wrong=$((wrong + 1))
}

# lost TITLE: a program that is not there, or does not run.
lost() {
	echo "FAILED: $suite: $1: $(tail -n 3 "$work/complaint")"
	wrong=$((wrong + 1))
}

live() { # live TITLE SOURCES COMMAND...
	title=$1 sources=$2,shape
	shift 2
	wanted "$suite $title" || return 0
	if begin "$@"; then
		[ -z "$known_as" ] ||
			sed -i "$known_as" "$root/tmp/names/truth"
		python3 "$SOURCE/tests/types/names.py" "$title" \
			"$root/tmp/names/truth" "$sources" "$HEAPSCAN" \
			--pid "$program" >"$work/row"
		verdict "$title" $?
	else
		lost "$title"
	fi
	end
}

areas() { # areas TITLE AREA COMMAND...
	title=$1 area=$2
	shift 2
	wanted "$suite $title" || return 0
	if begin "$@"; then
		python3 "$SOURCE/tests/types/arenas.py" "$HEAPSCAN" \
			"$root/tmp/names/truth" "$area" "$title" \
			--pid "$program" >"$work/row"
		verdict "$title" $?
	else
		lost "$title"
	fi
	end
}

holders() { # holders TITLE COMMAND...
	title=$1
	shift
	wanted "$suite $title" || return 0
	if begin "$@"; then
		python3 -B "$SOURCE/tests/types/holders.py" "$HEAPSCAN" \
			"$root/tmp/names/truth" "$title" "$work/answers" \
			--pid "$program" >"$work/row"
		verdict "$title" $?
	else
		lost "$title"
	fi
	end
}

# version PROGRAM: of a compiler or the like.
version() {
	inside "$@" 2>&1 | grep -o '[0-9][0-9]*\.[0-9.]*[0-9]' | head -n 1
}

# library PACKAGE...: the version of the first that this root has.
library() {
	for package; do
		sed -n "s/^${package}_\(.*%3a\)\{0,1\}\([0-9.]*[0-9]\).*/\2/p" \
			"$root/../versions" | head -n 1
	done | head -n 1
}

build() { # build NAME COMPILER ARGS...: once, until its sources change
	name=$1
	shift
	[ -z "$(find "$SOURCE/fixtures" -maxdepth 1 -newer "$built/$name" \
		2>/dev/null)" ] && [ -e "$built/$name" ] && return
	inside "$@" -o "$name" >"$work/complaint" 2>&1 || {
		rm -f "$built/$name"
		echo "$suite: $name is not built: $(grep -m 1 'error\|undef' \
			"$work/complaint")"
	}
}

compiled() { # compiled: what the compilers of this root make
	gcc=$(version gcc -dumpfullversion)
	clang=$(version clang --version)
	cxx=c++,libstdc++,glibc,text
	build cxx g++ -std=c++17 -O2 -s f/cxx.cc
	live "C++, GCC $gcc, stripped" $cxx ./cxx truth
	build cxx-static g++ -std=c++17 -O2 -s -static f/cxx.cc
	live "C++, GCC $gcc, static, stripped" $cxx ./cxx-static truth
	build cxx-libc++ clang++ -stdlib=libc++ -std=c++17 -O2 -s f/cxx.cc
	live "C++, libc++ $clang, stripped" c++,libc++,glibc,text \
		./cxx-libc++ truth
	c=dwarf,glibc,text
	# shellcheck disable=SC2086
	for compiler in "gcc -O0" "gcc -O2" "clang -O0" "clang -O2"; do
		kind=$(echo "$compiler" | tr -d ' ')
		what=$(echo "$compiler" | sed "s/gcc/& $gcc/; s/clang/& $clang/")
		build ct-$kind.so $compiler -fPIC -shared -D_GNU_SOURCE -g \
			-I. f/ctypes_library.c
		# Its name is what the program loads it by.
		build ct-$kind $compiler -D_GNU_SOURCE -g -I. -pthread \
			f/ctypes.c f/ctypes_opaque.c ./ct-$kind.so
		live "C by declarations, $what" $c ./ct-$kind truth
		build cl-$kind $compiler -D_GNU_SOURCE -g -pthread f/clocals.c
		live "C, variables on stacks, $what" $c ./cl-$kind truth
	done
	# Other levels and DWARF 4 are tried by every run of the tests.
	parts=$(cd "$SOURCE/fixtures" && printf 'f/%s ' cxxtypes*.cc)
	declared="-std=c++17 -O2 -g -pthread $parts"
	cxx=c++,libstdc++,dwarf,glibc,text
	# shellcheck disable=SC2086
	build cx-gcc g++ $declared
	live "C++ by declarations, GCC $gcc" $cxx ./cx-gcc truth
	# shellcheck disable=SC2086
	build cx-clang clang++ $declared
	live "C++ by declarations, clang $clang" $cxx ./cx-clang truth
	# shellcheck disable=SC2086
	build cx-libc++ clang++ -stdlib=libc++ $declared
	live "C++ by declarations, libc++ $clang" c++,libc++,dwarf,glibc,text \
		./cx-libc++ truth
}

libraries() { # what is loaded by small programs, and what it leaves behind
	build plugin.so gcc -fPIC -shared f/plugin.c
	build clib gcc -D_GNU_SOURCE f/clib.c -pthread -ldl
	live "C library $(library libc6)" glibc,text ./clib truth
	build libraries gcc -D_GNU_SOURCE f/libraries.c -ldl
	live "SQLite $(library libsqlite3-0), zlib $(library zlib1g), libxml2 \
$(library libxml2 libxml2-16), readline $(library libreadline8 \
libreadline8t64)" readline,sqlite,zlib,libxml2,libstdc++,glibc,text \
		./libraries truth
	build lhash gcc -D_GNU_SOURCE f/lhash.c -ldl
	live "OpenSSL $(library libssl4 libssl3t64 libssl3 libssl1.1)" \
		openssl,glibc,text ./lhash truth
	build gobjects gcc -D_GNU_SOURCE f/gobjects.c -ldl
	glib=$(library libglib2.0-0 libglib2.0-0t64)
	live "GLib $glib" gobject,glib,glibc,text ./gobjects truth blocks
	unset G_SLICE
	case $glib in
	2.[0-6]* | 2.7[0-5]*)
		areas "GLib $glib, slabs" "GSlice slabs" ./gobjects truth ;;
	esac
	export G_SLICE=always-malloc
}

runtimes() {
	other=python,glibc,text,libstdc++,c++,dwarf
	for python in "$root"/usr/bin/python3.*; do
		name=$(basename "$python")
		case $name in *-*) continue ;; esac
		at="CPython $(version "$name" -V)"
		live "$at, PYTHONMALLOC=malloc" $other /usr/bin/env \
			PYTHONMALLOC=malloc "$name" f/objects.py truth
		live "$at, what malloc has of it" $other "$name" f/objects.py \
			truth large
		areas "$at, its arenas" "pymalloc arenas" "$name" f/objects.py \
			truth
		holders "$at, who holds" "$name" f/holders.py truth
	done
	areas "perl $(version perl -v), its values" "perl value heads" perl \
		f/values.pl truth
	for lua in "$root"/usr/bin/lua5.[0-9]; do
		[ -x "$lua" ] || continue
		name=$(basename "$lua")
		live "Lua $(version "$name" -v)" lua,glibc,text "$name" \
			f/objects.lua truth
	done
}

rust() { # as the compiler of this root makes it
	rustc=$(version rustc --version)
	case $rustc in
	1.6[0-6].*) # a VecDeque had no length then
		known_as="s/RcInner/RcBox/
s/VecDeque<Box<owned::Part>> elements/owned::Part *[]/" ;;
	esac
	for level in 0 3; do
		build owned-$level rustc -C linker=gcc -g \
			-C opt-level=$level f/owned.rs
		[ -e "$built/owned-$level" ] || continue # too old for it
		live "Rust by declarations, rustc $rustc, optimised $level" \
			dwarf,rust,glibc,text ./owned-$level truth
	done
	known_as=
}

redis() {
	title="Redis $(version redis-server --version)"
	wanted "$suite $title" || return 0
	build mallocx.so gcc -shared -fPIC f/mallocx.c
	HS_ROOT=$root sh "$SOURCE/tests/types/redis.sh" \
		>"$work/row"
	status=$?
	# The head of the table is ours.
	sed -i '/^| program\|^| ---/d' "$work/row"
	if [ "$status" != 77 ]; then
		verdict "$title" "$status"
	else
		echo "$suite: $title: $(head -n 1 "$work/row")"
	fi
}

head='| suite | program | objects known | named right | blocks named | bytes named |
| --- | --- | --- | --- | --- | --- |'
printf '%s\n' "$head"
one_suite() { # what there is to try in $suite, whose folder is $folder
	root=$folder/root
	built=$root/tmp/names
	mkdir -p "$built/fixtures" "$root/proc"
	cp -p "$SOURCE"/fixtures/*.* "$built/fixtures"
	[ -e "$built/f" ] || ln -s fixtures "$built/f"
	: >"$work/table"
	runtimes
	redis
	rust
	libraries
	compiled
	echo "$rows $wrong" >"$work/sums"
}

# Two at a time.
turn=0
whole=$work
while read -r suite folder; do
	mkdir "$whole/$suite"
	(work=$whole/$suite && one_suite) >"$whole/$suite/out" 2>&1 &
	turn=$((turn + 1))
	[ $((turn % 2)) = 1 ] || wait
done <"$work/roots"
wait
while read -r suite folder; do
	cat "$whole/$suite/out"
	read -r some bad <"$whole/$suite/sums" || some=0 bad=1 # it was stopped
	rows=$((rows + some)) wrong=$((wrong + bad))
	cat "$whole/$suite/table" >>"$whole/table"
done <"$work/roots"
last="$rows programs, $wrong wrong"
cat >"$table" <<EOF
# Names on every year's libraries

Written by \`./dev matrix\`; do not edit.

Each row is one program that wrote down what its blocks are, built and run with
the compilers, runtimes and libraries of one of Debian's suites (x86-64), and
compared with what \`heapscan chunks --json\` says (\`at\` and \`types\` for what
is in a runtime's own arenas). A name that is wrong or missing makes the row a
wrong one, and so does one that comes from a source which the program cannot
have. [types.md](types.md) says what the sources are.

$head
$(cat "$work/table")

$last
EOF
echo "$last, in $(($(date +%s) - began)) s"
failures=$wrong
finish
