"""ISDN: two E1 spans on one cable, network side and user side, libpri on both."""

from __future__ import annotations

from unittest.mock import Mock

import pytest

from kernel_shims.line import Happening
from offhook.calls import causes
from offhook.calls.channel import State
from offhook.calls.events import DtmfEnd
from offhook.drivers.dahdi.isdn.bearer import NEAR_END, BearerPort
from offhook.log import VERBOSE
from offhook.modules import ActionError, CommandError
from support import audio
from support.isdn_story import PLAN, start
from support.line_story import Office


async def test_a_phone_calls_through_the_span_and_both_hear_each_other(office: Office) -> None:
    """Number and name arrive; ringing, answer, sound, clearing."""
    await start(office)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "25553")
    await office.until(lambda: bob.ringing, 5)
    assert [channel.name.split("-")[0] for channel in office.pbx.channels if "i4" in channel.name] == ["DAHDI/i4/5553"]
    incoming = office.channel("DAHDI/i3/101-")
    assert incoming.caller.id.number.text == "101"
    bob.off_hook()
    await office.advance(0.5)
    assert office.channel("DAHDI/i4/5553").state is State.UP
    said, answered = audio.chirps(3, seed=5), audio.chirps(3, seed=6)
    alice.forget()
    bob.forget()
    alice.say(said)
    bob.say(answered)
    await office.advance(4)
    assert audio.correlation(said, list(bob.heard), 0.8)[0] > 0.95
    assert audio.correlation(answered, list(alice.heard), 0.8)[0] > 0.95
    bob.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 5)
    assert alice.battery_drops == 1


async def test_the_network_tells_names(office: Office) -> None:
    """In the display element, which only the network may send."""
    await start(office)
    alice = office.phone(1)
    await office.dial(alice, "1712")
    await office.until(lambda: office.pbx.globals.get("WHO") == "712", 10)
    incoming = office.channel("DAHDI/i4/101-")
    assert incoming.caller.id.name.text == "Alice"
    alice.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 5)


async def test_causes_pass_through(office: Office) -> None:
    """Busy, and no such number."""
    lines = await start(office)
    for number, cause in (("5552", causes.USER_BUSY), ("999", causes.UNALLOCATED)):
        channel = lines.request(f"g2/{number}", None, ("", ""))
        channel.tech_call("")
        await office.until(lambda channel=channel: channel.hungup, 5)  # type: ignore[misc]
        assert channel.hangup_cause == cause
    await office.advance(0.5)
    assert all(not span.calls for span in lines.isdn)


async def test_thirty_calls_at_once_and_no_more(office: Office) -> None:
    """Every B channel; the 31st call finds none."""
    lines = await start(office, plan=PLAN.replace("Wait(60)", "Wait(20)"))
    made = [lines.request("g2/5551", None, ("", "")) for _ in range(30)]
    for channel in made:
        channel.tech_call("")
    with pytest.raises(Exception, match="no channel is free"):
        lines.request("g2/5551", None, ("", ""))
    await office.until(lambda: all(channel.state is State.UP for channel in made), 10)
    for channel in made:
        channel.hangup()
    await office.until(lambda: not len(office.pbx.channels), 10)
    await office.advance(0.5)
    assert all(not span.calls for span in lines.isdn)
    assert all(port.free for span in lines.isdn for port in span.bearers.values())


async def test_idle_channels_are_restarted(office: Office) -> None:
    """Every resetinterval, and they are free again once that is acknowledged."""
    lines = await start(office, extra_user="resetinterval = 60")
    bearers = lines.isdn.spans[4].bearers.values()
    await office.until(lambda: any(port.resetting for port in bearers), 61)
    await office.until(lambda: not any(port.resetting for port in bearers), 5)


async def test_digits_come_one_by_one(office: Office) -> None:
    """Overlap dialling, the way of the exchange to us."""
    await start(office, extra_network="overlapdial = yes", extra_user="overlapdial = yes")
    lines = office.pbx.parts["dahdi"]
    channel = lines.request("g1/7", None, ("", ""))
    channel.tech_call("")
    await office.advance(0.5)
    for digit in "123":
        channel.tech_digit_begin(digit)
        await office.advance(0.3)
    await office.until(lambda: office.pbx.globals.get("WHO") == "7123", 10)
    channel.hangup()
    await office.advance(0.5)


async def test_digits_go_through_to_whom_is_called(office: Office) -> None:
    """Overlap dialling both ways: of a pattern with ! no end of the number is told, so each digit goes on."""
    overlap = "overlapdial = yes"
    lines = await start(
        office, overlap, overlap, PLAN + "exten => _9!,1,Dial(DAHDI/g2/${EXTEN:1},30)\n exten => s,1,Hangup(17)\n"
    )
    for first, others in (("9", "5551"), ("", "95551"), ("955", "51")):
        office.pbx.globals.set("WHO", "")
        channel = lines.request(f"g1/{first}", None, ("", ""))
        channel.tech_call("")
        await office.advance(0.5)
        for digit in others:
            channel.tech_digit_begin(digit)
            await office.advance(0.1)
            channel.tech_digit_end(digit, 100)
            await office.advance(0.2)
        await office.until(lambda channel=channel: channel.state is State.UP, 10)  # type: ignore[misc]
        assert (office.pbx.globals.get("WHO") or "").split()[-1] == "5551"
        channel.hangup()
        await office.until(lambda: not len(office.pbx.channels), 5)
        await office.advance(0.5)


async def test_no_digit_at_all_leads_to_s(office: Office) -> None:
    """After eight seconds (interdigit_timeout)."""
    overlap = "overlapdial = yes"
    lines = await start(office, overlap, overlap, PLAN + "exten => s,1,Hangup(17)\n")
    channel = lines.request("g1/", None, ("", ""))
    channel.tech_call("")
    await office.advance(7)
    assert not channel.hungup
    await office.until(lambda: channel.hungup, 3)
    assert channel.hangup_cause == causes.USER_BUSY


async def test_a_digit_that_went_by_the_d_channel_is_not_heard_too(office: Office) -> None:
    """Keys that are pressed as long as a person does, the last one beyond the answer."""
    extra = "overlapdial = yes\ninband_on_setup_ack = yes"
    lines = await start(office, extra, extra)
    channel = lines.request("g1/7", None, ("", ""))
    channel.tech_call("")
    await office.until(lambda: channel.port.leg is not None, 5)
    heard: list[str] = []
    office.pbx.bus.subscribe(DtmfEnd, lambda event: heard.append(event.digit))
    for digit in "12":
        channel.send_digit_begin(digit)
        await office.advance(0.2)
        channel.send_digit_end(digit, 200)
        await office.advance(0.3)
    channel.send_digit_begin("3")
    await office.until(lambda: channel.state is State.UP, 10)
    heard.clear()
    channel.send_digit_end("3", 500)
    await office.advance(1)
    assert heard == ["3"]  # as it was sent, and nobody received it
    channel.send_digit_begin("4")
    await office.advance(0.2)
    channel.send_digit_end("4", 200)
    await office.until(lambda: heard[1:] == ["4", "4"], 5)
    channel.hangup()
    await office.advance(0.5)


async def test_both_ends_taking_the_same_channel_do_not_collide(office: Office) -> None:
    """Calls both ways at once."""
    lines = await start(office)
    out = lines.request("g2/5551", None, ("", ""))
    back = lines.request("G1/712", None, ("", ""))
    out.tech_call("")
    back.tech_call("")
    await office.until(lambda: out.state is State.UP and back.state is State.UP, 10)
    out.hangup()
    back.hangup()
    await office.until(lambda: not len(office.pbx.channels), 5)


async def test_spans_are_shown_and_their_messages(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """pri show spans, span, channels, debug; PRIShowSpans, PRIDebugSet."""
    lines = await start(office)
    assert await office.cli("pri show spans") == ["PRI span 3/0: Up, Active", "PRI span 4/0: Up, Active"]
    span = await office.cli("pri show span 3")
    assert span[0] == "Primary D-channel: 24" and any("euroisdn" in line.lower() for line in span)
    channel = lines.request("g2/5551", None, ("", ""))
    channel.tech_call("")
    await office.until(lambda: channel.state is State.UP, 5)
    shown = await office.cli("pri show channels")
    assert any(line.split()[:5] == ["4", "40", "Yes", "No", "Connect"] for line in shown)
    block = await office.cli("dahdi show channel 40")
    assert {"Signalling Type: ISDN PRI", "PRI Flags: Call Allocated ", "PRI Logical Span: Implicit"} <= set(block)
    assert await office.cli("pri set debug on span 3") == ["Enabled debugging on span 3"]
    assert (await office.cli("pri show debug"))[0] == "Span 3: Debug: Yes\tIntense: No"
    channel.hangup()
    await office.advance(0.5)
    assert await office.cli("pri set debug off span 3") == ["Disabled debugging on span 3"]
    with pytest.raises(CommandError, match="No PRI running on span 9"):
        await office.cli("pri show span 9")
    spans = office.act("PRIShowSpans", Span="4")
    assert ("DChannel", "55") in spans.events[0][1]
    with pytest.raises(ActionError, match="Invalid value for 'Level'"):
        office.act("PRIDebugSet", Span="3", Level="loud")


async def test_a_cut_cable_ends_calls_and_both_sides_know(office: Office) -> None:
    """A span that is pulled out: its calls and its D channel end, with no word on a descriptor that is closed."""
    lines = await start(office)
    channel = lines.request("g2/5551", None, ("", ""))
    channel.tech_call("")
    await office.until(lambda: channel.state is State.UP, 5)
    said = lines.isdn.spans[4].link.lib = Mock(wraps=lines.isdn.spans[4].link.lib)
    office.system.ports[55].happen(Happening.REMOVED)
    await office.advance(0.1)
    office.system.remove_span(4)
    await office.until(lambda: channel.hungup and 40 not in lines.ports, 2)
    said.pri_hangup.assert_not_called()
    assert sorted(lines.isdn.spans) == [3] and 40 not in lines.ports and 9 in lines.ports


@pytest.mark.parametrize(
    ("cause", "status"),
    [
        (1, "CHANUNAVAIL"),
        (16, "NOANSWER"),
        (17, "BUSY"),
        (18, "CHANUNAVAIL"),
        (19, "NOANSWER"),
        *((cause, "CONGESTION") for cause in (21, 27, 34, 38, 41, 42)),
        (44, "CHANUNAVAIL"),
    ],
)
async def test_why_a_call_was_not_answered(office: Office, cause: int, status: str) -> None:
    """DIALSTATUS and HANGUPCAUSE as chan_dahdi makes them of causes."""
    plan = f"""
[phones]
exten => 21,1,Dial(DAHDI/g2/5551,30)
 same => n,Set(GLOBAL(CAME)=${{DIALSTATUS}} ${{HANGUPCAUSE}})
[from-user]
exten => 5551,1,Hangup({cause})
"""
    await start(office, plan=plan)
    alice = office.phone(1)
    await office.dial(alice, "21")
    await office.until(lambda: office.pbx.globals.get("CAME") is not None, 10)
    assert office.pbx.globals.get("CAME") == f"{status} {cause}"
    alice.on_hook()
    await office.until(lambda: not len(office.pbx.channels), 5)
    await office.advance(0.3)
    assert all(not span.calls for span in office.pbx.parts["dahdi"].isdn)


@pytest.mark.parametrize(
    ("dialled", "came"),
    [
        ("DAHDI/40/1", "BUSY 17"),
        ("DAHDI/41/1", "CHANUNAVAIL 44"),
        ("DAHDI/g9/1", "CONGESTION 34"),
        ("DAHDI/99/1", "CHANUNAVAIL 3"),
    ],
)
async def test_why_a_call_finds_no_channel(office: Office, dialled: str, came: str) -> None:
    """One channel is in use, one out of service, a group has nothing free; and there is no such channel."""
    plan = PLAN.replace("_2X.,1,Dial(DAHDI/g2/${EXTEN:1},30)", f"21,1,Dial({dialled},30)") + (
        "[phones]\nexten => 21,2,Set(GLOBAL(CAME)=${DIALSTATUS} ${HANGUPCAUSE})\n"
    )
    lines = await start(office, "", "group = 2,9", plan=plan)
    for number, port in lines.ports.items():
        if isinstance(port, BearerPort) and number > 40:
            port.out_of_service = NEAR_END
    mine = lines.request("40/5551", None, ("", ""))
    mine.tech_call("")
    await office.until(lambda: mine.state is State.UP, 5)
    alice = office.phone(1)
    await office.dial(alice, "21")
    await office.until(lambda: office.pbx.globals.get("CAME") is not None, 10)
    assert office.pbx.globals.get("CAME") == came
    alice.on_hook()
    mine.hangup()
    await office.advance(0.5)


async def test_a_channel_in_use_at_the_far_end_alone_is_restarted(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    """Cause 44 for the one channel that would do (force_restart_unavailable_chans)."""
    lines = await start(office, "", "force_restart_unavailable_chans = yes\npriexclusive = yes")
    network, user = lines.isdn
    channel = lines.request("g2/5551", None, ("", ""))
    port = next(port for port in user.bearers.values() if not port.free)
    network.bearers[port.offset].out_of_service = NEAR_END
    with caplog.at_level(VERBOSE):
        channel.tech_call("")
        await office.until(lambda: channel.hungup and port.free, 5)
    assert channel.hangup_cause == 44
    assert f"Span 4: Channel 0/{port.offset} successfully restarted" in [record.message for record in caplog.records]
