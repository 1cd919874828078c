"""Classes of actions and events, and sets of them as bit masks (the numbers are Asterisk's EVENT_FLAG_*)."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from offhook.config.model import FALSE_WORDS, TRUE_WORDS

SYSTEM: Final = 1 << 0
CALL: Final = 1 << 1
LOG: Final = 1 << 2
VERBOSE: Final = 1 << 3
COMMAND: Final = 1 << 4
AGENT: Final = 1 << 5
USER: Final = 1 << 6
CONFIG: Final = 1 << 7
DTMF: Final = 1 << 8
REPORTING: Final = 1 << 9
CDR: Final = 1 << 10
DIALPLAN: Final = 1 << 11
ORIGINATE: Final = 1 << 12
AGI: Final = 1 << 13
CC: Final = 1 << 15
AOC: Final = 1 << 16
TEST: Final = 1 << 17
SECURITY: Final = 1 << 18
MESSAGE: Final = 1 << 19
ALL: Final = 0x7FFFFFFF

CLASSES: Final = {
    "system": SYSTEM,
    "call": CALL,
    "log": LOG,
    "verbose": VERBOSE,
    "command": COMMAND,
    "agent": AGENT,
    "user": USER,
    "config": CONFIG,
    "dtmf": DTMF,
    "reporting": REPORTING,
    "cdr": CDR,
    "dialplan": DIALPLAN,
    "originate": ORIGINATE,
    "agi": AGI,
    "cc": CC,
    "aoc": AOC,
    "test": TEST,
    "security": SECURITY,
    "message": MESSAGE,
    "all": ALL,
}


def mask_of(names: tuple[str, ...]) -> int:
    """The mask of class names. Raises KeyError for a name that is no class."""
    mask = 0
    for name in names:
        mask |= CLASSES[name]
    return mask


def parse_mask(text: str) -> int:
    """The mask of ``read = system,call``; words that are no classes count nothing."""
    mask = 0
    for word in text.split(","):
        mask |= CLASSES.get(word.strip(), 0)
    return mask


def parse_event_mask(text: str) -> int | None:
    """The mask of an EventMask: a number, yes, no, or class names; None when it is empty."""
    text = text.strip()
    if not text:
        return None
    if text.isdigit():
        return int(text) & ALL
    if text.lower() in FALSE_WORDS:
        return 0
    if text.lower() in TRUE_WORDS:
        return ALL
    return parse_mask(text)


@lru_cache(maxsize=128)
def privilege(mask: int) -> str:
    """Who may see or do something, as Privilege headers say it: the classes of which one is needed, and "all"."""
    names = [name for name, bit in CLASSES.items() if mask & bit]
    return ",".join(names) or "<none>"


def granted(mask: int) -> str:
    """What a user has: the classes all of whose bits are set."""
    names = [name for name, bit in CLASSES.items() if mask & bit == bit]
    return ",".join(names) or "<none>"
