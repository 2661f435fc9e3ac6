# SPDX-License-Identifier: MIT
"""ledger.py NAME LETTERS|plain [TUNABLES]: what heapscan says of a program is
what the program itself wrote down (fixtures/shapes.c), block by block."""
import bisect
import os
import sys

import seen

FREE = ("tcache", "fastbin", "unsorted", "smallbin", "largebin", "top")


def read_ledger(path):
    live, freed, facts = {}, {}, {}
    with open(path) as f:
        text = f.read()
    for line in text.splitlines():
        word, *rest = line.split()
        if word == "live":
            live[int(rest[0], 16)] = int(rest[2])
        elif word == "freed":
            freed[int(rest[0], 16)] = int(rest[1])
        elif word == "threads":
            facts["threads"] = int(rest[0])
    return live, freed, facts, seen.numbers(text)


def compare_blocks(failures, what, live, freed, facts, report):
    chunks = report["chunks"]
    by_user = {int(c["user"], 16): c for c in chunks}
    starts = [int(c["address"], 16) for c in chunks]

    for addr, usable in live.items():
        chunk = by_user.get(addr)
        if not chunk:
            failures.append("%s: live block %#x is in no chunk" % (what, addr))
            continue
        failures.expect(chunk["state"] in ("used", "mmapped"),
                        "%s: live block %#x is called %s" % (
                            what, addr, chunk["state"]))
        failures.expect(chunk["usable"] == usable,
                        "%s: block %#x has %d usable bytes, not %d" % (
                            what, addr, usable, chunk["usable"]))

    # What nobody wrote down and is in use belongs to libc itself: a dtv for
    # each thread, the loader's tables in a static program (seven blocks in
    # 2.41), and little else. More would be freed blocks called used.
    strangers = [c for c in chunks if c["state"] in ("used", "mmapped")
                 and int(c["user"], 16) not in live]
    failures.expect(len(strangers) <= 2 * facts["threads"] + 5,
                    "%s: %d blocks in use that nobody took: %s" % (
                        what, len(strangers), strangers[:3]))
    for c in strangers:
        failures.expect(c["size"] <= facts.get("stranger", 0x800),
                        "%s: libc itself has no use for %s" % (what, c))

    found = {state: 0 for state in FREE}
    for addr in freed:
        i = bisect.bisect_right(starts, addr) - 1
        if i < 0 or addr >= starts[i] + chunks[i]["size"]:
            continue  # given back to the kernel
        chunk = chunks[i]
        user = int(chunk["user"], 16)
        if chunk["state"] in FREE:
            found[chunk["state"]] += 1
            continue
        reused = user in live or chunk["state"] == "internal" or \
            chunk in strangers
        failures.expect(reused, "%s: freed block %#x lies in a chunk called "
                        "%s" % (what, addr, chunk["state"]))
    return found


def main():
    name, letters = sys.argv[1:3]
    letters = "" if letters == "plain" else letters
    env = {}
    if len(sys.argv) > 3:
        env["GLIBC_TUNABLES"] = sys.argv[3]
    binary = os.path.join(seen.FIXTURES, name)
    if not os.path.exists(binary):
        seen.skip("'%s' could not be built here" % name)

    failures = seen.Failures()
    program = seen.Program([binary, "ledger", letters], env)
    try:
        program.wait_line("ready")
        program.wait_stopped()
        live, freed, facts, said = read_ledger(program.path("ledger"))
        print("%d live, %d freed, %d threads" % (
            len(live), len(freed), facts["threads"]))
        reports = {"live": seen.report(failures, "live", "--pid",
                                       str(program.pid))}
        core = program.crash()
        if core:
            reports["core"] = seen.report(failures, "core", core)
        for what, report in reports.items():
            found = compare_blocks(failures, what, live, freed, facts, report)
            print(what, found)
            wanted = set(FREE) if letters == "" and not env else {"top"}
            version = report["allocator"]["version"] or "0.0"
            if tuple(map(int, version.split("."))) >= (2, 43):
                wanted.discard("fastbin")  # glibc has none any more
            summary = report["summary"]["states"]
            for state in sorted(wanted):
                failures.expect(summary.get(state, {}).get("count", 0) > 0,
                                "%s: no chunk is %s" % (what, state))
            failures.expect(len(report["threads"]) == facts["threads"],
                            "%s: %d threads, not %d" % (
                                what, len(report["threads"]),
                                facts["threads"]))
            seen.compare_mallinfo(failures, what, said, report)
            seen.compare_sums(failures, what, report)
        if core:
            seen.compare_reports(failures, reports["live"], reports["core"])
    finally:
        program.close()
    if failures or core:
        failures.finish()
    seen.skip(seen.no_core_reason())


if __name__ == "__main__":
    main()
