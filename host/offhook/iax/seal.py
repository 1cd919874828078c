"""Encryption of full frames (RFC 5456 10): AES-128, blocks chained from zeros, behind 16 to 31 octets of padding whose
length stands in its 16th. The two call numbers stay readable."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from typing import Any

from offhook.iax.frames import HEADER, FrameError

AES128 = 1
KEY_ROTATION = 1 << 15
"""Bits of the element "encryption"."""
KEY = 16
_BLOCK = 16
_CLEAR = 4


def key_of(challenge: bytes, secret: str) -> bytes:
    """The key that both sides know once a challenge has been answered."""
    return hashlib.md5(challenge + secret.encode(), usedforsecurity=False).digest()


def new_key() -> bytes:
    """A key for the next minutes (RTKEY)."""
    return os.urandom(KEY)


class Seal:
    """One key, for one direction."""

    __slots__ = ("_cipher", "key")

    def __init__(self, key: bytes) -> None:
        # The library takes 8 MB, and few calls are encrypted.
        from cryptography.hazmat.primitives.ciphers import Cipher
        from cryptography.hazmat.primitives.ciphers.algorithms import AES
        from cryptography.hazmat.primitives.ciphers.modes import CBC

        if len(key) != KEY:
            raise ValueError(f"an AES-128 key has {KEY} octets, not {len(key)}")
        self.key = key
        self._cipher: Any = Cipher(AES(key), CBC(bytes(_BLOCK)))

    def close(self, datagram: bytes) -> bytes:
        """Encrypt a full frame."""
        clear = datagram[_CLEAR:]
        padding = bytearray(os.urandom(_BLOCK + -len(clear) % _BLOCK))
        padding[_BLOCK - 1] = (padding[_BLOCK - 1] & 0xF0) | (len(padding) & 0x0F)
        run = self._cipher.encryptor()
        return datagram[:_CLEAR] + bytes(run.update(bytes(padding) + clear) + run.finalize())

    def open(self, datagram: bytes) -> bytes:
        """Decrypt a full frame. Raises FrameError for one that cannot have been sealed with this key."""
        sealed = datagram[_CLEAR:]
        if len(sealed) < _BLOCK or len(sealed) % _BLOCK:
            raise FrameError("not encrypted")
        run = self._cipher.decryptor()
        clear: bytes = run.update(sealed) + run.finalize()
        padding = _BLOCK + (clear[_BLOCK - 1] & 0x0F)
        if len(clear) - padding + _CLEAR < HEADER.size:
            raise FrameError("encrypted with another key")
        return datagram[:_CLEAR] + clear[padding:]


def seals_for(challenge: bytes, secrets: str) -> Iterator[Seal]:
    """A seal for each of several secrets, which semicolons separate."""
    for secret in secrets.split(";"):
        yield Seal(key_of(challenge, secret))
