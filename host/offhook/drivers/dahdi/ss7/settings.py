"""What chan_dahdi.conf says of linksets. Its lines hold for the linkset that ``linkset =`` named last above them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from offhook.config.model import ConfigError, Entry

OWN = (
    *("ss7_explicitacm", "ss7_autoacm", "ss7_initialhwblo", "ss7_use_echocontrol", "ss7_default_echocontrol"),
    *("inr_if_no_calling", "non_isdn_access", "sls_shift", "cause_location"),
)
"""Options of a linkset that are put on it at their line."""
NUMBERS = (
    *("ss7_called_nai", "ss7_calling_nai"),
    *(f"ss7_{kind}prefix" for kind in ("international", "national", "subscriber", "unknown", "networkrouted")),
)
"""And those that its channels bring along, the last of them counts."""
TIMERS: Mapping[str, frozenset[str]] = {
    "mtp3": frozenset({*(f"t{n}" for n in (*range(1, 8), 10, 12, 13, 14, 19, 21, 22, 23)), "q707_t1", "q707_t2"}),
    "isup": frozenset(f"t{n}" for n in (1, 2, 5, 6, 7, 8, 10, *range(12, 24), 27, 33, 35) if n not in (9, 11)),
}
_MTP3 = {"q707_t1": 4000, "q707_t2": 30_000, "t1": 500, "t2": 700, "t3": 500, "t4": 500, "t5": 500, "t6": 500} | {
    "t7": 1000,
    "t10": 60_000,
    "t12": 800,
    "t13": 800,
    "t14": 2000,
}
_ISUP = dict.fromkeys(("t1", "t12", "t14", "t16", "t18", "t20", "t22"), 15_000) | {
    "t6": 30_000,
    "t7": 20_000,
    "t8": 10_000,
    "t27": 240_000,
    "t33": 12_000,
}
_REPEATED = ("t5", "t13", "t15", "t17", "t19", "t21", "t23")
USUAL: Mapping[str, Mapping[str, Mapping[str, int]]] = {
    "itu": {
        "mtp3": _MTP3 | {"t19": 67_000, "t21": 63_000, "t22": 300_000, "t23": 300_000},
        "isup": _ISUP | dict.fromkeys(_REPEATED, 300_000) | {"t2": 180_000, "t10": 4000, "t35": 15_000},
    },
    "ansi": {"mtp3": _MTP3, "isup": _ISUP | dict.fromkeys(_REPEATED, 60_000)},
}
"""Timers (ms) of a layer of which the file says nothing: those of Q.704, Q.707 and Q.764, or T1.111 and T1.113."""
MOST_LINKSETS = 32


@dataclass(slots=True)
class LinkSettings:
    """A ``sigchan`` line, with what stood above it."""

    channel: int
    code: int | None
    """Signalling link code; None: the next one."""
    neighbour: int
    point_code: int
    variant: str
    network: str
    file: str
    line: int


@dataclass(slots=True)
class LinksetSettings:
    """A linkset: its options by name, links and timers."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    links: list[LinkSettings] = field(default_factory=list)
    timers: dict[str, dict[str, int]] = field(default_factory=lambda: {"mtp3": {}, "isup": {}})
    """By layer."""

    @property
    def variant(self) -> str:
        """ "itu" or "ansi": the first link's."""
        return self.links[0].variant if self.links else "itu"

    def timers_of(self, layer: str) -> Mapping[str, int]:
        """Those of the file, or the usual ones where it has none for the layer."""
        return self.timers[layer] or USUAL[self.variant][layer]


def point_code_of(text: str, variant: str) -> int:
    """A point code: a number, or three for ANSI (network-cluster-member). Raises ValueError."""
    highest = 0xFFFFFF if variant == "ansi" else 0x3FFF
    parts = text.split("-")
    numbers = [int(part) if part.strip().isdigit() else -1 for part in parts]
    if len(parts) == 3 and variant == "ansi" and all(0 <= number <= 0xFF for number in numbers):
        return numbers[0] << 16 | numbers[1] << 8 | numbers[2]
    if len(parts) == 1 and 0 < numbers[0] <= highest:
        return numbers[0]
    form = f"a number up to {highest}" + (" or three as in 1-2-3" if variant == "ansi" else "")
    raise ValueError(f'"{text}" is no point code of {variant.upper()}; write {form}')


class LinksetsReading:
    """Collects linksets line by line; ``found`` has them by number."""

    def __init__(self, defaults: Mapping[str, Any]) -> None:
        self._defaults = defaults
        self.found: dict[int, LinksetSettings] = {}

    def _at(self, number: int) -> LinksetSettings:
        one = self.found.get(number)
        if one is None:
            values = {name: self._defaults[name] for name in (*OWN, *NUMBERS)}
            one = self.found[number] = LinksetSettings(number, values)
        return one

    def option(self, name: str, values: Mapping[str, Any]) -> None:
        """A line with one of OWN was read; ``values`` are those so far."""
        self._at(values["linkset"]).values[name] = values[name]

    def link(self, entry: Entry, channel: int, values: Mapping[str, Any], errors: list[ConfigError]) -> None:
        """A line ``sigchan``."""
        variant: str = values["ss7type"]
        codes = {}
        for name in ("pointcode", "adjpointcode", "defaultdpc"):
            try:
                if not values[name]:
                    raise ValueError(f"{name} is not set; write it above")
                codes[name] = point_code_of(values[name], variant)
            except ValueError as error:
                errors.append(ConfigError(entry.file, entry.line, f"sigchan = {channel}: {error}"))
                return
        linkset = self._at(values["linkset"])
        if linkset.links and linkset.variant != variant:
            text = f"sigchan = {channel}: linkset {linkset.number} is {linkset.variant} already; ss7type is {variant}"
            errors.append(ConfigError(entry.file, entry.line, text))
            return
        linkset.links.append(
            LinkSettings(
                channel,
                values["slc"],
                codes["adjpointcode"],
                codes["pointcode"],
                variant,
                values["networkindicator"],
                entry.file,
                entry.line,
            )
        )

    def timer(self, entry: Entry, values: Mapping[str, Any], errors: list[ConfigError]) -> None:
        """A line ``isup_timer.t7 = 20000`` or ``mtp3_timer.t1 = 500``."""
        layer, _, name = entry.name.lower().partition("_timer.")
        known = TIMERS[layer]
        if name not in known or not entry.value.strip().isdigit():
            text = f"{entry.name} = {entry.value}: write a time in ms; there are {', '.join(sorted(known))}"
            errors.append(ConfigError(entry.file, entry.line, text))
            return
        self._at(values["linkset"]).timers[layer][name] = int(entry.value)

    def circuit(self, entry: Entry, values: dict[str, Any], errors: list[ConfigError]) -> tuple[int, int] | None:
        """A channel with signalling=ss7: its circuit and the point code at its other end. The next has the next."""
        first = values["cicbeginswith"]
        if first is None:
            text = f"{entry.name} = {entry.value}: cicbeginswith is not set; write above which circuit is the first"
            errors.append(ConfigError(entry.file, entry.line, text))
            return None
        linkset = self._at(values["linkset"])
        try:
            point_code = point_code_of(values["defaultdpc"], values["ss7type"])
        except ValueError as error:
            errors.append(ConfigError(entry.file, entry.line, f"{entry.name} = {entry.value}: defaultdpc: {error}"))
            return None
        linkset.values.update({name: values[name] for name in NUMBERS})
        values["cicbeginswith"] = first + 1
        return first, point_code
