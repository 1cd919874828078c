"""Digest authentication of web requests (RFC 2617), the server's side."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass

_PAIR = re.compile(r'(\w+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))')
_NEEDED = ("username", "realm", "nonce", "uri", "response")


@dataclass(frozen=True, slots=True)
class Digest:
    """What an Authorization header says."""

    username: str
    realm: str
    nonce: str
    uri: str
    response: str
    qop: str
    nc: str
    cnonce: str

    def fits(self, a1: str, method: str) -> bool:
        """Whether the response proves knowledge of A1 for this method."""
        a2 = _md5(f"{method}:{self.uri}")
        middle = f"{self.nc}:{self.cnonce}:{self.qop}:" if self.qop else ""
        return hmac.compare_digest(_md5(f"{a1}:{self.nonce}:{middle}{a2}"), self.response.lower())


def parse_digest(header: str) -> Digest | None:
    """The Authorization header of digest authentication; None when it is none, or not whole."""
    scheme, _, rest = header.strip().partition(" ")
    if scheme.lower() != "digest":
        return None
    found: dict[str, str] = {}
    for match in _PAIR.finditer(rest):
        quoted = match[2]
        found[match[1].lower()] = match[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
    if any(name not in found for name in _NEEDED):
        return None
    qop = found.get("qop", "")
    if qop and (qop.lower() != "auth" or "nc" not in found or "cnonce" not in found):
        return None
    return Digest(
        found["username"],
        found["realm"],
        found["nonce"],
        found["uri"],
        found["response"],
        qop,
        found.get("nc", ""),
        found.get("cnonce", ""),
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()
