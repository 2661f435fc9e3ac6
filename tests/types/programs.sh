#!/bin/sh
# SPDX-License-Identifier: MIT
# What share of the bytes in use of real programs, as the distribution ships
# them, has no name; the second table of docs/types.md. Checked are those that
# keep most of what they have in arenas that are known.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
cd "$work" || exit 1
pids=
trap 'for p in $pids; do kill -9 "$p" 2>/dev/null; done; rm -rf "$work"' EXIT

# program TITLE MOST COMMAND...: the row of one that runs until it is ended; no
# more than MOST percent may be without a name.
program() {
	title=$1 most=$2
	shift 2
	command -v "$1" >/dev/null || return
	"$@" >/dev/null 2>&1 </dev/null &
	pids="$pids $!"
	look "$title" $! "$most"
}

# fed TITLE MOST TEXT COMMAND...: the same with TEXT as input, which does not end.
fed() {
	title=$1 most=$2 text=$3
	shift 3
	command -v "$1" >/dev/null || return
	mkfifo "$work/in"
	"$@" >/dev/null 2>&1 <"$work/in" &
	pids="$pids $!"
	exec 5>"$work/in"
	printf '%s\n' "$text" >&5
	look "$title" $! "$most"
	exec 5>&-
	rm "$work/in"
}

# look TITLE PID: when its heap no longer changes.
look() {
	before= tries=0
	while [ $tries -lt 50 ]; do
		now=$("$HEAPSCAN" --pid "$2" --json --summary 2>/dev/null |
			grep -A3 '"in_use"')
		[ -n "$now" ] && [ "$now" = "$before" ] && break
		before=$now
		tries=$((tries + 1))
		sleep 0.2
	done
	"$HEAPSCAN" types --json --pid "$2" >"$work/types" 2>/dev/null || {
		echo "| $1 | ended, or no heap of glibc's | |"
		return
	}
	python3 - "$1" "$work/types" "${3:-100}" <<-'END' ||
		import json, sys
		title, path, most = sys.argv[1:]
		answer = json.load(open(path, encoding="utf-8"))
		summary = answer["summary"]
		live, named = summary["live"], summary["named"]
		rest = 100 - 100 * named["bytes"] / max(live["bytes"], 1)
		print("| %s | %d of %d | %.1f %% |" % (
		    title, named["count"], live["count"], rest))
		own = {"perl": "perl", "nginx": "nginx", "swift": "swift",
		       "lua": "lua redis-server", "redis": "redis-server",
		       "libxml2": "xmllint", "sqlite": "sqlite3",
		       "bash": "bash", "curl": "curl sleep",
		       "libreoffice": "soffice", "postgresql": "postgres"}
		wrong = [t["type"] for t in answer["types"]
		         if title.split()[0] not in
		         own.get(t["type_source"], title).split()]
		if wrong:
		    print("FAILED: %s has %s" % (title, wrong))
		sys.exit(rest > float(most) or bool(wrong))
	END
		fail "$1: too much has no name, or a wrong one"
}

echo "| program | blocks named | bytes without a name |"
echo "| --- | --- | --- |"
program "sleep in cmake" 15 cmake -E sleep 1000
program "perl with POSIX" 40 perl -e 'use POSIX; use Data::Dumper; sleep 1000'
program "node" 100 node -e 'setTimeout(() => {}, 1e6)'
program "dbus-daemon" 70 dbus-daemon --session --nofork \
	"--address=unix:path=$work/bus"
program "gio monitor" 100 env "DBUS_SESSION_BUS_ADDRESS=unix:path=$work/bus" \
	gio monitor "$work"
program "gdb" 100 gdb -nx -batch -ex "python import time; time.sleep(1000)" \
	/usr/bin/perl
# malloc of the C library in place of jemalloc, where it is linked.
fed "sqlite3 with a table in memory" 10 "create table t(a, b);
with recursive c(x) as (select 1 union all select x + 1 from c where x < 100000)
insert into t select x, 'row number ' || x from c;" sqlite3 :memory:
fed "lua with 20,000 tables" 10 "t = {} for i = 1, 20000 do t[i] = {i, 's' .. i} end
" lua5.4 -i
python3 -c 'print("<a>" + "<b c=\"1\">text</b>" * 5000 + "</a>")' >tree.xml
fed "xmllint of 5,000 elements" 25 "ls" xmllint --shell tree.xml
program "openssl s_server" 40 openssl s_server -accept 127.0.0.1:0 -nocert
fed "bash with 500 functions" 20 'for i in {1..500}
do eval "v$i=value$i"; eval "f$i() { echo $i; }"; done' bash --norc -i
fed "git cat-file" 60 HEAD git -C "$SOURCE" cat-file --batch-check
# A client in the middle of a transfer, whose server says no more.
if command -v openssl >/dev/null && command -v curl >/dev/null &&
	openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem \
		-out certificate.pem -days 2 -subj /CN=localhost 2>/dev/null; then
	cat >server.py <<-'END'
		import socket, ssl
		context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
		context.load_cert_chain("certificate.pem", "key.pem")
		server = socket.create_server(("127.0.0.1", 0))
		with open("port.new", "w", encoding="utf-8") as file:
		    file.write(str(server.getsockname()[1]))
		import os
		os.rename("port.new", "port")
		client = context.wrap_socket(server.accept()[0], server_side=True)
		client.recv(4096)
		client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n")
		client.recv(4096)
	END
	python3 server.py >/dev/null 2>&1 &
	pids="$pids $!"
	tries=0
	until [ -s port ] || [ $tries -ge 100 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	[ ! -s port ] || program "curl with TLS" 40 curl -sk \
		"https://127.0.0.1:$(cat port)/"
fi
program "redis-server" 100 env LD_PRELOAD=libc.so.6 redis-server --port 0 \
	--save "" --unixsocket "$work/redis"
echo 'events { worker_connections 64; }
http { access_log off; server { listen unix:nginx.sock; } }' >nginx.conf
program "nginx" 45 nginx -p "$work" -c "$work/nginx.conf" \
	-g "daemon off; master_process off; pid $work/pid; error_log /dev/null;"
/usr/bin/python3 -c 'import asyncio, json, signal
signal.pause()' 2>/dev/null &
pids="$pids $!"
look "python3 with asyncio" $! 25
finish
