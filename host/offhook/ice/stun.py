"""STUN messages (RFC 8489): reading, writing, integrity and fingerprint.

Reading is strict: what is not exactly a STUN message is StunError, so that nothing else is taken for one.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import struct
import zlib
from dataclasses import dataclass, field
from enum import IntEnum

COOKIE = 0x2112A442
HEADER = 20
_INTEGRITY_SIZE, _FINGERPRINT_SIZE = 24, 8
_FINGERPRINT_XOR = 0x5354554E
MAX_SIZE = 1500

Address = tuple[str, int]


class StunError(ValueError):
    """No STUN message, or one that cannot be used."""


class Method(IntEnum):
    """Methods of STUN and TURN."""

    BINDING = 0x001
    ALLOCATE = 0x003
    REFRESH = 0x004
    SEND = 0x006
    DATA = 0x007
    CREATE_PERMISSION = 0x008
    CHANNEL_BIND = 0x009


class Class(IntEnum):
    """What a message is to its method."""

    REQUEST = 0
    INDICATION = 1
    SUCCESS = 2
    ERROR = 3


class Attribute(IntEnum):
    """Attribute types (IANA's STUN registry)."""

    MAPPED_ADDRESS = 0x0001
    USERNAME = 0x0006
    MESSAGE_INTEGRITY = 0x0008
    ERROR_CODE = 0x0009
    UNKNOWN_ATTRIBUTES = 0x000A
    CHANNEL_NUMBER = 0x000C
    LIFETIME = 0x000D
    XOR_PEER_ADDRESS = 0x0012
    DATA = 0x0013
    REALM = 0x0014
    NONCE = 0x0015
    XOR_RELAYED_ADDRESS = 0x0016
    REQUESTED_TRANSPORT = 0x0019
    XOR_MAPPED_ADDRESS = 0x0020
    PRIORITY = 0x0024
    USE_CANDIDATE = 0x0025
    SOFTWARE = 0x8022
    FINGERPRINT = 0x8028
    ICE_CONTROLLED = 0x8029
    ICE_CONTROLLING = 0x802A


def is_stun(data: bytes) -> bool:
    """Whether a packet can be STUN at all (RFC 8489 5, RFC 7983)."""
    return len(data) >= HEADER and data[0] < 4 and data[4:8] == COOKIE.to_bytes(4, "big")


@dataclass(slots=True)
class Message:
    """A message; ``attributes`` in order, each type once (of a repeated one the first counts: RFC 8489 14)."""

    method: int
    kind: Class
    transaction: bytes = field(default_factory=lambda: secrets.token_bytes(12))
    attributes: dict[int, bytes] = field(default_factory=dict)
    raw: bytes = b""
    _integrity_at: int = 0

    # ---- attributes -----------------------------------------------------------------------------------

    def text(self, kind: int) -> str:
        """A text attribute; "" when it is absent."""
        return self.attributes.get(kind, b"").decode("utf-8", "replace")

    def number(self, kind: int) -> int | None:
        """A number of 32 or 64 bits."""
        value = self.attributes.get(kind)
        return int.from_bytes(value, "big") if value is not None and len(value) in (4, 8) else None

    def address(self, kind: int) -> Address | None:
        """An address, XORed or not as its type has it; None when absent or malformed."""
        value = self.attributes.get(kind)
        if value is None or len(value) not in (8, 20):
            return None
        family, port = struct.unpack_from("!xBH", value)
        raw = value[4:]
        if family != (1 if len(raw) == 4 else 2):
            return None
        if kind != Attribute.MAPPED_ADDRESS:
            port ^= COOKIE >> 16
            raw = bytes(a ^ b for a, b in zip(raw, self._mask(), strict=False))
        return str(ipaddress.ip_address(raw)), port

    def set_address(self, kind: int, address: Address) -> None:
        """Add an address."""
        host, port = address
        raw = ipaddress.ip_address(host.partition("%")[0]).packed
        if kind != Attribute.MAPPED_ADDRESS:
            port ^= COOKIE >> 16
            raw = bytes(a ^ b for a, b in zip(raw, self._mask(), strict=False))
        self.attributes[kind] = struct.pack("!xBH", 1 if len(raw) == 4 else 2, port) + raw

    def _mask(self) -> bytes:
        return COOKIE.to_bytes(4, "big") + self.transaction

    @property
    def error(self) -> tuple[int, str] | None:
        """Code and reason of an error response."""
        value = self.attributes.get(Attribute.ERROR_CODE)
        if value is None or len(value) < 4:
            return None
        return (value[2] & 7) * 100 + value[3], value[4:].decode("utf-8", "replace")

    def set_error(self, code: int, reason: str) -> None:
        """Say what is wrong."""
        self.attributes[Attribute.ERROR_CODE] = bytes((0, 0, code // 100, code % 100)) + reason.encode()

    @property
    def unknown(self) -> list[int]:
        """Attributes that must be understood and are not (types below 0x8000)."""
        return [kind for kind in self.attributes if kind < 0x8000 and kind not in Attribute._value2member_map_]

    # ---- integrity ------------------------------------------------------------------------------------

    def is_signed_by(self, key: bytes) -> bool:
        """Whether the message carries MESSAGE-INTEGRITY made with that key (RFC 8489 14.5)."""
        given = self.attributes.get(Attribute.MESSAGE_INTEGRITY)
        if given is None or not self._integrity_at:
            return False
        head = bytearray(self.raw[: self._integrity_at])
        struct.pack_into("!H", head, 2, self._integrity_at - HEADER + _INTEGRITY_SIZE)
        return hmac.compare_digest(hmac.digest(key, head, hashlib.sha1), given)

    # ---- octets ---------------------------------------------------------------------------------------

    def encode(self, key: bytes | None = None, *, fingerprint: bool = True) -> bytes:
        """The message's octets, signed with a key where one is given."""
        body = bytearray()
        for kind, value in self.attributes.items():
            body += struct.pack("!HH", kind, len(value)) + value + bytes(-len(value) % 4)
        if key is not None:
            head = self._header(len(body) + _INTEGRITY_SIZE)
            body += struct.pack("!HH", Attribute.MESSAGE_INTEGRITY, 20)
            body += hmac.digest(key, head + bytes(body[:-4]), hashlib.sha1)
        if fingerprint:
            crc = zlib.crc32(self._header(len(body) + _FINGERPRINT_SIZE) + bytes(body)) ^ _FINGERPRINT_XOR
            body += struct.pack("!HHI", Attribute.FINGERPRINT, 4, crc)
        return self._header(len(body)) + bytes(body)

    def _header(self, length: int) -> bytes:
        kind = self.method & 0x0F | (self.method & 0x70) << 1 | (self.method & 0xF80) << 2
        kind |= (self.kind & 1) << 4 | (self.kind & 2) << 7
        return struct.pack("!HHI", kind, length, COOKIE) + self.transaction

    @classmethod
    def parse(cls, data: bytes) -> Message:
        """Read a message. StunError for anything else, and for a wrong fingerprint."""
        if not is_stun(data) or len(data) > MAX_SIZE:
            raise StunError("no STUN message")
        kind, length = struct.unpack_from("!HH", data)
        if length % 4 or HEADER + length != len(data):
            raise StunError("length and packet disagree")
        message = cls(
            kind & 0x0F | kind >> 1 & 0x70 | kind >> 2 & 0xF80, Class(kind >> 4 & 1 | kind >> 7 & 2), data[8:20]
        )
        message.raw = data
        at = HEADER
        while at + 4 <= len(data):
            kind, length = struct.unpack_from("!HH", data, at)
            end = at + 4 + length
            if end > len(data):
                raise StunError("an attribute is longer than the message")
            if kind == Attribute.FINGERPRINT:
                if length != 4 or end != len(data):
                    raise StunError("the fingerprint is not the end")
                (crc,) = struct.unpack_from("!I", data, at + 4)
                if crc != zlib.crc32(data[:at]) ^ _FINGERPRINT_XOR:
                    raise StunError("wrong fingerprint")
            if message._integrity_at and kind != Attribute.FINGERPRINT:
                pass  # behind the integrity nothing counts (RFC 8489 14.5)
            elif kind not in message.attributes:
                if kind == Attribute.MESSAGE_INTEGRITY:
                    message._integrity_at = at
                message.attributes[kind] = data[at + 4 : end]
            at = end + -length % 4
        if at != len(data):
            raise StunError("octets are left over")
        return message


def respond(request: Message, kind: Class = Class.SUCCESS) -> Message:
    """An empty response to a request."""
    return Message(request.method, kind, request.transaction)
