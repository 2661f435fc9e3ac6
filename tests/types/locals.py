#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Variables of functions: what `heapscan at` calls the places that gdb says
they are in, and whether those that led it to blocks have that value for gdb,
which says "<optimized out>" of what nobody can know.

locals.py HEAPSCAN PID TRUTH
"""
import json
import re
import subprocess
import sys

heapscan, pid, truth = sys.argv[1:]
SCRIPT = """
import gdb, json
found, values = [], []
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame = gdb.newest_frame()
    while frame:
        function = frame.function()
        try:
            block = frame.block() if function and function.symtab and \\
                function.symtab.filename.endswith("clocals.c") else None
        except RuntimeError:
            block = None
        line = frame.find_sal().line if block else 0
        while block:
            for symbol in block:
                if not (symbol.is_variable or symbol.is_argument):
                    continue
                name = "%s()::%s" % (block.function or function, symbol.name)
                # What clang had in a register when a call was made, gdb knows
                # as what the function was called with.
                frame.select()
                for say in (lambda: symbol.value(frame), lambda:
                            gdb.parse_and_eval(symbol.name + "@entry")):
                    try:
                        value = say()
                        if value.type.strip_typedefs().code == \
                                gdb.TYPE_CODE_PTR and \
                                not value.is_optimized_out:
                            values.append([int(value), name])
                    except (gdb.error, RuntimeError):
                        pass
                try:
                    value = symbol.value(frame)
                    if value.is_optimized_out or not value.address:
                        continue
                    # One that is declared later has no value yet.
                    if not symbol.is_argument and symbol.line >= line:
                        continue
                    found.append([int(value.address), name])
                except (gdb.error, RuntimeError):
                    pass
            if block.function:
                break
            block = block.superblock
        frame = frame.older()
print("LOCALS=" + json.dumps([found, values]))
"""
run = subprocess.run(
    ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off", "-p", pid,
     "-ex", "python exec(%r)" % SCRIPT],
    stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
said = [l for l in run.stdout.splitlines() if l.startswith("LOCALS=")]
if not said:
    print("gdb says nothing: " + run.stderr[-300:])
    sys.exit(77)
expected = {}
found, values = json.loads(said[0][7:])
for address, name in found:
    expected.setdefault(address, set()).add(name)


def at(addresses):
    """What heapscan says of ADDRESSES."""
    return json.loads(subprocess.run(
        [heapscan, "at", "--json", "--pid", pid] + addresses,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        check=True).stdout)["addresses"]


failures, alike, led = [], 0, 0
with open(truth, encoding="utf-8") as lines:
    blocks = [line.split()[1] for line in lines if line.startswith("object")]
values = {tuple(v) for v in values}
for place in at(blocks):
    way = (place["object"] or {}).get("details", {}).get("pointed to by", "")
    if not re.fullmatch(r"\w+\(\)::\w+", way):
        continue
    led += 1
    if (int(place["address"], 16), way) not in values:
        failures.append("%s is said to be %s, not by gdb" % (
            place["address"], way))
for place in at([hex(a) for a in expected]):
    address = int(place["address"], 16)
    name = place["stack"]["variable"] if place["stack"] else None
    # The first element of an array and the first member are there, too.
    plain = name and name.split("[")[0].split(".")[0]
    if plain in expected[address]:
        alike += 1
    else:
        failures.append("%#x is '%s', gdb says %s" % (
            address, name, sorted(expected[address])))
for line in failures[:10]:
    print(line)
print("%d variables, %d that led to blocks" % (alike, led))
sys.exit(bool(failures) or alike < 2 or led < 10)
