"""SS7 circuits and links: blocking, reset, queries, alarms, hardware that goes and comes, and what the CLI shows."""

from __future__ import annotations

import contextlib
import random
import sys

import pytest

from kernel_shims.line import Alarm, Happening
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.requesting import RequestError
from offhook.drivers.dahdi.ss7.circuit import CircuitPort
from offhook.drivers.dahdi.ss7.states import Blocked
from offhook.modules import CommandError
from support.line_story import Office
from support.ss7_story import CHANNELS, PLAN, Stranger, Trunk, iam, start

REL = 0x0C


def dial(trunk: Trunk, address: str) -> Channel:
    """A call that nobody minds."""
    channel = trunk.lines.request(address, None, ("", ""))
    channel.tech_call("")
    return channel


async def up(office: Office, trunk: Trunk, address: str) -> Channel:
    """An answered call."""
    channel = dial(trunk, address)
    await office.until(lambda: channel.state is State.UP, 5)
    return channel


async def test_a_circuit_is_blocked_and_unblocked(office: Office) -> None:
    """Calls out avoid it at the other end, and calls in are refused here; the call it has goes on."""
    trunk = await start(office, circuits=3)
    channel = await up(office, trunk, "g1/5555")
    assert await office.cli("ss7 block cic 1 2 1") == ["Sent blocking request for linkset 1 on CIC 1 DPC 2"]
    await office.advance(0.3)
    here, there = trunk.circuit(trunk.one, 1), trunk.circuit(trunk.two, 1)
    assert here.locally == Blocked.MAINTENANCE and there.remotely == Blocked.MAINTENANCE
    assert channel.state is State.UP
    assert await office.cli("ss7 block cic 1 2 1") == ["CIC 1 already locally blocked"]
    cics = await office.cli("ss7 show cics 1")
    assert cics[0].split() == ["CIC", "DPC", "DAHDI", "STATE", "BLOCKING"]
    assert cics[1].split() == ["1", "2", "9", "Used", "L:M"]
    assert (await office.cli("ss7 show cics 2 1"))[1].split() == ["1", "1", "13", "Used", "R:M"]
    table = await office.cli("dahdi show channels")
    assert any(line.split()[:2] == ["9", "3"] and " L  " in line for line in table)
    assert any(line.split()[:2] == ["13", "4"] and " R " in line for line in table)
    channel.hangup()
    await office.until(lambda: there.channel is None and there.call_record is None, 5)
    with pytest.raises(RequestError):
        trunk.lines.request(f"{there.number}/5555", None, ("", ""))
    with pytest.raises(RequestError):
        trunk.lines.request(f"{here.number}/5555", None, ("", ""))
    other = await up(office, trunk, "g2/5555")
    assert trunk.circuit(trunk.two, 2).channel is other
    other.hangup()
    assert await office.cli("ss7 unblock cic 1 2 1") == ["Sent unblocking request for linkset 1 on CIC 1 DPC 2"]
    await office.until(trunk.idle, 5)
    assert await office.cli("ss7 unblock cic 1 2 1") == ["CIC 1 is not locally blocked"]


async def test_a_group_is_blocked_because_of_hardware_and_reset(office: Office) -> None:
    trunk = await start(office, circuits=6)
    await office.cli("ss7 block group 1 2 2 2 H")
    await office.advance(0.3)
    blocked = [circuit.cic for circuit in trunk.two.circuits if circuit.remotely == Blocked.HARDWARE]
    assert blocked == [2, 3, 4] == [circuit.cic for circuit in trunk.one.circuits if circuit.locally]
    assert await office.cli("ss7 unblock cic 1 2 2") == ["CIC 2 is hardware locally blocked!"]
    await office.cli("ss7 unblock group 1 2 2 2 H")
    await office.until(trunk.idle, 5)
    await office.cli("ss7 block group 1 2 2 2")
    await office.advance(0.3)
    assert await office.cli("ss7 reset group 2 1 1 5") == ["GRS sent ... "]
    await office.advance(0.5)
    assert [circuit.cic for circuit in trunk.two.circuits if circuit.remotely] == [2, 3, 4], "told by GRA"
    assert not trunk.two.library.calls
    await office.cli("ss7 unblock linkset 1")
    await office.until(trunk.idle, 5)


@pytest.mark.parametrize("at", [1, 2])
@pytest.mark.parametrize("way", ["cic", "group", "linkset"])
async def test_a_reset_ends_the_call(office: Office, way: str, at: int) -> None:
    """From the side that called, and from the other."""
    trunk = await start(office, circuits=3)
    channel = await up(office, trunk, "g1/5555")
    dpc = 3 - at
    command = {"cic": f"cic {at} {dpc} 1", "group": f"group {at} {dpc} 1 2", "linkset": f"linkset {at}"}[way]
    told = await office.cli(f"ss7 reset {command}")
    assert told and all("Fail" not in line for line in told)
    await office.until(lambda: channel.hungup and not len(office.pbx.channels), 5)
    await office.until(trunk.idle, 5)
    again = await up(office, trunk, "g2/5555")
    again.hangup()
    await office.until(trunk.idle, 5)


async def test_a_call_whose_circuit_is_blocked_at_once_goes_to_another(office: Office) -> None:
    """And one whose circuit does not exist at the far end (UCIC)."""
    trunk = await start(office, circuits=4)
    first = dial(trunk, "g2/5555")
    assert await office.cli("ss7 block cic 1 2 1")
    await office.until(lambda: first.state is State.UP, 5)
    first.hangup()
    await office.cli("ss7 unblock cic 1 2 1")
    await office.until(trunk.idle, 5)
    second = dial(trunk, "g2/5555")
    stranger = Stranger(trunk)
    assert trunk.circuit(trunk.two, 1).channel is second
    trunk.two.links[0].alarm = True  # the IAM does not arrive
    trunk.two.links[0].alarm = False
    await stranger.says(0x2E, 1)
    assert trunk.circuit(trunk.two, 2).channel is second and not trunk.circuit(trunk.two, 1).in_service
    second.hangup()
    await office.advance(0.1)
    await stranger.says(0x10, 2)
    assert not len(office.pbx.channels)


async def test_the_far_end_asks_for_states(office: Office) -> None:
    """CQM is answered by CQR (national use)."""
    trunk = await start(office, circuits=4)
    channel = await up(office, trunk, "g2/5555")
    await office.cli("ss7 block cic 2 1 3")
    await office.advance(0.3)
    stranger = Stranger(trunk)
    await stranger.says(0x2A, 1, bytes([1, 1, 4]))
    (answer,) = [one for one in stranger.heard if one[2] == 0x2B]
    assert answer[-5:] == bytes([1 << 3, 3 << 2, 1 | 1 << 4 | 3 << 2, 3 << 2, 0])
    channel.hangup()
    await office.advance(0.2)


async def test_messages_for_circuits_that_are_not_there(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    trunk = await start(office, circuits=4)
    stranger = Stranger(trunk)
    caplog.clear()
    await stranger.says(0x01, 77, iam("5555#"))
    await stranger.says(0x17, 3, bytes([1, 1, 5]))
    await stranger.says(0x18, 60, bytes([0, 1, 2, 1, 3]))
    told = [record.message for record in caplog.records]
    assert "Linkset 2: IAM for CIC 77 of point code 1, which is not configured" in told
    assert "Linkset 2: GRS for CIC 3-8, of which some are not configured; ignored" in told
    assert "Linkset 2: CGB for CIC 60-61 of point code 1, which are not configured" in told
    assert not trunk.two.library.calls


async def test_a_call_on_a_circuit_that_is_not_there_is_told_so_in_america(office: Office) -> None:
    trunk = await start(office, "ansi", circuits=4)
    stranger = Stranger(trunk, "ansi")
    await stranger.says(0x01, 77, iam("5555", variant="ansi"))
    assert stranger.kinds(77) == [0x2E]


async def test_circuits_begin_blocked_until_the_far_end_resets_them(office: Office) -> None:
    """ss7_initialhwblo."""
    trunk = await start(office, extra_two="ss7_initialhwblo = yes", circuits=4)
    for span in (3, 4):
        office.system.alarm(span, Alarm.RED)
    await office.advance(0.2)
    assert [circuit.block_flags for circuit in trunk.two.circuits] == [" R"] * 4
    assert (await office.cli("ss7 show cics 2"))[1].split()[-1] == "H"
    for span in (3, 4):
        office.system.alarm(span, Alarm.NONE)
    await office.until(lambda: trunk.one.up and trunk.two.up and trunk.idle(), 90)


async def test_the_far_ends_echo_control_is_enough(office: Office) -> None:
    """ss7_default_echocontrol tells of ours, ss7_use_echocontrol believes theirs."""
    extra = "ss7_default_echocontrol = yes"
    more = "echocancel = yes"
    trunk = await start(
        office, extra_one=extra, more_one=more, extra_two="ss7_use_echocontrol = yes", more_two=more, circuits=4
    )
    for address, cancels in (("g1/5555", True), ("g2/5555", True)):
        channel = await up(office, trunk, address)
        one, two = trunk.circuit(trunk.one, 1), trunk.circuit(trunk.two, 1)
        assert one.echo_ms == 16 and (two.echo_ms == 0) is cancels
        channel.hangup()
        await office.until(trunk.idle, 5)
        assert two.echo_ms == 16


@pytest.mark.parametrize("variant", ["itu", "ansi"])
async def test_an_alarm_ends_calls_and_all_comes_back(office: Office, variant: str) -> None:
    trunk = await start(office, variant, circuits=4)
    channel = await up(office, trunk, "g1/5555")
    for span in (3, 4):
        office.system.alarm(span, Alarm.RED)
    await office.until(lambda: channel.hungup and not len(office.pbx.channels), 5)
    assert not trunk.one.up and not trunk.two.up
    with pytest.raises(RequestError) as refused:
        trunk.lines.request("g1/5555", None, ("", ""))
    assert refused.value.cause == causes.NORMAL_CIRCUIT_CONGESTION
    for span in (3, 4):
        office.system.alarm(span, Alarm.NONE)
    await office.until(lambda: trunk.one.up and trunk.two.up and trunk.idle(), 90)
    again = await up(office, trunk, "g1/5555")
    again.hangup()
    await office.until(trunk.idle, 5)


async def test_hardware_is_pulled_out_and_comes_back(office: Office) -> None:
    """The link with it."""
    trunk = await start(office, circuits=4)
    channel = await up(office, trunk, "g1/5555")
    office.system.remove_span(3)
    await office.until(lambda: channel.hungup, 5)
    await office.until(lambda: not len(office.pbx.channels), 60)
    assert not trunk.one.up and not trunk.one.circuits
    office.system.add_span({n: "mtp2" if n == 13 else "clear" for n in range(9, 14)}, "alaw", number=3)
    office.system.cable(3, 4)
    await office.until(lambda: len(trunk.one.circuits) == 4 and trunk.one.up and trunk.two.up and trunk.idle(), 120)
    again = await up(office, trunk, "g2/5555")
    again.hangup()
    await office.until(trunk.idle, 5)


async def test_two_links_share_the_load_and_one_is_enough(office: Office) -> None:
    """Calls go on when one fails, and when it is back."""
    trunk = await start(office, circuits=4, links=2)
    await office.until(lambda: _both_serve(trunk), 60)
    calls = [await up(office, trunk, f"g{1 + n % 2}/5555") for n in range(2)]
    for broken in (0, 1):
        numbers = [linkset.links[broken].number for linkset in (trunk.one, trunk.two)]
        for number in numbers:
            port = office.system.ports[number]
            assert port.party is not None
            port.party.cut = True  # type: ignore[attr-defined]
            port.alarm_bits = Alarm.RED
            port.happen(Happening.ALARM)
        await office.advance(1)
        assert trunk.one.up and trunk.two.up and all(call.state is State.UP for call in calls)
        extra = calls.pop()
        extra.hangup()
        await office.until(lambda: len(office.pbx.channels) == 2 and not _waiting(trunk), 5)
        calls.append(await up(office, trunk, "g1/5555"))
        for number in numbers:
            port = office.system.ports[number]
            assert port.party is not None
            port.party.cut = False  # type: ignore[attr-defined]
            port.alarm_bits = Alarm.NONE
            port.happen(Happening.NO_ALARM)
        await office.until(lambda: _both_serve(trunk), 60)
        assert trunk.one.up and trunk.two.up and all(call.state is State.UP for call in calls)
    shown = await office.cli("ss7 show linkset 1")
    assert len([line for line in shown if "INSERVICE,  UP" in line]) == 2
    for call in calls:
        call.hangup()
    await office.until(trunk.idle, 5)


async def test_a_signalling_channel_without_mtp2_in_the_driver(office: Office) -> None:
    """dchan= in system.conf: what was sent last is repeated from here."""
    trunk = await start(office, circuits=4, signalling="hdlcfcs")
    channel = await up(office, trunk, "g1/5555")
    channel.hangup()
    await office.until(trunk.idle, 5)


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_happens_no_circuit_is_stuck(office: Office, seed: int) -> None:
    """Calls, answers, clearing, blocking, resets and alarms in any order; then everything is idle again."""
    chance = random.Random(seed)
    trunk = await start(office, "ansi" if seed % 2 else "itu", circuits=4)
    mine: list[Channel] = []
    for _ in range(70):
        at = chance.choice((1, 2))
        cic = chance.randint(1, 3)
        match chance.randrange(12):
            case 0 | 1 | 2 | 3:
                try:
                    wanted = f"g{at}/{chance.choice(('5551', '5552', '5554', '5555', '5556', '999'))}"
                    mine.append(dial(trunk, wanted))
                except RequestError:
                    pass
            case 4 | 5 if mine:
                channel = mine.pop(chance.randrange(len(mine)))
                if not channel.hungup:
                    channel.hangup(chance.choice((16, 17, 21)))
            case 6 | 7 if len(office.pbx.channels):
                chance.choice(list(office.pbx.channels)).request_hangup(chance.choice((16, 17)))
            case 8:
                await _try(office, f"ss7 {chance.choice(('block', 'unblock'))} cic {at} {3 - at} {cic}")
            case 9:
                await _try(office, f"ss7 {chance.choice(('block', 'unblock', 'reset'))} group {at} {3 - at} {cic} 1")
            case 10:
                await _try(office, f"ss7 reset cic {at} {3 - at} {cic}")
            case 11 if chance.random() < 0.2:
                office.system.alarm(2 + at, Alarm.RED)
                await office.advance(chance.random())
                office.system.alarm(2 + at, Alarm.NONE)
        await office.advance(chance.choice((0.01, 0.02, 0.05, 0.3)))
    for channel in mine:
        if not channel.hungup:
            channel.hangup()
    for one in list(office.pbx.channels):
        one.request_hangup()
    await office.until(lambda: not len(office.pbx.channels) and trunk.one.up and trunk.two.up, 120)
    await office.advance(5)
    for at in (1, 2):
        await office.cli(f"ss7 reset group {at} {3 - at} 1 3")
        await office.advance(1)
    try:
        await office.until(trunk.idle, 40)
    except AssertionError:
        raise AssertionError(_states(trunk)) from None
    for at in (1, 2):
        call = await up(office, trunk, f"g{at}/5555")
        call.hangup()
    await office.until(trunk.idle, 5)
    assert not trunk.one.library.calls and not trunk.two.library.calls


async def _try(office: Office, command: str) -> None:
    with contextlib.suppress(CommandError):
        await office.cli(command)


def _both_serve(trunk: Trunk) -> bool:
    def serves(lines: list[str], what: str) -> bool:
        return len([line for line in lines if what in line]) == 2

    found = [linkset.library.status_lines() for linkset in (trunk.one, trunk.two)]
    return all(serves(lines, "INSERVICE,  UP") and serves(lines, "Changeover: NO") for lines in found)


def _waiting(trunk: Trunk) -> bool:
    circuits = [*trunk.one.circuits, *trunk.two.circuits]
    return any(circuit.channel is None and not circuit.free for circuit in circuits)


def _states(trunk: Trunk) -> str:
    def one(circuit: CircuitPort) -> str:
        return (
            f"{circuit.linkset.number}/{circuit.cic}: {circuit.level.name} record={circuit.call_record is not None} "
            f"channel={circuit.channel} service={circuit.in_service} {circuit.locally!r} {circuit.remotely!r}"
        )

    lines = [one(circuit) for linkset in (trunk.one, trunk.two) for circuit in linkset.circuits]
    return "\n".join([*lines, *trunk.one.library.call_lines(), *trunk.two.library.call_lines()])


# ---- what is shown, and what is wrong ----------------------------------------------------------------------------


async def test_linksets_are_shown(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    trunk = await start(office, circuits=3)
    channel = await up(office, trunk, "g1/5555")
    shown = await office.cli("ss7 show linkset 1")
    assert shown[:4] == [
        "SS7 flags: 0x0",
        "SS7 linkset 1 status: Up",
        "SS7 calling nai: 3",
        "SS7 called nai: 3",
    ]
    assert "Switch type: ITU" in shown and "Our point code: 1" in shown
    table = await office.cli("ss7 show channels")
    assert table[2].split() == ["1", "9", "No", "No", "No", "Connect", "Yes", channel.name]
    assert table[3].split() == ["1", "10", "Yes", "No", "No", "Idle", "No"]
    assert (await office.cli("ss7 show calls 1"))[1].split()[:2] == ["1", "2"]
    assert (await office.cli("ss7 show version"))[0].startswith("libss7 version: ")
    block = await office.cli("dahdi show channel 9")
    assert "CIC: 1" in block and "CIC state: Connect, in service" in block
    assert await office.cli("ss7 set debug on linkset 1") == ["Enabled debugging on linkset 1"]
    channel.hangup()
    await office.advance(0.3)
    assert await office.cli("ss7 set debug off linkset 1") == ["Disabled debugging on linkset 1"]
    assert await office.cli("ss7 mtp3 1 0 lfu") == ["OK"]
    with pytest.raises(CommandError, match="Unknown msg xyz"):
        await office.cli("ss7 mtp3 1 0 xyz")
    with pytest.raises(CommandError, match="has no link with code 7"):
        await office.cli("ss7 restart mtp3 1 7")
    assert await office.cli("ss7 restart mtp3 1 0") == []
    await office.until(lambda: trunk.one.up and trunk.two.up and trunk.idle(), 120)
    for words, mistake in (
        ("show linkset 9", "No SS7 running on linkset 9"),
        ("show cics 99", "Invalid linkset 99"),
        ("block cic 1 2 88", "Linkset 1 has no CIC 88 to point code 2"),
        ("block cic 1 x 1", '"x" is no point code of ITU'),
        ("reset group 1 2 2 30", "not all of CIC 2 to 32 are there"),
        ("reset group 1 2 2 0", "Invalid range"),
    ):
        with pytest.raises(CommandError, match=mistake):
            await office.cli(f"ss7 {words}")


async def test_words_are_completed(office: Office) -> None:
    await start(office, circuits=3)
    registry = office.pbx.registry
    for line, wanted in (
        ("ss7 show cics ", ["1", "2"]),
        ("ss7 block cic 1 ", ["2"]),
        ("ss7 block cic 1 2 ", ["1", "2", "3"]),
        ("ss7 set debug ", ["off", "on"]),
        ("ss7 set debug on linkset ", ["1", "2"]),
        ("ss7 mtp3 1 ", ["0"]),
    ):
        assert sorted(registry.complete(office.pbx, line)) == wanted, line


MISTAKES = """[channels]
signalling = ss7
pointcode = 1
adjpointcode = 99999
defaultdpc = 2
sigchan = 24
adjpointcode = 2
isup_timer.t99 = 5
mtp3_timer.t1 = soon
linkset = 2
sigchan = 9
linkset = 3
cicbeginswith = 1
channel => 10
linkset = 2
channel => 11
"""


async def test_mistakes_are_told_with_line_and_remedy(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    office.system.add_span({n: "mtp2" if n == 24 else "clear" for n in range(9, 40)}, "alaw")
    await office.begin(MISTAKES, PLAN)
    told = "\n".join(record.message for record in caplog.records)
    for sentence in (
        'conf:6: sigchan = 24: "99999" is no point code of ITU; write a number up to 16383',
        "conf:8: isup_timer.t99 = 5: write a time in ms; there are t1, t10",
        "conf:9: mtp3_timer.t1 = soon: write a time in ms; there are q707_t1",
        "conf:11: sigchan = 9: channel 9 is no signalling channel in the driver; make system.conf say mtp2=9",
        "conf:14: channel 10: linkset 3 is not there: it has no signalling channel; write sigchan = above",
    ):
        assert sentence in told


async def test_without_libss7(
    office: Office, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One error a line, with the remedy; everything else goes on."""
    monkeypatch.setitem(sys.modules, "kernel_shims.ss7._ss7", None)
    monkeypatch.delattr("kernel_shims.ss7._ss7", raising=False)
    office.system.add_span(dict.fromkeys(range(1, 5), "fxo_ks"))
    office.system.add_span({n: "mtp2" if n == 24 else "clear" for n in range(9, 40)}, "alaw", number=3)
    office.system.add_span({n: "mtp2" if n == 55 else "clear" for n in range(40, 71)}, "alaw", number=4)
    blanks = dict.fromkeys(("extra", "extra_one", "extra_two", "more_one", "more_two"), "")
    text = CHANNELS.format(variant="itu", one_link=24, two_link=55, one="9", two="40", **blanks)
    lines = await office.begin(text, PLAN)
    told = [record.message for record in caplog.records if "libss7" in record.message]
    assert len(told) == 4 and all("install libss7-dev and run make -C kernel-shims" in line for line in told)
    assert sorted(lines.ports) == [1, 2]
    with pytest.raises(CommandError, match="install libss7-dev"):
        await office.cli("ss7 show version")
