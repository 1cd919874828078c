"""Caller ID as a telephone with a display hears it: FSK of 1200 baud, by a demodulator that knows nothing of ours."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate

RATE = 8000
BIT = RATE / 1200
TONES = {"bell202": (1200.0, 2200.0), "v23": (1300.0, 2100.0)}
"""Mark and space."""
_NUMBER, _NAME = 2, 7
"""Parameters of GR-31's message of several parts (0x80)."""


def _energy(samples: Sequence[int], frequency: float) -> list[float]:
    """Energy of a frequency in the bit that ends at each sample."""
    size = round(BIT)
    step = 2 * math.pi * frequency / RATE
    sines = [0.0, *accumulate(sample * math.sin(step * n) for n, sample in enumerate(samples))]
    cosines = [0.0, *accumulate(sample * math.cos(step * n) for n, sample in enumerate(samples))]
    return [
        (sines[at] - sines[at - size]) ** 2 + (cosines[at] - cosines[at - size]) ** 2
        for at in range(size, len(samples) + 1)
    ]


def octets(samples: Sequence[int], standard: str) -> Iterator[int]:
    """Every octet between a start and a stop bit."""
    mark, space = (_energy(samples, frequency) for frequency in TONES[standard])
    loud = max(max(mark, default=0.0), max(space, default=0.0)) / 20
    levels = [one > other if max(one, other) > loud else True for one, other in zip(mark, space, strict=True)]
    at = 1
    while at + 10 * BIT < len(levels):
        if levels[at] or not levels[at - 1]:
            at += 1
            continue
        bits = [levels[round(at + (place + 0.5) * BIT)] for place in range(10)]
        if bits[0] or not bits[9]:
            at += 1
            continue
        yield sum(bit << place for place, bit in enumerate(bits[1:9]))
        at = round(at + 9.5 * BIT)


def caller(samples: Sequence[int], standard: str) -> tuple[str, str]:
    """Number and name of the first message whose checksum is right; ("", "") when there is none."""
    found = bytes(octets(samples, standard))
    for at in range(len(found) - 2):
        length = found[at + 1]
        message = found[at : at + 2 + length + 1]
        if found[at] == 0x80 and len(message) == length + 3 and not sum(message) & 0xFF:
            parts: dict[int, str] = {}
            rest = message[2:-1]
            while len(rest) > 1:
                parts[rest[0]], rest = rest[2 : 2 + rest[1]].decode("latin-1"), rest[2 + rest[1] :]
            return parts.get(_NUMBER, ""), parts.get(_NAME, "")
    return "", ""
