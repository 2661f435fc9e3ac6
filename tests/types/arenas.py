#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Objects in areas that a runtime cuts up itself, beside what is known of them.

arenas.py HEAPSCAN TRUTH AREA TITLE ARGS...: TRUTH is what fixtures/objects.py
or fixtures/gobjects wrote, ARGS lead to that process. Prints one row of a table
and what is wrong.
"""
import json
import subprocess
import sys


def ask(command, text=None):
    run = subprocess.run(command, input=text, stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=False,
                         universal_newlines=True)
    if run.returncode not in (0, 5):
        sys.exit("%s: exit status %d" % (" ".join(command), run.returncode))
    return json.loads(run.stdout)


def searched(heapscan, target, answers, objects):
    """Search for how an object begins: is it named, and all that begin so?"""
    known = {int(a["address"], 16): a["part"] for a in answers if a["part"]}
    for address in known:
        if address in objects:
            break
    else:
        return []
    read = subprocess.run([heapscan, "read", *target, "0x%x" % address, "16"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                          check=True)
    answer = ask([heapscan, "search", "--json", "--everywhere", *target,
                  "--as", "hex", read.stdout.hex()])
    hits = {int(h["address"], 16): h["part"] for h in answer["hits"]}
    # Which object holds a block of malloc's is said as well.
    blocks = [a for a in objects if a not in known]
    if known[address]["area"].startswith("pymalloc") and blocks:
        paths = ask([heapscan, "why", "--json", "--paths", "16", *target,
                     "0x%x" % blocks[-1]])["paths"]
        if not any(" in %s +0x" % known[address]["area"] in p["root"]["text"]
                   for p in paths if p["root"]):
            return ["no way begins in " + known[address]["area"]]
    wrong = [] if address in hits else ["0x%x is not found" % address]
    for at, part in hits.items():
        if at in known and part != known[at]:
            wrong.append("search says %s of 0x%x" % (part, at))
    return wrong


def main():
    heapscan, path, where, title, *target = sys.argv[1:]
    objects, counts, dropped = {}, {}, {}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            word, what, name = line.rstrip("\n").split(" ", 2)
            if word == "count":
                counts[name] = int(what)
            elif word == "dropped":
                dropped[int(what, 16)] = name
            elif word != "least":
                objects[int(what, 16)] = name
    wrong, right, parts = [], 0, 0
    answers = ask([heapscan, "at", "--json", *target, "-"],
                  "\n".join("%x" % a for a in {**dropped, **objects}))
    for answer in answers["addresses"]:
        address = int(answer["address"], 16)
        part = answer["part"]
        if address in objects:
            found = part or answer["object"] or {"type": None}
            parts += part is not None
            right += found["type"] == objects[address]
            if found["type"] != objects[address]:
                wrong.append("0x%x is a %s, not %s" % (
                    address, objects[address], found["type"]))
        elif part and part["live"] and part["type"] == dropped[address]:
            wrong.append("0x%x is no %s any more" % (address, part["type"]))
    wrong += searched(heapscan, target, answers["addresses"], objects)
    report = ask([heapscan, "types", "--json", *target])
    areas = [a for a in report["areas"] if a["area"] == where]
    area = areas[0] if areas else {"types": [], "named": {"count": 0}}
    in_blocks = {t["type"]: t["count"] for t in report["types"]}
    found = {}
    for row in area["types"]:
        found[row["type"]] = found.get(row["type"], 0) + row["count"]
    for name, count in counts.items():
        if found.get(name, 0) + in_blocks.get(name, 0) != count:
            wrong.append("%d %s were counted, there are %d" % (
                found.get(name, 0), name, count))
    for total in ("count", "bytes"):
        if areas and sum(t[total] for t in area["types"]) != \
                area["named"][total]:
            wrong.append("the %s of types are not those named" % total)
    if not parts:
        wrong.append("no object is in an arena")
    live, share = area.get("live"), ""
    if live:
        share = "of %d | %.1f %%" % (
            live["count"], 100.0 * area["named"]["bytes"] / live["bytes"])
        if live["bytes"] > area["bytes"]:
            wrong.append("more is in use than there is")
    print("| %s | %d | %d | %d %s |" % (
        title, len(objects), right, area["named"]["count"],
        share or "| not known"))
    for line in wrong[:20]:
        print("FAILED: %s: %s" % (title, line))
    sys.exit(bool(wrong))


main()
