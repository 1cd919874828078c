"""Appending lines to files from the loop: in order, off the loop, on the disk before ``drain`` returns."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter

from offhook.storage.disk import Disk

log = logging.getLogger(__name__)

_LOOK_BACK = 4 << 20
"""How much of a file's end is read to see whether lines are there already, in octets."""


class LineWriter:
    """Collects lines by file and appends them on a worker thread, all that came meanwhile at once."""

    __slots__ = ("_busy", "_disk", "_loop", "_pending", "failures")

    def __init__(self, loop: asyncio.AbstractEventLoop, disk: Disk | None = None) -> None:
        self._loop = loop
        self._disk = disk or Disk()
        self._pending: dict[str, list[str]] = {}
        self._busy: asyncio.Future[bool] | None = None
        self.failures = 0
        """How often something could not be written so far."""

    def append(self, path: str, text: str) -> None:
        """Append text (with its newline) to a file; folders are made as needed. Failures are logged."""
        self._pending.setdefault(path, []).append(text)
        if self._busy is None:
            self._start()

    def _start(self) -> None:
        work, self._pending = self._pending, {}
        self._busy = self._loop.run_in_executor(None, self._write, work)
        self._busy.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[bool]) -> None:
        self._busy = None
        if done.cancelled() or done.exception() is not None or not done.result():
            self.failures += 1
        if self._pending:
            self._start()

    def _write(self, work: dict[str, list[str]]) -> bool:
        disk, complete = self._disk, True
        for path, texts in work.items():
            folder = os.path.dirname(path)
            try:
                disk.make_folder(folder)
                disk.append(path, "".join(texts).encode("utf-8", "surrogateescape"))
                disk.sync(path)
                disk.sync_folder(folder)
            except OSError as error:
                log.error("cannot write to %s: %s", path, error.strerror)
                complete = False
        return complete

    async def drain(self) -> None:
        """Wait until everything is on the disk or has failed."""
        while self._busy is not None:
            await asyncio.wait({self._busy})
            await asyncio.sleep(0)

    async def missing(self, path: str, lines: list[str]) -> list[int]:
        """Which of some lines (their indices) a crash kept from the end of a file; a torn one among them is taken off.

        To be asked while these lines are not being written.
        """
        return await self._loop.run_in_executor(None, self._missing, path, lines)

    def _missing(self, path: str, lines: list[str]) -> list[int]:
        content = self._disk.read(path, _LOOK_BACK)
        whole, _, torn = content.rpartition(b"\n")
        there = Counter(whole.decode("utf-8", "surrogateescape").split("\n"))
        found = []
        for index, line in enumerate(lines):
            text = line.rstrip("\n")
            if there[text]:
                there[text] -= 1
            else:
                found.append(index)
        if torn:
            known = any(lines[index].encode("utf-8", "surrogateescape").startswith(torn) for index in found)
            if known:
                self._disk.cut(path, len(torn))
            else:
                self._disk.append(path, b"\n")
        return found
