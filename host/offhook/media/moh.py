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

    __slots__ = ("announcement", "files", "index", "loop_last", "music_class", "position_ms")

    def __init__(self, music_class: MohClass, files: Sequence[str], index: int = 0, position_ms: int = 0) -> None:
        self.music_class = music_class
        self.files = tuple(files)
        self.index = index
        self.position_ms = position_ms
        self.announcement = music_class.announcement
        self.loop_last = music_class.loop_last
