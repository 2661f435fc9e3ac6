#!/bin/sh
# SPDX-License-Identifier: MIT
# Long work on a terminal shows how much is done and how fast; elsewhere nothing.
. "$SOURCE/tests/cli/common.inc"
command -v python3 >/dev/null || skip "python3 is not installed"
cat >"$work/slowly.py" <<'END'
"""slowly.py REGEX COMMAND...: run it on a terminal of its own, slowly, until
what it writes there has such a line."""
import os
import pty
import re
import select
import signal
import sys
import time


def watch(pause):
    pid, terminal = pty.fork()
    if pid == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.execvp(sys.argv[2], sys.argv[2:])
    said = b""
    while True:
        # A little now and then: fast work becomes long work.
        os.kill(pid, signal.SIGSTOP)
        time.sleep(pause)
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.0005)
        if not select.select([terminal], [], [], 0)[0]:
            continue
        try:
            more = os.read(terminal, 65536)
        except OSError:
            more = b""
        said += more
        if re.search(sys.argv[1].encode(), said):
            os.kill(pid, signal.SIGKILL)
        elif more:
            continue
        os.waitpid(pid, 0)
        os.close(terminal)
        return said if more else None


for pause in (0.05, 0.3, 1.2):
    if watch(pause):
        sys.exit()
sys.exit("there was no such line")
END
python3 -c 'import os, signal
big = os.urandom(1 << 20) * 100
print("ready", flush=True)
signal.pause()' >"$work/said" &
program=$!
while ! grep -q ready "$work/said"; do
	kill -0 "$program" 2>/dev/null || { echo "FAILED: no process"; exit 1; }
	sleep 0.1
done
run capture --pid "$program" -o "$work/a.msl" --compress none
[ "$status" = 0 ] || { cat "$work/err"; skip "the process cannot be read"; }
! grep -q '%' "$work/err" || fail "progress where there is no terminal"
line='[0-9]+%, [0-9.]+ [KMG]iB of [0-9.]+ [KMG]iB, [0-9.]+ ([KMG]i)?B/s'
slowly() {
	python3 "$work/slowly.py" "$@" >"$work/said" 2>&1 ||
		fail "$*: $(tail -c 400 "$work/said")"
}
slowly "verifying $line" "$HEAPSCAN" verify "$work/a.msl"
slowly "writing $line" "$HEAPSCAN" convert "$work/a.msl" "$work/b.core" \
	--force
finish
