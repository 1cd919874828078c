"""Tones of lines: the zone's, and what stands for those that it has not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kernel_shims.dahdi.zones import COUNTRIES
from offhook.media.tones import ToneSpec, parse_tone_list

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx

HOWLER = "1400+2060/100,2450+2600/100"
"""A handset off its hook is told so by four frequencies, 10 times a second (Bellcore SR-3004)."""
_INSTEAD = {"stutter": "dialrecall", "dialrecall": "dial", "callwaiting": "beep"}
_PLAIN_TONES = {
    "dial": "350+440",
    "stutter": "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440",
    "dialrecall": "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440",
    "congestion": "480+620/250,0/250",
    "busy": "480+620/500,0/500",
    "beep": "!1000/250",
    "callwaiting": "!440/300",
    "howler": HOWLER,
}
"""Where indications.conf has no zone."""


def zone_of(number: int) -> str:
    """The zone of a number; "" for the default one."""
    return COUNTRIES[number] if 0 <= number < len(COUNTRIES) else ""


def tone_of(pbx: Pbx, name: str, zone: str = "") -> ToneSpec:
    """A tone by its name, of a zone that indications.conf has, or else of the default one."""
    wanted: str | None = name
    while wanted is not None:
        found: ToneSpec | None = pbx.zone_tone(zone, wanted)
        if found is not None:
            return found
        wanted = _INSTEAD.get(wanted)
    return parse_tone_list(_PLAIN_TONES.get(name, _PLAIN_TONES["dial"]))
