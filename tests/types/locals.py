#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Variables of functions: what `heapscan at` calls the places that gdb says
they are in.

locals.py HEAPSCAN PID
"""
import json
import subprocess
import sys

heapscan, pid = sys.argv[1:]
SCRIPT = """
import gdb, json
found = []
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
                try:
                    value = symbol.value(frame)
                    if value.is_optimized_out or not value.address:
                        continue
                    # One that is declared later has no value yet.
                    if not symbol.is_argument and symbol.line >= line:
                        continue
                    found.append([int(value.address), "%s()::%s" % (
                        block.function or function, symbol.name)])
                except (gdb.error, RuntimeError):
                    pass
            if block.function:
                break
            block = block.superblock
        frame = frame.older()
print("LOCALS=" + json.dumps(found))
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
for address, name in json.loads(said[0][7:]):
    expected.setdefault(address, set()).add(name)
document = json.loads(subprocess.run(
    [heapscan, "at", "--json", "--pid", pid] + [hex(a) for a in expected],
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
failures, alike = [], 0
for place in document["addresses"]:
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
print("%d variables" % alike)
sys.exit(bool(failures) or alike < 2)
