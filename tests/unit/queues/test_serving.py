"""Callers are served: the talk and what is told of it, in events, queue_log and figures."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from offhook.calls.frames import Condition
from offhook.calls.transfer import blind_transfer
from support.call_exchange import press
from unit.queues.house import Centre, Habit, story

ONE = "[q]\nmember = Phone/1,,Ann\n"
TWO = "[q]\nretry = 1\nmember = Phone/1\nmember = Phone/2\n"


def test_a_call_from_its_beginning_to_its_end(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(1)
        assert centre.pbx.devices.state("Queue:q") == "RINGING"
        await asyncio.sleep(4)
        assert centre.talks_with(caller) == "1"
        assert centre.pbx.devices.state("Queue:q") == "NOT_INUSE"
        assert centre.pbx.devices.state("Queue:q_avail") == "INUSE"
        await asyncio.sleep(20)
        await centre.hang_up(caller)
        assert centre.pbx.devices.state("Queue:q_avail") == "NOT_INUSE"

    centre = story(tmp_path, tell, "[q]\nringinuse = no\nmember = Phone/1,,Ann\n", p1=Habit(answers_after=3))
    kinds = [kind for kind, _ in centre.told() if kind != "QueueMemberStatus"]
    assert kinds == ["QueueCallerJoin", "AgentCalled", "QueueCallerLeave", "AgentConnect", "AgentComplete"]
    assert centre.told("AgentConnect")[0][1] == {
        "Queue": "q", "Interface": "Phone/1", "MemberName": "Ann", "HoldTime": "3", "RingTime": "3",
    }  # fmt: skip
    assert centre.told("AgentComplete")[0][1] == {
        "Queue": "q", "Interface": "Phone/1", "MemberName": "Ann", "HoldTime": "3", "TalkTime": "22",
        "Reason": "caller",
    }  # fmt: skip
    connect = centre.log.written[2]
    assert [line for line in centre.log_lines if "CONNECT" not in line] == [
        "NONE|NONE|QUEUESTART|", "q|NONE|ENTERQUEUE||555|1", "q|Ann|COMPLETECALLER|3|22|1",
    ]  # fmt: skip
    assert (connect[:4], connect[5]) == (("q", "Ann", "CONNECT", "3"), "3")
    assert centre.events("After") == []


@pytest.mark.parametrize(("exten", "goes_on"), [("q", False), ("c", True)])
def test_the_member_hangs_up(tmp_path: Path, exten: str, goes_on: bool) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555", exten)
        await asyncio.sleep(30)
        assert caller.hungup
        assert (centre.queue.completed, centre.queue.talktime, centre.queue.holdtime) == (1, 10, 2)

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=2, talks=10))
    assert centre.told("AgentComplete")[0][1]["Reason"] == "agent"
    assert centre.log_lines[-1] == "q|Ann|COMPLETEAGENT|2|10|1"
    assert centre.events("After") == ([[("Status", "CONTINUE")]] if goes_on else [])


def test_the_member_goes_on_in_the_dialplan(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555", "F")
        await asyncio.sleep(5)
        await centre.hang_up(caller)
        assert len(centre.events("Kept")) == 1

    story(tmp_path, tell, ONE, p1=Habit(answers_after=2))


def test_a_blind_transfer_ends_the_talk(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(5)
        blind_transfer(caller, "away", "12")
        await asyncio.sleep(5)
        assert len(centre.events("Away")) == 1

    centre = story(tmp_path, tell, ONE, p1=Habit(answers_after=1))
    assert centre.told("AgentComplete")[0][1]["Reason"] == "transfer"
    assert "q|Ann|BLINDTRANSFER|12|away|1|4|1" in centre.log_lines
    assert not any("COMPLETE" in line for line in centre.log_lines)


def test_the_caller_gives_up_while_it_rings(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(5)
        await centre.hang_up(caller)
        assert not len(centre.queue.line)
        assert not centre.queues.pending
        assert (centre.queue.abandoned, centre.queue.completed) == (1, 0)

    centre = story(tmp_path, tell, ONE)
    assert centre.log_lines[2:] == ["q|Ann|RINGCANCELED|5000", "q|NONE|ABANDON|1|1|5"]
    assert centre.told("QueueCallerAbandon")[0][1] == {
        "Queue": "q", "Position": "1", "OriginalPosition": "1", "HoldTime": "5",
    }  # fmt: skip


def test_with_star_the_caller_hangs_up(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555", "H")
        await asyncio.sleep(5)
        press(caller, "1*")
        await asyncio.sleep(1)
        assert caller.hungup

    assert story(tmp_path, tell, ONE).log_lines[-1] == "q|NONE|ABANDON|1|1|5"


def test_a_member_who_does_not_answer(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555")
        await asyncio.sleep(30)
        assert centre.queue.members["phone/1"].paused

    centre = story(tmp_path, tell, "[q]\nautopause = yes\nmember = Phone/1,,Ann\n")
    assert centre.told("AgentRingNoAnswer")[0][1]["RingTime"] == "15000"
    assert centre.log_lines[2:4] == ["q|Ann|RINGNOANSWER|15000", "q|Ann|PAUSE|Auto-Pause"]
    assert centre.rang == ["1"]


@pytest.mark.parametrize(
    ("does", "option", "paused"),
    [
        (Condition.BUSY, "autopausebusy", True),
        (Condition.BUSY, "autopauseunavail", False),
        (Condition.CONGESTION, "autopauseunavail", True),
        (Condition.CONGESTION, "autopausebusy", False),
        (Condition.HANGUP, "autopausebusy", True),
    ],
)
def test_who_is_busy_is_paused_if_that_is_wanted(tmp_path: Path, does: Condition, option: str, paused: bool) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555")
        await asyncio.sleep(3)
        assert centre.queue.members["phone/1"].paused is paused

    config = f"[q]\nautopause = all\n{option} = yes\nmember = Phone/1,,Ann\n"
    centre = story(tmp_path, tell, config, p1=Habit(does=does, after=2))
    assert ("NONE|Ann|PAUSEALL|Auto-Pause" in centre.log_lines) is paused
    assert "q|Ann|RINGNOANSWER|2000" in centre.log_lines


def test_the_next_member_is_called_when_one_is_busy(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(5)
        assert centre.talks_with(caller) == "2"

    config = "[q]\nstrategy = linear\nmember = Phone/1\nmember = Phone/2\n"
    centre = story(tmp_path, tell, config, p1=Habit(does=Condition.BUSY), p2=Habit(answers_after=1))
    assert centre.rang == ["1", "2"]


def test_a_member_forwards(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(5)
        assert centre.talks_with(caller) == "3"
        assert centre.told("AgentConnect")[0][1]["Interface"] == "Phone/1"

    story(tmp_path, tell, ONE, p1=Habit(does="Phone/3"), p3=Habit(answers_after=1))


def test_a_member_who_hangs_up_before_the_talk(tmp_path: Path) -> None:
    """The caller goes back to waiting, and is served by the next answer."""

    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(3)
        assert "q|Phone/1|AGENTDUMP|" in centre.log_lines
        assert (caller.bridge, len(centre.queue.line)) == (None, 1)
        centre.habits["1"] = Habit(answers_after=1)
        await asyncio.sleep(20)
        assert centre.talks_with(caller) == "1"

    centre = story(tmp_path, tell, "[q]\nmemberdelay = 5\nmember = Phone/1\n", p1=Habit(answers_after=1, talks=1))
    assert [kind for kind, _ in centre.told("AgentDump", "AgentConnect")] == ["AgentDump", "AgentConnect"]


def test_ringall_stops_all_others_when_one_answers(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(3)
        assert centre.talks_with(caller) == "2"
        assert sorted(centre.rang) == ["1", "2"]
        assert len(list(centre.pbx.channels)) == 2

    story(tmp_path, tell, TWO, p2=Habit(answers_after=2))


def test_variables_of_queue_and_member(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(5)
        names = ("MEMBERINTERFACE", "MEMBERNAME", "MEMBERPENALTY", "QEHOLDTIME", "QEORIGINALPOS", "QUEUENAME")
        assert [caller.get(name) for name in names] == ["Phone/1", "Ann", "2", "2", "1", "q"]
        assert (caller.get("QUEUEWAIT"), caller.get("QUEUEPOSITION")) == ("2", "1")

    config = "[q]\nsetinterfacevar = yes\nsetqueueentryvar = yes\nsetqueuevar = yes\nmember = Phone/1,2,Ann\n"
    story(tmp_path, tell, config, p1=Habit(answers_after=2))


def test_wrapuptime_keeps_a_member_free(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555")
        await asyncio.sleep(5)
        second = centre.call("556")
        await asyncio.sleep(20)
        assert centre.rang == ["1"]
        await asyncio.sleep(12)
        assert centre.talks_with(second) == "1"

    story(tmp_path, tell, "[q]\nwrapuptime = 30\nmember = Phone/1\n", p1=Habit(answers_after=1, talks=3))


@pytest.mark.parametrize(("ringinuse", "rings"), [("yes", 2), ("no", 1)])
def test_members_who_talk_are_called_or_not(tmp_path: Path, ringinuse: str, rings: int) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555")
        await asyncio.sleep(3)
        centre.call("556")
        await asyncio.sleep(3)
        assert len(centre.rang) == rings

    story(tmp_path, tell, f"[q]\nringinuse = {ringinuse}\nmember = Phone/1\n", p1=Habit(answers_after=1))
