"""Numbers and natures of address: prefixes of those that come in, natures of those that go out (Q.763 3.9, 3.10)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kernel_shims.ss7.events import Address, Nature
from offhook.calls.party import UNAVAILABLE, Number, Party

_PREFIXES = {
    Nature.INTERNATIONAL: "ss7_internationalprefix",
    Nature.NATIONAL: "ss7_nationalprefix",
    Nature.NETWORK_ROUTED: "ss7_networkroutedprefix",
    Nature.UNKNOWN: "ss7_unknownprefix",
    Nature.SUBSCRIBER: "ss7_subscriberprefix",
}
"""In the order in which "dynamic" tries them."""
_NATURES = {
    "international": Nature.INTERNATIONAL,
    "national": Nature.NATIONAL,
    "subscriber": Nature.SUBSCRIBER,
    "unknown": Nature.UNKNOWN,
}
_NOT_AVAILABLE, _RESTRICTED = 2, 1
_USER_PROVIDED = 1
"""Screening: user provided, verified and passed."""


def prefixed(number: str, nature: int, settings: Mapping[str, Any]) -> str:
    """A number that came in with the prefix of its nature, as the dialplan knows it; "" stays so."""
    option = _PREFIXES.get(nature)  # type: ignore[call-overload]
    return f"{settings[option]}{number}" if number and option is not None else number


def natured(number: str, wanted: str, settings: Mapping[str, Any]) -> tuple[str, Nature]:
    """A number that goes out, and its nature by ``ss7_called_nai`` or its like: "dynamic" tells it by the prefix, which
    is taken off."""
    if wanted != "dynamic":
        return number, _NATURES[wanted]
    for nature, option in _PREFIXES.items():
        prefix = settings[option]
        if number.startswith(prefix):
            return number[len(prefix) :], nature
    return number, Nature.SUBSCRIBER


def presentation_of(address: Address) -> int:
    """Presentation and screening as calls have them."""
    return (address.presentation & 3) << 5 | address.screening & 3


def number_of(address: Address, settings: Mapping[str, Any]) -> Number:
    """A number that was told."""
    return Number(True, prefixed(address.number, address.nature, settings), 0, presentation_of(address))


def address_of(number: Number, wanted: str, settings: Mapping[str, Any]) -> Address:
    """A number that is to be told, with its presentation."""
    digits, nature = natured(number.text, wanted, settings)
    return Address(digits, nature, number.presentation >> 5 & 3, number.presentation & 3)


def calling_of(party: Party, settings: Mapping[str, Any], linkset: Mapping[str, Any]) -> Address:
    """Who we say calls: by ``hidecallerid``, ``usecallingpres`` and ``ss7_calling_nai``."""
    shown = party.number.valid and not settings["hidecallerid"]
    digits, nature = natured(party.number.text if shown else "", linkset["ss7_calling_nai"], linkset)
    if settings["usecallingpres"]:
        return Address(digits, nature, party.number.presentation >> 5 & 3, party.number.presentation & 3)
    if shown:
        presentation = 0
    else:
        presentation = _NOT_AVAILABLE if party.number.presentation == UNAVAILABLE else _RESTRICTED
    return Address(digits, nature, presentation, _USER_PROVIDED)
