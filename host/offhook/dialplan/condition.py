"""What counts as true in the dialplan."""

from __future__ import annotations

import re

_INTEGER = re.compile(r"\s*([-+]?\d+)", re.ASCII)
_USUAL = {"": False, "0": False, "1": True}


def holds(text: str) -> bool:
    """A condition of GotoIf, IF() and the like: empty is false, what begins with a number is true unless that is 0."""
    known = _USUAL.get(text)
    if known is not None:
        return known
    number = _INTEGER.match(text)
    return number is None or int(number.group(1)) != 0


def truth(text: str) -> bool:
    """A yes-or-no word: yes, true, y, t, 1, on."""
    return text.lower() in ("yes", "true", "y", "t", "1", "on")
