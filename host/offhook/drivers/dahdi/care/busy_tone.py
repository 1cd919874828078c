"""The busy tone of an exchange's line that ``line learn-busy`` found: kept in the database, in force from then on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

FAMILY = "busytone"
Cadence = tuple[int, ...]
"""On-time and pause in ms; empty for any rhythm."""


def kept(pbx: Pbx, number: int) -> Cadence:
    """What was learned for a channel, empty for nothing."""
    found = re.fullmatch(r"(\d+),(\d+)", pbx.astdb.get(FAMILY, str(number)) or "")
    return (int(found[1]), int(found[2])) if found else ()


def keep(pbx: Pbx, number: int, cadence: Cadence) -> None:
    """Keep what was learned; nothing forgets it."""
    if cadence:
        pbx.astdb.put(FAMILY, str(number), ",".join(map(str, cadence)))
    else:
        pbx.astdb.delete(FAMILY, str(number))
