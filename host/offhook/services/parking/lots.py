"""res_parking.conf, and parking lots with their places."""

from __future__ import annotations

import logging
import random
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from offhook.config.model import TRUE_WORDS

if TYPE_CHECKING:
    from offhook.calls.bridge import Bridge
    from offhook.config.model import ConfigFile, Section
    from offhook.services.parking.place import Place

log = logging.getLogger(__name__)

FALSE_WORDS = frozenset(("no", "false", "n", "f", "0", "off"))
DEFAULT = "default"
BY = {"both": frozenset(("caller", "callee")), "caller": frozenset(("caller",)), "callee": frozenset(("callee",))}
NOBODY: frozenset[str] = frozenset()


@dataclass(slots=True)
class LotSettings:
    """A section of res_parking.conf; times in s. "caller" is who fetches a call, "callee" who was parked."""

    name: str
    parkext: str = ""
    parkext_exclusive: bool = False
    context: str = "parkedcalls"
    first: int = 701
    last: int = 750
    parkingtime: int = 45
    comebacktoorigin: bool = True
    comebackcontext: str = "parkedcallstimeout"
    comebackdialtime: int = 30
    parkedmusicclass: str = ""
    parkinghints: bool = False
    courtesytone: str = ""
    find_next: bool = False
    """Go round the places instead of taking the first free one."""
    parkedplay: frozenset[str] = BY["caller"]
    parkedcalltransfers: frozenset[str] = NOBODY
    parkedcallreparking: frozenset[str] = NOBODY
    parkedcallhangup: frozenset[str] = NOBODY
    parkedcallrecording: frozenset[str] = NOBODY

    def letters(self, who: str) -> str:
        """The features that somebody ("caller" or "callee") has after fetching or being fetched."""
        pairs = (
            ("T", self.parkedcalltransfers),
            ("K", self.parkedcallreparking),
            ("H", self.parkedcallhangup),
            ("X", self.parkedcallrecording),
        )
        return "".join(letter for letter, granted in pairs if who in granted)


@dataclass(slots=True)
class Lot:
    """A parking lot and who is parked there, by place."""

    settings: LotSettings
    enabled: bool = True
    dynamic: bool = False
    places: dict[int, Place] = field(default_factory=dict)
    bridge: Bridge | None = None
    next_place: int = 0

    @property
    def name(self) -> str:
        """The lot's name."""
        return self.settings.name

    def free_place(self, wanted: int = -1) -> int | None:
        """The place to park at, from ``wanted`` on if that is within the lot; None when all are taken."""
        settings = self.settings
        first, last = settings.first, settings.last
        start = self.next_place if settings.find_next and first <= self.next_place <= last else first
        if first <= wanted <= last:
            start = wanted
        elif wanted >= 0:
            log.warning("parking lot %s has no place %d: its places are %d-%d", self.name, wanted, first, last)
        found = next(
            (place for place in (*range(start, last + 1), *range(first, start)) if place not in self.places), None
        )
        if found is not None:
            self.next_place = found + 1 if found < last else first
        return found

    def random_place(self) -> int:
        """Any place of the lot, free or not."""
        return random.randint(self.settings.first, self.settings.last)


def read_lots(config: ConfigFile) -> tuple[bool, dict[str, LotSettings]]:
    """Read a res_parking.conf: whether lots may be made as they are needed, and the lots."""
    dynamic = config.boolean("general", "parkeddynamic")
    lots = {section.name: read_lot(section) for section in config if section.name != "general" and not section.template}
    lots.setdefault(DEFAULT, default_lot())
    return dynamic, lots


def default_lot() -> LotSettings:
    """The default lot where the file has none: unlike one that it has, it is parked in by an extension."""
    return LotSettings(DEFAULT, parkext="700")


def read_lot(section: Section) -> LotSettings:
    """Read one lot; what is wrong is logged and keeps its default."""
    lot = LotSettings(section.name)
    for entry in section:
        name, value = entry.name.lower(), entry.value.strip()
        try:
            if name == "parkpos":
                lot.first, lot.last = read_range(value)
            elif name == "findslot":
                if value not in ("first", "next"):
                    raise ValueError("first or next")
                lot.find_next = value == "next"
            elif name in ("parkingtime", "comebackdialtime"):
                if not value.isdigit():
                    raise ValueError("a number of seconds")
                setattr(lot, name, int(value))
            elif name in ("parkext_exclusive", "comebacktoorigin", "parkinghints"):
                setattr(lot, name, value.lower() in TRUE_WORDS)
            elif name in ("parkext", "context", "comebackcontext", "parkedmusicclass", "courtesytone"):
                setattr(lot, name, value)
            elif name.startswith("parkedcall") or name == "parkedplay":
                if name not in LotSettings.__slots__:
                    raise ValueError("no such option")
                if value.lower() not in BY and value.lower() not in FALSE_WORDS:
                    raise ValueError("no, caller, callee or both")
                setattr(lot, name, BY.get(value.lower(), NOBODY))
            else:
                log.warning("%s:%d: no option %r in a parking lot", section.file, entry.line, entry.name)
        except ValueError as error:
            log.warning("%s:%d: %s = %s: give %s", section.file, entry.line, entry.name, value, error)
    return lot


def read_range(text: str) -> tuple[int, int]:
    """``701-750`` as its ends. Raises ValueError with what is wanted."""
    low, dash, high = text.partition("-")
    if not dash or not low.strip().isdigit() or not high.strip().isdigit():
        raise ValueError("places as first-last")
    first, last = int(low), int(high)
    if last < first or first <= 0:
        raise ValueError("places as first-last, the first above 0 and not above the last")
    return first, last


def dynamic_settings(template: LotSettings, name: str, context: str, exten: str, places: str) -> LotSettings:
    """The settings of a lot made for a call. Raises ValueError for places that are none."""
    made = replace(template, name=name)
    if context:
        made.context = context
    if exten:
        made.parkext = exten
    if places:
        made.first, made.last = read_range(places)
    return made
