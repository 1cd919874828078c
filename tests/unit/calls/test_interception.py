"""Subroutines that see identities before a party is told them."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.apps import flow
from offhook.calls import events
from offhook.functions import callerid, shared, stack

PLAN = """
[test]
exten => 100,1,Set(__CONNECTED_LINE_SEND_SUB=caller,s,1)
 same => n,Set(__CONNECTED_LINE_SEND_SUB_ARGS=45,4)
 same => n,Set(__REDIRECTING_SEND_SUB=caller,r,1)
 same => n,Dial(Local/101@test/n)
exten => 101,1,Set(CONNECTEDLINE(num)=5551212)
 same => n,Set(REDIRECTING(to-num)=2000)
 same => n,Answer()
 same => n,Wait(60)
[caller]
exten => s,1,Set(CONNECTEDLINE(num,i)=${ARG1}${CONNECTEDLINE(num):-${ARG2}})
 same => n,UserEvent(Connected,number: ${CONNECTEDLINE(num)})
 same => n,Return()
exten => r,1,UserEvent(Redirected,number: ${REDIRECTING(to-num)})
 same => n,Return()
"""


@pytest.mark.parametrize(("name", "number"), [("Connected", "451212"), ("Redirected", "2000")])
async def test_the_caller_is_told_what_the_subroutine_leaves(exchange: Any, name: str, number: str) -> None:
    for source in (callerid, flow, shared, stack):
        exchange.load(source)
    exchange.dialplan(PLAN)
    exchange.pbx.spawn(exchange.call("Local/100@test/n", timeout=None))
    await exchange.until(lambda: any(event.name == name for event in exchange.heard(events.UserEvent)))
    told = [event for event in exchange.heard(events.UserEvent) if event.name == name]
    assert [dict(event.headers)["number"] for event in told] == [number]
    caller = exchange.named("Local/100@test-00000000;2")
    await exchange.until(lambda: caller.connected.id.number.text == "451212")
    await exchange.until(lambda: caller.get("DIALSTATUS") == "ANSWER")
    assert caller.exten == "100"
