"""What a phone is told while it is on hook: waiting messages by every means, and who calls and why."""

from __future__ import annotations

import pytest

from offhook.media.callerid import Call, Waiting
from support.line_story import Office
from support.line_talk import connect, heard_messages, heard_octets

PHONES = """
[channels]
signalling = fxo_ks
echocancel = no
context = phones
callerid = Alice <101>
mailbox = 101@default
mwisendtype = {how}
channel => 1
mailbox =
callerid = Bob <102>
channel => 2-4
"""
PLAN = """
[phones]
exten => 88,1,Set(REDIRECTING(from-num)=555)
 same => n,Set(REDIRECTING(reason)=cfb)
 same => n,Set(_CALL_QUALIFIER=1)
 same => n,Dial(DAHDI/1,60)
exten => _10X,1,Dial(DAHDI/${EXTEN:2},60)
"""


async def start(office: Office, how: str, new: int = 1) -> None:
    """A phone with a mailbox that holds messages from the start."""
    office.pbx.mailboxes.publish("101@default", new, 0)
    await office.start(PHONES.format(how=how), PLAN)


def told(office: Office) -> list[bool]:
    """Whether messages wait, each time the phone was told by data."""
    phone = office.phone(1)
    heard, phone.heard_on_hook = phone.heard_on_hook, []
    return [message.lamp for message in heard_messages(office, heard) if isinstance(message, Waiting)]


@pytest.mark.parametrize("new", [1, 0])
async def test_a_phone_is_told_at_the_start_and_after_each_call(office: Office, new: int) -> None:
    """Many forget while they are in use; nothing is sent in the seconds after it was put down."""
    await start(office, "fsk", new)
    await office.advance(8)
    assert told(office) == [bool(new)]
    await connect(office, 1, 2)
    office.phone(1).on_hook()
    await office.advance(2.5)
    assert told(office) == []
    await office.advance(5)
    assert told(office) == [bool(new)]
    await office.advance(10)
    assert told(office) == []


async def test_a_display_is_told_of_the_box_and_the_time(office: Office) -> None:
    """Parameters 1, 2 and 7 stand before the lamp's; a phone of nobody's has O for both."""
    await start(office, "fsk")
    await office.advance(8)
    assert b"\x02\x03101\x07\x05Alice\x0b\x01\xff" in heard_octets(office, office.phone(1).heard_on_hook)


async def test_a_lamp_lights_without_data(office: Office) -> None:
    await start(office, "nofsk,neon", 3)
    await office.advance(8)
    assert told(office) == [] and office.system.ports[1].waiting_messages == 3
    office.pbx.mailboxes.publish("101@default", 0, 3)
    await office.advance(1)
    assert office.system.ports[1].waiting_messages == 0


async def test_a_short_ring_announces_data(office: Office) -> None:
    """mwisendtype = rpas: a quarter of a second of ringing, then the message; nobody is called."""
    await start(office, "rpas")
    await office.until(lambda: office.phone(1).bursts == 1, 5)
    await office.advance(5)
    assert told(office) == [True] and office.phone(1).bursts == 1
    assert not len(office.pbx.channels) and not office.phone(1).ringing


async def test_a_phone_lifted_at_the_short_ring_gets_dial_tone(office: Office) -> None:
    await start(office, "rpas")
    await office.until(lambda: office.phone(1).ringer_on, 5)
    office.phone(1).off_hook()
    await office.advance(0.5)
    assert not office.phone(1).ringing
    await office.advance(1)
    assert office.phone(1).hears(350, 440)
    office.phone(1).on_hook()
    await office.advance(8)
    assert told(office) == [True]


async def test_the_lamp_is_set_by_hand(office: Office) -> None:
    """dahdi set mwi: it stays so through calls, with the stutter tone, and goes back to the mailbox by reset."""
    await start(office, "fsk", 0)
    await office.advance(8)
    assert told(office) == [False]
    assert await office.cli("dahdi set mwi 1 on") == ["MWI 'enable' queued for channel 1"]
    await office.advance(4)
    assert told(office) == [True]
    office.pbx.mailboxes.publish("101@default", 0, 5)
    office.phone(1).off_hook()
    await office.advance(0.5)
    assert not office.phone(1).hears(350, 440, ms=400), "it stutters"
    office.phone(1).on_hook()
    await office.advance(8)
    assert told(office) == [True]
    await office.reload()
    await office.cli("dahdi set mwi 1 reset")
    await office.advance(8)
    assert told(office) == [False]


async def test_a_display_tells_why_a_call_was_forwarded(office: Office) -> None:
    """The reason of REDIRECTING, and CALL_QUALIFIER."""
    await start(office, "fsk")
    await office.advance(8)
    told(office)
    bob = office.phone(2)
    await office.dial(bob, "88")
    await office.until(lambda: office.phone(1).bursts == 2, 12)
    (call,) = heard_messages(office, office.phone(1).heard_on_hook)
    assert isinstance(call, Call) and (call.number, call.reason, call.long_distance) == ("102", 1, True)
