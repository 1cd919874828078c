"""MFC/R2: two E1 spans on one cable, libopenr2 on both; phones of one side call through it."""

from __future__ import annotations

import random

import pytest

from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.lines import Lines
from offhook.drivers.dahdi.r2.port import R2Port
from offhook.modules import CommandError
from support import audio
from support.line_story import Office

CHANNELS = """
[channels]
echocancel = no
context = from-one
signalling = mfcr2
mfcr2_variant = itu
mfcr2_max_ani = 10
mfcr2_max_dnis = 4
group = 1
{one}
channel => 9-12
context = from-two
group = 2
{two}
channel => 13-16
signalling = fxo_ks
context = phones
callerid = Alice <5551234>
group = 3
channel => 1-2
"""
PLAN = """
[phones]
exten => _9X.,1,Dial(DAHDI/g2/${EXTEN:1},30)
 same => n,Set(GLOBAL(STATUS)=${DIALSTATUS} ${HANGUPCAUSE})
[from-one]
exten => 4321,1,Set(GLOBAL(WHO)=${CALLERID(num)} ${EXTEN} ${MFCR2_CATEGORY})
 same => n,Dial(DAHDI/2,30)
exten => 4400,1,Answer()
 same => n,Wait(60)
exten => 4401,1,Hangup(17)
exten => 4402,1,Hangup(34)
exten => 4403,1,Wait(1)
 same => n,DAHDIAcceptR2Call(no)
 same => n,Set(GLOBAL(ACCEPTED)=yes)
 same => n,Wait(1)
 same => n,Answer()
 same => n,Wait(60)
[from-two]
exten => 4400,1,Answer()
 same => n,Wait(60)
"""


async def start(office: Office, one: str = "", two: str = "") -> Lines:
    """Four channels on each side, idle."""
    office.lay()
    office.trunk(9, 13, ["cas"] * 4)
    lines = await office.begin(CHANNELS.format(one=one, two=two), PLAN)
    await office.until(lambda: all(port.r2.states == ("IDLE", "IDLE") for port in r2_ports(lines)), 5)
    return lines


def r2_ports(lines: Lines) -> list[R2Port]:
    """The channels of both spans."""
    return [port for port in lines if isinstance(port, R2Port)]


def call(lines: Lines, text: str) -> Channel:
    """A call out that nobody waits for."""
    channel = lines.request(text, None, ("", ""))
    channel.tech_call("")
    return channel


async def all_idle(office: Office, lines: Lines) -> None:
    """No call is left, and every line is free again."""
    await office.until(lambda: not len(office.pbx.channels), 10)
    await office.until(lambda: not any(port.refusal() for port in r2_ports(lines)), 10)


async def test_a_phone_calls_through_and_both_hear_each_other(office: Office) -> None:
    """Number, category, ringing, answer, sound, clearing."""
    lines = await start(office)
    alice, bob = office.phone(1), office.phone(2)
    await office.dial(alice, "94321")
    await office.until(lambda: bob.ringing, 10)
    assert office.pbx.globals.get("WHO") == "5551234 4321 National Subscriber"
    assert office.channel("DAHDI/13-1").state is State.RINGING
    bob.off_hook()
    await office.advance(1)
    assert office.channel("DAHDI/13-1").state is State.UP
    said, answered = audio.chirps(3, seed=5), audio.chirps(3, seed=6)
    alice.forget()
    bob.forget()
    alice.say(said)
    bob.say(answered)
    await office.advance(4)
    assert audio.correlation(said, list(bob.heard), 0.8)[0] > 0.95
    assert audio.correlation(answered, list(alice.heard), 0.8)[0] > 0.95
    alice.on_hook()
    await office.advance(1)
    bob.on_hook()
    await all_idle(office, lines)


async def test_a_daemon_that_comes_late_for_its_sound(office: Office) -> None:
    """Up to three blocks late, again and again: a tone has no gap for that, which to the far end were its end."""
    lines = await start(office)
    channel = call(lines, "g2/4321")
    late = random.Random(1)
    for _ in range(1200):
        for _ in range(late.choice((0, 0, 0, 3))):
            office.system.step()
        await office.advance(0.01)
        if office.pbx.globals.get("WHO"):
            break
    assert office.pbx.globals.get("WHO") == " 4321 National Subscriber"
    channel.hangup()
    await all_idle(office, lines)


async def test_the_called_side_hangs_up(office: Office) -> None:
    """Clear back reaches the caller, whose own clearing makes the line idle."""
    lines = await start(office)
    channel = call(lines, "g1/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    office.channel("DAHDI/13-1").hangup()
    await office.until(lambda: channel.hungup, 5)
    assert channel.hangup_cause == causes.NORMAL_CLEARING
    await all_idle(office, lines)


async def test_every_channel_at_once_and_no_more(office: Office) -> None:
    """Calls both ways; a fifth finds none."""
    lines = await start(office)
    made = [call(lines, text) for text in ("g1/4400", "g1/4400", "G2/4400", "G2/4400")]
    await office.advance(0.1)
    with pytest.raises(RequestError, match="no channel is free"):
        call(lines, "g2/4400")
    await office.until(lambda: sum(one.state is State.UP for one in office.pbx.channels) >= 8, 10)
    for channel in made:
        channel.hangup()
    await all_idle(office, lines)


@pytest.mark.parametrize(
    ("number", "status"), [("4401", "BUSY 17"), ("4402", "CONGESTION 34"), ("4999", "CONGESTION 20")]
)
async def test_causes_pass_through(office: Office, number: str, status: str) -> None:
    """Without accept_on_offer the dialplan's cause is a tone of group B; a number that is not there always is."""
    lines = await start(office, one="mfcr2_accept_on_offer = no")
    alice = office.phone(1)
    await office.dial(alice, f"9{number}")
    await office.until(lambda: office.pbx.globals.get("STATUS") is not None, 15)
    assert office.pbx.globals.get("STATUS") == status
    alice.on_hook()
    await all_idle(office, lines)


async def test_the_dialplan_accepts_and_answers(office: Office) -> None:
    """DAHDIAcceptR2Call, then Answer; and Answer alone, which accepts first."""
    lines = await start(office, one="mfcr2_accept_on_offer = no")
    channel = call(lines, "g2/4403")
    await office.until(lambda: office.pbx.globals.get("ACCEPTED") == "yes", 10)
    assert channel.state is State.RINGING
    await office.until(lambda: channel.state is State.UP, 5)
    channel.hangup()
    await all_idle(office, lines)
    channel = call(lines, "g2/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    channel.hangup()
    await all_idle(office, lines)


@pytest.mark.parametrize("allowed", [False, True])
async def test_collect_calls(office: Office, allowed: bool) -> None:
    """MFCR2_CATEGORY asks for one; the called side takes it only when it may."""
    variant = "mfcr2_variant = br"
    lines = await start(office, f"{variant}\nmfcr2_allow_collect_calls = {'yes' if allowed else 'no'}", variant)
    channel = lines.request("g2/4400", None, ("", ""))
    channel.set("MFCR2_CATEGORY", "collect_call")
    channel.tech_call("")
    if allowed:
        await office.until(lambda: channel.state is State.UP, 10)
        assert office.channel("DAHDI/9-1").get("MFCR2_CATEGORY") == "Collect Call"
    else:
        await office.until(lambda: channel.hangup_cause == causes.SUBSCRIBER_ABSENT, 10)
        assert office.pbx.channels.by_prefix("DAHDI/9-") is None
    channel.hangup()
    await all_idle(office, lines)


async def test_a_blocked_channel_is_not_called(office: Office) -> None:
    """mfcr2 set blocked and idle, and what the far end sees of it."""
    lines = await start(office)
    await office.cli("mfcr2 set blocked 9")
    await office.advance(0.5)
    with pytest.raises(RequestError):
        call(lines, "13/4400")
    shown = await office.cli("mfcr2 show channels context from-one")
    assert shown[1].split() == ["9", "1", "ITU", "10", "4", "Yes", "No", "BLOCK", "IDLE"]
    await office.cli("mfcr2 set idle 9")
    await office.advance(0.5)
    channel = call(lines, "13/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    channel.hangup()
    await all_idle(office, lines)


async def test_commands(office: Office) -> None:
    """What the console shows and takes."""
    await start(office)
    shown = await office.cli("mfcr2 show channels")
    assert shown[0].split()[:2] == ["Chan", "Link#"] and len(shown) == 9
    assert len(await office.cli("mfcr2 show channels group 2")) == 5
    assert (await office.cli("mfcr2 show links"))[-1].split() == ["1", "none", "OK", "8", "9-16"]
    assert (await office.cli("mfcr2 show version"))[0].startswith("OpenR2 version: 1.")
    assert any("Brazil" in line for line in await office.cli("mfcr2 show variants"))
    assert await office.cli("mfcr2 set debug all 9") == ["MFC/R2 debugging set to 'all' for channel 9."]
    assert await office.cli("mfcr2 set debug cas,mf") == ["MFC/R2 debugging set to 'cas,mf' for all channels."]
    assert await office.cli("mfcr2 call files off 9") == ["MFC/R2 call files disabled for channel 9."]
    for line in ("mfcr2 set debug nonsense", "mfcr2 set idle 99"):
        with pytest.raises(CommandError):
            await office.cli(line)


async def test_a_span_with_signalling_bits_is_proposed_as_r2(office: Office) -> None:
    """lines scan, where the file has nothing of it yet."""
    office.system.add_span(dict.fromkeys(range(1, 5), "cas"), "alaw")
    await office.begin("[channels]\n", PLAN)
    changes = await office.cli("lines scan")
    assert "+signalling = mfcr2" in changes and "+channel => 1-4" in changes


async def test_a_channel_is_shown_with_its_states(office: Office) -> None:
    """dahdi show channel, idle and in a call."""
    lines = await start(office, one="mfcr2_charge_calls = no")
    shown = await office.cli("dahdi show channel 9")
    for line in (
        "Signalling Type: MFC/R2",
        "MFC/R2 Call State: Idle",
        "MFC/R2 Charge Calls: No",
        "MFC/R2 Rx CAS: IDLE",
    ):
        assert line in shown
    channel = call(lines, "g1/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    shown = await office.cli("dahdi show channel 9")
    assert "MFC/R2 Call State: Answered" in shown and "MFC/R2 Rx CAS: ANSWER" in shown
    channel.hangup()
    await all_idle(office, lines)


async def test_the_span_is_pulled_out_in_mid_call(office: Office) -> None:
    """Calls on it end; the far end's go by the protocol's own timers or its hangup."""
    lines = await start(office)
    channel = call(lines, "g2/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    office.system.remove_span(4)
    await office.until(lambda: channel.hungup, 5)
    assert channel.hangup_cause == causes.DESTINATION_OUT_OF_ORDER
    office.channel("DAHDI/9-1").hangup()
    await office.until(lambda: not len(office.pbx.channels), 10)


async def test_a_call_leaves_a_file(office: Office) -> None:
    """mfcr2_call_files, in the folder of mfcr2_logdir below the log's."""
    office.pbx.paths.log = str(office.folder)
    lines = await start(office, one="mfcr2_call_files = yes\nmfcr2_logdir = span3\nmfcr2_logging = all")
    channel = call(lines, "g1/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    channel.hangup()
    await all_idle(office, lines)
    written = sorted(path.name for path in (office.folder / "mfcr2/span3").iterdir())
    assert len(written) == 2, "one for each end"
    assert "SEIZE" in (office.folder / "mfcr2/span3" / written[0]).read_text()


async def test_a_reload_changes_what_it_can(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """What is logged and who may call, at once; the variant is told to need a restart."""
    lines = await start(office)
    assert not lines.ports[9].r2.call_files  # type: ignore[attr-defined]
    office.pbx.paths.log = str(office.folder)
    extra = "mfcr2_call_files = yes\nmfcr2_allow_collect_calls = yes"
    office.configure(CHANNELS.format(one=extra, two="mfcr2_variant = br"))
    await office.reload()
    assert lines.ports[9].r2.call_files  # type: ignore[attr-defined]
    assert lines.ports[9].settings["mfcr2_allow_collect_calls"]
    assert "channel 13: MFC/R2 goes on as it was" in caplog.text
    channel = call(lines, "g1/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    channel.hangup()
    await all_idle(office, lines)


async def test_a_variant_that_does_not_exist(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """The channels stay closed, and the line of the file is told."""
    office.system.add_span(dict.fromkeys(range(1, 3), "cas"), "alaw")
    lines = await office.begin("[channels]\nsignalling = mfcr2\nmfcr2_variant = atlantis\nchannel => 1\n", PLAN)
    assert not r2_ports(lines) and not office.system.ports[1].is_open
    assert "chan_dahdi.conf:4: channel 1: there is no MFC/R2 variant atlantis; there are ar, br" in caplog.text


async def test_the_far_end_gives_up_while_digits_are_sent(office: Office) -> None:
    """Clearing in the middle of the tones leaves both ends idle."""
    lines = await start(office)
    channel = call(lines, "g1/4321")
    await office.advance(0.4)
    channel.hangup()
    await all_idle(office, lines)


async def test_both_ends_seize_at_once(office: Office) -> None:
    """Neither call gets through, and the line is free again."""
    lines = await start(office)
    made = [call(lines, "9/4400"), call(lines, "13/4400")]
    await office.until(lambda: all(channel.hungup for channel in made), 60)
    await all_idle(office, lines)
    channel = call(lines, "9/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    channel.hangup()
    await all_idle(office, lines)


async def test_forced_release(office: Office) -> None:
    """mfcr2_forced_release clears with a signal of its own (Brazil)."""
    variant = "mfcr2_variant = br"
    lines = await start(office, variant, f"{variant}\nmfcr2_forced_release = yes")
    channel = call(lines, "g1/4400")
    await office.until(lambda: channel.state is State.UP, 10)
    office.channel("DAHDI/13-1").hangup()
    await office.until(lambda: office.system.ports[13].sent_abcd & 0xC == 0, 1)
    await office.until(lambda: channel.hungup, 5)
    await all_idle(office, lines)


async def test_a_cause_of_the_dialplans(office: Office) -> None:
    """MFCR2_CAUSE goes before the cause of the hangup."""
    lines = await start(office, two="mfcr2_accept_on_offer = no")
    office.dialplan(PLAN + "exten => 4404,1,Set(MFCR2_CAUSE=17)\n same => n,Hangup(34)\n")
    channel = call(lines, "g1/4404")
    await office.until(lambda: bool(channel.hangup_cause), 10)
    assert channel.hangup_cause == causes.USER_BUSY
    channel.hangup()
    await all_idle(office, lines)


@pytest.mark.parametrize(
    "setting",
    [
        "mfcr2_immediate_accept = yes",
        "mfcr2_get_ani_first = no",
        "mfcr2_get_ani_first = no\nmfcr2_skip_category = yes",
        "mfcr2_get_ani_first = no\nmfcr2_max_ani = 0",
        "mfcr2_double_answer = yes",
        "mfcr2_charge_calls = no",
        "mfcr2_max_dnis = 0",
        "immediate = yes",
        "mfcr2_dtmf_detection = yes\nmfcr2_dtmf_dialing = yes",
    ],
)
async def test_a_call_under_other_terms(office: Office, setting: str) -> None:
    """Each of them at both ends: the call gets through, is answered and cleared."""
    lines = await start(office, one=setting)
    office.dialplan(PLAN + "exten => s,1,Answer()\n same => n,Wait(60)\n")
    channel = call(lines, "g1/4400")
    await office.until(lambda: channel.state is State.UP, 20)
    channel.hangup()
    await all_idle(office, lines)
