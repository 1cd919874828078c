"""The firmware's cores under any history: what must never happen does not."""

from __future__ import annotations

import messages as m
from frames import Decoder, Frame
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from supervisor.contacts import Button, InputPower
from supervisor.host import BOOT_MS, CYCLES, OFF_MS, REST_MS, Host
from supervisor.supervisor import Readings, Supervisor

STEP_MS = 5


class NoSlots:
    """A flash that nothing is written to."""

    folder = "/nowhere"

    def reject(self) -> None:
        raise AssertionError("nothing is on trial")


class Life(RuleBasedStateMachine):
    """Beats, orders, readings and time in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.core = Supervisor(NoSlots(), 0, False, 0, self.now)
        self.readings = Readings()
        self.sequence = 0
        self.last_beat: int | None = None
        self.answers = Decoder()
        self.step(STEP_MS)

    def step(self, ms: int) -> None:
        end = self.now + ms
        while self.now < end:
            self.now += STEP_MS
            self.out = self.core.step(self.readings, self.now)
            self.answers.feed(self.core.to_send(self.now))
            self.check()

    def ask(self, kind: int, body: bytes) -> None:
        self.sequence = self.sequence + 1 & 0xFF
        self.core.receive(Frame(kind, self.sequence, body).encode(), self.now)

    @rule(count=st.integers(1, 8), gap=st.integers(100, 4000))
    def beat(self, count: int, gap: int) -> None:
        for _ in range(count):
            self.ask(m.BEAT, b"\0\0\0\0")
            self.last_beat = self.now
            self.step(gap)

    @rule(supply=st.integers(0, 1), on=st.integers(0, 1))
    def switch(self, supply: int, on: int) -> None:
        self.ask(m.SUPPLY, bytes((supply, on)))
        self.step(STEP_MS)

    @rule(kind=st.integers(0, 255), body=st.binary(max_size=12))
    def say_anything(self, kind: int, body: bytes) -> None:
        if kind not in (m.BEAT, m.HOLD, m.UPDATE_BEGIN, m.UPDATE_CONFIRM):
            self.ask(kind, body)
            self.step(STEP_MS)

    @rule(data=st.binary(max_size=40))
    def noise(self, data: bytes) -> None:
        self.core.receive(data, self.now)

    @rule(
        stop=st.booleans(),
        current=st.sampled_from([0, 50, 200, 600]),
        volts=st.sampled_from([9000, 12000]),
        hot=st.sampled_from([2500, 9000]),
    )
    def world(self, stop: bool, current: int, volts: int, hot: int) -> None:
        made = Readings()
        made.stop_open, made.battery_ma, made.ringing_ma, made.input_mv = stop, current, current, volts
        made.battery_mv, made.ringing_mv, made.temperature = 48000, 90000, hot
        self.readings = made

    @rule(ms=st.sampled_from([5, 50, 1000, 3100, 31000]))
    def wait(self, ms: int) -> None:
        self.step(ms)

    def check(self) -> None:
        out = self.out
        silent = self.last_beat is None or self.now - self.last_beat > 3000 + STEP_MS
        if silent or self.core.stop.stopped or not out.host_power:
            assert out.relays == 0
        if silent or self.core.stop.stopped or self.readings.stop_open:
            assert not out.battery
            assert not out.ringing
        if out.ringing:
            assert out.battery
            assert not out.power_fail
        if self.last_beat is not None and self.now - self.last_beat < 30_000 - STEP_MS:
            assert out.host_power or self.core.host.cycles

    @invariant()
    def a_tripped_supply_is_off(self) -> None:
        for index, supply in enumerate(self.core.supplies):
            if supply.trip:
                assert not (self.out.battery, self.out.ringing)[index]


Life.TestCase.settings = settings(max_examples=25, stateful_step_count=25, deadline=None)
TestLife = Life.TestCase


def test_a_host_that_never_comes_back_is_tried_three_times_and_left_alone() -> None:
    host, offs, was = Host(0), [], True
    for now in range(0, 2 * REST_MS, 100):
        host.step(now)
        if was and not host.powered:
            offs.append(now)
        was = host.powered
        assert host.relays == 0
    gaps = [later - earlier for earlier, later in zip([0, *offs], offs, strict=False)]
    assert gaps[: CYCLES + 1] == [BOOT_MS] + [BOOT_MS + OFF_MS] * CYCLES
    assert gaps[CYCLES + 1] == REST_MS + OFF_MS


def test_good_input_power_must_last() -> None:
    power = InputPower()
    assert not power.step(10000, 0)
    assert power.step(10000, 5)
    assert not any(power.step(millivolts, 10 + 5 * at) for at, millivolts in enumerate([11500, 10900, 10000] * 200))
    assert power.failing
    assert [power.step(11500, 5000 + 5 * at) for at in range(202)].index(True) == 200


def test_a_button_is_long_once() -> None:
    button, seen = Button(1000), []
    for now in range(0, 3000, 5):
        seen.append(button.step(now < 2500, now))
    assert [how for how in seen if how] == [m.LONG]
