"""Manager events of dialling, digits and Local channels."""

from __future__ import annotations

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.control.manager.permissions import CALL, DTMF
from offhook.control.manager.render import channel_block, render


def _both(caller: Channel | None, peer: Channel) -> str | None:
    block = channel_block(peer, "Dest")
    before = "" if caller is None else channel_block(caller)
    return None if block is None or before is None else before + block


@render(events.DialBegin, "DialBegin", CALL)
def dial_begin(event: events.DialBegin) -> str | None:
    block = _both(event.channel, event.peer)
    return block and f"{block}DialString: {event.dial_string or 'unknown'}\r\n"


@render(events.DialState, "DialState", CALL)
def dial_state(event: events.DialState) -> str | None:
    block = _both(event.channel, event.peer)
    return block and f"{block}DialStatus: {event.status}\r\n"


@render(events.DialEnd, "DialEnd", CALL)
def dial_end(event: events.DialEnd) -> str | None:
    block = _both(event.channel, event.peer)
    forward = f"Forward: {event.forward}\r\n" if event.forward else ""
    return block and f"{block}{forward}DialStatus: {event.status}\r\n"


@render(events.DtmfBegin, "DTMFBegin", DTMF)
def dtmf_begin(event: events.DtmfBegin) -> str | None:
    block = channel_block(event.channel)
    return block and f"{block}Digit: {event.digit}\r\nDirection: {event.direction}\r\n"


@render(events.DtmfEnd, "DTMFEnd", DTMF)
def dtmf_end(event: events.DtmfEnd) -> str | None:
    block = channel_block(event.channel)
    return block and (
        f"{block}Digit: {event.digit}\r\nDurationMs: {event.duration_ms}\r\nDirection: {event.direction}\r\n"
    )


def _halves(one: Channel, two: Channel) -> str | None:
    first, second = channel_block(one, "LocalOne"), channel_block(two, "LocalTwo")
    return first and second and first + second


@render(events.LocalBridge, "LocalBridge", CALL)
def local_bridge(event: events.LocalBridge) -> str | None:
    block = _halves(event.one, event.two)
    return block and (
        f"{block}Context: {event.context}\r\nExten: {event.exten}\r\n"
        f"LocalOptimization: {'Yes' if event.optimized else 'No'}\r\n"
    )


@render(events.LocalOptimizationBegin, "LocalOptimizationBegin", CALL)
def local_optimization_begin(event: events.LocalOptimizationBegin) -> str | None:
    block = _halves(event.one, event.two)
    source = "" if event.source is None else channel_block(event.source, "Source")
    if block is None or source is None:
        return None
    return f"{block}{source}DestUniqueId: {event.two.uniqueid}\r\nId: {event.id}\r\n"


@render(events.LocalOptimizationEnd, "LocalOptimizationEnd", CALL)
def local_optimization_end(event: events.LocalOptimizationEnd) -> str | None:
    block = _halves(event.one, event.two)
    return block and f"{block}Success: {'Yes' if event.success else 'No'}\r\nId: {event.id}\r\n"
