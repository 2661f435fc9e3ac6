#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A core that bench/gen_swift added objects to, beside the one it was.

swift_grown.py HEAPSCAN CORE GROWN BLOCKS LEAKED CYCLES NODES ARRAYS ENTRIES TEXTS

The numbers are those that gen_swift printed: by them, and by no other, the names,
the leaks and the cycles are more than before, and nothing is damaged.
"""
import json
import subprocess
import sys


def ask(heapscan, *args):
    run = subprocess.run([heapscan, *args, "--json"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=False, text=True)
    if run.returncode not in (0, 1, 5):
        sys.exit("FAILED: %s: exit status %d" % (args[0], run.returncode))
    return json.loads(run.stdout)


def names(heapscan, core):
    return {t["type"]: t["count"]
            for t in ask(heapscan, "types", core, "--all")["types"]}


def leaks(heapscan, core, *args):
    answer = ask(heapscan, "leaks", core, *args)
    pairs = [g for g in answer["groups"] if g["shape"] ==
             "cycle of sleaks.TreeNode -> sleaks.TreeNode"]
    return answer["summary"]["leaked"]["count"], sum(g["count"]
                                                     for g in pairs)


heapscan, core, grown = sys.argv[1:4]
blocks, leaked, cycles, nodes, arrays, entries, texts = map(int, sys.argv[4:])
added = {"sleaks.TreeNode": nodes, "sleaks.Entry": entries,
         "Swift._ContiguousArrayStorage<Swift.AnyObject>": arrays,
         "Swift.__StringStorage": texts}
wrong = []
before, after = names(heapscan, core), names(heapscan, grown)
for name in sorted(set(before) | set(after), key=str):
    more = after.get(name, 0) - before.get(name, 0)
    if more != added.get(name, 0):
        wrong.append("%d more of %s, not %d" % (more, name,
                                                added.get(name, 0)))
if sum(added.values()) != blocks:
    wrong.append("%d blocks were added" % blocks)
was, pairs_before = leaks(heapscan, core)
for args in ((), ("--types",)):
    now, pairs = leaks(heapscan, grown, *args)
    if now - was != leaked:
        wrong.append("%d more leaked, not %d" % (now - was, leaked))
    if pairs - pairs_before != 2 * cycles:
        wrong.append("%d are on cycles, not %d" % (pairs - pairs_before,
                                                   2 * cycles))
if subprocess.run([heapscan, "check", grown], stdout=subprocess.DEVNULL,
                  stderr=subprocess.DEVNULL, check=False).returncode == 1:
    wrong.append("the heap is said to be damaged")
print("grown: %d blocks, %d leaks, %d cycles" % (blocks, leaked, cycles))
for line in wrong[:20]:
    print("FAILED: grown: " + line)
sys.exit(bool(wrong))
