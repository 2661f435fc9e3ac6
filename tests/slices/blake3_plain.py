# SPDX-License-Identifier: MIT
"""BLAKE3 with 32 bytes of output, no key: from its specification, section 2,
for checks that must not depend on what is installed. Python is slow, its long
integers are not: one holds the same word of many chunks, 64 bits for each."""
from array import array

IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A,
      0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
CHUNK_START, CHUNK_END, PARENT, ROOT = 1, 2, 4, 8
CHUNK, BLOCK = 1024, 64
MOST = 2048  # lanes at once


def schedule():
    """The order of the message words in each of the seven rounds."""
    order = list(range(16))
    for _ in range(7):
        yield order
        order = [order[i] for i in ORDER]


ROUNDS = tuple(tuple(o) for o in schedule())
COLUMNS = ((0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15))
DIAGONALS = ((0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14))


def lanes(values):
    return int.from_bytes(array("Q", values).tobytes(), "little")


def unlanes(number, count):
    return array("Q", number.to_bytes(8 * count, "little"))


def compress(chaining, words, counters, length, flags, count):
    """Eight and sixteen numbers of COUNT lanes in, eight out."""
    one = lanes([1] * count)
    mask = one * 0xFFFFFFFF
    v = list(chaining) + [one * word for word in IV[:4]] + [
        counters & mask, counters >> 32 & mask, one * length, one * flags]
    for order in ROUNDS:
        at = 0
        for a, b, c, d in COLUMNS + DIAGONALS:
            for turn, back in ((16, 12), (8, 7)):
                v[a] = v[a] + v[b] + words[order[at]] & mask
                at += 1
                x = v[d] ^ v[a]
                v[d] = (x >> turn | x << 32 - turn) & mask
                v[c] = v[c] + v[d] & mask
                x = v[b] ^ v[c]
                v[b] = (x >> back | x << 32 - back) & mask
    return [v[i] ^ v[i + 8] for i in range(8)]


def chunks(data, first, root):
    """Chaining values of chunks that are all of the same length."""
    length = len(data) if len(data) < CHUNK else CHUNK
    count = max(1, len(data) // CHUNK)
    blocks = max(1, -(-length // BLOCK))
    padded = data + bytes(blocks * BLOCK * count - len(data))
    words = array("I", padded)
    assert words.itemsize == 4
    value = [lanes([word] * count) for word in IV]
    counters = lanes(range(first, first + count))
    for i in range(blocks):
        block = [lanes(words[i * 16 + w::blocks * 16]) for w in range(16)]
        flags = (CHUNK_START if i == 0 else 0) | \
            (CHUNK_END | root if i == blocks - 1 else 0)
        value = compress(value, block, counters,
                         min(BLOCK, length - i * BLOCK), flags, count)
    return [unlanes(v, count) for v in value]


def parents(values, root):
    """One level of the tree up; an odd one at the end stays as it is."""
    count = len(values[0]) // 2
    words = [lanes(v[side:2 * count:2]) for side in (0, 1) for v in values]
    start = [lanes([word] * count) for word in IV]
    up = [unlanes(v, count)
          for v in compress(start, words, 0, BLOCK, PARENT | root, count)]
    return [u + v[2 * count:] for u, v in zip(up, values)]


class blake3:
    def __init__(self, data=b""):
        data = bytes(data)
        whole = len(data) // CHUNK * CHUNK
        alone = len(data) <= CHUNK
        tree = [array("Q") for _ in range(8)]
        for at in range(0, whole, MOST * CHUNK):
            part = data[at:min(at + MOST * CHUNK, whole)]
            found = chunks(part, at // CHUNK, ROOT if alone else 0)
            tree = [t + f for t, f in zip(tree, found)]
        if whole < len(data) or not data:
            found = chunks(data[whole:], whole // CHUNK, ROOT if alone else 0)
            tree = [t + f for t, f in zip(tree, found)]
        while len(tree[0]) > 1:
            tree = parents(tree, ROOT if len(tree[0]) == 2 else 0)
        self.value = array("I", [t[0] for t in tree])

    def digest(self):
        return self.value.tobytes()
