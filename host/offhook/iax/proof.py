"""How an end proves who it is (RFC 5456 8.6.13 to 8.6.16), and that it is where it says (RFC 5457: call tokens)."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from offhook.iax.elements import Address, Elements

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

PLAINTEXT, MD5, RSA = 1, 2, 4
"""Bits of the element "authmethods"."""
METHODS = {"plaintext": PLAINTEXT, "md5": MD5, "rsa": RSA}
CALL_TOKEN_LIFE = 10.0
"""Seconds for which a call token is worth something."""


class Unproven(Exception):
    """There is no way to prove who we are; the sentence says why."""


def method_names(mask: int) -> str:
    """Methods as the console shows them."""
    return ",".join(name.upper() if name != "plaintext" else name for name, bit in METHODS.items() if mask & bit)


def new_challenge() -> bytes:
    """A challenge: digits that nobody can foresee."""
    return str(secrets.randbelow(1 << 30)).encode()


def md5_result(challenge: bytes, secret: str) -> str:
    """The answer that knows the secret."""
    return hashlib.md5(challenge + secret.encode(), usedforsecurity=False).hexdigest()


def sign(key: RSAPrivateKey, challenge: bytes) -> str:
    """The answer that has the private key."""
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    return base64.b64encode(key.sign(challenge, PKCS1v15(), SHA1())).decode()


def is_signed(key: RSAPublicKey, challenge: bytes, signature: str) -> bool:
    """Whether an answer is of the owner of a key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
    from cryptography.hazmat.primitives.hashes import SHA1

    try:
        key.verify(base64.b64decode(signature), challenge, PKCS1v15(), SHA1())
    except (InvalidSignature, ValueError):
        return False
    return True


@dataclass(slots=True)
class Credentials:
    """What we prove ourselves by towards a far end."""

    username: str = ""
    secret: str = ""
    key: RSAPrivateKey | None = None

    def answer(self, methods: int, challenge: bytes) -> tuple[Elements, str]:
        """The elements that answer a challenge, and the method used. Raises Unproven."""
        if self.key is not None and methods & RSA and challenge:
            return Elements(rsa_result=sign(self.key, challenge)), "RSA"
        if self.key is not None and not self.secret:
            raise Unproven("we have a key, but they do not allow RSA authentication")
        if not self.secret:
            raise Unproven("no secret for them")
        if methods & MD5 and challenge:
            return Elements(md5_result=md5_result(challenge, self.secret)), "MD5"
        if methods & PLAINTEXT:
            return Elements(password=self.secret), "plaintext"
        raise Unproven(f"no way to send a secret: they take {method_names(methods) or 'nothing we know'}")


@dataclass(slots=True)
class Expectation:
    """What a far end proves itself by towards us. ``secrets`` may be several, separated by semicolons."""

    methods: int = MD5
    secrets: str = ""
    keys: tuple[RSAPublicKey, ...] = ()

    def met_by(self, challenge: bytes, elements: Elements) -> str:
        """The method by which an answer proves it, "" when it does not."""
        signature = elements.text("rsa_result")
        if self.methods & RSA and signature and self.keys:
            return "RSA" if any(is_signed(key, challenge, signature) for key in self.keys) else ""
        if self.methods & MD5:
            return "MD5" if self._knows(challenge, elements.text("md5_result").lower()) else ""
        if self.methods & PLAINTEXT:
            given = elements.text("password").encode()
            return "plaintext" if self.secrets and hmac.compare_digest(given, self.secrets.encode()) else ""
        return ""

    def _knows(self, challenge: bytes, result: str) -> bool:
        known: Iterable[str] = self.secrets.split(";") if self.secrets else ()
        return any(hmac.compare_digest(md5_result(challenge, each).encode(), result.encode()) for each in known)


class Tokens:
    """Call tokens: who asks for a call gets one sent to its address, and has to come with it. Nothing is kept of who
    asked."""

    __slots__ = ("_secret", "life")

    def __init__(self, life: float = CALL_TOKEN_LIFE) -> None:
        self._secret = os.urandom(16)
        self.life = life

    def _digest(self, address: Address, moment: int) -> str:
        text = f"{address[0]}:{address[1]} {moment}".encode()
        return hmac.new(self._secret, text, "sha1").hexdigest()

    def give(self, address: Address, now: float) -> bytes:
        """A token for an address."""
        moment = int(now)
        return f"{moment}?{self._digest(address, moment)}".encode()

    def fits(self, token: bytes, address: Address, now: float) -> bool:
        """Whether a token is ours, of that address, and not too old."""
        moment, mark, digest = token.decode("ascii", "replace").partition("?")
        if not mark or not moment.isascii() or not moment.isdigit() or len(moment) > 12:
            return False
        age = int(now) - int(moment)
        return 0 <= age < self.life and hmac.compare_digest(
            self._digest(address, int(moment)).encode(), digest.encode()
        )
