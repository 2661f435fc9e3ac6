# SPDX-License-Identifier: MIT
"""run.py WORD... | --table | --matrix [--only LIBC|ARCH]... [--table FILE]

fixtures/bugs.c has one classic heap bug a program. `heapscan check` must say
what it was and whose block is to blame, as the program itself wrote it down
before the bug happened, and must leave the rest of the heap as it is.

  WORD      bugs whose names begin so, with this machine's libc, as a core;
            those that stop instead of aborting are looked at live as well
  --table   all of them, as the table of docs/damage.md
  --matrix  all of them under every libc of tests/matrix
"""
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(
    os.path.abspath(__file__))), "oracle"))
import seen  # noqa: E402

MOST_WRONG = 0.01  # of the chunks that have nothing to do with the bug

# name: cause, what is compared with the ledger, what glibc 2.36 says, words
# for people. "-": the place of the crime is gone by then, or has no chunk.
SUSPECT, VICTIM, NOBODY = "suspect", "victim", None
BUGS = {
    "sound": (None, NOBODY, None, "nothing is wrong"),
    "overflow-text": ("overflow", SUSPECT, None, "a string runs over the next header"),
    "overflow-free": ("overflow", SUSPECT, "double free or corruption (out)", "memset over the next header; the victim is freed"),
    "overflow-one": ("overflow", SUSPECT, None, "one byte too many: the next size grows"),
    "overflow-null": ("overflow", SUSPECT, None, "the zero of a string: the next size shrinks"),
    "overflow-null-free": ("overflow", SUSPECT, "double free or corruption (!prev)", "the same; the victim is freed"),
    "overflow-size": ("overflow", SUSPECT, None, "a forged size over the next one"),
    "overflow-next-size": ("overflow", SUSPECT, "free(): invalid next size (fast)", "the culprit is freed, small"),
    "overflow-next-large": ("overflow", SUSPECT, "free(): invalid next size (normal)", "the culprit is freed, large"),
    "overflow-zeroes": ("overflow", SUSPECT, None, "zeroes over the next header"),
    "overflow-far": ("overflow", SUSPECT, None, "512 bytes over several chunks"),
    "overflow-thread": ("overflow", SUSPECT, None, "in a thread's own arena"),
    "underflow": ("underflow", VICTIM, "double free or corruption (out)", "written before the start of a block"),
    "top-text": ("overflow", SUSPECT, "malloc(): corrupted top size", "written over the size of the top"),
    "house-of-force": ("overflow", SUSPECT, None, "the size of the top is -1"),
    "double-free-tcache": ("double-free", VICTIM, "free(): double free detected in tcache 2", "noticed by the tcache"),
    "double-free-cycle": ("double-free", VICTIM, None, "the same, the mark being gone: the list is a cycle"),
    "double-free-fasttop": ("double-free", VICTIM, "double free or corruption (fasttop)", "noticed by the fastbin"),
    "double-free-fastbin": ("double-free", VICTIM, None, "another one between: the fastbin is a cycle"),
    "double-free-unsorted": ("double-free", VICTIM, "double free or corruption (!prev)", "a large block"),
    "double-free-two-lists": ("double-free", VICTIM, None, "first into a fastbin, then into the tcache"),
    "free-shifted": ("invalid-free", VICTIM, "munmap_chunk(): invalid pointer", "free(p + 8)"),
    "free-inside": ("invalid-free", VICTIM, None, "free(p + 64), where a likely size stands"),
    "house-of-spirit": ("invalid-free", VICTIM, None, "a forged chunk outside of the heap is freed"),
    "uaf-tcache": ("use-after-free", SUSPECT, None, "text over the link of a cached block"),
    "uaf-tcache-abort": ("use-after-free", NOBODY, "malloc(): unaligned tcache chunk detected", "a counter in a cached block; handed out since"),
    "uaf-tcache-block": ("use-after-free", SUSPECT, None, "the link leads into another block"),
    "uaf-fastbin": ("use-after-free", SUSPECT, None, "text over the link of a fast block"),
    "uaf-unsorted": ("use-after-free", SUSPECT, "malloc(): unsorted double linked list corrupted", "text over both links"),
    "uaf-unsorted-stop": ("use-after-free", SUSPECT, None, "zero over the link back"),
    "uaf-smallbin": ("use-after-free", SUSPECT, None, "text over the link on"),
    "uaf-largebin": ("use-after-free", SUSPECT, None, "text over both links"),
    "uaf-last-word": ("use-after-free", SUSPECT, None, "where the size of a free block is repeated"),
    "uaf-last-word-abort": ("use-after-free", SUSPECT, "malloc(): mismatching next->prev_size (unsorted)", "the same; then malloc looks there"),
    "house-of-lore": ("use-after-free", SUSPECT, None, "the link back leads to a forged chunk"),
    "unlink-forged": ("overflow", SUSPECT, "corrupted double-linked list", "a forged free chunk inside a block"),
    "house-of-einherjar": ("overflow", SUSPECT, "corrupted size vs. prev_size while consolidating", "a zero, and a forged size before it"),
}


# Bytes behind the victim that are smashed as well, with what is there.
REACH = {"overflow-far": 0x200}


def read_ledger(path):
    said = {"live": {}}
    with open(path) as f:
        for line in f:
            word, addr, *rest = line.split()
            if word == "live":
                said["live"][int(addr, 16)] = int(rest[0])
            else:
                said[word] = int(addr, 16)
    return said


def heapscan(*arguments):
    done = subprocess.run([seen.HEAPSCAN, *arguments, "--json"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if not done.stdout:
        sys.exit("FAILED: %s: %s" % (" ".join(arguments), done.stderr.decode()))
    return done.returncode, json.loads(done.stdout)


def address(value):
    return int(value, 16) if value else None


def compare_rest(failures, what, name, said, *target):
    """Chunks that the bug did not touch are what they were."""
    status, report = heapscan("chunks", *target)
    by_user = {int(c["user"], 16): c for c in report["chunks"]}
    wrong = []
    smashed = range(said["suspect"], said["victim"] + REACH.get(name, 0))
    for addr, usable in said["live"].items():
        if addr in smashed:
            continue
        c = by_user.get(addr)
        if not c or c["state"] != "used" or c["usable"] != usable:
            wrong.append((hex(addr), c and c["state"]))
    total = len(said["live"])
    failures.expect(len(wrong) <= total * MOST_WRONG,
                    "%s: %d of %d other blocks are not told right: %s" % (
                        what, len(wrong), total, wrong[:4]))


def judge(failures, what, name, said, *target):
    """The first diagnosis, and what was wrong with it in FAILURES."""
    cause, compared, _, _ = BUGS[name]
    status, report = heapscan("check", *target)
    if "error" in report:
        failures.append("%s: %s" % (what, report["error"]["message"]))
        return None, None
    verdict = report["glibc_said"]
    compare_rest(failures, what, name, said, *target)
    if cause is None:
        failures.expect(status == 0 and not report["damaged"] and
                        not report["diagnoses"] and not verdict,
                        "%s: not called sound: %s %s" % (
                            what, status, report["problems"]))
        return verdict, None
    failures.expect(status == 1 and report["damaged"],
                    "%s: exit status %d, damaged %s" % (
                        what, status, report["damaged"]))
    if not report["diagnoses"]:
        failures.append("%s: no diagnosis" % what)
        return verdict, None
    first = report["diagnoses"][0]
    failures.expect(first["cause"] == cause, "%s: called %s (%s), not %s" % (
        what, first["cause"], first["message"], cause))
    if compared:
        found = address(first["victim"])
        if compared == SUSPECT:
            found = first["suspect"] and address(first["suspect"]["user"])
        failures.expect(found == said[compared],
                        "%s: %s is %s, not %#x: %s" % (
                            what, compared, found and hex(found),
                            said[compared], first["message"]))
    failures.expect(
        not re.search("bytes", json.dumps(first.get("written") or {})),
        "%s: content is shown that nobody asked for" % what)
    return verdict, first


def run(failures, name, command, what="", can_live=True):
    """Run one bug to its end. (verdict, diagnosis); None: it left no core."""
    program = seen.Program([*command, "ledger", name])
    try:
        stopped = os.waitid(os.P_PID, program.pid,
                            os.WSTOPPED | os.WEXITED | os.WNOWAIT)
        said = read_ledger(program.path("ledger"))
        if stopped.si_code == os.CLD_STOPPED and can_live:
            judge(failures, what + "live", name, said,
                  "--pid", str(program.pid))
        core = program.crash()
        if core and not can_live and "qemu_" not in os.path.basename(core):
            core = None  # the emulator's own
        if not core:
            return None
        return judge(failures, what + "core", name, said, core)
    finally:
        program.close()


def binary():
    name = os.environ.get("BUGS_PROGRAM", "bugs")
    path = os.path.join(seen.FIXTURES, name)
    if not os.path.exists(path):
        seen.skip("'%s' could not be built here" % name)
    return path


def some(words):
    failures = seen.Failures()
    cores, version = True, os.confstr("CS_GNU_LIBC_VERSION")
    names = [n for n in BUGS if n.startswith(tuple(words))]
    failures.expect(names, "no bug begins with %s" % words)
    for name in names:
        result = run(failures, name, [binary()], name + ": ")
        cores = cores and result is not None
        text = result and result[0] and result[0]["text"]
        print("%s: glibc said '%s'" % (name, text))
        if result and version == "glibc 2.36":
            failures.expect(text == BUGS[name][2],
                            "%s: glibc said '%s', not '%s'" % (
                                name, text, BUGS[name][2]))
    if failures or cores:
        failures.finish()
    seen.skip(seen.no_core_reason())


def table():
    """Every bug with this libc, as Markdown."""
    failures = seen.Failures()
    rows = []
    for name in BUGS:
        got = run(failures, name, [binary()])
        verdict, first = got or (None, None)
        shown = "no damage"
        if first:
            shown = "%s, %s" % (first["cause"], first["confidence"])
            if first["suspect"]:
                shown += "; the block"
            elif BUGS[name][1]:
                shown += "; the address"
        rows.append("| `%s` | %s | %s | %s |" % (
            name, BUGS[name][3],
            "`%s`" % verdict["text"] if verdict else "–", shown))
    print("| program | what it does | glibc said | heapscan says |")
    print("| --- | --- | --- | --- |")
    print("\n".join(rows))
    failures.finish()


def main():
    what = sys.argv[1]
    if what == "--table":
        table()
    elif what == "--matrix":
        import everywhere
        everywhere.main(run, BUGS)
    else:
        some(sys.argv[1:])


if __name__ == "__main__":
    main()
