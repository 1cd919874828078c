"""What a simulated USB device is: descriptors, control requests, bulk endpoints; and how it leaves the bus."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setup:
    """The setup packet of a control transfer (USB 2.0, 9.3)."""

    request_type: int
    request: int
    value: int
    index: int
    length: int


class Stall(Exception):
    """The device refuses a request."""


_DEVICE, _CONFIGURATION, _STRING = 1, 2, 3
_ENGLISH = b"\x04\x03\x09\x04"
_QUEUE = 256


@dataclass(frozen=True, slots=True)
class Interface:
    """A vendor-specific interface with two bulk endpoints."""

    number: int
    out: int
    into: int


@dataclass(frozen=True, slots=True)
class Look:
    """What a device says it is."""

    vendor: int
    product: int
    release: int
    interfaces: tuple[Interface, ...]
    manufacturer: str = ""
    name: str = ""
    serial: str = ""
    packet: int = 512

    def device(self) -> bytes:
        """Its device descriptor."""
        numbers = [self.vendor, self.product, self.release]
        strings = [place + 1 if text else 0 for place, text in enumerate((self.manufacturer, self.name, self.serial))]
        middle = b"".join(number.to_bytes(2, "little") for number in numbers)
        return bytes([18, _DEVICE, 0x00, 0x02, 0, 0, 0, 64]) + middle + bytes([*strings, 1])

    def configuration(self) -> bytes:
        """Its configuration with interfaces and endpoints."""
        body = b""
        for interface in self.interfaces:
            body += bytes([9, 4, interface.number, 0, 2, 0xFF, 0xFF, 0, 0])
            for endpoint in (interface.out, interface.into):
                body += bytes([7, 5, endpoint, 2]) + self.packet.to_bytes(2, "little") + b"\0"
        head = bytes([9, _CONFIGURATION]) + (9 + len(body)).to_bytes(2, "little")
        return head + bytes([len(self.interfaces), 1, 0, 0xC0, 50]) + body

    def string(self, number: int) -> bytes:
        """One of its texts. Raises Stall."""
        if number == 0:
            return _ENGLISH
        texts = (self.manufacturer, self.name, self.serial)
        if number > len(texts) or not texts[number - 1]:
            raise Stall
        text = texts[number - 1].encode("utf-16-le")
        return bytes([2 + len(text), _STRING]) + text


class SimulatedDevice:
    """A device; subclasses answer vendor requests (``vendor``) and take bulk transfers (``written``)."""

    def __init__(self, look: Look) -> None:
        self.look = look
        self.on_change: Callable[[], None] | None = None
        """Called when it leaves the bus and comes back as another (``look`` is new)."""
        self.on_leave: Callable[[], None] | None = None
        """Called when it leaves the bus for another host's."""
        self.on_data: Callable[[int], None] | None = None
        """Called when an endpoint has something to read."""
        self._waiting: dict[int, deque[bytes]] = {}
        self._configured = 0

    def become(self, look: Look) -> None:
        """Enumerate anew."""
        self.look = look
        self._waiting.clear()
        self._configured = 0
        if self.on_change is not None:
            self.on_change()

    def leave(self) -> None:
        """Go over to another host: it is gone here until it is plugged in again."""
        self._waiting.clear()
        self._configured = 0
        if self.on_leave is not None:
            self.on_leave()

    def control(self, setup: Setup, data: bytes) -> bytes:
        """A control transfer: what it answers. Raises Stall."""
        if setup.request_type & 0x60 == 0x40:
            return self.vendor(setup, data)
        recipient = setup.request_type & 0x1F
        match setup.request:
            case 6 if recipient == 0:
                return self._descriptor(setup.value)[: setup.length]
            case 0:
                return b"\1\0"[: setup.length]
            case 8:
                return bytes([self._configured])
            case 9:
                self._configured = setup.value & 0xFF
                return b""
            case 10:
                return b"\0"
            case 1 | 3 | 11:
                return b""
        raise Stall

    def _descriptor(self, value: int) -> bytes:
        kind, number = value >> 8, value & 0xFF
        if kind == _DEVICE:
            return self.look.device()
        if kind == _CONFIGURATION:
            return self.look.configuration()
        if kind == _STRING:
            return self.look.string(number)
        raise Stall

    def vendor(self, setup: Setup, data: bytes) -> bytes:
        """A request of the device's own. Raises Stall."""
        raise Stall

    def written(self, endpoint: int, data: bytes) -> None:
        """A bulk transfer came. Raises Stall."""
        raise Stall

    def say(self, endpoint: int, data: bytes) -> None:
        """Have something for the host to read; the oldest is lost when nobody reads."""
        queue = self._waiting.setdefault(endpoint, deque(maxlen=_QUEUE))
        queue.append(data)
        if self.on_data is not None:
            self.on_data(endpoint)

    def read(self, endpoint: int) -> bytes | None:
        """What there is to read; None for nothing."""
        queue = self._waiting.get(endpoint)
        return queue.popleft() if queue else None
