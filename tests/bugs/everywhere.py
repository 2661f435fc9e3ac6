# SPDX-License-Identifier: MIT
"""run.py --matrix: every bug under every libc that tests/matrix gets."""
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


def main(run, bugs):
    cache = os.environ.get("MATRIX_CACHE",
                           os.path.join(os.environ["BUILD"], "matrix"))
    os.makedirs(cache, exist_ok=True)
    libcs = matrix.fetch(cache, matrix.SUITES, matrix.ARCHES, 1800)
    only = sys.argv[2:]
    unable = {}
    for arch in sorted({c.arch for c in libcs}):
        why = matrix.build(libcs, arch, cache, "bugs")
        if why:
            unable[arch] = why
    columns = [c for c in sorted(libcs, key=lambda c: (c.arch, c.number))
               if c.arch not in unable
               and (not only or c.arch in only or c.version in only)]
    if not columns:
        seen.skip("; ".join("%s: %s" % u for u in unable.items()) or
                  "no libc")
    wrong = 0
    print("| program | %s |" % " | ".join(
        "%s %s" % (c.version, c.arch) for c in columns))
    print("| --- | %s |" % " | ".join(["---"] * len(columns)))
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
        print("| `%s` | %s |" % (name, " | ".join(cells)), flush=True)
    print("\n%d programs, %d wrong" % (len(bugs) * len(columns), wrong))
    for item in unable.items():
        print("%s was not tried: %s" % item)
    for text in failed:
        print("FAILED: " + text)
    sys.exit(1 if wrong else 0)
