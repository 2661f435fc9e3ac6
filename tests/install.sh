#!/bin/sh
# SPDX-License-Identifier: MIT
# What is installed is all that a user of the command and the library needs.
set -eu
work=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$work"' EXIT
fail() { echo "FAILED: $*"; exit 1; }

cmake --install "$BUILD" --prefix "$work/prefix" >"$work/log" 2>&1 ||
	{ cat "$work/log"; fail "cmake --install"; }
pc=$(find "$work/prefix" -name heapscan.pc)
[ -n "$pc" ] || fail "no pkg-config file"
export PKG_CONFIG_PATH="${pc%/*}"
libdir=$(pkg-config --variable=libdir heapscan)
[ -e "$libdir/libheapscan.so" ] || fail "no library in '$libdir'"
[ "$(pkg-config --modversion heapscan)" = \
	"$("$work/prefix/bin/heapscan" --version | awk '{ print $2; exit }')" ] ||
	fail "the versions of library and command differ"
[ -s "$work/prefix/share/man/man1/heapscan.1" ] || fail "no manual page"
[ -s "$work/prefix/share/bash-completion/completions/heapscan" ] ||
	fail "no completions"

# Nothing but the public interface leaves the library.
nm -D --defined-only "$libdir/libheapscan.so" | awk '$2 != "A" { print $3 }' |
	grep -v '^hs_' && fail "foreign names in the library"

# Each header compiles alone, as C and as C++.
for header in "$work"/prefix/include/heapscan/*.h; do
	name=${header##*/}
	printf '#include <heapscan/%s>\nint main(void) { return 0; }\n' "$name" \
		>"$work/alone.c"
	cp "$work/alone.c" "$work/alone.cc"
	gcc -std=c11 -pedantic -Wall -Wextra -Werror -fsyntax-only \
		$(pkg-config --cflags heapscan) "$work/alone.c" ||
		fail "$name is not good C11"
	g++ -std=c++11 -pedantic -Wall -Wextra -Werror -fsyntax-only \
		$(pkg-config --cflags heapscan) "$work/alone.cc" ||
		fail "$name is not good C++"
done

gcc -Wall -Wextra -Werror "$SOURCE/tests/install_client.c" -o "$work/client" \
	$(pkg-config --cflags --libs heapscan) -Wl,-rpath,"$libdir" ||
	fail "the client does not compile"

# The client and the installed command say the same of one program.
mkfifo "$work/ready"
(cd "$work" && exec "$FIXTURES/demo" >ready) &
pid=$!
read -r _ <"$work/ready" || fail "the demo program ended"
"$work/client" "$pid" >"$work/said" || fail "the client fails"
cat "$work/said"
grep -Eq '^[1-9][0-9]* in use, [1-9][0-9]* free$' "$work/said" ||
	fail "the client sees no heap"
"$work/prefix/bin/heapscan" --pid "$pid" --json --summary >"$work/json" ||
	fail "the installed command fails"
python3 - "$work/json" "$work/said" <<'PY' || fail "the two differ"
import json, sys
s = json.load(open(sys.argv[1]))["summary"]
said = open(sys.argv[2]).read()
sys.exit(said != "%d in use, %d free\n" % (s["in_use"]["count"],
                                           s["free"]["count"]))
PY
