"""Page: many hear one."""

from __future__ import annotations

from typing import Any

from offhook.apps import flow, page
from offhook.calls import events
from offhook.functions import channel, shared, stack
from unit.apps.stories import caller, eventually

PHONES = """
[phones]
exten => _up.,1,Answer()
 same => n,Wait(60)
exten => ring,1,Ringing()
 same => n,Wait(60)
exten => gosub,1,Set(GLOBAL(ran)=${GLOBAL(ran)}+${CHANNEL(name):0:12}${ARG1})
 same => n,Return()
"""


def members(exchange: Any) -> dict[str, bool]:
    """Who is in the one bridge, and whether it is muted."""
    bridges = list(exchange.pbx.bridges)
    if not bridges:
        return {}
    return {channel.name.split("@")[0]: member.muted for channel, member in bridges[0].members.items()}


async def test_who_answers_hears_the_caller_and_is_muted(exchange: Any) -> None:
    exchange.load(page)
    paging = await caller(
        exchange, "[test]\nexten => s,1,Answer()\n same => n,Page(Local/up1@phones/n&Local/up2@phones/n,q)\n" + PHONES
    )
    await eventually(lambda: len(members(exchange)) == 4)
    found = members(exchange)
    announcer = next(name for name in found if name.startswith("CBAnn/"))
    assert found == {announcer: False, "Local/s": False, "Local/up1": True, "Local/up2": True}
    paging.request_hangup()
    await eventually(lambda: not len(exchange.pbx.bridges) and exchange.pbx.channels.by_prefix("Local/up") is None)


async def test_duplex_mutes_nobody(exchange: Any) -> None:
    exchange.load(page)
    await caller(exchange, "[test]\nexten => s,1,Page(Local/up1@phones/n,dqA(hello))\n" + PHONES)
    await eventually(lambda: members(exchange).get("Local/up1") is False)


async def test_phones_that_do_not_answer_in_time_are_given_up(exchange: Any) -> None:
    exchange.load(page)
    await caller(exchange, "[test]\nexten => s,1,Page(Local/ring@phones/n,q,1)\n" + PHONES)
    await eventually(lambda: len(members(exchange)) == 2)
    await eventually(lambda: exchange.pbx.channels.by_prefix("Local/ring") is not None)
    await eventually(lambda: exchange.pbx.channels.by_prefix("Local/ring") is None)
    assert len(members(exchange)) == 2


async def test_the_caller_may_leave_before_anybody_answers(exchange: Any) -> None:
    exchange.load(page)
    paging = await caller(exchange, "[test]\nexten => s,1,Page(Local/ring@phones/n,q)\n" + PHONES)
    await eventually(lambda: exchange.heard(events.DialState) != [])
    paging.request_hangup()
    await eventually(lambda: not len(exchange.pbx.channels) or exchange.pbx.channels.by_prefix("Local/ring") is None)
    await eventually(lambda: not len(exchange.pbx.bridges))


async def test_subroutines_before_the_call(exchange: Any) -> None:
    for source in (channel, flow, page, shared, stack):
        exchange.load(source)
    await caller(
        exchange,
        "[test]\nexten => s,1,Page(Local/up1@phones/n,qb(phones^gosub^1(called))B(phones^gosub^1(caller)))\n" + PHONES,
    )
    await eventually(lambda: len(members(exchange)) == 3)
    assert (exchange.pbx.globals.get("ran") or "").count("caller") == 1
    assert (exchange.pbx.globals.get("ran") or "").count("called") == 1


async def test_busy_devices_may_be_left_out(exchange: Any) -> None:
    exchange.load(page)
    exchange.dialplan(PHONES)
    await exchange.call("Local/up2@phones/n")
    await caller(
        exchange, "[test]\nexten => s,1,Page(Local/up1@phones/n&Local/up2@phones/n,sq)\n same => n,Wait(9)\n" + PHONES
    )
    await eventually(lambda: "Local/up1" in members(exchange))
    begun = [event.dial_string for event in exchange.heard(events.DialBegin)]
    assert begun == ["up2@phones/n", "s@test", "up1@phones/n"]
