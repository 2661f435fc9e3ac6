#!/bin/sh
# SPDX-License-Identifier: MIT
# Names in a PostgreSQL server beside its own view of its memory contexts: how
# many blocks each has. Prints a row as hit_rates.sh does.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
bin=
for at in /usr/local/bin /usr/bin /usr/lib/postgresql/*/bin; do
	[ -x "$at/initdb" ] && [ -x "$at/postgres" ] && bin=$at
done
[ -n "$bin" ] || skip "PostgreSQL is not installed"
as= # the server refuses to be root
if [ "$(id -u)" = 0 ]; then
	id postgres >/dev/null 2>&1 || skip "no user postgres"
	as="setpriv --reuid=postgres --regid=postgres --clear-groups"
	chown postgres "$work"
fi
cd "$work" || exit 1
server= keeper=
# Its end ends all that it started.
trap '[ -z "$server" ] || kill -QUIT "$server" 2>/dev/null
	[ -z "$keeper" ] || kill "$keeper" 2>/dev/null
	wait 2>/dev/null
	rm -rf "$work"' EXIT

$as "$bin/initdb" -D "$work/data" -A trust -U postgres --no-sync \
	>init.log 2>&1 || skip "no data directory: $(tail -n 1 init.log)"
cat >>data/postgresql.conf <<END
listen_addresses = ''
unix_socket_directories = '$work'
shared_buffers = '2MB'
autovacuum = off
END
$as "$bin/postgres" -D "$work/data" >server.log 2>&1 &
server=$!
tries=0
until "$bin/psql" -h "$work" -U postgres -c 'select 1' >/dev/null 2>&1; do
	kill -0 $server 2>/dev/null ||
		skip "PostgreSQL ended: $(tail -n 1 server.log)"
	tries=$((tries + 1))
	[ $tries -lt 200 ] || skip "PostgreSQL does not answer: $(tail -n 1 server.log)"
	sleep 0.1
done

# A session that stays, with cursors of every kind in the middle of their work.
# What it says of its memory comes twice: what is the same both times is no
# matter of the question.
mkfifo in
"$bin/psql" -h "$work" -U postgres -XqAt <in >answers 2>errors &
keeper=$!
exec 5>in
question="select 'context', name, total_nblocks from pg_backend_memory_contexts;"
cat >&5 <<END
create temporary table t(a int primary key, b text);
insert into t select g, 'row ' || g from generate_series(1, 20000) g;
begin;
declare sorted cursor for select * from t join t as u using (a) order by u.b;
fetch 5 from sorted;
prepare known as select count(*) from pg_class, pg_attribute
	where attrelid = pg_class.oid;
execute known;
$question
select 'again';
$question
select 'session', pg_backend_pid();
END
tries=0
until session=$(sed -n 's/^session|//p' answers) && [ -n "$session" ]; do
	kill -0 $keeper 2>/dev/null || skip "no session: $(tail -n 1 errors)"
	tries=$((tries + 1))
	[ $tries -lt 300 ] || skip "no answer: $(tail -n 1 errors)"
	sleep 0.1
done
# What a question makes for itself and throws away again is no truth.
python3 - answers >truth <<'END'
import collections
import sys
runs = [collections.Counter(), collections.Counter()]
now = runs[0]
for line in open(sys.argv[1], encoding="utf-8"):
    words = line.rstrip("\n").split("|")
    if words[0] == "again":
        now = runs[1]
    if words[0] == "context":
        now[words[1]] += int(words[2])
for name, blocks in sorted(runs[0].items()):
    if blocks == runs[1][name] and name not in (
            "MessageContext", "ExecutorState", "ExprContext", "PortalContext",
            "TransactionAbortContext", "TopTransactionContext", "printtup",
            "Table function arguments", "ErrorContext"):
        print("exactly", blocks, "PostgreSQL memory context", name)
END
for name in TopMemoryContext CacheMemoryContext "index info" "Caller tuples" \
	HashBatchContext "Relcache by OID"; do
	grep -q " PostgreSQL memory context $name\$" truth ||
		fail "nothing is known of '$name': $(head -c 300 truth)"
done
# Nothing but the session's own may have changed since.
echo "| program | objects known | named right | blocks named | bytes named |"
echo "| --- | --- | --- | --- | --- |"
"$HEAPSCAN" --pid "$session" --summary --json >probe 2>&1 ||
	skip "cannot be looked at: $(tail -n 1 probe)"
python3 "$SOURCE/tests/types/names.py" "PostgreSQL" truth \
	postgresql,glibc,text,shape,openssl,libtasn1,libstdc++,c++,libxml2 \
	"$HEAPSCAN" --pid "$session" || failures=$((failures + 1))
exec 5>&-
finish
