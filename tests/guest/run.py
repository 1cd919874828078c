#!/usr/bin/env python3
"""Run the guest stories: real kernel drivers on an emulated arm64 machine.

    run.py [--counts FILE] [--asterisk] [PYTEST ARGUMENT...]
                                        e.g. run.py -k ring, run.py tests/guest/drivers/test_dahdi.py

Builds what is missing (see build.py), boots it, shows what the stories print over the guest's serial port and ends
with pytest's own count. Each folder of stories has a guest of its own, as many at a time as this machine has cores.

Time in the guest is instructions executed (QEMU's icount), so nothing depends on how busy this machine is. ``--counts``
writes the numbers of passed, failed and skipped stories into a file; ``--asterisk`` lays a real Asterisk into the
guest, for the stories of interop/.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import build
from cross import chroot, tools

CHECKOUT = Path(__file__).resolve().parents[2]
WALL_S = 1800
NO_STORIES = 5  # pytest's exit status
USUAL = [  # the longest first
    "tests/guest/lines/digital",
    "tests/guest/lines/analog",
    "tests/guest/boxes/test_arrival.py",
    "tests/guest/boxes/test_scan.py",
    "tests/guest/drivers",
]
MEMORY = "1024"
MACHINE = ("-M", "virt", "-cpu", "cortex-a72", "-m", MEMORY, "-icount", "shift=1,sleep=off", "-nic", "none")
KERNEL_WORDS = "console=ttyAMA0 quiet loglevel=4 panic=-1 random.trust_cpu=on"


def boot(guest: build.Guest, name: str) -> tuple[list[str], int | None]:
    """Run QEMU to its end; what came over the serial port and the status the guest told, None when it told none."""
    ram_disk = guest.layers[-1].with_name("initrd.cpio")
    with ram_disk.open("wb") as out:
        for layer in guest.layers:
            out.write(layer.read_bytes())
    command = [
        *("qemu-system-aarch64", *MACHINE, "-nographic", "-no-reboot", "-monitor", "none", "-serial", "stdio"),
        *("-kernel", f"/kernel-{name}/vmlinuz", "-initrd", f"/disk-{name}/initrd.cpio", "-append", KERNEL_WORDS),
    ]
    binds = {f"kernel-{name}": guest.kernel.parent, f"disk-{name}": ram_disk.parent}
    began = time.monotonic()
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
            print(f"{name}: {line}", flush=True)
    process.wait()
    print(f"{name}: {time.monotonic() - began:.0f} s of wall time", file=sys.stderr)
    if status is None:
        print(f"{name}: it did not tell how it ended: a crash, or not done after {WALL_S} s.", file=sys.stderr)
    return lines, status


def counts(lines: list[str]) -> tuple[int, int, int]:
    """Passed, failed and skipped stories by pytest's last line; errors count as failed."""
    for line in reversed(lines):
        if re.search(r"\d+ (passed|failed|errors?|skipped).* in [\d.]+s", line):
            found = {word: int(number) for number, word in re.findall(r"(\d+) (\w+?)s?\b", line.split(" in ")[0])}
            return found.get("passed", 0), found.get("failed", 0) + found.get("error", 0), found.get("skipped", 0)
    return 0, 1, 0


def runs(arguments: list[str]) -> dict[str, list[str]]:
    """Pytest's arguments by the name of the guest that gets them: one for each folder that holds what is named."""
    words = ["--color=no", *(argument for argument in arguments if not argument.startswith("tests/"))]
    places = [argument for argument in arguments if argument.startswith("tests/")] or USUAL
    by_folder: dict[Path, list[str]] = {}
    for place in places:
        path = CHECKOUT / place.split("::")[0]
        if path.is_file():
            by_folder.setdefault(path.parent, []).append(place)
        for folder in sorted({story.parent for story in path.rglob("test_*.py")}):
            by_folder.setdefault(folder, []).append(str(folder.relative_to(CHECKOUT)))
    return {folder.name: [*words, *within] for folder, within in by_folder.items()}


def main(arguments: list[str]) -> int:
    report: Path | None = None
    if arguments[:1] == ["--counts"]:
        report, arguments = Path(arguments[1]), arguments[2:]
    others = []
    if arguments[:1] == ["--asterisk"]:
        import asterisk_layer

        others, arguments = [asterisk_layer.layer()], arguments[1:]
    wanted = runs(arguments)
    if not wanted:
        print(f"There are no stories in {' '.join(arguments)}.", file=sys.stderr)
        return NO_STORIES
    guests = build.guests(wanted, others)
    with ThreadPoolExecutor(os.cpu_count()) as side_by_side:
        ended = list(side_by_side.map(boot, guests.values(), guests))
    # A guest in whose folder -k finds no story is left out, unless all are.
    met = [(lines, status) for lines, status in ended if status != NO_STORIES]
    if report is not None:
        passed, failed, skipped = (sum(column) for column in zip(*(counts(lines) for lines, _ in met), strict=True))
        report.write_text(f"{passed} {max(failed, sum(status != 0 for _, status in met))} {skipped}\n")
    return 0 if met and all(status == 0 for _, status in met) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
