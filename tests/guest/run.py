#!/usr/bin/env python3
"""Run the guest stories: real kernel drivers on an emulated arm64 machine.

    run.py [--counts FILE] [--asterisk] [PYTEST ARGUMENT...]
                                          e.g. run.py -k ring, run.py tests/guest/stories/test_dahdi.py

Builds what is missing (see build.py), boots it, shows what the stories print over the guest's serial port and ends
with pytest's own count. Time in the guest is instructions executed (QEMU's icount), so nothing depends on how busy this
machine is. ``--counts`` writes the numbers of passed, failed and skipped stories into a file; ``--asterisk`` lays a
real Asterisk into the guest, for the stories of interop/.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import build
from cross import chroot, tools

WALL_S = 900
MEMORY = "1024"
MACHINE = ("-M", "virt", "-cpu", "cortex-a72", "-m", MEMORY, "-icount", "shift=1,sleep=off", "-nic", "none")
KERNEL_WORDS = "console=ttyAMA0 quiet loglevel=4 panic=-1 random.trust_cpu=on"


def boot(guest: build.Guest) -> tuple[list[str], int | None]:
    """Run QEMU to its end; what came over the serial port and the status the guest told, None when it told none."""
    ram_disk = guest.layers[-1].with_name("initrd.cpio")
    with ram_disk.open("wb") as out:
        for layer in guest.layers:
            out.write(layer.read_bytes())
    command = [
        *("qemu-system-aarch64", *MACHINE, "-nographic", "-no-reboot", "-monitor", "none", "-serial", "stdio"),
        *("-kernel", "/kernel/vmlinuz", "-initrd", "/disk/initrd.cpio", "-append", KERNEL_WORDS),
    ]
    binds = {"kernel": guest.kernel.parent, "disk": ram_disk.parent}
    process = subprocess.Popen(
        chroot.command(tools.tree(), ["timeout", str(WALL_S), *command], binds),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert process.stdout is not None
    lines: list[str] = []
    status: int | None = None
    for raw in process.stdout:
        line = raw.decode(errors="replace").rstrip("\r\n")
        lines.append(line)
        ended = re.fullmatch(r"guest: exit status (\d+)", line)
        if ended:
            status = int(ended[1])
        else:
            print(line, flush=True)
    process.wait()
    return lines, status


def counts(lines: list[str]) -> tuple[int, int, int]:
    """Passed, failed and skipped stories by pytest's last line; errors count as failed."""
    for line in reversed(lines):
        if re.search(r"\d+ (passed|failed|errors?|skipped).* in [\d.]+s", line):
            found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+?)s?\b", line.split(" in ")[0])}
            return found.get("passed", 0), found.get("failed", 0) + found.get("error", 0), found.get("skipped", 0)
    return 0, 1, 0


def main(arguments: list[str]) -> int:
    report: Path | None = None
    if arguments[:1] == ["--counts"]:
        report, arguments = Path(arguments[1]), arguments[2:]
    others = []
    if arguments[:1] == ["--asterisk"]:
        import asterisk_layer

        others, arguments = [asterisk_layer.layer()], arguments[1:]
    if not any(argument.startswith("tests/") for argument in arguments):
        arguments = [*arguments, "tests/guest/stories"]
    guest = build.guest(["--color=no", *arguments], others)
    began = time.monotonic()
    lines, status = boot(guest)
    print(f"guest: {time.monotonic() - began:.0f} s of wall time", file=sys.stderr)
    if report is not None:
        passed, failed, skipped = counts(lines)
        report.write_text(f"{passed} {max(failed, status != 0)} {skipped}\n")
    if status is None:
        print(f"The guest did not tell how it ended: it crashed, or was not done after {WALL_S} s.", file=sys.stderr)
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
