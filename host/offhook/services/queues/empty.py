"""When a queue counts as empty: the words of joinempty and leavewhenempty, and whether anybody could take a call."""

from __future__ import annotations

from typing import TYPE_CHECKING

from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.config.options import Kind

if TYPE_CHECKING:
    from offhook.services.queues.member import Member
    from offhook.services.queues.penalties import Penalties
    from offhook.services.queues.queue import Queue

PENALTY, PAUSED, INUSE, RINGING = "penalty", "paused", "inuse", "ringing"
UNAVAILABLE, INVALID, UNKNOWN, WRAPUP = "unavailable", "invalid", "unknown", "wrapup"
WORDS = (PENALTY, PAUSED, INUSE, RINGING, UNAVAILABLE, INVALID, UNKNOWN, WRAPUP)

Conditions = frozenset[str]
"""Why a member does not count; nothing in it: everybody does, and the queue is never empty."""

NEVER: Conditions = frozenset()
LOOSE: Conditions = frozenset((PENALTY, INVALID))
STRICT: Conditions = frozenset((PENALTY, INVALID, PAUSED, UNAVAILABLE))
PLAIN: Conditions = frozenset((PENALTY, INVALID, PAUSED))


def conditions(*, joining: bool) -> Kind:
    """How joinempty (``joining``) or leavewhenempty is written."""

    def parse(text: str) -> Conditions:
        found = NEVER
        for word in (part.strip().lower() for part in text.split(",")):
            if word in WORDS:
                found = found | {word}
            elif word == "loose":
                found = LOOSE
            elif word == "strict":
                found = STRICT
            elif word in TRUE_WORDS:
                found = NEVER if joining else PLAIN
            elif word in FALSE_WORDS:
                found = PLAIN if joining else NEVER
            else:
                raise ValueError(f'"{word}" is not one of yes, no, strict, loose, {", ".join(WORDS)}')
        return found

    phrase = f"yes, no, strict, loose, or a list of {', '.join(WORDS)}"
    return Kind(phrase, parse, lambda value: ",".join(word for word in WORDS if word in value) or "never")


_BY_STATE = {"INVALID": INVALID, "UNAVAILABLE": UNAVAILABLE, "INUSE": INUSE, "RINGING": RINGING, "UNKNOWN": UNKNOWN}


def deserted(queue: Queue, penalties: Penalties, reasons: Conditions) -> bool:
    """Whether no member of a queue counts for a caller with these penalties."""
    return not any(_counts(queue, member, penalties, reasons) for member in queue.members.values())


def _counts(queue: Queue, member: Member, penalties: Penalties, reasons: Conditions) -> bool:
    if PENALTY in reasons and penalties.effective(member.penalty) is None:
        return False
    if _BY_STATE.get(member.state) in reasons:
        return False
    if member.paused and PAUSED in reasons:
        return False
    return not (WRAPUP in reasons and member.wraps_up(queue))
