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

from guest.exchange import Exchange
from kernel_shims.astribank.hexfile import write_hex
from kernel_shims.astribank.simulated.running import Remote
from kernel_shims.simulator import sound

PLACE = Path("/run/astribank.sock")
ALL_CHANNELS = 22
ARRIVAL_S = 40.0
"""Until a box has its firmware, its cards are calibrated and its spans numbered."""
SETTLE_S = 1.5
"""Until its lines have settled after that."""


def write_firmware(folder: Path) -> None:
    """Small files with the names of the real ones (which are not free)."""
    chance = random.Random(7)
    folder.mkdir(parents=True, exist_ok=True)
    write_hex(folder / "USB_FW.203.hex", [(16 * place, chance.randbytes(16)) for place in range(64)])
    write_hex(folder / "FPGA_1161.203.hex", [(16 * place, chance.randbytes(16)) for place in range(64)])
    for kind in (1, 2, 3, 4, 6):
        write_hex(folder / f"PIC_TYPE_{kind}.hex", [(place, chance.randbytes(3)) for place in range(16)])


@contextmanager
def simulated_box(*options: str, place: Path = PLACE) -> Iterator[Remote]:
    """The box, plugged in; unplugged at the end."""
    subprocess.run(("busybox", "modprobe", "vhci-hcd"), check=True)
    place.unlink(missing_ok=True)
    command = (sys.executable, "-m", "kernel_shims.astribank.simulated", str(place), *options)
    process = subprocess.Popen(command, env={"PYTHONPATH": "/offhook/kernel-shims"})
    until(place.exists, "the simulated box to start", 20)
    remote = Remote(place)
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


def open_channels(exchange: Exchange) -> int:
    """How many descriptors of channels the exchange has."""
    return exchange.descriptors().count("/dev/dahdi/channel")


def wait_for_channels(exchange: Exchange, box: Remote, count: int = ALL_CHANNELS) -> None:
    """Firmware, cards and spans: until the exchange has every channel."""
    try:
        until(lambda: open_channels(exchange) == count, "the channels", ARRIVAL_S)
    except AssertionError as error:
        raise AssertionError(f"{error}: {box('state')}\n{exchange.told()}\n{kernel_log()}") from None
    time.sleep(SETTLE_S)


def state(box: Remote) -> dict[str, Any]:
    """What can be seen of a box."""
    found = box("state")
    assert isinstance(found, dict)
    return found


def phone(box: Remote, line: int) -> dict[str, Any]:
    """What can be seen of a telephone."""
    found: dict[str, Any] = state(box)["phones"][line]
    return found


def hears(box: Remote, line: int, pitch: float, seconds: float = 1.0) -> float:
    """The share of a tone in what a telephone hears in the next while."""
    box("forget", line)
    time.sleep(seconds)
    octets = bytes.fromhex(str(box("heard", line)))
    samples = sound.decode(octets[-4000:], "ulaw")
    return sound.share(samples, pitch) if len(samples) == 4000 else 0.0


def calls(exchange: Exchange) -> str:
    """Channels there are."""
    return exchange.ask("core show channels concise")
