"""What a console and the daemon say to each other over the control socket.

A frame is a letter, the length of its body as four bytes (big-endian), and the body in UTF-8. Imported by the
remote console, which must start fast: nothing else is needed here.
"""

from __future__ import annotations

HEADER = 5
MOST = 16 * 1024 * 1024
"""No frame is longer; a length above is a peer that speaks something else."""

# from the console
RUN = b"C"
"""A command line."""
CANCEL = b"X"
"""What is being carried out is to end, if it takes its time."""
COMPLETE = b"T"
"""The line up to the cursor: what may its last word become?"""
WATCH = b"W"
"""Show the log here: ``verbosity colours timestamp`` as numbers, and ``mute`` as 0 or 1."""

# from the daemon
OUTPUT = b"o"
"""A piece of a command's answer."""
END = b"e"
"""The command is done: "0" when it succeeded."""
LOG = b"l"
"""A line of the log."""
CANDIDATES = b"t"
"""Completions, one a line."""
HELLO = b"h"
"""First of all: host name, process id and version, one a line."""
BYE = b"b"
"""The daemon stops ("stop") or starts again ("restart")."""


class ProtocolError(Exception):
    """The peer does not speak this protocol."""


def frame(letter: bytes, body: str = "") -> bytes:
    """One frame, ready to send."""
    data = body.encode("utf-8", "surrogateescape")
    return letter + len(data).to_bytes(4, "big") + data


class Frames:
    """Cuts a stream of bytes into frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, str]]:
        """Frames that are complete now, as (letter, body). Raises ProtocolError."""
        self._buffer += data
        frames = []
        while len(self._buffer) >= HEADER:
            size = int.from_bytes(self._buffer[1:HEADER], "big")
            if size > MOST:
                raise ProtocolError("the control socket speaks another protocol")
            if len(self._buffer) < HEADER + size:
                break
            body = self._buffer[HEADER : HEADER + size].decode("utf-8", "surrogateescape")
            frames.append((bytes(self._buffer[:1]), body))
            del self._buffer[: HEADER + size]
        return frames
