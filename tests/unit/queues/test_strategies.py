"""Strategies: who is called, and who next."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace

import pytest

from offhook.services.queues import strategies
from offhook.services.queues.penalties import Penalties
from offhook.services.queues.rules import parse_change
from unit.queues.house import Centre, Habit, story

MEMBERS = "member = Phone/1\nmember = Phone/2\nmember = Phone/3\n"


def rounds(tmp_path: Path, strategy: str, calls: int = 4, more: str = "") -> list[str]:
    """Whom a few calls reach, one after the other; everybody answers after a second."""

    async def tell(centre: Centre) -> None:
        for _ in range(calls):
            caller = centre.call("555")
            await asyncio.sleep(3)
            await centre.hang_up(caller)
            await asyncio.sleep(1)

    habit = Habit(answers_after=1)
    config = f"[q]\nstrategy = {strategy}\n{more}{MEMBERS}"
    return story(tmp_path, tell, config, p1=habit, p2=habit, p3=habit).rang


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        ("linear", ["1", "1", "1", "1"]),
        ("rrmemory", ["1", "2", "3", "1"]),
        ("rrordered", ["1", "2", "3", "1"]),
        ("roundrobin", ["1", "2", "3", "1"]),
        ("fewestcalls", ["1", "2", "3", "1"]),
        ("leastrecent", ["1", "2", "3", "1"]),
        ("ringall", ["1", "2", "3"] * 4),
    ],
)
def test_who_is_called_by_the_strategy(tmp_path: Path, strategy: str, order: list[str]) -> None:
    assert rounds(tmp_path, strategy) == order


@pytest.mark.parametrize("strategy", ["random", "wrandom"])
def test_chance_reaches_everybody(tmp_path: Path, strategy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import random

    chance = random.Random(7)
    monkeypatch.setattr(strategies, "random", chance)
    assert set(rounds(tmp_path, strategy, calls=12)) == {"1", "2", "3"}


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        ("linear", ["1", "2", "3", "1", "2"]),
        ("rrmemory", ["1", "2", "3", "1", "2"]),
        ("leastrecent", ["1", "1", "1", "1", "1"]),
    ],
)
def test_nobody_answers(tmp_path: Path, strategy: str, order: list[str]) -> None:
    """Each rings 5 s, then a pause of 1 s; linear and the round robins go on with the next one."""

    async def tell(centre: Centre) -> None:
        centre.call("555")
        await asyncio.sleep(28)

    config = f"[q]\nstrategy = {strategy}\ntimeout = 5\nretry = 1\n{MEMBERS}"
    assert story(tmp_path, tell, config).rang == order


def test_smaller_penalties_first(tmp_path: Path) -> None:
    """Those of a penalty ring together; the next penalty comes when nobody of it rings any more."""

    async def tell(centre: Centre) -> None:
        centre.call("555")
        await asyncio.sleep(1)
        assert sorted(centre.rang) == ["1", "2"]
        await asyncio.sleep(3)
        assert centre.rang[2:] == ["3"]

    from offhook.calls.frames import Condition

    habit = Habit(does=Condition.BUSY, after=2)
    config = "[q]\nmember = Phone/1,1\nmember = Phone/2,1\nmember = Phone/3,2\n"
    story(tmp_path, tell, config, p1=habit, p2=habit)


def test_with_few_members_penalties_do_not_count(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555", "r")
        await asyncio.sleep(1)
        assert sorted(centre.rang) == ["1", "2"]

    story(tmp_path, tell, "[q]\npenaltymemberslimit = 2\nmember = Phone/1,8\nmember = Phone/2,1\n")


def test_the_round_stays_right_when_a_member_goes(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        for _ in range(2):
            caller = centre.call("555")
            await asyncio.sleep(3)
            await centre.hang_up(caller)
        centre.queue.remove(centre.queue.members["phone/1"])
        centre.call("555")
        await asyncio.sleep(2)
        assert centre.rang == ["1", "2", "3"]

    habit = Habit(answers_after=1)
    story(tmp_path, tell, f"[q]\nstrategy = rrmemory\n{MEMBERS}", p1=habit, p2=habit, p3=habit)


@pytest.mark.parametrize(
    ("penalties", "member", "counts"),
    [
        (Penalties(), 5, 5),
        (Penalties(highest=4), 5, None),
        (Penalties(lowest=6), 5, None),
        (Penalties(raised=7), 5, 7),
        (Penalties(raised=7, highest=6), 5, None),
        (Penalties(raised=7, lowest=6), 5, 7),
        (Penalties(raised=7, lowest=6, respects_lowest=True), 5, None),
        (Penalties(raised=7, lowest=5, respects_lowest=True), 5, 7),
    ],
)
def test_penalties_of_a_caller(penalties: Penalties, member: int, counts: int | None) -> None:
    assert penalties.effective(member) == counts


def test_rules_change_what_the_dialplan_has_set() -> None:
    values: dict[str, str] = {}
    channel = SimpleNamespace(set=values.__setitem__)
    penalties = Penalties(highest=3, lowest=1, raised=0)
    penalties.changes = [parse_change("10,+2"), parse_change("20,10,5"), parse_change("30,4,-2,r6")]
    penalties.advance(channel, 9)  # type: ignore[arg-type]
    assert values == {}
    penalties.advance(channel, 10)  # type: ignore[arg-type]
    assert (penalties.highest, penalties.lowest, penalties.raised) == (5, 1, 0)
    penalties.advance(channel, 35)  # type: ignore[arg-type]
    assert values == {"QUEUE_MAX_PENALTY": "4", "QUEUE_MIN_PENALTY": "3", "QUEUE_RAISE_PENALTY": "r4"}
    unset = Penalties(changes=[parse_change("1,5,5,5")])
    unset.advance(channel, 2)  # type: ignore[arg-type]
    assert (unset.highest, unset.lowest, unset.raised) == (None, None, None)
