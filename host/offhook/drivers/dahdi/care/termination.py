"""The termination of an exchange's line that ``line tune`` found: kept in the database, in force from each start on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.line import Termination

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

FAMILY = "fxotune"
_TAPS, _IMPEDANCES, _OCTET = 8, 16, 256


def parse(text: str) -> Termination:
    """A termination as it is kept: nine numbers. Raises ValueError."""
    impedance, *taps = (int(word) for word in text.split(","))
    if len(taps) != _TAPS or impedance not in range(_IMPEDANCES) or not all(tap in range(_OCTET) for tap in taps):
        raise ValueError(f'"{text}" is no termination')
    return Termination(impedance, tuple(taps))


def kept(pbx: Pbx, number: int) -> Termination | None:
    """What was found for a channel before."""
    text = pbx.astdb.get(FAMILY, str(number))
    return parse(text) if text is not None else None


def keep(pbx: Pbx, number: int, found: Termination) -> None:
    """Keep what was found."""
    pbx.astdb.put(FAMILY, str(number), str(found))
