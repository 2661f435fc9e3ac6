// SPDX-License-Identifier: MIT
// What DevTools itself makes of a snapshot: `node devtools.js FRONT_END FILE`
// runs the loader and the worker of the npm package chrome-devtools-frontend
// and prints a JSON document: each node's id, class, sizes and distance, the
// difference to itself, and what it complained about.
'use strict';
const fs = require('fs');
const path = require('path');
const vm = require('vm');

const [frontEnd, file] = process.argv.slice(2);
const context = vm.createContext({ console, setTimeout });
vm.runInContext(`
  var self = globalThis, window = globalThis;
  var HeapSnapshotWorker = {}, HeapSnapshotModel = {}, TextUtils = {};
  var Common = { UIString: (text) => text };
  function ls(parts, ...values) { return String.raw({ raw: parts }, ...values); }
  console.assert = (ok, ...what) => { if (!ok) complaints.push(what.join(' ')); };
  var complaints = [];
`, context);
for (const name of [
  'platform/utilities.js', 'text_utils/TextUtils.js',
  'heap_snapshot_model/HeapSnapshotModel.js',
  'heap_snapshot_worker/AllocationProfile.js',
  'heap_snapshot_worker/HeapSnapshot.js',
  'heap_snapshot_worker/HeapSnapshotLoader.js',
]) {
  vm.runInContext(fs.readFileSync(path.join(frontEnd, name), 'utf8'), context,
                  { filename: name });
}
context.pieces = [];
const text = fs.readFileSync(file, 'utf8');
// In pieces, as it comes from a file there.
for (let at = 0; at < text.length; at += 65536) {
  context.pieces.push(text.slice(at, at + 65536));
}
vm.runInContext(`
  (async () => {
    const dispatcher = {
      sendEvent(name, data) {
        if (name.includes('Broken') || /error|weak/i.test(String(data)))
          complaints.push(String(data));
      },
    };
    const loader = new HeapSnapshotWorker.HeapSnapshotLoader(dispatcher);
    for (const piece of pieces) {
      loader.write(piece);
      await new Promise((done) => setTimeout(done, 0));
    }
    loader.close();
    await new Promise((done) => setTimeout(done, 0));
    const snapshot = loader.buildSnapshot();
    const nodes = [];
    for (const it = snapshot._allNodes(); it.hasNext(); it.next()) {
      const n = it.item();
      nodes.push({ id: n.id(), name: n.name(), className: n.className(),
                   self: n.selfSize(), retained: n.retainedSize(),
                   distance: n.distance() });
    }
    const diff = snapshot.calculateSnapshotDiff(
        'same', snapshot.aggregatesForDiff());
    return JSON.stringify({ nodes, diff: Object.keys(diff), complaints,
                            total: snapshot.totalSize });
  })()
`, context).then((json) => process.stdout.write(json + '\n'), (e) => {
  console.error(e);
  process.exit(1);
});
