# SPDX-License-Identifier: MIT
"""leaks_everywhere.py [--table FILE] [LIBC|ARCH]...

fixtures/leaks.c under every libc that matrix.py gets: every leak it planted is
found with its kind, and nothing else, live, as a slice of the stopped process
and as a core, each with the libc's debug files, with the ELF files alone, and
with no ELF file at all. A number in the table is how many comparisons failed.
"""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "oracle"))
sys.path.insert(0, HERE)
import leaks  # noqa: E402
import matrix  # noqa: E402
import seen  # noqa: E402

WAYS = ("debug", "stripped", "none")
INTRODUCTION = """\
# Leaks under every glibc

Written by `./dev matrix`; do not edit.

`fixtures/leaks.c` holds blocks in every way there is and leaks some in every
shape there is, on four threads, and writes down which is which. Each row is
one run under that libc's own loader; `leaks` is compared with the ledger block
by block: the stopped process, a slice of it, and its core, with the libc's
debug files (`debug`), with the ELF files alone (`stripped`), and with no ELF
file at all and `--no-symbols` (`none`). The numbers are comparisons that
failed. A dash: arm64 runs under qemu's user mode, where a live process is
qemu's own. Its cores do not tell where threads keep their variables: every
leak is found there, with `low` confidence, and the exit status is 5. From 2.42
on a stack's guard is no mapping of its own; qemu then joins a stack with the
memory that the program mapped below it, which is taken for the unused part of
the stack: what nothing but such memory holds (three blocks) is called leaked
there, and is not counted here.

"""


def build_plugin(libcs, arch, cache):
    compiler = matrix.COMPILERS[arch]
    done = subprocess.run(
        [*compiler, "-O1", "-shared", "-fPIC", "-nodefaultlibs",
         "-Wl,--hash-style=both",
         os.path.join(os.path.dirname(os.path.dirname(HERE)), "fixtures",
                      "plugin.c"),
         "-o", os.path.join(cache, "plugin-" + arch)],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    return done.stdout.strip()[-300:] if done.returncode else None


def run(libc, cache):
    """{(way, kind): failures}, blocks, leaked"""
    empty = os.path.join(cache, "empty")
    os.makedirs(empty, exist_ok=True)
    cells = {}
    blind = None
    if libc.run:
        blind = {"anonymous"} if libc.number >= (2, 42) else set()

    def look(kind, *target):
        for way in WAYS:
            failures = seen.Failures()
            what = "%s %s %s %s" % (libc.version, libc.arch, way, kind)
            try:
                leaks.compare(failures, what, blocks, *target,
                              *matrix.options(way, libc, empty),
                              blind=blind)
            except SystemExit as gone:
                failures.append(str(gone))
            cells[way, kind] = failures

    program = seen.Program(libc.command(
        os.path.join(cache, "leaks-" + libc.arch), "ledger",
        os.path.join(cache, "plugin-" + libc.arch)))
    try:
        program.wait_line("ready")
        program.wait_stopped()
        blocks = leaks.read_ledger(program.path("ledger"))
        if not libc.run:
            look("live", "--pid", str(program.pid))
            look("slice", leaks.capture(program))
        core = program.crash()
        if core:
            look("core", core)
    finally:
        program.close()
    return cells, len(blocks), sum(b[0] in leaks.LEAKED
                                   for b in blocks.values())


def main():
    words = sys.argv[1:]
    table = None
    if words[:1] == ["--table"]:
        table = words[1]
        words = words[2:]
    cache = os.environ.get("MATRIX_CACHE",
                           os.path.join(os.environ["BUILD"], "matrix"))
    os.makedirs(cache, exist_ok=True)
    libcs = matrix.fetch(cache, matrix.SUITES, matrix.ARCHES, 1800)
    unable = {}
    for arch in sorted({c.arch for c in libcs}):
        why = (matrix.build(libcs, arch, cache, "leaks", ("libdl.so.2",)) or
               build_plugin(libcs, arch, cache))
        if why:
            unable[arch] = why
    columns = [(way, kind) for way in WAYS
               for kind in ("live", "slice", "core")]
    rows = ["| libc6 | architecture | blocks | leaked | %s |" % " | ".join(
                "%s, %s" % c for c in columns),
            "| --- | --- | --- | --- | %s |" % " | ".join(["---"] * 9)]
    wrong = reports = 0
    by_arch = matrix.ARCHES.split()
    for libc in sorted(libcs, key=lambda c: (by_arch.index(c.arch),
                                             c.number)):
        if libc.arch in unable or (words and libc.arch not in words
                                   and libc.version not in words):
            continue
        cells, blocks, leaked = run(libc, cache)
        rows.append("| %s | %s | %d | %d | %s |" % (
            libc.version, libc.arch, blocks, leaked, " | ".join(
                str(len(cells[c])) if c in cells else
                "–" if libc.run and c[1] != "core" else "no core"
                for c in columns)))
        print(rows[-1], flush=True)
        for failures in cells.values():
            reports += 1
            wrong += len(failures)
            for text in failures[:6]:
                print("  FAILED: " + text[:400])
    if not reports:
        seen.skip("; ".join("%s: %s" % u for u in unable.items()) or "no libc")
    rows += ["", "%d reports, %d mismatches." % (reports, wrong)]
    rows += ["%s was not tried: %s." % item for item in unable.items()]
    print(rows[-1])
    if table:
        with open(table, "w") as f:
            f.write(INTRODUCTION + "\n".join(rows) + "\n")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
