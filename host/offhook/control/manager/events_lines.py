"""Manager events of analog and digital lines."""

from __future__ import annotations

from offhook.calls.line_events import ChannelAlarm, DndState, LineAssigned, MaliciousCall, SpanAlarm
from offhook.calls.party import Party
from offhook.control.manager.events_channels import PRESENTATIONS
from offhook.control.manager.permissions import CALL, SYSTEM
from offhook.control.manager.render import channel_block, escape, render


@render(DndState, "DNDState", SYSTEM)
def dnd_state(event: DndState) -> str | None:
    where = f"Channel: DAHDI/{event.channel}" if event.analog else f"DAHDIChannel: {event.channel}"
    return f"{where}\r\nStatus: {'enabled' if event.on else 'disabled'}\r\n"


@render(
    ChannelAlarm,
    lambda event: "Alarm" if event.alarm else "AlarmClear",
    SYSTEM,
    names=("Alarm", "AlarmClear"),
)
def channel_alarm(event: ChannelAlarm) -> str | None:
    if not event.alarm and event.analog:
        return f"Channel: {event.channel}\r\n"
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


@render(MaliciousCall, "MCID", CALL)
def malicious_call(event: MaliciousCall) -> str | None:
    block = channel_block(event.channel) if event.channel is not None else ""
    if block is None:
        return None
    return f"{block}{_party('MCallerID', event.caller)}{_party('MConnectedID', event.connected)}"


def _presentation(number: int) -> str:
    words = PRESENTATIONS.get(number, "Number Unavailable" if number & 0x40 else "unknown")
    return f"{number} ({words})"


def _party(prefix: str, party: Party) -> str:
    number, name, subaddress = party.number, party.name, party.subaddress
    told = [("Pres", _presentation(party.presentation()))]
    if number.valid:
        told += [("NumValid", "1"), ("Num", number.text), ("ton", str(number.plan)), ("NumPlan", str(number.plan))]
        told.append(("NumPres", _presentation(number.presentation)))
    else:
        told += [("NumValid", "0"), ("Num", ""), ("ton", "0")]
    if name.valid:
        told += [("NameValid", "1"), ("Name", name.text), ("NameCharSet", name.charset)]
        told.append(("NamePres", _presentation(name.presentation)))
    else:
        told += [("NameValid", "0"), ("Name", "")]
    if subaddress.valid:
        told += [
            ("Subaddr", subaddress.text),
            ("SubaddrType", str(subaddress.type)),
            ("SubaddrOdd", str(int(subaddress.odd))),
        ]
    return "".join(f"{prefix}{key}: {escape(value)}\r\n" for key, value in told)
