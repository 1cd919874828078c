"""USB as the firmware stages need it: a device that is described, and one that is open. Nothing here does I/O."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from kernel_shims.line import LineError

XORCOM, CYPRESS = 0xE4E4, 0x04B4
MODELS = (0x1130, 0x1140, 0x1150, 0x1160)
BLANK_FX2 = 0x8613
"""Product of a USB chip whose EEPROM lost its first octet: Cypress's own."""
XPP_INTERFACE, MPP_INTERFACE = 0, 1
"""Cards speak on the first interface, the board itself on the second."""


class UsbTimeout(LineError):
    """The device said nothing in time."""


class UsbGone(LineError):
    """The device is no longer there, as it is on purpose after a firmware was started."""


@dataclass(frozen=True, slots=True)
class UsbAddress:
    """A device on a bus and what it says it is."""

    name: str
    """Where it is plugged in: bus and ports, such as 1-1.2; the same for the same socket."""
    bus: int
    number: int
    """Changes each time that it appears."""
    vendor: int
    product: int
    release: int
    """Octets of bcdDevice: 0x0101, 0x0201 ..."""
    serial: str = ""

    @property
    def is_astribank(self) -> bool:
        """Whether it is one, at whatever stage."""
        return self.vendor == XORCOM and self.model in MODELS and self.stage <= 3

    @property
    def model(self) -> int:
        """The product without its stage: 0x1130, 0x1140, 0x1150 or 0x1160."""
        return self.product & 0xFFF0

    @property
    def stage(self) -> int:
        """0 (and 3): no firmware; 1: the USB chip has one; 2: all of it."""
        return self.product & 0xF

    def __str__(self) -> str:
        label = f" ({self.serial})" if self.serial else ""
        return f"Astribank at USB {self.name}{label}"


@dataclass(frozen=True, slots=True)
class Pipes:
    """Bulk endpoints of an interface, to the device and from it."""

    out: int
    into: int
    packet: int
    """The longest packet: 512 on USB 2."""


class UsbDevice(Protocol):
    """An open device. Everything raises LineError: UsbTimeout, UsbGone, or a sentence with the remedy."""

    address: UsbAddress

    def control(self, request_type: int, request: int, value: int, index: int, data: bytes) -> None:
        """A control transfer to the device."""

    def claim(self, interface: int) -> Pipes:
        """Have an interface for oneself."""

    def write(self, endpoint: int, data: bytes) -> None:
        """Send a packet."""

    def read(self, endpoint: int, timeout_ms: int) -> bytes:
        """Wait for a packet. Raises UsbTimeout when there was none in time."""

    def close(self) -> None:
        """Give the interfaces back. Harmless twice."""


class UsbBus(Protocol):
    """All devices of a machine."""

    def devices(self) -> list[UsbAddress]:
        """What is plugged in."""

    def open(self, address: UsbAddress) -> UsbDevice:
        """Open one. Raises LineError."""


_INTERFACE, _ENDPOINT, _BULK = 4, 5, 2


def pipes(descriptors: bytes, interface: int) -> Pipes:
    """The bulk endpoints of an interface by the descriptors of its device (USB 2.0, 9.6). Raises LineError."""
    at, inside = 0, False
    out = into = packet = 0
    while at + 2 <= len(descriptors) and descriptors[at] >= 2:
        item = descriptors[at : at + descriptors[at]]
        at += len(item)
        if item[1] == _INTERFACE and len(item) >= 9:
            inside = item[2] == interface and item[3] == 0
        elif item[1] == _ENDPOINT and len(item) >= 7 and inside and item[3] & 3 == _BULK:
            packet = int.from_bytes(item[4:6], "little")
            if item[2] & 0x80:
                into = into or item[2]
            else:
                out = out or item[2]
    if not out or not into:
        raise LineError(f"the device has no interface {interface} with two bulk endpoints; its firmware is another")
    return Pipes(out, into, packet)
