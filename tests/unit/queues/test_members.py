"""Members come, go, are paused: by dialplan, managers and console, over restarts and reloads, from databases."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from offhook.dialplan.scope import scope_of
from offhook.modules.action import ActionError
from offhook.services.queues.persistence import FAMILY
from offhook.services.queues.reloading import Parts, read, restore_members
from offhook.storage.realtime import Unreachable, realtime_of
from unit.queues.house import Centre, Habit, story

CONFIG = "[general]\npersistentmembers = yes\n[q]\nmember = Phone/1,2,Ann\n[other]\n"


async def run(centre: Centre, *steps: str) -> Any:
    """Run applications on a channel that ends then."""
    lines = "".join(f" same => n,{step}\n" for step in steps)
    centre.exchange.dialplan(f"[test]\nexten => s,1,NoOp()\n{lines}")
    phone = centre.call("999")
    phone.context, phone.exten = "test", "s"
    await asyncio.sleep(0.1)
    return phone


def test_the_applications_for_members(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        await run(
            centre,
            "AddQueueMember(q,Phone/2,3,pr(lunch),Bob,,12)",
            "UserEvent(R,S: ${AQMSTATUS})",
            "AddQueueMember(q,phone/2)",
            "UserEvent(R,S: ${AQMSTATUS})",
            "AddQueueMember(none,Phone/2)",
            "UserEvent(R,S: ${AQMSTATUS})",
            "UnpauseQueueMember(,Phone/2,,back)",
            "UserEvent(R,S: ${UPQMSTATUS})",
            "PauseQueueMember(q,Phone/7)",
            "UserEvent(R,S: ${PQMSTATUS})",
            "RemoveQueueMember(q,Phone/2)",
            "UserEvent(R,S: ${RQMSTATUS})",
            "RemoveQueueMember(q,Phone/1)",
            "UserEvent(R,S: ${RQMSTATUS})",
            "AddQueueMember(q)",
        )
        words = [headers[0][1] for headers in centre.events("R")]
        assert words == [
            "ADDED", "MEMBERALREADY", "NOSUCHQUEUE", "UNPAUSED", "NOTFOUND", "REMOVED", "NOTDYNAMIC",
        ]  # fmt: skip
        assert list(centre.queue.members) == ["phone/1", "phone/999"]

    centre = story(tmp_path, tell, CONFIG)
    assert centre.log_lines == [
        "NONE|NONE|QUEUESTART|", "q|Phone/2|ADDMEMBER|PAUSED", "NONE|Bob|UNPAUSEALL|back", "q|Bob|UNPAUSE|back",
        "q|Phone/2|REMOVEMEMBER|", "q|Phone/999|ADDMEMBER|",
    ]  # fmt: skip
    added = centre.told("QueueMemberAdded")[0][1]
    assert {name: added[name] for name in ("Membership", "Penalty", "Paused", "PausedReason", "Wrapuptime")} == {
        "Membership": "dynamic", "Penalty": "3", "Paused": "1", "PausedReason": "lunch", "Wrapuptime": "12",
    }  # fmt: skip
    assert centre.told("QueueMemberPause")[0][1]["PausedReason"] == "back"


def test_dynamic_members_outlive_a_restart(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        await centre.action("QueueAdd", Queue="q", Interface="Phone/2", Penalty="1", MemberName="Bob", Paused="yes",
                            Reason="lunch", Wrapuptime="5", StateInterface="Phone/3")  # fmt: skip
        await centre.action("QueueAdd", Queue="q", Interface="Phone/4")
        kept = centre.pbx.astdb.get(FAMILY, "q")
        assert kept == "Phone/2;1;1;Bob;Phone/3;lunch;5|Phone/4;0;0;Phone/4;Phone/4;;0"
        centre.pbx.astdb.put(FAMILY, "gone", kept or "")
        for interface in ("Phone/2", "Phone/4"):
            centre.queue.remove(centre.queue.members[interface.lower()])
        restore_members(centre.queues)
        bob = centre.queue.members["phone/2"]
        assert (bob.kind, bob.name, bob.penalty, bob.paused, bob.reason) == ("dynamic", "Bob", 1, True, "lunch")
        assert list(centre.queue.members) == ["phone/1", "phone/2", "phone/4"]
        assert centre.pbx.astdb.get(FAMILY, "gone") is None

    story(tmp_path, tell, CONFIG)


@pytest.mark.parametrize(
    ("name", "headers", "message"),
    [
        ("QueueAdd", {"Queue": "q"}, "'Interface' not specified."),
        ("QueueAdd", {"Queue": "q", "Interface": "Phone/1"}, "Unable to add interface: Already there"),
        ("QueueAdd", {"Queue": "x", "Interface": "Phone/1"}, "Unable to add interface to queue: No such queue"),
        ("QueueRemove", {"Queue": "q", "Interface": "Phone/1"}, "Member not dynamic"),
        ("QueueRemove", {"Queue": "q", "Interface": "Phone/2"}, "Unable to remove interface: Not there"),
        ("QueuePause", {"Interface": "Phone/2", "Paused": "yes"}, "Interface not found"),
        ("QueuePenalty", {"Interface": "Phone/1", "Penalty": "-1"}, "Invalid interface, queuename or penalty"),
        ("QueueWithdrawCaller", {"Queue": "q", "Caller": "x"},
         "Unable to request withdraw from queue: No such caller"),
        ("QueueReset", {"Queue": "x"}, "Error encountered while resetting queue stats"),
    ],
)  # fmt: skip
def test_what_managers_are_refused(tmp_path: Path, name: str, headers: dict[str, str], message: str) -> None:
    async def tell(centre: Centre) -> None:
        with pytest.raises(ActionError, match=message.replace("'", ".")):
            await centre.action(name, **headers)

    story(tmp_path, tell, CONFIG)


def test_managers_list_queues(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        await centre.action("QueuePause", Interface="Phone/1", Paused="true", Reason="lunch")
        caller = centre.call("555")
        await asyncio.sleep(7)
        status = await centre.action("QueueStatus", Queue="Q")
        names = [event[0] for event in status.events]
        assert names == ["QueueParams", "QueueMember", "QueueEntry", "QueueStatusComplete"]
        member, entry = dict(status.events[1][1]), dict(status.events[2][1])
        assert (member["Name"], member["Location"], member["PausedReason"]) == ("Ann", "Phone/1", "lunch")
        assert "Ringinuse" not in member
        assert (entry["Channel"], entry["Position"], entry["Wait"], entry["CallerIDNum"]) == (
            caller.name, "1", "7", "555",
        )  # fmt: skip
        summary = await centre.action("QueueSummary")
        assert [dict(event[1])["Callers"] for event in summary.events[:-1]] == ["1", "0"]
        shown = await centre.action("Queues")
        assert shown.events[0].startswith("other has 0 calls (max unlimited) in 'ringall' strategy")

    story(tmp_path, tell, CONFIG)


def test_the_console(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        line = "queue add member Phone/2 to q penalty 1 as Bob state_interface Phone/3 paused tea"
        assert await centre.command(line) == "Added interface 'Phone/2' to queue 'q'\n"
        assert await centre.command("queue pause member Phone/1 queue q reason lunch") == (
            "paused interface 'Phone/1' in queue 'q' for reason 'lunch'\n"
        )
        caller = centre.call("555")
        await asyncio.sleep(65)
        assert (await centre.command("queue show q")).splitlines() == [
            "q has 1 calls (max unlimited) in 'ringall' strategy (0s holdtime, 0s talktime), W:0, C:0, A:0, SL:0.0%, "
            "SL2:0.0% within 0s",
            "   Members: ",
            "      Ann (Phone/1) with penalty 2 (ringinuse enabled) (paused:lunch was 65 secs ago) (Not in use) has "
            "taken no calls yet (login was 65 secs ago)",
            "      Bob (Phone/2 from Phone/3) with penalty 1 (ringinuse enabled) (dynamic) (paused:tea was 65 "
            "secs ago) (Not in use) has taken no calls yet (login was 65 secs ago)",
            "   Callers: ",
            f"      1. {caller.name} (wait: 1:05, prio: 0)",
            "",
        ]
        assert await centre.command("queue set penalty 4 on Phone/1 in q") == (
            "Set penalty on interface 'Phone/1' from queue 'q'\n"
        )
        assert await centre.command("queue remove member Phone/1 from q") == (
            "refused: Unable to remove interface 'Phone/1' from queue 'q': Member is not dynamic"
        )
        assert await centre.command("queue remove member Phone/2 from q") == (
            "Removed interface Phone/2 from queue 'q'\n"
        )
        assert await centre.command("queue show nobody") == "No such queue: nobody.\n"
        assert await centre.command("queue add member Phone/2 in q") == "refused: "

    story(tmp_path, tell, CONFIG)


def test_the_console_completes(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        assert centre.completions("queue show") == ["q", "other", "rules"]
        assert centre.completions("queue add member Phone/2") == ["to"]
        assert centre.completions("queue add member Phone/2 to") == ["q", "other"]
        assert centre.completions("queue remove member") == ["Phone/1"]
        assert centre.completions("queue remove member Phone/1 from") == ["q"]
        assert centre.completions("queue pause member Phone/1 queue q") == ["reason"]
        assert centre.completions("queue set ringinuse") == ["yes", "no"]
        assert centre.completions("queue set penalty 1 on Phone/1 in") == ["q"]
        assert centre.completions("queue reload all q") == ["other"]
        assert centre.completions("queue show rules") == ["slow"]

    story(tmp_path, tell, CONFIG, "[slow]\npenaltychange => 30,+1\n")


def test_functions(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(1)
        scope = scope_of(caller)
        wanted = {
            "QUEUE_EXISTS(Q)": "1", "QUEUE_EXISTS(x)": "0", "QUEUE_MEMBER(q,count)": "1",
            "QUEUE_MEMBER(q,logged)": "1", "QUEUE_MEMBER(q,free)": "0", "QUEUE_MEMBER(q,penalty,Phone/1)": "2",
            "QUEUE_MEMBER_LIST(q)": "Phone/1", "QUEUE_MEMBER_PENALTY(q,Phone/1)": "2", "QUEUE_WAITING_COUNT(q)": "1",
            "QUEUE_GET_CHANNEL(q)": caller.name, "QUEUE_GET_CHANNEL(q,2)": "", "QUEUE_VARIABLES(q)": "0",
            "QUEUE_VARIABLES(other)": "-1",
        }  # fmt: skip
        assert {name: scope.read(name) for name in wanted} == wanted
        assert (caller.get("QUEUECALLS"), caller.get("QUEUESTRATEGY")) == ("1", "ringall")
        scope.set("QUEUE_MEMBER(q,paused,Phone/1)", "1")
        scope.set("QUEUE_MEMBER_PENALTY(,Phone/1)", "7")
        scope.set("QUEUE_MEMBER(q,ringinuse,Phone/1)", "0")
        ann = centre.queue.members["phone/1"]
        assert (ann.paused, ann.penalty, ann.ringinuse) == (True, 7, False)

    centre = story(tmp_path, tell, CONFIG.replace("[q]\n", "[q]\nsetqueuevar = yes\n"))
    assert [kind for kind, _ in centre.told("QueueMemberPause", "QueueMemberPenalty", "QueueMemberRinginuse")] == [
        "QueueMemberPause", "QueueMemberPenalty", "QueueMemberRinginuse",
    ]  # fmt: skip


def test_a_reload_keeps_callers_and_figures(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555")
        await asyncio.sleep(3)
        assert centre.talks_with(caller) == "1"
        centre.call("556")
        ann = centre.queue.members["phone/1"]
        ann.calls = 4
        await centre.action("QueueAdd", Queue="q", Interface="Phone/9")
        text = "[q]\nstrategy = linear\nmember = Phone/2\nmember = Phone/1,0,Anna\n"
        (tmp_path / "queues.conf").write_text(text)
        await read(centre.queues)
        assert list(centre.queue.members) == ["phone/2", "phone/1", "phone/9"]
        assert centre.queue.members["phone/1"] is ann
        assert (ann.name, ann.penalty, ann.calls, centre.queue.settings.strategy) == ("Anna", 0, 4, "linear")
        assert centre.queues.find("other") is None
        assert centre.talks_with(caller) == "1"
        assert len(centre.queue.line) == 1

    story(tmp_path, tell, CONFIG, p1=Habit(answers_after=1))


def test_a_queue_that_goes_serves_who_waits(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        caller = centre.call("555", "other")
        await asyncio.sleep(2)
        (tmp_path / "queues.conf").write_text("[q]\n")
        await read(centre.queues, Parts(parameters=True))
        assert centre.queues.find("other") is None
        await asyncio.sleep(3)
        assert centre.talks_with(caller) == "5"

    story(tmp_path, tell, "[q]\n[other]\nmember = Phone/5\n", p5=Habit(answers_after=4))


def test_mistakes_are_told_with_their_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    text = (
        "[general]\nautofil = yes\n[q]\nstrategy = roundabout\ntimeout = soon\njoinempty = never\n"
        "member = \nmember = Phone/1,x,Ann\nannounce-round-seconds = 7\n[Q]\nmaxlen = 2\n"
    )

    async def tell(centre: Centre) -> None:
        settings = centre.queue.settings
        assert (settings.strategy, settings.timeout, settings.maxlen) == ("ringall", 15, 0)
        assert list(centre.queue.members) == ["phone/1"]

    story(tmp_path, tell, text, "[r]\npenaltychange => x,2\npenalty => 1,2\n")
    for line in (2, 4, 5, 6, 7, 8, 9, 10):
        assert f"queues.conf:{line}:" in caplog.text
    assert 'did you mean "autofill"?' in caplog.text
    assert "queuerules.conf:2:" in caplog.text
    assert "queuerules.conf:3:" in caplog.text


def test_hints_tell_the_state_of_members(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        centre.exchange.dialplan("[hints]\nexten => 12,hint,Phone/5\n")
        await asyncio.sleep(0.1)
        (tmp_path / "queues.conf").write_text("[q]\nmember = Phone/1,0,Ann,hint:12@hints\n")
        await read(centre.queues)
        ann = centre.queue.members["phone/1"]
        assert ann.state == "NOT_INUSE"
        centre.show("5", "UNAVAILABLE")
        assert ann.state == "UNAVAILABLE"

    story(tmp_path, tell, "[q]\n")


class Table:
    """A database in memory: rows by table."""

    def __init__(self) -> None:
        self.reachable = True
        self.rows: dict[str, list[dict[str, str]]] = {"queues": [], "queue_members": [], "queue_log": []}

    async def select(self, database: str, table: str, criteria: Any, *, first: bool) -> list[Any]:
        if not self.reachable:
            raise Unreachable("db does not answer")
        wanted = [(name, value) for name, value in criteria if " LIKE" not in name]
        fits = [row for row in self.rows[table] if all(row.get(name) == value for name, value in wanted)]
        return [list(row.items()) for row in (fits[:1] if first else fits)]

    async def update(self, database: str, table: str, criteria: Any, values: Any) -> int:
        fits = [row for row in self.rows[table] if all(row.get(name) == value for name, value in criteria)]
        for row in fits:
            row.update(values)
        return len(fits)

    async def insert(self, database: str, table: str, values: Any) -> int:
        self.rows[table].append(dict(values))
        return 1


def test_queues_and_members_in_a_database(tmp_path: Path) -> None:
    from offhook.config.parser import loads

    async def tell(centre: Centre) -> None:
        table = Table()
        realtime = realtime_of(centre.pbx)
        realtime.backends["memory"] = table  # type: ignore[assignment]
        families = "".join(f"{family} => memory,db\n" for family in table.rows)
        realtime.read(loads(f"[settings]\n{families}", "extconfig.conf"))
        ann = {"uniqueid": "7", "queue_name": "other", "interface": "Phone/1", "membername": "Ann", "penalty": "2"}
        table.rows["queues"].append({"name": "other", "musiconhold": "jazz", "announce_frequency": "30", "id": "4"})
        table.rows["queue_members"].append(ann)
        caller = centre.call("555", "other")
        await asyncio.sleep(4)
        other = centre.queues.find("other")
        assert other is not None
        assert centre.talks_with(caller) == "1"
        assert (other.settings.musicclass, other.settings.announce_frequency) == ("jazz", 30)
        assert other.members["phone/1"].kind == "realtime"
        await centre.action("QueuePause", Interface="Phone/1", Paused="yes", Reason="tea")
        await asyncio.sleep(0.1)
        assert (ann["paused"], ann["reason_paused"]) == ("1", "tea")
        ann["state_interface"] = "Phone/7"
        await centre.command("queue show other")
        centre.show("7", "UNAVAILABLE")
        assert other.members["phone/1"].state == "UNAVAILABLE"
        table.reachable = False
        await centre.command("queue show other")
        assert list(other.members) == ["phone/1"]
        table.reachable = True
        table.rows["queue_members"].clear()
        table.rows["queues"].clear()
        await centre.command("queue show other")
        assert centre.queues.find("other") is None
        events = [row["event"] for row in table.rows["queue_log"]]
        assert events == ["QUEUESTART", "ADDMEMBER", "ENTERQUEUE", "CONNECT", "PAUSEALL", "PAUSE"]
        assert table.rows["queue_log"][3]["data1"] == "1"
        assert centre.log_lines == []

    story(tmp_path, tell, "[q]\n", p1=Habit(answers_after=1))


def test_figures_forgotten_during_a_talk(tmp_path: Path) -> None:
    """The talk is not counted, and the member gets calls again even if the phone shows nothing."""

    async def tell(centre: Centre) -> None:
        centre.mute.add("1")
        caller = centre.call("555")
        await asyncio.sleep(3)
        await centre.command("queue reset stats q")
        await centre.hang_up(caller)
        assert (centre.queue.completed, centre.queue.members["phone/1"].calls) == (0, 0)
        caller = centre.call("556")
        await asyncio.sleep(3)
        assert centre.talks_with(caller) == "1"

    story(tmp_path, tell, "[q]\nringinuse = no\nmember = Phone/1\n", p1=Habit(answers_after=1))


def test_the_file_takes_a_dynamic_member_over(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        await centre.command("queue add member Phone/1 to q penalty 7 as Guest")
        await centre.command("queue pause member Phone/1")
        assert centre.pbx.devices.state("Queue:q_pause_Phone/1") == "INUSE"
        (tmp_path / "queues.conf").write_text("[q]\nmember = Phone/1,2,Ann,Phone/9\n")
        await read(centre.queues)
        member = centre.queue.members["phone/1"]
        assert (member.kind, member.penalty, member.name, member.paused) == ("static", 2, "Ann", True)
        centre.show("9", "UNAVAILABLE")
        assert member.state == "UNAVAILABLE"

    story(tmp_path, tell, "[q]\n")


def test_hints_on_the_pause_of_members_who_come_and_go(tmp_path: Path) -> None:
    async def tell(centre: Centre) -> None:
        shown: list[str] = []
        device = "Queue:q_pause_Phone/1"
        centre.pbx.devices.watch(device, lambda: shown.append(centre.pbx.devices.state(device)))
        await centre.action("QueueAdd", Queue="q", Interface="Phone/1", Paused="true")
        await centre.action("QueueRemove", Queue="q", Interface="Phone/1")
        assert shown == ["INUSE", "NOT_INUSE"]

    story(tmp_path, tell, "[q]\n")
