# SPDX-License-Identifier: MIT
"""rules.py RULE: is that rule of the format (docs/slices.md) kept?

P1 to P20, of writers: what heapscan writes keeps it, by a reader that shares
nothing with heapscan; and that reader does object to slices that break it and
are sound otherwise, so that its silence means something. C1 to C12, of readers:
the unit tests that begin with its number pass. A rule that nothing was held to
has failed. HEAPSCAN, FIXTURES, BUILD and SOURCE say where things are."""
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import uuid

import make_slice as make
import read_slice as strict

WRITERS = ["P%d" % n for n in range(1, 21)]
READERS = ["C%d" % n for n in range(1, 13)]
PAGE, BASE = 4096, 0x7F0000000000
PASSPHRASE = b"open sesame"


# ---- a small slice, to be broken --------------------------------------------

class Small:
    """What a slice is made of; what is changed here is not as it should be."""

    def __init__(self):
        self.header = dict(caps=0b100000011, hash_algorithm=1, version=0x0101,
                           ident=uuid.uuid4().bytes)
        one, index = uuid.uuid4().bytes, uuid.uuid4().bytes
        self.blocks = [
            dict(kind=0x40, payload=make.process(1, 1, 1, "/a", "/a b")),
            dict(kind=0x10, ident=index, flags=0x10,
                 payload=make.module_list([(one, BASE, PAGE, "/lib/a.so")])),
            dict(kind=2, ident=one, parent=index,
                 payload=make.module(BASE, PAGE, "/lib/a.so")),
            dict(kind=1, payload=make.region(BASE, 3 * PAGE, [0, 1, 0],
                                             b"\xa5" * (2 * PAGE))),
            dict(kind=0x5A, payload=struct.pack("<Q", 0)),
        ]
        self.last = lambda raw: raw

    def context(self):
        """With tables about the system."""
        self.header.update(flags=2, caps=self.header["caps"] | 0b11 << 11)
        self.tables = uuid.uuid4().bytes
        self.blocks[2:2] = [
            dict(kind=0x50, ident=self.tables, flags=0x10,
                 payload=struct.pack("<QBI5H9x", 9, 1, 1, 5, 5, 0, 0, 0) +
                 make.text("root") + make.text("host")),
            dict(kind=0x51, parent=self.tables, payload=struct.pack("<Q", 0)),
        ]
        return self

    def encrypted(self):
        head = make.encrypted_header(
            nonce=os.urandom(12), salt=os.urandom(16), hash_algorithm=1,
            caps=self.header["caps"], ident=self.header["ident"])
        raw = self.assembled(make.Slice(head=head, chained=False))
        return make.encrypt(raw, PASSPHRASE.decode())

    def assembled(self, out=None):
        out = out or make.Slice(**self.header)
        for b in self.blocks:
            out.add(**b)
        return bytes(self.last(bytearray(out.end().bytes())))


def poke(block, at, raw):
    payload = block["payload"]
    block["payload"] = payload[:at] + raw + payload[at + len(raw):]


def header(**changes):
    return lambda s: s.header.update(changes)


def of(i, **changes):
    return lambda s: s.blocks[i].update(changes)


def bytes_of(i, at, raw):
    return lambda s: poke(s.blocks[i], at, raw)


def file_bytes(at, raw):
    """The last moment, when nothing is hashed any more."""
    def change(s):
        def last(whole):
            where = at if at >= 0 else len(whole) + at
            whole[where:where + len(raw)] = raw
            return whole
        s.last = last
    return change


def move(i, to):
    return lambda s: s.blocks.insert(to, s.blocks.pop(i))


def add(at, **block):
    return lambda s: s.blocks.insert(at, block)


def with_tables(change):
    return lambda s: change(s.context())


PROVENANCE = struct.pack("<HHIQQII", 2, 0, 0, 1, 1, 0, 0)
BREAKS = {
    "P1": [file_bytes(0, b"X"), header(version=0x0200), header(size=72)],
    "P2": [file_bytes(8, b"\2"), file_bytes(8, b"\0")],
    "P3": [header(ident=bytes(16)), of(0, ident=b"\xff" * 16),
           lambda s: s.blocks[4].update(ident=s.blocks[2]["ident"])],
    "P4": [file_bytes(64 + 0x30, bytes(32)), file_bytes(-48, bytes(32))],
    "P5": [file_bytes(0x3E, b"\1"), bytes_of(3, 0x13, b"\1"),
           bytes_of(3, 0x20, b"\x11"), bytes_of(3, 0x20, b"\x10\1"),
           bytes_of(3, 0x20, b"\x30"), of(3, flags=0x40)],
    "P6": [of(4, payload=bytes(9), pad=False), bytes_of(2, 0x18 + 11, b"x")],
    "P7": [header(count=6)],
    "P8": [header(caps=0b100000111), header(caps=0b100000010),
           with_tables(header(flags=2, caps=0b100100000011))],
    "P9": [header(flags=1), add(0, kind=0x30, payload=PROVENANCE),
           lambda s: (header(flags=1)(s),
                      add(1, kind=0x30, payload=PROVENANCE)(s))],
    "P10": [of(3, version=0), of(4, version=2)],
    "P11": [of(3, flags=2), of(3, flags=4)],
    "P12": [of(3, flags=0x20), of(3, flags=0x20, parent=b"\x44" * 16)],
    "P13": [of(2, payload=make.module(BASE, PAGE, "/lib/a.so",
                                      disk_hash=b"\1" * 32))],
    "P14": [bytes_of(3, 0x12, b"\x09"), bytes_of(3, 0x12, b"\x29")],
    "P15": [move(1, 0), of(2, parent=b"\x44" * 16),
            lambda s: s.blocks[2].update(ident=uuid.uuid4().bytes)],
    "P16": [add(3, kind=0, payload=b"")],
    "P17": [bytes_of(3, 8, struct.pack("<Q", 3 * PAGE - 8)),
            bytes_of(3, 8, struct.pack("<Q", 0))],
    "P18": [with_tables(move(2, 4)), with_tables(of(3, parent=bytes(16))),
            with_tables(lambda s: (s.blocks.pop(2), header(flags=0, caps=1 << 12 | 0b100000011)(s))),
            with_tables(header(flags=0))],
    "P19": [dict(passes=2), dict(memory=65535), dict(lanes=3), dict(kdf=0),
            dict(nonce=bytes(12)), dict(salt=bytes(16)), "size", "chain"],
    "P20": [of(3, payload=make.region(BASE, 3 * PAGE, [0, 1, 0],
                                      b"\xa5" * PAGE))],
}


def broken_encryption(how):
    s = Small()
    if how == "chain":
        file_bytes(128 + 0x30, b"\1")(s)
        return s.encrypted()
    # What the header says is objected to before anything is decrypted.
    head = bytearray(make.encrypted_header(
        **{"nonce": os.urandom(12), "salt": os.urandom(16),
           "ident": s.header["ident"], **(how if how != "size" else {})}))
    if how == "size":
        head[9] = 64
    return bytes(head) + bytes(200)


def objects_to_breaks(rule):
    strict.Slice(Small().assembled())
    strict.Slice(Small().context().assembled())
    if rule == "P19":
        strict.Slice(Small().encrypted(), PASSPHRASE)
    for i, how in enumerate(BREAKS[rule]):
        if rule == "P19":
            raw = broken_encryption(how)
        else:
            s = Small()
            how(s)
            raw = s.assembled()
        try:
            strict.Slice(raw, PASSPHRASE)
        except strict.Broken as why:
            assert why.rule == rule, "break %d: %s" % (i, why)
        else:
            raise AssertionError("break %d of %s was not noticed" % (i, rule))


# ---- what heapscan writes ---------------------------------------------------

def heapscan(*args):
    done = subprocess.run([os.environ["HEAPSCAN"], *args],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    if done.returncode == 3:
        strict.skip(done.stdout.decode().strip())
    assert done.returncode == 0, done.stdout.decode()


class Stopped:
    """A process that stands: the fixture stops itself."""

    def __enter__(self):
        self.child = subprocess.Popen(
            [os.environ["FIXTURES"] + "/shapes", "ledger"],
            stdout=subprocess.DEVNULL, cwd=self.folder)
        os.waitpid(self.child.pid, os.WUNTRACED)
        return str(self.child.pid)

    def __init__(self, folder):
        self.folder = folder

    def __exit__(self, *_):
        self.child.send_signal(signal.SIGKILL)
        self.child.wait()


def load(path, passphrase=None):
    with open(path, "rb") as f:
        return strict.Slice(f.read(), passphrase)


def written(rule, folder):
    """Slices that heapscan wrote and that the rule is about."""
    a, b, c = (os.path.join(folder, n) for n in ("a.msl", "b.msl", "c"))
    secret = os.path.join(folder, "secret")
    with open(secret, "wb") as f:
        f.write(PASSPHRASE + b"\n")
    if rule == "P18":
        with open(a, "wb") as f:
            f.write(Small().context().assembled())
        heapscan("convert", a, b, "--hash", "sha512-256", "--compress", "zstd")
        return [load(b)]
    with Stopped(folder) as pid:
        if rule == "P9":
            heapscan("capture", "--pid", pid, "-o", c, "--format", "core",
                     "--only-writable")
            heapscan("convert", c, b, "--hash", "sha256")
            return [load(b)]
        lock = ("--encrypt", "--passphrase-file", secret)
        heapscan("capture", "--pid", pid, "-o", a, "--only-writable",
                 "--hash", "sha256", *(lock if rule == "P19" else ()))
        if rule != "P19":
            return [load(a)]
        heapscan("convert", a, b, *lock)
        heapscan("convert", a, c, "--passphrase-file", secret, "--format",
                 "slice")
        there = [load(a, PASSPHRASE), load(b, PASSPHRASE)]
        assert there[0].nonce != there[1].nonce, "a nonce was used twice"
        assert there[0].salt != there[1].salt, "a salt was used twice"
        load(c)
        return there


def unit_tests(*programs):
    """Names of the tests that passed."""
    out = ""
    for program in programs:
        path = os.path.join(os.environ["BUILD"], "tests", program)
        done = subprocess.run([path], stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        out += done.stdout.decode(errors="replace")
    return re.findall(r"\[ +OK \] (\w+)", out)


def listed():
    """The rules that the documentation has, in its order."""
    with open(os.path.join(os.environ["SOURCE"], "docs/slices.md")) as f:
        return re.findall(r"^\| ([PC]\d+) \|", f.read(), re.MULTILINE)


def main():
    rule = sys.argv[1]
    assert listed() == WRITERS + READERS, "docs/slices.md lists other rules"
    assert sorted(BREAKS) == sorted(WRITERS)
    if rule in READERS or rule == "P12":
        passed = [name for name in unit_tests(
            *(("test_capture",) if rule == "P12" else
              ("test_slice", "test_slice_crypt")))
                  if name.startswith(rule.lower() + "_")]
        assert passed, "no test of " + rule + " passed"
        print("\n".join(passed))
    if rule in WRITERS:
        objects_to_breaks(rule)
        strict.checked.clear()
        if rule != "P12":
            with tempfile.TemporaryDirectory() as folder:
                there = written(rule, folder)
                assert all(s.regions for s in there)
            assert strict.checked[rule] > 0, "nothing was held to " + rule
        print("%s: %d times, and %d ways to break it are noticed" % (
            rule, strict.checked[rule], len(BREAKS[rule])))


try:
    main()
except make.Missing as why:
    strict.skip(str(why))
