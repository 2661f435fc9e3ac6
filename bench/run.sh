#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh BUILD [LIVE_BLOCKS]: speed and size of heapscan on a large heap, with
# this machine's own numbers beside them. Medians of 5; the goals are in
# docs/architecture.md.
set -eu
build=$1
blocks=${2:-4500000}
hs=$build/cli/heapscan
tool=$build/bench
work=$(mktemp -d "${TMPDIR:-/tmp}/heapscan-bench.XXXXXX")
pids=
cleanup() {
	for p in $pids; do kill -9 "$p" 2>/dev/null || :; done
	rm -rf "$work"
}
trap cleanup EXIT

column() { # column N: median of the Nth number of every line
	awk -v n="$1" '{ print $n }' | sort -n |
		awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}
five() { # five FILE COMMAND...: the lines of five runs
	file=$1; shift
	: >"$file"
	for _ in 1 2 3 4 5; do "$@" >>"$file"; done
}
ok1() { "$@" || [ $? = 1 ]; }
start() { # start NAME COMMAND...: until it says "ready"; pid in $started
	name=$1; shift
	mkfifo "$work/$name"
	(
		cd "$work"
		ulimit -c unlimited 2>/dev/null || :
		exec "$@" >"$work/$name" 2>"$work/$name.err"
	) &
	started=$!
	pids="$pids $started"
	exec 3<"$work/$name"
	while read -r line <&3; do
		case $line in *[Rr]eady*) return 0 ;; esac
	done
	echo "bench: '$*' ended" >&2
	return 1
}
paused() { # paused PID: milliseconds, median of 5; a heap is not needed
	: >"$work/paused"
	for _ in 1 2 3 4 5; do
		"$hs" --pid "$1" 2>&1 >/dev/null |
			sed -n 's/^stopped \([0-9.]*\) ms.*/\1/p' >>"$work/paused"
	done
	column 1 <"$work/paused"
}
largest() { # the largest writable mapping of a dump: where, and how long
	"$hs" maps "$1" | while read -r start end prot _; do
		case $prot in rw*) echo "$((end - start)) $start" ;; esac
	done | sort -n | tail -n 1
}
row() { printf '%-46s %14s   %s\n' "$1" "$2" "${3:-}"; }
calc() { awk "BEGIN { printf \"$1\", $2 }"; }

echo "A heap of $blocks live blocks is made ..." >&2
start heap "$tool/gen_heap" "$blocks"
heap=$started
planted=${line##* }
stop=$(paused "$heap")
five "$work/live" "$tool/meter" "$hs" --pid "$heap" 2>/dev/null
kill -ABRT "$heap"
wait "$heap" 2>/dev/null || :
core=$(find "$work" -maxdepth 1 -name 'core*' | head -n 1)
[ -n "$core" ] || {
	echo "bench: no core came: core_pattern is" \
		"'$(cat /proc/sys/kernel/core_pattern)'" >&2
	exit 77
}
cat "$core" >/dev/null # into the page cache

five "$work/memory" "$tool/pass" memory
five "$work/readv" "$tool/pass" readv
five "$work/plain" "$tool/pass" file "$core"
five "$work/halves" "$tool/pass" halves "$core"
five "$work/summary" "$tool/meter" "$hs" "$core" 2>/dev/null
five "$work/json" "$tool/meter" "$hs" "$core" --json 2>/dev/null
# Exit status 1 is the answer here: there are leaks.
five "$work/leaks" ok1 "$tool/meter" "$hs" leaks "$core" 2>/dev/null
five "$work/leaks1" ok1 "$tool/meter" "$hs" leaks --jobs 1 "$core" 2>/dev/null
five "$work/types" "$tool/meter" "$hs" types "$core" 2>/dev/null
five "$work/owners" "$tool/meter" "$hs" owners "$core" 2>/dev/null
leaked=$("$hs" leaks "$core" 2>/dev/null |
	sed -n '1s/^leaked: \([0-9,]*\) .*/\1/p' | tr -d ,)

# The same memory as slices; zstd and openssl have the same bytes to do.
if command -v zstd >/dev/null && command -v openssl >/dev/null; then
	read -r length from <<END
$(largest "$core")
END
	"$hs" convert "$core" "$work/plain.msl" --compress none --hash sha256 \
		>/dev/null 2>&1
	"$hs" read "$core" "$from" "$length" | zstd -q -1 -o "$work/heap.zst"
	five "$work/pack" "$tool/meter" "$hs" convert "$core" "$work/z.msl" \
		--compress zstd --force 2>/dev/null
	five "$work/zstd" "$tool/meter" zstd -q -1 -T0 -f -o "$work/core.zst" "$core"
	cat "$work"/*.msl "$work/heap.zst" >/dev/null
	five "$work/summary_plain" "$tool/meter" "$hs" "$work/plain.msl" \
		2>/dev/null
	# What is unpacked is new memory, which in a virtual machine costs up to
	# twenty times more the first time: that is seen, and not measured.
	: >"$work/summary_z" >"$work/new"
	for _ in 1 2 3 4 5; do
		"$tool/pass" new >>"$work/new"
		"$tool/meter" "$hs" "$work/z.msl" >>"$work/summary_z" 2>/dev/null
	done
	five "$work/unzstd" "$tool/meter" zstd -q -d -f -o /dev/null \
		"$work/heap.zst"
	five "$work/read" "$tool/meter" "$hs" read "$work/z.msl" "$from" "$length"
	five "$work/dc" "$tool/meter" zstd -q -dc "$work/heap.zst"
	five "$work/verify" "$tool/meter" "$hs" verify "$work/plain.msl"
	five "$work/openssl" "$tool/meter" openssl dgst -sha256 "$work/plain.msl"
	slices=1
fi

"$hs" "$core" --json --summary >"$work/report" 2>/dev/null
chunks=$(awk -v RS=, '/"chunks":/ { sub(/.*: */, ""); n += $0 } END { print n }' \
	"$work/report")
size=$(wc -c <"$core")
plain=$(column 1 <"$work/plain")
t=$(column 1 <"$work/summary")
anon=$(column 3 <"$work/summary")
jt=$(column 1 <"$work/json")
jbytes=$(column 2 <"$work/json")
janon=$(column 3 <"$work/json")

echo
row "what" "measured" "goal"
row "----" "--------" "----"
row "core" "$(calc '%.0f MB' "$size/1e6")"
row "chunks" "$chunks"
row "machine: adding up memory" "$(column 2 <"$work/memory") GB/s"
row "machine: process_vm_readv" "$(column 2 <"$work/readv") GB/s"
row "machine: one plain pass over the core" \
	"$(calc '%.3f s' "$plain")" "$(column 2 <"$work/plain") GB/s"
row "machine: the same on two threads" \
	"$(calc '%.3f s' "$(column 1 <"$work/halves")")" \
	"$(calc '%.2f' "$plain/$(column 1 <"$work/halves")") times as fast"
row "summary of the core" "$(calc '%.3f s' "$t")"
row "  in plain passes" "$(calc '%.2f' "$t/$plain")" "at most 3"
row "  own memory beside the file" "$(calc '%.1f MB' "$anon*1024/1e6")"
row "  per chunk" "$(calc '%.1f bytes' "$anon*1024/$chunks")" "at most 24"
row "full JSON of the core" "$(calc '%.0f MB' "$jbytes/1e6")"
row "  time" "$(calc '%.3f s' "$jt")"
row "  rate, all included" \
	"$(calc '%.0f MB/s' "$jbytes/$jt/1e6")"
row "  rate, beyond the summary's time" \
	"$(calc '%.0f MB/s' "$jbytes/($jt-$t)/1e6")" "at least 150"
row "  own memory beyond the summary's" \
	"$(calc '%.1f MB' "($janon-$anon)*1024/1e6")" "flat"
block=$("$hs" chunks "$core" --state used --top 1 2>/dev/null |
	awk '/^0x/ { print $2; exit }')
five "$work/why" "$tool/meter" "$hs" why "$core" "$block" 2>/dev/null
lt=$(column 1 <"$work/leaks")
row "leaks of the core" "$(calc '%.3f s' "$lt")"
row "  found" "$leaked" "$planted"
row "  in plain passes" "$(calc '%.2f' "$lt/$plain")" "at most 6"
row "  on one processor, in plain passes" \
	"$(calc '%.2f' "$(column 1 <"$work/leaks1")/$plain")"
# The walk of the heap is the summary's, and is one thread's.
row "  beyond the summary, how much faster on all processors" \
	"$(calc '%.2f' "($(column 1 <"$work/leaks1")-$t)/($lt-$t)")" \
	"as the plain pass: nothing has more than that"
row "  own memory per chunk" \
	"$(calc '%.1f bytes' "$(column 3 <"$work/leaks")*1024/$chunks")" \
	"at most 40"
row "why of one block of the core, all included" \
	"$(calc '%.3f s' "$(column 1 <"$work/why")")"
row "owners of the core, in times leaks" \
	"$(calc '%.2f' "$(column 1 <"$work/owners")/$lt")" "at most 3"
# The same bytes, with a word that a match must hold and without any.
for n in 1 2; do
	pattern='session=[0-9a-f]{8}'
	[ $n = 1 ] || pattern='[a-c]{3}[0-9]{4}'
	five "$work/search$n" "$tool/meter" "$hs" search --as regex \
		"$core" "$pattern" 2>/dev/null
	five "$work/grep$n" ok1 "$tool/meter" env LC_ALL=C grep -aboP \
		"$pattern" "$core" 2>/dev/null
	row "search for $pattern, beyond the summary" \
		"$(calc '%.3f s' "$(column 1 <"$work/search$n")-$t")" \
		"grep -P: $(calc '%.3f s' "$(column 1 <"$work/grep$n")")"
done
row "types of the core, in times leaks" \
	"$(calc '%.2f' "$(column 1 <"$work/types")/$lt")" "at most 3"
against() { # against NAME OTHER: how many times as long it takes
	calc '%.2f' "$(column 1 <"$work/$1")/$(column 1 <"$work/$2")"
}
if [ -n "${slices:-}" ]; then
	st=$(column 1 <"$work/summary_plain")
	zt=$(column 1 <"$work/summary_z")
	row "slice, stored: summary, in times the core's" \
		"$(calc '%.2f' "$st/$t")" "at most 1.1"
	row "machine: a gigabyte of new memory, the slowest" \
		"$(sort -n "$work/new" | awk 'END { print $1 }') s"
	row "slice, zstd: summary" "$(calc '%.3f s' "$zt")"
	row "  beyond the stored one's, in times zstd -d" \
		"$(calc '%.2f' "($zt-$st)/$(column 1 <"$work/unzstd")")" \
		"at most 1.3"
	row "  writing it, in times zstd -1 -T0" "$(against pack zstd)" \
		"at most 1.3"
	row "  read of the heap through a pipe, in times zstd -dc" \
		"$(against read dc)" "at most 1.3"
	row "slice: verify, in times openssl dgst -sha256" \
		"$(against verify openssl)" "at most 1.3"
fi
row "live: how long the process stood" \
	"$(calc '%.0f ms' "$stop")" "at most 350"
row "live: summary, all included" \
	"$(calc '%.3f s' "$(column 1 <"$work/live")")"
if command -v python3 >/dev/null; then
	start python python3 -uc 'import json, signal
print("ready"); signal.pause()'
	row "live: python3 stood" "$(paused "$started") ms" "a few ms"
fi
if command -v redis-server >/dev/null; then
	start redis redis-server --port 0 --save "" \
		--unixsocket "$work/redis.sock"
	row "live: redis-server stood" "$(paused "$started") ms" "a few ms"
fi

# naming NAME COMMAND...: types in times leaks, of the heap that COMMAND makes
naming() {
	name=$1; shift
	[ -x "$1" ] || return 0
	rm -f "$work"/core*
	start "$name" "$@"
	heap=$started
	kill -ABRT "$heap"
	wait "$heap" 2>/dev/null || :
	core=$(find "$work" -maxdepth 1 -name 'core*' | head -n 1)
	naming_of "$name" "$core"
}
# Swift has no compiler here: objects of a core that is stored, copied.
naming_swift() {
	stored=$(dirname "$0")/../fixtures/swift/sleaks-6.0
	command -v xz >/dev/null || return 0
	rm -f "$work"/core*
	xz -dc "$stored.core.xz" >"$work/core.small"
	xz -dc "$stored.truth.txt.xz" >"$work/core.truth"
	"$tool/gen_swift" "$work/core.small" "$work/core.truth" 1000000 \
		"$work/core" >/dev/null
	naming_of "Swift" "$work/core"
}
naming_of() { # naming_of NAME CORE
	name=$1 core=$2
	cat "$core" >/dev/null
	five "$work/leaks_$name" ok1 "$tool/meter" "$hs" leaks "$core" \
		2>/dev/null
	five "$work/types_$name" "$tool/meter" "$hs" types "$core" 2>/dev/null
	five "$work/both_$name" ok1 "$tool/meter" "$hs" leaks --types "$core" \
		2>/dev/null
	row "  $name" "$(calc '%.3f s' "$(column 1 <"$work/types_$name")")" \
		"$(against "types_$name" "leaks_$name"); leaks --types $(calc \
			'%.3f s' "$(column 1 <"$work/both_$name")")"
}
echo
row "types of a million blocks" "seconds" "in times leaks, at most 3"
naming "C" "$tool/gen_heap" 1000000
naming "C++" "$tool/gen_objects" 1000000
naming_swift

# growth SIZES: leaks of small blocks, as many as the memory has room for: the
# process and its core take 32 bytes each for a block.
growth() {
	echo
	row "leaks of so many blocks" "seconds" "own bytes a chunk; found"
	for n in "$@"; do
		[ "$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)" -gt \
			$((n / 1024 * 160)) ] || break
		start "small$n" "$tool/gen_heap" "$n" small
		heap=$started
		planted=${line##* }
		rm -f "$work"/core*
		kill -ABRT "$heap"
		wait "$heap" 2>/dev/null || :
		core=$(find "$work" -maxdepth 1 -name 'core*' | head -n 1)
		cat "$core" >/dev/null
		five "$work/leaks$n" ok1 "$tool/meter" "$hs" leaks "$core" \
			2>/dev/null
		found=$("$hs" leaks "$core" 2>/dev/null |
			sed -n '1s/^leaked: \([0-9,]*\) .*/\1/p' | tr -d ,)
		row "  $n" "$(column 1 <"$work/leaks$n")" \
			"$(calc '%.1f' "$(column 3 <"$work/leaks$n")*1024/$n"), $found of $planted"
	done
	rm -f "$work"/core*
}
growth 10000 100000 1000000 10000000 50000000
