# SPDX-License-Identifier: MIT
"""mallinfo.py python|perl|redis: the mallinfo that heapscan computes from
outside is what mallinfo2(3) says inside, in programs that nobody here wrote.
The question is asked by fixtures/oracle.c, preloaded."""
import os
import shutil
import signal
import socket
import subprocess
import sys

import seen

PYTHON = """
import os, signal, threading
table = {i: "value %d" % i * (i % 7) for i in range(60000)}
trees = [[[j] * (i % 5) for j in range(20)] for i in range(2000)]
for i in range(0, 60000, 3):
    del table[i]
del trees[::2]
big = [bytearray(200000 + i) for i in range(10)]
del big[3:6]
gate, ready = os.pipe(), threading.Barrier(4)
def work(n):
    mine = [bytes(j % 900) for j in range(5000)]
    del mine[::n]
    ready.wait()
    os.read(gate[0], 1)
def at_rest(thread):
    with open("/proc/self/task/%d/syscall" % thread.native_id) as f:
        word = f.read().split()
    return len(word) > 1 and int(word[1], 16) == gate[0]
workers = [threading.Thread(target=work, args=(n,), daemon=True)
           for n in (2, 3, 5)]
for w in workers:
    w.start()
ready.wait()
# What they still free behind the barrier would come after the question.
while not all(at_rest(w) for w in workers):
    pass
print("ready", flush=True)
while True:
    signal.pause()
"""

PERL = """
$| = 1;
my (%h, @a);
$h{"key $_"} = { n => $_, text => "x" x ($_ % 300) } for 1 .. 40000;
delete $h{"key $_"} for grep { $_ % 3 == 0 } 1 .. 40000;
push @a, "y" x (1000 * $_) for 1 .. 300;
splice @a, 50, 100;
print "ready\\n";
sleep 1000 while 1;
"""


def start_python(env):
    return seen.Program([sys.executable, "-c", PYTHON],
                        dict(env, PYTHONMALLOC="malloc"))


def start_perl(env):
    perl = shutil.which("perl") or seen.skip("perl is not installed")
    return seen.Program([perl, "-e", PERL], env)


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Redis(seen.Program):
    """Debian's redis uses jemalloc; with libc preloaded before it, malloc is
    glibc's. It listens on the loopback interface only."""

    def __init__(self, env):
        server = shutil.which("redis-server") or seen.skip(
            "redis-server is not installed")
        with open(server, "rb") as f:
            if b"\0mallocx\0" in f.read():
                seen.skip("this redis-server calls jemalloc by name as well "
                          "(mallocx), and cannot be given glibc's malloc")
        libraries = subprocess.run(["ldd", server], stdout=subprocess.PIPE,
                                   text=True, check=True).stdout
        libc = [line.split()[2] for line in libraries.splitlines()
                if line.strip().startswith("libc.so.6 ")][0]
        env = dict(env, LD_PRELOAD=libc + " " + env["LD_PRELOAD"])
        self.port = free_port()
        super().__init__([
            server, "--port", str(self.port), "--bind", "127.0.0.1",
            "--save", "", "--appendonly", "no", "--daemonize", "no",
            "--enable-debug-command", "local"], env)

    def wait_line(self, text):
        super().wait_line("Ready to accept connections")
        with socket.create_connection(("127.0.0.1", self.port)) as s:
            replies = s.makefile("rb")

            def ask(*words):
                s.sendall(b"*%d\r\n" % len(words) + b"".join(
                    b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
                reply = replies.readline()
                if reply[:1] not in b"+:":
                    sys.exit("FAILED: redis answers %r" % reply)

            ask(b"DEBUG", b"POPULATE", b"20000", b"key", b"150")
            for i in range(3000):
                ask(b"RPUSH", b"list:%d" % (i % 50), b"v" * (i % 400))
            for i in range(0, 20000, 4):
                ask(b"DEL", b"key:%d" % i)
            ask(b"PING")


def main():
    starters = {"python": start_python, "perl": start_perl, "redis": Redis}
    failures = seen.Failures()
    answer = os.path.join(os.getcwd(), "oracle.%d" % os.getpid())
    program = starters[sys.argv[1]]({
        "LD_PRELOAD": os.path.join(seen.FIXTURES, "oracle.so"),
        "HEAPSCAN_ORACLE": answer})
    try:
        program.wait_line("ready")
        os.kill(program.pid, signal.SIGRTMIN + 7)
        program.wait_stopped()
        with open(answer) as f:
            said = seen.numbers(f.read())
        print("the process says", said)
        live = seen.report(failures, "live", "--pid", str(program.pid))
        seen.compare_mallinfo(failures, "live", said, live)
        seen.compare_sums(failures, "live", live)
        # a signal that leaves a core and that no program handles
        core = program.crash(signal.SIGSYS)
        if core:
            dead = seen.report(failures, "core", core)
            seen.compare_mallinfo(failures, "core", said, dead)
            seen.compare_sums(failures, "core", dead)
            seen.compare_reports(failures, live, dead)
    finally:
        program.close()
        if os.path.exists(answer):
            os.unlink(answer)
    if failures or core:
        failures.finish()
    seen.skip(seen.no_core_reason())


main()
