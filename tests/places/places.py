# SPDX-License-Identifier: MIT
"""places.py PLACE: fixtures/shapes.c where programs really live and cores
really come from. What heapscan says there is compared with the program's own
ledger, or is the one line that says why there is nothing to say."""
import ctypes
import glob
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "oracle"))
import ledger  # noqa: E402
import seen  # noqa: E402

SHAPES = os.path.join(seen.FIXTURES, "shapes")
failures = seen.Failures()


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            seen.skip("no '%s' here" % tool)


def run(*arguments):
    return subprocess.run([seen.HEAPSCAN, *arguments],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, errors="replace")


def start(command, env=None):
    program = seen.Program(command, env)
    program.wait_line("ready")
    program.wait_stopped()
    return program


def core_of(program):
    core = program.crash()
    return core or seen.skip(seen.no_core_reason())


def compare(what, books, *target):
    """The report, after everything in it was compared with the ledger."""
    live, freed, facts, said = books
    report = seen.report(failures, what, *target)
    ledger.compare_blocks(failures, what, live, freed, facts, report)
    seen.compare_mallinfo(failures, what, said, report)
    seen.compare_sums(failures, what, report)
    failures.expect(len(report["threads"]) == facts["threads"],
                    "%s: %d threads" % (what, len(report["threads"])))
    return report


def libraries(program):
    """The loader and the libraries of a program, as ld.so finds them."""
    text = subprocess.run(["ldd", program], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    found = re.findall(r"(/\S+) \(0x", text)
    loader = [f for f in found if "/ld-linux" in f]
    return loader[0], [f for f in found if f not in loader]


def copy_libc(folder):
    """A copy of the C library, and how to run a program with it."""
    loader, others = libraries(SHAPES)
    for f in [loader, *others]:
        shutil.copy(os.path.realpath(f),
                    os.path.join(folder, os.path.basename(f)))
    return [os.path.join(folder, os.path.basename(loader)),
            "--library-path", folder, SHAPES, "ledger"]


def replaced(change):
    """libc's file is another one by now, or none."""
    with tempfile.TemporaryDirectory(prefix="heapscan-") as folder:
        program = start(copy_libc(folder))
        try:
            books = ledger.read_ledger(program.path("ledger"))
            libc = os.path.join(folder, "libc.so.6")
            os.unlink(libc)
            if change:
                change(libc)
            compare("live", books, "--pid", str(program.pid))
            compare("core", books, core_of(program))
        finally:
            program.close()


def place_deleted_libc():
    replaced(None)


def place_upgraded_libc():
    def upgrade(path):  # another library, with other bytes at each place
        shutil.copy(os.path.realpath(libraries(seen.HEAPSCAN)[1][-1]), path)
    replaced(upgrade)


def place_container():
    """Own root, own pids; seen from outside."""
    need("unshare", "chroot")
    if os.geteuid() != 0:
        seen.skip("not root: cannot make a namespace with a root of its own")
    with tempfile.TemporaryDirectory(prefix="heapscan-") as root:
        loader, others = libraries(SHAPES)
        for f in [loader, *others]:
            os.makedirs(root + os.path.dirname(f), exist_ok=True)
            shutil.copy(os.path.realpath(f), root + f)
        shutil.copy(SHAPES, root + "/shapes")
        script = "chroot '%s' /shapes /ledger & wait" % root
        try:
            program = seen.Program(["unshare", "--mount", "--pid", "--fork",
                                    "sh", "-c", script])
        except OSError as why:
            seen.skip("unshare: %s" % why)
        pids = []
        try:
            for line in program.process.stdout:
                if "ready" in line:
                    break
            else:
                seen.skip("no namespaces can be made here")
            # Ours is the one whose root it is.
            for link in glob.glob("/proc/[0-9]*/root"):
                try:
                    if os.readlink(link) == root:
                        pids.append(link.split("/")[2])
                except OSError:
                    pass
            failures.expect(len(pids) == 1, "processes in there: %s" % pids)
            status = open("/proc/%s/status" % pids[0])
            while "State:\tT" not in status.read():  # until it has stopped
                status.seek(0)
            status.close()
            books = ledger.read_ledger(root + "/ledger")
            report = compare("live", books, "--pid", pids[0])
            # what is inside is not what the host calls by the same name
            failures.expect(report["allocator"]["version"] is not None,
                            "the libc below the process's root was not read")
        finally:
            for pid in pids:
                os.kill(int(pid), 9)
            program.close()


def said_instead(name, program, least=4 << 20, most=256 << 20):
    """One line, which names the allocator and about how much it holds."""
    done = run("--pid", str(program.pid))
    text = done.stderr
    failures.expect(done.returncode == 4, "%s: exit status %d" % (
        name, done.returncode))
    found = re.search(r"^heapscan: no glibc heap: this program allocates with "
                      r"%s.* holds about (\d+) bytes" % name, text, re.M)
    failures.expect(found, "%s: it says %s" % (name, text))
    if found:
        failures.expect(least <= int(found.group(1)) <= most,
                        "%s: %s bytes" % (name, found.group(1)))


def preloaded(name, pattern):
    found = glob.glob("/usr/lib/*/" + pattern) + glob.glob(
        "/usr/lib/" + pattern)
    if not found:
        seen.skip("no %s here" % pattern)
    program = start([SHAPES, "ledger", "1"], {"LD_PRELOAD": found[0]})
    try:
        said_instead(name, program)
    finally:
        program.close()


def cut_off(library):
    """Where memory is missing it is not said who had it."""
    found = glob.glob("/usr/lib/*/" + library)
    program = start([SHAPES, "ledger", "1"], {"LD_PRELOAD": found[0]})
    try:
        with tempfile.TemporaryDirectory(prefix="heapscan-") as work:
            run("capture", "--pid", str(program.pid), "--format", "core",
                "-o", work + "/core")
            os.truncate(work + "/core", 100000)
            done = run(work + "/core")
            failures.expect(
                done.returncode == 4 and "may be what" in done.stderr and
                "this program allocates" not in done.stderr,
                "a cut core: %d, %s" % (done.returncode, done.stderr))
    finally:
        program.close()


def only_loaded(library):
    """A step of a series without its base lacks libc's data: the other library
    holds something, and yet glibc's may be the malloc that is used."""
    found = glob.glob("/usr/lib/*/" + library)
    libc = glob.glob("/usr/lib/x86_64-linux-gnu/libc.so.6")
    if not libc:
        return
    # Memory that is nobody's blocks changes from step to step.
    program = seen.Program(
        [sys.executable, "-c", "import mmap, itertools, time\n"
         "m = mmap.mmap(-1, 1 << 16, flags=mmap.MAP_PRIVATE)\n"
         "print('ready', flush=True)\n"
         "for i in itertools.cycle(range(250)):\n"
         "    m[:] = bytes([i]) * len(m)\n"
         "    time.sleep(0.001)\n"],
        {"LD_PRELOAD": libc[0] + ":" + found[0]})
    program.wait_line("ready")
    try:
        with tempfile.TemporaryDirectory(prefix="heapscan-") as work:
            run("capture", "--pid", str(program.pid), "--series", "2",
                "--every", "0", "-o", work + "/step.msl")
            done = run(work + "/step.0002.msl")
            failures.expect(done.returncode == 0, "a step with its base: %d, %s"
                            % (done.returncode, done.stderr))
            os.unlink(work + "/step.0001.msl")
            done = run(work + "/step.0002.msl")
            failures.expect(
                done.returncode in (4, 5) and
                "this program allocates" not in done.stderr and
                "step.0001.msl" in done.stderr + done.stdout,
                "a step without its base: %d, %s" % (done.returncode,
                                                     done.stderr))
    finally:
        program.close()


def place_jemalloc():
    preloaded("jemalloc", "libjemalloc.so.2")
    cut_off("libjemalloc.so.2")
    only_loaded("libjemalloc.so.2")


def place_tcmalloc():
    preloaded("tcmalloc", "libtcmalloc_minimal.so.4")


def place_mimalloc():
    preloaded("mimalloc", "libmimalloc.so.*")


SMALL = """
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
	for (int i = 0; i < 60000; i++)
		memset(malloc(100), 1, 100);
	puts("ready");
	fflush(stdout);
	raise(SIGSTOP);
	return 0;
}
"""


def compiled(name, *compiler):
    need(compiler[0])
    with tempfile.TemporaryDirectory(prefix="heapscan-") as folder:
        source = os.path.join(folder, "small.c")
        with open(source, "w") as f:
            f.write(SMALL)
        binary = os.path.join(folder, "small")
        done = subprocess.run([*compiler, source, "-o", binary],
                              stderr=subprocess.PIPE, text=True)
        if done.returncode:
            seen.skip("%s: %s" % (" ".join(compiler), done.stderr[-200:]))
        program = start([binary])
        try:
            said_instead(name, program)
        finally:
            program.close()


OWN = """
#include <stddef.h>
#include <string.h>
static _Alignas(16) char first[4096];
static char *at = first, *end = first + sizeof(first);
void *mmap(void *, size_t, int, int, int, long);
void *malloc(size_t n)
{
	n = (n + 15) & ~(size_t)15;
	if (n > (size_t)(end - at)) {
		at = mmap(0, 1 << 23, 3, 0x22, -1, 0);
		end = at + (1 << 23);
	}
	at += n;
	return at - n;
}
void free(void *p) { (void)p; }
void *calloc(size_t a, size_t b) { return memset(malloc(a * b), 0, a * b); }
void *realloc(void *p, size_t n)
{
	return p ? memmove(malloc(n), p, n) : malloc(n);
}
"""


def place_own_malloc():
    """As in Chromium and Firefox: the program defines malloc for everyone."""
    global SMALL
    SMALL = OWN + SMALL
    compiled("a malloc of its own", "gcc", "-O0", "-rdynamic", "-s",
             "-fno-builtin")


def place_musl():
    compiled("musl", "musl-gcc", "-O0")


def place_musl_static():
    compiled("musl", "musl-gcc", "-O0", "-static")


def place_asan():
    compiled("AddressSanitizer", "gcc", "-O0", "-fsanitize=address")


GO = """package main
import (
	"fmt"
	"os"
	"syscall"
	"time"
)
%s
var keep [][]byte
func main() {
	for i := 0; i < 20000; i++ {
		block := make([]byte, 1000)
		for k := range block {
			block[k] = 1
		}
		keep = append(keep, block)
	}
	%s
	fmt.Println("ready")
	os.Stdout.Sync()
	// Another thread may be the one that takes it.
	syscall.Kill(syscall.Getpid(), syscall.SIGSTOP)
	time.Sleep(time.Hour)
	fmt.Println(len(keep))
}
"""
CGO = """/*
#include <malloc.h>
#include <string.h>
static void take(int n) { memset(malloc(n), 1, n); }
static size_t held(void) { return mallinfo2().uordblks; }
*/
import "C"
"""
CGO_CALLS = """for i := 0; i < 500; i++ {
		C.take(C.int(100 + i))
	}
	fmt.Println("held", C.held())"""


def place_go():
    """Go's own heap is named with its size; what C code in the same process
    took from malloc is reported as everywhere."""
    need("go", "gcc")
    for cgo in (False, True):
        with tempfile.TemporaryDirectory(prefix="heapscan-") as folder:
            with open(os.path.join(folder, "main.go"), "w") as f:
                f.write(GO % ((CGO, CGO_CALLS) if cgo else ("", "")))
            with open(os.path.join(folder, "go.mod"), "w") as f:
                f.write("module heap\ngo 1.19\n")
            done = subprocess.run(
                ["go", "build", "-ldflags=-s", "-o", "heap"], cwd=folder,
                env=dict(os.environ, CGO_ENABLED=str(int(cgo)), GOPROXY="off",
                         GOCACHE=os.path.join(folder, "cache")),
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            if done.returncode:
                seen.skip("go build: %s" % done.stdout[-200:])
            program = seen.Program([os.path.join(folder, "heap")])
            try:
                held = None
                for line in program.process.stdout:
                    if line.startswith("held"):
                        held = int(line.split()[1])
                    if "ready" in line:
                        break
                program.wait_stopped()
                if not cgo:
                    said_instead("Go's runtime", program, 20 << 20)
                    continue
                report = seen.report(failures, "cgo", "--pid",
                                     str(program.pid))
                failures.expect("Go's runtime" in
                                report["allocator"]["other_allocator"],
                                "Go is not named: %s" % report["allocator"])
                failures.expect(report["mallinfo"]["uordblks"] == held,
                                "%s bytes in use, mallinfo2 says %s" % (
                                    report["mallinfo"]["uordblks"], held))
                seen.compare_sums(failures, "cgo", report)
            finally:
                program.close()


def place_malloc_debug():
    """libc_malloc_debug.so has a copy of malloc; MALLOC_CHECK_ puts a byte
    behind each block, so usable sizes are smaller than the chunks allow."""
    found = glob.glob("/usr/lib/*/libc_malloc_debug.so.0") + glob.glob(
        "/lib/*/libc_malloc_debug.so.0")
    if not found:
        seen.skip("no libc_malloc_debug.so here: it came with glibc 2.34")
    program = start([SHAPES, "ledger", "1"], {
        "LD_PRELOAD": found[0], "MALLOC_CHECK_": "3"})
    try:
        live, _, _, said = ledger.read_ledger(program.path("ledger"))
        report = seen.report(failures, "live", "--pid", str(program.pid))
        seen.compare_mallinfo(failures, "live", said, report)
        seen.compare_sums(failures, "live", report)
        states = {int(c["user"], 16): c for c in report["chunks"]}
        for addr, usable in live.items():
            chunk = states.get(addr, {"state": "nothing", "usable": 0})
            failures.expect(chunk["state"] in ("used", "mmapped") and
                            chunk["usable"] == usable,
                            "block %#x of %d is %s" % (addr, usable, chunk))
        version = report["allocator"]["version"]
        failures.expect(version and version in subprocess.run(
            ["ldd", "--version"], stdout=subprocess.PIPE, text=True).stdout,
            "glibc's version is %s" % version)
        failures.expect("malloc-check" in [p["code"] for p in
                                           report["problems"]],
                        "it is not said that blocks are checked")
    finally:
        program.close()


def with_core(letters=""):
    program = start([SHAPES, "ledger", letters])
    books = ledger.read_ledger(program.path("ledger"))
    return program, books, core_of(program)


def place_cut_core():
    """Whatever is gone, it is said."""
    program, _, core = with_core("1")
    try:
        whole = os.path.getsize(core)
        cuts = [0, 1, 63, 64, 200, 1000, 4096, 20000]
        cuts += [whole * i // 20 for i in range(1, 20)] + [whole - 1]
        short = program.path("short")
        for length in cuts:
            shutil.copyfile(core, short)
            os.truncate(short, length)
            done = run(short, "--json")
            what = "cut at %d of %d" % (length, whole)
            failures.expect(done.returncode in (4, 5), "%s: exit status %d" % (
                what, done.returncode))
            answer = json.loads(done.stdout)
            text = done.stderr if done.returncode == 4 else str(
                answer["problems"])
            failures.expect(length < 64 or re.search("cut|core-truncated",
                                                     text),
                            "%s: it says %s" % (what, text[:300]))
    finally:
        program.close()


def place_filtered_core():
    """Bit 0 of coredump_filter is private anonymous memory: all or nothing."""
    for mask in (0x00, 0x01, 0x02, 0x03, 0x10, 0x11, 0x22, 0x33, 0x7f):
        what = "filter %#x" % mask
        program = start([SHAPES, "ledger"])
        try:
            books = ledger.read_ledger(program.path("ledger"))
            with open("/proc/%d/coredump_filter" % program.pid, "w") as f:
                f.write("%#x" % mask)
            core = core_of(program)
            if mask & 1:
                compare(what, books, core)
                continue
            done = run(core)
            failures.expect(done.returncode == 4 and
                            "coredump_filter" in done.stderr,
                            "%s: %d %s" % (what, done.returncode, done.stderr))
        finally:
            program.close()


HUGE = "/proc/sys/vm/nr_hugepages"


def place_huge_pages():
    """glibc.malloc.hugetlb=2: huge pages that the machine has set aside. The
    kernel calls them a file, and brk is not used at all."""
    try:
        with open(HUGE) as f:
            before = f.read()
        with open(HUGE, "w") as f:
            f.write(str(int(before) + 64))
    except OSError as why:
        seen.skip("no huge pages can be set aside: %s" % why)
    try:
        for letters in ("", "m"):
            huge_pages(letters)
    finally:
        with open(HUGE, "w") as f:
            f.write(before)


def huge_pages(letters):
    program = start([SHAPES, "ledger", letters],
                    {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=2"})
    try:
        books = ledger.read_ledger(program.path("ledger"))
        with open("/proc/%d/maps" % program.pid) as f:
            if "/anon_hugepage" not in f.read():
                seen.skip("glibc is older than 2.35, or too few huge pages "
                          "could be set aside")
        compare("live", books, "--pid", str(program.pid))
        compare("core", books, core_of(program))
    finally:
        program.close()


def as_on_linux_4():
    """From now on this process and those it starts get the answers of Linux
    4.0: no system call with a higher number than execveat's, and no ioctl that
    lists pages or maps of another process."""
    if os.uname().machine != "x86_64":
        seen.skip("the numbers are those of x86-64")
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    allow, none, not_here = 0x7fff0000, 0x50000 | 38, 0x50000 | 25
    steps = [(load, 0, 0, 0),               # the number
             (at_least, 0, 1, 323), (end, 0, 0, none),
             (equal, 0, 4, 16),             # ioctl
             (load, 0, 0, 24),              # what is asked of it
             (equal, 1, 0, 0xc0606610),     # PAGEMAP_SCAN
             (equal, 0, 1, 0xc0686611),     # PROCMAP_QUERY
             (end, 0, 0, not_here),
             (end, 0, 0, allow)]
    code = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack(
        "HxxxxxxP", len(steps), ctypes.addressof(code)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(38, 1, 0, 0, 0) or \
            libc.prctl(22, 2, ctypes.byref(program), 0, 0):
        seen.skip("no filter can be set: %s" % os.strerror(
            ctypes.get_errno()))


def place_linux_4():
    """What newer kernels offer is used, and not needed."""
    programs = []
    try:
        for name in ("shapes", "shapes-static", "shapes-m32"):
            binary = os.path.join(seen.FIXTURES, name)
            if os.path.exists(binary):
                programs.append(start([binary, "ledger", ""]))
        as_on_linux_4()
        try:
            os.pidfd_open(os.getpid())
            failures.append("the filter does nothing")
        except OSError as e:
            failures.expect(e.errno == 38, "pidfd_open: %s" % e)
        for program in programs:
            books = ledger.read_ledger(program.path("ledger"))
            pid = str(program.pid)
            live = compare("live", books, "--pid", pid)
            out = program.path("out.msl")
            made = run("capture", "--pid", pid, "-o", out)
            failures.expect(made.returncode == 0, "capture: " + made.stderr)
            seen.compare_reports(failures, live, compare("slice", books, out))
            compare("core", books, core_of(program))
    finally:
        for program in programs:
            program.close()


def left_out(core, out, ranges):
    """CORE without the bytes of RANGES, as if the kernel had not dumped
    them: each segment that touches one keeps its place and loses its bytes."""
    with open(core, "rb") as f:
        data = bytearray(f.read())
    table, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for i in range(count):
        at = table + i * size
        kind, = struct.unpack_from("<I", data, at)
        start, = struct.unpack_from("<Q", data, at + 16)
        length, = struct.unpack_from("<Q", data, at + 40)
        if kind == 1 and any(start < hi and lo < start + length
                             for lo, hi in ranges):
            struct.pack_into("<Q", data, at + 32, 0)
    with open(out, "wb") as f:
        f.write(data)


def data_of_libc(core):
    maps = json.loads(run("maps", core, "--json").stdout)["maps"]
    return [(int(m["start"], 16), int(m["end"], 16)) for m in maps
            if "libc.so" in (m["path"] or "") and "w" in m["protection"]]


def place_without_libc_data():
    """The main arena is gone: all chunks but those of its fastbins are told
    as in the whole core, by each way that is left to know glibc's release."""
    if struct.calcsize("P") != 8:
        seen.skip("the core's headers are read as those of 64 bits")
    for letters in ("", "1", "f", "n"):
        program, _, core = with_core(letters)
        try:
            whole = seen.report(failures, "whole", core)
            main = whole["allocator"]["main_arena"]
            cut = program.path("cut")
            left_out(core, cut, data_of_libc(core))
            packed = program.path("cut.msl")
            done = run("convert", cut, packed)
            failures.expect(done.returncode in (0, 5), done.stderr)
            for target in ([cut], [cut, "--no-symbols"], [packed]):
                what = "shape '%s', %s" % (letters, " ".join(
                    os.path.basename(t) for t in target))
                done = run(*target, "--json")
                failures.expect(done.returncode == 5, "%s: exit status %d %s"
                                % (what, done.returncode, done.stderr))
                seen_there = json.loads(done.stdout)
                problems = seen_there["problems"]
                failures.expect("main-arena-not-captured" in [
                    p["code"] for p in problems],
                    "%s: it is not said" % what)
                failures.expect(
                    seen_there["allocator"]["confidence"] == "medium" and
                    seen_there["allocator"]["main_arena_missing"] is True,
                    "%s: %s" % (what, seen_there["allocator"]))
                chunks = {c["address"]: c for c in seen_there["chunks"]}
                for chunk in whole["chunks"]:
                    there = dict(chunks.pop(chunk["address"], {}))
                    # With brk blocked, the top may stand amid other pieces.
                    lost = ["fastbin"] + ["top"] * ("which was not found" in
                                                    str(problems))
                    if chunk["state"] in lost and chunk["arena"] == main:
                        failures.expect(there.get("state") == "used",
                                        "%s: %s" % (what, there))
                        there.update(state=chunk["state"], bin=chunk["bin"])
                    failures.expect(there == chunk, "%s: %s is said to be %s"
                                    % (what, chunk, there))
                for chunk in chunks.values():
                    failures.expect(False, "%s: there is no %s" % (what, chunk))
                failures.expect(
                    "not known, as libc's data is missing" in
                    run(*target).stdout.splitlines()[1],
                    "%s: it is not said in the second line" % what)
        finally:
            program.close()


def place_core_cut_before_libc():
    """Cores are cut from the end: first the stacks go, then libc, while the
    heap, at lower addresses, is still there."""
    program, books, core = with_core("1")
    try:
        maps = json.loads(run("maps", core, "--json").stdout)["maps"]
        libc = min(data_of_libc(core))[0]
        lower = sum(m["captured"] - m["from_file"] for m in maps
                    if int(m["start"], 16) < libc)
        short = program.path("short")
        shutil.copyfile(core, short)
        os.truncate(short, lower - (lower >> 3))
        done = run(short, "--json")
        failures.expect(done.returncode == 5, "exit status %d: %s" % (
            done.returncode, done.stderr))
        report = json.loads(done.stdout)
        codes = [p["code"] for p in report["problems"]]
        for code in ("main-arena-not-captured", "core-truncated"):
            failures.expect(code in codes, "no %s in %s" % (code, codes))
        # The main heap lies below everything else.
        top = [a["top"] for a in report["arenas"] if a["kind"] == "main"][0]
        live, freed = books[0], books[1]
        chunks = {int(c["user"], 16): c["state"] for c in report["chunks"]}
        there = [a for a in live if a < int(top or "0", 16)]
        failures.expect(len(there) > 100, "only %d blocks" % len(there))
        for addr in there:
            failures.expect(chunks.get(addr) == "used", "%#x is %s" % (
                addr, chunks.get(addr)))
    finally:
        program.close()


def place_gcore():
    need("gdb")
    program = start([SHAPES, "ledger"])
    try:
        books = ledger.read_ledger(program.path("ledger"))
        core = program.path("written")
        subprocess.run(["gdb", "-nx", "-q", "-batch", "-p", str(program.pid),
                        "-ex", "gcore " + core], stdin=subprocess.DEVNULL,
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if not os.path.exists(core):
            seen.skip("gdb may not attach here")
        compare("gcore", books, core)
    finally:
        program.close()


def place_zeroed_stacks():
    """From glibc 2.42 on, stacks are guarded by pages within one mapping, and
    gdb 13 writes zeroes for all of a mapping in which it cannot read one."""
    need("gdb")
    if os.environ.get("HS_SANITIZED"):
        seen.skip("runs with the build that users have")
    cache = os.environ.get("MATRIX_CACHE",
                           os.path.join(os.environ["BUILD"], "matrix"))
    os.makedirs(cache, exist_ok=True)
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
        os.path.abspath(__file__))), "matrix"))
    import matrix
    libcs = matrix.fetch(cache, "unstable", "amd64", 60)
    newest = max(libcs, key=lambda c: c.number)
    why = matrix.build(libcs, "amd64", cache, "shapes")
    if why or newest.number < (2, 42):
        seen.skip(why or "no glibc 2.42 or later here")
    program = seen.Program(newest.command(
        os.path.join(cache, "shapes-amd64"), "ledger"))
    try:
        program.wait_line("ready")
        program.wait_stopped()
        live, freed, facts, _ = ledger.read_ledger(program.path("ledger"))
        core = program.path("written")
        said = subprocess.run(
            ["gdb", "-nx", "-q", "-batch", "-p", str(program.pid), "-ex",
             "gcore " + core], stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True).stdout
        if not os.path.exists(core):
            seen.skip("gdb may not attach here")
        if "Memory read failed" not in said:
            seen.skip("this gdb or this kernel leaves no stack out")
        done = run(core, "--json")
        failures.expect(done.returncode == 5, "exit status %d: %s" % (
            done.returncode, done.stderr))
        report = json.loads(done.stdout)
        ledger.compare_blocks(failures, "gcore", live, freed, facts, report)
        failures.expect("stack-zeroed" in [p["code"] for p in
                                           report["problems"]],
                        "zeroes are not said: %s" % report["problems"])
        text = run(core).stdout
        failures.expect(re.search(r"^captured .*stacks \d\d?\.", text, re.M),
                        "stacks of zeroes count as captured: %s" %
                        re.findall("^captured.*", text, re.M))
    finally:
        program.close()


def place_compressed_core():
    program, books, core = with_core()
    try:
        packers = [p for p in ("zstd", "lz4") if shutil.which(p)]
        for packer in packers:
            packed = core + "." + packer
            with open(packed, "wb") as out:
                subprocess.run([packer, "-q", "-c", core], check=True,
                               stdin=subprocess.DEVNULL, stdout=out)
            report = compare(packer, books, packed)
            failures.expect("core-unpacked" in [
                p["code"] for p in report["problems"]],
                "%s: it is not said" % packer)
        if not packers:
            seen.skip("neither zstd nor lz4 is here")
    finally:
        program.close()


def place_inside_malloc():
    """What is half done is never called damage."""
    locked = 0
    for sizes in (("8", "100"), ("16", "900"), ("200", "5000"),
                  ("100000", "300000")):
        program = seen.Program([os.path.join(seen.FIXTURES, "busy"), *sizes])
        try:
            program.wait_line("ready")
            for _ in range(3):
                done = run("check", "--pid", str(program.pid), "--json")
                failures.expect(done.returncode in (0, 5),
                                "%s: exit status %d: %s" % (
                                    sizes, done.returncode,
                                    done.stdout[-800:]))
                locked += "arena-locked" in done.stdout
        finally:
            program.close()
    print("an arena was locked in %d of 12 looks" % locked)


def place_shared_thread_pointer():
    """clone() without CLONE_SETTLS: crash handlers (Swift's among them) start
    helpers so. Such a thread has its maker's cache, not a second one."""
    program, books, core = with_core("h")
    try:
        slice_file = program.path("s.msl")
        done = run("convert", core, slice_file)
        failures.expect(done.returncode == 0, done.stderr)
        for what, *target in (("core", core), ("slice", slice_file),
                              ("no symbols", core, "--sysroot",
                               program.folder.name, "--debug-dir",
                               program.folder.name)):
            report = compare(what, books, *target)
            check_shared(what, report)
    finally:
        program.close()
    program = start([SHAPES, "ledger", "h"])
    try:
        books = ledger.read_ledger(program.path("ledger"))
        check_shared("live", compare("live", books, "--pid",
                                     str(program.pid)))
    finally:
        program.close()


def check_shared(what, report):
    """Two pairs of threads have one cache each; one of a pair counts it."""
    by_tp = {}
    for thread in report["threads"]:
        by_tp.setdefault(thread["tls_base"], []).append(thread)
    pairs = [p for p in by_tp.values() if len(p) == 2]
    failures.expect(len(pairs) == 2, "%s: %d pairs" % (what, len(pairs)))
    for pair in pairs:
        failures.expect(pair[0]["tcache"] == pair[1]["tcache"],
                        "%s: two caches: %s" % (what, pair))
        failures.expect(sorted(t["tcache_count"] > 0 for t in pair) ==
                        [False, True], "%s: counted by %s" % (what, pair))
    codes = [p["code"] for p in report["problems"]]
    failures.expect("chunk-on-two-lists" not in codes,
                    "%s: %s" % (what, codes))


def main():
    place = globals().get("place_" + sys.argv[1])
    place()
    failures.finish()


main()
