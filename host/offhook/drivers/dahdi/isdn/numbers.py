"""Numbers and numbering plans of ISDN: prefixes of those that come in, types of those that go out (Q.931 4.5.10)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from kernel_shims.pri.events import PartyId, PartySubaddress
from offhook.calls.party import NO_SUBADDRESS, Name, Number, Party, Subaddress

log = logging.getLogger(__name__)

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
_LETTERS = "".join(chr(code) for code in range(ord("9") + 1, 128))
"""What is taken off the front of a number: it begins at a digit, * or #."""
_SCREENED, _UNAVAILABLE = 0x01, 0x43
"""Presentation (Q.931 4.5.10): the user's own number, verified; there is none."""
_RESTRICTION = 0x60
REASONS = {0: "unknown", 1: "cfb", 2: "cfnr", 3: "deflection", 15: "cfu"}
"""Of a redirection (Q.931 4.6.7), in the dialplan's words."""
REASON_NUMBERS = {word: number for number, word in REASONS.items()} | {"unavailable": 2}
REASON_VARIABLES = {0: "UNKNOWN", 1: "BUSY", 2: "NO_REPLY", 15: "UNCONDITIONAL"}
"""The same in PRIREDIRECTREASON; NOREDIRECT for others."""
_NSAP, _USER = 0, 2


def prefixed(number: str, plan: int, settings: Mapping[str, Any]) -> str:
    """A number that came in with the prefix of its type, as the dialplan knows it; "" stays so."""
    option = _PREFIXES.get(plan)
    return f"{settings[option]}{number}" if number and option is not None else number


def typed(number: str, dialplan: str, settings: Mapping[str, Any], own_plan: int = 0) -> tuple[str, int]:
    """A number that goes out, and its plan octet by ``pridialplan`` and its like.

    "dynamic" tells the type by the prefix, which it takes off, "redundant" leaves it there; a prefix that is not set
    stands before every number. "from_channel" is ``own_plan``. Letters before the number change type or plan.
    """
    letters = len(number) - len(number.lstrip(_LETTERS))
    strip = 0
    match dialplan:
        case "dynamic" | "redundant":
            found, prefix = next(
                (
                    (kind, settings[_PREFIXES[kind]])
                    for kind in (INTERNATIONAL, NATIONAL)
                    if number.startswith(settings[_PREFIXES[kind]])
                ),
                (LOCAL, ""),
            )
            strip = len(prefix) if dialplan == "dynamic" else 0
        case "from_channel":
            found = own_plan
        case _:
            found = PLANS[dialplan]
    for letter in number[:letters]:
        if letter in _TYPES:
            found = _TYPES[letter] | (found & 0x0F)
        elif letter in _PLAN_LETTERS:
            found = _PLAN_LETTERS[letter] | (found & 0xF0)
        else:
            log.warning('"%s": %s names no type and no plan of a number', number, letter)
    return number[letters + strip :], found


def caller_of(party: Party, settings: Mapping[str, Any]) -> PartyId:
    """Who we say calls: by ``prilocaldialplan``, ``usecallingpres``, ``hidecallerid`` and ``hidecalleridname``."""
    hides = settings["hidecallerid"]
    known = party.number.valid and not hides
    text = party.number.text if known and any(digit in "0123456789" for digit in party.number.text) else ""
    number, plan = typed(text, settings["prilocaldialplan"], settings, party.number.plan)
    presentation = party.number.presentation if settings["usecallingpres"] else _SCREENED if known else _UNAVAILABLE
    return PartyId(
        number=number if known else None,
        name=party.name.text if known and party.name.valid and not settings["hidecalleridname"] else None,
        plan=plan,
        presentation=presentation,
        name_presentation=presentation & _RESTRICTION,
        subaddress=subaddress_told(party.subaddress),
    )


def told(party: Party, settings: Mapping[str, Any]) -> PartyId:
    """A party of a call as the far end is to be told (``pricpndialplan``)."""
    number, plan = typed(party.number.text, settings["pricpndialplan"], settings, party.number.plan)
    return PartyId(
        number if party.number.valid else None,
        party.name.text if party.name.valid else None,
        plan,
        party.number.presentation,
        party.name.presentation,
        subaddress_told(party.subaddress),
    )


def as_it_is(party: Party) -> PartyId:
    """A party that redirected a call."""
    return PartyId(
        party.number.text if party.number.valid else None,
        party.name.text if party.name.valid else None,
        party.number.plan,
        party.number.presentation,
        party.name.presentation,
        subaddress_told(party.subaddress),
    )


def subaddress_of(found: PartySubaddress | None) -> Subaddress:
    """A subaddress that was told: text of an NSAP, hexadecimal digits of the user's own kind."""
    if found is None or not found.data:
        return NO_SUBADDRESS
    if found.kind == _NSAP:
        text = found.data.split(b"\0", 1)[0].decode("latin-1")
    else:
        text = found.data.hex()[: -1 if found.odd else None]
    return Subaddress(True, text, found.kind, found.odd)


def subaddress_told(subaddress: Subaddress) -> PartySubaddress | None:
    """The other way; None when there is none, or one that is not hexadecimal where it has to be."""
    if not subaddress.valid or not subaddress.text:
        return None
    if subaddress.type == _NSAP:
        return PartySubaddress(subaddress.text.encode("latin-1", "replace"))
    digits = subaddress.text
    odd = len(digits) % 2 == 1
    try:
        return PartySubaddress(bytes.fromhex(digits + "0" * odd), _USER, odd)
    except ValueError:
        return None


def dialled_subaddress(number: str) -> tuple[str, PartySubaddress | None]:
    """Take ``number:subaddress`` of a dial string apart; u before the subaddress: the user's own kind, n: NSAP."""
    number, _, text = number.partition(":")
    kind = _USER if text[:1] in ("u", "U") and text else _NSAP
    if text[:1] in ("u", "U", "n", "N"):
        text = text[1:]
    return number, subaddress_told(Subaddress(bool(text), text, kind))


def party_of(found: PartyId, settings: Mapping[str, Any]) -> Party:
    """A party that was told, with its number as the dialplan knows it."""
    party = Party()
    if found.number is not None:
        text = prefixed(found.number, found.plan, settings)
        party.number = Number(True, text, found.plan, found.presentation)
    if found.name is not None:
        party.name = Name(True, found.name, found.name_presentation)
    party.subaddress = subaddress_of(found.subaddress)
    return party
