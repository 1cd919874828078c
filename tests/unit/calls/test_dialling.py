"""Dial over Local channels: who is told what, and how it ends."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.calls import events
from offhook.log import NOTICE

PLAN = """
[callers]
exten => answer,1,Dial(Local/up@callees/n)
exten => go_on,1,Dial(Local/once@callees/n,,g)
 same => n,Set(GLOBAL(after)=${DIALSTATUS})
exten => busy,1,Dial(Local/busy@callees/n)
exten => nobody,1,Dial(Local/none@callees/n)
exten => late,1,Dial(Local/ring@callees/n,0.05)
exten => several,1,Dial(Local/ring@callees/n&Local/up@callees/n)
exten => optimized,1,Dial(Local/up@callees)
exten => h,1,Set(status=${DIALSTATUS})
 same => n,UserEvent(End,Status: ${DIALSTATUS})

[callees]
exten => up,1,Answer()
 same => n,Wait(60)
exten => once,1,Answer()
 same => n,Hangup()
exten => busy,1,Busy(1)
exten => ring,1,Ringing()
 same => n,Wait(60)
"""


async def status_after(exchange: Any, exten: str) -> str:
    """The DIALSTATUS with which a caller's Dial ended."""
    exchange.dialplan(PLAN)
    await exchange.call(f"Local/{exten}@callers/n", timeout=0.2)
    await exchange.until(lambda: exchange.heard(events.UserEvent) != [], 100_000)
    return dict(exchange.heard(events.UserEvent)[0].headers)["Status"]


async def test_an_answered_call_is_bridged(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    result = await exchange.call("Local/answer@callers/n")
    assert result.answered
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    bridge = next(iter(exchange.pbx.bridges))
    caller = exchange.named("Local/answer@callers-00000000;2")
    callee = exchange.named("Local/up@callees-00000001;1")
    assert set(bridge) == {caller, callee}
    assert caller.media.peer is callee.media
    assert caller.get("DIALSTATUS") == "ANSWER"
    assert caller.get("DIALEDPEERNAME") == callee.name


async def test_the_callees_hangup_ends_the_caller(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    await exchange.call("Local/answer@callers/n")
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    exchange.named("Local/up@callees-00000001;2").request_hangup(17)
    await exchange.until(lambda: not len(exchange.pbx.channels))
    left = [event.channel.name for event in exchange.heard(events.BridgeLeave)]
    assert sorted(left) == ["Local/answer@callers-00000000;2", "Local/up@callees-00000001;1"]
    assert len(exchange.heard(events.BridgeDestroy)) == 1


async def test_with_g_the_caller_goes_on(exchange: Any) -> None:
    exchange.dialplan(
        PLAN.replace("Set(GLOBAL(after)=", "UserEvent(After,Status: ").replace("})\nexten => busy", "})\nexten => busy")
    )
    await exchange.call("Local/go_on@callers/n")
    await exchange.until(lambda: any(event.name == "After" for event in exchange.heard(events.UserEvent)))


async def test_busy_is_told(exchange: Any) -> None:
    assert await status_after(exchange, "busy") == "BUSY"
    ends = [event.status for event in exchange.heard(events.DialEnd) if event.channel is not None]
    assert ends == ["BUSY"]


async def test_an_extension_that_does_not_exist_is_unavailable(exchange: Any) -> None:
    assert await status_after(exchange, "nobody") == "CHANUNAVAIL"


async def test_no_answer_in_time(exchange: Any) -> None:
    assert await status_after(exchange, "late") == "NOANSWER"


async def test_the_first_to_answer_wins_and_the_others_are_cancelled(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    await exchange.call("Local/several@callers/n")
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    ends = {event.peer.name: event.status for event in exchange.heard(events.DialEnd) if event.channel is not None}
    assert ends == {"Local/ring@callees-00000001;1": "CANCEL", "Local/up@callees-00000002;1": "ANSWER"}
    assert exchange.pbx.channels.by_prefix("Local/ring@callees") is None


async def test_the_callers_hangup_cancels_the_dialling(exchange: Any) -> None:
    exchange.dialplan(PLAN.replace("late,1,Dial(Local/ring@callees/n,0.05)", "late,1,Dial(Local/ring@callees/n)"))
    exchange.pbx.spawn(exchange.call("Local/late@callers/n"))
    await exchange.until(lambda: exchange.pbx.channels.by_prefix("Local/ring@callees") is not None)
    await exchange.until(lambda: exchange.heard(events.DialState) != [])
    exchange.named("Local/late@callers-00000000;2").request_hangup()
    await exchange.until(lambda: not len(exchange.pbx.channels))
    ends = [event.status for event in exchange.heard(events.DialEnd) if event.channel is not None]
    assert ends == ["CANCEL"]
    assert dict(exchange.heard(events.UserEvent)[0].headers)["Status"] == "CANCEL"


async def test_variables_marked_for_it_are_inherited(exchange: Any) -> None:
    exchange.dialplan(PLAN)
    await exchange.call("Local/answer@callers/n", variables=[("plain", "1"), ("_once", "2"), ("__always", "3")])
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    callee = exchange.named("Local/up@callees-00000001;1")
    assert (callee.get("plain"), callee.get("once"), callee.get("always")) == (None, "2", "3")


async def test_a_local_channel_between_two_bridges_takes_itself_out(exchange: Any) -> None:
    exchange.dialplan(
        """
[outer]
exten => go,1,Dial(Local/inner@outer)
exten => inner,1,Dial(Local/up@outer/n)
exten => up,1,Answer()
 same => n,Wait(60)
"""
    )
    await exchange.call("Local/go@outer/n")
    await exchange.until(lambda: exchange.heard(events.LocalOptimizationEnd) != [])
    await exchange.until(lambda: len(exchange.pbx.bridges) == 1)
    await exchange.until(lambda: exchange.pbx.channels.by_prefix("Local/inner") is None)
    bridge = next(iter(exchange.pbx.bridges))
    names = sorted(channel.name for channel in bridge)
    assert names == ["Local/go@outer-00000000;2", "Local/up@outer-00000002;1"]
    first, second = list(bridge)
    assert first.media.peer is second.media


@pytest.mark.parametrize("order", [{"application": "Wait"}, {"context": "in", "exten": "s"}])
async def test_a_call_may_end_before_its_task_begins(exchange, order):
    exchange.dialplan("[in]\nexten => s,1,Answer()\n same => n,Wait(60)\n")
    result = await exchange.call("Local/s@in", **order)
    result.channel.request_hangup()
    await exchange.until(lambda: not len(exchange.pbx.channels))


async def test_a_local_channel_stays_until_somebody_is_heard(exchange):
    exchange.dialplan(
        "[outer]\nexten => go,1,Dial(Local/inner@outer)\nexten => inner,1,Dial(Local/up@outer/n)\n"
        "exten => up,1,Answer()\n same => n,Wait(60)\n"
    )
    exchange.pbx.engine.heard = False
    await exchange.call("Local/go@outer/n")
    await exchange.until(lambda: len(exchange.pbx.bridges) == 2)
    inner = exchange.named("Local/inner@outer-00000001;1")
    await exchange.until(lambda: inner.pair.listening)
    assert exchange.heard(events.LocalOptimizationBegin) == []
    inner.media.heard = True
    await exchange.until(lambda: exchange.heard(events.LocalOptimizationEnd) != [], 1_000_000)


async def test_what_cannot_be_called_is_told(exchange: Any, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(NOTICE):
        result = await exchange.call("Pigeon/7")
    assert not result.answered
    assert "Pigeon/7 cannot be called: " in caplog.text
