# SPDX-License-Identifier: MIT
"""read_slice.py SLICE [--imported] [PID]: a reader of Memory Slices that knows
nothing of ours, and forgives nothing: every rule for writers (P1 to P20) is an
assertion. With PID, that of the stopped process, its memory is compared byte by
byte. Exit status 77: a codec or hash is not to be had here."""
import ctypes
import ctypes.util
import hashlib
import os
import struct
import sys

PAGE_STATES = ("captured", "failed", "unmapped")


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
    assert raw[size - 1:] == bytes(pad8(size) - size + 1), "padding of a text"
    return raw[:size - 1].decode(), at + pad8(size)


class Slice:
    def __init__(self, raw):
        self.raw = raw
        self.regions, self.threads, self.modules = [], [], []
        self.build_ids, self.mappings = {}, {}
        self.read_header()
        self.read_blocks()
        self.check_order()
        self.check_capabilities()

    def read_header(self):
        h = self.raw
        assert h[:8] == b"MEMSLICE" and h[8] == 1 and h[9] == 64, "P1, P2"
        (self.version, self.flags, self.capabilities, self.uuid,
         self.time, self.os, self.arch, self.pid, self.clock, count,
         self.algorithm, reserved) = struct.unpack_from(
             "<HIQ16sQHHIBIBH", h, 0x0a)
        assert self.version in (0x100, 0x101), "P1"
        assert self.version == 0x101 or self.algorithm == 0, "hash is 1.1"
        check_uuid(self.uuid)
        assert reserved == 0, "P5"
        assert count == 0, "P7"
        assert self.os == 1 and self.clock in (0, 1)
        self.hash = hasher(self.algorithm)

    def read_blocks(self):
        at, self.blocks, previous = 64, [], self.raw[:64]
        while at < len(self.raw):
            (magic, kind, flags, length, version, reserved, uuid, parent,
             chain) = struct.unpack_from("<4sHHIHH16s16s32s", self.raw, at)
            assert magic == b"MSLC" and kind != 0, "P16"
            assert length % 8 == 0 and at + length <= len(self.raw), "P6"
            assert version == 1 and reserved == 0, "P10, P5"
            assert flags & ~0x3f == 0, "P5"
            assert flags & 1 or flags & 6 == 0, "P11"
            check_uuid(uuid)
            assert self.hash(previous).digest() == chain, "P4"
            payload = self.raw[at + 80:at + length]
            if flags & 1:
                assert kind == 1, "only regions are compressed"
                size, = struct.unpack_from("<Q", payload)
                assert size % 8 == 0
                payload = {1: unzstd, 2: unlz4}[flags >> 1 & 3](
                    payload[8:], size)
            self.blocks.append((kind, flags, uuid, parent))
            previous = self.raw[at:at + length]
            if kind == 0x0fff:
                assert payload[:32] == self.hash(self.raw[:at]).digest(), \
                    "file hash"
            reader = {1: self.region, 2: self.module, 0x11: self.thread,
                      0x5a: self.manifest}.get(kind)
            if reader:
                reader(payload)
            at += length
        assert self.blocks[-1][0] == 0x0fff, "End-of-Capture is last"
        assert len({b[2] for b in self.blocks}) == len(self.blocks), "P3"

    def region(self, p):
        base, size, prot, kind, shift = struct.unpack_from("<QQBBB", p)
        assert not any(p[0x13:0x18]), "P5"
        assert 10 <= shift <= 40, "P14"
        page = 1 << shift
        assert size and size % page == 0, "P17"
        count = size // page
        length = pad8((count + 3) // 4)
        states = [p[0x20 + i // 4] >> (6 - i % 4 * 2) & 3
                  for i in range(count)]
        unused = p[0x20 + count // 4:0x20 + length]
        if count % 4:
            unused = bytes([unused[0] & (0xff >> count % 4 * 2)]) + unused[1:]
        assert not any(unused), "P5: unused page states"
        assert 3 not in states
        data = p[0x20 + length:]
        assert len(data) == states.count(0) * page, "P20"
        self.regions.append((base, size, prot, kind, page, states, data))
        _, _, uuid, parent = self.blocks[-1]
        if parent in self.mappings:  # a part of one
            start, end = self.mappings[parent]
            assert end == base, "parts are not in a row"
            self.mappings[parent] = (start, base + size)
        else:
            self.mappings[uuid] = (base, base + size)

    def module(self, p):
        base, size, n, v, reserved = struct.unpack_from("<QQHHI", p)
        assert reserved == 0
        path, at = text(p, 0x18, n)
        _, at = text(p, at, v)
        digest = p[at:at + 32]
        blob_len, reserved = struct.unpack_from("<II", p, at + 32)
        blob = p[at + 40:at + 40 + blob_len]
        assert reserved == 0 and len(p) == at + 40 + pad8(blob_len)
        assert not any(digest), "P13"
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
        begin = [0x30, 0x40, 0x10] if imported else [0x40, 0x10]
        assert kinds[:len(begin)] == begin, "P9, P15"
        assert kinds.count(0x30) == imported, "P9"
        index = self.blocks[len(begin) - 1]
        for kind, _, _, parent in self.blocks:
            if kind == 2:
                assert parent == index[2], "P15"
        assert kinds.count(2) == len(self.modules)
        first = {}
        for kind, flags, uuid, parent in self.blocks:
            if kind == 1 and flags & 0x20:
                assert parent in first and first[parent] & 0x10, "P12"
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
        want = 1 << 1 | 1 << 8
        want |= 1 if self.regions else 0
        want |= 4 if self.threads else 0
        want |= 1 << 9 if any(b[0] == 0x41 for b in self.blocks) else 0
        assert self.capabilities == want, "P8"


def check_uuid(uuid):
    assert uuid[6] >> 4 == 4 and uuid[8] >> 6 == 2, "P3"


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
    there = Slice(open(args[0], "rb").read())
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


main()
