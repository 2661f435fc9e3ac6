#!/bin/sh
# SPDX-License-Identifier: MIT
# Fails when a folder includes one that it may not know.
# The law and its reasons: docs/architecture.md
set -u
cd "${1:-.}" || exit 2
rooms='core|backends|symbols|tls|heap|graph|types|cli|tests|fixtures'
bad=0

complain() { # complain REASON: for every line on stdin
	while IFS= read -r line; do
		echo "$line: $1"
		echo x >>"$found"
	done
}
found=$(mktemp) || exit 2
trap 'rm -f "$found"' EXIT

includes() { # includes FOLDER...: file:line:#include "..." of these
	grep -rnE '^[[:space:]]*#[[:space:]]*include' "$@" \
		--include='*.c' --include='*.h' 2>/dev/null
}
may() { # may FOLDER 'A|B': FOLDER includes only from A, B and <...>
	[ -d "$1" ] || { echo "no folder '$1'"; echo x >>"$found"; return; }
	includes "$1" | grep -E 'include "' |
		grep -vE "include \"($2)/" |
		complain "$1/ includes only from: $2"
	includes "$1" | grep -E "include <($rooms)/" |
		complain 'ours is included with quotes'
}
only() { # only HEADER 'FILE|FILE': nothing else includes <HEADER>
	includes core backends symbols tls heap graph types cli |
		grep -E "include <$1>" | grep -vE "^($2):" |
		complain "<$1> belongs in $2"
}

may core     'core'
may backends 'core|backends'
may symbols  'core|symbols'
may tls      'core|symbols|tls'
may heap     'core|symbols|tls|heap'
may graph    'core|symbols|tls|heap|graph'
may types    'core|symbols|tls|heap|types'
may cli      'cli'             # the rest through <heapscan/...>
may fixtures 'fixtures'
includes fixtures bench | grep -E 'include [<"]heapscan' |
	complain 'a fixture must not depend on what it tests'
includes include | grep -E 'include "' |
	complain 'a public header includes <...> only'

only 'jansson\.h'          'cli/out_json[a-z_]*\.[ch]'
only '(graphviz/)?(cgraph|gvc)\.h' 'cli/out_dot\.c'
only 'zlib\.h'             'cli/export_pprof\.c'
only 'pcre2\.h'            'cli/search_regex\.c'
only 'sqlite3\.h'          'cli/export_sqlite\.c'
only '(libdwarf/|libdwarf-0/)?(libdwarf|dwarf)\.h' 'symbols/(lib)?dwarf[a-z_]*\.[ch]'
only '(libiberty/)?demangle\.h' 'symbols/demangle\.c'
only '(libelf|gelf)\.h'    'symbols/[a-z_]*\.[ch]'
only 'openssl/[a-z]*\.h'    'backends/slice_[a-z_]*\.[ch]'
only 'argon2\.h'           'backends/slice_[a-z_]*\.[ch]'
only 'blake3\.h'           'backends/slice_[a-z_]*\.[ch]'
only '(zstd|lz4|lz4frame)\.h' 'backends/(slice_[a-z_]*|unpacked_file)\.c'

# Rooms that must not know what the others' names mean. In code, that is:
# a comment may say why something is there.
words() { # words 'A|B' FOLDER REASON
	grep -rnE "(^|[^A-Za-z0-9])($1)" "$2" --include='*.c' --include='*.h' |
		grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)' |
		complain "$3"
}
words 'tcache|main_arena|malloc_state|malloc_par' symbols \
	'symbols/ never names what malloc has'
words 'tcache|main_arena|malloc_state|malloc_par' tls \
	'tls/ never names what malloc has'
words 'tcache|main_arena|malloc_state|dwarf' backends \
	'a backend knows no malloc and no DWARF'

# Library code does not print, exit or read the environment.
grep -rnE '(^|[^a-z_])(printf|puts|exit|_exit|getenv|secure_getenv|perror) ?\(' \
	core backends symbols tls heap graph types --include='*.c' |
	grep -vE ':[0-9]+:[[:space:]]*(/?\*|//)' |
	complain 'library code does not print, exit or read the environment'

# gcc drops calls of functions that only prefetch: core/prefetch.h knows how.
grep -rn '__builtin_prefetch' core backends symbols tls heap graph types cli \
	--include='*.[ch]' | grep -v '^core/prefetch\.h:' |
	complain 'hs_prefetch() of core/prefetch.h is not optimized away'

# File names are unique, so that a stack trace is enough to find one's way.
find include core backends symbols tls heap graph types cli tests \
	-name '*.[ch]' -print | sed 's#.*/##' | sort | uniq -d |
	grep -vxF -e error.h -e heap.h -e symbols.h -e target.h -e refs.h -e graph.h -e types.h |
	complain 'file name occurs twice'

[ -s "$found" ] && bad=1
exit $bad
