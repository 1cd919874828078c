"""Security descriptions (RFC 4568): the keys of SRTP as a=crypto carries them, and who chooses among them.

Suites have their registered names (RFC 4568, 6188, 7714) or those of drafts that are still in use; an answer repeats
the name it was asked by. Session parameters are refused, as RFC 4568 6.3.7 allows.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace

from .sdp_attributes import Crypto

SUITES: dict[str, int] = {
    "AES_CM_128_HMAC_SHA1_80": 30,
    "AES_CM_128_HMAC_SHA1_32": 30,
    "AES_192_CM_HMAC_SHA1_80": 38,
    "AES_192_CM_HMAC_SHA1_32": 38,
    "AES_256_CM_HMAC_SHA1_80": 46,
    "AES_256_CM_HMAC_SHA1_32": 46,
    "AES_CM_192_HMAC_SHA1_80": 38,
    "AES_CM_192_HMAC_SHA1_32": 38,
    "AES_CM_256_HMAC_SHA1_80": 46,
    "AES_CM_256_HMAC_SHA1_32": 46,
    "AEAD_AES_128_GCM": 28,
    "AEAD_AES_128_GCM_8": 28,
    "AEAD_AES_256_GCM": 44,
    "AEAD_AES_256_GCM_8": 44,
}
"""Octets of master key and salt of each suite."""

LEAST_LIFETIME = 1 << 20
"""Packets a key must be good for: at 50 a second nearly six hours, as nobody here asks for a new one in time."""

MOST_MKI = 128


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the key parameters of one a=crypto say: master key and salt, and octets of the identifier in packets."""

    key: bytes
    mki: int = 0


def parse_parameters(crypto: Crypto) -> Parameters | None:
    """The first acceptable key of an a=crypto line; None when the suite is unknown or no key can be used."""
    length = SUITES.get(crypto.suite)
    if length is None or crypto.session.strip():
        return None
    for parameter in crypto.key.split(";"):
        method, colon, text = parameter.partition(":")
        if not colon or method != "inline":
            continue
        encoded, *options = text.split("|")
        mki = _options(options)
        if mki is None:
            continue
        try:
            key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
        except (binascii.Error, ValueError):
            return None
        return Parameters(key, mki) if len(key) == length else None
    return None


def _options(options: list[str]) -> int | None:
    """Octets of the identifier by ``lifetime`` and ``MKI:length``, either of which may be missing; None: refused."""
    if not options:
        return 0
    identifier = ""
    if ":" in options[0]:
        identifier = options[0]
    else:
        if not _long_enough(options[0]):
            return None
        if len(options) == 1:
            return 0
        identifier = options[1]
    value, colon, length = identifier.partition(":")
    if value != "1" or not colon or not _is_number(length) or not 0 < int(length) <= MOST_MKI:
        return None
    return int(length)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 15


def _long_enough(lifetime: str) -> bool:
    if lifetime.startswith("2^"):
        return _is_number(lifetime[2:]) and int(lifetime[2:]) >= LEAST_LIFETIME.bit_length() - 1
    return _is_number(lifetime) and int(lifetime) >= LEAST_LIFETIME


@dataclass(frozen=True, slots=True)
class Agreement:
    """The keys of one stream: what we send by, and once the peer has spoken what it sends by."""

    tag: int
    suite: str
    send: bytes
    receive: bytes | None = None
    mki: int = 0

    @classmethod
    def offer(cls, *, short_tag: bool = False) -> Agreement:
        """A fresh key to offer. ``short_tag``: packets carry 32 bits of authentication instead of 80."""
        suite = "AES_CM_128_HMAC_SHA1_32" if short_tag else "AES_CM_128_HMAC_SHA1_80"
        return cls(1, suite, secrets.token_bytes(SUITES[suite]))

    @property
    def crypto(self) -> Crypto:
        """Our a=crypto line."""
        return Crypto(self.tag, self.suite, f"inline:{base64.b64encode(self.send).decode()}")

    @property
    def settled(self) -> bool:
        """Whether both keys are known."""
        return self.receive is not None


def choose(lines: Iterable[Crypto], before: Agreement | None) -> Agreement | None:
    """What comes of a peer's a=crypto lines: its first that we can do, with our key of ``before`` where that fits the
    suite (a key said again stays in force). None when none can be used."""
    for crypto in lines:
        parameters = parse_parameters(crypto)
        if parameters is None:
            continue
        length = SUITES[crypto.suite]
        if before is not None and len(before.send) == length:
            return replace(before, tag=crypto.tag, suite=crypto.suite, receive=parameters.key, mki=parameters.mki)
        return Agreement(crypto.tag, crypto.suite, secrets.token_bytes(length), parameters.key, parameters.mki)
    return None
