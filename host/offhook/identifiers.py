"""Identifiers nobody else gives."""

from __future__ import annotations

import os


def random_uuid() -> str:
    """A random UUID (RFC 9562 5.4), written as usual. What the module of that name weighs is more than it does."""
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"
