# SPDX-License-Identifier: MIT
"""frames.py HEAPSCAN TRUTH [--gdb EXECUTABLE] TARGET...: what `threads
--frames` says is what the program wrote down, and what gdb's backtrace says."""
import json
import subprocess
import sys

heapscan, truth_file = sys.argv[1:3]
target = sys.argv[3:]
executable = None
if target[0] == "--gdb":
    executable, target = target[1], target[2:]

truth, tid = {}, None
with open(truth_file, encoding="utf-8") as lines:
    for line in lines:
        word, value = line.split()
        if word == "thread":
            tid = int(value)
        else:
            truth.setdefault(tid, []).append(int(value, 16))

document = json.loads(subprocess.run(
    [heapscan, "threads", "--frames", "--json"] + target,
    stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)
threads = {t["tid"]: t for t in document["threads"]}
failures = []


def pcs(thread):
    return [int(f["pc"], 16) for f in thread["frames"]]


for tid, expected in truth.items():
    if len(truth) == 1:
        tid = next(iter(threads))  # an emulator has numbers of its own
    if tid not in threads:
        failures.append("no thread %d" % tid)
        continue
    # Ours are all there, in this order; libc's may lie between.
    found = iter(pcs(threads[tid]))
    for at in expected:
        if at not in found:
            failures.append("thread %d: %#x is no frame, or in the wrong place"
                            % (tid, at))
            break
for tid, thread in threads.items():
    if thread["frames_end"] != "outermost":
        failures.append("thread %d ends '%s'" % (tid, thread["frames_end"]))
    for f, up in zip(thread["frames"], thread["frames"][1:]):
        if f["end"] != up["start"]:
            failures.append("thread %d: #%d ends at %s, not where #%d begins"
                            % (tid, f["number"], f["end"], up["number"]))

SCRIPT = """
import gdb, json
gdb.execute("set backtrace past-main on")
gdb.execute("set backtrace past-entry on")
stacks = {}
for thread in gdb.selected_inferior().threads():
    thread.switch()
    frame, at = gdb.newest_frame(), []
    while frame:
        if frame.type() in (gdb.NORMAL_FRAME, gdb.SIGTRAMP_FRAME):
            at.append(frame.pc())
        frame = frame.older()
    stacks[thread.ptid[1] or thread.ptid[0]] = at
print("STACKS=" + json.dumps(stacks))
"""
if executable:
    pid = target[0] == "--pid"
    run = subprocess.run(
        ["gdb", "-nx", "-batch", "-iex", "set debuginfod enabled off"] +
        (["-p", target[1]] if pid else [executable, target[0]]) +
        ["-ex", "python exec(%r)" % SCRIPT],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    said = [l for l in run.stdout.splitlines() if l.startswith("STACKS=")]
    if not said:
        print("gdb says nothing: " + run.stderr[-300:])
        sys.exit(77)
    stacks = json.loads(said[0][7:])
    if len(stacks) != len(threads):
        failures.append("gdb knows %d threads, not %d" % (len(stacks),
                                                          len(threads)))
    for tid, at in stacks.items():
        ours = pcs(threads[int(tid)])
        if ours != at:
            failures.append("thread %s: gdb has %d frames, we %d: %s, %s" % (
                tid, len(at), len(ours), [hex(a) for a in at[-12:]],
                [hex(a) for a in ours[-12:]]))
for line in failures[:10]:
    print(line)
sys.exit(bool(failures))
