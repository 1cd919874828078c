"""How lines tell: answers and ends by polarity and tones, caller ID before the ring, distinctive rings, dial tone."""

from __future__ import annotations

import pytest

from kernel_shims.line import Happening, Hook, LineEvent
from kernel_shims.simulator import sound
from offhook.calls.channel import Channel, State
from offhook.drivers.dahdi.analog import trunk
from offhook.media.callerid import Call, Waiting, encode_call, encode_waiting
from support.line_story import Office

LINES = """
[channels]
context = lines
signalling = {signalling}
{options}
channel => 5-8
"""
PLAN = """
[lines]
exten => s,1,Answer()
 same => n,Set(GLOBAL(WHO)=${CALLERID(num)})
 same => n,Wait(120)
[special]
exten => s,1,Answer()
 same => n,Set(GLOBAL(WHO)=special)
 same => n,Wait(120)
"""


async def begin(office: Office, options: str = "", signalling: str = "fxs_ks") -> None:
    """The four lines with some options."""
    await office.start(LINES.format(options=options, signalling=signalling), PLAN, lines=signalling)


def dial(office: Office, number: str) -> Channel:
    """A call out on channel 5."""
    channel = office.pbx.parts["dahdi"].request(f"5/{number}", None, ("", ""))
    channel.tech_call("")
    return channel  # type: ignore[no-any-return]


async def test_polarity_answers_and_hangs_up(office: Office) -> None:
    await begin(office, "answeronpolarityswitch = yes\nhanguponpolarityswitch = yes")
    line = office.line(5)
    line.manners.reverse_on_answer = True
    line.manners.answers_after = 5000
    line.manners.drop_ms = 0
    channel = dial(office, "123")
    await office.until(lambda: line.state == "ringback", 10)
    assert channel.state is State.DIALING
    await office.until(lambda: channel.state is State.UP, 10)
    assert line.state == "talking"
    await office.advance(2)
    assert not channel.tech_cause
    line.hang_up()
    await office.until(lambda: channel.hungup, 1)
    assert channel.tech_cause == "ANALOG ANALOG_EVENT_POLARITY"


async def test_a_reversal_ends_a_call_that_no_reversal_answered(office: Office) -> None:
    """hanguponpolarityswitch alone: exchanges that reverse the battery at the end of a call only."""
    await begin(office, "hanguponpolarityswitch = yes")
    channel = dial(office, "123")
    await office.until(lambda: channel.state is State.UP, 15)
    await office.advance(2)
    office.line(5).reverse()
    await office.until(lambda: channel.hungup, 1)


async def test_a_reversal_while_it_rings_is_a_caller_who_gives_up(office: Office) -> None:
    plan = "[lines]\nexten => s,1,Wait(60)\n"
    text = LINES.format(options="hanguponpolarityswitch = yes", signalling="fxs_ks")
    await office.start(text, plan)
    line = office.line(5)
    line.ring()
    await office.until(lambda: len(office.pbx.channels) == 1, 10)
    await office.until(lambda: office.channel("DAHDI/5").state is State.RING, 10)
    await office.advance(8)
    line.reverse()
    await office.until(lambda: not len(office.pbx.channels), 0.2)


async def test_polarity_soon_after_the_answer_is_ignored(office: Office) -> None:
    await begin(office, "answeronpolarityswitch = yes\nhanguponpolarityswitch = yes\npolarityonanswerdelay = 1000")
    line = office.line(5)
    line.manners.reverse_on_answer = True
    channel = dial(office, "123")
    await office.until(lambda: channel.state is State.UP, 15)
    await office.advance(0.5)
    line.reverse()
    await office.advance(0.3)
    assert not channel.hungup
    channel.hangup()


async def test_call_progress_tells_ringing_answer_and_busy(office: Office) -> None:
    await begin(office, "callprogress = yes")
    line = office.line(5)
    line.manners.answers_after = 14_000
    channel = dial(office, "123")
    await office.until(lambda: channel.state is State.RINGING, 25)
    assert line.state == "ringback"
    await office.until(lambda: channel.state is State.UP, 25)
    assert line.state == "talking"
    channel.hangup()
    await office.advance(3)
    line.manners.busy = True
    channel = dial(office, "456")
    await office.until(lambda: channel.hungup, 20)
    assert channel.hangup_cause == 17


async def test_dialling_waits_for_dial_tone(office: Office) -> None:
    await begin(office, "waitfordialtone = 4000")
    line = office.line(5)
    channel = dial(office, "123")
    await office.until(lambda: line.dialed == "123", 10)
    channel.hangup()
    await office.advance(3)
    silent = office.line(5)
    silent.say([0] * 80_000)
    channel = dial(office, "123")
    await office.until(lambda: channel.hungup, 5)
    assert channel.hangup_cause == 34


async def test_a_dialplan_has_one_call_wait_for_dial_tone(office: Office) -> None:
    """CHANNEL(waitfordialtone), as a handler before the dialling sets it: this call does, the next one does not."""
    await begin(office)
    office.line(5).say([0] * 80_000)
    channel = office.pbx.parts["dahdi"].request("5/123", None, ("", ""))
    assert channel.tech_set_function("waitfordialtone", "2000")
    channel.tech_call("")
    await office.advance(1.8)
    assert not channel.hungup and office.line(5).dialed == ""
    await office.until(lambda: channel.hungup, 1)
    await office.advance(3)
    channel = dial(office, "123")
    await office.until(lambda: office.line(5).dialed == "123", 2)
    channel.hangup()


async def test_dial_tone_in_a_call_out_is_somebody_else_s(office: Office) -> None:
    """An exchange behind the exchange may give one (callprogress = yes)."""
    await begin(office, "callprogress = yes\ndialtone_detect = yes")
    line = office.line(5)
    line.manners.answers_after = 9000
    channel = dial(office, "123")
    await office.until(lambda: channel.state is State.UP, 25)
    line.say(sound.tone((350, 440), 3000))
    await office.advance(3)
    assert not channel.hungup
    channel.hangup()


@pytest.mark.parametrize(("detect", "ends"), [("3000", True), ("1000", False), ("always", True), ("no", False)])
async def test_dial_tone_ends_a_call_that_came_in(office: Office, detect: str, ends: bool) -> None:
    """dialtone_detect: for that long after the answer."""
    await begin(office, f"dialtone_detect = {detect}\nusecallerid = no")
    line = office.line(5)
    line.ring()
    await office.until(lambda: line.state == "talking", 10)
    line.say(sound.tone((350, 440), 3000))
    await office.advance(2.9)
    assert (not len(office.pbx.channels)) == ends


async def test_pulses_are_dialled(office: Office) -> None:
    await begin(office, "pulsedial = yes")
    office.line(5).manners.number_ends_after = 3000
    channel = dial(office, "907")
    await office.until(lambda: office.line(5).dialed == "907", 10)
    assert not office.line(5).digits_heard
    channel.hangup()


async def test_a_ground_start_line_is_seized_by_its_ground(office: Office) -> None:
    await begin(office, signalling="fxs_gs")
    channel = dial(office, "123")
    assert Hook.START in office.system.ports[5].hooks
    await office.until(lambda: office.line(5).dialed == "123", 10)
    channel.hangup()


async def test_caller_id_that_cannot_be_read_is_kept(office: Office) -> None:
    await begin(office)
    line = office.line(5)
    line.ring()
    await office.advance(2.6)
    line.say(sound.fsk(b"\x80\x08\x02\x075551234"))
    await office.until(lambda: line.state == "talking", 10)

    def kept() -> list[int]:
        return [path.stat().st_size for path in (office.folder / "monitor").glob("callerid-5-*.wav")]

    # A thread writes it, at its own pace.
    await office.until(lambda: bool(kept()) and kept()[0] > 16_000, 10)
    assert len(kept()) == 1
    other = office.line(6)
    other.ring("5551234")
    await office.until(lambda: other.state == "talking", 10)
    await office.until(lambda: not list((office.folder / "monitor").glob("callerid-6-*.wav")), 10)


@pytest.mark.parametrize("options", ["cidsignalling = dtmf\ncidstart = polarity", "cidsignalling = auto"])
async def test_caller_id_in_dtmf_after_a_reversal(office: Office, options: str) -> None:
    await begin(office, options)
    line = office.line(5)
    line.reverse()
    await office.advance(0.3)
    line.say(sound.dtmf("A5551234C"))
    await office.advance(1.6)
    line.ring()
    await office.until(lambda: line.state == "talking", 10)
    await office.until(lambda: office.pbx.globals.get("WHO") == "5551234", 1)


async def test_caller_id_in_dtmf_before_the_ring_without_any_alert(office: Office) -> None:
    """The idle line is listened to; digits without a ring are forgotten, and it is listened to again."""
    await begin(office, "cidsignalling = dtmf\ncidstart = dtmf")
    line = office.line(5)
    line.say(sound.dtmf("A99"))
    await office.until(lambda: len(office.pbx.channels) == 1, 2)
    await office.until(lambda: not len(office.pbx.channels), 6)
    line.say(sound.dtmf("A5551234C", 70, 70))
    await office.advance(1.6)
    line.ring()
    await office.until(lambda: line.state == "talking", 10)
    await office.until(lambda: office.pbx.globals.get("WHO") == "5551234", 1)


@pytest.mark.parametrize(("caller", "wanted"), [("0312345678", "0312345678"), ("P", "")])
async def test_ntt_s_exchanges_tell_a_line_that_lifts(office: Office, caller: str, wanted: str) -> None:
    """A reversal, short ringing, off hook, caller ID, on hook at once, ringing, and only then a call."""
    await begin(office, "cidsignalling = v23_jp\ncidstart = polarity")
    line, hooks = office.line(5), office.system.ports[5].hooks
    line.alert(caller)
    await office.until(lambda: line.state == "telling", 2)
    assert hooks == [Hook.OFF]
    await office.until(lambda: hooks == [Hook.OFF, Hook.ON], 2)
    assert line.state == "ringing" and office.channel("DAHDI/5").state is State.RING
    await office.until(lambda: line.state == "talking", 2)
    await office.until(lambda: office.pbx.globals.get("WHO") == wanted, 1)


async def test_a_line_that_lifted_for_ntt_is_put_down_whatever_it_hears(office: Office) -> None:
    """A frame that cannot be read is its end too, as is silence, and a caller who is gone by then rings no more."""
    await begin(office, "cidsignalling = v23_jp\ncidstart = polarity")
    line, hooks = office.line(5), office.system.ports[5].hooks
    line.alert("0312345678")
    await office.until(lambda: line.state == "telling", 2)
    await office.advance(0.25)
    line.interrupt()
    await office.until(lambda: hooks[-1] is Hook.ON, 1)
    await office.until(lambda: line.state == "talking", 4)
    other = office.line(6)
    other.alert("0312345678")
    await office.until(lambda: other.state == "telling", 2)
    other.interrupt()
    await office.advance(9)
    assert other.seized
    await office.until(lambda: not other.seized, 2)
    other.stop_ringing()
    await office.until(lambda: len(office.pbx.channels) == 1, 5)


async def test_a_reversal_without_a_ring_is_forgotten(office: Office) -> None:
    await begin(office, "cidsignalling = auto")
    line = office.line(5)
    line.reverse()
    await office.advance(0.1)
    assert len(office.pbx.channels) == 1
    await office.until(lambda: not len(office.pbx.channels), 6)


async def test_a_distinctive_ring_goes_elsewhere(office: Office) -> None:
    """Two short bursts: the second one ends 1.5 s after the first, the third 6 s after it, which is what the sample of
    chan_dahdi.conf calls 325,95,0. The usual ring has its second end there."""
    await begin(
        office,
        "usedistinctiveringdetection = yes\ndring1 = 325,95,0\ndring1context = special\ndring2 = 95,0,0",
    )
    line = office.line(5)
    line.manners.rings = (500, 1000, 500, 4000)
    line.ring()
    await office.until(lambda: office.pbx.globals.get("WHO") == "special", 15)
    other = office.line(6)
    other.ring()
    await office.until(lambda: other.state == "talking", 15)
    await office.until(lambda: office.pbx.globals.get("WHO") == "", 1)


@pytest.mark.parametrize(
    ("pattern", "tolerance", "fits"),
    [
        *(((325, 100, 0), 0, True), ((325, 100, 20), 10, False), ((325, 100, 20), 20, True)),
        *(((325, -1, -1), 10, True), ((95, 0, 0), 10, False), ((1, 2, 3), -1, True)),
    ],
)
def test_rings_are_told_apart(pattern: tuple[int, int, int], tolerance: int, fits: bool) -> None:
    """Each of the three has to come near, bursts that did not come count as 0; -1 in a pattern is any, and a range of
    -1 fits always. Without a context of its own a ring that fits is an ordinary call."""
    rings = ((pattern, tolerance, "first"), ((325, 100, 0), 10, "second"))
    machine = trunk.Trunk(trunk.Manners(distinctive=rings))
    for at in (0.0, 1.5, 6.0):
        machine.line(LineEvent(Happening.OFF_HOOK), at)
    assert machine.state is trunk.State.OFFERED and machine.context == ("first" if fits else "second")


@pytest.mark.parametrize(("after", "context"), [(False, "special"), (True, "")])
def test_rings_before_the_caller_id_do_not_count(after: bool, context: str) -> None:
    """distinctiveringaftercid: a short pause before the caller ID would be the pattern; those behind it are not."""
    machine = trunk.Trunk(trunk.Manners(distinctive=(((325, 125, 0), 10, "special"),), distinctive_after_id=after))
    now = 0.0
    machine.line(LineEvent(Happening.RING_BEGIN), now)
    pauses = [1.0, 1.5, 4.0, 4.0, 4.0]
    for index, pause in enumerate(pauses):
        now += pause
        machine.line(LineEvent(Happening.OFF_HOOK), now)
        if index == 1:
            assert len(machine._bursts) == 1
            machine.caller_id(now + 0.5)
        if machine.state is trunk.State.OFFERED:
            break
    assert machine.state is trunk.State.OFFERED and machine.context == context


async def test_a_drop_of_battery_before_the_answer_ends_the_call(office: Office) -> None:
    await office.start(LINES.format(options="", signalling="fxs_ks"), "[lines]\nexten => s,1,Wait(60)\n")
    line = office.line(5)
    line.ring("5551234")
    await office.until(lambda: len(office.pbx.channels) == 1, 10)
    line.hang_up()
    await office.until(lambda: not len(office.pbx.channels), 1)


@pytest.mark.parametrize(("immediate", "after"), [("no", 2.0), ("yes", 0.1)])
async def test_a_call_begins_with_the_end_of_a_burst(office: Office, immediate: str, after: float) -> None:
    """Without caller ID to wait for; with immediate = yes with its beginning."""
    await begin(office, f"usecallerid = no\nimmediate = {immediate}")
    line = office.line(5)
    line.ring()
    await office.advance(after - 0.1)
    assert line.state == "ringing"
    await office.until(lambda: line.state == "talking", 0.3)


async def test_a_ring_that_tells_of_messages_is_no_call(office: Office) -> None:
    """mwimonitor = rpas: the lamp, and the dialplan hears nothing of it."""
    await begin(office, "mailbox = 100@default\nmwimonitor = rpas")
    line = office.line(5)
    line.manners.rings = (500, 20_000)
    line.ring()
    await office.advance(1)
    line.say(sound.fsk(encode_waiting(Waiting(True))))
    await office.until(lambda: office.pbx.mailboxes.count("100@default").new == 1, 3)
    await office.advance(0.2)
    assert not len(office.pbx.channels) and not line.seized


@pytest.mark.parametrize(("ways", "counts"), [("neon", True), ("fsk, neon", True), ("fsk", False), ("no", False)])
async def test_a_lamp_of_the_exchange_s_is_a_message(office: Office, ways: str, counts: bool) -> None:
    """mwimonitor = neon: the driver sees the voltage."""
    await begin(office, f"mailbox = 100@default\nmwimonitor = {ways}")
    for happening, new in ((Happening.NEON_WAITING, 1), (Happening.NEON_NOT_WAITING, 0)):
        office.line(5).port.happen(happening)
        await office.advance(0.1)
        assert office.pbx.mailboxes.count("100@default").new == (new if counts else 0)


async def test_a_call_may_tell_of_messages_too(office: Office) -> None:
    """Without mwimonitor = rpas it is a call like others."""
    await begin(office, "mailbox = 100@default")
    line = office.line(5)
    line.ring()
    await office.advance(2.5)
    line.say(sound.fsk(encode_waiting(Waiting(True))[:-1]))
    await office.until(lambda: line.state == "talking", 8)
    assert office.pbx.mailboxes.count("100@default").new == 1


async def test_a_line_tells_why_it_was_forwarded_and_from_how_far(office: Office) -> None:
    """Parameters 5 and 6 of a multiple message."""
    plan = "[lines]\nexten => s,1,Set(GLOBAL(WHY)=${CALL_QUALIFIER}${CALLERID(num)})\n same => n,Answer()\n"
    await office.start(LINES.format(options="", signalling="fxs_ks"), plan + " same => n,Wait(60)\n")
    line = office.line(5)
    line.ring()
    await office.advance(2.6)
    line.say(sound.fsk(encode_call(Call("5551234", reason=1, long_distance=True))[:-1]))
    await office.until(lambda: line.state == "talking", 5)
    assert office.pbx.globals.get("WHY") == "15551234"
    assert office.channel("DAHDI/5").redirecting.reason == "cfb"


async def test_a_hangup_says_what_the_line_did(office: Office) -> None:
    """HANGUPCAUSE(channel,tech)."""
    await begin(office)
    line = office.line(5)
    line.ring()
    await office.until(lambda: line.state == "talking", 15)
    channel = office.channel("DAHDI/5")
    line.hang_up()
    await office.until(lambda: channel.hungup, 1)
    assert channel.tech_cause == "ANALOG ANALOG_EVENT_ONHOOK"


async def test_a_call_in_which_nobody_speaks_ends(office: Office) -> None:
    """silencecap: what either side says, or is played, keeps it alive."""
    await office.start(
        LINES.format(options="silencecap = 10\nusecallerid = no", signalling="fxs_ks"),
        "[lines]\nexten => s,1,Answer()\n same => n,Wait(12)\n same => n,Milliwatt()\n",
    )
    line = office.line(5)
    line.ring()
    await office.until(lambda: line.state == "talking", 10)
    await office.advance(8)
    line.say(sound.tone((900,), 400))
    await office.advance(25)
    assert len(office.pbx.channels) == 1, "the line speaks, then it is spoken to"
    office.channel("DAHDI/5").hangup()
    await office.advance(3)
    line.ring()
    await office.until(lambda: line.state == "talking", 10)
    await office.advance(9.5)
    assert len(office.pbx.channels) == 1
    await office.until(lambda: not len(office.pbx.channels), 1.5)


async def test_a_line_just_released_is_not_used_again_at_once(office: Office) -> None:
    await begin(office)
    lines = office.pbx.parts["dahdi"]
    channel = dial(office, "123")
    await office.advance(3)
    channel.hangup()
    await office.advance(0.1)
    assert lines.ports[5].refusal() == 34
    await office.advance(2)
    assert lines.ports[5].refusal() == 0


async def test_an_exchange_tells_of_messages_by_data_on_the_idle_line(office: Office) -> None:
    """mwimonitor = fsk: lamp on, lamp off, calls and line tests in between; mwimonitornotify is run on each change."""
    told = office.folder / "told"
    program = office.folder / "notify"
    program.write_text(f'#!/bin/sh\necho "$1 $2" >> {told}\n')
    program.chmod(0o755)
    await office.start(
        "[channels]\nsignalling = fxs_ks\ncontext = lines\nmailbox = 100@default\nmwimonitor = fsk\n"
        f"mwimonitornotify = {program}\nchannel => 5\n",
        "[lines]\nexten => s,1,Answer()\n same => n,Wait(60)\n",
    )
    count = office.pbx.mailboxes.count
    line = office.line(5)
    line.say(sound.fsk(encode_waiting(Waiting(True))))
    await office.until(lambda: count("100@default").new == 1, 5)
    await office.meanwhile(office.cli("line test 5"))
    line.ring()
    await office.until(lambda: line.state == "talking", 10)
    line.hang_up()
    await office.until(lambda: not list(office.pbx.channels), 5)
    await office.advance(2)
    line.say(sound.fsk(encode_waiting(Waiting(False))))
    await office.until(lambda: count("100@default").new == 0, 5)
    await office.until(lambda: told.exists() and len(told.read_text().splitlines()) == 2, 10)
    assert told.read_text() == "100@default 1\n100@default 0\n"
