"""Appending lines to files from the loop: in order, off the loop, on the disk before ``drain`` returns."""

from __future__ import annotations

import asyncio
import logging
import os

log = logging.getLogger(__name__)


class LineWriter:
    """Collects lines by file and appends them on a worker thread, all that came meanwhile at once."""

    __slots__ = ("_busy", "_loop", "_pending")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._pending: dict[str, list[str]] = {}
        self._busy: asyncio.Future[None] | None = None

    def append(self, path: str, text: str) -> None:
        """Append text (with its newline) to a file; folders are made as needed. Failures are logged."""
        self._pending.setdefault(path, []).append(text)
        if self._busy is None:
            self._start()

    def _start(self) -> None:
        work, self._pending = self._pending, {}
        self._busy = self._loop.run_in_executor(None, _write, work)
        self._busy.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[None]) -> None:
        self._busy = None
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("cannot write: %s", error)
        if self._pending:
            self._start()

    async def drain(self) -> None:
        """Wait until everything is written."""
        while self._busy is not None:
            await asyncio.wait({self._busy})
            await asyncio.sleep(0)


def _write(work: dict[str, list[str]]) -> None:
    for path, texts in work.items():
        try:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "a", encoding="utf-8", errors="surrogateescape") as file:
                file.write("".join(texts))
                file.flush()
                os.fdatasync(file.fileno())
        except OSError as error:
            log.error("cannot write to %s: %s", path, error.strerror)
