"""What the CLI and managers are shown and can do."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from kernel_shims.line import Alarm, Termination, Voltages
from offhook.calls import causes
from offhook.calls.line_events import ChannelAlarm, DndState, LineAssigned, SpanAlarm
from offhook.calls.requesting import RequestError
from offhook.control.cli.run import run_command
from offhook.control.manager.events_lines import channel_alarm, dnd_state, line_assigned, span_alarm
from offhook.dialplan.invocation import FunctionError
from offhook.dialplan.scope import Scope
from offhook.drivers.dahdi.care import wires
from offhook.drivers.dahdi.care.measures import drift
from offhook.drivers.dahdi.showing.alarms import short_of
from offhook.drivers.dahdi.showing.functions import dahdi_channel, polarity, set_dahdi_channel, set_polarity
from offhook.log import NOTICE
from offhook.modules import ActionError, CommandError
from support.line_story import Office
from support.line_talk import connect

CONFIGURATION = """
[channels]
signalling = fxo_ks
context = phones
group = 1
callerid = Alice <101>
description = Reception
channel => 1-4
signalling = fxs_ks
context = lines
group = 2
reportalarms = all
channel => 5-8
"""
CALLS = "[phones]\nexten => _10X,1,Dial(DAHDI/${EXTEN:2},60)\n"
PLAN = "[phones]\nexten => 600,1,Answer()\n same => n,Wait(60)\n[lines]\nexten => s,1,Wait(60)\n"


async def test_channels_are_listed(office: Office) -> None:
    await office.start(CONFIGURATION, PLAN)
    shown = await office.cli("dahdi show channels")
    head = "Chan Span Signalling Extension Context Language MOH Interpret Blocked In Service Alarms Description"
    assert " ".join(shown[0].split()) == head
    assert shown[2].split()[:5] == ["1", "1", "FXO", "Kewlstart", "phones"] and shown[2].endswith(
        "Reception" + " " * 23
    )
    assert len(shown) == 10
    assert len(await office.cli("dahdi show channels group 1")) == 1 + 4
    assert len(await office.cli("dahdi show channels context Lines")) == 1 + 4
    assert len(await office.cli("dahdi show channels context default")) == 1 + 1, "pseudo's"
    assert office.completed("dahdi show channels") == ["group", "context"]
    assert office.completed("dahdi show channels group") == ["1", "2"]
    assert office.completed("dahdi show channels context") == ["lines", "phones"]
    block = await office.cli("dahdi show channel 1")
    assert "Signalling Type: FXO Kewlstart" in block and "Owner: <None>" in block
    assert "Hookstate (FXS only): Onhook" in block and "\t128 taps" in block
    with pytest.raises(CommandError, match="Unable to find given channel 99"):
        await office.cli("dahdi show channel 99")


async def test_status_version_and_cadences(office: Office) -> None:
    await office.start(CONFIGURATION, PLAN)
    status = await office.cli("dahdi show status")
    assert status[1].startswith("   1 Simulated span 1") and " OK " in status[1]
    assert " CAS Unkn " in status[1], "as wide as the column of chan_dahdi"
    assert (await office.cli("dahdi show version"))[0].startswith("DAHDI Version: simulator")
    assert (await office.cli("dahdi show cadences"))[0] == "r1: 125,125,2000,4000"


@pytest.mark.parametrize(
    ("bits", "channels", "wanted"),
    [(0, 4, "OK"), (0, 0, "UNCONFIGURED"), (Alarm.RED | Alarm.BLUE, 4, "BLU/RED"), (1 << 20, 4, "UUU")],
)
def test_alarms_of_a_span_in_short(bits: int, channels: int, wanted: str) -> None:
    assert short_of(bits, channels) == wanted


async def test_gains_and_do_not_disturb_are_set(office: Office) -> None:
    lines = await office.start(CONFIGURATION, PLAN)
    assert await office.cli("dahdi set hwgain tx 1 -3.5") == ["Hardware tx gain set to -3.5 dB on channel 1."]
    assert office.system.ports[1].gains["tx"] == -3.5
    assert await office.cli("dahdi set swgain rx 1 2") == ["Software rx gain set to 2.00 dB on channel 1."]
    assert lines.ports[1].gains == (2.0, 0.0)
    await office.cli("dahdi set dnd 1 on")
    assert lines.ports[1].refusal() == causes.REQUESTED_CHAN_UNAVAIL
    office.act("DAHDIDNDon", DAHDIChannel="5")
    for text in ("1", "5/123"):
        with pytest.raises(RequestError) as refused:
            lines.request(text, None, ("", ""))
        assert refused.value.cause == causes.REQUESTED_CHAN_UNAVAIL
    assert dnd_state(DndState(24, True, analog=False)) == "DAHDIChannel: 24\r\nStatus: enabled\r\n"
    assert dnd_state(office.heard(DndState)[0]) == "Channel: DAHDI/1\r\nStatus: enabled\r\n"


async def test_managers_list_channels_and_press_hooks(office: Office) -> None:
    await office.start(CONFIGURATION, PLAN)
    office.phone(1).off_hook()
    await office.advance(0.3)
    request = office.act("DAHDIShowChannels", ActionID="7", DAHDIChannel="1")
    name, headers = request.events[0]
    assert name == "DAHDIShowChannels"
    assert [key for key, _ in headers] == [  # type: ignore[union-attr]
        *("DAHDIChannel", "Channel", "Uniqueid", "AccountCode", "Signalling", "SignallingCode", "Context", "DND"),
        *("Alarm", "Description", "EchoState", "EchoReturnLoss", "EchoReturnLossEnhancement", "ActionID"),
    ]
    assert len(office.act("DAHDIShowStatus").events) == 3
    office.act("DAHDIHangup", DAHDIChannel="1")
    await office.until(lambda: not len(office.pbx.channels), 1)
    with pytest.raises(ActionError, match="No such channel"):
        office.act("DAHDIDNDon", DAHDIChannel="77")
    with pytest.raises(ActionError, match="No channel specified"):
        office.act("DAHDIDNDon")
    assigned = office.heard(LineAssigned)[0]
    assert (line_assigned(assigned) or "").endswith("DAHDIGroup: 2\r\nDAHDISpan: 1\r\nDAHDIChannel: 1\r\n")


async def test_alarms_end_calls_and_are_told(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(NOTICE)
    await office.start(CONFIGURATION, PLAN)
    line = office.line(5)
    line.ring()
    await office.until(lambda: len(office.pbx.channels) == 1, 10)
    line.unplug()
    await office.until(lambda: not len(office.pbx.channels), 1)
    line.plug()
    await office.advance(0.1)
    assert [channel_alarm(event) for event in office.heard(ChannelAlarm)] == [
        "DAHDIChannel: 5\r\nAlarm: Red Alarm\r\n",
        "Channel: 5\r\n",
    ]
    for told in ("channel 5: Red Alarm", "span 2: Red Alarm"):
        assert f"Detected alarm on {told}" in caplog.text
    assert "Alarm cleared on channel 5" in caplog.text and "Alarm cleared on span 2" in caplog.text
    assert span_alarm(office.heard(SpanAlarm)[0]) == "Span: 2\r\nAlarm: Red Alarm\r\n"
    office.system.alarm(1, Alarm.YELLOW)
    await office.advance(0.1)
    assert "YEL" in (await office.cli("dahdi show status"))[1]


async def test_a_span_s_alarm_is_told_once(office: Office) -> None:
    """reportalarms = spans: the first channel of each span watches it."""
    await office.start(CONFIGURATION.replace("reportalarms = all", "reportalarms = spans"), PLAN)
    for number in (6, 5, 7):
        office.line(number).unplug()
    await office.advance(0.1)
    assert [event.span for event in office.heard(SpanAlarm)] == [2]
    assert not office.heard(ChannelAlarm)
    office.line(6).plug()
    await office.advance(0.1)
    assert [channel_alarm(event) for event in office.heard(ChannelAlarm)] == ["Channel: 6\r\n"], "told in any case"


async def test_a_manager_puts_a_handset_down(office: Office) -> None:
    """DAHDIHangup: a waiting call rings; a phone whose handset is up hears reorder tone and is not rung."""
    await office.start(CONFIGURATION.replace("group = 1", "callwaiting = yes\ngroup = 1"), PLAN + CALLS)
    alice, bob, carol = office.phone(1), office.phone(2), office.phone(3)
    await connect(office, 1, 2)
    await office.dial(carol, "101")
    await office.until(lambda: len(office.pbx.parts["dahdi"].ports[1].calls) == 2, 3)
    shown = dict(line.split(": ", 1) for line in await office.cli("dahdi show channel 1") if ": " in line)
    assert (shown["Real"], shown["Callwait"], shown["Threeway"]) == ("DAHDI/1-1", "DAHDI/1-2", "<None>")
    office.act("DAHDIHangup", DAHDIChannel="1")
    await office.until(lambda: alice.ringing, 1)
    await office.advance(0.2)
    assert bob.battery_drops == 1
    carol.on_hook()
    await office.until(lambda: not alice.ringing, 1)
    office.act("DAHDIHangup", DAHDIChannel="2")
    await office.until(lambda: bob.hears(480, 620), 1)
    assert office.pbx.parts["dahdi"].ports[2].refusal() == 17
    with pytest.raises(ActionError, match="No number specified"):
        office.act("DAHDIDialOffhook", DAHDIChannel="77")
    with pytest.raises(ActionError, match="does not have it's owner"):
        office.act("DAHDIDialOffhook", DAHDIChannel="3", Number="1")


async def test_a_manager_dials_and_flashes_for_a_phone(office: Office) -> None:
    """DAHDIDialOffhook: digits as if the phone had pressed them; DAHDITransfer: a flash."""
    await office.start(CONFIGURATION.replace("group = 1", "threewaycalling = yes\ngroup = 1"), PLAN + CALLS)
    await connect(office, 1, 2)
    office.phone(2).forget()
    office.act("DAHDIDialOffhook", DAHDIChannel="1", Number="57")
    await office.advance(1)
    assert office.phone(2).digits_heard == "57"
    office.act("DAHDITransfer", DAHDIChannel="1")
    await office.until(lambda: office.phone(1).hears(350, 440), 2)
    shown = dict(line.split(": ", 1) for line in await office.cli("dahdi show channel 1") if ": " in line)
    assert (shown["Real"], shown["Callwait"], shown["Threeway"]) == ("DAHDI/1-2", "<None>", "DAHDI/1-1")
    scope = Scope(office.pbx, office.channel("DAHDI/1-1"))
    assert dahdi_channel.read(scope, "threeway") == "DAHDI/1-1" and dahdi_channel.read(scope, "callwait") == ""


async def test_properties_of_ports_in_the_dialplan(office: Office) -> None:
    """DAHDI_CHANNEL and POLARITY."""
    lines = await office.start(CONFIGURATION, PLAN + CALLS)
    await connect(office, 1, 2)
    scope = Scope(office.pbx, office.channel("DAHDI/1-1"))
    assert dahdi_channel.read(scope, "owner") == "DAHDI/1-1" and dahdi_channel.read(scope, "owner", "2") == "DAHDI/2-1"
    assert dahdi_channel.read(scope, "lastexten") == "102" and polarity.read(scope) == "0"
    set_polarity(scope, "1")
    assert polarity.read(scope) == "1" and office.system.ports[1].reversed
    set_dahdi_channel(scope, "1", "dnd", "3")
    set_dahdi_channel(scope, "104", "callforward", "3")
    assert lines.ports[3].do_not_disturb and lines.ports[3].forward == "104"
    for item, number, told in (
        ("dnd", "5", "channel 5 has no phone"),
        ("colour", "1", '"colour" is no property; there are owner'),
        ("dnd", "77", "there is no DAHDI channel 77"),
    ):
        with pytest.raises(FunctionError, match=told):
            dahdi_channel.read(scope, item, number)
    with pytest.raises(FunctionError, match="can be read only"):
        set_dahdi_channel(scope, "x", "owner", "1")
    with pytest.raises(FunctionError, match="polarity is 0"):
        set_polarity(scope, "2")


async def test_a_reload_leaves_calls_alone(office: Office) -> None:
    lines = await office.start(CONFIGURATION, PLAN)
    phone = office.phone(1)
    await office.dial(phone, "600")
    await office.advance(1)
    channel = office.channel("DAHDI/1-1")
    office.configure(CONFIGURATION.replace("channel => 1-4", "channel => 2-3").replace("Reception", "Kitchen"))
    await office.reload()
    assert channel.alive and sorted(lines.ports) == [1, 2, 3, 5, 6, 7, 8]
    assert lines.ports[2].settings["description"] == "Kitchen"
    phone.on_hook()
    await office.advance(0.2)
    await office.reload()
    assert 1 not in lines.ports


async def test_line_care(office: Office) -> None:
    """Dial tone is measured, busy is learned, what the hardware is gets written."""
    await office.start(CONFIGURATION, PLAN)
    told = await office.meanwhile(office.cli("line test 5"))
    assert any(line.startswith("dial tone: yes") for line in told)
    told = await office.meanwhile(office.cli("line test 1"))
    assert "handset: on hook" in told
    office.line(6).manners.busy = True
    told = await office.meanwhile(office.cli("line learn-busy 6 5551"))
    assert told[0].startswith("off hook, 5551 is dialled; listening for a busy tone, at most 40 s")
    assert re.fullmatch(
        r"busy tone: \d+ ms on, \d+ ms off; it is kept, and ends calls on channel 6 from now on", told[-1]
    )
    with pytest.raises(CommandError, match='"x" in "5x" is no key'):
        await office.meanwhile(office.cli("line learn-busy 6 5x"))
    assert not office.line(6).seized
    office.phone(1).off_hook()
    await office.advance(1)
    shown = await office.cli("line show 1")
    assert shown[1].split()[:4] == ["1", "fxo_ks", "dial", "tone"]
    assert float(shown[1].split()[6]) > -20
    assert (await office.cli("line show 2"))[1].split()[2] == "idle"
    await office.advance(11)
    timing = await office.cli("line timing")
    assert timing[0] == "No span is the master: the timer of the drivers' core is."
    assert timing[1] == "span 1 (Simulated span 1): follows its own clock"
    found = re.fullmatch(
        r"channel 1: ([+-]\d+) ppm \(±(\d+)\) against this machine, slips 0 in 0 out, underruns \d+", timing[3]
    )
    assert found and abs(int(found[1])) <= int(found[2]) < 2000, timing
    with pytest.raises(CommandError, match="in use"):
        await office.meanwhile(office.cli("line test 1"))


async def test_a_line_in_use_is_watched_and_recorded(office: Office) -> None:
    """line monitor ends with the call; line record stands once, and takes "stop" and nothing else."""
    office.pbx.paths.spool = str(office.folder)
    await office.start(CONFIGURATION, PLAN)
    with pytest.raises(CommandError, match="channel 1 has no sound now: nobody uses it"):
        await office.cli("line record 1")
    await office.dial(office.phone(1), "600")
    await office.advance(1)
    assert (await office.cli("line record 1"))[0].startswith("channel 1 is recorded to ")
    with pytest.raises(CommandError, match="recorded already; line record 1 stop ends that"):
        await office.cli("line record 1")
    with pytest.raises(CommandError):
        await office.cli("line record 1 now")
    told = await office.meanwhile(office.cli("line monitor 1 0.5"))
    assert len(told) == 6
    assert (await office.cli("line record 1 stop"))[0].startswith("channel 1: recorded ")
    office.loop.call_later(1, office.phone(1).on_hook)
    told = await office.meanwhile(office.cli("line monitor 1 30"))
    assert told[-1] == "the line is not in use any more" and len(told) < 20


async def test_what_takes_a_while_is_told_as_it_goes(office: Office) -> None:
    """A console sees the lines of line test before its end."""
    await office.start(CONFIGURATION, PLAN)
    seen: list[str] = []
    watching = SimpleNamespace(stream=seen.append)
    task = office.loop.create_task(run_command(office.pbx, "line test 5", watching))
    await office.advance(0.5)
    assert not task.done() and "off hook, listening for 3 s\n" in "".join(seen)
    await office.until(task.done)
    assert task.result() == (True, "") and seen[-1].startswith("dial tone: yes")


async def test_what_a_file_says_stays_when_hardware_is_added(office: Office) -> None:
    """lines scan: channels that are named are left alone, others get sections of their own behind the file."""
    await office.start(CONFIGURATION, PLAN)
    path = Path(office.folder) / "chan_dahdi.conf"
    office.system.add_span(dict.fromkeys(range(9, 11), "fxo_ks"))
    changes = await office.cli("lines scan")
    assert not any(line.startswith("-") and not line.startswith("---") for line in changes)
    assert {"+[span3-phones]", "+context = from-phones", "+dahdichan = 9-10"} <= set(changes)
    assert changes[-1] == "extensions.conf has no [from-phones] yet: calls from those channels find nothing there"
    assert path.read_text() == CONFIGURATION, "nothing is written without apply"
    await office.cli("lines scan --apply")
    assert path.with_name("chan_dahdi.conf.old").read_text() == CONFIGURATION
    assert path.read_text().startswith(CONFIGURATION.rstrip())
    before = {number: port.settings.values for number, port in office.pbx.parts["dahdi"].ports.items()}
    await office.reload()
    ports = office.pbx.parts["dahdi"].ports
    assert sorted(ports) == [*range(1, 11)] and ports[9].signalling == "fxo_ks"
    assert {number: ports[number].settings.values for number in before} == before
    assert await office.cli("lines scan") == ["The configuration fits the hardware."]
    office.system.remove_span(3)
    assert await office.cli("lines scan") == ["chan_dahdi.conf names channels that are not there: 9-10"]


async def test_a_line_is_tuned_and_stays_so(office: Office) -> None:
    """line tune finds the termination that fits, keeps it, and the next start has it in force."""
    lines = await office.start(CONFIGURATION, PLAN)
    office.line(5).fits = fits = Termination(9, (2, 250, 253, 4, 252, 0, 255, 255))
    told = await office.meanwhile(office.cli("line tune 5"), 200)
    assert office.system.ports[5].termination == fits
    assert told[0].endswith("settings are tried") and told[1].startswith("setting 1 of ")
    assert "(England)" in told[-2] and f"with {fits}" in told[-2]
    assert float(told[-1].split()[2]) > 20
    assert not office.line(5).seized
    lines.restart()
    office.system.ports[5].termination = Termination(0)
    lines.restart()
    assert office.system.ports[5].termination == fits
    with pytest.raises(CommandError, match="has no line from an exchange"):
        await office.meanwhile(office.cli("line tune 1"))


@pytest.mark.parametrize(
    ("found", "off_hook", "told"),
    [
        (Voltages(-2.6, -48.8, -51.9, 0.0), False, "no fault"),
        (Voltages(-5.0, -11.0, -51.9, 20.0), True, "300 ohm in the loop"),
        (Voltages(-5.0, -5.4, -51.9, 20.0), False, "the wires touch"),
        (Voltages(-2.6, -44.0, -51.9, 4.0), False, "4.0 mA leak between the wires (10 kohm)"),
        (Voltages(60.0, 12.0, -51.9, 0.0), False, "a foreign voltage of 63 V"),
    ],
)
def test_wires_of_a_telephone(found: Voltages, off_hook: bool, told: str) -> None:
    assert told in "\n".join(wires.of_phone(found, off_hook))


@pytest.mark.parametrize(
    ("volts", "told"),
    [(0.0, "not plugged in"), (7.0, "in use"), (30.0, "battery is low"), (48.0, "no fault"), (-48.0, "reversed")],
)
def test_wires_of_an_exchange(volts: float, told: str) -> None:
    assert told in "\n".join(wires.of_exchange(Voltages(volts, volts, volts)))


async def test_line_test_measures_the_wires(office: Office) -> None:
    await office.start(CONFIGURATION, PLAN)
    office.phone(2).fault_ohm = 100
    assert any("the wires touch" in line for line in await office.meanwhile(office.cli("line test 2")))
    office.line(6).volts = 0.0
    told = await office.meanwhile(office.cli("line test 6"))
    assert any("no battery; the line is not plugged in" in line for line in told)
    assert all(len(line) <= 80 for line in told)


async def test_mistakes_of_the_file_are_told_with_line_and_remedy(
    office: Office, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = (("fxs_ks", 1), ("ss7", 2), ("mfcr2", 3), ("fxo_ks", 25))
    text = "[channels]\n" + "".join(f"signalling = {word}\nchannel => {number}\n" for word, number in wanted)
    await office.start(text, PLAN)
    told = [record.message for record in caplog.records if "chan_dahdi.conf:" in record.message]
    assert "chan_dahdi.conf:5: channel = 2: cicbeginswith is not set" in told[0]
    assert (
        "chan_dahdi.conf:3: channel 1: signalling is fxs_ks here but fxo_ks in the driver; make system.conf say"
        in told[1]
    )
    assert "make system.conf say cas=3:1101" in told[2]
    assert "no such channel 25; span 1 has 1-4, span 2 has 5-8" in told[3]


def test_drift_is_told_with_what_it_can_be_off() -> None:
    """A line 100 ppm fast over 10 minutes; blocks are of 10 ms."""
    ppm, within = drift(60006, 600)
    assert round(ppm) == 100 and round(within) == 17
