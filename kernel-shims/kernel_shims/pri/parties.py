"""Parties in libpri's structures: out of them and into them."""

from __future__ import annotations

from typing import Any

from kernel_shims.pri.events import PartyId, PartySubaddress, Redirection

_FROM = "from"
"""A field whose name Python keeps for itself."""
_LONGEST, _LONGEST_SUBADDRESS = 63, 31
_LATIN_1 = 1


def text(ffi: Any, chars: Any) -> str:
    """A text inside an event."""
    return bytes(ffi.buffer(chars)).split(b"\0", 1)[0].decode("utf-8", "replace")


def subaddress_of(ffi: Any, raw: Any) -> PartySubaddress | None:
    """A struct pri_party_subaddress."""
    if not raw.valid:
        return None
    return PartySubaddress(bytes(ffi.buffer(raw.data))[: raw.length], raw.type, bool(raw.odd_even_indicator))


def party_of(ffi: Any, raw: Any) -> PartyId:
    """A struct pri_party_id."""
    return PartyId(
        text(ffi, raw.number.str) if raw.number.valid else None,
        text(ffi, raw.name.str) if raw.name.valid else None,
        raw.number.plan,
        raw.number.presentation,
        raw.name.presentation,
        subaddress_of(ffi, raw.subaddress),
    )


def redirection_of(ffi: Any, raw: Any) -> Redirection:
    """A struct pri_party_redirecting."""
    return Redirection(
        party_of(ffi, getattr(raw, _FROM)),
        party_of(ffi, raw.to),
        party_of(ffi, raw.orig_called),
        raw.count,
        raw.reason,
        raw.orig_reason,
    )


def fill_subaddress(raw: Any, subaddress: PartySubaddress) -> None:
    """Into a struct pri_party_subaddress; what is too long is cut off."""
    data = subaddress.data[:_LONGEST_SUBADDRESS]
    raw.valid, raw.type, raw.odd_even_indicator, raw.length = 1, subaddress.kind, int(subaddress.odd), len(data)
    for index, octet in enumerate(data):
        raw.data[index] = octet


def made_subaddress(ffi: Any, subaddress: PartySubaddress) -> Any:
    """As a struct pri_party_subaddress."""
    raw = ffi.new("struct pri_party_subaddress *")
    fill_subaddress(raw, subaddress)
    return raw


def fill(raw: Any, party: PartyId) -> None:
    """Into a struct pri_party_id."""
    if party.number is not None:
        raw.number.valid = 1
        raw.number.str = party.number.encode()[:_LONGEST]
        raw.number.plan = party.plan
    raw.number.presentation = party.presentation
    if party.name is not None:
        raw.name.valid = 1
        raw.name.char_set = _LATIN_1
        raw.name.str = party.name.encode("latin-1", "replace")[:_LONGEST]
        raw.name.presentation = party.name_presentation
    if party.subaddress is not None:
        fill_subaddress(raw.subaddress, party.subaddress)


def made(ffi: Any, party: PartyId) -> Any:
    """As a struct pri_party_id."""
    raw = ffi.new("struct pri_party_id *")
    fill(raw, party)
    return raw


def made_redirection(ffi: Any, redirection: Redirection) -> Any:
    """As a struct pri_party_redirecting."""
    raw = ffi.new("struct pri_party_redirecting *")
    fill(getattr(raw, _FROM), redirection.from_)
    fill(raw.to, redirection.to)
    fill(raw.orig_called, redirection.original)
    raw.count = redirection.count
    raw.reason = redirection.reason
    raw.orig_reason = redirection.original_reason
    return raw
