"""Manager events of call completion."""

from __future__ import annotations

from offhook.calls.completion import events
from offhook.control.manager.permissions import CC
from offhook.control.manager.protocol import clean
from offhook.control.manager.render import render

_TOLD = (
    events.ACKNOWLEDGED,
    events.START_MONITORING,
    events.STOP_MONITORING,
    events.RECALLING,
    events.COMPLETE,
)


@render(events.Available, "CCAvailable", CC)
def available(event: events.Available) -> str:
    return f"CoreID: {event.core_id}\r\nCallee: {clean(event.callee)}\r\nService: {event.service}\r\n"


@render(events.OfferTimerStart, "CCOfferTimerStart", CC)
def offer_timer_start(event: events.OfferTimerStart) -> str:
    return f"CoreID: {event.core_id}\r\nCaller: {clean(event.caller)}\r\nExpires: {event.expires}\r\n"


@render(events.Requested, "CCRequested", CC)
def requested(event: events.Requested) -> str:
    return f"CoreID: {event.core_id}\r\nCaller: {clean(event.caller)}\r\nCallee: {clean(event.callee)}\r\n"


@render(events.Told, lambda event: str(event.kind), CC, names=_TOLD)
def told(event: events.Told) -> str:
    return f"CoreID: {event.core_id}\r\nCaller: {clean(event.caller)}\r\n"


@render(events.Failure, "CCFailure", CC)
def failure(event: events.Failure) -> str:
    return f"CoreID: {event.core_id}\r\nCaller: {clean(event.caller)}\r\nReason: {clean(event.reason)}\r\n"


@render(events.MonitorFailed, "CCMonitorFailed", CC)
def monitor_failed(event: events.MonitorFailed) -> str:
    return f"CoreID: {event.core_id}\r\nCallee: {clean(event.callee)}\r\n"
