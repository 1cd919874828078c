"""Random octets for tags, branches and identifiers: the kernel is asked for a page of them at a time."""

from __future__ import annotations

import os

PAGE = 2048

_pool = b""
_used = 0


def random_hex(octets: int) -> str:
    """So many octets nobody can guess (at most PAGE), in hexadecimal digits."""
    global _pool, _used
    end = _used + octets
    if end > len(_pool):
        _pool, _used, end = os.urandom(PAGE), 0, octets
    digits = _pool[_used:end].hex()
    _used = end
    return digits


def random_number(bits: int) -> int:
    """A number below 2**bits that nobody can guess."""
    return int(random_hex((bits + 7) // 8), 16) & ((1 << bits) - 1)


def _forget() -> None:
    """A child of ours must not draw what we draw."""
    global _pool, _used
    _pool, _used = b"", 0


os.register_at_fork(after_in_child=_forget)
