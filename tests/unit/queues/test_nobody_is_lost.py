"""Whatever happens in which order: nobody in line is lost, nobody is served twice, and it all adds up in the end."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from offhook.services.queues.events import AgentEvent, CallerEvent
from offhook.services.queues.member import ENGAGED
from offhook.services.queues.reloading import read
from unit.queues.house import Centre, Habit, Phone, story

MEMBERS = ("1", "2", "3")
SECONDS = st.sampled_from((0.0, 0.3, 1.0, 4.0, 17.0))
STEPS = st.one_of(
    st.tuples(st.just("call"), st.sampled_from(("q", "vip", "20s", "n", "c")), SECONDS),
    st.tuples(st.just("hang up"), st.integers(0, 5), SECONDS),
    st.tuples(st.just("member hangs up"), st.sampled_from(MEMBERS), SECONDS),
    st.tuples(st.just("pause"), st.sampled_from(MEMBERS), SECONDS),
    st.tuples(st.just("unpause"), st.sampled_from(MEMBERS), SECONDS),
    st.tuples(st.just("unplug"), st.sampled_from(MEMBERS), SECONDS),
    st.tuples(st.just("plug in"), st.sampled_from(MEMBERS), SECONDS),
    st.tuples(st.just("remove"), st.sampled_from(MEMBERS), SECONDS),
    st.tuples(st.just("add"), st.sampled_from(MEMBERS), SECONDS),
    st.tuples(st.just("reload"), st.sampled_from(("ringall", "rrmemory", "linear", "fewestcalls")), SECONDS),
    st.tuples(st.just("withdraw"), st.integers(0, 5), SECONDS),
)
HABITS = st.builds(
    Habit,
    st.one_of(st.none(), st.sampled_from((0.0, 1.0, 6.0))),
    st.one_of(st.none(), st.sampled_from((0.0, 2.0, 30.0))),
)


def configuration(strategy: str, ringinuse: str, autofill: str, delay: int = 0) -> str:
    """queues.conf with one static member."""
    return (
        f"[general]\nautofill = {autofill}\n[q]\nstrategy = {strategy}\nringinuse = {ringinuse}\ntimeout = 5\n"
        f"retry = 1\nmemberdelay = {delay}\nmember = Phone/1\n"
    )


async def do(centre: Centre, folder: Path, callers: list[Phone], step: tuple[str, object, float]) -> None:
    """One thing happens."""
    what, about, seconds = step
    if what == "call":
        callers.append(centre.call(str(500 + len(callers)), str(about)))
    elif what in ("hang up", "withdraw") and isinstance(about, int) and about < len(callers):
        if what == "hang up":
            callers[about].far_end_hangup(16)
        elif (entry := centre.queue.line.find(callers[about].name)) is not None:
            entry.withdrawn = "please"
    elif what == "member hangs up":
        for channel in centre.pbx.channels.of_device(f"Phone/{about}"):
            channel.far_end_hangup(16)
    elif what in ("pause", "unpause"):
        await centre.command(f"queue {what} member Phone/{about}")
    elif what in ("unplug", "plug in"):
        centre.show(str(about), "UNAVAILABLE" if what == "unplug" else "NOT_INUSE")
    elif what in ("add", "remove"):
        await centre.command(f"queue {what} member Phone/{about} {'to' if what == 'add' else 'from'} q")
    elif what == "reload":
        (folder / "queues.conf").write_text(configuration(str(about), "no", "yes"))
        await read(centre.queues)
    await asyncio.sleep(seconds)
    if seconds:
        consistent(centre, callers)


def consistent(centre: Centre, callers: list[Phone]) -> None:
    """What holds at any moment."""
    entries = centre.queue.line.entries
    assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
    assert len({entry.channel for entry in entries}) == len(entries)
    assert not any(entry.channel.hungup for entry in entries)
    assert [entry.priority for entry in entries] == sorted((entry.priority for entry in entries), reverse=True)
    known = {entry.channel.name for entry in entries} | set(names(centre, "QueueCallerLeave"))
    assert all(caller.name in known for caller in callers if caller.alive and caller.application == "Queue")
    talks = [centre.talks_with(caller) for caller in callers if caller.bridge is not None]
    assert all(talks)


@settings(max_examples=60)
@given(
    st.sampled_from(("ringall", "rrmemory", "linear", "leastrecent", "random")),
    st.sampled_from(("yes", "no")),
    st.sampled_from(("yes", "no")),
    st.sampled_from((0, 3)),
    st.tuples(HABITS, HABITS, HABITS),
    st.lists(STEPS, min_size=1, max_size=14),
)
def test_no_caller_is_lost_or_served_twice(
    strategy: str,
    ringinuse: str,
    autofill: str,
    delay: int,
    habits: tuple[Habit, Habit, Habit],
    steps: list[tuple[str, object, float]],
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        callers: list[Phone] = []

        async def tell(centre: Centre) -> None:
            for step in steps:
                await do(centre, folder, callers, step)
            for caller in callers:
                caller.far_end_hangup(16)
            await asyncio.sleep(2)
            assert not centre.queue.line.entries
            assert not centre.queues.pending
            assert not [member for member in centre.queue.members.values() if member.talks or member.state in ENGAGED]
            assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []
            assert all(caller.hungup for caller in callers)
            adds_up(centre)

        named = {f"p{number}": habit for number, habit in zip(MEMBERS, habits, strict=True)}
        story(folder, tell, configuration(strategy, ringinuse, autofill, delay), **named)


def names(centre: Centre, kind: str) -> list[str]:
    """The callers of all events of a kind."""
    found = []
    for event in centre.exchange.events:
        if isinstance(event, CallerEvent) and event.kind == kind:
            found.append(event.channel.name)
        elif isinstance(event, AgentEvent) and event.kind == kind:
            found.append(event.caller.name)
    return found


def adds_up(centre: Centre) -> None:
    """Every caller who came left once, and was either served once or given up once, and so with the talks."""
    joins, leaves = (names(centre, kind) for kind in ("QueueCallerJoin", "QueueCallerLeave"))
    assert sorted(joins) == sorted(leaves)
    assert len(set(joins)) == len(joins)
    served = names(centre, "AgentConnect")
    abandoned = names(centre, "QueueCallerAbandon")
    assert sorted([*served, *abandoned]) == sorted(joins)
    assert sorted(names(centre, "AgentComplete")) == sorted(served)
    assert centre.queue.completed == len(served)
    assert centre.log.ends().total() == len(joins)
