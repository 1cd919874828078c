"""Machines of analog ports under any order of events: no crash, no call forgotten, and rest is always reached again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.line import Happening, LineEvent
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import Rules
from offhook.drivers.dahdi.analog.habits import Habits
from offhook.drivers.dahdi.analog.operator import OperatorPhone
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.phone import Phone
from offhook.drivers.dahdi.analog.schemes import SCHEMES
from offhook.drivers.dahdi.analog.schemes import Call as TieCall
from offhook.drivers.dahdi.analog.tie import Manners as TieManners
from offhook.drivers.dahdi.analog.tie import State as TieState
from offhook.drivers.dahdi.analog.tie import Tie
from offhook.drivers.dahdi.analog.trunk import Manners, State, Trunk

PHONE_EVENTS = [
    *(Happening.OFF_HOOK, Happening.ON_HOOK, Happening.FLASH, Happening.PULSE_START, Happening.RINGER_ON),
    *(Happening.RINGER_OFF, Happening.ALARM, Happening.NO_ALARM, Happening.HOOK_COMPLETE, Happening.POLARITY),
]
TRUNK_EVENTS = [
    *(Happening.RING_BEGIN, Happening.OFF_HOOK, Happening.ON_HOOK, Happening.POLARITY, Happening.ALARM),
    *(Happening.NO_ALARM, Happening.DIAL_COMPLETE, Happening.HOOK_COMPLETE, Happening.FLASH),
]
TIE_EVENTS = [
    *(Happening.OFF_HOOK, Happening.ON_HOOK, Happening.FLASH, Happening.PULSE_DIGIT, Happening.DIAL_COMPLETE),
    *(Happening.ALARM, Happening.NO_ALARM, Happening.HOOK_COMPLETE, Happening.BITS_CHANGED),
]


class SmallPlan:
    """Extensions 1, 12, 9X, and 22, which parks."""

    def exists(self, digits: str) -> bool:
        return digits in ("1", "12", "22") or (len(digits) == 2 and digits[0] == "9")

    def more(self, digits: str) -> bool:
        return digits in ("", "1", "2", "9")

    def possible(self, digits: str) -> bool:
        return self.exists(digits) or self.more(digits)

    def ignored(self, digits: str) -> bool:
        return digits == "9"

    def parking(self, digits: str) -> bool:
        return digits == "22"


class World:
    """The calls plane as a machine sees it: which calls have channels, who rings, who hears."""

    def __init__(self) -> None:
        self.calls: set[int] = set()
        self.ended: list[int] = []
        self.features: list[orders.Feature] = []
        self.sound = False
        self.rings = False

    def obey(self, given: list[Order]) -> None:
        """Carry orders out; those about calls that are none would be a machine's mistake."""
        for order in given:
            match order:
                case orders.NewCall():
                    assert order.call not in self.calls
                    self.calls.add(order.call)
                case orders.End():
                    self.end(order.call)
                case orders.Transfer():
                    self.end(order.held)
                    self.end(order.other)
                case orders.Tell() | orders.Start() | orders.SendCallerId() | orders.PressDigit():
                    assert order.call in self.calls, order
                case orders.WaitingTone():
                    assert order.call in self.calls, order
                case orders.Feature():
                    self.features.append(order)
                case orders.Ring():
                    assert order.call in self.calls, order
                    self.rings = True
                case orders.DoHook():
                    self.rings = False
                case orders.Hear():
                    assert set(order.calls) | set(order.apart) <= self.calls, order
                    assert not order.apart or order.calls == order.apart or not {*order.calls} & {*order.apart}, order
                case orders.Sound():
                    self.sound = order.on

    def end(self, call: int) -> None:
        """A call is over; its channel says so a moment later."""
        assert call in self.calls
        self.calls.discard(call)
        self.ended.append(call)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("line"), st.integers(0, 20)),
        st.tuples(st.just("digit"), st.sampled_from("1292*706837#D")),
        st.tuples(st.just("time"), st.sampled_from((0.1, 1.0, 5.0, 20.0, 100.0))),
        st.tuples(st.just("call"), st.just(0)),
        st.tuples(st.just("answer"), st.integers(0, 2)),
        st.tuples(st.just("end"), st.integers(0, 2)),
        st.tuples(st.just("sound"), st.sampled_from(("busy", "ring", "dial", "congestion"))),
        st.tuples(st.just("identity"), st.just(0)),
        st.tuples(st.just("operator"), st.integers(0, 5)),
        st.tuples(st.just("manager"), st.just(0)),
    ),
    max_size=60,
)
SWITCHES = st.tuples(*[st.booleans()] * 10)


@given(STEPS, SWITCHES)
def test_a_phone_never_wedges(steps: list[tuple[str, object]], switches: tuple[bool, ...]) -> None:
    """Whatever happens, hanging up and the end of every call leave it at rest."""
    three_way, transfer, waiting, deluxe, held, immediate, silent, to_busy, again, turns = switches
    habits = Habits(
        rules=Rules(call_waiting=waiting, forwarding=True, redial=True, call_return=True, last_caller="7", park=True),
        three_way=three_way,
        transfer=transfer,
        call_waiting=waiting,
        waiting_deluxe=deluxe,
        held_by_caller=held,
        immediate=immediate,
        silent_hold=silent,
        transfer_to_busy=to_busy,
        dial_again=again,
        waiting_caller_id=turns,
        reverse_on_answer=turns,
        reverse_on_hangup=again,
    )
    phone, world, now = OperatorPhone(SmallPlan(), habits), World(), 0.0
    for kind, value in steps:
        now += 0.05
        given = phone_step(phone, world, kind, value, now)
        if kind == "time":
            assert isinstance(value, float)
            now += value
            given = phone.tick(now) if phone.next_timer <= now else []
        world.obey(given)
        carry_out_features(phone, world, now)
        settle(phone, world, now)
        assert set(phone.calls) == world.calls
        assert {number for number in phone.shown_calls if number} == world.calls
        assert not (world.rings and phone.off_hook), "a lifted phone is rung"
    world.obey(phone.line(LineEvent(Happening.NO_ALARM), now))
    for _ in range(4):
        world.obey(phone.line(LineEvent(Happening.ON_HOOK), now))
        for call in list(world.calls):
            world.calls.discard(call)
            world.obey(phone.ended(call, now))
        carry_out_features(phone, world, now)
        settle(phone, world, now)
    assert not world.rings
    assert phone.idle and not phone.calls and not world.sound
    assert phone.do_not_disturb or phone.takes_call() == 0


def carry_out_features(phone: OperatorPhone, world: World, now: float) -> None:
    """What a port does with features that change which call is the active one: it works, or it does not, in turn."""
    while world.features:
        feature = world.features.pop(0)
        if feature.name in ("park", "flash"):
            works = feature.call % 2 == 0
            world.obey(phone.back_from(feature.call) if works else phone.refused(feature.call, now))


def phone_step(phone: OperatorPhone, world: World, kind: str, value: object, now: float) -> list[Order]:
    """One thing that happens to a phone."""
    match kind, value:
        case "operator", int() if phone.calls:
            number = phone.calls[value % len(phone.calls)]
            if value == 0:
                phone.operated(number, rings_at_once=True)
            elif value == 1:
                phone.operates(number)
            else:
                return phone.recall(number)
        case "manager", _:
            out = phone.line(LineEvent(Happening.ON_HOOK), now)
            return out + (phone.left_up(now) if phone.idle else [])
        case "line", int():
            return phone.line(LineEvent(PHONE_EVENTS[value % len(PHONE_EVENTS)]), now)
        case "digit", str():
            return phone.digit_begins() + phone.digit(value, now, pulses=True)
        case "call", _ if phone.takes_call() == 0:
            number = phone.new_number()
            world.calls.add(number)
            return phone.ring(number, (), now)
        case (("answer" | "end"), int()) if value < len(phone.calls):
            number = phone.calls[value]
            if kind == "answer":
                return phone.answered(number)
            world.calls.discard(number)
            return phone.ended(number, now)
    return []


def settle(machine: Phone | Trunk | Tie, world: World, now: float) -> None:
    """Channels of calls that the machine ended say that they are over."""
    while world.ended:
        world.obey(machine.ended(world.ended.pop(), now))


@given(STEPS, SWITCHES)
def test_a_trunk_never_wedges(steps: list[tuple[str, object]], switches: tuple[bool, ...]) -> None:
    """Whatever happens, the end of its call and a while leave it at rest."""
    identity, answer, hangup, dial_tone, progress, pulses, ground, polarity, rings, immediate = switches
    manners = Manners(
        ground_start=ground,
        caller_id=identity,
        caller_id_start="polarity" if polarity else "any",
        answer_on_polarity=answer,
        hang_up_on_polarity=hangup,
        wait_for_dial_tone=2.0 if dial_tone else 0.0,
        progress=progress,
        pulses=pulses,
        immediate=immediate,
        dial_tone_ends=5.0 if identity else 0.0,
        distinctive=(((325, 95, 0), 10, "special"),) if rings else (),
        distinctive_after_id=immediate,
    )
    trunk, world, now = Trunk(manners), World(), 0.0
    for kind, value in steps:
        now += 0.05
        given = trunk_step(trunk, world, kind, value, now)
        if kind == "time":
            assert isinstance(value, float)
            now += value
            given = trunk.tick(now) if trunk.next_timer <= now else []
        world.obey(given)
        settle(trunk, world, now)
        assert set(trunk.calls) == world.calls
    world.obey(trunk.line(LineEvent(Happening.NO_ALARM), now))
    for call in list(world.calls):
        world.calls.discard(call)
        world.obey(trunk.ended(call, now))
    world.obey(trunk.tick(now + 10))
    assert trunk.state is State.IDLE and trunk.takes_call() == 0 and not world.sound


def trunk_step(trunk: Trunk, world: World, kind: str, value: object, now: float) -> list[Order]:
    """One thing that happens to a line."""
    match kind, value:
        case "line", int():
            return trunk.line(LineEvent(TRUNK_EVENTS[value % len(TRUNK_EVENTS)]), now)
        case "sound", "busy":
            return trunk.hears_busy(now)
        case "sound", str():
            return trunk.hears_progress(value, now)
        case "identity", _:
            return trunk.caller_id(now)
        case "digit", "D":
            return trunk.warned(now)
        case "digit", "#":
            return trunk.message_only(now)
        case "call", _ if trunk.takes_call() == 0:
            number = trunk.new_number()
            world.calls.add(number)
            return trunk.call(number, "123", now)
        case (("answer" | "end"), int()) if trunk.calls:
            number = trunk.calls[0]
            if kind == "answer":
                return trunk.answered(number, now)
            world.calls.discard(number)
            return trunk.ended(number, now)
    return []


@given(STEPS, SWITCHES, st.sampled_from(sorted(SCHEMES)), st.sampled_from(sorted(SCHEMES)))
def test_a_tie_line_never_wedges(
    steps: list[tuple[str, object]], switches: tuple[bool, ...], signalling: str, outward: str
) -> None:
    """Whatever signalling and whatever happens: once the far end is on hook and its call has ended, it is idle."""
    immediate, pulses, *_ = switches
    tie = Tie(SmallPlan(), TieManners(SCHEMES[signalling], SCHEMES[outward], immediate, pulses))
    world, now = World(), 0.0
    for kind, value in steps:
        now += 0.05
        given = tie_step(tie, world, kind, value, now)
        if kind == "time":
            assert isinstance(value, float)
            now += value
            given = tie.tick(now) if tie.next_timer <= now else []
        world.obey(given)
        settle(tie, world, now)
        assert set(tie.calls) == world.calls
    for kind_of_end in (Happening.NO_ALARM, Happening.ON_HOOK):
        world.obey(tie.line(LineEvent(kind_of_end), now))
        settle(tie, world, now)
    for call in list(world.calls):
        world.calls.discard(call)
        world.obey(tie.ended(call, now))
    assert tie.state is TieState.IDLE and tie.takes_call() == 0 and not world.sound


def tie_step(tie: Tie, world: World, kind: str, value: object, now: float) -> list[Order]:
    """One thing that happens to a tie line."""
    match kind, value:
        case "line", int():
            return tie.line(LineEvent(TIE_EVENTS[value % len(TIE_EVENTS)], "2"), now)
        case "digit", str():
            return tie.digit(value, now)
        case "call", _ if tie.takes_call() == 0:
            number = tie.new_number()
            world.calls.add(number)
            return tie.call(number, TieCall("12", "7", "01"), now)
        case (("answer" | "end"), int()) if tie.calls:
            number = tie.calls[0]
            if kind == "answer":
                return tie.answered(number, now)
            world.calls.discard(number)
            return tie.ended(number, now)
    return []


def test_an_answer_is_told_once() -> None:
    """A phone that is rung and lifted."""
    phone = Phone(SmallPlan(), Habits())
    number = phone.new_number()
    phone.ring(number, (), 0)
    told = phone.line(LineEvent(Happening.OFF_HOOK), 1)
    assert [order for order in told if isinstance(order, orders.Tell)] == [orders.Tell(number, Condition.ANSWER)]
    assert phone.line(LineEvent(Happening.OFF_HOOK), 2) == []
