"""Music on hold: classes of files to play, as ``musiconhold.conf`` describes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class MohClass:
    """One music class. ``entries`` are files or, in mode playlist, files and URLs in the order written."""

    name: str
    mode: str = "files"
    directory: str = ""
    entries: tuple[str, ...] = ()
    sort: Literal["", "alpha", "random", "randstart"] = ""
    digit: str = ""
    application: str = ""
    announcement: str = ""
    answered_only: bool = False
    loop_last: bool = False
    format: str = "slin"


class MohSource:
    """One listener's place in a class: which file comes next and where in it, kept over interruptions of the music."""

    __slots__ = ("_began", "files", "index", "music_class", "position_ms")

    def __init__(self, music_class: MohClass, files: Sequence[str], index: int = 0, position_ms: int = 0) -> None:
        if not files:
            raise ValueError(f'music class "{music_class.name}" has no files')
        self.music_class = music_class
        self.files = tuple(files)
        self.index = index % len(self.files)
        self.position_ms = position_ms
        self._began = self.index

    def playing_order(self) -> list[str]:
        """The files, the one to begin with first."""
        self._began = self.index
        return [*self.files[self.index :], *self.files[: self.index]]

    def left_at(self, played: int, position_ms: int) -> None:
        """The music stopped in the ``played``-th file of the playing order, that far into it."""
        self.index = (self._began + played) % len(self.files)
        self.position_ms = position_ms
