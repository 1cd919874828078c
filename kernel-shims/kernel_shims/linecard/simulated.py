"""Line cards that are not there: chips by their registers, a phone or exchange on the wires, a clock of their own."""

from __future__ import annotations

from kernel_shims.linecard import daa, proslic
from kernel_shims.linecard.proslic import Feed

DEBOUNCE_S = 0.005
TRIP_S = 0.02


class SimulatedBus:
    """The wires to one chip. Time passes when somebody waits, and 10 us a byte."""

    def __init__(self) -> None:
        self._now = 0.0
        self.bytes = 0

    def exchange(self, data: bytes) -> bytes:
        """As Bus."""
        out = bytearray()
        for byte in data:
            self.wait(1e-5)
            self.bytes += 1
            out.append(self.byte(byte))
        return bytes(out)

    def now(self) -> float:
        """As Bus."""
        return self._now

    def wait(self, seconds: float) -> None:
        """As Bus."""
        self._now += seconds
        self.passed(seconds)

    def byte(self, value: int) -> int:
        """A byte from the host; the chip's own at the same time."""
        raise NotImplementedError

    def passed(self, seconds: float) -> None:
        """Time has passed."""
        raise NotImplementedError


class SimulatedProSlic(SimulatedBus):
    """An Si3210 with a phone on a line; the attributes below are the outside world."""

    def __init__(self, *, supply_v: float = 75.0, revision: int = 5) -> None:
        super().__init__()
        self.supply_v = supply_v
        """What its converter can reach."""
        self.phone_off_hook = False
        self.phone_ohms = 300.0
        self.leak_ohms = 1e9
        """Between the wires."""
        self.foreign_v = 0.0
        """A voltage that is on both wires by itself."""
        self.signal_processor_hangs = False
        self._registers = bytearray(128)
        self._registers[proslic.CHIP] = revision
        self._registers[proslic.POWER_DOWN_1] = 0x10
        self._registers[proslic.ON_HOOK_VOLTAGE] = 0x20  # 48 V
        self._indirect: dict[int, int] = {}
        self._battery = 0.0
        self._address: int | None = None
        self._fresh = False
        """A value for an indirect register was written, its address not yet."""
        self._busy = 0.0
        self._calibration = 0.0
        self._loop_for = 0.0

    # ---- the interface ------------------------------------------------------------------------------

    def byte(self, value: int) -> int:
        """First an address with its direction, then the value."""
        if self._address is None:
            self._address = value
            return 0
        address, self._address = self._address, None
        if address & proslic.READ:
            return self._read(address & 0x7F)
        self._write(address, value)
        return 0

    def _read(self, register: int) -> int:
        volts, milliamperes = self._loop()
        if register == proslic.INDIRECT_STATUS:
            return int(self._busy > 0 or self.signal_processor_hangs)
        if register == proslic.BATTERY_VOLTAGE:
            return min(255, round(self._battery / 0.376))
        if register == proslic.LOOP_VOLTAGE:
            return min(63, round(abs(volts) / 1.5)) | (0x40 if volts < 0 else 0)
        if register == proslic.LOOP_CURRENT:
            return min(63, round(abs(milliamperes) / 1.25)) | (0x40 if milliamperes < 0 else 0)
        if register == proslic.TIP_VOLTAGE:
            fed = 3.0 if self._state is Feed.ACTIVE else 3.0 - volts if self._state is Feed.REVERSE_ACTIVE else 0.0
            return min(255, round((self.foreign_v or fed) / 0.376))
        if register == proslic.RING_VOLTAGE:
            fed = 3.0 + volts if self._state is Feed.ACTIVE else 0.0
            return min(255, round((self.foreign_v or fed) / 0.376))
        if register == proslic.LINE_FEED:
            return self._state << 4 | self._registers[register] & 7
        return self._registers[register]

    def _write(self, register: int, value: int) -> None:
        if register in (proslic.INTERRUPTS_1, proslic.INTERRUPTS_2, proslic.INTERRUPTS_3):
            self._registers[register] &= ~value & 0xFF
            return
        if register in (proslic.CHIP, proslic.LOOP, proslic.BATTERY_VOLTAGE):
            return
        if register == proslic.INDIRECT_ADDRESS:
            self._access(value)
        elif register == proslic.INDIRECT_HIGH:
            self._fresh = True
        elif register == proslic.CALIBRATION_1 and value & 0x40:
            self._calibration = 0.2
        self._registers[register] = value

    def _access(self, register: int) -> None:
        """An address after a value writes it; an address alone reads."""
        low, high = self._registers[proslic.INDIRECT_LOW], self._registers[proslic.INDIRECT_HIGH]
        self._busy = 0.0005
        if self._fresh:
            self._indirect[register] = high << 8 | low
            self._fresh = False
            return
        value = self._indirect.get(register, 0)
        self._registers[proslic.INDIRECT_LOW], self._registers[proslic.INDIRECT_HIGH] = value & 0xFF, value >> 8

    # ---- the line -----------------------------------------------------------------------------------

    @property
    def _state(self) -> Feed:
        return Feed(self._registers[proslic.LINE_FEED] & 7) if self._battery > 10 else Feed.OPEN

    def _loop(self) -> tuple[float, float]:
        """Volts and mA of the loop; the current is limited."""
        state = self._state
        if state not in (Feed.ACTIVE, Feed.REVERSE_ACTIVE, Feed.ON_HOOK_TRANSMISSION):
            return 0.0, 0.0
        open_volts = 1.5 * (self._registers[proslic.ON_HOOK_VOLTAGE] & 0x3F)
        limit = 20.0 + 3.0 * (self._registers[proslic.LOOP_CURRENT_LIMIT] & 7)
        conductance = 1 / self.leak_ohms + (1 / self.phone_ohms if self.phone_off_hook else 0)
        milliamperes = open_volts / (600.0 + 1 / conductance) * 1000
        volts = open_volts - milliamperes * 0.6
        if milliamperes > limit:
            milliamperes, volts = limit, limit / conductance / 1000
        sign = -1 if state is Feed.REVERSE_ACTIVE else 1
        return sign * volts, sign * milliamperes

    def passed(self, seconds: float) -> None:
        """The converter starts, calibration ends, hooks settle, a ring trips."""
        on = not self._registers[proslic.POWER_DOWN_1] & 0x10 and self._registers[proslic.CONVERTER_PERIOD]
        self._battery = min(self.supply_v, self._battery + seconds * 500) if on else 0.0
        self._busy = max(0.0, self._busy - seconds)
        if self._calibration > 0:
            self._calibration -= seconds
            if self._calibration <= 0:
                self._registers[proslic.CALIBRATION_1] = 0
        ringing = self._state is Feed.RINGING
        closed = self.phone_off_hook if ringing else abs(self._loop()[1]) > 10
        known = bool(self._registers[proslic.LOOP] & (proslic.OFF_HOOK | proslic.RING_TRIP))
        self._loop_for = self._loop_for + seconds if closed != known else 0.0
        if self._loop_for >= (TRIP_S if ringing else DEBOUNCE_S):
            self._loop_for = 0.0
            self._registers[proslic.LOOP] = proslic.OFF_HOOK if closed else 0
            self._registers[proslic.INTERRUPTS_2] |= proslic.LOOP_CHANGED
            if ringing:
                self._registers[proslic.INTERRUPTS_2] |= proslic.RING_TRIPPED
                self._registers[proslic.LINE_FEED] = Feed.ACTIVE


class SimulatedDaa(SimulatedBus):
    """An Si3050 with an exchange on its line; the attributes below are the outside world."""

    def __init__(self) -> None:
        super().__init__()
        self.exchange_v = 48.0
        """Open loop voltage; negative when reversed, 0 without a line."""
        self.ring_burst = False
        self.line_side_broken = False
        self._registers = bytearray(64)
        self._reset()
        self._frame: list[int] = []
        self._link = 0.0

    def _reset(self) -> None:
        self._registers[:] = bytes(64)
        self._registers[daa.CONTROL_2] = 0x03
        self._registers[daa.POWER] = 0x10
        self._link = 0.0

    def byte(self, value: int) -> int:
        """Control, address, value."""
        self._frame.append(value)
        if len(self._frame) < 3:
            return 0
        control, register, data = self._frame
        self._frame = []
        if control == daa.READ_CONTROL:
            return self._read(register)
        if control == daa.WRITE_CONTROL:
            self._write(register, data)
        return 0

    def _up(self) -> bool:
        return self._link >= 0.2 and not self.line_side_broken

    def _read(self, register: int) -> int:
        off_hook = self._registers[daa.LINE] & daa.OFF_HOOK
        if register == daa.LINE_STATUS:
            return daa.FRAMED if self._up() else 0
        if register == daa.LINE_SIDE:
            return 0x30 | 0x03 if self._up() else 0x03
        if register == daa.LINE_VOLTAGE and self._up():
            volts = round(self.exchange_v / 6 if off_hook else self.exchange_v)
            return volts & 0xFF
        if register == daa.LOOP_CURRENT and self._up():
            return round(abs(self.exchange_v) / 1.6 / 1.1) if off_hook else 0
        if register == daa.LINE and self.ring_burst and not off_hook:
            return self._registers[register] | daa.RING_NOW | daa.RING_POSITIVE
        return self._registers[register]

    def _write(self, register: int, value: int) -> None:
        if register == daa.CONTROL_1 and value & daa.RESET:
            self._reset()
        elif register not in (daa.LINE_STATUS, daa.LINE_SIDE, daa.LINE_VOLTAGE, daa.LOOP_CURRENT):
            self._registers[register] = value

    def passed(self, seconds: float) -> None:
        """The line side comes up once it is powered."""
        self._link = self._link + seconds if not self._registers[daa.POWER] & 0x10 else 0.0
        if self.ring_burst:
            self._registers[daa.INTERRUPTS] |= daa.RINGING

    def reverse(self) -> None:
        """The exchange reverses the polarity: it answers, or hangs up."""
        self.exchange_v = -self.exchange_v
        self._registers[daa.INTERRUPTS] |= daa.POLARITY_REVERSED
