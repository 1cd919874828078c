"""Places in the dialplan as people write them: ``[[context,]extension,]priority``, the priority perhaps a label."""

from __future__ import annotations

import re
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
    fields = text.split(",", 3)
    context, exten = channel.context, channel.exten
    if len(fields) >= 3:
        context, exten, priority = fields[0] or context, fields[1] or exten, fields[2]
    elif len(fields) == 2:
        exten, priority = fields[0] or exten, fields[1]
    else:
        priority = fields[0]
    if not priority:
        raise DialplanError(f'"{text}" names no priority; write [[context,]extension,]priority')
    direction = {"+": 1, "-": -1}.get(priority[0], 0)
    number = _NUMBER.fullmatch(priority[1:] if direction else priority)
    if number is not None:
        value = int(number.group(1))
        return context, exten, channel.priority + direction * value if direction else value
    plan: Any = channel.pbx.dialplan
    found = plan.find_label(context, exten, priority[1:] if direction else priority, caller_number(channel))
    if found is None:
        raise DialplanError(f'there is no priority or label "{priority}" in extension {exten} of [{context}]')
    return context, exten, found
