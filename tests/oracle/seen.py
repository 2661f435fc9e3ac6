# SPDX-License-Identifier: MIT
"""What the comparisons share: run a program until it stops itself, look at it
live and at the core it leaves.

A test that cannot run here ends with 77 and its reason as the last line.
"""
import glob
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile

HEAPSCAN = os.environ["HEAPSCAN"]
FIXTURES = os.environ["FIXTURES"]
MALLINFO = ("arena", "ordblks", "smblks", "hblks", "hblkhd", "fsmblks",
            "uordblks", "fordblks", "keepcost")


def skip(reason):
    print("skipped: " + reason)
    sys.exit(77)


class Failures(list):
    def expect(self, truth, text):
        if not truth:
            self.append(text)

    def finish(self):
        for text in self[:40]:
            print("FAILED: " + text)
        if len(self) > 40:
            print("... and %d more" % (len(self) - 40))
        sys.exit(1 if self else 0)


def core_pattern():
    with open("/proc/sys/kernel/core_pattern") as f:
        return f.read().strip()


class Program:
    """A program in a folder of its own, allowed to leave a core there."""

    def __init__(self, command, env=None, stdin=None):
        self.folder = tempfile.TemporaryDirectory(prefix="heapscan-")
        environment = dict(os.environ, **(env or {}))
        if env and "LD_PRELOAD" in env:
            # a sanitizer's runtime has no business in there
            environment.pop("ASAN_OPTIONS", None)
        self.process = subprocess.Popen(
            command, cwd=self.folder.name, env=environment, stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", preexec_fn=self.allow_core)
        self.pid = self.process.pid

    @staticmethod
    def allow_core():
        _, hard = resource.getrlimit(resource.RLIMIT_CORE)
        resource.setrlimit(resource.RLIMIT_CORE, (hard, hard))

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def wait_line(self, text):
        said = []
        for line in self.process.stdout:
            if text in line:
                return
            said.append(line)
        sys.exit("FAILED: the program ended without saying '%s': %s"
                 % (text, "".join(said)[-2000:]))

    def wait_stopped(self):
        what = os.waitid(os.P_PID, self.pid, os.WSTOPPED | os.WEXITED)
        if what.si_code != os.CLD_STOPPED:
            sys.exit("FAILED: the program ended instead of stopping")

    def crash(self, sig=None):
        """Let the stopped program go to its end; the core it left, or None."""
        if sig:
            os.kill(self.pid, sig)
        os.kill(self.pid, signal.SIGCONT)
        self.process.wait()
        # qemu user mode writes the guest's core, then dies and leaves its own
        cores = glob.glob(self.path("qemu_*.core")) + glob.glob(
            self.path("core*"))
        return cores[0] if cores else None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.folder.cleanup()


def no_core_reason():
    return ("the live half holds, but no core came: core_pattern is '%s', "
            "the hard limit on core size is %s"
            % (core_pattern(), resource.getrlimit(resource.RLIMIT_CORE)[1]))


def report(failures, what, *arguments):
    """heapscan's JSON about a target, its exit status checked."""
    command = [HEAPSCAN, *arguments, "--json"]
    done = subprocess.run(command, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode not in (0, 5):
        sys.exit("FAILED: %s: exit status %d of %s\n%s" % (
            what, done.returncode, " ".join(command),
            done.stderr.decode(errors="replace")))
    failures.expect(done.returncode == 0,
                    "%s: exit status 5, memory was missing: %s" % (
                        what, done.stderr.decode(errors="replace")))
    return json.loads(done.stdout)


def numbers(text):
    """The line 'mallinfo ...' of a ledger or an oracle."""
    for line in text.splitlines():
        word, *rest = line.split()
        if word == "mallinfo":
            return dict(zip(MALLINFO, map(int, rest)))
    sys.exit("FAILED: the program wrote no mallinfo")


def compare_mallinfo(failures, what, said, seen):
    for field in MALLINFO:
        failures.expect(said[field] == seen["mallinfo"][field],
                        "%s: mallinfo.%s is %s, the process says %d" % (
                            what, field, seen["mallinfo"][field], said[field]))


def compare_sums(failures, what, seen):
    """The allocator's own sums, and every chunk once."""
    checks = seen["checks"]
    failures.expect(checks["complete"], what + ": not complete")
    for a, b in (("mmapped_expected", "mmapped_found"),
                 ("mmapped_bytes_expected", "mmapped_bytes_found"),
                 ("system_mem_expected", "system_mem_walked")):
        failures.expect(checks[a] is not None and checks[a] == checks[b],
                        "%s: %s %s, %s %s" % (what, a, checks[a], b, checks[b]))
    for problem in seen["problems"]:
        failures.expect(problem["severity"] == "note",
                        "%s: %s %s at %s: %s" % (
                            what, problem["severity"], problem["code"],
                            problem["address"], problem["message"]))
    end = 0
    for chunk in seen["chunks"]:
        failures.expect(int(chunk["address"], 16) >= end,
                        "%s: chunk %s overlaps the one before" % (
                            what, chunk["address"]))
        end = int(chunk["address"], 16) + chunk["size"]


def what_stays(seen):
    """The report without what a live process and its core must differ in."""
    threads = [{k: v for k, v in t.items()
                if k not in ("pc", "sp", "current", "name")}
               for t in seen["threads"]]
    threads.sort(key=lambda t: t["tid"])
    # a core lists the thread that crashed first
    arenas = [dict(a, threads=sorted(a["threads"])) for a in seen["arenas"]]
    # aborting takes a little more of a stack than stopping
    coverage = {k: v for k, v in seen["coverage"].items() if k != "stacks"}
    rest = {k: v for k, v in seen.items()
            if k not in ("target", "threads", "arenas", "problems",
                         "coverage")}
    return dict(rest, threads=threads, arenas=arenas, coverage=coverage)


def compare_reports(failures, live, core):
    a, b = what_stays(live), what_stays(core)
    for key in sorted(set(a) | set(b)):
        if a.get(key) == b.get(key):
            continue
        if isinstance(a.get(key), list) and isinstance(b.get(key), list):
            differ = [(x, y) for x, y in zip(a[key], b[key]) if x != y]
            failures.append("live and core differ in %s: %d and %d, first %s" % (
                key, len(a[key]), len(b[key]), differ[:1]))
        else:
            failures.append("live and core differ in %s: %s and %s" % (
                key, a.get(key), b.get(key)))
