# SPDX-License-Identifier: MIT
"""matrix.py [--quick] [--only WORD]... [--table FILE]

Every glibc that this machine's Debian mirror offers, on every architecture
that runs here, in every shape: fixtures/shapes.c runs under that libc's own
loader, and heapscan's report of it is compared with the ledger the program
wrote, with mallinfo2(3) and with malloc_info(3), as a live process and as a
core, three ways:

  debug     with the libc's debug files
  stripped  with the ELF files alone
  none      with no ELF file at all and --no-symbols

A number in the table is how many comparisons failed: none should.
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

HERE = os.path.dirname(os.path.abspath(__file__))
BUILD = os.environ["BUILD"]
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "oracle"))
import ledger  # noqa: E402
import seen  # noqa: E402

# Debian's own names for what is current: they stay when releases change.
SUITES = "oldoldstable oldstable stable testing unstable experimental"
ARCHES = "amd64 i386 arm64"
QUICK_SUITES = "oldoldstable unstable"

# name: letters for the program, environment
SHAPES = {
    "plain": ("", {}),
    "one thread": ("1", {}),
    "one arena (mallopt)": ("a", {}),
    "two arenas": ("cm", {"MALLOC_ARENA_MAX": "2"}),
    "freed by others": ("c", {}),
    "foreign sbrk": ("f", {}),
    "brk blocked": ("n", {}),
    "both": ("fn", {}),
    "several heaps": ("m", {}),
    "perturbed": ("p", {}),
    "tcache_max raised": (
        "c", {"GLIBC_TUNABLES": "glibc.malloc.tcache_max=4000000"}),
    "tcache_count 100": (
        "c", {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=100"}),
    "no tcache": ("c", {"GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}),
    "no fastbins": ("c", {"GLIBC_TUNABLES": "glibc.malloc.mxfast=0"}),
    "huge pages advised": ("", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}),
    "huge pages taken": ("m", {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"}),
}
QUICK_SHAPES = ("plain", "brk blocked", "tcache_max raised")

COMPILERS = {
    "amd64": ["gcc"],
    "i386": ["gcc", "-m32", "-idirafter", "/usr/include/x86_64-linux-gnu"],
    "arm64": ["aarch64-linux-gnu-gcc"],
}
EMULATORS = {"arm64": ["qemu-aarch64"]}


class HugePages:
    """Set aside while the matrix runs, if this machine allows it: without
    them malloc does as if nobody had asked for any."""
    PATH = "/proc/sys/vm/nr_hugepages"

    def __enter__(self):
        self.before = None
        try:
            with open(self.PATH) as f:
                before = f.read()
            with open(self.PATH, "w") as f:
                f.write(str(int(before) + 64))
            self.before = before
        except OSError:
            print("no huge pages can be set aside here")

    def __exit__(self, *_):
        if self.before is not None:
            with open(self.PATH, "w") as f:
                f.write(self.before)


class Libc:
    def __init__(self, line):
        self.version, self.arch, self.folder = line.split()
        found = glob.glob(self.folder + "/root/**/libc.so.6", recursive=True)
        self.lib = os.path.dirname(found[0])
        self.loader = glob.glob(self.lib + "/ld-linux*.so.*")[0]
        self.debug = self.folder + "/debug/usr/lib/debug"
        number = self.version.split("-")[0].split(".")
        self.number = (int(number[0]), int(number[1]))
        self.run = EMULATORS.get(self.arch, [])

    def command(self, program, *arguments):
        return [*self.run, self.loader, "--library-path", self.lib, program,
                *arguments]


def fetch(cache, suites, arches, limit):
    try:
        done = subprocess.run(
            [os.path.join(HERE, "libcs.sh"), cache, suites, arches],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
            timeout=limit)
    except subprocess.TimeoutExpired:
        seen.skip("the mirror did not give the packages within %d s" % limit)
    if done.returncode:
        print(done.stdout, end="")
        sys.exit(done.returncode)
    return [Libc(line) for line in done.stdout.splitlines()]


def build(libcs, arch, folder, name="shapes", more=()):
    """The program, linked with the oldest libc and MORE of its libraries: a
    newer one runs it too, but not the other way round. Why not, or None."""
    compiler = COMPILERS[arch]
    if not shutil.which(compiler[0]):
        return "no '%s' here" % compiler[0]
    if arch in EMULATORS and not shutil.which(EMULATORS[arch][0]):
        return "no '%s' here" % EMULATORS[arch][0]
    oldest = min((c for c in libcs if c.arch == arch), key=lambda c: c.number)
    libraries = [os.path.join(oldest.lib, library)
                 for library in ("libc.so.6", "libpthread.so.0", *more)]
    done = subprocess.run(
        [*compiler, "-O1", "-g", "-D_GNU_SOURCE", "-fPIE", "-pie",
         os.path.join(os.path.dirname(os.path.dirname(HERE)),
                      "fixtures", name + ".c"),
         "-o", os.path.join(folder, name + "-" + arch), "-nodefaultlibs",
         "-Wl,-z,dynamic-undefined-weak", "-Wl,--hash-style=both",
         *libraries, oldest.loader, "-lgcc"],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        return "cannot build for it: " + done.stdout.strip()[-300:]
    return None


def read_info(path):
    """What malloc_info(3) says: {type: (count, bytes)} and system memory."""
    root = ElementTree.parse(path).getroot()
    total = {t.get("type"): (int(t.get("count")), int(t.get("size")))
             for t in root.findall("total")}
    system = [int(s.get("size")) for s in root.findall("system")
              if s.get("type") == "current"]
    heaps = [int(s.get("size")) for s in root.findall("heap/system")
             if s.get("type") == "current"]
    return total, system[0], sorted(heaps)


def compare_info(failures, what, info, report):
    total, system, heaps = info
    states = report["summary"]["states"]

    def of(*names):
        some = [states[n] for n in names if n in states]
        return (sum(s["count"] for s in some),
                sum(s["chunk_bytes"] for s in some))

    binned = of("unsorted", "smallbin", "largebin")
    top = of("top")
    mine = {
        "fast": of("fastbin"),
        # It counts every arena's top, and adds the size field as it stands,
        # flag and all, for each binned chunk.
        "rest": (binned[0] + len(report["arenas"]),
                 binned[1] + binned[0] + top[1]),
        "mmap": (report["mallinfo"]["hblks"], report["mallinfo"]["hblkhd"]),
    }
    for kind, said in total.items():
        failures.expect(kind in mine and said == mine[kind],
                        "%s: malloc_info counts %s of '%s', not %s" % (
                            what, said, kind, mine.get(kind)))
    found = sorted(a["system_mem"] or 0 for a in report["arenas"])
    failures.expect(found == heaps and sum(found) == system,
                    "%s: malloc_info says system memory %s, not %s" % (
                        what, heaps, found))


def compare_origin(failures, what, way, libc, report):
    """That each way is what it claims to be."""
    allocator = report["allocator"]
    if way == "debug":
        expected = ("dwarf", "symbol")
    else:
        expected = ("built-in", "evidence")
    got = (allocator["layout_source"], allocator["main_arena_source"])
    failures.expect(got == expected, "%s: layout and main arena by %s" % (
        what, got))
    if way != "none":
        said = "%d.%d" % libc.number
        failures.expect(allocator["version"] == said,
                        "%s: version %s, not %s" % (
                            what, allocator["version"], said))


def options(way, libc, empty):
    return {
        "debug": ["--debug-dir", libc.debug],
        "stripped": ["--debug-dir", empty],
        "none": ["--sysroot", empty, "--debug-dir", empty, "--no-symbols"],
    }[way]


class Case:
    """One program run: its books, and the reports about it."""

    def __init__(self, libc, shape, binary, empty):
        self.libc, self.shape, self.empty = libc, shape, empty
        letters, env = SHAPES[shape]
        self.emulated = bool(libc.run)
        self.wanted = set(ledger.FREE) if shape == "plain" else {"top"}
        if libc.number >= (2, 43):
            self.wanted.discard("fastbin")  # glibc has none any more
        if self.emulated:
            env = {}
            for name, value in SHAPES[shape][1].items():
                env["QEMU_SET_ENV"] = "%s=%s" % (name, value)
        self.chunks = 0
        self.failures = {}
        program = seen.Program(libc.command(binary, "ledger", letters + "i"),
                               env)
        try:
            program.wait_line("ready")
            program.wait_stopped()
            self.books = ledger.read_ledger(program.path("ledger"))
            self.info = read_info(program.path("ledger.xml"))
            for way in ("debug", "stripped", "none"):
                if not self.emulated:
                    self.look(way, "live", "--pid", str(program.pid))
            core = program.crash()
            for way in ("debug", "stripped", "none"):
                if core:
                    self.look(way, "core", core)
        finally:
            program.close()

    def look(self, way, kind, *target):
        what = "%s %s %s %s %s" % (self.libc.version, self.libc.arch,
                                   self.shape, way, kind)
        failures = seen.Failures()
        self.failures[way, kind] = failures
        try:
            report = seen.report(failures, what, *target,
                                 *options(way, self.libc, self.empty))
        except SystemExit as gone:
            failures.append(str(gone))
            return
        live, freed, facts, said = self.books
        ledger.compare_blocks(failures, what, live, freed, facts, report)
        states = report["summary"]["states"]
        for state in sorted(self.wanted):
            failures.expect(states.get(state, {}).get("count", 0) > 0,
                            "%s: no chunk is %s" % (what, state))
        failures.expect(len(report["threads"]) == facts["threads"],
                        "%s: %d threads, not %d" % (
                            what, len(report["threads"]), facts["threads"]))
        seen.compare_mallinfo(failures, what, said, report)
        seen.compare_sums(failures, what, report)
        compare_info(failures, what, self.info, report)
        if not self.emulated:
            compare_origin(failures, what, way, self.libc, report)
        self.chunks = max(self.chunks, len(report["chunks"]))

    def cell(self, way, kind):
        failures = self.failures.get((way, kind))
        return "–" if failures is None else str(len(failures))


WAYS = [(way, kind) for way in ("debug", "stripped", "none")
        for kind in ("live", "core")]


def table(cases, unable):
    rows = ["| libc6 | architecture | shape | chunks | %s |" % " | ".join(
                "%s, %s" % way for way in WAYS),
            "| --- | --- | --- | --- | %s |" % " | ".join(["---"] * 6)]
    for c in cases:
        rows.append("| %s | %s | %s | %d | %s |" % (
            c.libc.version, c.libc.arch, c.shape, c.chunks,
            " | ".join(c.cell(*way) for way in WAYS)))
    reports = sum(len(c.failures) for c in cases)
    wrong = sum(len(f) for c in cases for f in c.failures.values())
    rows += ["", "%d programs, %d reports, %d mismatches." % (
        len(cases), reports, wrong)]
    rows += ["%s was not tried: %s." % item for item in unable.items()]
    return "\n".join(rows) + "\n", wrong


INTRODUCTION = """\
# The matrix

Written by `./dev matrix`; do not edit.

Each row is one run of `fixtures/shapes.c` under that libc's own loader. The
report is compared with the program's ledger block by block, with mallinfo2(3)
(mallinfo(3) before 2.33), with malloc_info(3) and with malloc's own sums.
The numbers are comparisons that failed: live and core, with debug files
(`debug`), with the ELF files alone (`stripped`), with no ELF file at all and
`--no-symbols` (`none`). A dash: arm64 runs under qemu's user mode, where a
live process is qemu's own.

"""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", action="append", default=[],
                        help="cases whose libc, architecture or shape is this")
    parser.add_argument("--table", help="write the table to this file")
    args = parser.parse_args()
    if args.quick and os.environ.get("HS_SANITIZED"):
        seen.skip("the matrix runs with the build that users have")
    cache = os.environ.get("MATRIX_CACHE", os.path.join(BUILD, "matrix"))
    os.makedirs(cache, exist_ok=True)
    empty = os.path.join(cache, "empty")
    os.makedirs(empty, exist_ok=True)
    if args.quick:
        libcs = fetch(cache, QUICK_SUITES, "amd64", 60)
    else:
        libcs = fetch(cache, SUITES, ARCHES, 1800)

    unable, cases = {}, []
    arches = sorted({c.arch for c in libcs})
    for arch in arches:
        why = build(libcs, arch, cache)
        if why:
            unable[arch] = why
    for libc in sorted(libcs, key=lambda c: (c.arch, c.number)):
        for shape in QUICK_SHAPES if args.quick else SHAPES:
            words = (libc.version, libc.arch, shape,
                     "%d.%d" % libc.number)
            if libc.arch in unable or not all(o in words for o in args.only):
                continue
            case = Case(libc, shape, os.path.join(cache, "shapes-" + libc.arch),
                        empty)
            cases.append(case)
            print(libc.version, libc.arch, shape, case.chunks,
                  *(case.cell(*way) for way in WAYS), flush=True)
            for failures in case.failures.values():
                for text in failures[:6]:
                    print("  FAILED: " + text[:400])
    if not cases:
        seen.skip("; ".join("%s: %s" % u for u in unable.items()) or
                  "no such case")
    text, wrong = table(cases, unable)
    print("\n" + text.split("\n\n", 1)[1], end="")
    if args.table:
        with open(args.table, "w") as f:
            f.write(INTRODUCTION + text)
    if args.quick and not any(kind == "core" for c in cases
                              for _, kind in c.failures) and not wrong:
        seen.skip(seen.no_core_reason())
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    with HugePages():
        main()
