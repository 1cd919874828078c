"""Finished records on their way to the backends: collected, journaled meanwhile, delivered exactly once.

A record is in the journal before its call is told to be over. It leaves the journal when every backend has it on the
disk. What a crash left in the journal is compared with what each backend has, and what is missing is delivered.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol

from offhook.log import verbose
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.record import Disposition, Moment
from offhook.storage.disk import Disk
from offhook.storage.journal import Journal

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

log = logging.getLogger(__name__)

_RETRY_S = 60.0
_MOMENTS = ("start", "answer", "end")


@dataclass(slots=True)
class Batch:
    """Whether and how finished records are collected before they are written."""

    enabled: bool = False
    size: int = 100
    seconds: float = 300.0
    safe_shutdown: bool = True


class Writer(Protocol):
    """What puts records on the disk after they were taken."""

    failures: int
    """How often something could not be written so far."""

    async def drain(self) -> None:
        """Wait until everything taken is on the disk or has failed."""


@dataclass(slots=True)
class Backend:
    """Where records are written to."""

    write: Callable[[Fields], None]
    """Take one record; never blocks."""
    writer: Writer | None = None
    """Does the writing; None: what is written is not kept anywhere."""
    missing: Callable[[list[Fields]], Awaitable[list[Fields]]] | None = None
    """Which of some records are not there and must be written; raises OSError when it cannot be told."""


class Delivery:
    """Hands finished records to the backends, at once or in batches."""

    def __init__(self, pbx: Pbx) -> None:
        self.pbx = pbx
        self.batch = Batch()
        self.backends: dict[str, Backend] = {}
        self.suspended: set[str] = set()
        self.waiting: list[Fields] = []
        self.journal: Journal | None = None
        self._unsealed = False
        self._failures: dict[str, int] = {}
        """Failures of the writers before they got what is not sealed yet."""
        self._settling: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None

    def open(self, folder: str, disk: Disk | None = None) -> None:
        """Keep a journal in a folder; without one (a disk that cannot be written) records are not safe in a crash."""
        try:
            self.journal = Journal(self.pbx.loop, folder, disk)
        except OSError as error:
            log.error("%s: call records would not survive a crash: %s", folder, error.strerror)

    def add(self, fields: Fields) -> None:
        """Take a finished record."""
        if self.journal is not None and self._writers():
            try:
                self.journal.append(encode(fields))
                if not self._unsealed:
                    self._unsealed, self._failures = True, self._writers()
            except OSError as error:
                log.error("%s: the record of %s is not safe: %s", self.journal.folder, fields.channel, error.strerror)
        self.waiting.append(fields)
        if not self.batch.enabled or len(self.waiting) >= self.batch.size:
            self.submit()
        elif self._timer is None:
            self._timer = self.pbx.loop.call_later(self.batch.seconds, self.submit)

    def submit(self) -> None:
        """Hand every waiting record to the backends now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        waiting, self.waiting = self.waiting, []
        for fields in waiting:
            for name, backend in self.backends.items():
                if name not in self.suspended:
                    self._write(name, backend, fields)
        self._settle_later()

    def _write(self, name: str, backend: Backend, fields: Fields) -> None:
        try:
            backend.write(fields)
        except Exception:
            log.exception("the record of %s was not written by %s", fields.channel, name)

    # ---- the journal ------------------------------------------------------------------------------------

    def _settle_later(self) -> None:
        """Begin to settle what was handed over, unless that is going on; then it is next."""
        if self.journal is not None and self._unsealed and not self.waiting and self._settling is None:
            self._unsealed = False
            self._settling = self.pbx.spawn(self._settle([self.journal.seal()], self._failures), "CDR journal")
            self._settling.add_done_callback(self._settled)

    def _settled(self, task: asyncio.Task[None]) -> None:
        self._settling = None
        if not task.cancelled():
            self._settle_later()

    def _writers(self) -> dict[str, int]:
        """The failures of each backend that keeps what it gets."""
        return {name: backend.writer.failures for name, backend in self.backends.items() if backend.writer}

    async def _drain(self) -> None:
        for backend in list(self.backends.values()):
            if backend.writer is not None:
                await backend.writer.drain()

    async def _settle(self, paths: list[str], failures: dict[str, int]) -> None:
        """Drop sealed files once every backend has what they hold; look again later when one has not.

        ``failures`` are those from before the backends got it.
        """
        assert self.journal is not None
        await self._drain()
        after = self._writers()
        if after and all(failures.get(name) == count for name, count in after.items()):
            await self.pbx.off_loop(self.journal.drop, paths)
        elif self._retry is None:
            self._retry = self.pbx.loop.call_later(_RETRY_S, self._again)

    def _again(self) -> None:
        self._retry = None
        self.pbx.spawn(self.recover(), "CDR journal")

    async def recover(self) -> None:
        """Deliver what the journal has from before and a backend has not."""
        if self.journal is None:
            return
        while self._settling is not None:
            await asyncio.wait({self._settling})
        paths = await self.pbx.off_loop(self.journal.sealed)
        if not paths or not self._writers():
            return
        self._settling = asyncio.current_task()
        try:
            failures = self._writers()
            verbose(3, "comparing %s with the records of calls", ", ".join(paths))
            records = [decode(text) for text in await self.pbx.off_loop(self.journal.entries, paths)]
            for name, backend in list(self.backends.items()):
                if backend.missing is not None and name not in self.suspended:
                    try:
                        lost = await backend.missing(records)
                    except OSError as error:
                        log.error("%s: %s; %d records stay in the journal", name, error, len(records))
                        lost, failures = [], {}
                    for fields in lost:
                        self._write(name, backend, fields)
            await self._settle(paths, failures)
        finally:
            self._settling = None
        self._settle_later()

    async def close(self) -> None:
        """Hand over what is left and wait for the journal."""
        self.submit()
        for timer in (self._timer, self._retry):
            if timer is not None:
                timer.cancel()
        while self._settling is not None:
            await asyncio.wait({self._settling})
        await self._drain()


def encode(fields: Fields) -> str:
    """A record as a journal's text."""
    return json.dumps(asdict(fields), separators=(",", ":"))


def decode(text: str) -> Fields:
    """The record of a journal's text."""
    values = json.loads(text)
    for name in _MOMENTS:
        if values[name] is not None:
            values[name] = Moment(*values[name])
    values["disposition"] = Disposition(values["disposition"])
    return Fields(**values)
