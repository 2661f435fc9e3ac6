#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Who holds which object of Python: what `why` says beside the program's word.

holders.py HEAPSCAN TRUTH TITLE ANSWERS ARGS...: TRUTH is what
fixtures/holders.py wrote, ARGS lead to that process. Prints one row of a table
and what is wrong; the answers go into the file ANSWERS.
"""
import json
import os
import subprocess
import sys


def ask(heapscan, target, addresses):
    """Many questions at once: one document for each address."""
    lines = "".join("why 0x%x --json --references\n" % a for a in addresses)
    run = subprocess.run([heapscan, "shell", *target], input=lines,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                         check=False, universal_newlines=True)
    decode, text, answers = json.JSONDecoder(), run.stdout, []
    while text.strip():
        answer, end = decode.raw_decode(text.lstrip())
        text = text.lstrip()[end:]
        answers.append(answer)
    if len(answers) != len(addresses):
        sys.exit("%d answers to %d questions: %s" % (
            len(answers), len(addresses), run.stdout[-300:]))
    return dict(zip(addresses, answers))


def validate(answers, kind="why"):
    """The documents are as published."""
    try:
        import jsonschema
    except ImportError:
        return
    path = os.path.join(os.environ["SOURCE"], "docs", "schema",
                        "heapscan-1.schema.json")
    with open(path, encoding="utf-8") as file:
        schema = json.load(file)
    del schema["oneOf"]
    part = dict(schema, **{"$ref": "#/definitions/" + kind})
    for answer in answers:
        error = jsonschema.exceptions.best_match(
            jsonschema.Draft7Validator(part).iter_errors(answer))
        if error:
            sys.exit("no %s: %s: %s" % (kind, error.message, list(answer)))


def check_shares(heapscan, target, truth, wrong):
    """What variables hold, and what nothing does."""
    run = subprocess.run([heapscan, "owners", "--objects", "--json", "--all",
                          *target], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL, check=False)
    answer = json.loads(run.stdout)
    validate([answer], "object_owners")
    rows = {r["expression"]: r for r in answer["object_owners"]}
    hoard, want = rows["__main__.hoard"], truth["hoarded"]
    if hoard["objects"] != want["objects"] or \
            not want["bytes"] <= hoard["bytes"] < 2 * want["bytes"]:
        wrong.append("the hoard is %s, not %s" % (hoard, want))
    if answer["garbage"]["objects"] != truth["garbage"]:
        wrong.append("garbage is %s, not %s" % (answer["garbage"],
                                                truth["garbage"]))
    if answer["unseen"]["objects"] != 1 or \
            int(answer["unseen"]["example"], 16) != truth["unseen"]:
        wrong.append("not seen is %s" % answer["unseen"])
    for total in ("objects", "bytes"):
        if sum(r[total] for r in answer["object_owners"]) != \
                answer["held"][total]:
            wrong.append("the %s of all variables are not the sum" % total)


class Judge:
    def __init__(self, truth):
        self.edges = {int(a): set(to) for a, to in truth["edges"].items()}
        self.dicts = set(truth["dicts"])
        self.wrong, self.steps = [], [0, 0]

    def refers(self, holder, to):
        """An attribute is its object's or its dict's: both have it, and which
        of them says so to the collector differs between releases."""
        known = self.edges[holder]
        return to in known or any(to in self.edges.get(d, ()) for d in known
                                  if d in self.dicts)

    def check_steps(self, what, steps):
        """Each holder that the collector knows must refer to the next."""
        for before, after in zip(steps, steps[1:]):
            holder, to = int(before["address"], 16), int(after["address"], 16)
            self.steps[1] += 1
            if holder not in self.edges or after["how"] == "(its memory)":
                continue
            self.steps[0] += 1
            if not self.refers(holder, to):
                self.wrong.append("%s: 0x%x does not refer to 0x%x (%s)" % (
                    what, holder, to, after["how"]))

    def check_references(self, answer):
        """All that it refers to, and no more than that."""
        address = int(answer["address"], 16)
        if address not in self.edges:
            return
        found = {int(s["address"], 16) for s in answer["references"]
                 if s["how"] != "(its memory)" and s["sure"]}
        for to in (to for to in found if not self.refers(address, to)):
            self.wrong.append("0x%x does not refer to 0x%x" % (address, to))


def main():
    heapscan, path, title, out, *target = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        truth = json.load(file)
    judge, right = Judge(truth), 0
    held = {t["address"]: t for t in truth["held"]}
    answers = ask(heapscan, target, [*held, *truth["lost"], truth["unseen"],
                                     truth["gone"]])
    if "error" in answers[truth["gone"]]:
        del answers[truth["gone"]]
    validate(answers.values())
    for address, item in held.items():
        found, want = answers[address]["object"], item["expression"]
        if not found or found["expression"] != want or \
                found["state"] != "held" or found["confidence"] != "high":
            judge.wrong.append("%s: %s" % (want, found and (
                found["state"], found["confidence"], found["expression"])))
            continue
        right += 1
        if item["memory"] != (answers[address]["block"] is not None):
            judge.wrong.append("%s: a block, or none" % want)
        if not item["memory"] and (found["counted"], found["seen"]) != (1, 1):
            judge.wrong.append("%s: counted %s, seen %s" % (
                want, found["counted"], found["seen"]))
        judge.check_steps(want, found["steps"])
        if not item["memory"]:
            judge.check_references(found)
    for address in truth["lost"]:
        found = answers[address]["object"]
        if (found["state"], found["confidence"]) != ("garbage", "high"):
            judge.wrong.append("0x%x is garbage, not %s" % (
                address, found["state"]))
        judge.check_steps("garbage", found["steps"])
        judge.check_references(found)
    found = answers[truth["unseen"]]["object"]
    if found["state"] != "unseen" or found["unseen"]["more"] != 1 or \
            int(found["unseen"]["address"], 16) != truth["unseen"]:
        judge.wrong.append("what a library holds is %s" % found["state"])
    # The place may have been used again since, by whatever.
    found = answers.get(truth["gone"], {}).get("object")
    if found and found["type"] == "Target" and found["state"] == "held":
        judge.wrong.append("what was left over in a list is held by it")
    check_shares(heapscan, target, truth, judge.wrong)
    if judge.steps[0] < judge.steps[1] // 2:
        judge.wrong.append("too few steps could be looked up")
    print("| %s | %d | %d | %d of %d steps | |" % (title, len(held), right,
                                           *judge.steps))
    for line in judge.wrong[:20]:
        print("FAILED: %s: %s" % (title, line))
    with open(out, "w", encoding="utf-8") as file:
        for address in held:
            json.dump(answers[address]["object"], file)
            file.write(os.linesep)
    sys.exit(bool(judge.wrong))


main()
