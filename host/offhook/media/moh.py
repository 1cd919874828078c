"""Music on hold, as ``musiconhold.conf`` has it: files from a listener's own place, or a program that all hear."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from offhook.media.tones import parse_tone_list

if TYPE_CHECKING:
    from offhook.media.leg import Leg
    from offhook.media.playing import Playback

_SILENCE = parse_tone_list("0/1000")


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
    kill_delay_ms: int = 100
    kill_method: Literal["process_group", "process"] = "process_group"


class MohSource:
    """One listener's place in a class: which file comes next and where in it, kept over interruptions of the music.

    ``announcement`` is a file that is heard before each of them. The order of a random class is drawn for each round.
    """

    __slots__ = ("_began", "announcement", "files", "index", "music_class", "position_ms")

    def __init__(
        self,
        music_class: MohClass,
        files: Sequence[str],
        index: int = 0,
        position_ms: int = 0,
        announcement: str = "",
    ) -> None:
        if not files:
            raise ValueError(f'music class "{music_class.name}" has no files')
        self.music_class = music_class
        self.files = tuple(random.sample(files, len(files)) if music_class.sort == "random" else files)
        self.index = index % len(self.files)
        self.position_ms = position_ms
        self.announcement = announcement
        self._began = self.index

    @property
    def _in_rounds(self) -> bool:
        return self.music_class.sort == "random" and not self.music_class.loop_last

    def playing_order(self) -> list[str]:
        """The files, the one to begin with first; up to the last where that one goes on for ever or a round ends."""
        self._began = self.index
        order = list(self.files[self.index :])
        if not self._in_rounds and not self.music_class.loop_last:
            order += self.files[: self.index]
        if self.announcement:
            order = [each for file in order for each in (self.announcement, file)]
        return order

    def begin(self, leg: Leg) -> Playback:
        """Let a leg hear it from its place on."""
        offset = 0 if self.announcement else self.position_ms
        loop_last = self.music_class.loop_last
        return leg.play_music(self.playing_order(), offset, loop=not self._in_rounds, loop_last=loop_last)

    def following(self, leg: Leg, before: Playback) -> Playback | None:
        """What a leg hears next when a playback is over: a new round, unless there was nothing to hear in the last."""
        if not self._in_rounds or not (before.index or before.position_ms):
            return None
        last = self.files[-1]
        drawn = random.sample(self.files, len(self.files))
        if drawn[0] == last:  # nothing is heard twice in a row where there is something else
            drawn = [*drawn[1:], last]
        self.files, self.index, self.position_ms = tuple(drawn), 0, 0
        return self.begin(leg)

    def left(self, leg: Leg, playback: Playback) -> None:
        """A leg hears it no more."""
        self.left_at(playback.index, playback.position_ms)

    def left_at(self, played: int, position_ms: int) -> None:
        """The music stopped in the ``played``-th file of the playing order, that far into it."""
        if self.announcement:
            position_ms = position_ms if played % 2 else 0
            played //= 2
        self.index = (self._began + played) % len(self.files)
        self.position_ms = position_ms


class MohStream:
    """What one leg hears, for all who listen: they hear the same at the same time, and silence while there is none."""

    __slots__ = ("_listeners", "_speaker", "listened", "music_class")

    def __init__(self, music_class: MohClass, listened: Callable[[bool], None]) -> None:
        """``listened`` is told when the first listener comes, and when the last one has gone."""
        self.music_class = music_class
        self.listened = listened
        self._speaker: Leg | None = None
        self._listeners: set[Leg] = set()

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def speak(self, speaker: Leg | None) -> None:
        """Let them hear this leg from now on, or silence."""
        self._speaker = speaker
        for leg in tuple(self._listeners):
            leg.continue_music(self._playback(leg))

    def _playback(self, leg: Leg) -> Playback:
        if self._speaker is None or self._speaker.closed:
            return leg.play_music_tones(_SILENCE)
        return leg.play_music_of(self._speaker)

    def begin(self, leg: Leg) -> Playback:
        """Let a leg hear it."""
        self._listeners.add(leg)
        if len(self._listeners) == 1:
            self.listened(True)
        return self._playback(leg)

    def following(self, leg: Leg, before: Playback) -> Playback | None:
        """Nothing is over for one alone."""
        return None

    def left(self, leg: Leg, playback: Playback) -> None:
        """A leg hears it no more."""
        self._listeners.discard(leg)
        if not self._listeners:
            self.listened(False)


MusicSource = MohSource | MohStream
