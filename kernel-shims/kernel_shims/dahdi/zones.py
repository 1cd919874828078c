"""Tone zones for the kernel: ring cadences, tones, DTMF and MF, as it wants them computed (DAHDI_LOADZONE)."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

RATE = 8000
TONES = (
    "dial",
    "busy",
    "ring",
    "congestion",
    "callwaiting",
    "dialrecall",
    "record",
    "info",
    "cust1",
    "cust2",
    "stutter",
)
"""The kernel's tones by number."""
COUNTRIES = (
    *("us", "au", "fr", "nl", "uk", "fi", "es", "jp", "no", "at", "nz", "it", "us-old", "gr", "tw", "cl", "se", "be"),
    *("sg", "il", "br", "hu", "lt", "pl", "za", "pt", "ee", "mx", "in", "de", "ch", "dk", "cz", "cn", "ar", "my"),
    *("th", "bg", "ve", "ph", "ru", "tr", "pa", "mo", "cr", "ae"),
)
"""Zones by the numbers that dahdi-tools give them; the kernel knows a zone by its number alone."""
_DTMF_BASE, _MF_BASE = 64, 80
_LEVEL_DBM = -10.0
_DTMF_LOW_DBM, _DTMF_HIGH_DBM = -10.0, -8.0
_MF_DBM = -7.0
_ROWS, _COLUMNS = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
_DTMF_ORDER = "0123456789*#ABCD"
_DTMF_KEYS = "123A456B789C*0#D"
_MF = (
    *((1300, 1500), (700, 900), (700, 1100), (900, 1100), (700, 1300), (900, 1300), (1100, 1300)),
    *((700, 1500), (900, 1500), (1100, 1500), (1100, 1700), (1500, 1700), (900, 1700), (1300, 1700), (700, 1700)),
)
_FOREVER = RATE * 3600


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a tone: frequencies in Hz (0: none), ms (0: for ever), and whether the second modulates the first."""

    low: float
    high: float = 0.0
    ms: int = 0
    modulated: bool = False
    once: bool = False


@dataclass(frozen=True, slots=True)
class Zone:
    """A country's tones by name (of TONES) and its ring cadence in ms."""

    name: str
    cadence: tuple[int, ...]
    tones: Mapping[str, Sequence[Part]] = field(default_factory=dict)


US = Zone(
    "us",
    (2000, 4000),
    {
        "dial": (Part(350, 440),),
        "busy": (Part(480, 620, 500), Part(0, 0, 500)),
        "ring": (Part(440, 480, 2000), Part(0, 0, 4000)),
        "congestion": (Part(480, 620, 250), Part(0, 0, 250)),
    },
)
"""For a machine without indications.conf: without any zone the kernel rings nobody."""


@dataclass(frozen=True, slots=True)
class ToneDef:
    """struct dahdi_tone_def."""

    tone: int
    next: int
    samples: int
    fac1: int
    init_v2_1: int
    init_v3_1: int
    fac2: int
    init_v2_2: int
    init_v3_2: int
    modulate: int
    shift: int = 1


def numbers(names: Sequence[str]) -> dict[str, int]:
    """The kernel's number of each zone: that of dahdi-tools, behind these for zones that they do not know."""
    own = (name for name in dict.fromkeys(names) if name not in COUNTRIES)
    return {name: COUNTRIES.index(name) for name in names if name in COUNTRIES} | {
        name: len(COUNTRIES) + place for place, name in enumerate(own)
    }


def _oscillator(frequency: float, dbm: float) -> tuple[int, int, int]:
    """The factor and first two values of a sine made by recursion, scaled as include/dahdi/user.h tells."""
    if not frequency:
        return 0, 0, 0
    gain = 10 ** ((dbm - 3.14) / 20) * 65536 / 2
    turn = 2 * math.pi * frequency / RATE
    return (
        int(2 * math.cos(turn) * 32768),
        int(math.sin(-2 * turn) * gain),
        int(math.sin(-turn) * gain),
    )


def _define(
    tone: int, part: Part, following: int, low_dbm: float = _LEVEL_DBM, high_dbm: float = _LEVEL_DBM
) -> ToneDef:
    samples = part.ms * RATE // 1000 if part.ms else _FOREVER
    first, second = _oscillator(part.low, low_dbm), _oscillator(part.high, high_dbm)
    return ToneDef(tone, following, samples, *first, *second, int(part.modulated))


def definitions(zone: Zone) -> list[ToneDef]:
    """Every tone of a zone; ``next`` is the place in the list that follows a part."""
    out: list[ToneDef] = []
    for number, name in enumerate(TONES):
        parts = zone.tones.get(name, ())
        start = len(out)
        again = next((place for place, part in enumerate(parts) if not part.once), 0)
        for place, part in enumerate(parts):
            following = start + (place + 1 if place + 1 < len(parts) else again)
            out.append(_define(number, part, following))
    return out + list(_signals(len(out)))


def _signals(start: int) -> Iterator[ToneDef]:
    for place, key in enumerate(_DTMF_ORDER):
        at = _DTMF_KEYS.index(key)
        part = Part(_ROWS[at // 4], _COLUMNS[at % 4], 100)
        yield _define(_DTMF_BASE + place, part, start + place, _DTMF_LOW_DBM, _DTMF_HIGH_DBM)
    for place, (low, high) in enumerate(_MF):
        yield _define(_MF_BASE + place, Part(low, high, 100), start + len(_DTMF_ORDER) + place, _MF_DBM, _MF_DBM)
