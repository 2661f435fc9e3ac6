# SPDX-License-Identifier: MIT
"""database.py DATABASE JSON LEDGER DOCS: tables against `chunks --json` and
what fixtures/held.c wrote down; every query of DOCS gives rows."""
import json
import re
import sqlite3
import sys

db = sqlite3.connect("file:%s?mode=ro" % sys.argv[1], uri=True)
db.row_factory = sqlite3.Row


def rows(sql, *values):
    return db.execute(sql, values).fetchall()


def one(sql, *values):
    found = rows(sql, *values)
    assert len(found) == 1, (sql, values, [tuple(r) for r in found])
    return found[0]


assert one("PRAGMA integrity_check")[0] == "ok"
document = json.load(open(sys.argv[2]))
chunks = rows("SELECT * FROM chunks ORDER BY id")
assert len(chunks) == len(document["chunks"])
for row, chunk in zip(chunks, document["chunks"]):
    for key, value in chunk.items():
        if isinstance(value, str) and value.startswith("0x"):
            value = int(value, 16)
        assert row[key] == value, (key, row[key], value)
assert len(rows("SELECT * FROM arenas")) == len(document["arenas"])
threads = [t["tid"] for t in document["threads"]]
assert [r["tid"] for r in rows("SELECT tid FROM threads")] == threads
assert one("SELECT value FROM info WHERE key='complete'")[0] == 1

ids, size = {}, {}
for line in open(sys.argv[3]):
    name, holder, offset, user, usable = line.split()
    row = one("SELECT * FROM chunks WHERE user=?", int(user, 16))
    ids[name], size[name] = row["id"], int(usable)
    assert row["usable"] == int(usable), name
    interior = 16 if name == "inside" else 0
    if holder in ids:
        one("SELECT * FROM refs WHERE source=? AND offset=? AND target=?"
            " AND interior=?", ids[holder], int(offset), row["id"], interior)
    leaked = holder == "leak" or name in ("child", "back")
    assert row["reached"] == (not leaked), name


def retains(name, *below):
    row = one("SELECT * FROM chunks WHERE id=?", ids[name])
    assert row["retained_bytes"] == sum(size[n] for n in (name,) + below), name
    assert row["retained_count"] == 1 + len(below), name


retains("top", "left", "right", "below", "shared", "inside")
retains("left", "below")
retains("right")
retains("shared", "inside")
for name, owner in (("left", "top"), ("shared", "top"), ("below", "left"),
                    ("inside", "shared")):
    assert one("SELECT owner FROM chunks WHERE id=?",
               ids[name])[0] == ids[owner], name
root = one("SELECT * FROM roots WHERE name='table'")
assert root["kind"] == "data" and root["chunk"] == ids["top"]
assert root["parent"].startswith("variables of /")
tls = rows("SELECT * FROM roots WHERE chunk=?", ids["own"])
assert [r["kind"] for r in tls] == ["tls"] and tls[0]["tid"] in threads
owner = one("SELECT * FROM owners WHERE name='table'")
assert owner["retained_count"] == 6
kinds = {r["chunk"]: (r["kind"], r["root"]) for r in rows("SELECT * FROM leaks")}
assert kinds == {ids["head"]: ("root", None),
                 ids["child"]: ("child", ids["head"]),
                 ids["ring"]: ("cycle", None), ids["back"]: ("cycle", None)}
assert sum(r["count"] for r in rows("SELECT count FROM shapes")) == 4
queries = re.findall(r"```sql\n(.*?)```", open(sys.argv[4]).read(), re.S)
assert len(queries) > 5
for query in queries:
    assert rows(query), query
    # What is not known is NULL, also where addresses are written as text.
    assert not any("0x0" in tuple(r) for r in rows(query)), query
below = rows(queries[-1])[0]
assert tuple(below) == (6, sum(size[n] for n in (
    "top", "left", "right", "below", "shared", "inside"))), tuple(below)
