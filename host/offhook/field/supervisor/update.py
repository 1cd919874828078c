"""Sending a new firmware to the supervisor, and knowing one when we see it.

A bundle is "OFW1", three bytes of version, then for each file the length of its name, its name, u32 size, contents.
The supervisor unpacks it beside what runs, starts it on trial, and goes back by itself unless it is confirmed.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from offhook.field.supervisor import messages as m

if TYPE_CHECKING:
    from offhook.field.supervisor.link import Link

MAGIC: Final = b"OFW1"
LARGEST: Final = 262144
CHUNK: Final = 200


class BundleError(ValueError):
    """The file is no firmware; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """A firmware for the supervisor."""

    version: tuple[int, int, int]
    files: dict[str, bytes]

    def encode(self) -> bytes:
        """The bundle as a file."""
        out = bytearray(MAGIC + bytes(self.version))
        for name, data in self.files.items():
            out += bytes((len(name),)) + name.encode("ascii") + struct.pack(">I", len(data)) + data
        return bytes(out)

    @staticmethod
    def decode(data: bytes) -> Bundle:
        """Read a bundle. Raises BundleError."""
        if data[:4] != MAGIC:
            raise BundleError('it does not begin with "OFW1"; make one with "make firmware-bundle"')
        if len(data) > LARGEST:
            raise BundleError(f"it has {len(data)} bytes, the supervisor takes {LARGEST}")
        files: dict[str, bytes] = {}
        at = 7
        while at < len(data):
            end = at + 1 + data[at]
            name, size = data[at + 1 : end], data[end : end + 4]
            if len(size) < 4 or not name.isascii():
                raise BundleError("it is cut short")
            at = end + 4 + int.from_bytes(size, "big")
            if at > len(data):
                raise BundleError("it is cut short")
            files[name.decode("ascii")] = data[end + 4 : at]
        if not any(name.startswith("supervisor/run.") for name in files):
            raise BundleError("there is no supervisor/run in it")
        return Bundle((data[4], data[5], data[6]), files)


async def send(link: Link, data: bytes, progress: Callable[[int, int], None] | None = None) -> tuple[int, int, int]:
    """Send a bundle and have it checked and unpacked; its version. Nothing of it runs yet. Raises LinkError."""
    await link.ask(m.UPDATE_BEGIN, struct.pack(">I", len(data)) + hashlib.sha256(data).digest())
    async for offset in _chunks(link, data):
        if progress is not None:
            progress(offset, len(data))
    major, minor, patch = await link.ask(m.UPDATE_END)
    return major, minor, patch


async def _chunks(link: Link, data: bytes) -> AsyncIterator[int]:
    offset = 0
    while offset < len(data):
        answer = await link.ask(m.UPDATE_DATA, struct.pack(">I", offset) + data[offset : offset + CHUNK])
        (offset,) = struct.unpack(">I", answer)
        yield offset
