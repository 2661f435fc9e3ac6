# SPDX-License-Identifier: MIT
"""compare.py LIVE.json DUMP.json [bare|named]: the report of a slice or core is
that of the live process of the same stop. "bare": a slice without threads'
registers, where only threads' places may differ. "named": one that knows
threads' names, which cores and what is made of them do not."""
import json
import sys


def what_stays(report, bare, named):
    threads = [dict(t) for t in report["threads"]]
    if not named:  # one name for all, and the thread that crashed is first
        for t in threads:
            for key in ("name", "current", "in_malloc"):
                t.pop(key, None)
    if bare:
        for t in threads:
            for key in ("pc", "sp"):
                t.pop(key)
    threads.sort(key=lambda t: t["tid"])
    arenas = [dict(a, threads=sorted(a["threads"])) for a in report["arenas"]]
    allocator = dict(report["allocator"])
    if bare:  # a library's name may come from the library itself
        for key in ("module", "version_source"):
            allocator.pop(key)
    rest = {k: v for k, v in report.items()
            if k in ("chunks", "summary", "mallinfo", "checks")}
    return dict(rest, threads=threads, arenas=arenas, allocator=allocator)


def main():
    bare, named = (word in sys.argv[3:] for word in ("bare", "named"))
    live, there = (json.load(open(name)) for name in sys.argv[1:3])
    a, b = what_stays(live, bare, named), what_stays(there, bare, named)
    bad = 0
    for key in a:
        if a[key] == b[key]:
            continue
        bad = 1
        if isinstance(a[key], list):
            differ = [(x, y) for x, y in zip(a[key], b[key]) if x != y]
            print("FAILED: %s differ: %d and %d, first %s" % (
                key, len(a[key]), len(b[key]), differ[:1]))
        else:
            print("FAILED: %s: %s and %s" % (key, a[key], b[key]))
    if not there["target"]["complete"] or there["target"]["kind"] == "live":
        bad = 1
        print("FAILED: target: %s" % there["target"])
    for problem in there["problems"]:
        if problem["severity"] != "note":
            bad = 1
            print("FAILED: %s: %s" % (problem["code"], problem["message"]))
    if not a["chunks"]:
        bad = 1
        print("FAILED: no chunks were compared")
    sys.exit(bad)


main()
