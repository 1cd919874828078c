"""What a phone can do in a call: hold, three-way, transfer, call waiting, codes; and how it is told who calls."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from kernel_shims.line import LineError
from offhook.calls.line_events import DndState
from support.line_story import FOUR_PEOPLE, Office
from support.line_talk import connect, consult, heard_data, hears

PHONES = f"""
[channels]
signalling = fxo_ks
echocancel = no
context = phones
threewaycalling = yes
transfer = yes
callwaiting = yes
callwaitingcallerid = yes
cancallforward = yes
callreturn = yes
{FOUR_PEOPLE}"""
PLAN = """
[phones]
exten => _10X,1,Dial(DAHDI/${EXTEN:2},60)
exten => 610,1,Answer()
 same => n,Wait(60)
exten => 6105,1,Answer()
 same => n,Wait(60)
"""


async def test_a_flash_holds_and_a_second_one_makes_three(office: Office) -> None:
    """A third flash drops the last one."""
    await office.start(PHONES, PLAN)
    await connect(office, 1, 2)
    alice, carol = office.phone(1), office.phone(3)
    alice.flash()
    await office.advance(1.5)
    assert alice.hears(350, 440)
    assert not await hears(office, 2, 1)
    alice.dial("103")
    await office.until(lambda: carol.ringing)
    carol.off_hook()
    await office.advance(0.5)
    assert await hears(office, 3, 1)
    assert not await hears(office, 2, 1)
    await office.advance(2)
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 3, 1) and await hears(office, 2, 1) and await hears(office, 1, 2)
    assert await hears(office, 2, 3)
    alice.flash()
    await office.advance(0.5)
    assert carol.battery_drops == 1
    assert await hears(office, 2, 1)


async def test_hanging_up_on_two_calls_joins_them(office: Office) -> None:
    """A transfer after consultation."""
    await office.start(PHONES, PLAN)
    await connect(office, 1, 2)
    alice = office.phone(1)
    await consult(office, 1, 3)
    await office.advance(0.5)
    alice.on_hook()
    await office.advance(0.5)
    assert await hears(office, 2, 3) and await hears(office, 3, 2)
    assert not any(channel.name.startswith("DAHDI/1-") for channel in office.pbx.channels)


async def test_a_flash_that_becomes_a_hangup_ends_both_calls(office: Office) -> None:
    """Within two seconds of the flash."""
    await office.start(PHONES, PLAN)
    await connect(office, 1, 2)
    alice = office.phone(1)
    alice.flash()
    await office.advance(0.3)
    alice.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 5)


async def test_hanging_up_on_an_empty_consultation_rings_for_the_held_call(office: Office) -> None:
    """Nobody is lost."""
    await office.start(PHONES, PLAN)
    await connect(office, 1, 2)
    alice = office.phone(1)
    alice.flash()
    await office.advance(3)
    alice.on_hook()
    await office.until(lambda: alice.ringing)
    alice.off_hook()
    await office.advance(0.5)
    assert await hears(office, 2, 1)


async def test_a_second_call_beeps_with_caller_id_and_a_flash_takes_it(office: Office) -> None:
    """The phone answers the alerting signal with D, gets the data, and toggles between two calls."""
    await office.start(PHONES, PLAN)
    await connect(office, 2, 1)
    alice, carol = office.phone(1), office.phone(3)
    await office.dial(carol, "101")
    alice.forget()
    await office.until(lambda: alice.hears(2130, 2750, ms=60), 5)
    await office.advance(0.05)
    alice.dial("D")
    alice.forget()
    await office.advance(1.5)
    assert heard_data(office, list(alice.heard)) == [("103", "Carol")]
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 3, 1) and not await hears(office, 2, 1)
    alice.flash()
    await office.advance(0.3)
    assert await hears(office, 2, 1) and not await hears(office, 3, 1)
    alice.on_hook()
    await office.until(lambda: alice.ringing)
    alice.off_hook()
    await office.advance(0.3)
    assert await hears(office, 3, 1)


async def test_a_ringing_phone_is_told_who_calls(office: Office) -> None:
    """Bell 202 after the first burst."""
    await office.start(PHONES, PLAN)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "102")
    await office.until(lambda: bob.bursts == 2, 12)
    assert heard_data(office, bob.heard_on_hook) == [("101", "Alice")]
    alice.on_hook()
    await office.advance(0.2)
    assert not bob.ringing


async def test_a_distinctive_ring_has_caller_id_in_its_long_pause(office: Office) -> None:
    """r1: a short and a long burst; the identity comes after the second."""
    await office.start(PHONES, PLAN + "exten => 88,1,Dial(DAHDI/2r1,60)\n")
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "88")
    await office.until(lambda: bob.bursts == 3, 12)
    assert heard_data(office, bob.heard_on_hook) == [("101", "Alice")]


async def test_a_withheld_number_is_told_as_private(office: Office) -> None:
    """*67 before the number."""
    await office.start(PHONES, PLAN)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "*67")
    await office.advance(1.5)
    assert alice.hears(350, 440)
    alice.dial("102")
    await office.until(lambda: bob.bursts == 2, 12)
    assert heard_data(office, bob.heard_on_hook) == [(None, None)]


async def test_digits_time_out_by_what_may_still_come(office: Office) -> None:
    """610 is a number and the beginning of one: it goes after matchdigit_timeout, 6105 at once."""
    await office.start(PHONES, PLAN)
    alice = office.phone(1)
    await office.dial(alice, "610")
    await office.advance(2.5)
    assert office.channel("DAHDI/1").exten != "610"
    await office.advance(1.5)
    assert office.channel("DAHDI/1").exten == "610"
    alice.on_hook()
    await office.advance(0.2)
    await office.dial(alice, "6105")
    await office.advance(1)
    assert office.channel("DAHDI/1").exten == "6105"


async def test_an_impossible_number_gets_reorder_tone_then_the_howler(office: Office) -> None:
    """And silence in the end."""
    await office.start(PHONES, PLAN)
    alice = office.phone(1)
    await office.dial(alice, "5")
    await office.advance(0.4)
    await office.until(lambda: alice.hears(480, 620), 2)
    assert not len(office.pbx.channels)
    await office.advance(30)
    await office.until(lambda: alice.hears(1400, 2060, ms=80), 2)
    await office.advance(91)
    assert alice.hears_silence()


async def test_dial_tone_comes_again_when_the_far_end_has_hung_up(office: Office) -> None:
    """With autoreoriginate: after the battery drop, without going on hook."""
    await office.start(PHONES.replace("channel => 1", "autoreoriginate = yes\nchannel => 1"), PLAN)
    await connect(office, 1, 2)
    alice, bob = office.phone(1), office.phone(2)
    bob.on_hook()
    await office.until(lambda: alice.hears(350, 440), 3)
    assert alice.battery_drops == 1
    alice.dial("103")
    await office.until(lambda: office.phone(3).ringing, 5)
    alice.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 3)


async def test_an_answer_may_have_to_be_confirmed(office: Office) -> None:
    """Option c: it counts once a key was pressed, whichever."""
    await office.start(PHONES, PLAN + "exten => 77,1,Dial(DAHDI/2c,60)\n")
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "77")
    await office.until(lambda: bob.ringing)
    bob.off_hook()
    await office.advance(1)
    assert office.channel("DAHDI/1").answered_at is None
    bob.dial("5")
    await office.until(lambda: office.channel("DAHDI/1").answered_at is not None, 2)


async def test_pulses_are_digits(office: Office) -> None:
    """An old phone's dial."""
    await office.start(PHONES, PLAN)
    alice = office.phone(1)
    alice.off_hook()
    await office.advance(0.5)
    alice.pulse("102")
    await office.until(lambda: office.phone(2).ringing, 10)


async def test_do_not_disturb_and_forwarding_are_dialled(office: Office) -> None:
    """*78, *79, *72."""
    lines = await office.start(PHONES, PLAN)
    alice, bob, carol = office.phone(1), office.phone(2), office.phone(3)
    await office.dial(bob, "*78")
    await office.advance(1)
    bob.on_hook()
    assert [event.on for event in office.heard(DndState)] == [True]
    await office.dial(alice, "102")
    await office.advance(2)
    assert not bob.ringing
    alice.on_hook()
    await office.dial(bob, "*79")
    await office.advance(1)
    bob.dial("*72")
    await office.advance(1)
    bob.dial("103")
    await office.advance(1)
    bob.on_hook()
    await office.advance(0.2)
    assert lines.ports[2].forward == "103"
    await office.dial(alice, "102")
    await office.until(lambda: carol.ringing, 5)
    assert not bob.ringing


async def test_waiting_messages_stutter_and_light_the_lamp(office: Office) -> None:
    """By data while the phone is on hook."""
    await office.start(PHONES.replace("callerid = Alice", "mailbox = 101@default\ncallerid = Alice"), PLAN)
    alice = office.phone(1)
    office.pbx.mailboxes.publish("101@default", 2, 0)
    await office.advance(4)
    assert len(alice.heard_on_hook) > 4000
    alice.off_hook()
    await office.advance(0.5)
    assert not alice.hears(350, 440, ms=400)
    await office.advance(1)
    assert alice.hears(350, 440)


async def test_a_span_pulled_out_in_a_call_clears_it_and_comes_back(office: Office) -> None:
    """Every descriptor is given back at once; the channels return under their numbers."""
    lines = await office.start(PHONES, PLAN)
    await connect(office, 1, 2)
    assert office.engine.figures().legs > 0
    office.system.remove_span(1)
    await office.advance(0.2)
    assert not len(office.pbx.channels) and not lines.ports
    assert office.engine.figures().legs == 0
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"))
    await office.until(lambda: len(lines.ports) == 8 or len(lines.ports) == 4, 5)
    await connect(office, 1, 2)
    assert await hears(office, 1, 2)


async def test_a_span_that_is_back_before_it_is_set_up_is_waited_for(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As with the kernel's: registered first, given its signalling later."""
    lines = await office.start(PHONES, PLAN)
    office.system.remove_span(1)
    await office.advance(0.2)
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"))
    with monkeypatch.context() as unready:
        unready.setattr(office.system, "open", Mock(side_effect=LineError("no signalling")))
        await office.advance(5)
        assert not lines.ports
    await office.until(lambda: len(lines.ports) == 4, 5)
    await connect(office, 1, 2)
