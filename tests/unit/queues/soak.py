"""A crowd of callers before a few members, in simulated time: everybody does anything at any moment.

``python -m unit.queues.soak CALLERS MEMBERS SECONDS SEED`` makes it as large as one likes (make soak-queues).
"""

from __future__ import annotations

import asyncio
import gc
import random
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from offhook.calls import causes
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control, Digit, Forward
from offhook.calls.transfer import blind_transfer
from offhook.config.parser import loads
from offhook.services.features import core
from offhook.services.features.configuration import read_features
from offhook.services.features.core import features_of
from offhook.services.queues import module as queue_module
from offhook.services.queues.conversations import conversations_of
from offhook.services.queues.events import AgentEvent, CallerEvent
from offhook.services.queues.reloading import read
from support.leaping_loop import LeapingLoop
from unit.queues.house import SERVED, UNSERVED, Centre, Phone

PLAN = """
[callers]
exten => rr,1,Queue(rr,tTxXc)
 same => n,Wait(1)
exten => lr,1,Set(QUEUE_PRIO=${RAND})
 same => n,Queue(lr,tThH,,,25)
exten => all,1,Queue(all,hHCR,,,,,work)
exten => heavy,1,Answer()
 same => n,Queue(heavy,nF)
exten => key,1,Queue(rr,tT,,,40,,,,1)
[away]
exten => 12,1,Wait(3)
exten => 13,1,Answer()
 same => n,Wait(20)
[work]
exten => s,1,Wait(2)
 same => n,Return()
[ways out]
exten => 9,1,Wait(1)
"""
QUEUES = (
    ("rr", "strategy = rrmemory\ntimeout = 8\nwrapuptime = 3\ncontext = ways out\nannounce-frequency = 20\n"),
    ("lr", "strategy = leastrecent\ntimeout = 6\ntimeoutrestart = yes\nautopause = yes\nmaxlen = 40\n"),
    ("all", "strategy = ringall\ntimeout = 10\nmemberdelay = 1\nleavewhenempty = strict\n"),
    ("heavy", "strategy = linear\ntimeout = 9\nweight = 2\nautopausebusy = yes\nautopause = all\n"),
)
FEATURES = """
[general]
featuredigittimeout = 500
transferdigittimeout = 1
atxferloopdelay = 0
[featuremap]
blindxfer = #1
atxfer = *2
disconnect = *0
"""
PROMPTS = (
    *("beep", "beeperr", "pbx-transfer", "pbx-invalid", "privacy-incorrect", "vm-goodbye"),
    *(f"queue-{name}" for name in ("youarenext", "thereare", "callswaiting", "holdtime", "minutes", "thankyou")),
    *(f"digits/{number}" for number in range(21)),
)
_UNCOUNTED = "EXITWITHKEY"
"""Ends that are no abandoned call."""


class MembersPhone(Phone):
    """The phone of a member, or of a caller, whose owner is a random number."""

    __slots__ = ()
    centre: Crowd

    def tech_call(self, destination: str) -> None:
        """Ring, and do something, maybe at once."""
        crowd = self.centre
        busy = [other for other in crowd.pbx.channels.of_device(f"Phone/{destination}") if other is not self]
        assert not busy, f"member {destination} is called and has a call: {busy}"
        self.set_state(State.RINGING)
        self.deliver(Control(Condition.RINGING))
        crowd.began["rings"] += 1
        crowd.pbx.loop.call_later(crowd.chance.choice((0, 0, crowd.chance.uniform(0.2, 9))), self._decide)

    def _decide(self) -> None:
        if self.hungup or self.state is State.UP:
            return
        crowd = self.centre
        fate = crowd.chance.random()
        if fate < 0.6:
            self.mark_up()
            self.deliver(Control(Condition.ANSWER))
            crowd.mind(self, 30)
        elif fate < 0.7:
            self.deliver(Control(crowd.chance.choice((Condition.BUSY, Condition.CONGESTION))))
        elif fate < 0.8:
            self.far_end_hangup(crowd.chance.choice((causes.CALL_REJECTED, causes.USER_BUSY)))
        elif fate < 0.85:
            self.deliver(Forward("13@away"))


class Crowd(Centre):
    """The call centre in a rush."""

    def __init__(self, folder: Path, members: int, seed: int) -> None:
        self.chance = random.Random(seed)
        self.member_count = members
        self.began: Counter[str] = Counter()
        """How often each thing was done."""
        super().__init__(folder, self._config())
        pbx = self.pbx
        pbx.off_loop = _at_once  # type: ignore[method-assign]
        self.exchange.load(core)
        pbx.parts["member_features"] = [features_of(pbx).watch]
        features_of(pbx).config = read_features(loads(FEATURES, "features.conf"))
        self.exchange.dialplan(PLAN)
        (folder / "digits").mkdir()
        for prompt in PROMPTS:
            (folder / f"{prompt}.ulaw").write_bytes(bytes(160))
        pbx.registry.driver("Phone").request = self._request  # type: ignore[union-attr]

    def _config(self) -> str:
        """Each queue has other members of the same few."""
        texts = ["[general]\nautofill = yes\nshared_lastcall = yes\n"]
        for name, text in QUEUES:
            own = self.chance.sample(range(self.member_count), max(1, self.member_count * 2 // 3))
            members = "".join(f"member = Phone/{number},{number % 3}\n" for number in own)
            texts.append(f"[{name}]\nringinuse = no\nretry = 1\n{text}{members}")
        return "".join(texts)

    def _request(self, pbx: Any, address: str, formats: Any, requester: Channel | None, ids: Any) -> MembersPhone:
        return MembersPhone(self, address, outgoing=True, requester=requester)

    # ---- what people do -----------------------------------------------------------------------------

    async def caller(self, number: int, until: float) -> None:
        """Somebody calls, and calls again when that call is over."""
        await asyncio.sleep(self.chance.uniform(0, 20))
        while self.pbx.now() < until:
            exten = self.chance.choice(("rr", "lr", "all", "heavy", "key"))
            phone = MembersPhone(self, f"c{number}", state=State.RING, exten=exten)
            phone.set("RAND", str(self.chance.randrange(3)))
            phone.set("TRANSFER_CONTEXT", "away")
            phone.start_pbx()
            self.began["calls"] += 1
            self.mind(phone, self.chance.choice((0.001, 15, 60, 120)))
            while not phone.hungup:  # noqa: ASYNC110  (the clock is simulated)
                await asyncio.sleep(self.chance.uniform(0.5, 4))

    def mind(self, phone: Phone, patience: float) -> None:
        """Have a phone's owner do things from time to time, and hang up in the end."""
        for _ in range(self.chance.randrange(3)):
            self.pbx.loop.call_later(self.chance.uniform(0.1, patience), self._act, phone)
        self.pbx.loop.call_later(self.chance.uniform(0, patience), self._hang_up, phone)

    def _hang_up(self, phone: Phone) -> None:
        phone.far_end_hangup(causes.NORMAL_CLEARING)

    def _act(self, phone: Phone) -> None:
        if phone.hungup:
            return
        what = self.chance.choice(("#112", "*213", "*0", "9", "*", "hold", "blind", "redirect"))
        self.began[what] += 1
        if what == "hold":
            phone.deliver(Control(Condition.HOLD, ""))
        elif what == "blind":
            if phone.bridge is not None:
                blind_transfer(phone, "away", self.chance.choice(("12", "13")))
        elif what == "redirect":
            if phone.bridge is not None or not phone.outgoing:
                phone.async_goto("away", "12", 1)
        else:
            for digit in what:
                phone.deliver(Digit(digit, False))
                phone.deliver(Digit(digit, True, 100))

    async def supervise(self, until: float) -> None:
        """Somebody changes members, files and the line all the time."""
        while self.pbx.now() < until:
            await asyncio.sleep(self.chance.uniform(0.1, 1))
            member = f"Phone/{self.chance.randrange(self.member_count)}"
            name = self.chance.choice(QUEUES)[0]
            what = self.chance.randrange(10)
            self.began["orders"] += 1
            if what == 0:
                await self.command(f"queue pause member {member}")
            elif what >= 5:  # phones that do not answer are paused all the time
                await self.command(f"queue unpause member {member}")
            elif what == 1:
                await self.command(f"queue remove member {member} from {name}")
            elif what == 2:
                await self.command(f"queue add member {member} to {name}")
            elif what == 3:
                (self.folder / "queues.conf").write_text(self._config())
                await read(self.queues)
            else:
                queue = self.queues.find(name)
                waiting = [entry for entry in queue.line.entries if entry.withdrawn is None] if queue else []
                if waiting:
                    caller = self.chance.choice(waiting).channel.name
                    await self.action("QueueWithdrawCaller", Queue=name, Caller=caller)

    async def watch(self, until: float) -> None:
        """What holds at any moment."""
        while self.pbx.now() < until:
            await asyncio.sleep(0.7)
            waiting = [entry for queue in self.queues for entry in queue.line.entries]
            self.began["most in line"] = max(self.began["most in line"], len(waiting))
            assert len({entry.channel for entry in waiting}) == len(waiting), "somebody waits in two places"
            assert not [entry for entry in waiting if entry.channel.hungup]
            for queue in self.queues:
                entries = queue.line.entries
                assert [entry.position for entry in entries] == list(range(1, len(entries) + 1))
                priorities = [entry.priority for entry in entries]
                assert priorities == sorted(priorities, reverse=True)

    # ---- what must be true at the end ---------------------------------------------------------------

    def check(self) -> None:
        """Every call came to one end, and is counted as that; members are free."""
        ends = self.log.ends()
        for (_, event), count in ends.items():
            self.began[event] += count
        kinds: Counter[str] = Counter()
        for event in self.exchange.events:
            if isinstance(event, CallerEvent | AgentEvent):
                kinds[event.kind] += 1
        assert kinds["QueueCallerJoin"] == kinds["QueueCallerLeave"] == sum(ends.values())
        assert kinds["AgentConnect"] == kinds["AgentComplete"]
        for queue in self.queues:
            served = sum(ends[queue.name, event] for event in SERVED)
            unserved = sum(ends[queue.name, event] for event in UNSERVED if event != _UNCOUNTED)
            assert (queue.completed, queue.abandoned) == (served, unserved), queue.name
            assert not queue.line.entries
            for member in queue.members.values():
                assert member.state == "NOT_INUSE", (queue.name, member)
                assert not member.talks, (queue.name, member)
        assert not self.queues.pending
        assert not len(conversations_of(self.pbx))


async def _at_once(work: Callable[..., Any], *arguments: Any) -> Any:
    """Files are read on the loop: simulated time does not wait for threads."""
    return work(*arguments)


async def _rush(folder: Path, callers: int, members: int, seconds: float, seed: int) -> Counter[str]:
    crowd = Crowd(folder, members, seed)
    broken: list[dict[str, Any]] = []
    crowd.pbx.loop.set_exception_handler(lambda _, context: broken.append(context))
    await queue_module.load(crowd.pbx)
    until = crowd.pbx.now() + seconds
    people = (crowd.caller(number, until) for number in range(callers))
    await asyncio.gather(crowd.supervise(until), crowd.watch(until), *people)
    await asyncio.sleep(120)  # who talks with a member, or was transferred, comes to an end by itself
    left = [(channel, channel.application, channel.bridge) for channel in crowd.pbx.channels]
    assert not left, f"stuck: {left}"
    assert not broken, broken[0]
    await crowd.exchange.quiet()
    crowd.check()
    crowd.exchange.events.clear()
    queue_module.unload(crowd.pbx)
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert not tasks, f"tasks that nobody ended: {tasks}"
    await crowd.pbx.end_tasks()
    crowd.pbx.astdb.close()
    gc.collect()
    alive = [each for each in gc.get_objects() if isinstance(each, Channel) and each.pbx is crowd.pbx]
    assert not alive, f"channels that something keeps: {alive[:5]}, {len(alive)} in all"
    return crowd.began


def rush(callers: int, members: int, seconds: float, seed: int) -> Counter[str]:
    """So many callers who call again and again for some simulated seconds; AssertionError when something is wrong."""
    loop = LeapingLoop(settle=0.0)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return loop.run_until_complete(_rush(Path(folder), callers, members, seconds, seed))
    finally:
        loop.close()


if __name__ == "__main__":
    numbers = [int(word) for word in sys.argv[1:]]
    done = rush(numbers[0], numbers[1], numbers[2], numbers[3])
    print(", ".join(f"{count} {re.sub('^most', 'at most', what)}" for what, count in sorted(done.items())))
