"""How lines tell: answers and ends by polarity and tones, caller ID before the ring, distinctive rings, dial tone."""

from __future__ import annotations

import pytest

from kernel_shims.line import Happening, Hook, LineEvent
from kernel_shims.simulator import sound
from offhook.calls.channel import Channel, State
from offhook.drivers.dahdi.analog import trunk
from offhook.media.callerid import Waiting, encode_waiting
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
    line.hang_up()
    await office.until(lambda: channel.hungup, 1)


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


async def test_a_reversal_without_a_ring_is_forgotten(office: Office) -> None:
    await begin(office, "cidsignalling = auto")
    line = office.line(5)
    line.reverse()
    await office.advance(0.1)
    assert len(office.pbx.channels) == 1
    await office.until(lambda: not len(office.pbx.channels), 6)


async def test_a_distinctive_ring_goes_elsewhere(office: Office) -> None:
    """Rings 1.5 s apart instead of 6."""
    await begin(
        office,
        "usecallerid = no\nusedistinctiveringdetection = yes\ndring1 = 325,0,0\ndring1context = special",
    )
    line = office.line(5)
    line.manners.ring_on, line.manners.ring_off = 500, 1000
    line.ring()
    await office.until(lambda: office.pbx.globals.get("WHO") == "special", 15)
    other = office.line(6)
    other.ring()
    await office.until(lambda: office.pbx.globals.get("WHO") == "", 30)


@pytest.mark.parametrize(("after", "context"), [(False, "special"), (True, "")])
def test_rings_before_the_caller_id_do_not_count(after: bool, context: str) -> None:
    """distinctiveringaftercid: a short pause before the caller ID would be the pattern; those behind it are not."""
    machine = trunk.Trunk(trunk.Manners(distinctive=(((300, 0, 0), 40, "special"),), distinctive_after_id=after))
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
