"""How a chip is reached: bytes over SPI, each with a chip select of its own, and time to wait."""

from __future__ import annotations

import time
from typing import Any, Protocol


class LineCardError(Exception):
    """A chip does not do what it should; the sentence says which, what it did and the remedy."""


class Bus(Protocol):
    """One chip's serial control interface, and the clock its waiting goes by."""

    def exchange(self, data: bytes) -> bytes:
        """Send bytes and return what came meanwhile. The chip select is released after each byte."""

    def now(self) -> float:
        """Monotonic seconds."""

    def wait(self, seconds: float) -> None:
        """Let time pass. Control of chips is slow: never call it on a loop that has other things to do."""


class SpiBus:
    """A chip on one of the kernel's spidev devices, "/dev/spidev0.0". Raises LineCardError."""

    def __init__(self, device: str, hertz: int, mode: int = 3) -> None:
        try:
            import spidev
        except ImportError as error:
            raise LineCardError("spidev is missing: install python3-spidev (or pip install spidev)") from error
        bus, dot, select = device.removeprefix("/dev/spidev").partition(".")
        if not (dot and bus.isdigit() and select.isdigit()):
            raise LineCardError(f'"{device}" is no SPI device; write /dev/spidevBUS.SELECT')
        self._spi: Any = spidev.SpiDev()
        try:
            self._spi.open(int(bus), int(select))
        except OSError as error:
            raise LineCardError(f"{device} cannot be opened: {error.strerror}; is its overlay loaded?") from error
        self._spi.max_speed_hz = hertz
        self._spi.mode = mode

    def exchange(self, data: bytes) -> bytes:
        """As Bus."""
        return bytes(self._spi.xfer2([byte])[0] for byte in data)

    def now(self) -> float:
        """As Bus."""
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        """As Bus."""
        time.sleep(seconds)

    def close(self) -> None:
        """Give the device up."""
        self._spi.close()
