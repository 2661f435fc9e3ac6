# SPDX-License-Identifier: MIT
"""read_slice.py SLICE [--imported] [--passphrase FILE] [PID]: a reader of
Memory Slices that knows nothing of ours, and forgives nothing: every rule for
writers (P1 to P20, docs/slices.md) is a check that names it. With PID, that of
the stopped process, its memory is compared byte by byte. Exit status 77: a
codec, hash or cipher is not to be had here."""
import collections
import ctypes
import ctypes.util
import hashlib
import os
import struct
import sys

TABLES = range(0x51, 0x59)
checked = collections.Counter()  # by rule: how often something was held to it


class Broken(AssertionError):
    """A rule that was not kept."""

    def __init__(self, rule, what):
        super().__init__("%s: %s" % (rule, what))
        self.rule = rule


def must(rule, holds, what):
    checked[rule] += 1
    if not holds:
        raise Broken(rule, what)


def skip(why):
    print("skipped: " + why)
    sys.exit(77)


def library(name):
    found = ctypes.util.find_library(name)
    if not found:
        skip("lib%s is not installed" % name)
    return ctypes.CDLL(found)


def unzstd(data, size):
    lib = library("zstd")
    lib.ZSTD_findFrameCompressedSize.restype = ctypes.c_size_t
    lib.ZSTD_findFrameCompressedSize.argtypes = (ctypes.c_char_p,
                                                 ctypes.c_size_t)
    lib.ZSTD_decompress.restype = ctypes.c_size_t
    lib.ZSTD_decompress.argtypes = (ctypes.c_char_p, ctypes.c_size_t,
                                    ctypes.c_char_p, ctypes.c_size_t)
    frame = lib.ZSTD_findFrameCompressedSize(data, len(data))
    assert frame <= len(data), "no zstd frame"
    assert len(data) - frame < 8 and not any(data[frame:]), "padding"
    out = ctypes.create_string_buffer(size)
    got = lib.ZSTD_decompress(out, size, data, frame)
    assert got == size, "zstd gives another size"
    return out.raw


def unlz4(data, size):
    lib = library("lz4")
    assert struct.unpack_from("<I", data)[0] == size, "lz4's own size"
    out = ctypes.create_string_buffer(size)
    # The whole rest is taken for the block: so the strictest reader does it.
    got = lib.LZ4_decompress_safe(data[4:], out, len(data) - 4, size)
    assert got == size, "lz4: %d of %d bytes" % (got, size)
    return out.raw


def argon2id(passphrase, salt, passes, memory, lanes):
    lib = library("argon2")
    out = ctypes.create_string_buffer(32)
    bad = lib.argon2id_hash_raw(passes, memory, lanes, passphrase,
                                ctypes.c_size_t(len(passphrase)), salt,
                                ctypes.c_size_t(len(salt)), out,
                                ctypes.c_size_t(32))
    assert bad == 0, "argon2: %d" % bad
    return out.raw


def decrypted(key, nonce, aad, data):
    """AES-256-GCM with the tag behind; nothing is given out before it fits."""
    c = library("crypto")
    c.EVP_CIPHER_CTX_new.restype = ctypes.c_void_p
    c.EVP_aes_256_gcm.restype = ctypes.c_void_p
    ctx = ctypes.c_void_p(c.EVP_CIPHER_CTX_new())
    n = ctypes.c_int()
    clear = ctypes.create_string_buffer(len(data) - 16)
    c.EVP_DecryptInit_ex(ctx, ctypes.c_void_p(c.EVP_aes_256_gcm()), None, key,
                         nonce)
    c.EVP_DecryptUpdate(ctx, None, ctypes.byref(n), aad, len(aad))
    c.EVP_DecryptUpdate(ctx, clear, ctypes.byref(n), data[:-16],
                        len(data) - 16)
    c.EVP_CIPHER_CTX_ctrl(ctx, 0x11, 16, data[-16:])
    good = c.EVP_DecryptFinal_ex(ctx, None, ctypes.byref(n))
    c.EVP_CIPHER_CTX_free(ctx)
    assert good == 1, "the tag does not fit"
    return clear.raw


def hasher(algorithm):
    if algorithm == 1:
        return hashlib.sha256
    if algorithm == 2:
        try:
            hashlib.new("sha512_256")
        except ValueError:
            skip("hashlib has no SHA-512/256")
        return lambda data: hashlib.new("sha512_256", data)
    try:
        from blake3 import blake3
    except ImportError:
        from blake3_plain import blake3
    return blake3


def pad8(n):
    return (n + 7) & ~7


def text(data, at, size):
    """A padded string, and where the next thing begins."""
    if size == 0:
        return None, at
    raw = data[at:at + pad8(size)]
    must("P6", raw[size - 1:] == bytes(pad8(size) - size + 1),
         "a text ends with a NUL and zeroes up to 8")
    return raw[:size - 1].decode(), at + pad8(size)


class Slice:
    def __init__(self, raw, passphrase=None):
        self.raw = raw
        self.regions, self.threads, self.modules = [], [], []
        self.build_ids, self.mappings, self.listed = {}, {}, []
        self.read_header()
        if self.flags & 4:
            self.decrypt(passphrase)
        self.read_blocks()
        self.check_order()
        self.check_capabilities()
        self.check_tables()

    def read_header(self):
        h = self.raw
        (self.version, self.flags, self.capabilities, self.uuid,
         self.time, self.os, self.arch, self.pid, self.clock, count,
         self.algorithm, reserved) = struct.unpack_from(
             "<HIQ16sQHHIBIBH", h, 0x0a)
        self.header_size = 128 if self.flags & 4 else 64
        must("P1", h[:8] == b"MEMSLICE", "magic")
        must("P2", h[8] == 1, "little endian")
        must("P19" if self.flags & 4 else "P1", h[9] == self.header_size,
             "header of %d bytes" % h[9])
        must("P1", self.version in (0x100, 0x101), "version")
        assert self.version == 0x101 or self.algorithm == 0, "hash is 1.1"
        check_uuid(self.uuid)
        must("P5", reserved == 0 and self.flags & ~15 == 0, "header")
        must("P7", count == 0, "what is written is not changed: no count")
        assert self.os == 1 and self.clock in (0, 1)
        self.hash = hasher(self.algorithm)

    def decrypt(self, passphrase):
        (cipher, kdf, encapsulation, zero, passes, memory, lanes, zero2,
         length) = struct.unpack_from("<BBBBIIBBH", self.raw, 0x40)
        self.nonce, self.salt = self.raw[0x50:0x5c], self.raw[0x68:0x78]
        must("P5", zero == 0 and zero2 == 0 and
             not any(self.raw[0x5c:0x68]) and not any(self.raw[0x78:0x80]),
             "the header's part on encryption")
        must("P19", (cipher, kdf, encapsulation, length) == (1, 1, 0, 0),
             "AES-256-GCM, Argon2id, no encapsulation")
        must("P19", passes >= 3 and memory >= 65536 and lanes >= 4,
             "Argon2 at less than 3, 65536 KiB, 4")
        must("P19", any(self.nonce) and any(self.salt), "nonce and salt")
        must("P19", self.version == 0x101, "encryption is 1.1")
        header = self.raw[:128]
        key = argon2id(passphrase, self.salt, passes, memory, lanes)
        self.raw = header + decrypted(key, self.nonce, header, self.raw[128:])

    def read_blocks(self):
        at = self.header_size
        self.blocks, previous = [], self.raw[:at]
        while at < len(self.raw):
            (magic, kind, flags, length, version, reserved, uuid, parent,
             chain) = struct.unpack_from("<4sHHIHH16s16s32s", self.raw, at)
            assert magic == b"MSLC"
            must("P16", kind != 0, "type 0")
            must("P6", length % 8 == 0, "a block of %d bytes" % length)
            assert at + length <= len(self.raw)
            must("P10", version == 1, "payload version %d" % version)
            must("P5", reserved == 0 and flags & ~0x3f == 0, "block header")
            must("P11", flags & 1 or flags & 6 == 0, "a codec, unused")
            check_uuid(uuid)
            if self.flags & 4:
                must("P19", not any(chain), "the chain is not zero")
            else:
                must("P4", self.hash(previous).digest() == chain, "chain")
            payload = self.raw[at + 80:at + length]
            if flags & 1:
                assert kind == 1, "only regions are compressed"
                size, = struct.unpack_from("<Q", payload)
                must("P6", size % 8 == 0, "unpacked size")
                payload = {1: unzstd, 2: unlz4}[flags >> 1 & 3](
                    payload[8:], size)
            self.blocks.append((kind, flags, uuid, parent))
            previous = self.raw[at:at + length]
            if kind == 0x0fff:
                must("P4", payload[:32] == self.hash(self.raw[:at]).digest(),
                     "file hash")
            reader = {1: self.region, 2: self.module, 0x10: self.module_list,
                      0x11: self.thread, 0x5a: self.manifest}.get(kind)
            if reader:
                reader(payload)
            at += length
        assert self.blocks[-1][0] == 0x0fff, "End-of-Capture is last"
        must("P3", len({b[2] for b in self.blocks}) == len(self.blocks),
             "an identity occurs twice")

    def region(self, p):
        base, size, prot, kind, shift = struct.unpack_from("<QQBBB", p)
        must("P5", not any(p[0x13:0x18]), "region")
        must("P14", 10 <= shift <= 40, "page size 2^%d" % shift)
        page = 1 << shift
        must("P17", size and size % page == 0, "region of %d bytes" % size)
        count = size // page
        length = pad8((count + 3) // 4)
        states = [p[0x20 + i // 4] >> (6 - i % 4 * 2) & 3
                  for i in range(count)]
        unused = p[0x20 + count // 4:0x20 + length]
        if count % 4:
            unused = bytes([unused[0] & (0xff >> count % 4 * 2)]) + unused[1:]
        must("P5", not any(unused), "unused page states")
        must("P5", 3 not in states, "the reserved page state")
        data = p[0x20 + length:]
        must("P20", len(data) == states.count(0) * page,
             "%d bytes of %d pages" % (len(data), states.count(0)))
        self.regions.append((base, size, prot, kind, page, states, data))
        _, _, uuid, parent = self.blocks[-1]
        if parent in self.mappings:  # a part of one
            start, end = self.mappings[parent]
            assert end == base, "parts are not in a row"
            self.mappings[parent] = (start, base + size)
        else:
            self.mappings[uuid] = (base, base + size)

    def module_list(self, p):
        count, reserved = struct.unpack_from("<II", p)
        must("P5", reserved == 0, "module list")
        at = 8
        for _ in range(count):
            uuid, base, size, n, zero, zero2 = struct.unpack_from(
                "<16sQQHHI", p, at)
            must("P5", zero == 0 and zero2 == 0, "module list")
            path, at = text(p, at + 0x28, n)
            self.listed.append((uuid, base, size, path))
        assert at == len(p)

    def module(self, p):
        base, size, n, v, reserved = struct.unpack_from("<QQHHI", p)
        assert reserved == 0
        path, at = text(p, 0x18, n)
        _, at = text(p, at, v)
        digest = p[at:at + 32]
        blob_len, reserved = struct.unpack_from("<II", p, at + 32)
        blob = p[at + 40:at + 40 + blob_len]
        must("P5", reserved == 0, "module")
        assert len(p) == at + 40 + pad8(blob_len)
        must("P13", not any(digest), "a hash of a file nobody has read")
        for line in blob.decode().splitlines():
            start = int(line.split("-")[0], 16)
            assert base <= start < base + size, line
        self.modules.append((base, size, path))

    def manifest(self, p):
        count, = struct.unpack_from("<Q", p)
        assert len(p) == 8 + 64 * count
        for i in range(count):
            base, n = struct.unpack_from("<QB", p, 8 + 64 * i)
            self.build_ids[base] = p[20 + 64 * i:20 + 64 * i + n].hex()

    def thread(self, p):
        tid, zero, flags, state, z, count, n = struct.unpack_from(
            "<QQHBBIH", p)
        assert zero == 0 and z == 0 and state == 3 and flags < 2
        name, at = text(p, 0x20, n)
        registers = {}
        for _ in range(count):
            size, width, kind, z = struct.unpack_from("<BBHI", p, at)
            assert z == 0
            register, at = text(p, at + 8, size)
            registers[register] = int.from_bytes(p[at:at + width], "little")
            assert not any(p[at + width:at + pad8(width)])
            at += pad8(width)
        assert at == len(p), "a thread has something behind its registers"
        self.threads.append((tid, name, registers))

    def check_order(self):
        kinds = [b[0] for b in self.blocks]
        imported = bool(self.flags & 1)
        must("P9", kinds.count(0x30) == imported, "import provenance")
        begin = [0x30, 0x40, 0x10] if imported else [0x40, 0x10]
        must("P9" if imported else "P15", kinds[:len(begin)] == begin,
             "first blocks: " + ", ".join(hex(k) for k in kinds[:3]))
        index = self.blocks[len(begin) - 1]
        found = [b for b in self.blocks if b[0] == 2]
        for block in found:
            must("P15", block[3] == index[2], "a module of another list")
        must("P15", [b[2] for b in found] == [m[0] for m in self.listed],
             "modules have other identities than in their list")
        assert [m[1:] for m in self.listed] == self.modules
        first = {}
        for kind, flags, uuid, parent in self.blocks:
            if kind == 1 and flags & 0x20:
                must("P12", parent in first and first[parent] & 0x10,
                     "a continuation of nothing")
            elif kind == 1 and parent != bytes(16):  # a part
                assert first[parent] & 0x10
            if kind == 1:
                first[uuid] = flags
            if kind == 0x4853:  # ours: unknown to others, but in its place
                assert first[parent] & 0x10
        end = 0
        for base, size, _, _, _, _, _ in sorted(self.regions):
            assert base >= end, "regions overlap"
            end = base + size

    def check_capabilities(self):
        kinds = {b[0] for b in self.blocks}
        want = 1 << 8
        for bit, kind in ((0, 1), (1, 2), (2, 0x11), (9, 0x41), (10, 0x20),
                          (11, 0x50), (12, 0x51), (13, 0x52), (14, 0x53)):
            want |= (kind in kinds) << bit
        want |= (0x10 in kinds) << 1
        must("P8", self.capabilities == want,
             "says 0x%x, has 0x%x" % (self.capabilities, want))

    def check_tables(self):
        kinds = [b[0] for b in self.blocks]
        context = [b for b in self.blocks if b[0] == 0x50]
        must("P18", bool(self.flags & 2) == bool(context) and
             len(context) <= 1, "flag and system context")
        must("P18", not context or kinds.index(0x50) == 2,
             "system context is not block 2")
        for kind, _, _, parent in self.blocks:
            if kind in TABLES:
                must("P18", context and parent == context[0][2],
                     "table 0x%x belongs to no system context" % kind)


def check_uuid(uuid):
    must("P3", uuid[6] >> 4 == 4 and uuid[8] >> 6 == 2, "no UUID of version 4")


def compare(there, pid):
    """The process is stopped: what the slice has must be what it has."""
    compared = 0
    with open("/proc/%d/mem" % pid, "rb", 0) as mem:
        for base, _, prot, _, page, states, data in there.regions:
            if not prot & 1:
                continue
            at = 0
            for i, state in enumerate(states):
                if state != 0:
                    continue
                try:
                    mem.seek(base + i * page)
                    here = mem.read(page)
                except (OSError, OverflowError):
                    raise SystemExit("FAILED: 0x%x is not readable" %
                                     (base + i * page))
                assert here == data[at:at + page], hex(base + i * page)
                at += page
                compared += 1
    maps = [l.split() for l in open("/proc/%d/maps" % pid)]
    ranges = {tuple(int(x, 16) for x in m[0].split("-")) for m in maps
              if m[-1] != "[vsyscall]"}
    assert ranges - set(there.mappings.values()) == set(), \
        "mappings without a region"
    tasks = {int(t) for t in os.listdir("/proc/%d/task" % pid)}
    assert {t[0] for t in there.threads} == tasks, "threads"
    return compared


def main():
    args = sys.argv[1:]
    imported = "--imported" in args
    args = [a for a in args if a != "--imported"]
    passphrase = None
    if "--passphrase" in args:
        i = args.index("--passphrase")
        with open(args[i + 1], "rb") as f:
            passphrase = f.read().rstrip(b"\n")
        del args[i:i + 2]
    there = Slice(open(args[0], "rb").read(), passphrase)
    assert bool(there.flags & 1) == imported
    pages = sum(r[5].count(0) for r in there.regions)
    steps = any(b[0] == 0x4853 for b in there.blocks)
    assert (pages or steps) and there.modules and there.build_ids and there.threads
    for _, _, registers in there.threads:
        for name in ("rip", "rsp", "fs_base", "gs_base", "orig_rax"):
            assert name in registers, name
        assert registers["fs_base"] > 0xffff
    if len(args) > 1:
        pages = compare(there, int(args[1]))
    print("%d blocks, %d pages" % (len(there.blocks), pages))


if __name__ == "__main__":
    main()
