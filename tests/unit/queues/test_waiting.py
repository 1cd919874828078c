"""Waiting: turns, priorities, time-outs, empty queues, digits, announcements, rules, and orders from outside."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from offhook.calls.channel import State
from offhook.calls.succession import hand_over
from offhook.calls.transfer import Transfer, attended_transfer
from support.call_exchange import press
from unit.queues.house import Centre, Habit, Phone, story

ONE = "member = Phone/1\n"
BUSY = Habit(answers_after=1, talks=1000)


def test_callers_are_served_in_their_order(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        callers = [centre.call(str(number)) for number in (501, 502, 503)]
        served: list[str] = []
        for _ in range(60):
            await asyncio.sleep(1)
            served += [one.caller.id.number.text for one in callers if centre.talks_with(one)]
        assert list(dict.fromkeys(served)) == ["501", "502", "503"]
        assert centre.queue.completed == 3

    story(tmp_path, tell, f"[q]\nringinuse = no\n{ONE}", p1=Habit(answers_after=1, talks=5))


def test_priority_goes_before(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("500")
        await asyncio.sleep(3)
        plain, important = centre.call("501"), centre.call("502", "vip")
        await asyncio.sleep(1)
        assert [entry.channel for entry in centre.queue.line.entries] == [important, plain]
        await centre.action("QueueChangePriorityCaller", Queue="q", Caller=plain.name, Priority="9")
        assert [entry.channel for entry in centre.queue.line.entries] == [important, plain]
        await centre.action("QueueChangePriorityCaller", Queue="q", Caller=plain.name, Priority="9", Immediate="yes")
        assert [entry.channel for entry in centre.queue.line.entries] == [plain, important]

    story(tmp_path, tell, f"[q]\nringinuse = no\n{ONE}", p1=BUSY)


@pytest.mark.parametrize(("autofill", "served"), [("yes", 2), ("no", 1)])
def test_autofill_serves_those_behind(tmp_path: Path, autofill: str, served: int) -> None:
    """Phone 1 rings and is not answered; without autofill nobody else is served meanwhile."""

    async def tell(centre: Centre) -> None:
        callers = [centre.call("501"), centre.call("502")]
        await asyncio.sleep(5)
        assert len(set(centre.rang)) == served
        assert bool(centre.talks_with(callers[1])) is (served == 2)

    config = f"[general]\nautofill = {autofill}\n[q]\nstrategy = linear\nringinuse = no\n{ONE}member = Phone/2\n"
    story(tmp_path, tell, config, p2=Habit(answers_after=1))


def test_the_time_of_the_application_ends_the_waiting(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555", "20s")
        await asyncio.sleep(19)
        assert not caller.hungup
        await asyncio.sleep(2)
        assert centre.events("After") == [[("Status", "TIMEOUT")]]
        assert caller.get("ABANDONED") in ("TRUE", None)

    assert story(tmp_path, tell, f"[q]\n{ONE}").log_lines[-1] == "q|NONE|EXITWITHTIMEOUT|1|1|20"


@pytest.mark.parametrize(("priority", "ends_at"), [("app", 20), ("conf", 35)])
def test_whose_timeout_counts(tmp_path: Path, priority: str, ends_at: int) -> None:
    """Members ring 15 s, then 5 s pause: the second ringing begins at 20 s less one."""

    async def tell(centre: Centre) -> None:
        caller = centre.call("555", "20s")
        for second in range(60):
            if caller.hungup:
                assert abs(second - ends_at) <= 1
                return
            await asyncio.sleep(1)
        raise AssertionError("it did not end")

    story(tmp_path, tell, f"[q]\nretry = 4\ntimeoutpriority = {priority}\n{ONE}")


@pytest.mark.parametrize("strategy", ["ringall", "linear"])
def test_with_n_members_are_called_once(tmp_path: Path, strategy: str) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555", "n")
        await asyncio.sleep(60)
        assert sorted(centre.rang) == ["1", "2"]
        assert centre.events("After") == [[("Status", "TIMEOUT")]]

    story(tmp_path, tell, f"[q]\nstrategy = {strategy}\ntimeout = 10\n{ONE}member = Phone/2\n")


def test_no_more_than_fit_in(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("501")
        await asyncio.sleep(2)
        centre.call("502")
        await asyncio.sleep(2)
        centre.call("503")
        await asyncio.sleep(2)
        assert centre.events("After") == [[("Status", "FULL")]]

    story(tmp_path, tell, f"[q]\nmaxlen = 1\nringinuse = no\n{ONE}", p1=BUSY)


def test_no_such_queue(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("501")
        await asyncio.sleep(1)
        assert centre.events("After") == [[("Status", "UNKNOWN")]]

    story(tmp_path, tell, "[r]\n")


EMPTY = [
    # what members are like, the words, whether the queue counts as empty
    ("", "strict", True),
    ("NOT_INUSE", "strict", False),
    ("UNAVAILABLE", "strict", True),
    ("UNAVAILABLE", "loose", False),
    ("UNAVAILABLE", "unavailable", True),
    ("INVALID", "loose", True),
    ("INVALID", "unavailable", False),
    ("INUSE", "inuse", True),
    ("INUSE", "ringing", False),
    ("RINGING", "ringing", True),
    ("UNKNOWN", "unknown", True),
    ("UNKNOWN", "invalid,unavailable", False),
    ("paused", "paused", True),
    ("paused", "inuse,unavailable", False),
    ("penalty", "penalty", True),
    ("penalty", "paused", False),
]


@pytest.mark.parametrize(("member", "words", "empty"), EMPTY)
def test_who_does_not_count_when_callers_join(tmp_path: Path, member: str, words: str, empty: bool) -> None:
    async def tell(centre: Centre) -> None:
        prepare(centre, member)
        centre.call("555", "r")
        await asyncio.sleep(0.5)
        assert bool(len(centre.queue.line)) is not empty

    story(tmp_path, tell, f"[q]\njoinempty = {words}\n{line(member)}")


@pytest.mark.parametrize(("member", "words", "empty"), EMPTY)
def test_who_does_not_count_while_callers_wait(tmp_path: Path, member: str, words: str, empty: bool) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555", "r")
        await asyncio.sleep(0.5)
        prepare(centre, member)
        await asyncio.sleep(40)
        assert bool(len(centre.queue.line)) is not empty
        assert any("EXITEMPTY" in one for one in centre.log_lines) is empty

    story(tmp_path, tell, f"[q]\nleavewhenempty = {words}\n{line(member)}")


def line(member: str) -> str:
    """A member line, with a penalty that the caller does not get if that is what it is about; none for ""."""
    return "" if not member else "member = Phone/1,2\n" if member == "penalty" else ONE


def prepare(centre: Centre, member: str) -> None:
    """Have the member be like that."""
    if member == "paused":
        centre.queue.members["phone/1"].paused = True
    elif member and member != "penalty":
        centre.show("1", member)


@pytest.mark.parametrize(
    ("joinempty", "leave", "status"),
    [("no", "no", "JOINEMPTY"), ("yes", "yes", "LEAVEEMPTY"), ("yes", "no", "")],
)
def test_yes_and_no_mean_the_opposite_of_each_other(tmp_path: Path, joinempty: str, leave: str, status: str) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("555")
        await asyncio.sleep(5)
        assert centre.events("After") == ([[("Status", status)]] if status else [])

    story(tmp_path, tell, f"[q]\njoinempty = {joinempty}\nleavewhenempty = {leave}\n")


def test_a_digit_leads_out(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(3)
        press(caller, "9")
        await asyncio.sleep(1)
        press(caller, "12")
        await asyncio.sleep(0.5)
        assert len(centre.events("Away")) == 1
        assert not len(centre.queue.line)

    centre = story(tmp_path, tell, f"[q]\ncontext = away\n{ONE}")
    assert centre.log_lines[-1] == "q|NONE|EXITWITHKEY|12|1|1|4"
    assert any("RINGCANCELED" in one for one in centre.log_lines)


def test_a_digit_leads_out_while_nobody_rings(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(3)
        press(caller, "12")
        await asyncio.sleep(0.5)
        assert len(centre.events("Away")) == 1

    story(tmp_path, tell, "[q]\ncontext = away\n")


def played(centre: Centre) -> list[str]:
    """Prompts that somebody heard, with the second."""
    from offhook.calls.events import TestEvent

    return [
        dict(event.headers)["Message"] for event in centre.exchange.heard(TestEvent) if event.headers[0][0] == "Message"
    ]


def prompts(folder: Path) -> None:
    """All that a queue says, and numbers."""
    (folder / "digits").mkdir()
    names = ("youarenext", "thereare", "callswaiting", "quantity1", "quantity2", "holdtime", "minute", "minutes",
             "seconds", "thankyou", "periodic-announce", "reporthold")  # fmt: skip
    for name in (*(f"queue-{each}" for each in names), *(f"digits/{digit}" for digit in range(11)), "one", "two"):
        (folder / f"{name}.gsm").touch()


def test_positions_are_told(tmp_path: Path) -> None:
    prompts(tmp_path)

    async def tell(centre: Centre) -> None:
        centre.call("501")
        await asyncio.sleep(3)
        centre.call("502")
        await asyncio.sleep(5)
        assert played(centre) == ["queue-youarenext", "queue-thankyou"]
        centre.call("503")
        await asyncio.sleep(5)
        assert played(centre)[2:] == ["queue-thereare", "digits/2", "queue-callswaiting", "queue-thankyou"]
        await asyncio.sleep(15)
        assert len(played(centre)) == 6  # neither position has changed, nor is it 30 seconds

    config = f"[q]\nannounce-frequency = 30\nannounce-holdtime = no\nringinuse = no\n{ONE}"
    story(tmp_path, tell, config, p1=BUSY)


def test_the_hold_time_is_told(tmp_path: Path) -> None:
    prompts(tmp_path)

    async def tell(centre: Centre) -> None:
        for number in (501, 502, 503):
            centre.call(str(number))
            await asyncio.sleep(3)
            centre.queue.holdtime = 100
        words = ["queue-holdtime", "digits/2", "queue-minutes", "digits/10", "queue-seconds"]
        assert played(centre)[-6:] == [*words, "queue-thankyou"]

    config = "[q]\nannounce-frequency = 30\nannounce-round-seconds = 10\nannounce-position = limit\n"
    config += f"announce-position-limit = 1\nringinuse = no\n{ONE}"
    story(tmp_path, tell, config, p1=BUSY)


def test_more_than_so_many(tmp_path: Path) -> None:
    prompts(tmp_path)

    async def tell(centre: Centre) -> None:
        for number in (501, 502, 503):
            centre.call(str(number))
            await asyncio.sleep(3)
        assert played(centre)[-4:] == ["queue-quantity1", "digits/1", "queue-quantity2", "queue-thankyou"]

    config = "[q]\nannounce-frequency = 30\nannounce-position = more\nannounce-position-limit = 1\n"
    story(tmp_path, tell, f"{config}announce-holdtime = no\nringinuse = no\n{ONE}", p1=BUSY)


def test_periodic_announcements_in_turn(tmp_path: Path) -> None:
    prompts(tmp_path)

    async def tell(centre: Centre) -> None:
        centre.call("501")
        await asyncio.sleep(2)
        centre.call("502")
        await asyncio.sleep(26)
        assert played(centre) == ["one", "two", "one"]  # at 5, 15 and 25 seconds

    config = "[q]\nperiodic-announce = one,two\nperiodic-announce-frequency = 10\nperiodic-announce-startdelay = 5\n"
    story(tmp_path, tell, f"{config}ringinuse = no\n{ONE}", p1=BUSY)


def test_a_digit_in_an_announcement_leads_out(tmp_path: Path) -> None:
    prompts(tmp_path)

    async def tell(centre: Centre) -> None:
        centre.exchange.pbx.engine.playback_s = 5.0  # type: ignore[attr-defined]
        centre.call("501")
        await asyncio.sleep(2)
        caller = centre.call("502")
        await asyncio.sleep(4)
        press(caller, "1")
        await asyncio.sleep(2)
        press(caller, "2")
        await asyncio.sleep(1)
        assert len(centre.events("Away")) == 1

    story(tmp_path, tell, f"[q]\ncontext = away\nannounce-frequency = 3\nringinuse = no\n{ONE}", p1=BUSY)


def test_a_rule_opens_the_call_to_more_members(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555", "r")
        await asyncio.sleep(9)
        assert centre.rang == []
        await asyncio.sleep(30)
        assert caller.get("QUEUE_MAX_PENALTY") == "4"
        assert "1" in centre.rang

    config = "[q]\ntimeout = 5\nretry = 1\ndefaultrule = more\nmember = Phone/1,4\n"
    story(tmp_path, tell, config, "[more]\npenaltychange => 20,+2\npenaltychange => 10,+1\n")


def test_a_caller_is_withdrawn(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.call("501")
        await asyncio.sleep(3)
        caller = centre.call("502")
        await asyncio.sleep(1)
        request = await centre.action("QueueWithdrawCaller", Queue="q", Caller=caller.name, WithdrawInfo="callback")
        assert request.response is not None
        await asyncio.sleep(2)
        assert centre.events("After") == [[("Status", "WITHDRAW")]]

    centre = story(tmp_path, tell, f"[q]\nringinuse = no\n{ONE}", p1=BUSY)
    assert any(one.startswith("q|NONE|WITHDRAW|1|1|") and one.endswith("|callback") for one in centre.log_lines)


def test_the_heavier_queue_gets_the_member(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.queue.members["phone/1"].paused = True
        light = centre.call("501")
        await asyncio.sleep(2.5)
        heavy = centre.call("502", "other")
        centre.queue.members["phone/1"].paused = False
        await asyncio.sleep(8)
        assert (centre.talks_with(light), centre.talks_with(heavy)) == ("", "1")

    config = f"[q]\nringinuse = no\n{ONE}[other]\nweight = 5\nringinuse = no\n{ONE}"
    story(tmp_path, tell, config, p1=Habit(answers_after=2, talks=1000))


def test_who_waited_longest_in_any_queue_goes_first(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        busy = centre.call("500")
        await asyncio.sleep(3)
        first, second = centre.call("501", "other"), centre.call("502")
        await asyncio.sleep(2)
        await centre.hang_up(busy)
        await asyncio.sleep(10)
        assert (centre.talks_with(first), centre.talks_with(second)) == ("1", "")

    config = f"[general]\nforce_longest_waiting_caller = yes\n[q]\nringinuse = no\n{ONE}[other]\nringinuse = no\n{ONE}"
    story(tmp_path, tell, config, p1=Habit(answers_after=1, talks=1000))


def test_an_attended_transfer_keeps_the_place_in_line(tmp_path: Path) -> None:
    """An operator waits in the queue for a caller, who is given the place."""

    async def tell(centre: Centre) -> None:
        taken = centre.call("500")
        await asyncio.sleep(3)
        operator = centre.call("501")
        await asyncio.sleep(10)
        centre.call("502")
        centre.exchange.dialplan("[callers]\nexten => q,1,Queue(q)\n[desk]\nexten => s,1,Dial(Phone/90)\n")
        caller = centre.call("600", "s")
        caller.context = "desk"
        await asyncio.sleep(3)
        assert centre.talks_with(caller) == "90"
        desk = next(iter(channel for channel in caller.bridge or () if channel is not caller))
        assert attended_transfer(desk, operator) is Transfer.SUCCESS
        await asyncio.sleep(5)
        assert operator.hungup
        assert [entry.channel.caller.id.number.text for entry in centre.queue.line.entries] == ["600", "502"]
        assert centre.queue.line.entries[0].waited == 18
        await centre.hang_up(taken)
        await asyncio.sleep(5)
        assert centre.talks_with(caller) == "1"

    centre = story(tmp_path, tell, f"[q]\nringinuse = no\n{ONE}", p1=BUSY, p90=Habit(answers_after=1))
    assert len(centre.told("QueueCallerJoin")) == 3
    assert sum("ENTERQUEUE" in one for one in centre.log_lines) == 3


def test_an_inherited_place_is_given_up_with_its_owner(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        operator = centre.call("501")
        await asyncio.sleep(1)
        heir = Phone(centre, "600", state=State.UP)
        hand_over(operator, heir)
        await centre.hang_up(operator)
        assert [entry.channel for entry in centre.queue.line.entries] == [heir]
        heir.hangup()
        assert not len(centre.queue.line)

    assert story(tmp_path, tell, "[q]\n").log_lines[-1] == "q|NONE|ABANDON|1|1|1"


def test_a_phone_that_shows_nothing_gets_one_call_at_a_time(tmp_path: Path) -> None:
    """Its state tells nothing of the call under way; it is free for the next one once that is over or given up."""

    async def tell(centre: Centre) -> None:
        centre.mute.add("1")
        centre.show("1", "UNKNOWN")
        first = centre.call("501")
        await asyncio.sleep(3)
        second = centre.call("502", "other")
        await asyncio.sleep(5)
        assert centre.rang == ["1"]
        await centre.hang_up(first)
        await asyncio.sleep(6)
        assert centre.rang == ["1", "1"]
        centre.habits["1"] = Habit(answers_after=1)
        await asyncio.sleep(25)
        assert centre.talks_with(second) == "1"
        third = centre.call("503")
        await asyncio.sleep(10)
        assert not centre.talks_with(third)
        await centre.hang_up(second)
        await asyncio.sleep(10)
        assert centre.talks_with(third) == "1"

    story(tmp_path, tell, f"[q]\nringinuse = no\n{ONE}[other]\nringinuse = no\n{ONE}")


def test_so_many_callers_have_their_turn_as_members_are_free(tmp_path: Path) -> None:
    """Two members are free and one caller is rung for already: the next one's turn has come, the last one's has not."""

    async def tell(centre: Centre) -> None:
        centre.call("501")
        await asyncio.sleep(1)
        centre.call("502")
        await asyncio.sleep(0.1)
        centre.call("503")
        await asyncio.sleep(3)
        first, second, last = centre.queue.line.entries
        assert (first.ringing, second.ringing, last.ringing) == (True, True, False)
        assert sorted(centre.rang) == ["1", "2"]

    config = f"[q]\nautofill = yes\nstrategy = linear\nringinuse = no\n{ONE}member = Phone/2\n"
    story(tmp_path, tell, config)
