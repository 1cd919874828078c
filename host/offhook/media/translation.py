"""What it costs to turn one audio format into another, in the units ``core show translation`` prints.

The costs rank paths, they are no times: a step between linear formats is cheaper than one that loses something,
going up in rate is cheaper than going down.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator

from offhook.media.formats import FORMATS, Format, Kind

ALWAYS = ("ulaw", "alaw", "gsm", "g726", "g726aal2", "adpcm", "lpc10", "g722", "opus")
"""Formats besides linear whose libraries every installation has."""

_LINEAR = tuple(each for each in FORMATS.values() if each.is_linear)

# cost of a step: from lossless or lossy, to lossless or lossy, rate kept, up or down
_KEEP, _UP, _DOWN = range(3)
_COSTS = {
    (True, True): (4000, 8000, 8500),
    (True, False): (6000, 8250, 8750),
    (False, True): (9000, 9300, 9600),
    (False, False): (9150, 9450, 9750),
}


def _step(source: Format, target: Format) -> int:
    change = _KEEP if source.rate == target.rate else _UP if source.rate < target.rate else _DOWN
    return _COSTS[source.is_linear, target.is_linear][change]


class Translations:
    """Paths between linear audio and the formats that can be decoded and encoded."""

    def __init__(self, transcoded: Iterable[Format]) -> None:
        self._transcoded = tuple(each for each in transcoded if not each.is_linear and each.kind == Kind.AUDIO)
        self._found: dict[Format, dict[Format, tuple[int, tuple[Format, ...]]]] = {}

    def cost(self, source: Format, target: Format) -> int | None:
        """Cost of the cheapest path, 0 for the same format, None when there is no path."""
        if source is target:
            return 0
        found = self._from(source).get(target)
        return found[0] if found else None

    def path(self, source: Format, target: Format) -> tuple[Format, ...]:
        """The formats on the cheapest path, both ends included; empty when there is no path."""
        found = self._from(source).get(target)
        return found[1] if found else ()

    def _steps(self, source: Format) -> Iterator[Format]:
        """What one step leads to: linear of any rate from linear, a codec's own rates, one G.711 law from the other."""
        if source.is_linear:
            yield from _LINEAR
            for target in self._transcoded:
                if target.rate == source.rate or (target.name == "g722" and source.rate == 8000):
                    yield target
        elif source in self._transcoded:
            for target in _LINEAR:
                if target.rate == source.rate or (source.name == "g722" and target.rate == 8000):
                    yield target
            if source.name in ("ulaw", "alaw"):
                yield FORMATS["alaw" if source.name == "ulaw" else "ulaw"]

    def _from(self, source: Format) -> dict[Format, tuple[int, tuple[Format, ...]]]:
        """Cheapest cost and path to each format that can be reached."""
        known = self._found.get(source)
        if known is not None:
            return known
        found: dict[Format, tuple[int, tuple[Format, ...]]] = {}
        heap: list[tuple[int, int, tuple[Format, ...]]] = [(0, 0, (source,))]
        order = 0
        while heap:
            cost, _, path = heapq.heappop(heap)
            if path[-1] in found:
                continue
            found[path[-1]] = (cost, path)
            for target in self._steps(path[-1]):
                if target not in found:
                    order += 1
                    heapq.heappush(heap, (cost + _step(path[-1], target), order, (*path, target)))
        self._found[source] = found
        return found


_EVERYWHERE = Translations(FORMATS[name] for name in ALWAYS)


def translation_cost(source: Format, target: Format) -> int | None:
    """Cost of the cheapest path that every installation has; 0 for the same format, None when there is none."""
    return _EVERYWHERE.cost(source, target)


def translation_path(source: Format, target: Format) -> tuple[Format, ...]:
    """That path, both ends included; empty when there is none."""
    return _EVERYWHERE.path(source, target)
