# SPDX-License-Identifier: MIT
"""trim.py: what `heapscan rss` says malloc_trim(0) would give back is what it
gives back, and what it calls resident is what the kernel does."""
import json
import os
import signal
import subprocess
import sys

import seen

# Blocks of many sizes, a few of each hundred kept; asked, then trimmed.
PROGRAM = """
import ctypes, os, signal, sys
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
libc.malloc.argtypes = [ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
def anon():
    for line in open("/proc/self/status"):
        if line.startswith("RssAnon"):
            return int(line.split()[1]) * 1024
blocks = []
for i in range(40000):
    size = 100 + (i * 7919) % 3000
    p = libc.malloc(size)
    libc.memset(p, 1, size)
    blocks.append(p)
for i, p in enumerate(blocks):
    if i % 100 > 3 or i > 39000:
        libc.free(p)
anon()
os.kill(os.getpid(), signal.SIGSTOP)
before = anon()
libc.malloc_trim(0)
print(before - anon(), flush=True)
os.kill(os.getpid(), signal.SIGSTOP)
"""


def look_at_process(failures, said, pid):
    """While it stands: the whole is the kernel's, and so are its parts."""
    kernel = {}
    with open("/proc/%d/smaps_rollup" % pid) as f:
        for line in f:
            words = line.split()
            if words[0] == "Rss:":
                kernel["rss"] = int(words[1]) * 1024
    files = 0
    is_file = False
    with open("/proc/%d/smaps" % pid) as f:
        for line in f:
            words = line.split()
            if "-" in words[0] and not words[0].endswith(":"):
                is_file = words[4] != "0"
            elif words[0] == "Rss:" and is_file:
                files += int(words[1]) * 1024
    p = said["process"]
    failures.expect(p["resident"] == kernel["rss"], "resident: %d, not %d" % (
        p["resident"], kernel["rss"]))
    failures.expect(p["files"] == files, "files: %d, not %d" % (
        p["files"], files))
    whole = said["heap"]["resident"] + p["files"] + p["stacks"] + p["other"]
    failures.expect(whole == p["resident"], "the parts are %d" % whole)
    failures.expect(p["stacks"] > 0, "no stack is resident")
    pins, pinned = said["pins"], said["pinned"]
    for sum_, is_ in (("pages", "pages"), ("free_bytes", "free_bytes")):
        added = sum(pin[sum_] for pin in pins)
        failures.expect(added == pinned[is_], "pins: %s are %d, not %d" % (
            sum_, added, pinned[is_]))
    failures.expect(all(0 < pin["blocks"] <= pin["pages"] or
                        pin["type"] is None for pin in pins), "pinning blocks")


def main():
    failures = seen.Failures()
    program = seen.Program([sys.executable, "-c", PROGRAM],
                           {"PYTHONMALLOC": "pymalloc"})
    try:
        program.wait_stopped()
        done = subprocess.run(
            [seen.HEAPSCAN, "rss", "--pid", str(program.pid), "--json"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        failures.expect(done.returncode == 0, "exit status %d: %s" % (
            done.returncode, done.stderr))
        said = json.loads(done.stdout)
        if said["source"] != "pagemap":
            seen.skip("the kernel does not let us see the page map")
        look_at_process(failures, said, program.pid)
        os.kill(program.pid, signal.SIGCONT)
        gave = int(program.process.stdout.readline())
    finally:
        program.close()
    trim = said["trim"]["bytes"]
    print("predicted %d, given back %d" % (trim, gave))
    # The program itself takes and frees a little in between.
    failures.expect(trim > 20 << 20, "only %d bytes to trim" % trim)
    failures.expect(abs(trim - gave) <= max(trim // 100, 256 << 10),
                    "predicted %d, given back %d" % (trim, gave))
    failures.expect(said["heap"]["resident"] <= said["process_resident"],
                    "the heap is larger than the process")
    failures.expect(said["verdict"] in ("trim", "fragmentation"),
                    "the verdict is " + said["verdict"])
    failures.finish()


if __name__ == "__main__":
    main()
