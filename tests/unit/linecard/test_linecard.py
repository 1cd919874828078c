"""Line cards by their registers: power, hook, ringing, readings, and what is said when something is wrong."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel_shims.linecard import daa as d
from kernel_shims.linecard import proslic as p
from kernel_shims.linecard.bus import LineCardError, SpiBus
from kernel_shims.linecard.daa import COUNTRIES, Daa
from kernel_shims.linecard.gpio import GpiodGpio, RPiGpio, SimulatedGpio, open_gpio
from kernel_shims.linecard.proslic import Feed, ProSlic, check_line, ringing
from kernel_shims.linecard.simulated import SimulatedDaa, SimulatedProSlic


@pytest.fixture
def phone() -> tuple[SimulatedProSlic, ProSlic]:
    """A chip that is powered up, and what is on its line."""
    world = SimulatedProSlic()
    chip = ProSlic(world, "slot 1")
    chip.power_up()
    return world, chip


# ---- a phone's line ---------------------------------------------------------------------------------


def test_power_up_feeds_the_line(phone: tuple[SimulatedProSlic, ProSlic]) -> None:
    _, chip = phone
    assert chip.fed is Feed.ACTIVE
    assert chip.revision == 5
    assert not chip.off_hook
    measured = chip.measure()
    assert 70 < -measured.battery_v < 80
    assert 45 < measured.loop_v < 50
    assert measured.loop_ma == 0


def test_lifting_the_handset_is_an_interrupt(phone: tuple[SimulatedProSlic, ProSlic]) -> None:
    world, chip = phone
    assert chip.interrupts() == 0
    world.phone_off_hook = True
    world.wait(0.003)
    assert not chip.off_hook  # it bounces
    world.wait(0.01)
    assert chip.off_hook
    assert chip.interrupts() == p.LOOP_CHANGED
    assert chip.interrupts() == 0
    assert chip.measure().loop_ma == 20  # limited
    world.phone_off_hook = False
    world.wait(0.01)
    assert not chip.off_hook


def test_a_ring_trip_ends_ringing_by_itself(phone: tuple[SimulatedProSlic, ProSlic]) -> None:
    world, chip = phone
    chip.ring(25, 60)
    world.wait(1.0)
    assert chip.fed is Feed.RINGING
    world.phone_off_hook = True
    world.wait(0.05)
    assert chip.fed is Feed.ACTIVE
    assert chip.off_hook
    assert chip.interrupts() == p.LOOP_CHANGED | p.RING_TRIPPED


def test_the_ringing_oscillator_gets_what_the_formula_says(phone: tuple[SimulatedProSlic, ProSlic]) -> None:
    _, chip = phone
    chip.ring(20, 45)
    assert chip.read_indirect(p.OSCILLATOR_COEFFICIENT) == 32510  # cos(2 pi 20 / 1000) * 2^15
    assert chip.read_indirect(p.OSCILLATOR_AMPLITUDE) == ringing(20, 45)[1]


@given(st.floats(4, 100), st.floats(1, 66))
def test_ringing_fits_its_registers(frequency: float, volts: float) -> None:
    coefficient, amplitude = ringing(frequency, volts)
    assert 0 < coefficient < 32768
    assert 0 <= amplitude < 32768


def test_ringing_too_much_is_refused() -> None:
    with pytest.raises(LineCardError, match="at most 66 V"):
        ringing(25, 90)


def test_polarity_can_be_reversed(phone: tuple[SimulatedProSlic, ProSlic]) -> None:
    _, chip = phone
    chip.feed(Feed.REVERSE_ACTIVE)
    assert chip.measure().loop_v < -40


@pytest.mark.parametrize(
    ("what", "verdict"),
    [
        ({}, "good"),
        ({"leak_ohms": 10.0}, "short between the wires"),
        ({"foreign_v": 40.0}, "foreign voltage of 40 V"),
        ({"leak_ohms": 5000.0}, "leakage between the wires"),
    ],
)
def test_a_line_is_judged(phone: tuple[SimulatedProSlic, ProSlic], what: dict[str, float], verdict: str) -> None:
    world, chip = phone
    if what.get("leak_ohms") != 10.0:
        for name, value in what.items():
            setattr(world, name, value)
        assert verdict in check_line(chip).verdict
        return
    world.leak_ohms = 10.0  # a short looks like a phone off hook: the test says so rather than test
    world.wait(0.1)
    with pytest.raises(LineCardError, match="the line is in use"):
        check_line(chip)


def test_a_missing_supply_is_told_with_its_voltage() -> None:
    with pytest.raises(LineCardError, match=r"slot 2: its battery came up to 12\.\d V only, 60 V are needed"):
        ProSlic(SimulatedProSlic(supply_v=12), "slot 2").power_up()


def test_an_empty_slot_and_another_chip_are_told_apart() -> None:
    with pytest.raises(LineCardError, match="nothing answers"):
        ProSlic(SimulatedProSlic(revision=0), "slot 3").power_up()

    class Other(SimulatedProSlic):
        def _write(self, register: int, value: int) -> None:
            if register != p.INDIRECT_LOW:
                super()._write(register, value)

    with pytest.raises(LineCardError, match="Si3217x and Si3226x need a patch"):
        ProSlic(Other(), "slot 3").power_up()


def test_a_signal_processor_that_hangs_is_told(phone: tuple[SimulatedProSlic, ProSlic]) -> None:
    world, chip = phone
    world.signal_processor_hangs = True
    with pytest.raises(LineCardError, match="reset the card"):
        chip.ring()


# ---- an exchange line -------------------------------------------------------------------------------


@pytest.fixture
def line() -> tuple[SimulatedDaa, Daa]:
    """A chip that is powered up, and the exchange at its line."""
    world = SimulatedDaa()
    chip = Daa(world, "slot 2")
    chip.power_up("de")
    return world, chip


def test_the_country_terminates_the_line(line: tuple[SimulatedDaa, Daa]) -> None:
    _, chip = line
    assert (chip.read(d.DC_TERMINATION), chip.read(d.AC_TERMINATION), chip.read(d.CONTROL_5)) == (0xC2, 3, 0xAB)
    assert chip.line_side == 3
    for country in COUNTRIES:
        Daa(SimulatedDaa(), "x").power_up(country)


def test_taking_the_line_and_giving_it_back(line: tuple[SimulatedDaa, Daa]) -> None:
    _, chip = line
    assert (chip.volts, chip.milliamperes, chip.connected) == (48, 0, True)
    chip.hook(True)
    assert chip.off_hook
    assert chip.volts == 8
    assert 25 < chip.milliamperes < 35
    chip.hook(False)
    assert chip.volts == 48


def test_ringing_polarity_and_a_line_that_is_not_there(line: tuple[SimulatedDaa, Daa]) -> None:
    world, chip = line
    world.ring_burst = True
    world.wait(0.05)
    assert chip.ringing
    world.ring_burst = False
    assert chip.interrupts() == d.RINGING
    assert not chip.ringing
    world.reverse()
    assert chip.volts == -48
    assert chip.interrupts() == d.POLARITY_REVERSED
    world.exchange_v = 0
    assert not chip.connected


def test_what_is_wrong_with_an_exchange_line_is_told() -> None:
    world = SimulatedDaa()
    with pytest.raises(LineCardError, match="known are at, au"):
        Daa(world, "slot 2").power_up("xx")
    world.line_side_broken = True
    with pytest.raises(LineCardError, match="its line side does not come up"):
        Daa(world, "slot 2").power_up("us")


# ---- what they are reached by -----------------------------------------------------------------------


def test_each_byte_has_a_chip_select_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[list[int]] = []

    class SpiDev:
        def open(self, bus: int, select: int) -> None:
            assert (bus, select) == (0, 1)

        def xfer2(self, data: list[int]) -> list[int]:
            sent.append(data)
            return [0x5A]

    monkeypatch.setitem(sys.modules, "spidev", SimpleNamespace(SpiDev=SpiDev))
    assert ProSlic(SpiBus("/dev/spidev0.1", 2_000_000), "x").read(64) == 0x5A
    assert sent == [[0xC0], [0]]
    with pytest.raises(LineCardError, match="is no SPI device"):
        SpiBus("/dev/null", 1)


def test_rpi_gpio_is_set_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[tuple[object, ...]] = []

    class Recorder(ModuleType):
        OUT, IN, BCM, PUD_UP = "out", "in", "bcm", "up"

        def setwarnings(self, on: bool) -> None: ...
        def setmode(self, mode: str) -> None:
            calls.append(("mode", mode))

        def setup(self, line: int, how: str, **more: object) -> None:
            calls.append(("setup", line, how, more))

        def output(self, line: int, level: bool) -> None:
            calls.append(("output", line, level))

        def input(self, line: int) -> int:
            return 1

        def cleanup(self, lines: list[int]) -> None:
            calls.append(("cleanup", lines))

    package = ModuleType("RPi")
    package.GPIO = Recorder("RPi.GPIO")  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "RPi", package)
    gpio = open_gpio("rpi-lgpio")
    assert isinstance(gpio, RPiGpio)
    gpio.write(17, True)
    gpio.write(17, False)
    assert gpio.read(22)
    gpio.close()
    assert calls == [
        ("mode", "bcm"),
        ("setup", 17, "out", {"initial": True}),
        ("output", 17, False),
        ("setup", 22, "in", {"pull_up_down": "up"}),
        ("cleanup", [17, 22]),
    ]


def test_an_old_libgpiod_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gpiod", ModuleType("gpiod"))
    with pytest.raises(LineCardError, match="version 2 is needed"):
        GpiodGpio("pinctrl-bcm2835")


def test_simulated_lines_are_pulled_up() -> None:
    gpio = open_gpio("simulated")
    assert isinstance(gpio, SimulatedGpio)
    assert gpio.read(5)
    gpio.inputs[5] = False
    assert not gpio.read(5)
    gpio.write(3, True)
    assert gpio.outputs == {3: True}
    with pytest.raises(LineCardError, match="no GPIO library"):
        open_gpio("other")
