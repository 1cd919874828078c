"""Lines on FXO ports: calls in with caller ID, calls out, and every way in which they end."""

from __future__ import annotations

import contextlib
import re

import pytest

from kernel_shims.simulator import sound
from offhook.calls.channel import State
from offhook.calls.requesting import RequestError
from offhook.modules import CommandError
from support import audio
from support.line_story import Office

LINES = """
[channels]
signalling = fxo_ks
echocancel = no
context = phones
callerid = Alice <101>
channel => 1-4
callerid = asreceived
context = lines
signalling = fxs_ks
group = 1
busydetect = yes
busycount = 4
channel => 5-8
"""
PLAN = """
[lines]
exten => s,1,Answer()
 same => n,Set(GLOBAL(WHO)=${CALLERID(num)} ${CALLERID(name)})
 same => n,Wait(120)
[phones]
exten => _9X.,1,Dial(DAHDI/g1/${EXTEN:1})
"""


async def test_a_call_comes_in_with_name_and_number(office: Office) -> None:
    """Bell 202 caller ID between the first two bursts."""
    await office.start(LINES, PLAN)
    line = office.line(5)
    line.ring("5551234", "Carol")
    await office.until(lambda: line.state == "talking", 12)
    await office.until(lambda: office.pbx.globals.get("WHO") == "5551234 Carol")
    channel = office.channel("DAHDI/5-1")
    assert channel.state is State.UP
    line.hang_up()
    await office.until(lambda: not len(office.pbx.channels), 2)
    assert not line.seized


async def test_a_number_with_dashes_is_dialled_back_without(office: Office) -> None:
    """As callers are shown everywhere; setvar may name a function (CHANNEL(...) for instance)."""
    configuration = LINES.replace("group = 1\n", "group = 1\nsetvar = CHANNEL(language)=de\nsetvar = _A=1\n")
    plan = PLAN.replace("${CALLERID(name)}", "${CHANNEL(language)}${A}")
    await office.start(configuration, plan)
    line = office.line(5)
    line.ring("(555) 123-4567")
    await office.until(lambda: line.state == "talking", 12)
    await office.until(lambda: office.pbx.globals.get("WHO") == "5551234567 de1")


async def test_lines_by_their_device_and_numbers_that_are_too_short(office: Office) -> None:
    lines = await office.start(LINES.replace("group = 1\n", "group = 1\nstripmsd = 2\n"), PLAN)
    assert lines.request("SIM!2!3/991", None, ("", "")).name == "DAHDI/7-1"
    with pytest.raises(RequestError, match="no such channel"):
        lines.request("SIM!2!9/991", None, ("", ""))
    channel = lines.request("6/9", None, ("", ""))
    with pytest.raises(RequestError, match="shorter than stripmsd"):
        channel.tech_call("")
    channel.hangup()


async def test_without_caller_id_the_call_begins_at_the_second_burst(office: Office) -> None:
    """Nothing is told between the bursts."""
    await office.start(LINES, PLAN)
    line = office.line(6)
    line.ring()
    await office.until(lambda: line.state == "talking", 12)
    await office.until(lambda: office.pbx.globals.get("WHO") == " ")


async def test_a_caller_who_gives_up_ends_the_call(office: Office) -> None:
    """No ring for ringtimeout."""
    await office.start(LINES, "[lines]\nexten => s,1,Wait(60)\n")
    line = office.line(5)
    line.ring("5551234")
    await office.until(lambda: len(office.pbx.channels) == 1, 12)
    line.stop_ringing()
    await office.until(lambda: not len(office.pbx.channels), 12)


async def test_a_phone_calls_out_and_both_hear_each_other(office: Office) -> None:
    """Digits are dialled in tones that the exchange understands; the line counts as answered then."""
    await office.start(LINES, PLAN)
    phone, line = office.phone(1), office.line(5)
    await office.dial(phone, "95550199")
    await office.until(lambda: line.dialed == "5550199", 20)
    await office.until(lambda: line.state == "talking", 20)
    said, answered = audio.chirps(3, seed=3), audio.chirps(3, seed=4)
    phone.forget()
    line.heard.clear()
    phone.say(said)
    line.say(answered)
    await office.advance(4)
    assert audio.correlation(said, list(line.heard), 0.5)[0] > 0.95
    assert audio.correlation(answered, list(phone.heard), 0.5)[0] > 0.95
    phone.on_hook()
    await office.advance(0.2)
    assert not line.seized and not len(office.pbx.channels)


async def test_busy_tone_ends_a_call(office: Office) -> None:
    """An exchange that takes no battery away tells by its busy tone alone."""
    await office.start(LINES, PLAN)
    line = office.line(7)
    line.manners.drop_ms = 0
    line.manners.busy_after_hangup = True
    line.ring("5551234")
    await office.until(lambda: line.state == "talking", 12)
    line.say(sound.tone((300,), 700))
    await office.advance(1)
    line.hang_up()
    await office.until(lambda: not len(office.pbx.channels), 10)
    port = office.pbx.parts["dahdi"].ports[7]
    assert abs(port.heard_busy[0] - 500) < 50 and abs(port.heard_busy[1] - 500) < 80


async def test_a_busy_tone_that_was_learned_ends_calls(office: Office) -> None:
    """Without busydetect; a tone of another rhythm does not, and neither does one that was forgotten."""
    lines = LINES.replace("busydetect = yes\n", "")
    await office.start(lines, PLAN)
    assert "Busy Detection: no" in await office.cli("dahdi show channel 7")
    with pytest.raises(CommandError, match="no busy tone was learned"):
        await office.cli("line learn-busy 7 forget")
    office.line(7).manners.busy = True
    await office.meanwhile(office.cli("line learn-busy 7 5551"))
    shown = await office.cli("dahdi show channel 7")
    assert "Busy Detection: yes" in shown and any(
        re.match(r"    Busy Pattern: [45]\d\d,[45]\d\d,0,0", line) for line in shown
    )
    kept = office.pbx.astdb.get("busytone", "7")

    async def hangs_up(busy: bool) -> bool:
        line = office.line(7)
        line.manners.busy, line.manners.drop_ms, line.manners.busy_after_hangup = False, 0, busy
        line.ring("5551234")
        await office.until(lambda: line.state == "talking", 12)
        if busy:
            line.say(sound.tone((300,), 700))
            await office.advance(1)
            line.hang_up()
        else:
            for _ in range(8):
                line.say(sound.tone((480, 620), 200) + [0] * 1600)
                await office.advance(0.4)
        with contextlib.suppress(AssertionError):
            await office.until(lambda: not len(office.pbx.channels), 6)
        ended = not len(office.pbx.channels)
        for channel in list(office.pbx.channels):
            channel.request_hangup()
        line.hang_up()
        await office.advance(5)
        return ended

    assert await hangs_up(busy=True)
    assert not await hangs_up(busy=False)
    await office.cli("line learn-busy 7 forget")
    assert kept is not None and office.pbx.astdb.get("busytone", "7") is None
    assert not await hangs_up(busy=True)


async def test_phones_alone_ring_to_be_picked_up(office: Office) -> None:
    """callgroup and pickupgroup of lines count for nothing."""
    await office.start(
        "[channels]\ncallgroup = 1\npickupgroup = 1\nsignalling = fxo_ks\nchannel => 1\n"
        "signalling = fxs_ks\nchannel => 5\n",
        "",
    )
    lines = office.pbx.parts["dahdi"]
    phone, line = (lines.request(number, None, ("", "")) for number in ("1", "5"))
    assert phone.call_groups == phone.pickup_groups == {"1"}
    assert not line.call_groups and not line.pickup_groups
    phone.hangup()
    line.hangup()


async def test_groups_hunt_for_a_free_line(office: Office) -> None:
    """g from the lowest, G from the highest, r goes round."""
    lines = await office.start(LINES, PLAN)
    first = lines.request("g1/1", None, ("", ""))
    first.tech_call("g1/1")
    second = lines.request("g1/1", None, ("", ""))
    last = lines.request("G1/1", None, ("", ""))
    assert [channel.name for channel in (first, second, last)] == ["DAHDI/5-1", "DAHDI/6-1", "DAHDI/8-1"]
    round_one = lines.request("r1/1", None, ("", ""))
    round_two = lines.request("r1/1", None, ("", ""))
    assert round_one.port is not None and round_two.port is not None
    for channel in (first, second, last, round_one, round_two):
        channel.hangup()
