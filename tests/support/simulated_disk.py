"""A disk in memory that loses what a power cut loses: unsynced content but for a beginning, unsynced names."""

from __future__ import annotations

import functools
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from offhook.storage.disk import Disk

Operation = TypeVar("Operation", bound=Callable[..., Any])


def _whole(operation: Operation) -> Operation:
    """One operation after the other, as on a disk: loop and worker threads share it."""

    @functools.wraps(operation)
    def carry_out(self: SimulatedDisk, *arguments: Any) -> Any:
        self.before()
        with self.lock:
            return operation(self, *arguments)

    return carry_out  # type: ignore[return-value]


@dataclass
class _File:
    content: bytes = b""
    kept: bytes = b""
    """What is on the disk for sure."""


@dataclass
class SimulatedDisk(Disk):
    """Files by path. ``cut`` gives the disk as the next start finds it."""

    files: dict[str, _File] = field(default_factory=dict)
    named: dict[str, _File] = field(default_factory=dict)
    """The names that are on the disk for sure."""
    fails: bool = False
    chance: random.Random = field(default_factory=random.Random)
    cut_at: int = -1
    """Before which operation that writes the power is cut; what is done after that is not in ``found``."""
    found: SimulatedDisk | None = None
    """The disk after the power cut."""
    operations: int = 0
    before: Callable[[], None] = lambda: None
    """Called before each operation, on its thread."""
    lock: threading.RLock = field(default_factory=threading.RLock)

    def _count(self) -> None:
        if self.operations == self.cut_at:
            self.found = self.after_power_cut()
        self.operations += 1

    @_whole
    def append(self, path: str, data: bytes) -> None:
        if self.fails:
            raise OSError(28, "No space left on device")
        self._count()
        self.files.setdefault(path, _File()).content += data

    @_whole
    def sync(self, path: str) -> None:
        self._count()
        if path in self.files:
            self.files[path].kept = self.files[path].content

    @_whole
    def sync_folder(self, folder: str) -> None:
        self._count()
        for path in list(self.named):
            if path.startswith(f"{folder}/") and path not in self.files:
                del self.named[path]
        for path, file in self.files.items():
            if path.startswith(f"{folder}/"):
                self.named[path] = file

    def make_folder(self, folder: str) -> None: ...

    @_whole
    def names(self, folder: str) -> list[str]:
        return sorted(path.removeprefix(f"{folder}/") for path in self.files if path.startswith(f"{folder}/"))

    @_whole
    def read(self, path: str, last: int = 0) -> bytes:
        content = self.files[path].content if path in self.files else b""
        return content[-last:] if last else content

    @_whole
    def cut(self, path: str, octets: int) -> None:
        self._count()
        self.files[path].content = self.files[path].content[:-octets]

    @_whole
    def remove(self, path: str) -> None:
        self._count()
        self.files.pop(path, None)

    def after_power_cut(self) -> SimulatedDisk:
        """The disk as the next start finds it: of what was not synced a beginning is there, by chance."""
        after, chance = SimulatedDisk(), self.chance
        for path in sorted({*self.files, *self.named}):
            sure = self.named.get(path)
            file = (
                sure if sure is not None and (path not in self.files or chance.random() < 0.5) else self.files.get(path)
            )
            if file is None or (sure is None and chance.random() < 0.5):
                continue
            content = file.kept
            if file.content.startswith(content):
                content += file.content[len(content) :][: chance.randint(0, len(file.content) - len(content))]
            after.files[path] = after.named[path] = _File(content, content)
        return after
