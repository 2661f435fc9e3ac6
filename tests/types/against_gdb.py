#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fields of C structs by `heapscan at`, and the parts of variables that hold
them by `heapscan why`, compared with what gdb says.

against_gdb.py HEAPSCAN PID TRUTH: some structs of each type that TRUTH names.
"""
import json
import re
import subprocess
import sys

heapscan, pid, truth = sys.argv[1:]
with open(truth, encoding="utf-8") as lines:
    cxx = " app::Point\n" in lines.read()
chosen = {}
with open(truth, encoding="utf-8") as lines:
    for line in lines:
        kind, address, name = (line.rstrip("\n") + " ").split(" ", 2)
        name = name.rstrip(" ")
        # Of C++ those whose members gdb can be asked for by a plain name.
        if kind == "object" and re.fullmatch(
                r"struct \w+|anon_t|Global|app::(?!Owner|Floating|Destroyed)"
                r"\w+(<int>)?", name):
            chosen.setdefault(name, []).append(address)
asked = {a: name for name, all_of in chosen.items()
         for a in all_of[0 if cxx else 1:30:9]}
if len(asked) < 10:
    sys.exit("the fixture says too little")

document = json.loads(subprocess.run(
    [heapscan, "at", "--json", "--pid", pid] + list(asked),
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
expected, commands = [], []
for place in document["addresses"]:
    name = asked[place["address"]]
    if place["object"]["type"] != name:
        sys.exit("%s is '%s', not '%s'" % (place["address"],
                                           place["object"]["type"], name))
    for field in place["object"]["fields"]:
        if field["name"].startswith("<") or "_vptr" in field["name"]:
            continue
        # Chars are numbers and characters to gdb; types have more spaces here.
        value = field["value"]
        if field["refers_to"]:
            value = field["refers_to"]
            how = "/x (long)"
            if (field["type"] or "").endswith("&"):
                how += "&"
        elif value is not None:
            how = "" if value != "NULL" else "/d (long)"
            value = value.replace("NULL", "0")
        else:
            continue
        expected.append((name, field["name"], value))
        commands += ["-ex", "echo \\nVALUE=", "-ex", "output%s ((%s *)%s)->%s" % (
            how, name, place["address"], field["name"]), "-ex", "echo \\n"]
if len(expected) < 60:
    sys.exit("only %d fields" % len(expected))

# Where the variable is that leads to a struct.
places, functions = {}, []
for address in [all_of[-1] for all_of in chosen.values() if not cxx]:
    document = json.loads(subprocess.run(
        [heapscan, "why", "--json", "--pid", pid, address],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=False).stdout)
    for path in document["paths"]:
        root = path["root"]
        if root["kind"] != "data" or not root["place"]:
            continue
        function, _, variable = root["place"].rpartition("::")
        if not function:
            places[variable] = root["address"]
            continue
        # What became of the function gdb may not know; the linker's name for
        # its variable is there.
        functions.append(root["place"])
        if not root["symbol"]["name"].startswith(variable):
            sys.exit("'%s' is %s" % (root["place"], root["symbol"]))
if not cxx and (not functions or
                len([p for p in places if "[" in p or "." in p]) < 2):
    sys.exit("too few variables: %s, %s" % (places, functions))
for place, address in places.items():
    expected.append(("variable", place, address))
    commands += ["-ex", "echo \\nVALUE=", "-ex",
                 "output/x (long)&(%s)" % place, "-ex", "echo \\n"]

language = ["-ex", "set print repeats unlimited"]
language += ["-ex", "set language c++"] if cxx else []
run = subprocess.run(["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off",
                      "-p", pid] + language + commands, stdout=subprocess.PIPE,
                     stderr=subprocess.PIPE, text=True, check=False)
values = re.findall(r"^VALUE=(.*)$", run.stdout, re.M)
if not values and "ptrace" in run.stderr:
    print("gdb may not look at the program")
    sys.exit(77)
if len(values) != len(expected):
    sys.exit("gdb gave %d values of %d: %s" % (len(values), len(expected),
                                               run.stderr[-500:]))
wrong = ["%s.%s: '%s', gdb says '%s'" % (*e, v)
         for e, v in zip(expected, values)
         if e[2] != v and not (e[2] == "0" and v.startswith("0"))]
for line in wrong[:10]:
    print(line)
sys.exit(bool(wrong))
