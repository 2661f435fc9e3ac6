#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What heapscan says of Swift objects beside what their program wrote down.

swift_truth.py TITLE TRUTH HEAPSCAN CORE [plain]

TRUTH is what fixtures/swift/sdemo.swift prints. References by field and
strength, counts as the runtime itself tells them, elements of collections,
and leaks: those of the truth, all of them and no others. With `plain` the
program has no records of fields, so references are not compared.
"""
import json
import re
import subprocess
import sys


def ask(heapscan, *args, stdin=None):
    run = subprocess.run([heapscan, *args, "--json"], input=stdin,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=False, text=True)
    if run.returncode not in (0, 1, 5):
        sys.exit("FAILED: %s: exit status %d" % (args[0], run.returncode))
    return json.loads(run.stdout)


def ask_text(heapscan, core, address):
    return subprocess.run([heapscan, "at", core, address], check=False,
                          text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout.split("\n")


def edges_of(cycle):
    """The edges of a cycle, wherever it begins and whichever element it is."""
    cycle = re.sub(r"\[\d+\] \(strong\)", "[N] (strong)", cycle)
    edges = [edge.strip() for edge in
             re.split(r"(?<=\(strong\)) -> ", cycle)]
    return min(edges[i:] + edges[:i] for i in range(len(edges)))


def cycles_in(text):
    """Those that `leaks` writes, without the first block's second mention."""
    found = []
    for line in text.split("\n"):
        _, mark, cycle = line.partition("retain cycle: ")
        if mark:
            cycle = re.sub(r" \(\d+ times\)$", "", cycle)
            first = re.match(r"(.*?) [.+]", cycle).group(1)
            found.append(edges_of(cycle.removesuffix(" -> " + first)))
    return found


def read_truth(path):
    truth = {"EDGE": [], "COUNTS": [], "ELEMENTS": [], "OBJ": []}
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            words = line.split()
            if words[0] == "CYCLE":
                words = ["CYCLE", edges_of(line[6:].strip())]
            truth.setdefault(words[0], []).append(words[1:])
    return truth


def finish(title, edges, truth, found, wrong):
    print("%s: %d references, %d counts, %d leaks" %
          (title, edges, len(truth["COUNTS"]), len(found)))
    for line in wrong[:20]:
        print("FAILED: %s: %s" % (title, line))
    sys.exit(bool(wrong))


def main():
    title, path, heapscan, core = sys.argv[1:5]
    plain = sys.argv[5:] == ["plain"]
    truth = read_truth(path)
    wrong = []
    asked = sorted({words[0] for kind in ("EDGE", "COUNTS", "ELEMENTS")
                    for words in truth[kind]})
    answer = ask(heapscan, "at", core, "-", "--content",
                 stdin="\n".join(asked))
    objects = {a["address"]: a["object"] for a in answer["addresses"]}

    edges = 0
    for address, field, target, how in [] if plain else truth["EDGE"]:
        found = [(f["refers_to"], f["strength"])
                 for f in objects[address]["fields"] if f["name"] == field]
        edges += found == [(target, how)]
        if found != [(target, how)]:
            wrong.append("%s.%s is %s, not %s %s" %
                         (address, field, found, how, target))
    for address, *said in truth["COUNTS"]:
        # Reading them held the object once, strongly; the object itself is
        # one unowned and one weak reference.
        wanted = [int(count) - 1 for count in said]
        details = objects[address]["details"]
        found = [int(details.get(what, "0"))
                 for what in ("strong", "unowned", "weak")]
        if found != wanted:
            wrong.append("%s counts %s, not %s" % (address, found, wanted))
    for address, count in truth["ELEMENTS"]:
        found = objects[address]["details"].get("elements", "none")
        if found.split(",")[0] != count:
            wrong.append("%s has %s elements, not %s" %
                         (address, found, count))

    # The first object that the source makes.
    first = next((objects[words[1]] for words in truth["OBJ"]
                  if words[2] == "sdemo.Person"), None)
    said = first and {f["name"]: (f["value"], f.get("text"))
                      for f in first["fields"]}
    wanted = {"name": (None, "Ada, who has a long enough name"),
              "age": ("36", None)}
    if first and not plain and said != wanted:
        wrong.append("the first person is %s" % said)

    # A block may have been said to be several things.
    leaked = {words[1] for words in truth["OBJ"]
              if words[0] in ("leaked", "surplus")}
    answer = ask(heapscan, "leaks", core)
    found = {leak["user"]: leak for leak in answer["leaks"]}
    wrong += ["%s leaked, and is not reported" % address
              for address in sorted(leaked - set(found))]
    wrong += ["%s, a %s, is reported, and did not leak" %
              (address, found[address]["type"])
              for address in sorted(set(found) - leaked)]
    over = [words[1] for words in truth["OBJ"] if words[0] == "over"]
    seen = [o["user"] for o in answer["surplus"]]
    if over != seen:
        wrong.append("retained too often are %s, not %s" % (seen, over))
    text = subprocess.run([heapscan, "leaks", core], check=False, text=True,
                          stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout
    cycle = ("sdemo.Parent <-> sdemo.Child retain cycle: "
             "sdemo.Parent .child (strong) -> "
             "sdemo.Child .parent (strong) -> sdemo.Parent")
    shown = cycles_in(text)
    for planted, in truth.get("CYCLE", []):
        if planted not in shown:
            wrong.append("no cycle is shown as " + " -> ".join(planted))
    others = "CYCLE" in truth
    if others:
        wrong += ["something is called " + t["type"] for t in
                  ask(heapscan, "types", core)["types"]
                  if (t["type"] or "").startswith("std::")]
    if not first:
        cycle = ("stasks.Lost <-> stasks.Lost retain cycle: "
                 "stasks.Lost .other (strong) -> "
                 "stasks.Lost .other (strong) -> stasks.Lost")
    if not first and not others:
        # A recursion of 43 waits in a task: its code, then its callers'.
        depths = [sum(line.strip().startswith("then at:") for line in
                      ask_text(heapscan, core, words[1]))
                  for words in truth["OBJ"] if words[2:] == ["Swift", "task"]]
        if sorted(depths)[-2:] != [16, 16]:
            wrong.append("tasks wait %s deep" % depths)
        names = {t["type"]: t["count"] for t in ask(heapscan, "types",
                                                    core)["types"]}
        for name, least in (("Swift task", 16), ("Swift task frames", 16),
                            ("dispatch source", 1)):
            if names.get(name, 0) < least:
                wrong.append("%d times %s" % (names.get(name, 0), name))
    if not plain and not others and cycle not in text:
        wrong.append("the cycle of parent and child is not shown: " + text)
    # The same cycle as a picture.
    if others:
        finish(title, edges, truth, found, wrong)
    inside = [words[1] for words in truth["OBJ"] if words[0] == "leaked" and
              words[2] in ("sdemo.Parent", "stasks.Lost")]
    text = subprocess.run([heapscan, "graph", core, "--around", inside[0]],
                          check=False, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL).stdout
    for field in ("child (strong)", "parent (strong)") if first else (
            "other (strong)",):
        if not plain and 'label="%s"' % field not in text:
            wrong.append("the graph has no field " + field)
    finish(title, edges, truth, found, wrong)


main()
