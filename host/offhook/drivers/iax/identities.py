"""Parties as channels have them, and as control frames of IAX2 carry them."""

from __future__ import annotations

from offhook.calls.party import Connected, Name, Number, Party, Redirecting
from offhook.iax import parties
from offhook.iax.parties import Identity

SOURCES = ("unknown", "answer", "diversion", "transfer", "transfer_alerting")
"""Why a connected party changed, by Asterisk's numbers."""
REASONS = (
    "unknown", "cfb", "cfnr", "unavailable", "time_of_day", "dnd", "deflection", "follow_me", "out_of_order", "away",
    "cf_dte", "cfu", "send_to_vm",
)  # fmt: skip
"""Why a call was redirected, by Asterisk's numbers."""


def _party(identity: Identity) -> Party:
    party = Party(tag=identity.tag)
    if identity.name is not None:
        party.name = Name(True, identity.name, identity.name_presentation)
    if identity.number is not None:
        party.number = Number(True, identity.number, identity.plan, identity.number_presentation)
    return party


def _identity(party: Party) -> Identity:
    return Identity(
        party.name.text if party.name.valid else None,
        party.number.text if party.number.valid else None,
        party.name.presentation,
        party.number.presentation,
        party.number.plan,
        party.tag,
    )


def _word(words: tuple[str, ...], number: int) -> str:
    return words[number] if 0 <= number < len(words) else words[0]


def _number(words: tuple[str, ...], word: str) -> int:
    return words.index(word) if word in words else 0


def connected_of(payload: bytes) -> Connected:
    """The connected party of a frame."""
    read = parties.read_connected(payload)
    return Connected(id=_party(read.id), source=_word(SOURCES, read.source))


def connected_payload(connected: Connected) -> bytes:
    """A frame's payload for a connected party."""
    return parties.write_connected(parties.ConnectedParty(_identity(connected.id), _number(SOURCES, connected.source)))


def redirecting_of(payload: bytes) -> Redirecting:
    """Who redirected the call, of a frame."""
    read = parties.read_redirecting(payload)
    return Redirecting(
        from_=_party(read.from_),
        to=_party(read.to),
        reason=_word(REASONS, read.reason),
        reason_text=read.reason_text,
        count=read.count,
    )


def redirecting_payload(redirecting: Redirecting) -> bytes:
    """A frame's payload for who redirected the call."""
    return parties.write_redirecting(
        parties.RedirectingParties(
            _identity(redirecting.from_),
            _identity(redirecting.to),
            _number(REASONS, redirecting.reason),
            redirecting.reason_text,
            redirecting.count,
        )
    )
