"""The supervisor as a whole: readings and bytes go in with the time, what to switch and bytes to send come out.

No pin, no clock and no port is known here. Times are milliseconds that only grow.
"""

import messages as m
from frames import Decoder

from .commands import Commands
from .contacts import CARD_MS, LONG_RESET_MS, Button, EmergencyStop, InputPower, Settled
from .host import Host
from .journal import Journal
from .leds import fault_pattern, lit, status_pattern
from .news import News
from .supply import BATTERY_LIMITS, RINGING_LIMITS, Supply

TRIAL_MS = 180000
"""A firmware on trial that the host does not confirm within this time gives way."""
CARDS = 4


class Readings:
    """What the pins and converters say."""

    def __init__(self):
        self.input_mv = 12000
        self.battery_mv = 0
        self.battery_ma = 0
        self.ringing_mv = 0
        self.ringing_ma = 0
        self.temperature = 2500
        self.stop_open = False
        self.buttons = 0
        """Bit n: button n is down."""
        self.cards = 0
        """Bit n: a card is in slot n."""
        self.card_ids = [0] * CARDS


class Outputs:
    """What the pins are to be."""

    def __init__(self):
        self.relays = 0
        self.host_power = True
        self.battery = False
        self.ringing = False
        self.leds = 0
        self.power_fail = False
        self.restart = False


class Supervisor:
    """Everything but the pins. ``slots`` knows which firmware runs; ``slot`` is its number, ``trial`` whether it is on
    trial; ``wall`` the time of the clock chip (seconds since 1970, 0: not known)."""

    def __init__(self, slots, slot, trial, wall, now):
        self.slots = slots
        self.slot = slot
        self.trial = trial
        self.began = now
        self.host = Host(now)
        self.supplies = (Supply(BATTERY_LIMITS), Supply(RINGING_LIMITS))
        self.stop = EmergencyStop()
        self.power = InputPower()
        self.buttons = (Button(), Button(LONG_RESET_MS))
        self.cards = Settled(0, CARD_MS)
        self.journal = Journal()
        self.news = News()
        self.led_patterns = [m.LED_AUTOMATIC] * len(m.LEDS)
        self.readings = Readings()
        self.outputs = Outputs()
        self.set_clock = None
        """Seconds since 1970 to write to the clock chip; the pins' side takes it."""
        self._wall = (wall, now)
        self._decoder = Decoder()
        self._commands = Commands(self)
        self._sending = bytearray()
        self._told = (self.host.state, 0)
        self._log(now, m.STARTED, slot, trial)

    # ---- the link -----------------------------------------------------------------------------------

    def receive(self, data, now):
        """Take bytes of the link."""
        for frame in self._decoder.feed(data):
            answer = self._commands.carry_out(frame, now)
            if answer is not None:
                self._sending.extend(answer.encode())

    def to_send(self, now):
        """The bytes to send now."""
        for frame in self.news.due(now):
            self._sending.extend(frame.encode())
        data, self._sending = bytes(self._sending), bytearray()
        return data

    # ---- time ---------------------------------------------------------------------------------------

    def step(self, readings, now):
        """Take readings; what to switch."""
        self.readings = readings
        out = self.outputs
        if self.power.step(readings.input_mv, now):
            self._log(now, m.POWER_CHANGED, self.power.failing, readings.input_mv)
        out.power_fail = self.power.failing
        if self.stop.step(readings.stop_open):
            self._log(now, m.STOP_CHANGED, 1)
        self.host.step(now)
        self._press(readings.buttons, now)
        self._see_cards(readings, now)
        self._supply(readings, now)
        out.relays = 0 if self.stop.stopped else self.host.relays
        out.host_power = self.host.powered
        out.leds = self._leds(now)
        self._tell_changes(now)
        if self.trial and now - self.began >= TRIAL_MS:
            self.slots.reject()
            out.restart = True
        return out

    def _supply(self, readings, now):
        healthy = self.host.state == m.HEALTHY
        battery, ringing = self.supplies
        if not healthy:
            battery.wanted = ringing.wanted = False  # the host asks again when it is back
        allowed = healthy and not self.stop.stopped
        was = battery.on, ringing.on
        measured = (readings.battery_mv, readings.battery_ma), (readings.ringing_mv, readings.ringing_ma)
        for index, supply in enumerate(self.supplies):
            may = allowed if index == m.BATTERY else allowed and battery.on and not self.power.failing
            if supply.step(measured[index][0], measured[index][1], readings.temperature, may, now):
                self._log(now, m.TRIPPED, index << 4 | supply.trip, supply.value)
        self.outputs.battery, self.outputs.ringing = battery.on, ringing.on
        for index, supply in enumerate(self.supplies):
            if supply.on != was[index]:
                self._log(now, m.SUPPLY_CHANGED, index, supply.on)

    def _press(self, down, now):
        for index, button in enumerate(self.buttons):
            how = button.step(bool(down >> index & 1), now)
            if how:
                self._log(now, m.BUTTON, index, how)
            if how == m.LONG and index == 0:
                self.resume(now)

    def resume(self, now):
        """End an emergency stop and forget trips; False while its contact is open."""
        stopped = self.stop.stopped
        if not self.stop.resume():
            return False
        if stopped:
            self._log(now, m.STOP_CHANGED, 0)
        for supply in self.supplies:
            supply.forget_trip()
        return True

    def _see_cards(self, readings, now):
        before = self.cards.value
        if self.cards.step(readings.cards, now):
            for slot in range(CARDS):
                if (before ^ self.cards.value) >> slot & 1:
                    present = self.cards.value >> slot & 1
                    self._log(now, m.CARD, slot << 4 | present, readings.card_ids[slot] if present else 0)

    def _leds(self, now):
        tripped = any(supply.trip for supply in self.supplies)
        patterns = (
            status_pattern(self.host.state),
            fault_pattern(self.stop.stopped, tripped, self.power.failing),
        )
        bits = 0
        for index, automatic in enumerate(patterns):
            chosen = self.led_patterns[index]
            if not self.power.failing and lit(automatic if chosen == m.LED_AUTOMATIC else chosen, now):
                bits |= 1 << index  # while the input falls, every milliampere is the host's
        return bits

    def _tell_changes(self, now):
        told_host, told_relays = self._told
        if self.host.state != told_host:
            self._log(now, m.HOST_STATE, self.host.state, self.host.cycles)
        if self.outputs.relays != told_relays:
            self._log(now, m.RELAYS_CHANGED, self.outputs.relays)
        self._told = (self.host.state, self.outputs.relays)

    def _log(self, now, code, a=0, b=0):
        self.journal.add(now, code, a, b)
        self.news.tell(now, code, a, b)

    # ---- the clock ----------------------------------------------------------------------------------

    def wall(self, now):
        """Seconds since 1970, 0 when nobody has told."""
        wall, at = self._wall
        return wall + (now - at) // 1000 if wall else 0

    def take_time(self, wall, now):
        """The host tells the time; the clock chip is set when it is off by more than two seconds."""
        if abs(wall - self.wall(now)) > 2:
            self.set_clock = wall
        self._wall = (wall, now)

    def status(self, now):
        """A Status of now."""
        made, readings = m.Status(), self.readings
        made.host = self.host.state
        made.relays = self.outputs.relays
        made.flags = (
            (m.STOPPED if self.stop.stopped else 0)
            | (m.FAILING if self.power.failing else 0)
            | (m.TRIAL if self.trial else 0)
            | (m.CLOCK_SET if self.wall(now) else 0)
        )
        for index, supply in enumerate(self.supplies):
            made.supplies |= (1 << index if supply.on else 0) | (16 << index if supply.trip else 0)
        made.battery_mv, made.battery_ma = readings.battery_mv, readings.battery_ma
        made.ringing_mv, made.ringing_ma = readings.ringing_mv, readings.ringing_ma
        made.input_mv, made.temperature = readings.input_mv, readings.temperature
        made.cards = self.cards.value
        for index, button in enumerate(self.buttons):
            made.buttons |= 1 << index if button.pressed else 0
        made.uptime_s = (now - self.began) // 1000
        made.wall_s = self.wall(now)
        made.cycles = self.host.cycles
        return made
