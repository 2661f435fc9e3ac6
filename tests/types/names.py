#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names of types beside the truth that a program wrote about itself.

names.py TITLE TRUTH SOURCES HEAPSCAN ARGS...

TRUTH has lines "object ADDRESS NAME", "inside ADDRESS NAME" (the block around
that address), "maybe ADDRESS NAME" (that name or none), "gone ADDRESS",
"nameless ADDRESS" (in use, and nobody can know what it is),
"least N NAME" (so many, or more), "exactly N NAME" and, from Swift, "OBJ TAG ADDRESS NAME".
SOURCES, with commas, are those that may name a block of this program at all. ARGS go to `heapscan chunks --json`. Prints one row of a table
and what is wrong; the exit status is 1 when something is.
"""
import bisect
import json
import subprocess
import sys


def read_truth(path):
    objects, inside, maybe, gone, nameless = {}, {}, {}, set(), set()
    least, exactly = {}, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.rstrip("\n").split(" ")
            if words[0] == "object":
                objects[int(words[1], 16)] = " ".join(words[2:])
            elif words[0] == "inside":
                inside[int(words[1], 16)] = " ".join(words[2:])
            elif words[0] == "maybe":
                maybe[int(words[1], 16)] = " ".join(words[2:])
            elif words[0] == "OBJ":
                objects[int(words[2], 16)] = " ".join(words[3:])
            elif words[0] == "least":
                least[" ".join(words[2:])] = int(words[1])
            elif words[0] == "exactly":
                exactly[" ".join(words[2:])] = int(words[1])
            elif words[0] == "nameless":
                nameless.add(int(words[1], 16))
            elif words[0] == "gone":
                gone.add(int(words[1], 16))
    return objects, inside, maybe, gone, nameless, least, exactly


def main():
    title, truth, sources, *command = sys.argv[1:]
    objects, inside, maybe, gone, nameless, least, exactly = \
        read_truth(truth)
    sources = set(sources.split(","))
    run = subprocess.run([command[0], "chunks", "--json"] + command[1:],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=False)
    if run.returncode not in (0, 5):
        sys.exit("%s: exit status %d" % (title, run.returncode))
    wrong, found, alike = [], set(), 0
    live = named = live_bytes = named_bytes = 0
    chunks = json.loads(run.stdout)["chunks"]
    users = [int(chunk["user"], 16) for chunk in chunks]
    for address, name in inside.items():
        at = bisect.bisect_right(users, address) - 1
        if at >= 0 and address < users[at] + chunks[at]["usable"]:
            objects[users[at]] = name
        else:
            wrong.append("0x%x is in no block" % address)
    for chunk in chunks:
        user, name = int(chunk["user"], 16), chunk["type"]
        in_use = chunk["state"] in ("used", "mmapped")
        live += in_use
        live_bytes += chunk["usable"] * in_use
        if name is None:
            continue
        named += 1
        if name in least:
            least[name] -= 1
        if name in exactly:
            exactly[name] -= 1
        named_bytes += chunk["usable"]
        if not in_use or user in gone:
            wrong.append("0x%x is free, and called '%s'" % (user, name))
        if user in nameless:
            wrong.append("0x%x is nothing, and called '%s'" % (user, name))
        if chunk["type_source"] not in sources:
            wrong.append("0x%x is called '%s' by %s" %
                         (user, name, chunk["type_source"]))
        if name != maybe.get(user, name):
            wrong.append("0x%x is '%s', not '%s'" % (user, maybe[user], name))
        if user in objects:
            found.add(user)
            if name == objects[user]:
                alike += 1
            else:
                wrong.append("0x%x is '%s', not '%s'" %
                             (user, objects[user], name))
    wrong += ["0x%x, a '%s', has no name" % (user, objects[user])
              for user in sorted(set(objects) - found)]
    wrong += ["%d blocks are missing that are '%s'" % (count, name)
              for name, count in least.items() if count > 0]
    wrong += ["%d blocks %s that are '%s'" %
              (abs(count), "are missing" if count > 0 else "too many", name)
              for name, count in exactly.items() if count != 0]
    print("| %s | %d | %d | %d of %d | %.1f %% |" %
          (title, len(objects), alike, named, live,
           100.0 * named_bytes / max(live_bytes, 1)))
    for line in wrong[:20]:
        print("FAILED: %s: %s" % (title, line))
    sys.exit(bool(wrong))


main()
