# SPDX-License-Identifier: MIT
"""run.py --matrix [--only WORD]... [--table FILE]: every bug under every libc
that tests/matrix gets, or under those whose version or architecture is WORD."""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "matrix"))
import matrix  # noqa: E402
import seen  # noqa: E402

# What a release does with the same mistake. Not a bug there, or one that the
# memory does not show: (name, what must hold for the libc's version).
NOT_SHOWN = {
    # without fastbins the blocks are merged, and the link is nobody's
    "uaf-fastbin": lambda n: n >= (2, 43),
    # before safe-linking the same bytes are a link to somewhere else
    "uaf-tcache-abort": lambda n: n < (2, 32),
}
# qemu's cores name no files and no threads: no symbol leads to what glibc said,
# and caches are found by their shape alone, which these bugs break.
NOT_IN_QEMU = {"double-free-tcache", "double-free-fasttop",
               "double-free-unsorted", "double-free-fastbin",
               "double-free-two-lists", "free-shifted", "free-inside",
               "house-of-spirit", "uaf-tcache-abort"}


INTRODUCTION = """# What damaged a heap, under every libc

Written by `./dev matrix`; do not edit. [damage.md](damage.md) says what the
programs do.

The confidence of the first diagnosis, which names what the program did and
whose block is to blame; at most one in a hundred of the other chunks is told
wrong. Live where the program stops and is not emulated, and as cores. A dash is
a mistake that this release does not show (without fastbins the block is merged;
before safe-linking the bytes are a good link), or that a core of qemu's user
mode, which names neither files nor threads, does not.

"""


def main(run, bugs):
    parser = argparse.ArgumentParser(prog="run.py --matrix")
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--table", help="write the table to this file")
    args = parser.parse_args(sys.argv[2:])
    cache = os.environ.get("MATRIX_CACHE",
                           os.path.join(os.environ["BUILD"], "matrix"))
    os.makedirs(cache, exist_ok=True)
    libcs = matrix.fetch(cache, matrix.SUITES, matrix.ARCHES, 1800)
    unable = {}
    for arch in sorted({c.arch for c in libcs}):
        why = matrix.build(libcs, arch, cache, "bugs")
        if why:
            unable[arch] = why
    columns = [c for c in sorted(libcs, key=lambda c: (c.arch, c.number))
               if c.arch not in unable
               and all(o in (c.arch, c.version, "%d.%d" % c.number)
                       for o in args.only)]
    if not columns:
        seen.skip("; ".join("%s: %s" % u for u in unable.items()) or
                  "no libc")
    wrong = 0
    lines = []

    def say(line):
        print(line, flush=True)
        lines.append(line + "\n")
    say("| program | %s |" % " | ".join(
        "%s %s" % (c.version, c.arch) for c in columns))
    say("| --- | %s |" % " | ".join(["---"] * len(columns)))
    failed = []
    for name in bugs:
        cells = []
        for libc in columns:
            emulated = libc.arch in matrix.EMULATORS
            if NOT_SHOWN.get(name, lambda n: False)(libc.number) or (
                    emulated and name in NOT_IN_QEMU):
                cells.append("–")
                continue
            failures = seen.Failures()
            got = run(failures, name, libc.command(
                os.path.join(cache, "bugs-" + libc.arch)),
                "%s %s %s: " % (libc.version, libc.arch, name), not emulated)
            wrong += bool(failures)
            failed += failures
            if failures:
                cells.append("**wrong**")
            elif got is None:
                cells.append("no core")
            else:
                cells.append(got[1]["confidence"] if got[1] else "sound")
        say("| `%s` | %s |" % (name, " | ".join(cells)))
    say("\n%d programs, %d wrong" % (len(bugs) * len(columns), wrong))
    for item in unable.items():
        say("%s was not tried: %s" % item)
    if args.table:
        with open(args.table, "w") as f:
            f.write(INTRODUCTION + "".join(lines))
    for text in failed:
        print("FAILED: " + text)
    sys.exit(1 if wrong else 0)
