# SPDX-License-Identifier: MIT
"""namespaces.py [OPTION...]: a process with three libcs (dlmopen): the blocks
of each are in the report, as the program wrote them down, and the sums of all
three hold. Options go to heapscan."""
import os
import sys

import ledger
import seen


def main():
    binary = os.path.join(seen.FIXTURES, "namespaces")
    failures = seen.Failures()
    program = seen.Program([binary, "ledger"])
    try:
        program.wait_line("ready")
        program.wait_stopped()
        live, freed, facts, _ = ledger.read_ledger(program.path("ledger"))
        # ld.so and stdio have blocks of their own in the first libc, among
        # them link maps.
        facts.update(threads=12, stranger=0x1000)
        targets = {"live": ["--pid", str(program.pid)]}
        for what in ("live", "core"):
            if what == "core":
                core = program.crash()
                if not core:
                    break
                targets[what] = [core]
            report = seen.report(failures, what, *targets[what],
                                 *sys.argv[1:])
            found = ledger.compare_blocks(failures, what, live, freed, facts,
                                          report)
            print(what, found)
            seen.compare_sums(failures, what, report)
            mains = [a for a in report["arenas"] if a["kind"] == "main"]
            failures.expect(len(mains) == 3, "%s: %d main arenas, not 3" % (
                what, len(mains)))
    finally:
        program.close()
    if failures or core:
        failures.finish()
    seen.skip(seen.no_core_reason())


main()
