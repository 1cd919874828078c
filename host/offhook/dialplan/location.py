"""Places in the dialplan as people write them: ``[[context,]extension,]priority``, the priority perhaps a label."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from offhook.dialplan.context import DialplanError

if TYPE_CHECKING:
    from offhook.dialplan.protocols import Channel

_NUMBER = re.compile(r"\s*([-+]?\d+)\s*", re.ASCII)


def caller_number(channel: Channel) -> str:
    """The caller's number as extensions with a caller pattern see it; "" when there is none."""
    number = channel.caller.id.number
    return number.text if number.valid else ""


def parse_location(channel: Channel, text: str) -> tuple[str, str, int]:
    """Context, extension and priority number; what is left out is the channel's own.

    A priority ``+2`` or ``-1`` counts from the channel's. Raises DialplanError for a label that does not exist.
    """
    plan: Any = channel.pbx.dialplan
    key = text, channel.context, channel.exten
    known: tuple[str, str, int] | None = plan.places.get(key)
    if known is not None:
        return known
    context, exten, label, number, direction = _parsed(text)
    context, exten = context or channel.context, exten or channel.exten
    if direction and number is not None:
        return context, exten, channel.priority + direction * number
    if number is None:
        if not label:
            raise DialplanError(f'"{text}" names no priority; write [[context,]extension,]priority')
        number = plan.label(context, exten, label)
    if number is not None:
        plan.remember_place(key, (context, exten, number))
        return context, exten, number
    number = plan.find_label(context, exten, label, caller_number(channel))
    if number is None:
        raise DialplanError(f'there is no priority or label "{label}" in extension {exten} of [{context}]')
    return context, exten, number


@lru_cache(maxsize=1024)
def _parsed(text: str) -> tuple[str, str, str, int | None, int]:
    """Context, extension, label, number and direction (of +n and -n); "" and None for what is not written."""
    fields = text.split(",", 3)
    context = fields[0] if len(fields) >= 3 else ""
    exten = fields[1] if len(fields) >= 3 else fields[0] if len(fields) == 2 else ""
    priority = fields[2] if len(fields) >= 3 else fields[-1]
    direction = {"+": 1, "-": -1}.get(priority[:1], 0)
    bare = priority[1:] if direction else priority
    number = _NUMBER.fullmatch(bare)
    return context, exten, bare, None if number is None else int(number.group(1)), direction
