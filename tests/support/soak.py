"""Many calls at once that do everything to each other, in simulated time, and what must be true afterwards."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from offhook.apps import bridging, digits, flow, playing, waiting
from offhook.calls import causes, events
from offhook.calls.channel import Channel, State
from offhook.calls.frames import Condition, Control, Digit, Forward
from offhook.calls.party import Caller, Party
from offhook.calls.pbx import Pbx
from offhook.calls.transfer import attended_transfer, blind_transfer
from offhook.config.parser import loads
from offhook.drivers.local import module as local_module
from offhook.functions import calculations, callerid, groups, shared, stack
from offhook.functions import channel as channel_functions
from offhook.modules import Module
from offhook.services import pickup
from offhook.services.cdr import core as cdr_core
from offhook.services.cdr.delivery import Backend, Batch
from offhook.services.cdr.engine import CdrEngine
from offhook.services.cdr.fields import Fields
from offhook.services.cdr.record import Disposition, Rules
from offhook.services.features import core as features_module
from offhook.services.features.configuration import read_features
from offhook.services.features.core import features_of
from offhook.services.parking import module as parking_module
from offhook.services.parking.core import parking_of
from offhook.services.parking.lots import read_lots
from support.call_exchange import Exchange
from support.leaping_loop import LeapingLoop

PLAN = """
[phones]
include => parkedcalls
exten => _1XX,1,Dial(Phone/${EXTEN},20,TtHhKk)
exten => _2XX,1,Dial(Local/${EXTEN:1}@inside&Phone/1${EXTEN:1},15,TtKkg)
 same => n,Answer()
 same => n,Wait(3)
exten => _3XX,1,Dial(Local/1${EXTEN:1}@phones,20,TK)
exten => _4XX,1,Set(CALLERID(name)=Four)
 same => n,Dial(Phone/1${EXTEN:1}&Phone/${MATH(100+${EXTEN:1},int)},10,tF(phones^500^1))
exten => _5XX,1,Answer()
 same => n,Playback(hello)
 same => n,Wait(5)
exten => 800,1,Pickup()
 same => n,Busy(2)
exten => 801,1,ParkedCall()
exten => h,1,NoOp(over)
[inside]
exten => _XX,1,Dial(Phone/1${EXTEN},20)
"""
FEATURES = """
[general]
featuredigittimeout = 500
transferdigittimeout = 2
atxfernoanswertimeout = 8
atxfercallbackretries = 1
atxferloopdelay = 1
[featuremap]
blindxfer = #1
atxfer = *2
disconnect = *0
parkcall = #7
"""
PROMPTS = (
    "hello",
    "beep",
    "beeperr",
    "pbx-transfer",
    "pbx-parkingfailed",
    "pbx-invalid",
    "privacy-incorrect",
    "vm-goodbye",
    *(f"digits/{digit}" for digit in range(10)),
)
PARKING = (
    "[default]\nparkext => 700\nparkpos => 701-730\nparkingtime => 25\ncomebackdialtime = 10\ncomebacktoorigin = yes\n"
)


_NEAR = 0.001


class Phone(Channel):
    """A telephone whose owner is a random number."""

    technology = "Phone"
    __slots__ = ("owner",)

    def __init__(self, owner: Soak, pbx: Pbx, number: str, **more: Any) -> None:
        name = f"Phone/{number}-{pbx.next_name('Phone'):08x}"
        super().__init__(pbx, name, media=pbx.engine.null_leg(), formats=("ulaw",), context="phones", **more)
        self.owner = owner
        self.call_groups = self.pickup_groups = frozenset({"0"})
        self.caller = Caller(id=Party.of(number))
        owner.seen(self)

    def tech_call(self, destination: str) -> None:
        """Ring, and do something later."""
        self.set_state(State.RINGING)
        self.deliver(Control(Condition.RINGING))
        self.owner.loop.call_later(self.owner.chance.uniform(0.2, 12), self._decide)

    def _decide(self) -> None:
        if self.hungup or self.state is State.UP:
            return
        fate = self.owner.chance.random()
        if fate < 0.7:
            self.mark_up()
            self.deliver(Control(Condition.ANSWER))
            self.owner.mind(self)
        elif fate < 0.8:
            self.hangup_cause = causes.USER_BUSY
            self.deliver(Control(Condition.BUSY))
        elif fate < 0.9:
            self.far_end_hangup(self.owner.chance.choice((causes.CALL_REJECTED, causes.NO_ANSWER)))
        else:
            self.deliver(Forward(self.owner.target()))


@dataclass
class Soak:
    """So many calls at once for so many simulated seconds."""

    folder: Path
    calls: int
    seconds: float
    seed: int = 1
    began: Counter[str] = field(default_factory=Counter)
    """How often each thing was done."""
    lives: dict[str, list[float]] = field(default_factory=dict)
    """Creation and end of each channel, by unique id."""
    callers: dict[str, str] = field(default_factory=dict)
    """Unique ids of the channels that called by themselves, and their names."""
    records: list[Fields] = field(default_factory=list)
    together: list[tuple[frozenset[str], float, float]] = field(default_factory=list)
    """Names of two parties who heard each other, from when to when."""
    _talking: dict[frozenset[str], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        self.loop: LeapingLoop
        self.most = 0

    # ---- the exchange -------------------------------------------------------------------------------

    def _exchange(self) -> Exchange:
        exchange = Exchange(self.folder, keep_events=False)
        pbx = exchange.pbx
        (self.folder / "digits").mkdir()
        for prompt in PROMPTS:
            (self.folder / f"{prompt}.ulaw").write_bytes(bytes(160))
        for source in (bridging, digits, flow, playing, waiting, pickup):
            exchange.load(source)
        for source in (calculations, callerid, groups, shared, stack, channel_functions):
            exchange.load(source)
        exchange.load(parking_module)
        phones = Module("chan_phone", "Phones of a test")

        @phones.driver("Phone")
        def request(pbx: Pbx, address: str, formats: Any, requester: Channel | None, ids: tuple[str, str]) -> Phone:
            return Phone(self, pbx, address, outgoing=True, requester=requester)

        pbx.registry.add(phones)
        pbx.wall = lambda: 1_700_000_000 + pbx.now()  # type: ignore[method-assign]
        engine = pbx.parts["cdr"] = CdrEngine(pbx)
        engine.configure(Rules(unanswered=True), Batch(enabled=True, size=50, seconds=60))
        engine.delivery.backends["soak"] = Backend(self.records.append)
        exchange.load(cdr_core)
        features = features_of(pbx)
        pbx.parts["member_features"] = [features.watch]
        features.config = read_features(loads(FEATURES, "features.conf"))
        exchange.dialplan(PLAN)
        parking_of(pbx).configure(*read_lots(loads(PARKING, "res_parking.conf")))
        parking_module.start(pbx)
        features_module.features_of(pbx)
        assert local_module.name in pbx.registry.modules
        pbx.bus.subscribe(events.NewChannel, lambda event: self._begin(event.channel))
        pbx.bus.subscribe(events.Hangup, lambda event: self._end(event.channel))
        pbx.bus.subscribe(events.BridgeEnter, self._entered)
        pbx.bus.subscribe(events.BridgeLeave, self._left)
        return exchange

    def _begin(self, channel: Channel) -> None:
        self.lives[channel.uniqueid] = [channel.created_at, -1.0]

    def _entered(self, event: events.BridgeEnter) -> None:
        now = event.channel.pbx.now()
        for other in event.bridge:
            if event.bridge.kind == "basic" and other is not event.channel and self._recorded(event.channel, other):
                self._talking[frozenset({event.channel.name, other.name})] = now

    def _recorded(self, one: Channel, two: Channel) -> bool:
        """Whether two parties who hear each other make a record: one of them called, if only once."""
        return not (one.outgoing and two.outgoing)

    def _left(self, event: events.BridgeLeave) -> None:
        now = event.channel.pbx.now()
        for pair in [pair for pair in self._talking if event.channel.name in pair]:
            self.together.append((pair, self._talking.pop(pair), now))

    def _end(self, channel: Channel) -> None:
        self.lives[channel.uniqueid][1] = channel.pbx.now()

    def seen(self, phone: Phone) -> None:
        """A phone is off hook."""
        self.most = max(self.most, len(phone.pbx.channels))

    # ---- what people do -----------------------------------------------------------------------------

    def target(self) -> str:
        """An extension that somebody might dial."""
        return self.chance.choice("123345") + f"{self.chance.randrange(100):02d}"

    async def run(self) -> None:
        """Make calls for the time, then wait until all are over by themselves, and look what is left."""
        self.loop = asyncio.get_running_loop()  # type: ignore[assignment]
        exchange = self._exchange()
        pbx = exchange.pbx
        broken: list[dict[str, Any]] = []
        self.loop.set_exception_handler(lambda _, context: broken.append(context))
        until = pbx.now() + self.seconds
        await asyncio.gather(*(self._user(pbx, number, until) for number in range(self.calls)))
        self.began["calls"] = len(self.callers)
        await self._quiet(pbx)
        assert not broken, broken[0]
        self._check_left(pbx)
        await pbx.parts["cdr"].stop()
        self._check_records()
        await pbx.end_tasks()
        parking_of(pbx).close()

    async def _user(self, pbx: Pbx, number: int, until: float) -> None:
        """One person: calls, and calls again when the call is over."""
        await asyncio.sleep(self.chance.uniform(0, 10))
        while pbx.now() < until:
            exten = self.chance.choices((self.target(), "800", "801", "700"), (16, 2, 2, 1))[0]
            phone = Phone(self, pbx, str(100 + number % 100), state=State.RING, exten=exten)
            self.callers[phone.uniqueid] = phone.name
            phone.start_pbx()
            if self.chance.random() < 0.12:
                self.loop.call_later(self.chance.uniform(0.05, 6), self._hang_up, phone)
            self.mind(phone)
            while not phone.hungup:  # noqa: ASYNC110  (the clock is simulated)
                await asyncio.sleep(self.chance.uniform(0.5, 2))

    def _hang_up(self, phone: Phone) -> None:
        if not phone.hungup:
            self.began["hangup"] += 1
            phone.far_end_hangup(causes.NORMAL_CLEARING)

    def mind(self, phone: Phone) -> None:
        """Have a phone's owner do things from time to time, and hang up in the end."""
        for _ in range(self.chance.randrange(3)):
            self.loop.call_later(self.chance.uniform(0.3, 25), self._act, phone)
        self.loop.call_later(self.chance.uniform(5, 60), self._hang_up, phone)

    def _act(self, phone: Phone) -> None:
        if phone.hungup or phone.bridge is None:
            return
        name, act = self.chance.choice(ACTIONS)
        self.began[name] += 1
        act(self, phone)

    def press(self, phone: Phone, digits: str) -> None:
        """Press keys, a tenth of a second apart."""
        for index, digit in enumerate(digits):
            self.loop.call_later(index * 0.1, self._press, phone, digit)

    def _press(self, phone: Phone, digit: str) -> None:
        phone.deliver(Digit(digit, False))
        phone.deliver(Digit(digit, True, 80))

    def blind(self, phone: Phone) -> None:
        """Transfer by signalling."""
        blind_transfer(phone, "phones", self.target())

    def blind_by_code(self, phone: Phone) -> None:
        """Transfer by keys."""
        self.press(phone, f"#1{self.target()}")

    def attended_by_code(self, phone: Phone) -> None:
        """Ask first, and then finish in one of the ways there are."""
        self.press(phone, f"*2{self.target()}")
        code = self.chance.choice(("*1", "*2", "*3", "*4", ""))
        wait = self.chance.uniform(1.5, 12)
        if code:
            self.loop.call_later(wait, self.press, phone, code)
        else:
            self.loop.call_later(wait, self._hang_up, phone)

    def attended(self, phone: Phone) -> None:
        """Join this call with another one of somebody's by signalling."""
        others = [
            other
            for other in phone.pbx.channels
            if isinstance(other, Phone) and other is not phone and other.bridge not in (None, phone.bridge)
        ]
        if others:
            attended_transfer(phone, self.chance.choice(others))

    def park(self, phone: Phone) -> None:
        """Park the other party by keys."""
        self.press(phone, "#7")

    def park_blind(self, phone: Phone) -> None:
        """Park the other party by a transfer."""
        blind_transfer(phone, "phones", "700")

    def hold(self, phone: Phone) -> None:
        """Hold for a while."""
        phone.deliver(Control(Condition.HOLD, ""))
        self.loop.call_later(self.chance.uniform(0.5, 5), phone.deliver, Control(Condition.UNHOLD))

    def redirect(self, phone: Phone) -> None:
        """Somebody outside sends the channel elsewhere."""
        phone.async_goto("phones", self.target(), 1)

    def disconnect(self, phone: Phone) -> None:
        """End the call by keys."""
        self.press(phone, "*0")

    # ---- what must be true --------------------------------------------------------------------------

    async def _quiet(self, pbx: Pbx) -> None:
        """Everything ends by itself: people hang up, parking times out."""
        deadline = pbx.now() + 300
        while len(pbx.channels) and pbx.now() < deadline:  # noqa: ASYNC110  (the clock is simulated)
            await asyncio.sleep(1)
        await asyncio.sleep(100)  # what people still had in mind to do

    def _check_left(self, pbx: Pbx) -> None:
        assert not list(pbx.channels), f"stuck: {[(c, c.application, c.bridge) for c in pbx.channels]}"
        left = [bridge for bridge in pbx.bridges if bridge.kind != "parking"]
        assert not left, f"bridges without channels: {left}"
        assert not pbx.engine.legs, "legs of the engine that nobody closed"  # type: ignore[attr-defined]
        assert not any(lot.places for lot in parking_of(pbx).lots.values())
        unended = [uid for uid, (_, end) in self.lives.items() if end < 0]
        assert not unended, f"channels without a hangup event: {unended}"
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        assert not tasks, f"tasks that nobody ended: {[_waits(task) for task in tasks]}"
        gc.collect()
        alive = [each for each in gc.get_objects() if isinstance(each, Channel) and each.pbx is pbx]
        assert not alive, f"channels that something keeps: {alive[:5]}, {len(alive)} in all"

    def _check_records(self) -> None:
        """Every call has records from its beginning on; who talked to whom, and how long, is recorded once."""
        own: dict[str, list[Fields]] = {}
        for fields in self.records:
            own.setdefault(fields.uniqueid, []).append(fields)
            self._check_record(fields)
        numbers = Counter(fields.sequence for fields in self.records)
        assert max(numbers.values()) == 1, "two records with one number"
        missing = [name for uid, name in self.callers.items() if uid not in own]
        assert not missing, f"calls without a record: {missing[:5]}, {len(missing)} in all"
        talks: dict[frozenset[str], list[tuple[float, float]]] = {}
        for fields in self.records:
            if fields.end is not None:
                pair = frozenset({fields.channel, fields.dstchannel})
                talks.setdefault(pair, []).append((fields.start.clock, fields.end.clock))
        for uid, name in self.callers.items():
            first = min(own[uid], key=lambda fields: fields.start.clock)
            assert abs(first.start.clock - self.lives[uid][0]) < _NEAR, (name, self.lives[uid], first)
        for pair, begin, end in self.together:
            covered = sum(max(0.0, min(end, until) - max(begin, since)) for since, until in talks.get(pair, ()))
            assert abs(covered - (end - begin)) < _NEAR, (set(pair), begin, end, covered, talks.get(pair))
        self.began["talks"] = len(self.together)

    def _check_record(self, fields: Fields) -> None:
        assert fields.end is not None, fields
        assert fields.start.clock <= fields.end.clock, fields
        assert fields.duration == int(fields.end.clock - fields.start.clock), fields
        if fields.answer is None:
            assert fields.billsec == 0, fields
        else:
            assert fields.start.clock <= fields.answer.clock <= fields.end.clock, fields
            assert fields.billsec == int(fields.end.clock - fields.answer.clock), fields
        if fields.disposition is Disposition.ANSWERED:
            assert fields.answer is not None, fields
        begin, end = self.lives[fields.uniqueid]
        assert begin - _NEAR <= fields.start.clock, (fields, begin)
        assert fields.end.clock <= end + _NEAR, (fields, end)


def _waits(task: asyncio.Task[Any]) -> str:
    """A task and what it waits in."""
    places = []
    awaited: Any = task.get_coro()
    while awaited is not None:
        places.append(getattr(awaited, "__qualname__", type(awaited).__name__))
        awaited = getattr(awaited, "cr_await", None)
    return f"{task.get_name()}: {' > '.join(places)}"


ACTIONS: tuple[tuple[str, Callable[[Soak, Phone], None]], ...] = (
    ("blind transfer", Soak.blind),
    ("blind transfer by code", Soak.blind_by_code),
    ("attended transfer by code", Soak.attended_by_code),
    ("attended transfer", Soak.attended),
    ("park by code", Soak.park),
    ("park by transfer", Soak.park_blind),
    ("hold", Soak.hold),
    ("redirect", Soak.redirect),
    ("disconnect by code", Soak.disconnect),
)


def soak(folder: Path, calls: int, seconds: float, seed: int = 1) -> Soak:
    """Run it; what was done, for a report."""
    made = Soak(folder, calls, seconds, seed)
    loop = LeapingLoop(settle=0.0)
    try:
        loop.run_until_complete(made.run())
    finally:
        loop.close()
    return made


def main() -> None:
    """``make soak``: CALLS at once for SECONDS of simulated time, with SEED."""
    import logging
    import sys
    import tempfile

    calls, seconds, seed = (int(word) for word in (*sys.argv[1:], *("200", "600", "1")[len(sys.argv) - 1 :]))
    logging.getLogger("offhook").setLevel(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as folder:
        done = soak(Path(folder), calls, seconds, seed)
    print(f"{calls} people for {seconds} s, seed {seed}: {len(done.records)} records; most {done.most} channels")
    print(", ".join(f"{count} {name}" for name, count in sorted(done.began.items())))


if __name__ == "__main__":
    main()
