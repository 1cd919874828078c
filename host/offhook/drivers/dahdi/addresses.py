"""Dial strings: ``DAHDI/<channel>``, ``g1`` and its like for a group, ``i1`` for an ISDN span; number and options."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar


@dataclass(frozen=True, slots=True)
class Address:
    """A dial string taken apart."""

    channel: int = 0
    """0: a group decides."""
    groups: frozenset[int] = frozenset()
    descending: bool = False
    round_robin: bool = False
    span: int = 0
    """An ISDN span that it has to be on; 0: any."""
    number: str = ""
    extra: str = ""
    """What stands behind a further slash: options of the signalling (K(...), R)."""
    confirm: bool = False
    """The called party answers by pressing a digit."""
    ring: int = 0
    """Distinctive cadence, from 1; 0: none."""
    digital: bool = False


_HEAD = re.compile(r"(?:i(?P<span>\d+)-?)?(?:(?P<way>[gGrR])(?P<groups>[\d,\-]+)|(?P<channel>\d+)|(?P<pseudo>pseudo))?")
_OPTIONS = re.compile(r"c|d|r(\d*)")


def parse(text: str) -> Address:
    """Take ``[i<span>-](g|G|r|R)<group>[c|r<cadence>|d][/number[/options]]`` apart. Raises ValueError."""
    head, _, rest = text.partition("/")
    number, _, extra = rest.partition("/")
    found = _HEAD.match(head)
    assert found is not None
    if not found[0]:
        raise ValueError(f'"{text}" names no channel and no group; write DAHDI/1, DAHDI/g1/5551234 or DAHDI/i1/5551234')
    confirm, ring, digital = _options(head[found.end() :], text)
    groups = _groups(found["groups"], text) if found["groups"] else frozenset()
    way = found["way"] or ""
    return Address(
        channel=int(found["channel"] or 0),
        groups=groups,
        descending=way in ("G", "R"),
        round_robin=way in ("r", "R"),
        span=int(found["span"] or 0),
        number=number,
        extra=extra,
        confirm=confirm,
        ring=ring,
        digital=digital,
    )


def _options(text: str, whole: str) -> tuple[bool, int, bool]:
    confirm, ring, digital = False, 0, False
    place = 0
    while place < len(text):
        found = _OPTIONS.match(text, place)
        if found is None:
            raise ValueError(f'"{text[place:]}" in "{whole}" is no option; there are c, d and r with a number')
        confirm = confirm or found[0] == "c"
        digital = digital or found[0] == "d"
        ring = int(found[1]) if found[1] else ring
        place = found.end()
    return confirm, ring, digital


def _groups(text: str, whole: str) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        low, dash, high = part.partition("-")
        if not low.isdigit() or (dash and not high.isdigit()) or int(high or low) > 63:
            raise ValueError(f'"{text}" in "{whole}" is no group; groups are numbers from 0 to 63')
        found.update(range(int(low), int(high or low) + 1))
    return frozenset(found)


class Hunted(Protocol):
    """What hunting asks of a port."""

    number: int


Port = TypeVar("Port", bound=Hunted)


def order_of_hunt(ports: Iterable[Port], address: Address, last: int) -> list[Port]:
    """The ports of an address in the order they are tried; ``last`` is the number where a round robin stopped."""
    down = address.descending
    found = sorted(ports, key=lambda port: port.number, reverse=down)
    if not address.round_robin or not last:
        return found
    beyond = [port for port in found if (port.number < last if down else port.number > last)]
    return [*beyond, *(port for port in found if port not in beyond)]
