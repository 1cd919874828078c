"""mISDN's sockets as the kernel offers them (linux/mISDNif.h); Python's socket module cannot write their addresses."""

from __future__ import annotations

import ctypes
import fcntl
import os
import select
import socket
import struct
import time

AF_ISDN = 34
BASE, TE_S0, NT_S0, TE_E1, NT_E1, B_RAW, B_HDLC = 0, 1, 2, 3, 4, 0x21, 0x22
GETCOUNT = 0x80044943
GETDEVINFO = 0x80044944
ACTIVATE_REQUEST, ACTIVATE_INDICATION, DEACTIVATE_REQUEST = 0x0101, 0x0102, 0x0201
DATA_REQUEST, DATA_INDICATION, DATA_CONFIRM = 0x2001, 0x2002, 0x6002

_libc = ctypes.CDLL(None, use_errno=True)


def devices() -> list[tuple[str, int]]:
    """Name and number of B channels of each device."""
    found = []
    with socket.socket(AF_ISDN, socket.SOCK_RAW, BASE) as base:
        (count,) = struct.unpack("I", fcntl.ioctl(base, GETCOUNT, bytes(4)))
        for number in range(count):
            answer = fcntl.ioctl(base, GETDEVINFO, struct.pack("4I16sI20s", number, 0, 0, 0, b"", 0, b""))
            *_, channels, name = struct.unpack("4I16sI20s", answer)
            found.append((name.rstrip(b"\0").decode(), channels))
    return found


class Channel:
    """A D or B channel at the level of frames or bytes."""

    def __init__(self, device: int, channel: int, protocol: int) -> None:
        self.socket = socket.socket(AF_ISDN, socket.SOCK_DGRAM, protocol)
        self.socket.setblocking(False)
        address = struct.pack("=H4B", AF_ISDN, device, channel, 0, 0)
        if _libc.bind(self.socket.fileno(), address, len(address)):
            error = ctypes.get_errno()
            raise OSError(error, f"device {device} channel {channel}: {os.strerror(error)}")

    def __enter__(self) -> Channel:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, primitive: int, content: bytes = b"", number: int = 1) -> None:
        """A message to the kernel."""
        os.write(self.socket.fileno(), struct.pack("=2I", primitive, number) + content)

    def receive(self, timeout: float) -> tuple[int, bytes]:
        """The next message: primitive and content; (0, b"") when there was none in time."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        if not poll.poll(timeout * 1000):
            return 0, b""
        message = os.read(self.socket.fileno(), 4096)
        return struct.unpack("=I", message[:4])[0], message[8:]

    def expect(self, primitive: int, timeout: float = 5.0) -> bytes:
        """Wait for a message; its content."""
        others = []
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            found, content = self.receive(left)
            if found == primitive:
                return content
            others.append(hex(found))
        raise AssertionError(f"{primitive:#x} did not come; {others} came")
