"""A journal: entries that survive the process at once, a power cut as soon as they are synced, until they are dropped.

Entries are lines of a checksum and a text in numbered files of one folder. A file is sealed when what it holds is
being written elsewhere, and dropped when that is on the disk; what is found at the next start was not.
"""

from __future__ import annotations

import asyncio
import logging
import os
import zlib
from collections.abc import Iterable

from offhook.storage.disk import Disk

log = logging.getLogger(__name__)

_SUFFIX = ".journal"


def encode(text: str) -> bytes:
    """One entry as it is written: CRC-32 of the text, the text without line feeds, a line feed."""
    data = text.replace("\n", " ").encode("utf-8", "surrogatepass")
    return b"%08x %s\n" % (zlib.crc32(data), data)


def decode(content: bytes) -> list[str]:
    """The entries of a file up to the first that is torn or spoilt."""
    entries = []
    for line in content.split(b"\n")[:-1]:
        checksum, _, data = line.partition(b" ")
        if checksum != b"%08x" % zlib.crc32(data):
            break
        entries.append(data.decode("utf-8", "surrogatepass"))
    return entries


class Journal:
    """The journal of one folder, written from the loop."""

    __slots__ = ("_dirty", "_disk", "_loop", "_named", "_number", "_syncing", "folder")

    def __init__(self, loop: asyncio.AbstractEventLoop, folder: str, disk: Disk | None = None) -> None:
        """Raises OSError when the folder can be neither made nor read."""
        self._loop = loop
        self._disk = disk or Disk()
        self.folder = folder
        self._disk.make_folder(folder)
        self._number = max((_number(name) for name in self._disk.names(folder)), default=0) + 1
        self._named = self._number - 1
        """The last file whose name is on the disk."""
        self._dirty: set[int] = set()
        """The files with entries that no sync was begun for; a file may be sealed before it is synced."""
        self._syncing: asyncio.Future[None] | None = None

    @property
    def path(self) -> str:
        """The file that entries go to now."""
        return self._path(self._number)

    def _path(self, number: int) -> str:
        return os.path.join(self.folder, f"{number:08d}{_SUFFIX}")

    def append(self, text: str) -> None:
        """Add an entry: it is safe from the process's end on return, from a power cut soon after. OSError."""
        self._disk.append(self.path, encode(text))
        self._dirty.add(self._number)
        if self._syncing is None:
            self._sync()

    def _sync(self) -> None:
        dirty, self._dirty = sorted(self._dirty), set()
        self._syncing = self._loop.run_in_executor(None, self._write_through, dirty)
        self._syncing.add_done_callback(self._synced)

    def _write_through(self, numbers: list[int]) -> None:
        for number in numbers:
            self._disk.sync(self._path(number))
        if numbers[-1] > self._named:
            self._disk.sync_folder(self.folder)
            self._named = numbers[-1]

    def _synced(self, done: asyncio.Future[None]) -> None:
        self._syncing = None
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("%s: %s", self.folder, error)
        if self._dirty:
            self._sync()

    async def synced(self) -> None:
        """Wait until every entry is on the disk."""
        while self._syncing is not None:
            await asyncio.wait({self._syncing})
            await asyncio.sleep(0)

    def seal(self) -> str:
        """Begin a new file; the name of the one before, for ``drop``."""
        path = self.path
        self._number += 1
        return path

    def drop(self, paths: Iterable[str]) -> None:
        """Forget sealed files (blocking): what they held is on the disk elsewhere."""
        for path in paths:
            self._disk.remove(path)
        self._disk.sync_folder(self.folder)

    def sealed(self) -> list[str]:
        """All files but the present one, oldest first (blocking)."""
        names = [name for name in self._disk.names(self.folder) if 0 < _number(name) < self._number]
        return [os.path.join(self.folder, name) for name in names]

    def entries(self, paths: Iterable[str]) -> list[str]:
        """What sealed files hold, in order (blocking)."""
        return [text for path in paths for text in decode(self._disk.read(path))]


def _number(name: str) -> int:
    stem = name.removesuffix(_SUFFIX)
    return int(stem) if stem != name and stem.isdigit() else 0
