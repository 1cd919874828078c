"""What the kernel says of devices that come and go (NETLINK_KOBJECT_UEVENT), on the loop and without threads."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable
from dataclasses import dataclass, field

_NETLINK_KOBJECT_UEVENT = 15
_KERNEL_GROUP = 1
_LONGEST = 8192
_QUEUE = 1 << 20


@dataclass(frozen=True, slots=True)
class Uevent:
    """A device was added, removed, went online or offline, was bound to a driver ..."""

    action: str
    path: str
    """Below /sys."""
    values: dict[str, str] = field(default_factory=dict)

    @property
    def subsystem(self) -> str:
        """Such as usb, astribanks, dahdi_devices, dahdi_spans."""
        return self.values.get("SUBSYSTEM", "")


def parse(message: bytes) -> Uevent | None:
    """The kernel's message; None for udev's own, and for what is none."""
    head, *rest = message.split(b"\0")
    action, at, path = head.partition(b"@")
    if not at or not path.startswith(b"/"):
        return None
    values = {}
    for item in rest:
        name, equals, value = item.decode("utf-8", "replace").partition("=")
        if equals:
            values[name] = value
    return Uevent(action.decode("utf-8", "replace"), path.decode("utf-8", "replace"), values)


class Uevents:
    """Calls a listener for each event, from ``start`` on. Raises OSError where the kernel has no netlink."""

    def __init__(self, listener: Callable[[Uevent], None]) -> None:
        self._listener = listener
        self._socket = socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, _NETLINK_KOBJECT_UEVENT)
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _QUEUE)
        self._socket.bind((0, _KERNEL_GROUP))
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin."""
        self._loop = loop
        loop.add_reader(self._socket.fileno(), self._readable)

    def _readable(self) -> None:
        # ENOBUFS: some were lost; the next one leads to a look at everything all the same.
        with contextlib.suppress(OSError):
            while True:
                message, (sender, _) = self._socket.recvfrom(_LONGEST)
                event = parse(message) if sender == 0 else None
                if event is not None:
                    self._listener(event)

    def stop(self) -> None:
        """End. Harmless twice."""
        if self._loop is not None and not self._loop.is_closed() and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
        self._socket.close()
