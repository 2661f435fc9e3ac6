# SPDX-License-Identifier: MIT
"""leaks.py FIXTURE|lsan|programs: what `heapscan leaks` says of a program is what the
program wrote down (fixtures/leaks.c): every leaked block with its kind, no
other, live, as a slice and as a core; and LeakSanitizer's count is the same. With
`programs`, LeakSanitizer and `leaks --at-exit` say the same of programs that
nobody here wrote."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

import seen

LEAKED = ("root", "child", "cycle")


def read_ledger(path):
    blocks = {}
    with open(path) as f:
        for line in f:
            kind, addr, usable, where = line.split()
            blocks[int(addr, 16)] = (kind, int(usable), where)
    return blocks


def ask(command, *arguments):
    done = subprocess.run([seen.HEAPSCAN, command, *arguments, "--json"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if not done.stdout.startswith(b"{"):
        sys.exit("FAILED: %s %s: %s" % (command, arguments, done.stderr))
    return done.returncode, json.loads(done.stdout)


def capture(program):
    """A slice of the stopped program, beside its ledger."""
    path = program.path("slice.msl")
    done = subprocess.run([seen.HEAPSCAN, "capture", "--pid",
                           str(program.pid), "-o", path],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        sys.exit("FAILED: capture: " + done.stdout)
    return path


def compare(failures, what, blocks, *target, blind=None):
    """The answer, after it was compared with the ledger. BLIND: the target
    does not say where threads keep their variables, and the answer says how
    little sure it is; a set of words of the ledger for what is held where
    nobody could look then."""
    status, answer = ask("leaks", *target)
    expected = 1 if blind is None else 5
    failures.expect(status == expected, "%s: exit status %d" % (what, status))
    confidence = ("high", "medium") if blind is None else ("low",)
    missed = {a for a, b in blocks.items() if b[2] in (blind or ())}
    blocks = {a: b for a, b in blocks.items() if a not in missed}
    found = {int(b["user"], 16): b for b in answer["leaks"]}
    missed &= set(found)
    for addr, (kind, usable, where) in blocks.items():
        said = found.get(addr)
        if kind not in LEAKED:
            failures.expect(said is None, "%s: block %#x, held by %s, is "
                            "called leaked" % (what, addr, where))
            continue
        if said is None:
            status, why = ask("why", *target, hex(addr))
            failures.append("%s: leaked block %#x (%s) is not found: %s" % (
                what, addr, where,
                [p["root"]["text"] for p in why.get("paths", [])]))
            continue
        failures.expect(said["kind"] == kind, "%s: leaked block %#x (%s) is "
                        "%s, not %s" % (what, addr, where, said["kind"], kind))
        failures.expect(said["usable"] == usable, "%s: leaked block %#x has "
                        "%d bytes" % (what, addr, said["usable"]))
        failures.expect(said["confidence"] in confidence,
                        "%s: not sure of %#x" % (what, addr))
        if kind == "child":
            failures.expect(said["root"] is not None and
                            blocks[int(said["root"], 16)][0] != "child",
                            "%s: child %#x hangs below %s" % (
                                what, addr, said["root"]))
        if kind == "root":
            failures.expect(said["root"] is None, "%s: root %#x hangs below "
                            "%s" % (what, addr, said["root"]))
    for addr, said in found.items():
        failures.expect(addr in blocks or addr in missed,
                        "%s: a block nobody took is leaked: %s" % (what, said))
    leaked = [b for b in blocks.values() if b[0] in LEAKED]
    total = answer["summary"]["leaked"]
    failures.expect(total["count"] == len(leaked) + len(missed) and
                    total["bytes"] == sum(b[1] for b in leaked) +
                    sum(found[a]["usable"] for a in missed),
                    "%s: %s in all, %d leaked" % (what, total, len(leaked)))
    failures.expect(sum(g["count"] for g in answer["groups"]) ==
                    total["count"],
                    what + ": groups do not add up")
    inside = sum(b[0] == "inside" for b in blocks.values())
    failures.expect(answer["summary"]["interior_only"]["count"] >= inside,
                    "%s: only %s are held by their inside, not %d" % (
                        what, answer["summary"]["interior_only"], inside))
    _, other = ask("leaks", *target, "--jobs", "1")
    failures.expect(other["leaks"] == answer["leaks"] and
                    other["groups"] == answer["groups"],
                    what + ": the answer depends on the number of threads")
    return answer


ROOTS = {  # what holds it in the ledger's words, and in those of `why`
    "bss": "data", "data": "data", "plugin-global": "data",
    "mapped-block": "data", "bss-inside": "data", "bss-end": "data",
    "main-tls": "tls", "thread-tls": "tls",
    "main-dynamic-tls": "tls", "thread-dynamic-tls": "tls",
    "main-key": "specific", "thread-key": "specific",
    "main-late-key": "thread", "thread-late-key": "thread",
    "main-stack": "stack", "thread-stack": "stack",
    "register": "register", "anonymous": "anonymous",
    "on-exit": "data",
}


TLS_NAMES = {"main-tls": "in_tls", "thread-tls": "in_tls",
             "main-dynamic-tls": "plugin_variable",
             "thread-dynamic-tls": "plugin_variable"}


def compare_roots(failures, what, blocks, *target):
    asked = set()
    for addr, (kind, _, where) in blocks.items():
        if kind in LEAKED or where in asked:
            continue
        asked.add(where)
        status, why = ask("why", *target, hex(addr))
        root = why["paths"][0]["root"] if why["paths"] else {"kind": None}
        failures.expect(status == 0 and root["kind"] == ROOTS[where],
                        "%s: %#x, held by %s, is said to be held by %s" % (
                            what, addr, where, root))
        if where in TLS_NAMES:
            said = root.get("symbol") or {"name": None}
            failures.expect(said["name"] == TLS_NAMES[where] and
                            TLS_NAMES[where] in root["text"],
                            "%s: %#x is held by the thread-local %s, not %s" %
                            (what, addr, TLS_NAMES[where], root))
    return asked


def compare_with_sanitizer(failures):
    binary = os.path.join(seen.FIXTURES, "leaks-lsan")
    if not os.path.exists(binary):
        seen.skip("no LeakSanitizer here")
    program = seen.Program([binary, "ledger",
                            os.path.join(seen.FIXTURES, "plugin.so"), "exit"])
    try:
        text = program.process.stdout.read()
        program.process.wait()
        if "LeakSanitizer has encountered a fatal error" in text:
            seen.skip("LeakSanitizer may not trace here")
        blocks = read_ledger(program.path("ledger"))
    finally:
        program.close()
    summary = re.search(r"(\d+) byte\(s\) leaked in (\d+) allocation", text)
    leaked = sum(b[0] in LEAKED for b in blocks.values())
    # One past the end is no pointer to it: it calls these roots.
    failures.expect(summary and int(summary.group(2)) == leaked,
                    "LeakSanitizer says %s, the ledger has %d" % (
                        summary and summary.group(0), leaked))


# Without locales, whose memory is given back at the start: glibc hands it out
# again with the old addresses in it, which keep blocks alive for us, and
# LeakSanitizer's allocator does not.
PLAIN = dict(os.environ, LC_ALL="C")
PROGRAMS = (
    "sort /etc/passwd", "tr a b", "stat /etc", "expr 1 + 2", "date",
    "gcc --version", "gcc -E -x c /dev/null", "ls -l /", "cut -c1 /etc/passwd",
    "cp /etc/passwd /dev/null", "diff /etc/passwd /etc/group", "nm --version",
)


def sanitizer_runtime():
    try:
        path = subprocess.run(["gcc", "-print-file-name=liblsan.so"],
                              stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, text=True).stdout.strip()
    except FileNotFoundError:
        path = ""
    if not os.path.isabs(path):
        seen.skip("no LeakSanitizer here")
    return os.path.realpath(path)


def sanitized(runtime, command, folder):
    """How many blocks LeakSanitizer calls leaked; None: it does not get on
    with the program. It writes to a file: many programs close stderr when they
    end, which is when it speaks."""
    log = os.path.join(folder, "lsan")
    env = dict(PLAIN, LD_PRELOAD=runtime,
               LSAN_OPTIONS="exitcode=99:report_objects=0:log_path=" + log)
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, env=env,
                               stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    status = process.wait()
    if status < 0 or status > 125:
        return None
    # Programs that it starts speak in files of their own.
    path = "%s.%d" % (log, process.pid)
    if not os.path.exists(path):
        return 0
    with open(path) as f:
        text = f.read()
    if "has encountered a fatal error" in text:
        seen.skip("LeakSanitizer may not trace here")
    said = re.search(r"leaked in (\d+) allocation", text)
    return int(said.group(1)) if said else 0


def compare_programs(failures):
    runtime = sanitizer_runtime()
    compared = leaking = 0
    for text in PROGRAMS:
        command = text.split()
        if not shutil.which(command[0]):
            continue
        with tempfile.TemporaryDirectory(prefix="heapscan-") as folder:
            theirs = sanitized(runtime, command, folder)
            if theirs is None:
                continue
            done = subprocess.run(
                [seen.HEAPSCAN, "leaks", "--json", "--at-exit", "--",
                 *command],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL, env=PLAIN)
        if not done.stdout.startswith(b"{"):
            failures.append("%s: no answer" % text)
            continue
        # It runs as one more function of the program, over stack that is dead
        # for us: what is left there, of medium confidence, it may spare.
        ours = json.loads(done.stdout)["leaks"]
        sure = sum(b["confidence"] == "high" for b in ours)
        failures.expect(sure <= theirs <= len(ours), "%s: LeakSanitizer finds "
                        "%d, we find %d, %d of them surely" % (
                            text, theirs, len(ours), sure))
        compared += 1
        leaking += theirs > 0
    if not compared and not failures:
        seen.skip("no program runs under LeakSanitizer here")
    print("%d programs compared, %d of them leak" % (compared, leaking))


def main():
    failures = seen.Failures()
    name = sys.argv[1]
    if name == "programs":
        compare_programs(failures)
        failures.finish()
    if name == "lsan":
        compare_with_sanitizer(failures)
        failures.finish()
    binary = os.path.join(seen.FIXTURES, name)
    if not os.path.exists(binary):
        seen.skip("'%s' could not be built here" % name)
    program = seen.Program([binary, "ledger",
                            os.path.join(seen.FIXTURES, "plugin.so")])
    try:
        program.wait_line("ready")
        program.wait_stopped()
        blocks = read_ledger(program.path("ledger"))
        target = ("--pid", str(program.pid))
        live = compare(failures, "live", blocks, *target)
        compare_roots(failures, "live", blocks, *target)
        compare(failures, "live, no symbols", blocks, *target, "--no-symbols")
        path = capture(program)
        kept = compare(failures, "slice", blocks, path)
        compare_roots(failures, "slice", blocks, path)
        failures.expect(kept["leaks"] == live["leaks"] and
                        kept["groups"] == live["groups"],
                        "live and slice differ")
        core = program.crash()
        if core:
            dead = compare(failures, "core", blocks, core)
            compare_roots(failures, "core", blocks, core)
            failures.expect(dead["leaks"] == live["leaks"] and
                            dead["groups"] == live["groups"],
                            "live and core differ")
        print("%d blocks, %d leaked" % (
            len(blocks), sum(b[0] in LEAKED for b in blocks.values())))
    finally:
        program.close()
    if failures or core:
        failures.finish()
    seen.skip(seen.no_core_reason())


if __name__ == "__main__":
    main()
