# SPDX-License-Identifier: MIT
"""Is this a heap snapshot that DevTools reads as it is meant?

heapsnapshot.py SNAPSHOT LEDGER [DEVTOOLS]: every rule of the format that its
loader depends on, then references and retained sizes against what
fixtures/held.c wrote down, and against what DevTools itself computed, which
devtools.js printed to the file DEVTOOLS.
"""
import json
import sys

TOP = ["snapshot", "nodes", "edges", "trace_function_infos", "trace_tree",
       "samples", "locations", "strings"]
META = {
    "node_fields": ["type", "name", "id", "self_size", "edge_count"],
    "edge_fields": ["type", "name_or_index", "to_node"],
}


class Snapshot:
    def __init__(self, path):
        text = open(path, encoding="utf-8", errors="strict").read()
        # A scanner of tokens, not a JSON parser, reads the numbers.
        head = text[:text.index('"strings"')]
        body = head[head.index('"nodes"'):]
        assert not set(body) & set("-.eE+") - set("e_"), "not plain digits"
        pairs = json.loads(text, object_pairs_hook=list)
        assert [k for k, _ in pairs] == TOP, "order of members"
        doc = json.loads(text)
        meta = doc["snapshot"]["meta"]
        for key, value in META.items():
            assert meta[key] == value, key
        self.node_types = meta["node_types"][0]
        self.edge_types = meta["edge_types"][0]
        self.strings = doc["strings"]
        flat, edges = doc["nodes"], doc["edges"]
        assert all(0 <= n < 1 << 32 for n in flat + edges), "32 bits"
        count = doc["snapshot"]["node_count"]
        assert len(flat) == 5 * count, "node_count"
        assert len(edges) == 3 * doc["snapshot"]["edge_count"], "edge_count"
        self.type, self.name, self.id, self.size, out = (
            flat[i::5] for i in range(5))
        assert sum(out) * 3 == len(edges), "edges of nodes"
        assert len(set(self.id)) == count and 0 not in self.id, "ids"
        assert max(self.name) < len(self.strings), "names of nodes"
        self.edges = []  # from, type, name, to
        at = 0
        for node in range(count):
            for _ in range(out[node]):
                kind, name, to = edges[at:at + 3]
                at += 3
                kind = self.edge_types[kind]
                assert to % 5 == 0 and to < 5 * count, "to_node"
                if kind != "element":
                    name = self.strings[name]
                self.edges.append((node, kind, name, to // 5))
        synthetic = self.node_types.index("synthetic")
        assert self.type[0] == synthetic
        assert all(self.type[to] == synthetic
                   for node, _, _, to in self.edges if node == 0), \
            "a child of the root that is not synthetic"

    def names(self, node):
        return self.strings[self.name[node]]

    def retained(self):
        """By node, from dominators over the edges that the viewer counts."""
        succ, pred = {}, {}
        for node, kind, _, to in self.edges:
            if kind != "weak":
                succ.setdefault(node, []).append(to)
                pred.setdefault(to, []).append(node)
        order, seen, stack = [], {0}, [(0, iter(succ.get(0, [])))]
        while stack:
            node, rest = stack[-1]
            for to in rest:
                if to not in seen:
                    seen.add(to)
                    stack.append((to, iter(succ.get(to, []))))
                    break
            else:
                order.append(node)
                stack.pop()
        assert len(seen) == len(self.type), "nodes that nothing leads to"
        order.reverse()
        rank = {node: i for i, node in enumerate(order)}
        idom = {0: 0}
        changed = True
        while changed:
            changed = False
            for node in order[1:]:
                new = None
                for p in pred[node]:
                    if p not in idom:
                        continue
                    if new is None:
                        new = p
                    while new != p:
                        if rank[p] > rank[new]:
                            p = idom[p]
                        else:
                            new = idom[new]
                if idom.get(node) != new:
                    idom[node] = new
                    changed = True
        size = list(self.size)
        for node in reversed(order[1:]):
            size[idom[node]] += size[node]
        return size


def compare(snap, size, path):
    said = json.load(open(path))
    assert not said["complaints"], said["complaints"]
    assert not said["diff"], "a snapshot that differs from itself"
    assert said["total"] == size[0] == sum(snap.size), "total"
    for i, node in enumerate(said["nodes"]):
        assert node["id"] == snap.id[i]
        assert node["self"] == snap.size[i], ("shallow size", node)
        assert node["retained"] == size[i], ("retained size", node, size[i])
        assert 0 <= node["distance"] < 100, ("unreached", node)
        assert node["name"] == snap.names(i)


def main():
    snap = Snapshot(sys.argv[1])
    size = snap.retained()
    block, ledger = {}, []  # node by address; lines
    for node, kind, name, to in snap.edges:
        if kind != "element" and "0x" in name and "->" in name or \
                name.__class__ is str and name.startswith("0x"):
            target = name.split("-> ")[-1].split("+")[0]
            assert block.setdefault(int(target, 16), to) == to, \
                "two nodes of one block"
    for line in open(sys.argv[2]):
        name, holder, offset, user, usable = line.split()
        ledger.append((name, holder, int(offset), int(user, 16), int(usable)))
    at = {name: block[user] for name, _, _, user, _ in ledger}
    own = {name: usable for name, _, _, _, usable in ledger}

    def edge(node, name, to):
        assert any(e[0] == node and e[2] == name and e[3] == to and
                   e[1] == "property" for e in snap.edges), (node, name, to)

    for name, holder, offset, user, usable in ledger:
        node = at[name]
        if usable < 1 << 32:
            assert snap.size[node] == usable, name
            if usable <= 1032:
                assert snap.names(node) == "malloc[%d]" % usable, name
        if holder in at:
            inside = "+0x10" if name == "inside" else ""
            edge(at[holder], "+0x%x -> 0x%x%s" % (offset, user, inside), node)
    # Each by its holder: the variable, the thread's storage, the leaks.
    table = [i for i in range(len(size)) if snap.names(i) == "table"]
    assert len(table) == 1, table
    edge(table[0], "+0x0 -> 0x%x" % dict((l[0], l[3]) for l in ledger)["top"],
         at["top"])
    module = [e[0] for e in snap.edges if e[3] == table[0]]
    assert snap.names(module[0]).startswith("variables of /"), module
    assert snap.names(module[0]).endswith("/held"), module
    of_mine = [snap.names(e[0]) for e in snap.edges if e[3] == at["own"]]
    assert any(n.startswith("thread-local storage of thread") for n in of_mine)
    for name in "head", "ring":
        assert [snap.names(e[0]) for e in snap.edges
                if e[3] == at[name]][0] == "(leaked)", name

    def expect(name, *parts):
        wanted = sum(own[p] for p in parts)
        assert size[at[name]] == wanted, (name, size[at[name]], wanted)

    everything = ["top", "left", "right", "below", "shared", "inside"]
    # Where a mapping begins right behind the large one, as it may, a number
    # in it can count as a pointer to the end, which is then held by it, too.
    if size[at["top"]] != sum(own[p] for p in everything + ["big"]
                              if p in own):
        expect("top", *everything)
    assert size[table[0]] == size[at["top"]], "the variable retains its table"
    expect("left", "left", "below")
    expect("right", "right")
    expect("shared", "shared", "inside")
    expect("inside", "inside")
    expect("head", "head", "child")
    expect("ring", "ring", "back")
    if "big" in own:
        expect("big", "big")
        assert "5368713" in snap.names(at["big"]), "the true size"
    if len(sys.argv) > 3:
        compare(snap, size, sys.argv[3])
    print("%d nodes, %d edges" % (len(size), len(snap.edges)))


main()
