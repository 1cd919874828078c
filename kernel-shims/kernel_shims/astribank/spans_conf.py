"""assigned-spans.conf, span-types.conf and xpp_order: which box has which span and channel numbers, which of its spans
are E1 or T1, and which box comes first."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kernel_shims.line import LineError

_MOST_SPAN, _MOST_CHANNEL = 128, 1024
_UNLISTED = 999


@dataclass(frozen=True, slots=True, order=True)
class Assignment:
    """A box's span ``local`` (from 1) is span ``span``, its channels begin at ``first``."""

    local: int
    span: int
    first: int

    def __str__(self) -> str:
        return f"{self.local}:{self.span}:{self.first}"


def parse_assignments(text: str) -> list[Assignment]:
    """Assignments written as 1:1:1 2:2:15. Raises ValueError."""
    found = []
    for word in text.split():
        numbers = word.split(":")
        if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
            raise ValueError(f'"{word}" is no assignment; write LOCAL:SPAN:CHANNEL, such as 1:1:1')
        local, span, first = map(int, numbers)
        if not (local >= 1 and 1 <= span <= _MOST_SPAN and 1 <= first <= _MOST_CHANNEL):
            raise ValueError(f'"{word}" is out of range: spans are 1 to {_MOST_SPAN}, channels 1 to {_MOST_CHANNEL}')
        found.append(Assignment(local, span, first))
    return found


@dataclass(slots=True)
class AssignedSpans:
    """What an assigned-spans.conf says: patterns of identities and their assignments, in the file's order."""

    entries: list[tuple[str, list[Assignment]]]

    def of(self, identity: str) -> list[Assignment]:
        """The assignments of a box (its label, or @ and where it is plugged in); [] when it is not named."""
        return [one for pattern, given in self.entries if fnmatch.fnmatchcase(identity, pattern) for one in given]

    def __bool__(self) -> bool:
        return bool(self.entries)


def read_assigned_spans(path: Path) -> AssignedSpans:
    """Read the file; an empty one when there is none. Raises LineError with file and line."""
    entries: list[tuple[str, list[Assignment]]] = []
    for number, words in _lines(path):
        try:
            entries.append((words[0], parse_assignments(" ".join(words[1:]))))
        except ValueError as error:
            raise LineError(f"{path}:{number}: {error}") from None
    return AssignedSpans(entries)


TYPES = ("E1", "T1", "J1")


@dataclass(slots=True)
class SpanTypes:
    """What a span-types.conf says: patterns of boxes and of their spans' local numbers, and a type each."""

    entries: list[tuple[str, str, str]]

    def of(self, label: str, connector: str, local: int) -> str:
        """The type of a box's span by its label or @ and where it is plugged in: the last that fits; "" for none."""
        names = (label, f"@{connector}")
        found = ""
        for box, number, wanted in self.entries:
            if any(fnmatch.fnmatchcase(name, box) for name in names) and fnmatch.fnmatchcase(str(local), number):
                found = wanted
        return found


def read_span_types(path: Path) -> SpanTypes:
    """Read the file; an empty one when there is none. Raises LineError with file and line."""
    entries = []
    for line, (box, *words) in _lines(path):
        for word in words:
            number, _, wanted = word.partition(":")
            if wanted not in TYPES:
                raise LineError(f'{path}:{line}: "{word}" gives no type; write LOCAL:TYPE, such as *:T1 or [12]:E1')
            entries.append((box, number, wanted))
    return SpanTypes(entries)


def read_order(path: Path) -> list[str]:
    """Labels and connectors in the order in which boxes are registered; [] without a file."""
    return [words[0] for _, words in _lines(path)]


def _lines(path: Path) -> Iterable[tuple[int, list[str]]]:
    if not path.exists():
        return
    try:
        text = path.read_text(encoding="latin-1")
    except OSError as error:
        raise LineError(f"{path}: {error.strerror}") from None
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words:
            yield number, words


def place_in_order(identity: str, order: list[str]) -> tuple[int, str]:
    """A key to sort boxes by: the file's order first, then the label."""
    known = order.index(identity) if identity in order else _UNLISTED
    return known, identity


def allot(channels: list[int], taken: Mapping[int, range], kept: Iterable[Assignment] = ()) -> list[Assignment]:
    """Numbers for a box whose spans have so many channels each. ``taken`` are the channels of spans there are.

    Those of ``kept`` (what it had before) that are still free stay; the others come after everything else.
    """
    used = dict(taken)
    before = {one.local: one for one in kept}
    found: list[Assignment] = []
    for local, count in enumerate(channels, 1):
        wanted = before.get(local)
        if wanted is None or not _free(wanted, count, used):
            span = max(used, default=0) + 1
            first = max((reach.stop for reach in used.values()), default=1)
            wanted = Assignment(local, span, first)
        used[wanted.span] = range(wanted.first, wanted.first + count)
        found.append(wanted)
    return found


def _free(wanted: Assignment, count: int, used: Mapping[int, range]) -> bool:
    reach = range(wanted.first, wanted.first + count)
    overlaps = any(other.start < reach.stop and reach.start < other.stop for other in used.values())
    return wanted.span not in used and not overlaps
