"""An AudioSocket server for tests, written after the protocol's description: knows nothing of Offhook."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import NamedTuple


class Message(NamedTuple):
    """One message."""

    kind: int
    payload: bytes

    def pack(self) -> bytes:
        """Its octets."""
        return bytes((self.kind,)) + len(self.payload).to_bytes(2, "big") + self.payload


HANGUP = Message(0, b"")
UUID, DIGIT, SOUND = 1, 3, 0x10


def messages(buffer: bytearray) -> Iterator[Message]:
    """Take whole messages off the front of what was received."""
    while len(buffer) >= 3 and len(buffer) >= 3 + (length := int.from_bytes(buffer[1:3], "big")):
        message = Message(buffer[0], bytes(buffer[3 : 3 + length]))
        del buffer[: 3 + length]
        yield message


class Server:
    """Takes one connection on loopback, and never waits: the test moves the clock."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.setblocking(False)
        self.service = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self.connection: socket.socket | None = None
        self.received: list[Message] = []
        self.closed = False
        """By the other side."""
        self._buffer = bytearray()

    def poll(self) -> list[Message]:
        """Take what has come; what came in this call."""
        if self.connection is None:
            try:
                self.connection, _ = self.listening.accept()
            except BlockingIOError:
                return []
            self.connection.setblocking(False)
            self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # real time does not matter here
        try:
            while data := self.connection.recv(65_536):
                self._buffer += data
            self.closed = True
        except BlockingIOError:
            pass
        except ConnectionResetError:
            self.closed = True
        new = list(messages(self._buffer))
        self.received += new
        return new

    def send(self, kind: int, payload: bytes = b"") -> None:
        """Send a message."""
        assert self.connection is not None
        self.connection.sendall(Message(kind, payload).pack())

    def close(self) -> None:
        """Close everything."""
        if self.connection is not None:
            self.connection.close()
        self.listening.close()
