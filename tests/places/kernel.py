# SPDX-License-Identifier: MIT
"""kernel.py IMAGE...: the static command under other kernels. Each IMAGE (a
vmlinuz) is booted in an emulator with nothing but busybox, heapscan-static
and programs to look at; what it says there of a live process, of the kernel's
core and of a slice is what the program itself wrote down."""
import json
import os
import shutil
import stat
import subprocess
import sys
import tarfile
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                os.pardir, "oracle"))
import ledger  # noqa: E402
import seen  # noqa: E402

PROGRAMS = ("shapes", "shapes-static", "shapes-m32")
QUESTIONS = ("live", "core", "slice")
SECONDS = 240  # an emulator without the processor's help takes twenty

# A machine that has just begun has no randomness yet, an emulated one for
# long: until Linux 5.6 whoever asks for it waits, `capture` among them.
RANDOMNESS = """#include <fcntl.h>
#include <linux/random.h>
#include <sys/ioctl.h>
int main(void)
{
	struct { int bits, bytes; char data[64]; } e = { 512, 64, "heapscan" };
	return ioctl(open("/dev/random", O_WRONLY), RNDADDENTROPY, &e) != 0;
}
"""

INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev
exec >/dev/ttyS0 2>&1 </dev/null
randomness
mkdir /out
uname -r >/out/kernel
ulimit -c unlimited
echo dumped >/proc/sys/kernel/core_pattern
for p in %s; do
	mkdir /out/$p
	cd /out/$p
	/fixtures/$p ledger "" >said &
	pid=$!
	until grep -q '^State:.*T' /proc/$pid/status; do
		kill -0 $pid || break
		sleep 0.1
	done
	heapscan --pid $pid --json >live.json 2>live.err
	echo $? >live.status
	heapscan check --pid $pid >check.txt 2>&1
	heapscan --pid $pid >live.txt 2>&1
	heapscan capture --pid $pid -o m.msl >capture.txt 2>&1
	kill -CONT $pid
	wait $pid
	heapscan dumped* --json >core.json 2>core.err
	echo $? >core.status
	heapscan m.msl --json >slice.json 2>slice.err
	echo $? >slice.status
	rm -f dumped* m.msl
done
cd /out
stty -F /dev/ttyS1 raw
tar c . | gzip >/dev/ttyS1
sync
poweroff -f
"""


def cpio_entry(name, mode, data=b""):
    fields = (1, mode, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % f for f in fields)
    head += name.encode() + b"\0"
    return (head + bytes(-len(head) % 4)) + data + bytes(-len(data) % 4)


def libraries(binary):
    """The files that BINARY is started with, by path."""
    said = subprocess.run(["ldd", binary], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, text=True).stdout
    return [w for w in said.split() if w.startswith("/") and os.path.exists(w)]


def compiled(source, folder):
    binary = os.path.join(folder, "compiled")
    subprocess.run(["cc", "-static", "-x", "c", "-", "-o", binary],
                   input=source, text=True, check=True)
    return binary


def initramfs(path, tools, programs):
    files = {"init": (INIT % " ".join(programs)).encode()}
    for name, source in tools.items():
        with open(source, "rb") as f:
            files["bin/" + name] = f.read()
    for p in programs:
        binary = os.path.join(seen.FIXTURES, p)
        for source in [binary] + libraries(binary):
            name = "fixtures/" + p if source == binary else source[1:]
            with open(source, "rb") as f:
                files[name] = f.read()
    folders = {"proc", "sys", "dev"}
    for name in files:
        while os.path.dirname(name):
            name = os.path.dirname(name)
            folders.add(name)
    with open(path, "wb") as out:
        for name in sorted(folders):
            out.write(cpio_entry(name, stat.S_IFDIR | 0o755))
        for name, data in files.items():
            out.write(cpio_entry(name, stat.S_IFREG | 0o755, data))
        out.write(cpio_entry("TRAILER!!!", 0))


def boot(image, initrd, folder):
    """Where the guest's answers are, or None."""
    console = os.path.join(folder, "console")
    packed = os.path.join(folder, "out.tar.gz")
    command = ["qemu-system-x86_64", "-m", "768", "-display", "none",
               "-no-reboot", "-net", "none", "-kernel", image, "-initrd",
               initrd, "-append", "console=ttyS0 quiet panic=-1",
               "-serial", "file:" + console, "-serial", "file:" + packed]
    try:
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=SECONDS)
        with tarfile.open(packed) as t:
            t.extractall(os.path.join(folder, "out"))
    except (subprocess.TimeoutExpired, tarfile.TarError, OSError) as e:
        print("%s: %s" % (image, e))
        with open(console, errors="replace") as f:
            print("".join(f.readlines()[-20:]))
        return None
    return os.path.join(folder, "out")


def read(*path):
    with open(os.path.join(*path), errors="replace") as f:
        return f.read()


def look_at(failures, out, program):
    live, freed, facts, said = ledger.read_ledger(
        os.path.join(out, program, "ledger"))
    reports = {}
    for q in QUESTIONS:
        what = "%s, %s" % (program, q)
        status = read(out, program, q + ".status").strip()
        if status != "0":
            failures.append("%s: exit status %s: %s" % (
                what, status, read(out, program, q + ".err")))
            if status != "5":
                continue
        report = json.loads(read(out, program, q + ".json"))
        reports[q] = report
        ledger.compare_blocks(failures, what, live, freed, facts, report)
        seen.compare_mallinfo(failures, what, said, report)
        seen.compare_sums(failures, what, report)
    if "live" in reports and "core" in reports:
        seen.compare_reports(failures, reports["live"], reports["core"])
    print("  %s: %d live and %d freed blocks, %s" % (
        program, len(live), len(freed),
        ", ".join("%s %d chunks" % (q, len(r["chunks"]))
                  for q, r in reports.items())))
    for text in ("live.txt", "check.txt"):
        print("    " + read(out, program, text).splitlines()[1])


def main():
    heapscan = seen.HEAPSCAN + "-static"
    busybox = shutil.which("busybox")
    if not os.path.exists(heapscan):
        seen.skip("the static command could not be built here")
    if not shutil.which("qemu-system-x86_64") or not busybox or \
            libraries(busybox):
        seen.skip("needs qemu-system-x86_64 and a static busybox")
    programs = [p for p in PROGRAMS
                if os.path.exists(os.path.join(seen.FIXTURES, p))]
    failures = seen.Failures()
    for image in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            initrd = os.path.join(folder, "initrd")
            initramfs(initrd, {
                "busybox": busybox, "heapscan": heapscan,
                "randomness": compiled(RANDOMNESS, folder)}, programs)
            out = boot(image, initrd, folder)
            if not out:
                failures.append("%s: no answer" % image)
                continue
            print("Linux %s" % read(out, "kernel").strip())
            for p in programs:
                look_at(failures, out, p)
    failures.finish()


if __name__ == "__main__":
    main()
