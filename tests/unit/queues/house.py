"""A call centre in simulated time: members with telephones of their own habits, callers, and all that is told."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offhook.apps import flow
from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control, Forward
from offhook.calls.party import Caller, Party
from offhook.config.paths import Paths
from offhook.functions import stack
from offhook.modules import Module
from offhook.modules.action import ActionRequest
from offhook.modules.command import CommandError, Request
from offhook.services.queues import module as queue_module
from offhook.services.queues.events import AgentEvent, CallerEvent, MemberEvent
from offhook.services.queues.queue import Queue
from offhook.services.queues.queues import Queues, queues_of
from offhook.storage.astdb import AstDb
from support.call_exchange import Exchange
from support.leaping_loop import LeapingLoop

UNSERVED = ("ABANDON", "EXITWITHTIMEOUT", "EXITEMPTY", "EXITWITHKEY", "WITHDRAW")
SERVED = ("COMPLETECALLER", "COMPLETEAGENT", "BLINDTRANSFER", "ATTENDEDTRANSFER")
"""How the calls of a queue end in queue_log."""
PLAN = """
[callers]
exten => q,1,Queue(q)
 same => n,UserEvent(After,Status: ${QUEUESTATUS})
exten => 20s,1,Queue(q,,,,20)
 same => n,UserEvent(After,Status: ${QUEUESTATUS})
exten => n,1,Queue(q,n)
 same => n,UserEvent(After,Status: ${QUEUESTATUS})
exten => c,1,Queue(q,c)
 same => n,UserEvent(After,Status: ${QUEUESTATUS})
exten => F,1,Queue(q,F)
 same => n,UserEvent(Kept)
exten => H,1,Queue(q,H)
exten => vip,1,Set(QUEUE_PRIO=5)
 same => n,Queue(q)
exten => r,1,Set(QUEUE_MAX_PENALTY=1)
 same => n,Queue(q)
exten => other,1,Queue(other)
exten => features,1,Queue(q,hHkKtTxX)
exten => G,1,Queue(q,,,,,,work)
 same => n,UserEvent(After,Status: ${QUEUESTATUS})
exten => R,1,Answer()
 same => n,Queue(q,R)
exten => i,1,Queue(q,i)
exten => C,1,Queue(q,C)
exten => bB,1,Queue(q,b(away^before^1(b))B(away^before^1(B)))
[away]
exten => 12,1,UserEvent(Away)
 same => n,Wait(1)
exten => 13,1,Answer()
 same => n,Wait(60)
exten => before,1,UserEvent(Before,Arg: ${ARG1})
 same => n,Return()
[work]
exten => s,1,UserEvent(Work)
 same => n,Wait(5)
 same => n,Return()
"""


class Phone(Channel):
    """A telephone: of a caller, or a member's that does as its owner is used to."""

    technology = "Phone"
    __slots__ = ("centre",)

    def __init__(self, centre: Centre, number: str, **more: Any) -> None:
        pbx = centre.pbx
        name = f"Phone/{number}-{pbx.next_name('Phone'):08x}"
        super().__init__(pbx, name, media=pbx.engine.null_leg(), formats=("ulaw",), context="callers", **more)
        self.centre = centre
        self.caller = Caller(id=Party.of(number))

    def tech_call(self, destination: str) -> None:
        """Ring; what the owner does comes then."""
        self.set_state(State.RINGING)
        self.centre.rang.append(destination)
        self.deliver(Control(Condition.RINGING))
        habit = self.centre.habits.get(destination, Habit())
        if habit.answers_after is not None:
            self.pbx.loop.call_later(habit.answers_after, self._answer, habit)
        elif habit.does is not None:
            self.pbx.loop.call_later(habit.after, self._do, habit.does)

    def _answer(self, habit: Habit) -> None:
        if self.hungup:
            return
        self.mark_up()
        self.deliver(Control(Condition.ANSWER))
        if habit.talks is not None:
            self.pbx.loop.call_later(habit.talks, self.far_end_hangup, causes.NORMAL_CLEARING)

    def _do(self, what: Condition | str) -> None:
        if self.hungup:
            return
        if isinstance(what, str):
            self.deliver(Forward(what))
        elif what is Condition.HANGUP:
            self.far_end_hangup(causes.USER_BUSY)
        else:
            self.deliver(Control(what))


@dataclass(slots=True)
class Habit:
    """What a member does when the phone rings: answer and talk so long, or something else after a while."""

    answers_after: float | None = None
    talks: float | None = None
    does: Condition | str | None = None
    after: float = 1.0


@dataclass(slots=True)
class Lines:
    """Stands in for the log: keeps what is written into queue_log."""

    written: list[tuple[str, ...]] = field(default_factory=list)
    calls: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    """Queue and event of the lines of each call, by its unique id."""
    queue_log_to_file: bool = False
    queue_log_utc: bool = False

    def queue_log(self, when: float, call: str, queue: str, agent: str, event: str, *data: str) -> None:
        """One line; unique ids are left out, as are times."""
        self.written.append((queue, agent, event, *data))
        self.calls.setdefault(call, []).append((queue, event))

    def ends(self) -> Counter[tuple[str, str]]:
        """How calls that came ended, by queue and event, after a look that each of them came to just one end."""
        found: Counter[tuple[str, str]] = Counter()
        for call, lines in self.calls.items():
            events = [event for _, event in lines if event in ("ENTERQUEUE", "CONNECT", *UNSERVED, *SERVED)]
            if not events:
                continue
            assert events[0] == "ENTERQUEUE", (call, lines)
            assert len(events) == 2 or (len(events) == 3 and events[1] == "CONNECT"), (call, lines)
            assert events[-1] in (SERVED if "CONNECT" in events else UNSERVED), (call, lines)
            found[lines[0][0], events[-1]] += 1
        return found


class Centre:
    """The call centre."""

    def __init__(self, folder: Path, config: str, rules: str = "") -> None:
        (folder / "queues.conf").write_text(config)
        (folder / "queuerules.conf").write_text(rules)
        self.folder = folder
        self.exchange = Exchange(folder)
        self.pbx = self.exchange.pbx
        self.pbx.paths = Paths(str(folder / "asterisk.conf"))
        self.pbx.astdb = AstDb(":memory:")
        self.pbx.astdb.open()
        self.log = self.pbx.parts["log"] = Lines()
        self.habits: dict[str, Habit] = {}
        self.states: dict[str, str] = {}
        """What a phone shows while it has no call, if that is not NOT_INUSE."""
        self.mute: set[str] = set()
        """Phones that show the same whether they have a call or not."""
        self.rang: list[str] = []
        """Which members' phones rang, in order."""
        for source in (flow, stack):
            self.exchange.load(source)
        self.exchange.load(queue_module)
        phones = Module("chan_phone", "Phones of a test")

        @phones.driver("Phone", device_state=self._state)
        def request(pbx: Any, address: str, formats: Any, requester: Channel | None, ids: Any) -> Phone:
            return Phone(self, address, outgoing=True, requester=requester)

        self.pbx.registry.add(phones)
        self.exchange.dialplan(PLAN)

    def _state(self, pbx: Any, resource: str) -> str:
        idle = self.states.get(resource, "NOT_INUSE")
        if resource in self.mute:
            return idle
        return str(pbx.devices.from_channels(f"Phone/{resource}", idle))

    @property
    def queues(self) -> Queues:
        """All queues."""
        return queues_of(self.pbx)

    @property
    def queue(self) -> Queue:
        """The queue q."""
        found = self.queues.find("q")
        assert found is not None
        return found

    def call(self, number: str, exten: str = "q") -> Phone:
        """Somebody calls."""
        phone = Phone(self, number, state=State.RING, exten=exten)
        phone.start_pbx()
        return phone

    async def hang_up(self, phone: Channel) -> None:
        """A party hangs up."""
        phone.far_end_hangup(causes.NORMAL_CLEARING)
        await asyncio.sleep(0.05)

    def show(self, number: str, state: str) -> None:
        """A member's phone is unplugged, or back."""
        self.states[number] = state
        self.pbx.devices.changed(f"Phone/{number}")

    def talks_with(self, phone: Channel) -> str:
        """The number of whom a caller talks with, "" when with nobody."""
        peer = phone.bridge.peer(phone) if phone.bridge is not None else None
        return "" if peer is None else peer.name.partition("-")[0].removeprefix("Phone/")

    def told(self, *kinds: str) -> list[tuple[str, dict[str, str]]]:
        """Manager events of queues: names and details."""
        found = [one for one in self.exchange.events if isinstance(one, CallerEvent | MemberEvent | AgentEvent)]
        return [(one.kind, dict(one.details)) for one in found if not kinds or one.kind in kinds]

    @property
    def log_lines(self) -> list[str]:
        """queue_log without times and unique ids."""
        return ["|".join(line) for line in self.log.written]

    def events(self, name: str) -> list[list[tuple[str, str]]]:
        """The dialplan's UserEvents of a name."""
        from offhook.calls.events import UserEvent

        return [list(event.headers) for event in self.exchange.heard(UserEvent) if event.name == name]

    async def action(self, name: str, **headers: str) -> ActionRequest:
        """A manager action."""
        request = ActionRequest(self.pbx, name, list(headers.items()), None)
        entry = next(one for one in queue_module.module.actions if one.name == name)
        done = entry.run(request)
        if done is not None:
            await done
        return request

    async def command(self, line: str) -> str:
        """A command of the console; what it prints, or says in refusing."""
        words = line.split()
        entry = max(
            (one for one in queue_module.module.commands if tuple(words[: len(one.words)]) == one.words),
            key=lambda one: len(one.words),
        )
        request = Request(self.pbx, line, words, words[len(entry.words) :])
        try:
            done = entry.run(request)
            if done is not None:
                await done
        except CommandError as error:
            return f"refused: {error}"
        return request.text()

    def completions(self, line: str) -> list[str]:
        """What may follow a line."""
        words = line.split()
        entry = max(
            (one for one in queue_module.module.commands if tuple(words[: len(one.words)]) == one.words),
            key=lambda one: len(one.words),
        )
        assert entry.complete is not None
        return list(entry.complete(self.pbx, words[len(entry.words) :], ""))


def story(
    folder: Path, tell: Callable[[Centre], Awaitable[None]], config: str = "", rules: str = "", **habits: Habit
) -> Centre:
    """Tell a story in simulated time; afterwards nothing of any call is left. Habits by ``p`` and the number."""
    loop = LeapingLoop(settle=0.0)

    async def run() -> Centre:
        centre = Centre(folder, config, rules)
        centre.habits = {number.removeprefix("p"): habit for number, habit in habits.items()}
        await queue_module.load(centre.pbx)
        try:
            await tell(centre)
        finally:
            for channel in centre.pbx.channels:
                channel.request_hangup()
            await asyncio.sleep(1)
            await centre.exchange.quiet()
            queue_module.unload(centre.pbx)
            await centre.pbx.end_tasks()
            centre.pbx.astdb.close()
        return centre

    try:
        return loop.run_until_complete(run())
    finally:
        loop.close()
