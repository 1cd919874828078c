"""Transfers: who talks to whom afterwards, and what is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Condition, Control
from offhook.calls.transfer import Transfer, attended_transfer, blind_transfer

PLAN = """
[all]
exten => a,1,Dial(Local/b@all/n)
exten => b,1,Answer()
 same => n,Wait(60)
exten => c,1,Dial(Local/d@all/n)
exten => d,1,Answer()
 same => n,Wait(60)
exten => target,1,Answer()
 same => n,Wait(60)
exten => app,1,Answer()
 same => n,Wait(60)
"""


async def bridged(exchange: Any, exten: str, peer: str) -> tuple[Any, Any]:
    """A bridged call from extension to peer: the caller's and the called channel."""
    known = len(exchange.pbx.bridges)
    await exchange.call(f"Local/{exten}@all/n")
    await exchange.until(lambda: len(exchange.pbx.bridges) == known + 1)
    caller = next(c for c in exchange.pbx.channels if c.name.startswith(f"Local/{exten}@") and c.name.endswith(";2"))
    called = next(c for c in exchange.pbx.channels if c.name.startswith(f"Local/{peer}@") and c.name.endswith(";1"))
    return caller, called


async def test_a_blind_transfer_sends_the_other_party_on(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    caller, called = await bridged(exchange, "a", "b")
    assert blind_transfer(called, "all", "target") is Transfer.SUCCESS
    await exchange.until(lambda: caller.exten == "target" and caller.application == "Wait")
    assert caller.get("BLINDTRANSFER") == called.name
    await exchange.until(lambda: called.hungup)
    (event,) = exchange.heard(events.BlindTransfer)
    assert (event.result, event.transferee, event.exten) == ("Success", caller, "target")


async def test_the_called_party_can_be_sent_on_as_well(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    caller, called = await bridged(exchange, "a", "b")
    assert blind_transfer(caller, "all", "target") is Transfer.SUCCESS
    await exchange.until(lambda: called.exten == "target" and called.application == "Wait")
    await exchange.until(lambda: caller.hungup)


async def test_a_channel_alone_cannot_transfer(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    await exchange.call("Local/app@all/n")
    channel = exchange.named("Local/app@all-00000000;2")
    assert blind_transfer(channel, "all", "target") is Transfer.INVALID
    assert exchange.heard(events.BlindTransfer)[0].result == "Invalid"


async def test_an_attended_transfer_joins_the_two_calls(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    transferee, first = await bridged(exchange, "a", "b")
    second, target = await bridged(exchange, "c", "d")
    assert attended_transfer(first, second) is Transfer.SUCCESS
    await exchange.until(lambda: first.hungup and second.hungup)
    assert transferee.bridge is target.bridge is not None
    assert set(transferee.bridge) == {transferee, target}
    assert transferee.media.peer is target.media
    assert transferee.get("ATTENDEDTRANSFER") == first.name
    (event,) = exchange.heard(events.AttendedTransfer)
    assert (event.result, event.dest_type) == ("Success", "Bridge")


async def test_an_attended_transfer_into_an_application(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    transferee, first = await bridged(exchange, "a", "b")
    await exchange.call("Local/app@all/n")
    second = next(c for c in exchange.pbx.channels if c.name.startswith("Local/app@") and c.name.endswith(";2"))
    await exchange.until(lambda: second.application == "Wait")
    assert attended_transfer(first, second) is Transfer.SUCCESS
    await exchange.until(lambda: transferee.exten == "app" and transferee.application == "Wait")
    assert exchange.heard(events.AttendedTransfer)[0].dest_app == "Wait"


async def test_both_legs_in_one_bridge_are_no_transfer(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    caller, called = await bridged(exchange, "a", "b")
    assert attended_transfer(caller, called) is Transfer.FAIL


BLONDE = """
[calls]
exten => talk,1,Dial(Local/up@calls/n)
exten => up,1,Answer()
 same => n,Wait(60)
exten => ask,1,Dial(Local/ring@calls/n,60)
exten => ring,1,Ringing()
 same => n,Wait(60)
"""


async def blonde(exchange, *, by_the_called=False):
    """A talks to B; A's other call rings at C and is given to B: B, and C's side that rings."""
    exchange.dialplan(BLONDE)
    await exchange.call("Local/talk@calls/n")
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    first = exchange.named("Local/talk@calls-00000000;2")
    other = first.bridge.peer(first)
    if by_the_called:
        first, other = other, first
    exchange.pbx.spawn(exchange.call("Local/ask@calls/n", timeout=None))
    await exchange.until(lambda: exchange.pbx.channels.by_prefix("Local/ring@calls") is not None)
    second = exchange.named("Local/ask@calls-00000002;2")
    target = exchange.named("Local/ring@calls-00000003;1")
    await exchange.until(lambda: target.state.text == "Ringing")
    assert attended_transfer(first, second) is Transfer.SUCCESS
    await exchange.until(lambda: second.hungup and first.hungup)
    return other, target


@pytest.mark.parametrize("by_the_called", [False, True])
async def test_who_rings_goes_on_ringing_for_the_transferee(exchange, by_the_called):
    other, target = await blonde(exchange, by_the_called=by_the_called)
    await exchange.until(lambda: other.application == "Dial")
    assert target.alive
    assert [event.status for event in exchange.heard(events.DialEnd) if event.peer is target] == []
    target.deliver(Control(Condition.ANSWER))
    target.mark_up()
    await exchange.until(lambda: other.bridge is not None and set(other.bridge) == {other, target})
    assert other.get("DIALSTATUS") == "ANSWER"


async def test_who_rings_stops_when_the_transferee_leaves(exchange):
    other, target = await blonde(exchange)
    other.request_hangup()
    await exchange.until(lambda: target.hungup)
    assert [event.status for event in exchange.heard(events.DialEnd) if event.peer is target] == ["CANCEL"]


async def test_the_transferee_may_be_there_before_the_transferer_is_gone(exchange, monkeypatch):
    hang_up = Channel.request_hangup

    async def later(channel, cause):
        for _ in range(50):
            await asyncio.sleep(0)
        hang_up(channel, cause)

    def late(channel, cause=0):
        if channel.name.startswith("Local/ask@"):
            channel.pbx.spawn(later(channel, cause))
        else:
            hang_up(channel, cause)

    monkeypatch.setattr(Channel, "request_hangup", late)
    other, target = await blonde(exchange, by_the_called=True)
    await exchange.until(lambda: other.application == "Dial")
    assert target.alive
    target.deliver(Control(Condition.ANSWER))
    target.mark_up()
    await exchange.until(lambda: other.bridge is not None and set(other.bridge) == {other, target})
