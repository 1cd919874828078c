"""Manager events of analog and digital lines."""

from __future__ import annotations

from offhook.calls.line_events import ChannelAlarm, DndState, LineAssigned, SpanAlarm
from offhook.control.manager.permissions import CALL, SYSTEM
from offhook.control.manager.render import channel_block, render


@render(DndState, "DNDState", SYSTEM)
def dnd_state(event: DndState) -> str | None:
    return f"DAHDIChannel: {event.channel}\r\nStatus: {'enabled' if event.on else 'disabled'}\r\n"


@render(
    ChannelAlarm,
    lambda event: "Alarm" if event.alarm else "AlarmClear",
    SYSTEM,
    names=("Alarm", "AlarmClear"),
)
def channel_alarm(event: ChannelAlarm) -> str | None:
    alarm = f"Alarm: {event.alarm}\r\n" if event.alarm else ""
    return f"DAHDIChannel: {event.channel}\r\n{alarm}"


@render(
    SpanAlarm,
    lambda event: "SpanAlarm" if event.alarm else "SpanAlarmClear",
    SYSTEM,
    names=("SpanAlarm", "SpanAlarmClear"),
)
def span_alarm(event: SpanAlarm) -> str | None:
    alarm = f"Alarm: {event.alarm}\r\n" if event.alarm else ""
    return f"Span: {event.span}\r\n{alarm}"


@render(LineAssigned, "DAHDIChannel", CALL)
def line_assigned(event: LineAssigned) -> str | None:
    block = channel_block(event.channel)
    return block and (f"{block}DAHDIGroup: {event.groups}\r\nDAHDISpan: {event.span}\r\nDAHDIChannel: {event.line}\r\n")
