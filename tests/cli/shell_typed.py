# SPDX-License-Identifier: MIT
"""What a person at a terminal sees of `heapscan shell`."""
import os
import pty
import select
import signal
import sys
import time

heapscan, core, block = sys.argv[1:]
pid, tty = pty.fork()
if pid == 0:
    os.environ.update(TERM="xterm", NO_COLOR="1")
    os.execv(heapscan, [heapscan, "shell", core])
seen = ""


def wait_for(text, since=0):
    """All output up to TEXT; the position behind it."""
    global seen
    end = time.monotonic() + 60
    while text not in seen[since:]:
        assert time.monotonic() < end, (text, seen[since:])
        if select.select([tty], [], [], 1)[0]:
            try:
                seen += os.read(tty, 65536).decode(errors="replace")
            except OSError:
                raise AssertionError(("ended", text, seen[since:]))
    return seen.index(text, since) + len(text)


def type_in(text):
    os.write(tty, text.encode())


try:
    at = wait_for("heapscan> ")
    assert "is open" in seen, seen
    type_in("summ\t\n")  # completed
    at = wait_for("in use in", at)
    at = wait_for("heapscan> ", at)
    type_in("leaks --fai\t 1000\n")
    at = wait_for("leaked: ", at)
    at = wait_for("heapscan> ", at)
    assert "no such option" not in seen, seen
    type_in("wh \x03")  # given up
    type_in("\nwhy %s\n" % block)
    at = wait_for("variable table", at)
    at = wait_for("heapscan> ", at)
    type_in("\x1b[A\n")  # the line before, from the history
    at = wait_for("variable table", at)
    at = wait_for("heapscan> ", at)
    type_in("arenas | (cat; expr 6 '*' 7; sleep 600)\n")
    at = wait_for("\n42", at)
    type_in("\x03")  # one answer given up, not the shell
    at = wait_for("heapscan> ", at)
    type_in("quit\n")
    end = time.monotonic() + 60
    while True:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            break
        assert time.monotonic() < end, ("does not end", seen[at - 300:])
        if select.select([tty], [], [], 0.1)[0]:
            try:
                seen += os.read(tty, 65536).decode(errors="replace")
            except OSError:
                pass
    pid = 0
    assert os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0, status
finally:
    if pid:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
