"""Call-progress tones and busy cadences, recognized from when tones begin and end. No I/O: times are arguments in ms.

:class:`Progress` knows a zone's tones by frequency and rhythm; :class:`Busy` learns any rhythm that repeats.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import pairwise

from offhook.media.detecting import MOST_TONES, ListenedTone
from offhook.media.tones import Tone, ToneZone, parse_tone_list

PROGRESS_TONES = ("dial", "busy", "congestion", "ring", "record", "info")
"""Of a zone's tones those that a called network sends."""

_STEADY_MS = 1000
"""A tone without pauses is recognized after that at the earliest."""

_TOLERANCE = 0.12
_TOLERANCE_MS = 45
_CLOSE_HZ = 35
"""Frequencies nearer than that need narrower filters."""
_SAME_HZ = 10


Beat = tuple[int, int]
"""On-time and the pause after it, in ms."""


def _near(measured: float, wanted: float) -> bool:
    return abs(measured - wanted) <= max(_TOLERANCE_MS, wanted * _TOLERANCE)


class _Heard:
    """One of the tones listened for: what may be told by it, and how it has sounded so far."""

    def __init__(self) -> None:
        self.steady = ""
        self.rhythms: dict[str, list[Beat]] = {}
        self.begun: float | None = None
        self.ended: float | None = None
        self.beats: deque[tuple[float | None, float]] = deque(maxlen=8)  # pause before, on-time
        self.told = ""

    @property
    def only(self) -> str:
        """What it must be by its frequencies alone; "" when it could be several."""
        names = [*([self.steady] if self.steady else []), *self.rhythms]
        return names[0] if len(names) == 1 or names == ["busy", "congestion"] else ""

    @property
    def needed(self) -> int:
        """On-times that tell rhythms apart: one more than the longest has, and two at least."""
        return 1 + max((len(beats) for beats in self.rhythms.values()), default=1)

    @property
    def steady_ms(self) -> float:
        """How long it must last to be longer than any beat."""
        return max([_STEADY_MS, *(1.2 * on + 100 for beats in self.rhythms.values() for on, _ in beats)])

    def rhythm(self) -> str:
        """The rhythm that the last beats have."""
        beats = list(self.beats)[-self.needed :]
        if len(beats) < self.needed:
            return ""
        for name, wanted in self.rhythms.items():
            if any(_fits(beats, wanted, shift) for shift in range(len(wanted))):
                return name
        return ""


def _fits(beats: list[tuple[float | None, float]], wanted: list[Beat], shift: int) -> bool:
    for at, (pause, on) in enumerate(beats):
        if not _near(on, wanted[(at + shift) % len(wanted)][0]):
            return False
        if at and (pause is None or not _near(pause, wanted[(at - 1 + shift) % len(wanted)][1])):
            return False
    return True


class Progress:
    """Recognizes a zone's tones. ``tones`` and ``block_ms`` are for the tone detector; hand its events to ``heard``.

    A steady tone is told when it has lasted longer than any beat on the same frequencies, one with a rhythm when that
    has come round; tones one after the other (special information tones) when the last begins. Tones that sound the
    same in a zone are told by the first of their names in PROGRESS_TONES. ``at_once`` tells a tone that its
    frequencies alone give away (congestion counts as busy) as soon as it begins.
    """

    def __init__(self, zone: ToneZone, wanted: Iterable[str] = PROGRESS_TONES, *, at_once: bool = False) -> None:
        self._at_once = at_once
        self.tones: list[ListenedTone] = []
        self._heard: list[_Heard] = []
        self._sequences: list[tuple[str, list[int]]] = []
        self._order: deque[int] = deque(maxlen=8)
        for name in wanted:
            text = zone.tones.get(name)
            if text is not None:
                self._learn(name, [part for part in parse_tone_list(text).parts if part.low or part.duration_ms])
        frequencies = sorted({each for tone in self.tones for each in (tone.low, tone.high) if each})
        close = any(high - low < _CLOSE_HZ for low, high in pairwise(frequencies))
        self.block_ms = 40 if close else 20

    def _index(self, part: Tone) -> int:
        low, high = sorted((part.low, part.high)) if part.high and not part.modulated else (part.low, 0.0)
        for index, tone in enumerate(self.tones):
            if abs(tone.low - low) < _SAME_HZ and abs(tone.high - high) < _SAME_HZ:
                return index
        if len(self.tones) == MOST_TONES:
            return -1
        self.tones.append(ListenedTone(low, high, least_ms=60))
        self._heard.append(_Heard())
        return len(self.tones) - 1

    def _learn(self, name: str, parts: list[Tone]) -> None:
        sounding = [part for part in parts if part.low]
        indexes = [self._index(part) for part in sounding]
        if not sounding or -1 in indexes:
            return
        if len(set(indexes)) > 1:
            self._sequences.append((name, indexes))
            return
        heard = self._heard[indexes[0]]
        beats = _beats(parts)
        if beats:
            heard.rhythms.setdefault(name, beats)
        elif not heard.steady:
            heard.steady = name

    def heard(self, tone: int, begins: bool, when: float) -> str | None:
        """A tone began or ended at ``when`` (ms): the name of what that makes, if any, told once."""
        one = self._heard[tone]
        if begins:
            one.begun = when
            self._order.append(tone)
            return self._sequence() or (self._tell(one, one.only) if self._at_once and one.only else None)
        pause = one.begun - one.ended if one.begun is not None and one.ended is not None else None
        one.beats.append((pause, when - one.begun if one.begun is not None else 0))
        one.begun, one.ended = None, when
        return self._tell(one, one.rhythm())

    def time(self, now: float) -> str | None:
        """Time went by: the name of a steady tone that has lasted long enough, told once."""
        for one in self._heard:
            if one.steady and one.begun is not None and now - one.begun >= one.steady_ms:
                return self._tell(one, one.steady)
        return None

    @staticmethod
    def _tell(one: _Heard, name: str) -> str | None:
        before, one.told = one.told, name
        return name if name and name != before else None

    def _sequence(self) -> str | None:
        heard = list(self._order)
        for name, sequence in self._sequences:
            if heard[-len(sequence) :] == sequence:
                self._order.clear()
                return name
        return None


def _beats(parts: list[Tone]) -> list[Beat]:
    """The beats of a tone list, neighbours of a kind as one; none when it sounds without pauses."""
    beats: list[list[int]] = []
    for part in parts:
        if part.low and (not beats or beats[-1][1]):
            beats.append([part.duration_ms, 0])
        elif part.low:
            beats[-1][0] += part.duration_ms
        elif beats:
            beats[-1][1] += part.duration_ms
    return [(on, off) for on, off in beats if on and off]


class Busy:
    """A busy tone by its rhythm alone, whatever it sounds like: so many on-times and pauses that are all alike.

    ``count`` on-times and pauses must agree to a tenth, last between 75 and 3100 ms, and match ``pattern`` (on, off, or
    on, off, on, off in ms; 0: any) where one is given. A rhythm of speech does not repeat like that.
    """

    SHORTEST_MS, LONGEST_MS = 75, 3100

    def __init__(self, count: int = 4, pattern: tuple[int, ...] = ()) -> None:
        if count < 2:
            raise ValueError("a rhythm has at least two beats")
        self.pattern = pattern
        self._on: deque[float] = deque(maxlen=count)
        self._off: deque[float] = deque(maxlen=count)
        self._begun: float | None = None
        self._ended: float | None = None

    def heard(self, begins: bool, when: float) -> bool:
        """Sound began or ended at ``when`` (ms): True when that makes it a busy tone."""
        if begins:
            if self._ended is not None:
                self._off.append(when - self._ended)
            self._begun = when
            return False
        self._ended = when
        if self._begun is not None:
            self._on.append(when - self._begun)
        return self._is_busy()

    @property
    def cadence(self) -> tuple[int, int]:
        """The rhythm heard: mean on-time and pause in ms."""
        return (
            round(sum(self._on) / len(self._on)) if self._on else 0,
            round(sum(self._off) / len(self._off)) if self._off else 0,
        )

    def _is_busy(self) -> bool:
        assert self._on.maxlen is not None
        if len(self._on) < self._on.maxlen or len(self._off) < self._on.maxlen - 1:
            return False
        offs = list(self._off)[-(self._on.maxlen - 1) :]
        if len(self.pattern) == 4:
            return self._alternates(list(self._on), offs)
        return self._alike(list(self._on), self.pattern[0] if self.pattern else 0) and self._alike(
            offs, self.pattern[1] if len(self.pattern) > 1 else 0
        )

    def _alike(self, times: list[float], wanted: int) -> bool:
        mean = sum(times) / len(times)
        alike = all(abs(each - mean) <= max(mean / 10, 20) for each in times)
        return (
            alike
            and self.SHORTEST_MS <= mean <= self.LONGEST_MS
            and (not wanted or abs(mean - wanted) <= max(wanted * 7 // 100, 20))
        )

    def _alternates(self, on: list[float], off: list[float]) -> bool:
        first, pause, second, long_pause = self.pattern
        for shift in (0, 1):
            wanted_on = [(first, second)[(at + shift) % 2] for at in range(len(on))]
            wanted_off = [(pause, long_pause)[(at + shift) % 2] for at in range(len(off))]
            pairs = [*zip(on, wanted_on, strict=True), *zip(off, wanted_off, strict=True)]
            if all(abs(have - want) <= max(want / 10, 20) for have, want in pairs):
                return True
        return False
