"""The pins of the supervisor board: the one file that touches the machine.

What is dangerous is off while a pin floats: relays and supplies have pull-downs, the host's power a pull-up.
"""

import select
import sys
from time import ticks_add, ticks_diff, ticks_ms

from machine import ADC, I2C, UART, WDT, Pin

from .supervisor import CARDS, Readings

RELAY_PINS = (3, 4)
HOST_POWER, BATTERY_ON, RINGING_ON, STOP = 2, 5, 6, 7
BUTTON_PINS = (8, 9)
CARD_PINS = (10, 11, 12, 13)
LED_PINS = (14, 15)
POWER_FAIL = 16
SELECT_PINS = (17, 18, 19)
"""Which of its inputs the multiplexer hands to the converter."""
INPUT_V, BATTERY_V, BATTERY_A, RINGING_V, RINGING_A = range(5)
FULL_SCALE = (20000, 80000, 1000, 150000, 500)
"""mV or mA at the converter's full scale, by input."""
CLOCK_CHIP = 0x68
"""DS3231 on I2C; a card's identity is the first two bytes of the EEPROM at 0x50 + slot."""
EEPROM = 0x50
EPOCH_2000 = 946684800
_DAYS = (0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334)


class Pins:
    """The board."""

    def __init__(self):
        self._host_power = Pin(HOST_POWER, Pin.OUT, value=1)
        self._relays = [Pin(number, Pin.OUT, value=0) for number in RELAY_PINS]
        self._battery = Pin(BATTERY_ON, Pin.OUT, value=0)
        self._ringing = Pin(RINGING_ON, Pin.OUT, value=0)
        self._leds = [Pin(number, Pin.OUT, value=0) for number in LED_PINS]
        self._power_fail = Pin(POWER_FAIL, Pin.OUT, value=1)
        self._select = [Pin(number, Pin.OUT, value=0) for number in SELECT_PINS]
        self._buttons = [Pin(number, Pin.IN, Pin.PULL_UP) for number in BUTTON_PINS]
        self._cards = [Pin(number, Pin.IN, Pin.PULL_UP) for number in CARD_PINS]
        self._stop = Pin(STOP, Pin.IN, Pin.PULL_UP)
        self._stopped = False
        # The supplies go off in the interrupt already, whatever else is being done.
        self._stop.irq(self._cut, Pin.IRQ_RISING)
        self._converter = ADC(26)
        self._thermometer = ADC(4)
        self._bus = I2C(0, scl=Pin(21), sda=Pin(20), freq=100000)
        self._port = UART(0, 115200, tx=Pin(0), rx=Pin(1), rxbuf=1024, txbuf=1024)
        self._usb = _usb()
        self._by_usb = False
        self._dog = WDT(timeout=2000)
        self._ids = [0] * CARDS
        self._seen = 0
        self._ticks = ticks_ms()
        self._now = 0

    def _cut(self, _pin):
        self._ringing.value(0)
        self._battery.value(0)
        self._stopped = True

    # ---- time ---------------------------------------------------------------------------------------

    def now(self):
        """Milliseconds since the start, without end."""
        passed = ticks_diff(ticks_ms(), self._ticks)
        self._ticks = ticks_add(self._ticks, passed)
        self._now += passed
        return self._now

    def feed(self):
        """Keep our own watchdog from restarting us."""
        self._dog.feed()

    def wall(self):
        """Seconds since 1970 by the clock chip, 0 when there is none or it lost its supply."""
        try:
            data = self._bus.readfrom_mem(CLOCK_CHIP, 0, 16)
        except OSError:
            return 0
        if data[15] & 0x80:
            return 0
        second, minute, hour, _, day, month, year = (_decimal(byte) for byte in data[:7])
        if not (1 <= month <= 12 and 1 <= day <= 31):
            return 0
        days = year * 365 + (year + 3) // 4 + _DAYS[month - 1] + day - 1 + (month > 2 and year % 4 == 0)
        return EPOCH_2000 + ((days * 24 + hour) * 60 + minute) * 60 + second

    def set_wall(self, wall):
        """Set the clock chip; False when there is none."""
        left, second = divmod(wall - EPOCH_2000, 60)
        left, minute = divmod(left, 60)
        days, hour = divmod(left, 24)
        weekday = (days + 6) % 7 + 1  # 2000-01-01 was a Saturday
        year = 0
        while days >= (366 if year % 4 == 0 else 365):
            days -= 366 if year % 4 == 0 else 365
            year += 1
        leap = year % 4 == 0
        month = 12
        while month > 1 and days < _DAYS[month - 1] + (leap and month > 2):
            month -= 1
        day = days - _DAYS[month - 1] - (leap and month > 2) + 1
        data = bytes(_coded(value) for value in (second, minute, hour, weekday, day, month, year))
        try:
            self._bus.writeto_mem(CLOCK_CHIP, 0, data)
            self._bus.writeto_mem(CLOCK_CHIP, 15, b"\0")
        except OSError:
            return False
        return True

    # ---- in and out ---------------------------------------------------------------------------------

    def _measure(self, channel):
        for bit, pin in enumerate(self._select):
            pin.value(channel >> bit & 1)
        return self._converter.read_u16() * FULL_SCALE[channel] // 65535

    def read(self):
        """Take readings."""
        made = Readings()
        made.input_mv = self._measure(INPUT_V)
        made.battery_mv = self._measure(BATTERY_V)
        made.battery_ma = self._measure(BATTERY_A)
        made.ringing_mv = self._measure(RINGING_V)
        made.ringing_ma = self._measure(RINGING_A)
        # RP2040 datasheet 4.9.5: 27 degrees at 0.706 V, -1.721 mV a degree.
        microvolts = self._thermometer.read_u16() * 3300000 // 65535
        made.temperature = 2700 - (microvolts - 706000) * 100 // 1721
        made.stop_open = bool(self._stop.value()) or self._stopped
        self._stopped = False
        for bit, pin in enumerate(self._buttons):
            made.buttons |= (1 - pin.value()) << bit
        for bit, pin in enumerate(self._cards):
            made.cards |= (1 - pin.value()) << bit
        for slot in range(CARDS):
            if (made.cards & ~self._seen) >> slot & 1:
                self._ids[slot] = self._identify(slot)
        self._seen = made.cards
        made.card_ids = self._ids
        return made

    def _identify(self, slot):
        try:
            data = self._bus.readfrom_mem(EEPROM + slot, 0, 2)
        except OSError:
            return 0  # a card without an EEPROM
        return data[0] << 8 | data[1]

    def switch(self, outputs):
        """Set the pins."""
        stopped = self._stop.value()
        self._power_fail.value(0 if outputs.power_fail else 1)
        self._ringing.value(1 if outputs.ringing and not stopped else 0)
        self._battery.value(1 if outputs.battery and not stopped else 0)
        for bit, pin in enumerate(self._relays):
            pin.value(outputs.relays >> bit & 1)
        self._host_power.value(1 if outputs.host_power else 0)
        for bit, pin in enumerate(self._leds):
            pin.value(outputs.leds >> bit & 1)

    def receive(self):
        """Bytes of the link that have come, over the UART or over USB."""
        data = self._port.read() or b""
        if data:
            self._by_usb = False
        elif self._usb is not None:
            came = bytearray()
            while self._usb[2].poll(0) and len(came) < 256:
                came.extend(self._usb[0].read(1))
            if came:
                data, self._by_usb = bytes(came), True
        return data

    def send(self, data):
        """Send bytes to where the host was last heard."""
        if data:
            (self._usb[1] if self._by_usb else self._port).write(data)


def _usb():
    """The USB serial port (input, output, poll) where there is one: the REPL's, without its interrupt character."""
    if sys.platform != "rp2":
        return None
    import micropython

    micropython.kbd_intr(-1)
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    return sys.stdin.buffer, sys.stdout.buffer, poll


def _decimal(byte):
    return (byte >> 4 & 0x7) * 10 + (byte & 0xF)  # bit 7 of the month is the century


def _coded(value):
    return value // 10 << 4 | value % 10
