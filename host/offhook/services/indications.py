"""Tone zones: indications.conf, and what the CLI shows of them."""

from __future__ import annotations

import logging
from dataclasses import replace

from offhook.calls.pbx import Pbx
from offhook.log import NOTICE
from offhook.media.tones import ToneZone, parse_tone_list, zones_from
from offhook.modules import CommandError, Module, Request

log = logging.getLogger(__name__)
module = Module("res_indications", "Region-specific tones", priority=5)

#: The tones of a box whose indications.conf says nothing: those of the United States (ITU-T E.180 supplement 2).
_BUILT_IN = {
    "general": (("country", "us"),),
    "us": (
        ("description", "United States / North America"),
        ("ringcadence", "2000,4000"),
        ("dial", "350+440"),
        ("busy", "480+620/500,0/500"),
        ("ring", "440+480/2000,0/4000"),
        ("congestion", "480+620/250,0/250"),
        ("callwaiting", "440/300,0/10000"),
        ("dialrecall", "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440"),
        ("record", "1400/500,0/15000"),
        ("info", "!950/330,!1400/330,!1800/330,0"),
        ("stutter", "!350+440/100,!0/100,!350+440/100,!0/100,!350+440/100,!0/100,350+440"),
    ),
}


def _read(pbx: Pbx) -> tuple[dict[str, ToneZone], str]:
    sections: dict[str, tuple[tuple[str, str], ...]] = dict(_BUILT_IN)
    config = pbx.config.load("indications.conf", module.name)
    for section in config or ():
        sections[section.name] = tuple((entry.name, entry.value) for entry in section)
    zones, default = zones_from(sections)
    return zones, default or "us"


@module.on_load
async def start(pbx: Pbx) -> None:
    """Read the zones."""
    pbx.zones, pbx.default_zone = await pbx.off_loop(_read, pbx)


module.on_reload(start)


def _complete(pbx: Pbx, before: list[str], word: str) -> list[str]:
    return sorted(pbx.zones)


@module.command("indication show [<country>]", complete=_complete)
def indication_show(request: Request) -> None:
    """Show tone zones.

    Without a country, lists all zones; with one, its tones.
    """
    zones: dict[str, ToneZone] = request.pbx.zones
    if not request.args:
        request.print("Country   Description")
        request.print(*(f"{name:<7}   {zone.description}" for name, zone in sorted(zones.items())))
        return
    for name in request.args:
        zone = zones.get(name)
        if zone is None:
            request.print(f"Unable to find a country named '{name}'")
            continue
        request.print(
            "Country Indication   PlayList",
            "=====================================",
            *(f"{name:<7} {tone:<15} {text}" for tone, text in zone.tones.items()),
        )


# ---- changing them until the next reload ------------------------------------------------------------


def _complete_indication(pbx: Pbx, before: list[str], word: str) -> list[str]:
    if not before:
        return sorted(pbx.zones)
    zone = pbx.zones.get(before[0])
    return sorted(zone.tones) if zone is not None and len(before) == 1 else []


@module.command(
    'indication add <country> <indication> "<tonelist>"', "Add the given indication to the country", complete=_complete
)
def indication_add(request: Request) -> None:
    """Give a country a tone, or another one of that name; a country that is not there is made."""
    if len(request.args) != 3:
        raise request.usage()
    country, tone, text = request.args
    try:
        parse_tone_list(text)
    except ValueError as error:
        raise CommandError(f"{tone}: {error}") from None
    zones: dict[str, ToneZone] = request.pbx.zones
    if country not in zones:
        log.log(NOTICE, "Country '%s' does not exist, creating it.", country)
    zone = zones.get(country) or ToneZone(country)
    request.pbx.zones = zones | {country: replace(zone, tones={**zone.tones, tone: text})}


@module.command(
    "indication remove <country> [<indication>]",
    "Remove the given indication from the country",
    complete=_complete_indication,
)
def indication_remove(request: Request) -> None:
    """Take a tone from a country, or the whole country away."""
    if len(request.args) not in (1, 2):
        raise request.usage()
    country, *tones = request.args
    zones: dict[str, ToneZone] = dict(request.pbx.zones)
    zone = zones.pop(country, None)
    if zone is None:
        raise CommandError(f"Unable to find a country named '{country}'")
    if not tones:
        if country == request.pbx.default_zone:
            raise CommandError(f"'{country}' is the country of indications.conf; it stays")
    elif tones[0] not in zone.tones:
        raise CommandError(f"'{country}' has no indication '{tones[0]}'")
    else:
        zones[country] = replace(zone, tones={name: text for name, text in zone.tones.items() if name != tones[0]})
    request.pbx.zones = zones
