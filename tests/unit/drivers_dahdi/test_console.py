"""What the console tells at -vvv while lines are in use, in the words that people look for."""

from __future__ import annotations

import pytest

from offhook.log import VERBOSE
from support.isdn_story import start
from support.line_story import Office
from support.line_talk import call_for, connect, consult

LINES = """
[channels]
signalling = fxo_ks
echocancel = no
context = phones
callwaiting = yes
callwaitingcallerid = yes
cancallforward = yes
channel => 1-3
signalling = fxs_ks
context = lines
usedistinctiveringdetection = yes
dring1 = 325,95,0
dring1context = special
channel => 5
"""
PLAN = """
[phones]
exten => _10X,1,Dial(DAHDI/${EXTEN:2},60)
exten => 600,1,Answer()
 same => n,Wait(60)
[lines]
exten => s,1,Answer()
[special]
exten => s,1,Answer()
"""


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Has everything that is told."""
    caplog.set_level(VERBOSE, "offhook")
    return caplog


def ordered(told: pytest.LogCaptureFixture, *wanted: str) -> bool:
    """Whether these were told, one after the other, maybe with others between."""
    left = iter(told.messages)
    return all(text in left for text in wanted)


async def test_channels_come_change_and_go(office: Office, told: pytest.LogCaptureFixture) -> None:
    await office.start(LINES, PLAN)
    await office.reload()
    await office.cli("dahdi destroy channel 2")
    assert ordered(
        told,
        "Registered channel 1, FXO Kewlstart signalling",
        "Registered channel 5, FXS Kewlstart signalling",
        "Reconfigured channel 1, FXO Kewlstart signalling",
        "Unregistered channel 2",
    )


async def test_a_phone_dials_codes_and_a_number(office: Office, told: pytest.LogCaptureFixture) -> None:
    await office.start(LINES, PLAN)
    phone = office.phone(1)
    await office.dial(phone, "*78")
    await office.advance(1.5)
    phone.dial("*70")
    await office.advance(1.5)
    phone.dial("*72")
    await office.advance(1.5)
    phone.dial("600")
    await office.advance(3)
    phone.dial("*73")
    await office.advance(2)
    phone.on_hook()
    await office.advance(0.5)
    name = "DAHDI/1-1"
    assert ordered(
        told,
        f"Starting simple switch on '{name}'",
        "Enabled DND on channel 1",
        f"Disabling call waiting on {name}",
        "Setting call forward to '600' on channel 1",
        "Cancelling call forwarding on channel 1",
        f"Hungup '{name}'",
    )


async def test_a_phone_makes_three_of_two_and_leaves_them(office: Office, told: pytest.LogCaptureFixture) -> None:
    await office.start(LINES.replace("channel => 1-3", "threewaycalling = yes\ntransfer = yes\nchannel => 1-3"), PLAN)
    await connect(office, 1, 2)
    await consult(office, 1, 3)
    office.phone(1).flash()
    await office.advance(3)
    office.phone(1).on_hook()
    await office.advance(1)
    assert ordered(
        told,
        "Started three way call on channel 1",
        "Building conference call with DAHDI/1-1 and DAHDI/1-2",
        "TRANSFERRING DAHDI/1-1 to DAHDI/1-2",
    )


async def test_a_ring_pattern_is_told_for_who_has_to_write_it(office: Office, told: pytest.LogCaptureFixture) -> None:
    """The numbers of dring1: how else would anybody know them?"""
    await office.start(LINES, PLAN)
    office.line(5).manners.rings = (500, 1000, 500, 4000)
    office.line(5).ring()
    await office.until(lambda: office.line(5).state == "talking", 15)
    await office.advance(3)
    pattern = next(text for text in told.messages if "ring pattern" in text)
    first, second, third = map(int, pattern.removeprefix("Detected ring pattern: ").split(","))
    assert abs(first - 325) <= 10 and abs(second - 95) <= 10 and third == 0
    assert ordered(told, "Starting simple switch on 'DAHDI/5-1'", pattern, "Matched Distinctive Ring context special")


@pytest.mark.parametrize("shows", [True, False])
async def test_whether_a_phone_shows_waiting_callers(
    office: Office, told: pytest.LogCaptureFixture, shows: bool
) -> None:
    await office.start(LINES.replace("channel => 1-3", "callerid = Carol <103>\nchannel => 1-3"), PLAN)
    await connect(office, 1, 2)
    await office.dial(office.phone(3), "102")
    await office.until(lambda: office.phone(2).hears(2130, 2750, ms=60), 5)
    if shows:
        office.phone(2).dial("D")
    await office.advance(2)
    yes = "CPE supports Call Waiting Caller*ID.  Sending 'Carol/103'"
    assert ordered(told, yes if shows else "CPE does not support Call Waiting Caller*ID.")


async def test_a_call_on_a_span(office: Office, told: pytest.LogCaptureFixture) -> None:
    await start(office)
    await call_for(office, 1, "25551", 4)
    await office.until(lambda: not len(office.pbx.channels), 5)
    assert ordered(
        told,
        "Primary D-Channel on span 3 up",
        "Accepting call from '101' to '5551' on channel 0/1, span 3",
        "Span 3: Channel 0/1 got hangup request, cause 16",
    )
