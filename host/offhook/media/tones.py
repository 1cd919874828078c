"""Call-progress tones: the tone list language of ``indications.conf``, and the zones of countries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

DEFAULT_LEVEL = 7219
"""Amplitude of a tone's sine unless told otherwise: about -13 dB below full scale, -10 dBm0."""


_LAST_NOTE = 127
_HIGHEST = 96_000
_LONGEST = 2**31 - 1


@dataclass(frozen=True, slots=True)
class Tone:
    """One part of a tone: two frequencies in Hz (0: none; both 0: silence) for ``duration_ms`` (0: for ever).

    ``modulated``: the second frequency modulates the first's amplitude (90 %), instead of sounding with it.
    """

    low: float
    high: float
    duration_ms: int
    modulated: bool = False


@dataclass(frozen=True, slots=True)
class ToneSpec:
    """Tones in order. From ``repeat`` on they start again when the last has ended; None: they end."""

    parts: tuple[Tone, ...]
    repeat: int | None = 0
    level: int = DEFAULT_LEVEL

    @property
    def duration_ms(self) -> int | None:
        """Length of a spec that ends; None when it does not."""
        if self.repeat is not None or any(not part.duration_ms for part in self.parts):
            return None
        return sum(part.duration_ms for part in self.parts)


@dataclass(frozen=True, slots=True)
class ToneZone:
    """A country's tones: texts of its tone lists by name (dial, busy, ring, congestion ...) and its ring cadence."""

    name: str
    description: str = ""
    ring_cadence: tuple[int, ...] = ()
    tones: Mapping[str, str] = field(default_factory=dict)

    def tone(self, name: str) -> ToneSpec | None:
        """The tone of that name as a ToneSpec; None when the zone has none."""
        text = self.tones.get(name)
        return parse_tone_list(text) if text is not None else None


def parse_tone_list(text: str, level: int = DEFAULT_LEVEL) -> ToneSpec:
    """Read a tone list: ``[!]low[+high|*modulator][/ms]`` items, separated by commas.

    ``!`` parts are played once, the rest repeat; an item without duration lasts for ever. Raises ValueError
    naming the item that cannot be read.
    """
    parts: list[Tone] = []
    repeat: int | None = None
    for item in text.replace("|", ",").split(","):
        word = item.strip()
        if not word:
            continue
        once = word.startswith("!")
        if not once and repeat is None:
            repeat = len(parts)
        parts.append(_tone(word.lstrip("!").strip(), text))
    if not parts:
        raise ValueError(f'"{text}" has no tones')
    return ToneSpec(tuple(parts), repeat, level)


def _tone(word: str, text: str) -> Tone:
    frequencies, slash, duration = word.partition("/")
    modulated = "*" in frequencies
    low, _, high = frequencies.partition("*" if modulated else "+")
    try:
        tone = Tone(_frequency(low), _frequency(high) if high else 0.0, int(duration) if slash else 0, modulated)
    except ValueError:
        raise ValueError(f'"{word}" in tone list "{text}" is no tone: write low[+high][/ms]') from None
    if not 0 <= tone.duration_ms <= _LONGEST:
        raise ValueError(f'"{word}" in tone list "{text}" is no tone: its time is out of range')
    return tone


def _frequency(text: str) -> float:
    """A frequency in Hz, or ``M`` and a MIDI note number (69 is 440 Hz)."""
    word = text.strip()
    note = word[:1] in ("M", "m")
    digits = word[1:] if note else word
    if not digits.isascii() or not digits.isdigit() or int(digits) > (_LAST_NOTE if note else _HIGHEST):
        raise ValueError(word)
    return float(440.0 * 2 ** ((int(digits) - 69) / 12)) if note else float(digits)


def zones_from(sections: Mapping[str, Iterable[tuple[str, str]]]) -> tuple[dict[str, ToneZone], str]:
    """Tone zones of ``indications.conf``'s sections (name -> its (option, value) pairs) and the default zone's name.

    The ``general`` section names the default by ``country``. An ``alias`` of older files becomes a second name.
    """
    zones: dict[str, ToneZone] = {}
    default = "us"
    aliases: list[tuple[str, str]] = []
    for section, pairs in sections.items():
        if section == "general":
            default = dict(pairs).get("country", default)
            continue
        description = ""
        cadence: tuple[int, ...] = ()
        tones: dict[str, str] = {}
        for option, value in pairs:
            match option.lower():
                case "description":
                    description = value
                case "ringcadence" | "ringcadance":
                    cadence = tuple(int(each) for each in value.split(",") if each.strip().isdigit())
                case "alias":
                    aliases.append((section, value))
                case name:
                    tones[name] = value
        zones[section] = ToneZone(section, description, cadence, tones)
    for name, target in aliases:
        if target in zones:
            zones[name] = zones[target]
    return zones, default
