"""Who talked to whom and how long, where parties leave a bridge and come back: recorded once."""

from __future__ import annotations

from typing import Any

import pytest

from offhook.calls import events
from offhook.calls.bridge import Bridge
from offhook.calls.channel import Channel, State
from offhook.services.cdr.delivery import Backend, Batch
from offhook.services.cdr.engine import CdrEngine
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.record import Rules


class Talks:
    """Parties on a clock that is set by hand, and the records of their calls."""

    def __init__(self, exchange: Any) -> None:
        self.pbx = exchange.pbx
        self.time = 1000.0
        self.pbx.now = lambda: self.time
        self.found: list[Fields] = []
        engine = self.pbx.parts["cdr"] = CdrEngine(self.pbx)
        engine.configure(Rules(), Batch())
        engine.delivery.backends["test"] = Backend(self.found.append)

    def party(self, name: str, *, caller: Channel | None = None) -> Channel:
        """One who calls, or one called by somebody."""
        channel = Channel(self.pbx, f"Phone/{name}", outgoing=caller is not None, requester=caller)
        channel.created_at -= 1 / self.pbx.channels.total  # in the order of their coming
        if caller is not None:
            self.pbx.bus.publish(events.DialBegin(caller, channel, name))
        channel.set_state(State.UP)
        if caller is not None:
            self.pbx.bus.publish(events.DialEnd(caller, channel, "ANSWER"))
        return channel

    def between(self, one: str, two: str) -> list[tuple[float, float]]:
        """From when to when records say that two talked, in seconds from the beginning."""
        return [
            (fields.start.clock - 1000, fields.end.clock - 1000)
            for fields in self.found
            if fields.end is not None and (fields.channel, fields.dstchannel) == (f"Phone/{one}", f"Phone/{two}")
        ]


async def test_who_took_anothers_place_leaves_and_returns(exchange: Any) -> None:
    """A caller's first partner is replaced; the second one consults somebody and comes back with them."""
    talks = Talks(exchange)
    caller = talks.party("caller")
    first = talks.party("first", caller=caller)
    second = talks.party("second", caller=talks.party("other"))
    bridge, aside = Bridge(talks.pbx), Bridge(talks.pbx, dissolve_when_empty=False)
    bridge.minder = aside.minder = Unmoved()
    bridge.impart(caller)
    bridge.impart(first)
    talks.time += 5
    bridge.impart(second)
    first.hangup()
    talks.time += 5
    bridge.move(second, aside)
    third = talks.party("third", caller=talks.party("dialler"))
    aside.impart(third)
    talks.time += 5
    bridge.merge(aside)
    talks.time += 5
    for channel in (second, third, caller):
        channel.hangup()
    bridge.dissolve()
    assert talks.between("caller", "first") == [(0, 5)]
    assert talks.between("caller", "second") == [(5, 20)], "as in Asterisk: who comes back has not been away"
    assert talks.between("caller", "third") == [(15, 20)]
    assert talks.between("second", "third") == [(10, 15), (15, 20)]


async def test_who_leaves_for_good_is_not_talked_to_any_more(exchange: Any) -> None:
    talks = Talks(exchange)
    caller = talks.party("caller")
    first = talks.party("first", caller=caller)
    second = talks.party("second", caller=talks.party("other"))
    bridge, aside = Bridge(talks.pbx), Bridge(talks.pbx, dissolve_when_empty=False)
    bridge.minder = aside.minder = Unmoved()
    bridge.impart(caller)
    bridge.impart(first)
    talks.time += 5
    bridge.impart(second)
    first.hangup()
    talks.time += 5
    bridge.move(second, aside)
    talks.time += 5
    for channel in (second, caller):
        channel.hangup()
    bridge.dissolve()
    aside.dissolve()
    assert talks.between("caller", "second") == [(5, 10)]


@pytest.mark.parametrize("bridged_before", [False, True])
async def test_whose_partner_hung_up_is_talked_to_by_the_next_once_at_a_time(
    exchange: Any, bridged_before: bool
) -> None:
    """Two who were called are left together, one hangs up; a caller comes to the other one, who goes and returns."""
    talks = Talks(exchange)
    stays = talks.party("stays", caller=talks.party("one"))
    goes = talks.party("goes", caller=talks.party("two"))
    bridge, aside = Bridge(talks.pbx, dissolve_when_empty=False), Bridge(talks.pbx, dissolve_when_empty=False)
    bridge.minder = aside.minder = Unmoved()
    bridge.impart(goes)
    bridge.impart(stays)
    talks.time += 5
    goes.hangup()
    caller = talks.party("caller")
    if bridged_before:
        aside.impart(caller)
        aside.move(caller, bridge)
    else:
        bridge.impart(caller)
    talks.time += 5
    bridge.move(stays, aside)
    talks.time += 5
    aside.move(stays, bridge)
    talks.time += 5
    for channel in (stays, caller):
        channel.hangup()
    bridge.dissolve()
    aside.dissolve()
    assert talks.between("stays", "goes") == [(0, 5)]
    assert talks.between("caller", "stays") == [(5, 10)], "one record"
    assert talks.between("stays", "caller") == [(15, 20)], "who comes back is nobody's called party any more"


class Unmoved:
    """Keeps bridges that lose their members."""

    def entered(self, bridge: Bridge, channel: Channel, swap: Channel | None) -> None:
        """Nothing."""

    def departed(self, bridge: Bridge, channel: Channel) -> None:
        """Nothing."""


async def test_calls_that_meet_have_the_linked_id_of_the_oldest(exchange: Any) -> None:
    """Also who is there already when an older call comes in; it stays when they part."""
    talks = Talks(exchange)
    old, new = talks.party("old"), talks.party("new")
    called = talks.party("called", caller=new)
    assert called.linkedid == new.linkedid != old.linkedid
    bridge = Bridge(talks.pbx, dissolve_when_empty=False)
    bridge.minder = Unmoved()
    for channel in (new, called, old):
        bridge.impart(channel)
    assert {channel.linkedid for channel in (old, new, called)} == {old.uniqueid}
    changes = exchange.heard(events.LinkedIdChange)
    assert [(event.channel, event.old) for event in changes] == [(new, new.uniqueid), (called, new.uniqueid)]
    bridge.remove(new)
    assert new.linkedid == old.uniqueid
    for channel in (called, old, new):
        channel.hangup()
    bridge.dissolve()
    assert {fields.linkedid for fields in talks.found} == {old.uniqueid}
