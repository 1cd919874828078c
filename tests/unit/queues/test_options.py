"""Options of Queue(): what caller and member may do by code while they talk, and what queue_log says of it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from offhook.apps import mixmonitor, monitors
from offhook.calls import causes
from offhook.calls.channel import Channel
from offhook.calls.events import UserEvent
from offhook.config.parser import loads
from offhook.services import one_touch
from offhook.services.features import core
from offhook.services.features.configuration import read_features
from offhook.services.features.core import features_of
from offhook.services.parking import module as parking
from offhook.services.parking.core import parking_of
from offhook.services.parking.lots import read_lots
from support.call_exchange import press
from unit.queues.house import Centre, Habit, story

ONE = "[q]\nringinuse = no\nmember = Phone/1,,Ann\n"
FEATURES = """
[general]
transferdigittimeout = 1
atxferloopdelay = 0
[featuremap]
blindxfer = #1
atxfer = *2
disconnect = *0
parkcall = #72
automixmon = *3
"""
LOTS = "[default]\nparkext => 700\nparkpos => 701-703\ncontext => parkedcalls\n"


def member_of(centre: Centre) -> Channel:
    """Ann's telephone."""
    return next(iter(centre.pbx.channels.of_device("Phone/1")))


async def talk(centre: Centre, exten: str = "features") -> Channel:
    """A caller who talks with Ann, in a house whose features.conf is above."""
    pbx = centre.pbx
    for source in (core, mixmonitor, parking):
        centre.exchange.load(source)
    features = features_of(pbx)
    pbx.parts["member_features"] = [features.watch]
    features.config = read_features(loads(FEATURES, "features.conf"))
    parking_of(pbx).configure(*read_lots(loads(LOTS, "res_parking.conf")))
    parking.start(pbx)
    one_touch.start(pbx)
    pbx.paths.monitor = str(centre.folder)
    caller = centre.call("555", exten)
    await asyncio.sleep(5)
    assert centre.talks_with(caller) == "1"
    for party in (caller, member_of(centre)):
        party.set("TRANSFER_CONTEXT", "away")
    return caller


def ends(centre: Centre) -> list[str]:
    """What queue_log says after the connection."""
    lines = centre.log_lines
    return lines[next(at for at, line in enumerate(lines) if "|CONNECT|" in line) + 1 :]


@pytest.mark.parametrize("who", ["caller", "member"])
def test_either_ends_the_call_by_code(tmp_path: Path, who: str) -> None:
    async def tell(centre: Centre) -> None:
        caller = await talk(centre)
        press(caller if who == "caller" else member_of(centre), "*0")
        await asyncio.sleep(5)
        assert caller.hungup
        assert not centre.pbx.channels.of_device("Phone/1")

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=1))
    assert ends(centre) == ["q|Ann|COMPLETEAGENT|1|4|1"]


@pytest.mark.parametrize("who", ["caller", "member"])
def test_either_transfers_blindly(tmp_path: Path, who: str) -> None:
    async def tell(centre: Centre) -> None:
        caller = await talk(centre)
        press(caller if who == "caller" else member_of(centre), "#112")
        await asyncio.sleep(5)
        assert len(centre.events("Away")) == 1
        assert not centre.queue.members["phone/1"].talks

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=1))
    (line,) = ends(centre)
    assert line.startswith("q|Ann|BLINDTRANSFER|12|away|1|")
    assert centre.told("AgentComplete")[0][1]["Reason"] == "transfer"


@pytest.mark.parametrize("who", ["caller", "member"])
@pytest.mark.parametrize("how", ["hangs up", "stays in"])
def test_either_transfers_after_asking(tmp_path: Path, who: str, how: str) -> None:
    async def tell(centre: Centre) -> None:
        caller = await talk(centre)
        transferer = caller if who == "caller" else member_of(centre)
        other = member_of(centre) if who == "caller" else caller
        press(transferer, "*213")
        await asyncio.sleep(5)
        assert transferer.bridge is not None
        assert transferer.bridge is not other.bridge, "the other one waits"
        assert not [line for line in ends(centre) if "|COMPLETE" in line]
        if how == "hangs up":
            transferer.far_end_hangup(causes.NORMAL_CLEARING)
        else:
            press(transferer, "*3")
        await asyncio.sleep(5)
        assert other.bridge is not None
        assert len(other.bridge) == (2 if how == "hangs up" else 3)
        assert bool(centre.queue.completed) == (how == "hangs up")
        other.far_end_hangup(causes.NORMAL_CLEARING)
        await asyncio.sleep(5)
        assert centre.queue.completed == 1

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=1))
    told = [line.split("|")[2] for line in ends(centre)]
    hung_up = "COMPLETEAGENT" if who == "caller" else "COMPLETECALLER"
    assert told == (["ATTENDEDTRANSFER"] if how == "hangs up" else [hung_up])


def test_a_transferer_whose_target_does_not_answer_is_called_back(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = await talk(centre)
        press(member_of(centre), "*299")  # there is no such extension
        await asyncio.sleep(8)
        assert centre.talks_with(caller) == "1"
        await centre.hang_up(member_of(centre))

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=1))
    (line,) = ends(centre)
    assert line.startswith("q|Ann|COMPLETEAGENT|1|")


@pytest.mark.parametrize("who", ["caller", "member"])
def test_either_parks(tmp_path: Path, who: str) -> None:
    async def tell(centre: Centre) -> None:
        caller = await talk(centre)
        press(caller if who == "caller" else member_of(centre), "#72")
        await asyncio.sleep(5)
        parked = parking_of(centre.pbx).lots["default"].places.values()
        assert [place.channel.name.partition("-")[0] for place in parked] == [
            "Phone/1" if who == "caller" else "Phone/555"
        ]
        parking_of(centre.pbx).close()

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=1))
    assert ends(centre) == [f"q|Ann|{'COMPLETECALLER' if who == 'caller' else 'COMPLETEAGENT'}|1|4|1"]


@pytest.mark.parametrize("who", ["caller", "member"])
def test_either_records(tmp_path: Path, who: str) -> None:
    async def tell(centre: Centre) -> None:
        caller = await talk(centre)
        one, other = (caller, member_of(centre)) if who == "caller" else (member_of(centre), caller)
        press(one, "*3")
        await centre.exchange.until(lambda: bool(monitors.monitors(other)), 100_000)
        press(one, "*3")
        await centre.exchange.until(lambda: not monitors.monitors(other), 100_000)

    story(tmp_path, tell, ONE, p1=Habit(answers_after=1))


def test_without_options_codes_are_digits(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = await talk(centre, "q")
        for party in (caller, member_of(centre)):
            press(party, "*0#112")
        await asyncio.sleep(5)
        assert centre.talks_with(caller) == "1"

    assert ends(story(tmp_path, tell, ONE, p1=Habit(answers_after=1)))[0].startswith("q|Ann|COMPLETE")


def test_ringing_instead_of_music_ends_with_the_answer(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.pbx.zone_tone = lambda zone, name: name  # type: ignore[method-assign]
        caller = centre.call("555", "R")
        await asyncio.sleep(1)
        assert "tone" in caller.data
        await asyncio.sleep(4)
        assert centre.talks_with(caller) == "1"
        assert "tone" not in caller.data

    story(tmp_path, tell, ONE, p1=Habit(answers_after=3))


@pytest.mark.parametrize(("exten", "rang"), [("q", ["1", "2"]), ("i", ["1"])])
def test_forwards_may_be_ignored(tmp_path: Path, exten: str, rang: list[str]) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555", exten)
        await asyncio.sleep(4)
        assert centre.rang == rang

    story(tmp_path, tell, ONE, p1=Habit(does="Phone/2"), p2=Habit())


@pytest.mark.parametrize(("exten", "cause"), [("q", 0), ("C", causes.ANSWERED_ELSEWHERE)])
def test_phones_may_be_told_that_another_answered(tmp_path: Path, exten: str, cause: int) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555", exten)
        await asyncio.sleep(2)
        phone = member_of(centre)
        await centre.hang_up(caller)
        assert phone.hangup_cause == cause

    story(tmp_path, tell, ONE)


def test_subroutines_before_members_are_called(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555", "bB")
        await asyncio.sleep(2)

    centre = story(tmp_path, tell, ONE)
    ran = [
        (dict(event.headers)["Arg"], event.channel.name.partition("-")[0])
        for event in centre.exchange.heard(UserEvent)
        if event.name == "Before"
    ]
    assert ran == [("B", "Phone/555"), ("b", "Phone/1")]


@pytest.mark.parametrize("who", ["caller", "member"])
def test_hanging_up_in_the_members_subroutine(tmp_path: Path, who: str) -> None:
    """The talk counts as begun: the member had answered and was told of the caller."""

    async def tell(centre: Centre) -> None:
        caller = centre.call("555", "G")
        await asyncio.sleep(3)
        assert len(centre.events("Work")) == 1
        await centre.hang_up(caller if who == "caller" else member_of(centre))
        await asyncio.sleep(10)
        assert caller.hungup
        assert not centre.pbx.channels.of_device("Phone/1")
        assert not centre.queues.pending
        assert (centre.queue.abandoned, centre.queue.completed) == (0, 1)

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=1))
    (line,) = ends(centre)
    assert line.startswith(f"q|Ann|{'COMPLETECALLER' if who == 'caller' else 'COMPLETEAGENT'}|3|0|")


def test_hanging_up_while_the_member_is_prepared_names_the_member(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(3)
        await centre.hang_up(caller)
        await asyncio.sleep(1)
        assert not centre.pbx.channels.of_device("Phone/1")
        assert (centre.queue.abandoned, centre.queue.completed) == (1, 0)

    centre = story(tmp_path, tell, ONE + "memberdelay = 10\n", p1=Habit(answers_after=1))
    assert centre.log_lines[-1] == "q|Ann|ABANDON|1|1|3"
