# SPDX-License-Identifier: MIT
"""rows.py JSON CSV NDJSON LEDGER: the same chunks in all three, and those of
the ledger among them."""
import csv
import json
import sys

whole = json.load(open(sys.argv[1]))["chunks"]
with open(sys.argv[2], newline="") as f:
    rows = list(csv.DictReader(f, strict=True))
lines = [json.loads(line) for line in open(sys.argv[3])]
assert whole and lines == whole, "ndjson is not what --json says"
assert len(rows) == len(whole), "csv has %d rows" % len(rows)
for row, chunk in zip(rows, whole):
    assert list(row) == list(chunk), "columns"
    for key, value in chunk.items():
        assert row[key] == ("" if value is None else str(value)), (key, row)
blocks = {int(c["user"], 16): c for c in lines}
for line in open(sys.argv[4]):
    name, _, _, user, usable = line.split()
    chunk = blocks[int(user, 16)]
    assert chunk["usable"] == int(usable), name
    assert chunk["state"] in ("used", "mmapped"), name
