"""Machines of analog ports under any order of events: no crash, no call forgotten, and rest is always reached again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.line import Happening, LineEvent
from offhook.calls.frames import Condition
from offhook.drivers.dahdi.analog import orders
from offhook.drivers.dahdi.analog.collecting import Rules
from offhook.drivers.dahdi.analog.habits import Habits
from offhook.drivers.dahdi.analog.orders import Order
from offhook.drivers.dahdi.analog.phone import Phone
from offhook.drivers.dahdi.analog.trunk import Manners, State, Trunk

PHONE_EVENTS = [
    *(Happening.OFF_HOOK, Happening.ON_HOOK, Happening.FLASH, Happening.PULSE_START, Happening.RINGER_ON),
    *(Happening.RINGER_OFF, Happening.ALARM, Happening.NO_ALARM, Happening.HOOK_COMPLETE, Happening.POLARITY),
]
TRUNK_EVENTS = [
    *(Happening.RING_BEGIN, Happening.OFF_HOOK, Happening.ON_HOOK, Happening.POLARITY, Happening.ALARM),
    *(Happening.NO_ALARM, Happening.DIAL_COMPLETE, Happening.HOOK_COMPLETE, Happening.FLASH),
]


class SmallPlan:
    """Extensions 1, 12 and 9X."""

    def exists(self, digits: str) -> bool:
        return digits in ("1", "12") or (len(digits) == 2 and digits[0] == "9")

    def more(self, digits: str) -> bool:
        return digits in ("", "1", "9")

    def possible(self, digits: str) -> bool:
        return self.exists(digits) or self.more(digits)

    def ignored(self, digits: str) -> bool:
        return digits == "9"

    def parking(self, digits: str) -> bool:
        return False


class World:
    """The calls plane as a machine sees it: which calls have channels, who rings, who hears."""

    def __init__(self) -> None:
        self.calls: set[int] = set()
        self.ended: list[int] = []
        self.sound = False

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
                case orders.Hear():
                    assert set(order.calls) <= self.calls, order
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
        st.tuples(st.just("digit"), st.sampled_from("129*7068#D")),
        st.tuples(st.just("time"), st.sampled_from((0.1, 1.0, 5.0, 20.0, 100.0))),
        st.tuples(st.just("call"), st.just(0)),
        st.tuples(st.just("answer"), st.integers(0, 2)),
        st.tuples(st.just("end"), st.integers(0, 2)),
        st.tuples(st.just("sound"), st.sampled_from(("busy", "ring", "dial", "congestion"))),
        st.tuples(st.just("identity"), st.just(0)),
    ),
    max_size=60,
)
SWITCHES = st.tuples(*[st.booleans()] * 9)


@given(STEPS, SWITCHES)
def test_a_phone_never_wedges(steps: list[tuple[str, object]], switches: tuple[bool, ...]) -> None:
    """Whatever happens, hanging up and the end of every call leave it at rest."""
    three_way, transfer, waiting, deluxe, held, immediate, silent, to_busy, again = switches
    habits = Habits(
        rules=Rules(call_waiting=waiting, forwarding=True, redial=True, call_return=True, last_caller="7"),
        three_way=three_way,
        transfer=transfer,
        call_waiting=waiting,
        waiting_deluxe=deluxe,
        held_by_caller=held,
        immediate=immediate,
        silent_hold=silent,
        transfer_to_busy=to_busy,
        dial_again=again,
    )
    phone, world, now = Phone(SmallPlan(), habits), World(), 0.0
    for kind, value in steps:
        now += 0.05
        given = phone_step(phone, world, kind, value, now)
        if kind == "time":
            assert isinstance(value, float)
            now += value
            given = phone.tick(now) if phone.next_timer <= now else []
        world.obey(given)
        settle(phone, world, now)
        assert set(phone.calls) == world.calls
    world.obey(phone.line(LineEvent(Happening.NO_ALARM), now))
    for _ in range(4):
        world.obey(phone.line(LineEvent(Happening.ON_HOOK), now))
        for call in list(world.calls):
            world.calls.discard(call)
            world.obey(phone.ended(call, now))
        settle(phone, world, now)
    assert phone.idle and not phone.calls and not world.sound
    assert phone.do_not_disturb or phone.takes_call() == 0


def phone_step(phone: Phone, world: World, kind: str, value: object, now: float) -> list[Order]:
    """One thing that happens to a phone."""
    match kind, value:
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


def settle(machine: Phone | Trunk, world: World, now: float) -> None:
    """Channels of calls that the machine ended say that they are over."""
    while world.ended:
        world.obey(machine.ended(world.ended.pop(), now))


@given(STEPS, SWITCHES)
def test_a_trunk_never_wedges(steps: list[tuple[str, object]], switches: tuple[bool, ...]) -> None:
    """Whatever happens, the end of its call and a while leave it at rest."""
    identity, answer, hangup, dial_tone, progress, pulses, ground, polarity, _ = switches
    manners = Manners(
        ground_start=ground,
        caller_id=identity,
        caller_id_start="polarity" if polarity else "any",
        answer_on_polarity=answer,
        hang_up_on_polarity=hangup,
        wait_for_dial_tone=2.0 if dial_tone else 0.0,
        progress=progress,
        pulses=pulses,
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


def test_an_answer_is_told_once() -> None:
    """A phone that is rung and lifted."""
    phone = Phone(SmallPlan(), Habits())
    number = phone.new_number()
    phone.ring(number, (), 0)
    told = phone.line(LineEvent(Happening.OFF_HOOK), 1)
    assert [order for order in told if isinstance(order, orders.Tell)] == [orders.Tell(number, Condition.ANSWER)]
    assert phone.line(LineEvent(Happening.OFF_HOOK), 2) == []
