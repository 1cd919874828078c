"""A simulated Astribank in a process of its own, plugged into the guest's kernel; and firmware for it."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kernel_shims.astribank.hexfile import write_hex
from kernel_shims.astribank.simulated.running import Remote

PLACE = Path("/run/astribank.sock")


def write_firmware(folder: Path) -> None:
    """Small files with the names of the real ones (which are not free)."""
    chance = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    write_hex(folder / "USB_FW.203.hex", [(16 * place, chance.randbytes(16)) for place in range(64)])
    write_hex(folder / "FPGA_1161.203.hex", [(16 * place, chance.randbytes(16)) for place in range(64)])
    for kind in (1, 2, 3, 4, 6):
        write_hex(folder / f"PIC_TYPE_{kind}.hex", [(place, chance.randbytes(3)) for place in range(16)])


@contextmanager
def simulated_box(*options: str) -> Iterator[Remote]:
    """The box, plugged in; unplugged at the end."""
    subprocess.run(("busybox", "modprobe", "vhci-hcd"), check=True)
    PLACE.unlink(missing_ok=True)
    command = (sys.executable, "-m", "kernel_shims.astribank.simulated", str(PLACE), *options)
    process = subprocess.Popen(command, env={"PYTHONPATH": "/offhook/kernel-shims"})
    until(PLACE.exists, "the simulated box to start", 20)
    remote = Remote(PLACE)
    try:
        yield remote
    finally:
        remote("quit")
        remote.close()
        process.wait(10)


def until(condition: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
    """Wait for something to be true of the guest; what it became."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds} s in vain for {what}")


def kernel_log() -> str:
    """The last lines of the kernel's log."""
    done = subprocess.run(("busybox", "dmesg"), capture_output=True, text=True, check=False)
    return "\n".join(done.stdout.splitlines()[-60:])
