#!/bin/sh
# SPDX-License-Identifier: MIT
# Names in a Redis server beside what it says of its own objects: the address
# of each value, and how many there are. Prints a row as hit_rates.sh does. With
# HS_ROOT the server of that root (see matrix/roots.sh).
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
enter="env -C $work" more=
[ -z "${HS_ROOT:-}" ] || enter="$SOURCE/tests/matrix/enter.sh $HS_ROOT"
[ -z "${HS_ROOT:-}" ] || more=./mallocx.so # Redis 8 needs it
for tool in redis-server redis-cli; do
	$enter sh -c "command -v $tool" >/dev/null || skip "$tool is not installed"
done
version=$($enter redis-server --version | sed 's/.* v=\([0-9.]*\) .*/\1/')
debug="--enable-debug-command local"
case $version in
6.*) debug= ;; # always
esac
cd "$work" || exit 1
server=
trap '[ -z "$server" ] || kill -9 "$server" 2>/dev/null; rm -rf "$work"' EXIT
ask() {
	$enter redis-cli -s ./redis.socket "$@" 2>/dev/null
}

# malloc of the C library in place of jemalloc, where it is linked.
# shellcheck disable=SC2086
$enter env LC_ALL=C "LD_PRELOAD=libc.so.6 $more" redis-server --port 0 \
	--save "" --daemonize no $debug --unixsocket ./redis.socket \
	>"$work/log" 2>&1 &
server=$!
tries=0
until [ "$(ask ping)" = PONG ]; do
	kill -0 $server 2>/dev/null || skip "redis-server ended: $(cat log)"
	tries=$((tries + 1))
	[ $tries -lt 100 ] || skip "redis-server does not answer"
	sleep 0.1
done

ask eval "
for i = 1, 3000 do
	redis.call('set', 'text' .. i, 'a text of some length ' .. i)
	redis.call('set', 'long' .. i % 50, string.rep('long text ', 20 + i))
	redis.call('set', 'number' .. i, 1000000 + i)
	redis.call('rpush', 'list' .. i % 10, string.rep('element ', i % 9))
	redis.call('sadd', 'set' .. i % 5, 'member' .. i)
	redis.call('sadd', 'few' .. i % 20, i)
	redis.call('hset', 'hash' .. i % 3, 'field' .. i, 'value' .. i)
	redis.call('hset', 'little' .. i % 100, 'field' .. i % 3, 'value')
	redis.call('zadd', 'sorted' .. i % 4, i, 'one' .. i)
end" 0 >answer || skip "no scripts: $(cat answer)"

# address KEY TYPE: where the value of KEY is, and what it is.
address() {
	at=$(ask debug object "$1" | sed -n 's/.*Value at:\(0x[0-9a-f]*\) .*/\1/p')
	[ -n "$at" ] && echo "object $at $2"
}
for i in 1 2 3 17 1000 2999; do
	address text$i "Redis string object"
	address number$i "Redis object"
done >truth
for key in long1 list1 list9 set1 few7 hash2 little99 sorted3; do
	address $key "Redis object"
done >>truth
[ "$(wc -l <truth)" = 20 ] || skip "no addresses: $(ask debug object text1)"
# One server has one event loop; --maxclients and 128 more are its places.
echo "exactly 1 Redis event loop
exactly 1 Redis events
exactly 1 Redis fired events
exactly 1 Redis epoll events" >>truth
# Keys, members of the five sets, fields of the three hashes, and members of
# the four sorted sets each have one; commands and the like have, too.
# From 8.0 on most members of a set are in its dict without an entry; from 8.2
# on most keys and fields as well.
entries=$(($(ask dbsize) + 3000 + 3000 + 3000))
case $version in
8.0.*) entries=$((entries - 3000)) ;;
8.*) entries=$((entries / 3)) ;;
esac
echo "least $entries Redis dict entry
exactly 3004 Redis skiplist node
exactly 4 Redis sorted set
exactly 10 Redis quicklist
exactly 20 Redis set of integers
least 3000 Redis string object" >>truth
echo "| program | objects known | named right | blocks named | bytes named |"
echo "| --- | --- | --- | --- | --- |"
python3 "$SOURCE/tests/types/names.py" "Redis $version" truth \
	redis,lua,glibc,text,shape,openssl,libstdc++,c++ "$HEAPSCAN" --pid $server ||
	failures=$((failures + 1))
finish
