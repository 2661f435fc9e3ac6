# SPDX-License-Identifier: MIT
"""growth.py DIFF BY LEDGER...: an answer of diff --json against the books."""
import json
import sys


def read(path):
    blocks = {}
    for line in open(path):
        addr, usable, owner = line.split()
        blocks[int(addr, 16)] = (int(usable), owner)
    return blocks


def total(blocks):
    return {"count": len(blocks), "bytes": sum(b[0] for b in blocks)}


def moved(first, last):
    appeared = [b for a, b in last.items()
                if a not in first or first[a][0] != b[0]]
    vanished = [b for a, b in first.items()
                if a not in last or last[a][0] != b[0]]
    return total(appeared), total(vanished)


# The words of docs and man page, from the numbers alone.
def trend(series):
    steps = [b - a for a, b in zip(series, series[1:])]
    half = len(steps) // 2
    if not any(steps):
        return "same"
    if all(s > 0 for s in steps):
        slow = len(series) >= 4 and 2 * sum(steps[-half:]) < sum(steps[:half])
        return "slowing" if slow else "growing"
    if all(s < 0 for s in steps):
        return "shrinking"
    return "rising" if all(s >= 0 for s in steps) else "uneven"


def row_of(document, by, block):
    usable, owner = block
    if by != "owner":
        rows = [r for r in document["by_type"] if r["size"] is not None
                and r["size"] <= usable <= r["size_max"]]
    elif owner == "lost":
        rows = [r for r in document["by_owner"]
                if r["owner"] == "nothing: leaked"]
    elif owner == "mine":
        rows = [r for r in document["by_owner"]
                if r["owner"].startswith("thread-local variable mine of ")]
    else:
        names = ["left", "right"] if owner == "both" else [owner]
        rows = [r for r in document["by_owner"]
                if r["owner"].startswith(
                    tuple("variable %s of " % n for n in names))]
    assert len(rows) == 1, "%s: %d rows" % (block, len(rows))
    return rows[0]


def check_row(row, wanted, ledgers):
    """WANTED: bytes of the row's blocks by ledger, but for a constant."""
    for i, bytes_ in enumerate(wanted):
        said, is_ = row["bytes"][i] - row["bytes"][0], bytes_ - wanted[0]
        assert said == is_, "%s: step %d: %d, not %d" % (row, i, said, is_)
    if len(ledgers) > 2:
        assert row["trend"] == trend(wanted), "%s: %s" % (row, trend(wanted))
    if wanted[-1] > wanted[0]:
        at = int(row["sample"], 16)
        assert at in ledgers[-1], "%s: sample is no block" % row
        assert ledgers[0].get(at, (0,))[0] != ledgers[-1][at][0], \
            "%s: its sample did not appear" % row


def main():
    document = json.load(open(sys.argv[1]))
    by, ledgers = sys.argv[2], [read(p) for p in sys.argv[3:]]
    assert document["same_process"]
    appeared, vanished = moved(ledgers[0], ledgers[-1])
    for what, is_ in (("appeared", appeared), ("vanished", vanished)):
        said = {k: document[what][k] for k in ("count", "bytes")}
        assert said == is_, "%s: %s, not %s" % (what, said, is_)
    bytes_ = [sum(b[0] for b in l.values()) for l in ledgers]
    rest = {s - b for s, b in zip(document["bytes"], bytes_)}
    assert len(rest) == 1, "the whole grows otherwise: %s" % rest
    rows = document["by_owner" if by == "owner" else "by_type"]
    for i in range(len(ledgers)):
        assert sum(r["bytes"][i] for r in rows) == document["bytes"][i]
        assert sum(r["counts"][i] for r in rows) == document["counts"][i]
    sums = {}
    for i, ledger in enumerate(ledgers):
        for block in ledger.values():
            row = row_of(document, by, block)
            wanted = sums.setdefault(id(row), (row, [0] * len(ledgers)))[1]
            wanted[i] += block[0]
    assert len(sums) >= 5
    for row, wanted in sums.values():
        check_row(row, wanted, ledgers)
    if len(ledgers) > 2:
        assert document["verdict"]["trend"] == trend(document["bytes"])
        order = [r["trend"] in ("growing", "slowing") for r in rows]
        assert order == sorted(order, reverse=True), "growers are not first"


try:
    main()
except AssertionError as e:
    sys.exit("FAILED: %s" % e)
