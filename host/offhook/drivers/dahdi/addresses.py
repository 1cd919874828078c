"""Dial strings: ``DAHDI/<channel>``, ``g1`` and its like for a group, ``i1`` for an ISDN span, ``folder!channel`` for a
device below /dev/dahdi; number and options."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, TypeVar

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Address:
    """A dial string taken apart."""

    channel: int = 0
    """0: a group decides."""
    folder: str = ""
    """Where below /dev/dahdi the device stands that has that number there; "" for the number of a channel."""
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


_FOLDER = re.compile(r"(.+)!(\d.*)")
_HEAD = re.compile(r"(?:i(?P<span>\d+)-?)?(?:(?P<way>[gGrR])(?P<groups>[\d,\-]+)|(?P<channel>\d+)|(?P<pseudo>pseudo))?")
_OPTIONS = re.compile(r"r(\d+)|.")


def parse(text: str) -> Address:
    """Take ``[i<span>-](g|G|r|R)<group>[c|r<cadence>|d][/number[/options]]`` apart, or ``[folder!]<channel>...``.

    Raises ValueError.
    """
    head, _, rest = text.partition("/")
    number, _, extra = rest.partition("/")
    device = _FOLDER.fullmatch(head)
    folder = device[1].replace("!", "/") if device is not None else ""
    head = device[2] if device is not None else head
    found = _HEAD.match(head)
    assert found is not None
    if not found[0]:
        raise ValueError(f'"{text}" names no channel and no group; write DAHDI/1, DAHDI/g1/5551234 or DAHDI/i1/5551234')
    confirm, ring, digital = _options(head[found.end() :], text)
    groups = _groups(found["groups"], text) if found["groups"] else frozenset()
    way = found["way"] or ""
    return Address(
        channel=int(found["channel"] or 0),
        folder=folder,
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
    """Confirmation, cadence and digital call of the letters behind a channel or group; what is none is told."""
    confirm, ring, digital = False, 0, False
    for found in _OPTIONS.finditer(text):
        match found[0][0]:
            case "c":
                confirm = True
            case "d":
                digital = True
            case "r" if found[1]:
                ring = int(found[1])
            case "r":
                log.warning('"%s": option r has no number of a cadence behind it', whole)
            case letter:
                log.warning('"%s": there is no option %s; there are c, d and r with a number', whole, letter)
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
