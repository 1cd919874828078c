"""Lines whose hardware is pulled out, whatever they were doing, and that come back; and once more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.events import Hangup
from support import isdn_story
from support.line_story import FOUR_PEOPLE, Office
from support.line_talk import connect, hears

CONFIGURATION = f"""
[channels]
echocancel = no
context = phones
threewaycalling = yes
transfer = yes
callwaiting = yes
signalling = fxo_ks
description = by the window
{FOUR_PEOPLE}
signalling = fxs_ks
context = trunk
channel => 5-6
"""
PLAN = """
[phones]
exten => _10X,1,Dial(DAHDI/${EXTEN:2},60)
exten => 601,1,Answer()
 same => n,Wait(60)
exten => 9,1,Dial(DAHDI/5/5551234,60)
exten => 102,hint,DAHDI/2
[trunk]
exten => s,1,Dial(DAHDI/2,60)
"""
NOT_INUSE, UNAVAILABLE = 0, 4


async def idle(office: Office) -> None:
    """Nobody does anything."""


async def dial_tone(office: Office) -> None:
    """Off the hook."""
    office.phone(1).off_hook()
    await office.advance(0.5)


async def dialling(office: Office) -> None:
    """In the middle of a number."""
    await dial_tone(office)
    office.phone(1).dial("10")
    await office.advance(0.6)


async def pulse_dialling(office: Office) -> None:
    """In the middle of a digit."""
    await dial_tone(office)
    office.phone(1).pulse("19")
    await office.advance(1.0)


async def ringing(office: Office) -> None:
    """One rings the other."""
    await dial_tone(office)
    office.phone(1).dial("102")
    await office.until(lambda: office.phone(2).ringing)


async def talking(office: Office) -> None:
    """Two talk."""
    await connect(office, 1, 2)


async def call_waiting(office: Office) -> None:
    """Two talk, a third one waits."""
    await connect(office, 1, 2)
    await office.dial(office.phone(3), "101")
    await office.advance(2.0)
    assert len(office.pbx.channels) == 4


async def holding(office: Office) -> None:
    """One has put the other on hold, and hears dial tone."""
    await connect(office, 1, 2)
    office.phone(1).flash()
    await office.advance(1.5)


async def three_way(office: Office) -> None:
    """Three talk."""
    await holding(office)
    office.phone(1).dial("103")
    await office.until(lambda: office.phone(3).ringing)
    office.phone(3).off_hook()
    await office.advance(2.5)
    office.phone(1).flash()
    await office.advance(1.0)
    assert await hears(office, 1, 2) and await hears(office, 1, 3)


async def congestion(office: Office) -> None:
    """A call is over, the handset not yet down."""
    await connect(office, 1, 2)
    office.phone(2).on_hook()
    await office.advance(2.0)


async def called_from_outside(office: Office) -> None:
    """An exchange rings, a phone with it."""
    office.line(6).ring()
    await office.until(lambda: office.phone(2).ringing, 12)


async def calling_outside(office: Office) -> None:
    """A number goes out on a line."""
    await dial_tone(office)
    office.phone(1).dial("9")
    await office.advance(2.0)
    assert office.line(5).seized


STATES = [
    *(idle, dial_tone, dialling, pulse_dialling, ringing, talking, call_waiting, holding, three_way, congestion),
    *(called_from_outside, calling_outside),
]


def lay(office: Office) -> None:
    """The hardware: a span of phones and one of lines."""
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"), number=1)
    office.system.add_span(dict.fromkeys(range(5, 9), "fxs_ks"), number=2)


@pytest.mark.parametrize("state", STATES, ids=[state.__name__ for state in STATES])
async def test_everything_ends_and_comes_back_twice(office: Office, state: Callable[[Office], Awaitable[None]]) -> None:
    lay(office)
    lines = await office.begin(CONFIGURATION, PLAN)
    assert len(lines.ports) == 6
    for _ in range(2):
        await state(office)
        opened = [port for port in office.system.ports.values() if port.is_open]
        there = list(office.pbx.channels)
        office.events.clear()
        for span in (1, 2):
            office.system.remove_span(span)
        await office.advance(0.1)
        assert not any(port.is_open for port in opened) and len(opened) == 6, "every descriptor is closed at once"
        assert not lines.ports and not len(office.pbx.channels) and office.engine.figures().legs == 0
        ended = {event.channel: event.channel.hangup_cause for event in office.heard(Hangup)}
        assert set(ended) == set(there)
        assert set(ended.values()) <= {causes.DESTINATION_OUT_OF_ORDER, causes.NORMAL_CLEARING}
        assert not there or causes.DESTINATION_OUT_OF_ORDER in ended.values()
        lay(office)
        await office.until(lambda: len(lines.ports) == 6, 5)
        assert lines.ports[1].settings["description"] == "by the window"
        await connect(office, 1, 2)
        assert await hears(office, 1, 2)
        office.phone(1).on_hook()
        office.phone(2).on_hook()
        await office.advance(3.0)


async def test_trunks_are_pulled_out_and_come_back_twice(office: Office) -> None:
    """ISDN: D channels and B channels of both ends of a cable."""
    lines = await isdn_story.start(office)
    for _ in range(2):
        channel = lines.request("g2/5551", None, ("", ""))
        channel.tech_call("")
        for _ in range(500):
            if channel.state is State.UP:
                break
            await office.advance(0.01)
        opened = [port for port in office.system.ports.values() if port.is_open and port.number > 8]
        assert len(opened) == 62 and channel.state is State.UP
        for span in (3, 4):
            office.system.remove_span(span)
        await office.advance(0.1)
        assert not any(port.is_open for port in opened) and channel.hungup and not len(office.pbx.channels)
        assert channel.hangup_cause == causes.DESTINATION_OUT_OF_ORDER
        for span, first in ((3, 9), (4, 40)):
            kinds = {number: "hdlcfcs" if number == first + 15 else "clear" for number in range(first, first + 31)}
            office.system.add_span(kinds, "alaw", number=span)
        office.system.cable(3, 4)
        await office.until(lambda: {23, 70} <= lines.ports.keys() and all(span.up for span in lines.isdn), 60)


async def test_the_other_side_of_a_call_is_told_why(office: Office) -> None:
    """The lines stay, the phones are pulled out."""
    lay(office)
    lines = await office.begin(CONFIGURATION, PLAN)
    await called_from_outside(office)
    office.phone(2).off_hook()
    await office.advance(1.0)
    outside = office.channel("DAHDI/6-")
    office.system.remove_span(1)
    await office.advance(0.1)
    assert not outside.alive and sorted(lines.ports) == [5, 6] and not office.line(6).seized
    office.line(6).stop_ringing()


async def test_who_watches_a_phone_sees_it_go_and_come_back(office: Office) -> None:
    lay(office)
    await office.begin(CONFIGURATION, PLAN)
    assert office.pbx.hints.state("phones", "102") == NOT_INUSE
    seen: list[int] = []
    office.pbx.hints.watch("phones", "102", lambda hint: seen.append(hint.state))
    office.system.remove_span(1)
    await office.advance(0.1)
    assert office.pbx.hints.state("phones", "102") == UNAVAILABLE and seen[-1:] == [UNAVAILABLE]
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"), number=1)
    await office.advance(3.0)
    assert office.pbx.hints.state("phones", "102") == NOT_INUSE and seen[-1:] == [NOT_INUSE]


async def test_a_call_to_a_phone_that_is_away_is_refused(office: Office) -> None:
    lay(office)
    await office.begin(CONFIGURATION, PLAN.replace("Dial(DAHDI/2,60)", "Dial(DAHDI/2,60)\n same => n,Busy(5)"))
    office.system.remove_span(1)
    await office.advance(0.1)
    office.line(6).ring()
    await office.until(lambda: len(office.pbx.channels) == 1, 12)
    await office.until(lambda: office.channel("DAHDI/6-").variables.get("DIALSTATUS") == "CHANUNAVAIL")
    office.line(6).stop_ringing()
