"""Manager events of conference rooms."""

from __future__ import annotations

from offhook.control.manager.permissions import CALL
from offhook.control.manager.render import bridge_block, channel_block, render
from offhook.services.conference.events import NAMES, ConferenceEvent


@render(ConferenceEvent, lambda event: str(event.kind), CALL, names=NAMES)
def conference_event(event: ConferenceEvent) -> str | None:
    channel = "" if event.channel is None else channel_block(event.channel)
    if channel is None:
        return None
    details = "".join(f"{name}: {value}\r\n" for name, value in event.details)
    return f"Conference: {event.conference}\r\n{bridge_block(event.bridge)}{channel}{details}"
