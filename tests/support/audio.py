"""Wave files for phones to play, and what was heard in the ones they recorded."""

from __future__ import annotations

import array
import math
import random
import sys
import wave
from collections.abc import Sequence
from operator import mul
from pathlib import Path

RATE = 8000
"""Hz of every file here: linear 16 bit, mono."""
STEP = 40
"""Samples in a step of an envelope."""


def write(path: Path, samples: list[int]) -> Path:
    """Write samples as a wave file."""
    data = array.array("h", samples)
    if sys.byteorder == "big":
        data.byteswap()
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(RATE)
        out.writeframes(data.tobytes())
    return path


def read(path: Path) -> list[int]:
    """The samples of a mono wave file."""
    with wave.open(str(path), "rb") as source:
        assert source.getnchannels() == 1 and source.getframerate() == RATE, source.getparams()
        return array.array("h", source.readframes(source.getnframes())).tolist()


def tone(frequency: float, seconds: float, peak: int = 8000) -> list[int]:
    """A sine."""
    return [round(peak * math.sin(2 * math.pi * frequency * n / RATE)) for n in range(int(RATE * seconds))]


def chirps(seconds: float, seed: int = 1, peak: int = 8000) -> list[int]:
    """A voice-like signal that is unlike itself at every shift: notes of random pitch with pauses."""
    chance = random.Random(seed)
    out: list[int] = []
    while len(out) < RATE * seconds:
        pitch, size = chance.uniform(300, 2500), chance.randrange(RATE // 20, RATE // 6)
        rise = chance.uniform(-2000, 2000)
        for n in range(size):
            swell = math.sin(math.pi * n / size)
            out.append(round(peak * swell * math.sin(2 * math.pi * (pitch + rise * n / RATE / 2) * n / RATE)))
        out += [0] * chance.randrange(RATE // 20)
    return out[: int(RATE * seconds)]


def level(samples: list[int], frequency: float) -> float:
    """The mean amplitude of one frequency in the samples (Goertzel)."""
    if not samples:
        return 0.0
    turn = 2 * math.cos(2 * math.pi * frequency / RATE)
    before = last = 0.0
    for value in samples:
        before, last = last, value + turn * last - before
    power = before * before + last * last - turn * before * last
    return 2 * math.sqrt(max(0.0, power)) / len(samples)


def loudest(samples: list[int], frequency: float, span_s: float = 0.5) -> float:
    """The highest level of a frequency in any span of the samples."""
    size = int(RATE * span_s)
    return max(
        (level(samples[at : at + size], frequency) for at in range(0, len(samples) - size + 1, size // 2)), default=0.0
    )


def rms(samples: list[int]) -> float:
    """The root mean square."""
    return math.sqrt(sum(value * value for value in samples) / len(samples)) if samples else 0.0


def _coefficient(a: Sequence[float], b: Sequence[float]) -> float:
    energy = math.sqrt(sum(map(mul, a, a)) * sum(map(mul, b, b)))
    return sum(map(mul, a, b)) / energy if energy else 0.0


def _envelope(samples: list[int]) -> list[float]:
    values = [float(sum(map(abs, samples[at : at + STEP]))) for at in range(0, len(samples) - STEP, STEP)]
    mean = sum(values) / len(values)
    return [value - mean for value in values]


def correlation(sent: list[int], heard: list[int], longest_delay_s: float = 1.5) -> tuple[float, float]:
    """How like what was ``sent`` is what was ``heard``: (median coefficient of pieces, their median delay in s).

    Each piece of a second is sought for itself on envelopes, then its first quarter finds its place within 60 ms of
    that: a jitter buffer may move it, and on a busy machine either end of a call may pause and go on.
    """
    size = min(len(sent), len(heard)) - int(longest_delay_s * RATE)
    if size < RATE:
        return 0.0, 0.0
    far = _envelope(heard)
    piece, around, steps = RATE // 4, RATE * 60 // 1000, int(longest_delay_s * RATE) // STEP
    found, delays = [], []
    for start in range(0, size - RATE, max(piece, (size - RATE) // 6)):
        near, first = _envelope(sent[start : start + RATE]), start // STEP
        ats = range(first, min(first + steps, len(far) - len(near)) + 1)
        delay = STEP * (max(ats, key=lambda at: _coefficient(near, far[at : at + len(near)])) - first)
        wanted = sent[start : start + piece]
        places = range(max(0, start + delay - around), min(len(heard) - piece, start + delay + around) + 1)
        found.append(max((_coefficient(wanted, heard[at : at + piece]) for at in places), default=0.0))
        delays.append(delay / RATE)
    return sorted(found)[len(found) // 2], sorted(delays)[len(delays) // 2]
