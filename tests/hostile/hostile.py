# SPDX-License-Identifier: MIT
"""hostile.py [--count N] [--seed S] [--keep FOLDER] [PROGRAM...]: cores and
slices of fixtures with something in them changed (headers, notes, pointers,
sizes of chunks, the debug info beside them), and every command asked about
each. Whatever it says: none may crash, hang or take all memory.

One of a sanitized build shows most. What fails is kept in FOLDER."""
import argparse
import mmap
import os
import random
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "oracle"))
import seen  # noqa: E402

PLUGIN = os.path.join(seen.FIXTURES, "plugin.so")
PROGRAMS = {
    "shapes": ["ledger"],
    "leaks": ["ledger", PLUGIN],
    "threads": [PLUGIN],
    "clocals-optimised": ["ledger"],
    "ctypes-dwarf5": ["ledger"],
    "cxxtypes-dwarf5": ["ledger"],
}
COMMANDS = """summary
threads
check
types
leaks
owners
rss
bins
graph
chunks --json
at {}
why {}
leaks --json
types --json
"""
SECONDS = 60  # of a processor; the sound ones take one, sanitized
MEMORY = 2 << 30
SANITIZED = bool(os.environ.get("HS_SANITIZED"))


def limits():
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 5))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if not SANITIZED:  # a sanitizer maps 16 TB
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def ask(target, addresses):
    """What went wrong in a run of every command, or None."""
    options = "hard_rss_limit_mb=%d:max_allocation_size_mb=%d:exitcode=99" % (
        MEMORY >> 20, MEMORY >> 20)
    environment = dict(os.environ,
                       ASAN_OPTIONS=options + ":detect_leaks=1",
                       UBSAN_OPTIONS="exitcode=99:print_stacktrace=1")
    done = subprocess.run(
        [seen.HEAPSCAN, "shell", target], preexec_fn=limits,
        input=COMMANDS.format(" ".join(addresses), addresses[0]).encode(),
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = done.stderr.decode(errors="replace")
    if done.returncode == -signal.SIGXCPU:
        return "no answer after %d seconds" % SECONDS
    if done.returncode < 0 or done.returncode > 5:
        return "exit status %d:\n%s" % (done.returncode, said[:4000])
    return None


class File:
    """A file whose bytes are changed, and are as before at the end of with."""

    def __init__(self, path):
        self.path = path
        self.size = os.path.getsize(path)
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)
        self.undo = []

    def put(self, at, new):
        new = new[:max(0, self.size - at)]
        self.undo.append((at, self.map[at:at + len(new)]))
        self.map[at:at + len(new)] = new

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        for at, old in reversed(self.undo):
            self.map[at:at + len(old)] = old
        self.undo = []
        self.map.flush()


def elf_header(data):
    """Of an ELF file: 64-bit?, program headers, section headers."""
    wide = data[4] == 2
    if wide:
        phoff, shoff = struct.unpack_from("<QQ", data, 32)
        phentsize, phnum, shentsize, shnum, names = struct.unpack_from(
            "<HHHHH", data, 54)
    else:
        phoff, shoff = struct.unpack_from("<II", data, 28)
        phentsize, phnum, shentsize, shnum, names = struct.unpack_from(
            "<HHHHH", data, 42)
    return wide, (phoff, phentsize, phnum), (shoff, shentsize, shnum, names)


def segments(data):
    """(type, flags, offset, address, bytes in the file) of each."""
    wide, (at, size, count), _ = elf_header(data)
    for i in range(count):
        if wide:
            kind, flags, offset, addr, _, length = struct.unpack_from(
                "<IIQQQQ", data, at + i * size)
        else:
            kind, offset, addr, _, length, _, flags = struct.unpack_from(
                "<IIIIIII", data, at + i * size)
        yield kind, flags, offset, addr, length


def sections(data):
    """(name, offset, bytes) of each that has bytes in the file."""
    wide, _, (at, size, count, names) = elf_header(data)
    form = "<IIQQQQ" if wide else "<IIIIII"
    rows = [struct.unpack_from(form, data, at + i * size)
            for i in range(count)]
    for name, kind, _, _, offset, length in rows:
        start = rows[names][4] + name
        text = bytes(data[start:data.find(b"\0", start)])
        if kind != 8 and length:
            yield text.decode(errors="replace"), offset, length


class Changes:
    """Random ones, of a target and of the program that it is of."""

    def __init__(self, rng, target, program, is_slice):
        self.rng, self.target, self.program = rng, target, program
        self.is_slice = is_slice
        if not is_slice:  # as they are before anything is changed
            self.wide, self.heads, _ = elf_header(target.map)
            self.segments = list(segments(target.map))
        self.section_heads = elf_header(program.map)[2]
        self.sections = list(sections(program.map))

    def word(self, data, wide, here, addr):
        """One that a parser may stumble over."""
        rng, width = self.rng, 8 if wide else 4
        old = int.from_bytes(data[here:here + width], "little")
        other = rng.randrange(0, max(1, len(data) - width), width)
        value = rng.choice((
            0, -1, 1 << (8 * width - 1), rng.randrange(256),
            rng.randrange(1 << 32), addr, addr - 2 * width, addr + width,
            old + rng.choice((-16, -8, -1, 1, 8, 16, 0x1000)),
            old ^ 1 << rng.randrange(8 * width),
            int.from_bytes(data[other:other + width], "little")))
        return (value % (1 << 8 * width)).to_bytes(width, "little")

    def bytes_in(self, file, start, length, most):
        for _ in range(self.rng.randint(1, most)):
            at = start + self.rng.randrange(length)
            if self.rng.random() < 0.3:
                file.put(at, self.word(file.map, True, at, at))
            else:
                file.put(at, bytes([self.rng.choice((
                    0, 0xff, 0x7f, 0x80, self.rng.randrange(256)))]))

    def header(self):
        at, size, count = self.heads
        if self.rng.random() < 0.3:
            self.bytes_in(self.target, 4, 60, 3)
        else:
            self.bytes_in(self.target, at, max(1, size * count), 4)

    def note(self):
        notes = [s for s in self.segments if s[0] == 4 and s[4]]
        if notes:
            self.bytes_in(self.target, notes[0][2], notes[0][4], 8)

    def memory(self):
        """Words of memory that can be written to."""
        width = 8 if self.wide else 4
        places = [s for s in self.segments
                  if s[0] == 1 and s[1] & 2 and s[4] >= 64]
        if not places:
            return
        place = self.rng.choice(places[:8] if self.rng.random() < .5
                                else places)
        _, _, offset, addr, length = place
        for _ in range(self.rng.choice((1, 3, 20, 200))):
            at = self.rng.randrange(0, length - width, width)
            if self.rng.random() < 0.5:  # what looks like a chunk's size
                for back in range(at, max(0, at - 4096), -width):
                    size = int.from_bytes(self.target.map[
                        offset + back:offset + back + width], "little")
                    if 0x20 <= size < 0x100000 and size & 8 == 0:
                        at = back
                        break
            self.target.put(offset + at, self.word(
                self.target.map, self.wide, offset + at, addr + at))

    def debug_info(self):
        """Of the program: tables that say where and what everything is."""
        named = [s for s in self.sections
                 if s[0].startswith(".debug_") or
                 s[0] in (".eh_frame", ".eh_frame_hdr", ".symtab", ".dynsym",
                          ".dynamic", ".strtab")]
        if not named:
            return
        if self.rng.random() < 0.1:
            at, size, count, _ = self.section_heads
            self.bytes_in(self.program, at, size * count, 4)
            return
        _, offset, length = self.rng.choice(named)
        self.bytes_in(self.program, offset, length,
                      self.rng.choice((1, 4, 50)))

    def slice(self):
        """Heads of blocks more often than what is in them."""
        heads = [m.start() for m in re.finditer(b"MSLC", self.target.map)]
        if heads and self.rng.random() < 0.8:
            for _ in range(self.rng.randint(1, 3)):
                self.bytes_in(self.target, self.rng.choice(heads),
                              self.rng.choice((80, 256)), 4)
        else:
            self.bytes_in(self.target, 0, self.target.size, 40)

    def some(self):
        ways = [self.slice] * 4 if self.is_slice else [
            self.header, self.note] + [self.memory] * 6
        ways += [self.debug_info] * 3
        for _ in range(self.rng.choice((1, 1, 2))):
            self.rng.choice(ways)()


def make_core(name, folder):
    """The core of a fixture whose file is in FOLDER: (program, core)."""
    source = os.path.join(seen.FIXTURES, name)
    if not os.access(source, os.X_OK):
        return None
    program = os.path.join(folder, name)
    shutil.copy2(source, program)
    running = seen.Program([program] + PROGRAMS.get(name, ["ledger"]))
    running.wait_line("ready")
    core = running.crash(signal.SIGABRT)
    if core:
        core = shutil.move(core, os.path.join(folder, "core"))
    running.close()
    return (program, core) if core else None


def addresses(target):
    """Some of those that were given out, and one that was not."""
    said = subprocess.run([seen.HEAPSCAN, "chunks", target, "--json"],
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    users = re.findall(rb'"user": ?"(0x[0-9a-f]+)"', said.stdout)
    rng = random.Random(1)
    some = rng.sample(users, min(6, len(users)))
    return [a.decode() for a in some] + ["0x10"]


def try_all(name, target, program, options, failures):
    asked = addresses(target)
    is_slice = target.endswith(".msl")
    problem = ask(target, asked)
    failures.expect(not problem, "%s as it was: %s" % (target, problem))
    for i in range(options.count):
        rng = random.Random("%s %s %d" % (options.seed, name, i))
        with File(target) as file, File(program) as executable:
            if rng.random() < 0.05:
                copy = target + ".cut" + os.path.splitext(target)[1]
                shutil.copyfile(target, copy)
                os.truncate(copy, rng.randrange(file.size))
            else:
                copy = target
                Changes(rng, file, executable, is_slice).some()
            problem = ask(copy, asked)
            if problem and options.keep:
                kept = os.path.join(options.keep, "%s-%d" % (name, i))
                os.makedirs(kept, exist_ok=True)
                shutil.copy2(copy, kept)
                shutil.copy2(program, kept)
                with open(os.path.join(kept, "says"), "w") as f:
                    f.write("%s\n%s\n" % (" ".join(asked), problem))
            failures.expect(not problem, "%s, change %d: %s" % (
                name, i, problem))
    print("%s: %d changes" % (name, options.count), flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=2 if SANITIZED else 5)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--keep")
    parser.add_argument("programs", nargs="*", default=list(PROGRAMS))
    options = parser.parse_args()
    failures, tried = seen.Failures(), 0
    for name in options.programs:
        with tempfile.TemporaryDirectory(prefix="heapscan-") as folder:
            made = make_core(name, folder)
            if not made:
                continue
            tried += 1
            program, core = made
            try_all(name, core, program, options, failures)
            if name not in options.programs[::2]:
                continue
            for how in ("none", "zstd"):
                packed = os.path.join(folder, how + ".msl")
                if subprocess.run([seen.HEAPSCAN, "convert", core, packed,
                                   "--compress", how],
                                  stdout=subprocess.DEVNULL,
                                  stderr=subprocess.DEVNULL).returncode:
                    continue
                try_all("%s-%s" % (name, how), packed, program, options,
                        failures)
    if not tried:
        seen.skip(seen.no_core_reason())
    failures.finish()


main()
