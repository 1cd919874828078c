"""Candidates: an address at which a component may be reached, and how much it is liked (RFC 8445 5.1)."""

from __future__ import annotations

import ipaddress
import zlib
from dataclasses import dataclass
from typing import NamedTuple

from .stun import Address

PREFERENCE = {"host": 126, "prflx": 110, "srflx": 100, "relay": 0}


@dataclass(frozen=True, slots=True)
class Candidate:
    """``component``: 1 is RTP, 2 RTCP. ``related``: the base of a reflexive candidate, the mapped address of a relayed
    one."""

    component: int
    kind: str
    host: str
    port: int
    priority: int
    foundation: str = ""
    related: Address | None = None

    @property
    def address(self) -> Address:
        """Where it is."""
        return self.host, self.port


class IceOffer(NamedTuple):
    """What a peer says about ICE."""

    ufrag: str
    password: str
    candidates: tuple[Candidate, ...]
    lite: bool = False


def priority_of(kind: str, component: int, local_preference: int = 65535) -> int:
    """RFC 8445 5.1.2.1"""
    return PREFERENCE[kind] << 24 | local_preference << 8 | 256 - component


def foundation_of(kind: str, base: str, server: str = "") -> str:
    """Alike for candidates of one kind, base and server (RFC 8445 5.1.1.3); a letter and a number, as others do it."""
    return f"{kind[0].upper()}{zlib.crc32(f'{base} {server}'.encode()):x}"


def pair_priority(controlling: int, controlled: int) -> int:
    """RFC 8445 6.1.2.3"""
    low, high = sorted((controlling, controlled))
    return low << 32 | high << 1 | (controlling > controlled)


def host_candidate(component: int, host: str, port: int, order: int = 0) -> Candidate:
    """A candidate of an address of ours; ``order`` counts down the preference among several."""
    return Candidate(
        component, "host", host, port, priority_of("host", component, 65535 - order), foundation_of("host", host)
    )


def is_usable(host: str) -> bool:
    """Whether a peer's candidate is a numeric unicast address (names would have to be looked up: RFC 8839 5.1)."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return not (address.is_multicast or address.is_unspecified)
