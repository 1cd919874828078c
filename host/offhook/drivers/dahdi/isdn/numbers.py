"""Numbers and numbering plans of ISDN: prefixes of those that come in, types of those that go out (Q.931 4.5.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel_shims.pri.events import PartyId
from offhook.calls.party import Name, Number, Party

UNKNOWN, INTERNATIONAL, NATIONAL, LOCAL, PRIVATE = 0x00, 0x11, 0x21, 0x41, 0x49
PLANS = {
    "unknown": UNKNOWN,
    "international": INTERNATIONAL,
    "national": NATIONAL,
    "local": LOCAL,
    "private": PRIVATE,
}
_PREFIXES = {
    INTERNATIONAL: "internationalprefix",
    NATIONAL: "nationalprefix",
    LOCAL: "localprefix",
    PRIVATE: "privateprefix",
    UNKNOWN: "unknownprefix",
}
_TYPES = {"U": 0x00, "I": 0x10, "N": 0x20, "L": 0x30, "S": 0x40, "V": 0x60, "R": 0x70}
_PLAN_LETTERS = {"u": 0x00, "e": 0x01, "x": 0x03, "f": 0x04, "n": 0x08, "p": 0x09, "r": 0x0F}
_UNAVAILABLE = 0x43


def prefixed(number: str, plan: int, settings: Mapping[str, Any]) -> str:
    """A number that came in with the prefix of its type, as the dialplan knows it; "" stays so."""
    option = _PREFIXES.get(plan)
    return f"{settings[option]}{number}" if number and option is not None else number


def typed(number: str, dialplan: str, settings: Mapping[str, Any], own_plan: int = 0) -> tuple[str, int]:
    """A number that goes out, and its plan octet by ``pridialplan`` and its like.

    Letters before the number name type and plan themselves. "dynamic" tells the type by the prefix and takes it off,
    "redundant" leaves it there; "from_channel" is ``own_plan``.
    """
    number, plan = _by_letters(number)
    if plan is not None:
        return number, plan
    if dialplan == "from_channel":
        return number, own_plan
    if dialplan not in ("dynamic", "redundant"):
        return number, PLANS[dialplan]
    for kind, option in _PREFIXES.items():
        prefix = settings[option]
        if prefix and kind != UNKNOWN and number.startswith(prefix):
            return number if dialplan == "redundant" else number[len(prefix) :], kind
    return number, LOCAL if settings["localprefix"] else UNKNOWN


def _by_letters(number: str) -> tuple[str, int | None]:
    kind: int | None = None
    plan = 0x01
    if number[:1] in _TYPES and number[:1]:
        kind, number = _TYPES[number[0]], number[1:]
    if number[:1] in _PLAN_LETTERS and number[:1]:
        plan, number = _PLAN_LETTERS[number[0]], number[1:]
        kind = kind or 0
    return number, None if kind is None else kind | plan


def caller_of(party: Party, settings: Mapping[str, Any]) -> PartyId:
    """Who we say calls: by ``prilocaldialplan``, ``usecallingpres``, ``hidecallerid`` and ``hidecalleridname``."""
    known = party.number.valid and party.number.text
    number, plan = typed(party.number.text if known else "", settings["prilocaldialplan"], settings, party.number.plan)
    if settings["usecallingpres"]:
        presentation = party.number.presentation
    elif settings["hidecallerid"]:
        presentation = 0x20
    else:
        presentation = 0 if known else _UNAVAILABLE
    shows_name = party.name.valid and party.name.text and not settings["hidecalleridname"]
    return PartyId(
        number=number if known else None,
        name=party.name.text if shows_name else None,
        plan=plan,
        presentation=presentation,
        name_presentation=party.name.presentation,
    )


def party_of(found: PartyId, settings: Mapping[str, Any]) -> Party:
    """A party that was told, with its number as the dialplan knows it."""
    party = Party()
    if found.number is not None:
        text = prefixed(found.number, found.plan, settings)
        party.number = Number(True, text, found.plan, found.presentation)
    if found.name is not None:
        party.name = Name(True, found.name, found.name_presentation)
    return party
