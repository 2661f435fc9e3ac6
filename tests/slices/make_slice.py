# SPDX-License-Identifier: MIT
"""A writer of Memory Slices that shares nothing with heapscan: written from
what is known about the format (docs/slices.md), to be read by what was not.

    make_slice.py PID OUT [--compress none|zstd|lz4] [--framing a|b]
                  [--hash blake3|sha256|sha512-256] [--modules full|lines|gdb|none]
                  [--no-threads] [--passphrase TEXT] [--key HEX]

takes the memory of a process, which should be stopped. The functions make
single blocks, for tests of single blocks. Compression, encryption and BLAKE3
come from system libraries through ctypes; a test whose library is missing is
skipped by the one who calls.
"""
import argparse
import ctypes
import ctypes.util
import hashlib
import os
import struct
import sys
import uuid

from blake3_plain import blake3

REGION, MODULE, MODULE_LIST, THREAD = 0x0001, 0x0002, 0x0010, 0x0011
KEY_HINT, PROVENANCE, PROCESS, RELATED = 0x0020, 0x0030, 0x0040, 0x0041
SYSTEM, END = 0x0050, 0x0FFF
COMPRESSED, ZSTD, LZ4, CHILDREN, CONTINUATION = 1, 1 << 1, 2 << 1, 0x10, 0x20
CAPTURED, FAILED, UNMAPPED, RESERVED = range(4)
HASHES = {"blake3": 0, "sha256": 1, "sha512-256": 2}


class Missing(Exception):
    """A library that is not here."""


def library(name):
    path = ctypes.util.find_library(name)
    for candidate in (path, "lib%s.so.1" % name, "lib%s.so.3" % name):
        if candidate:
            try:
                return ctypes.CDLL(candidate)
            except OSError:
                pass
    raise Missing("lib%s is not installed" % name)


def pad8(data):
    return data + bytes(-len(data) % 8)


# ---- hashes -----------------------------------------------------------------

def digest(name, data):
    if name == "blake3":
        return blake3(data).digest()
    if name == "sha256":
        return hashlib.sha256(data).digest()
    return hashlib.new("sha512_256", data).digest()


# ---- codecs -----------------------------------------------------------------

def zstd_frame(data):
    z = library("zstd")
    z.ZSTD_compressBound.restype = z.ZSTD_compress.restype = ctypes.c_size_t
    room = z.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(room)
    n = z.ZSTD_compress(out, ctypes.c_size_t(room), data,
                        ctypes.c_size_t(len(data)), 1)
    return out.raw[:n]


def lz4_block(data):
    z = library("lz4")
    room = z.LZ4_compressBound(len(data))
    out = ctypes.create_string_buffer(room)
    n = z.LZ4_compress_default(data, out, len(data), room)
    return out.raw[:n]


def lz4_frame(data):
    z = library("lz4")
    z.LZ4F_compressFrameBound.restype = ctypes.c_size_t
    z.LZ4F_compressFrame.restype = ctypes.c_size_t
    room = z.LZ4F_compressFrameBound(ctypes.c_size_t(len(data)), None)
    out = ctypes.create_string_buffer(room)
    n = z.LZ4F_compressFrame(out, ctypes.c_size_t(room), data,
                             ctypes.c_size_t(len(data)), None)
    return out.raw[:n]


def pack(codec, payload, framing="a"):
    """(flags, payload as it stands in the file)."""
    if codec == "none":
        return 0, payload
    if framing == "b":
        data = zstd_frame(payload) if codec == "zstd" else lz4_frame(payload)
    else:
        payload = pad8(payload)
        data = struct.pack("<Q", len(payload))
        if codec == "zstd":
            data += zstd_frame(payload)
        else:
            data += struct.pack("<I", len(payload)) + lz4_block(payload)
    return COMPRESSED | (ZSTD if codec == "zstd" else LZ4), data


# ---- payloads ---------------------------------------------------------------

def text(value):
    return pad8(value.encode() + b"\0") if value else b""


def text_len(value):
    return len(value.encode()) + 1 if value else 0


def page_map(states):
    out = bytearray((len(states) + 3) // 4)
    for i, state in enumerate(states):
        out[i // 4] |= state << (6 - i % 4 * 2)
    return pad8(bytes(out))


def region(base, size, states, data, prot=3, kind=5, shift=12, stamp=1):
    return struct.pack("<QQBBB5xQ", base, size, prot, kind, shift,
                       stamp) + page_map(states) + data


def module(base, size, path, version="", disk_hash=bytes(32), blob=b""):
    return (struct.pack("<QQHHI", base, size, text_len(path),
                        text_len(version), 0) + text(path) + text(version) +
            disk_hash + struct.pack("<II", len(blob), 0) + pad8(blob))


def module_list(modules):
    out = struct.pack("<II", len(modules), 0)
    for ident, base, size, path in modules:
        out += ident + struct.pack("<QQHHI", base, size, text_len(path), 0,
                                   0) + text(path)
    return out


def thread(tid, registers, name="", current=False, state=3):
    """registers: (name, width, value, flags)."""
    out = struct.pack("<QQHBBIH6x", tid, 0, int(current), state, 0,
                      len(registers), text_len(name)) + text(name)
    for label, width, value, flags in registers:
        out += struct.pack("<BBHI", text_len(label), width, flags, 0)
        out += text(label) + pad8(value.to_bytes(width, "little"))
    return out


def process(ppid, session, start, exe, cmdline):
    return struct.pack("<IIQHHI", ppid, session, start, text_len(exe),
                       text_len(cmdline), 0) + text(exe) + text(cmdline)


# ---- the file ---------------------------------------------------------------

def header(flags=0, caps=1, os_type=1, arch=1, pid=0, hash_algorithm=0,
           size=64, version=0x0100, endian=1, stamp=1700000000000000000,
           ident=None, count=0):
    raw = b"MEMSLICE" + struct.pack("<BBHIQ", endian, size, version, flags,
                                    caps)
    raw += ident or uuid.UUID(int=0x11112222333344448555666677778888).bytes
    raw += struct.pack("<QHHIBIB2x", stamp, os_type, arch, pid, 1, count,
                       hash_algorithm)
    return raw.ljust(size, b"\0")


def block(kind, payload, previous, flags=0, version=1, ident=None,
          parent=bytes(16), length=None, pad=True):
    if pad:
        payload = pad8(payload)
    if length is None:
        length = 80 + len(payload)
    return (b"MSLC" + struct.pack("<HHIHH", kind, flags, length, version, 0) +
            (ident or uuid.uuid4().bytes) + parent + previous + payload)


class Slice:
    """Blocks in a chain, in memory."""

    def __init__(self, head=None, hash_name="sha256", anchored=True,
                 chained=True, pad=True, **fields):
        fields.setdefault("hash_algorithm", HASHES[hash_name])
        self.hash_name = hash_name
        self.chained = chained
        self.pad = pad
        self.out = bytearray(head or header(**fields))
        self.previous = digest(hash_name, bytes(self.out)) \
            if anchored and chained else bytes(32)

    def add(self, kind, payload, **fields):
        fields.setdefault("pad", self.pad)
        raw = block(kind, payload, self.previous, **fields)
        self.out += raw
        if self.chained:
            self.previous = digest(self.hash_name, raw)
        return self

    def region(self, *args, codec="none", framing="a", flags=0, ident=None,
               parent=bytes(16), **fields):
        more, payload = pack(codec, region(*args, **fields), framing)
        return self.add(REGION, payload, flags=flags | more, ident=ident,
                        parent=parent)

    def end(self):
        whole = digest(self.hash_name, bytes(self.out))
        return self.add(END, whole + struct.pack("<QQ", 1700000001000000000,
                                                 0))

    def bytes(self):
        return bytes(self.out)


# ---- encryption -------------------------------------------------------------

def argon2id(passphrase, salt, passes, memory, lanes):
    lib = library("argon2")
    out = ctypes.create_string_buffer(32)
    bad = lib.argon2id_hash_raw(passes, memory, lanes, passphrase,
                                ctypes.c_size_t(len(passphrase)), salt,
                                ctypes.c_size_t(len(salt)), out,
                                ctypes.c_size_t(32))
    if bad:
        raise Missing("libargon2 failed: %d" % bad)
    return out.raw


def aes_256_gcm(key, nonce, aad, clear):
    c = library("crypto")
    c.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
    c.EVP_aes_256_gcm.restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(c.EVP_CIPHER_CTX_new())
    n = ctypes.c_int()
    out = ctypes.create_string_buffer(len(clear) + 16)
    tag = ctypes.create_string_buffer(16)
    c.EVP_EncryptInit_ex(ctx, ctypes.c_void_p(c.EVP_aes_256_gcm()), None, key,
                         nonce)
    c.EVP_EncryptUpdate(ctx, None, ctypes.byref(n), aad, len(aad))
    c.EVP_EncryptUpdate(ctx, out, ctypes.byref(n), clear, len(clear))
    c.EVP_EncryptFinal_ex(ctx, None, ctypes.byref(n))
    c.EVP_CIPHER_CTX_ctrl(ctx, 0x10, 16, tag)
    c.EVP_CIPHER_CTX_free(ctx)
    return out.raw[:len(clear)] + tag.raw


def encrypted_header(kdf=1, cipher=1, passes=3, memory=65536, lanes=4,
                     nonce=b"nonce-------", salt=b"salt------------",
                     encapsulation=0, **fields):
    fields["flags"] = fields.get("flags", 0) | 4
    fields["size"] = 128
    head = bytearray(header(version=0x0101, **fields))
    head[0x40:0x80] = struct.pack(
        "<BBBxIIBxH", cipher, kdf, encapsulation, passes, memory, lanes, 0
    ).ljust(16, b"\0") + nonce.ljust(24, b"\0") + salt + bytes(8)
    return bytes(head)


def encrypt(clear, passphrase=None, key=None):
    """A slice whose header is encrypted_header() and whose chain is none."""
    head = clear[:128]
    passes, memory, lanes = struct.unpack("<IIB", head[0x44:0x4D])
    if key is None:
        key = argon2id(passphrase.encode(), head[0x68:0x78], passes, memory,
                       lanes)
    return head + aes_256_gcm(key, head[0x50:0x5C], head, clear[128:])


# ---- a process --------------------------------------------------------------

X86_64 = ("r15 r14 r13 r12 rbp rbx r11 r10 r9 r8 rax rcx rdx rsi rdi orig_rax "
          "rip cs eflags rsp ss fs_base gs_base ds es fs gs").split()


def registers_of(tid):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p,
                            ctypes.c_void_p]
    libc.ptrace.restype = ctypes.c_long

    def call(request, data=None):
        if libc.ptrace(request, tid, None, data) < 0:
            raise PermissionError(ctypes.get_errno(), "ptrace")

    call(0x4206)  # PTRACE_SEIZE
    call(0x4207)  # PTRACE_INTERRUPT
    os.waitpid(tid, 0x40000000)  # __WALL
    raw = ctypes.create_string_buffer(8 * len(X86_64))
    call(12, ctypes.cast(raw, ctypes.c_void_p))  # PTRACE_GETREGS
    call(17)  # PTRACE_DETACH
    values = struct.unpack("<%dQ" % len(X86_64), raw.raw)
    flag = {"rip": 1, "rsp": 2}
    return [(name, 8, value, flag.get(name, 0))
            for name, value in zip(X86_64, values)]


class Mapping:
    def __init__(self, line):
        self.line = line
        fields = line.split(None, 5)
        self.start, self.end = (int(x, 16) for x in fields[0].split("-"))
        self.perms, self.offset = fields[1], int(fields[2], 16)
        self.path = fields[5].rstrip("\n") if len(fields) > 5 else ""

    def prot(self):
        return sum(bit for bit, c in ((1, "r"), (2, "w"), (4, "x"))
                   if c in self.perms)

    def kind(self):
        if self.path == "[heap]":
            return 1
        if self.path == "[stack]" or self.path.startswith("[stack:"):
            return 2
        if self.path.startswith("["):
            return 0
        if self.path:
            return 3 if self.path.endswith(".so") else 4
        return 5


def read_pages(memory, mapping):
    count = (mapping.end - mapping.start) // 4096
    if "r" not in mapping.perms:
        return [FAILED] * count, b""
    states, data = [], bytearray()
    at = mapping.start
    while at < mapping.end:
        want = min(mapping.end - at, 1 << 20)
        try:
            piece = os.pread(memory, want, at)
        except OSError:
            piece = b""
        whole = len(piece) // 4096
        states += [CAPTURED] * whole
        data += piece[:whole * 4096]
        at += whole * 4096
        if whole * 4096 < want:
            states.append(FAILED)
            at += 4096
    return states, bytes(data)


def images_of(maps):
    images = {}
    for m in maps:
        if m.path.startswith("/"):
            images.setdefault(m.path, []).append(m)
    return {path: ms for path, ms in images.items()
            if any("x" in m.perms for m in ms)}


def add_modules(out, maps, how, exe):
    index = uuid.uuid4().bytes
    entries = []
    for path, ms in images_of(maps).items():
        base, end = ms[0].start, ms[-1].end
        blob = b""
        if how == "gdb":
            if path == exe:
                continue
            run = next(m for m in ms if "x" in m.perms)
            base, end = run.start + 64, run.end
        elif how == "lines":
            blob = "".join(m.line for m in ms).encode()
        entries.append((uuid.uuid4().bytes, base, end - base, path, blob))
    if not entries:
        return
    out.add(MODULE_LIST, module_list([e[:4] for e in entries]), ident=index,
            flags=CHILDREN)
    for ident, base, size, path, blob in entries:
        out.add(MODULE, module(base, size, path, blob=blob), ident=ident,
                parent=index)


def of_process(pid, hash_name="sha256", compress="none", framing="a",
               modules="full", threads=True, head=None, chained=True):
    with open("/proc/%d/maps" % pid) as f:
        maps = [Mapping(line) for line in f]
    with open("/proc/%d/cmdline" % pid, "rb") as f:
        cmdline = f.read().rstrip(b"\0").replace(b"\0", b" ").decode()
    with open("/proc/%d/stat" % pid) as f:
        stat = f.read().rsplit(")", 1)[1].split()
    exe = os.readlink("/proc/%d/exe" % pid)
    tids = sorted(int(t) for t in os.listdir("/proc/%d/task" % pid))
    caps = 1 | 1 << 8 | (1 << 1 if modules != "none" else 0) | (
        1 << 2 if threads else 0)
    if head:
        head = bytearray(head)
        head[0x10:0x18] = struct.pack("<Q", caps)
        head[0x34:0x38] = struct.pack("<I", pid)
    out = Slice(head=head and bytes(head), hash_name=hash_name,
                anchored=framing == "a", chained=chained, pad=framing == "a",
                caps=caps, pid=pid)
    out.add(PROCESS, process(int(stat[1]), int(stat[3]), 0, exe, cmdline))
    if modules != "none":
        add_modules(out, maps, modules, exe)
    if threads:
        for tid in tids:
            with open("/proc/%d/task/%d/comm" % (pid, tid)) as f:
                name = f.read().strip()
            out.add(THREAD, thread(tid, registers_of(tid), name))
    memory = os.open("/proc/%d/mem" % pid, os.O_RDONLY)
    # by volatility, not by address, as the reference writer does
    maps.sort(key=lambda m: ("w" not in m.perms, "x" not in m.perms))
    for m in maps:
        if m.path == "[vsyscall]":
            continue
        states, data = read_pages(memory, m)
        out.region(m.start, m.end - m.start, states, data, m.prot(), m.kind(),
                   codec=compress, framing=framing)
    os.close(memory)
    return out.end().bytes()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("pid", type=int)
    p.add_argument("out")
    p.add_argument("--compress", default="none",
                   choices=("none", "zstd", "lz4"))
    p.add_argument("--framing", default="a", choices=("a", "b"))
    p.add_argument("--hash", default="sha256", choices=sorted(HASHES))
    p.add_argument("--modules", default="full",
                   choices=("full", "lines", "gdb", "none"))
    p.add_argument("--no-threads", action="store_true")
    p.add_argument("--passphrase")
    p.add_argument("--key")
    a = p.parse_args()
    locked = a.passphrase is not None or a.key is not None
    head = None
    if locked:
        head = encrypted_header(kdf=0 if a.key else 1, passes=1, memory=1024,
                                lanes=1, hash_algorithm=HASHES[a.hash])
    try:
        raw = of_process(a.pid, a.hash, a.compress, a.framing, a.modules,
                         not a.no_threads, head, not locked)
        if locked:
            raw = encrypt(raw, a.passphrase,
                          bytes.fromhex(a.key) if a.key else None)
    except (Missing, PermissionError) as why:
        print("skipped: %s" % why)
        sys.exit(77)
    with open(a.out, "wb") as f:
        f.write(raw)


if __name__ == "__main__":
    main()
