"""Codes dialled in a call: blind and attended transfers, disconnecting, applications."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from offhook.apps import bridging
from offhook.calls import events
from offhook.calls.channel import Channel
from offhook.calls.frames import Digit
from offhook.calls.party import Party
from offhook.config.parser import loads
from offhook.functions import stack
from offhook.services.features import core
from offhook.services.features.configuration import read_features
from offhook.services.features.core import features_of

PLAN = """
[callers]
exten => alice,1,Dial(Local/bob@callees/n,,Tt)
exten => hangers,1,Dial(Local/bob@callees/n,,Hg)
 same => n,UserEvent(After)
 same => n,Wait(60)
exten => app,1,Set(DYNAMIC_FEATURES=mark#over)
 same => n,Dial(Local/bob@callees/n,,T)

[callees]
exten => bob,1,Answer()
 same => n,Wait(60)

[targets]
exten => 1234,1,Answer()
 same => n,Wait(60)
exten => 1200,1,Ringing()
 same => n,Wait(60)
exten => 1300,1,Hangup(17)
"""
CONFIG = """
[general]
featuredigittimeout = 20
transferdigittimeout = 1
atxferloopdelay = 0
[featuremap]
blindxfer = #1
atxfer = *2
disconnect = *0
[applicationmap]
mark = #9,peer,Set(marked=${DYNAMIC_WHO_ACTIVATED})
over = #8,self,AttendedTransfer(1234)
"""


class Talk:
    """A call of two, and what they dial."""

    def __init__(self, exchange: Any, caller: Channel, callee: Channel) -> None:
        self.exchange = exchange
        self.caller = caller
        self.callee = callee

    def dial(self, digits: str, channel: Channel | None = None) -> None:
        for digit in digits:
            (channel or self.caller).deliver(Digit(digit, False))
            (channel or self.caller).deliver(Digit(digit, True, 100))

    def steps(self, state: str = "") -> list[dict[str, str]]:
        """The test events of a state."""
        heard = self.exchange.heard(events.TestEvent)
        return [dict(event.headers) for event in heard if event.state == state]

    async def step(self, state: str, count: int = 1) -> dict[str, str]:
        """Wait for a test event."""
        await self.exchange.until(lambda: len(self.steps(state)) >= count, 100_000)
        return self.steps(state)[count - 1]


async def talk(exchange: Any, exten: str = "alice", config: str = CONFIG) -> Talk:
    """A call from ``exten`` to bob."""
    exchange.load(core)
    exchange.load(stack)
    features = features_of(exchange.pbx)
    exchange.pbx.parts["member_features"] = [features.watch]
    features.config = read_features(loads(config, "features.conf"))
    exchange.dialplan(PLAN)
    await exchange.call(f"Local/{exten}@callers/n", variables=[("__TRANSFER_CONTEXT", "targets")])
    await exchange.until(lambda: any(len(bridge) == 2 for bridge in exchange.pbx.bridges))
    caller = exchange.named(f"Local/{exten}@callers-00000000;2")
    return Talk(exchange, caller, exchange.named("Local/bob@callees-00000001;1"))


async def test_a_code_begun_and_not_finished_is_passed_on(exchange: Any) -> None:
    call = await talk(exchange)
    call.dial("#")
    sent = lambda: [e.digit for e in exchange.heard(events.DtmfEnd) if e.direction == "Sent"]  # noqa: E731
    assert sent() == []
    await exchange.until(lambda: sent() == ["#"], 100_000)
    assert call.steps("FEATURE_DETECTION") == [{"Result": "fail"}]


async def test_other_digits_pass_at_once(exchange: Any) -> None:
    call = await talk(exchange)
    call.dial("5")
    assert [e.digit for e in exchange.heard(events.DtmfEnd) if e.direction == "Sent"] == ["5"]


async def test_the_caller_transfers_blindly(exchange: Any) -> None:
    call = await talk(exchange)
    call.dial("#1")
    await call.step("TRANSFER_BEGIN_DIAL")
    call.dial("1234")
    await exchange.until(lambda: exchange.heard(events.BlindTransfer) != [])
    done = exchange.heard(events.BlindTransfer)[0]
    assert (done.result, done.exten, done.context, done.external) == ("Success", "1234", "targets", False)
    assert await call.step("TRANSFER_DIAL_FINAL") == {"Channel": call.caller.name, "Result": "Success"}
    await exchange.until(lambda: call.callee.application == "Wait")
    assert call.callee.get("BLINDTRANSFER") == call.caller.name
    assert call.callee.get("TRANSFERERNAME") == call.caller.name
    assert call.steps("FEATURE_DETECTION")[-1] == {"Result": "success", "Feature": "blindxfer"}
    await exchange.until(lambda: call.caller.hungup)


async def test_the_transferer_may_go_on_elsewhere(exchange: Any) -> None:
    call = await talk(exchange)
    call.caller.set("GOTO_ON_BLINDXFR", "targets^1200^1")
    call.dial("#11234")
    await exchange.until(lambda: call.callee.application == "Wait" and call.caller.exten == "1200")
    assert call.caller.alive


async def test_after_wrong_extensions_the_parties_are_together_again(exchange: Any) -> None:
    call = await talk(exchange, config=CONFIG.replace("[featuremap]", "transferdialattempts = 2\n[featuremap]"))
    call.dial("*2")
    for attempt in ("1", "2"):
        assert (await call.step("TRANSFER_BEGIN_DIAL", int(attempt)))["Attempt"] == attempt
        call.dial("99")
        dialled = await call.step("TRANSFER_DIALLED", int(attempt))
        assert (dialled["Dialled"], dialled["Result"]) == ("9", "Failure")
        await asyncio.sleep(0)
    assert (await call.step("TRANSFER_DIAL_FINAL"))["Result"] == "Failure"
    await exchange.until(lambda: call.caller.media.peer is call.callee.media)


async def test_disconnect_ends_the_call_and_the_dialplan_goes_on(exchange: Any) -> None:
    call = await talk(exchange, "hangers")
    call.dial("*0")
    await exchange.until(lambda: any(event.name == "After" for event in exchange.heard(events.UserEvent)))
    await exchange.until(lambda: call.callee.hungup)


async def test_an_application_runs_on_the_other_party(exchange: Any) -> None:
    call = await talk(exchange, "app")
    call.dial("#9")
    await exchange.until(lambda: call.callee.get("marked") == call.caller.name)
    await exchange.until(lambda: call.caller.media.peer is call.callee.media)


async def test_an_application_begins_an_attended_transfer(exchange: Any) -> None:
    exchange.load(bridging)
    call = await talk(exchange, "app")
    call.dial("#8")
    await exchange.until(lambda: exchange.pbx.channels.by_prefix("Local/1234@targets") is not None)
    target = exchange.named("Local/1234@targets")
    await exchange.until(lambda: call.caller.bridge is target.bridge)
    assert call.caller.get("ATTENDEDTRANSFERSTATUS") == "SUCCESS"


async def consult(exchange: Any, exten: str = "1234", config: str = CONFIG) -> tuple[Talk, Channel]:
    """The caller of a call talks to a transfer's target, or hears it ring."""
    call = await talk(exchange, config=config)
    call.dial("*2" + exten)
    target: list[Channel] = []

    def together() -> bool:
        found = exchange.pbx.channels.by_prefix(f"Local/{exten}@targets")
        if found is not None and call.caller.bridge is not None and found in call.caller.bridge.members:
            target[:] = [found]
        return bool(target) and call.callee not in call.caller.bridge.members

    await exchange.until(together, 100_000)
    return call, target[0]


async def test_hanging_up_completes_an_attended_transfer(exchange: Any) -> None:
    call, target = await consult(exchange)
    bridge = call.callee.bridge
    await exchange.until(lambda: target.answered_at is not None)
    await asyncio.sleep(0)
    call.caller.request_hangup()
    await exchange.until(lambda: exchange.heard(events.AttendedTransfer) != [])
    done = exchange.heard(events.AttendedTransfer)[0]
    assert (done.result, done.dest_type, done.transferee, done.external) == ("Success", "Bridge", call.callee, False)
    await exchange.until(lambda: call.caller.hungup and len(bridge) == 2)
    assert bridge.minder is None
    call.callee.request_hangup()
    await exchange.until(lambda: not len(exchange.pbx.bridges))


@pytest.mark.parametrize("code", ["*1", "*2", "*3"])
async def test_codes_while_consulting(exchange: Any, code: str) -> None:
    call, target = await consult(exchange)
    bridge = call.callee.bridge
    await exchange.until(lambda: target.answered_at is not None)
    await asyncio.sleep(0)
    call.dial(code)
    if code == "*1":
        await exchange.until(lambda: set(bridge) == {call.caller, call.callee} and target.hungup)
        assert not exchange.heard(events.AttendedTransfer)
        return
    await exchange.until(lambda: exchange.heard(events.AttendedTransfer) != [])
    kind = exchange.heard(events.AttendedTransfer)[0].dest_type
    if code == "*2":
        assert kind == "Bridge"
        await exchange.until(lambda: call.caller.hungup and len(bridge) == 2)
    else:
        assert kind == "Threeway"
        assert len(bridge) == 3
        target.request_hangup()
        await exchange.until(lambda: set(bridge) == {call.caller, call.callee})


async def test_swapping_between_transferee_and_target(exchange: Any) -> None:
    call, target = await consult(exchange)
    near = call.callee.bridge
    await exchange.until(lambda: target.answered_at is not None)
    await asyncio.sleep(0)
    call.dial("*4")
    await exchange.until(lambda: call.caller.bridge is near)
    call.dial("*4")
    await exchange.until(lambda: call.caller.bridge is not near and call.caller.bridge is target.bridge)
    target.request_hangup()
    await exchange.until(lambda: set(near) == {call.caller, call.callee} and near.minder is None)


async def test_a_busy_target_brings_the_parties_back_together(exchange: Any) -> None:
    call = await talk(exchange)
    near = call.callee.bridge
    call.dial("*21300")
    await exchange.until(lambda: exchange.pbx.channels.by_prefix("Local/1300@targets") is not None)
    await exchange.until(lambda: set(near) == {call.caller, call.callee} and near.minder is None, 100_000)
    await exchange.until(lambda: call.caller.media.peer is call.callee.media)


async def test_a_blonde_transfer_is_complete_when_the_call_may_drop(exchange: Any) -> None:
    call, target = await consult(exchange, "1200", CONFIG.replace("[featuremap]", "atxferdropcall = yes\n[featuremap]"))
    bridge = call.callee.bridge
    target.caller.id = Party.of("1200", "Charlie")
    call.caller.request_hangup()
    await exchange.until(lambda: set(bridge) == {call.callee, target} and bridge.minder is None)
    assert call.callee.connected.id.labels() == ("1200", "Charlie"), "told while the target rings"
    assert exchange.heard(events.AttendedTransfer)[0].result == "Success"


async def test_without_dropping_the_transferer_is_called_back(exchange: Any) -> None:
    call, target = await consult(exchange, "1200", CONFIG)
    bridge = call.callee.bridge
    call.caller.request_hangup()
    await exchange.until(lambda: set(bridge) == {call.callee, target})
    target.request_hangup()
    await exchange.until(lambda: len(bridge) == 2 and target not in bridge.members, 100_000)
    called = [event.peer.name for event in exchange.heard(events.DialBegin)]
    assert any(name.startswith("Local/alice@callers-0000000") for name in called[2:])
    await exchange.until(lambda: bridge.minder is None)


async def test_the_transferees_end_leaves_transferer_and_target_talking(exchange: Any) -> None:
    call, target = await consult(exchange)
    await exchange.until(lambda: target.answered_at is not None)
    await asyncio.sleep(0)
    bridge = target.bridge
    call.callee.request_hangup()
    await exchange.until(lambda: bridge.minder is None)
    assert set(bridge) == {call.caller, target}


async def test_functions_change_one_channel_only(exchange: Any) -> None:
    call = await talk(exchange)
    call.caller.set_by_name("FEATURE(transferdialattempts)", "1")
    call.caller.set_by_name("FEATUREMAP(blindxfer)", "**")
    features = features_of(exchange.pbx)
    assert features.general(call.caller).transferdialattempts == 1
    assert features.code(call.caller, "blindxfer") == "**"
    assert features.code(call.callee, "blindxfer") == "#1"
    call.caller.set_by_name("FEATURE(inherit)", "yes")
    call.callee.inherit_from(call.caller)
    assert features.code(call.callee, "blindxfer") == "**"
