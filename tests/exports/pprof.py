# SPDX-License-Identifier: MIT
"""pprof.py PROFILE LEDGER: the file obeys profile.proto, and its stacks say
who retains the blocks of fixtures/held.c."""
import gzip
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        assert shift <= 70
        if byte < 128:
            return value, at


def message(data):
    """Field numbers and values, as they come."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        if key & 7 == 0:
            value, at = varint(data, at)
        else:
            assert key & 7 == 2, "wire type %d" % (key & 7)
            size, at = varint(data, at)
            assert at + size <= len(data), "cut"
            value, at = data[at:at + size], at + size
        yield key >> 3, value


def numbers(data):
    at, found = 0, []
    while at < len(data):
        value, at = varint(data, at)
        found.append(value)
    return found


def main():
    raw = open(sys.argv[1], "rb").read()
    assert raw[:3] == b"\x1f\x8b\x08" and raw[4:8] == b"\0" * 4, "a date"
    fields = {}
    for number, value in message(gzip.decompress(raw)):
        fields.setdefault(number, []).append(value)
    assert set(fields) == {1, 2, 4, 5, 6, 13, 14}, sorted(fields)
    strings = [s.decode("utf-8") for s in fields[6]]
    assert strings[0] == "" and len(set(strings)) == len(strings)
    types = [dict(message(t)) for t in fields[1]]
    assert [(strings[t[1]], strings[t[2]]) for t in types] == [
        ("inuse_objects", "count"), ("inuse_space", "bytes")]
    assert strings[fields[14][0]] == "inuse_space"
    assert "not where" in strings[fields[13][0]]
    functions = {}
    for data in fields[5]:
        f = dict(message(data))
        assert f[1] and f[1] not in functions
        functions[f[1]] = strings[f[2]]
    locations = {}
    for data in fields[4]:
        place = dict(message(data))
        assert place[1] and place[1] not in locations
        locations[place[1]] = functions[dict(message(place[4]))[1]]
    samples = {}
    for data in fields[2]:
        stack, values, labels = None, None, {}
        for number, value in message(data):
            if number == 1:
                stack = tuple(locations[n] for n in numbers(value))
            elif number == 2:
                values = numbers(value)
            else:
                label = dict(message(value))
                labels[strings[label[1]]] = strings[label[2]]
        assert stack and len(values) == 2 and values[0]
        assert labels["state"] in ("used", "mmapped"), labels
        assert (labels["state"] == "mmapped") != ("arena" in labels), labels
        key = stack[::-1] + (labels["state"], labels.get("arena"))
        assert key not in samples, "one stack twice"
        samples[key] = values
    ledger = {}
    for line in open(sys.argv[2]):
        name, _, _, _, usable = line.split()
        ledger[name] = int(usable)

    def frame(name):
        size = ledger[name]
        return "malloc[%d]" % size if size <= 1032 else \
            "malloc[2.0 KiB to 4.0 KiB]"

    module = [n for n in functions.values()
              if n.startswith("variables of") and n.endswith("/held")]
    assert len(module) == 1, module
    thread = [n for n in functions.values()
              if n.startswith("thread-local storage of thread")]
    paths = {
        "top": (module[0], "table"), "left": (module[0], "table", "top"),
        "right": (module[0], "table", "top"),
        "below": (module[0], "table", "top", "left"),
        "shared": (module[0], "table", "top"),
        "inside": (module[0], "table", "top", "shared"),
        "own": (thread[0],),
        "head": ("(leaked)",), "child": ("(leaked)", "head"),
        "ring": ("(leaked)",), "back": ("(leaked)",),
    }
    wanted = {}
    for name, path in paths.items():
        stack = tuple(frame(p) if p in ledger and p != "own" else p
                      for p in path) + (frame(name),)
        total = wanted.setdefault(stack, [0, 0])
        total[0] += 1
        total[1] += ledger[name]
    found = {}
    for key, values in samples.items():
        total = found.setdefault(key[:-2], [0, 0])
        total[0] += values[0]
        total[1] += values[1]
    for stack, values in wanted.items():
        assert found.get(stack) == values, (stack, values, found.get(stack))
    print("%d samples" % len(samples))


main()
