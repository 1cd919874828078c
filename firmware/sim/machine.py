"""The machine as MicroPython's unix port has none: pins, converters, I2C, UART and watchdog of a simulated board.

``world`` is the outside: what drives the inputs, what the outputs were seen to do. Its clock is simulated time.
"""

import select
import sys

import ffi

F_SETFL, O_NONBLOCK = 4, 0x800
QUIET = (17, 18, 19)
"""Pins whose changes nobody asks for: they choose what is measured, all the time."""
RESTART = 75
"""Exit status of a board that restarts."""

_fcntl = ffi.open(None).func("i", "fcntl", "iii")


class World:
    """The outside of the board."""

    def __init__(self):
        self.now = 0
        self.inputs = {7: 0}
        """Levels of inputs by pin; a pull-up is 1. The emergency stop's contact is closed."""
        self.outputs = {}
        self.changes = []
        """[ms, pin, level] since it was last asked."""
        self.analog = {"input": 12000, "battery_v": 48000, "battery_a": 30, "ringing_v": 90000, "ringing_a": 20}
        self.temperature = 31
        """Degrees Celsius."""
        self.interrupts = {}
        self.chips = {0x68: bytearray(19)}
        self.chips[0x68][15] = 0x80  # it lost its supply
        self.fed = 0
        self.patience = None
        """The watchdog's time in ms, None while it does not run."""
        self.port = 0
        """Descriptor of the terminal that is the UART."""

    def drive(self, pin, level):
        """Set an input; its interrupt comes at once."""
        before = self.inputs.get(pin, 1)
        self.inputs[pin] = level
        handler = self.interrupts.get(pin)
        if handler and level and not before:
            handler(None)

    def pass_time(self, ms):
        """Let time pass; the watchdog bites."""
        self.now += ms
        if self.patience is not None and self.now - self.fed > self.patience:
            reset()


world = World()


def reset():
    """Restart: the process ends, whoever runs it starts it again."""
    sys.exit(RESTART)


class Pin:
    """One pin."""

    IN, OUT, PULL_UP, IRQ_RISING = 0, 1, 1, 8

    def __init__(self, number, mode=-1, pull=-1, value=None):
        self._number = number
        self._output = mode == Pin.OUT
        if value is not None:
            self.value(value)

    def value(self, level=None):
        if level is None:
            return world.outputs.get(self._number, 0) if self._output else world.inputs.get(self._number, 1)
        if world.outputs.get(self._number) != level:
            world.outputs[self._number] = level
            if self._number in QUIET:
                return None
            world.changes.append([world.now, self._number, level])
        return None

    def irq(self, handler, trigger):
        assert trigger == Pin.IRQ_RISING
        world.interrupts[self._number] = handler


class ADC:
    """The converter: channel 4 is the chip's thermometer, 26 the multiplexer's output."""

    _NAMES = ("input", "battery_v", "battery_a", "ringing_v", "ringing_a")
    _SCALES = (20000, 80000, 1000, 150000, 500)
    _SWITCHES = (None, 5, 5, 6, 6)
    """The pin that switches what is measured on."""

    def __init__(self, channel):
        self._channel = channel

    def read_u16(self):
        if self._channel == 4:
            return int((0.706 - (world.temperature - 27) * 0.001721) / 3.3 * 65535)
        chosen = sum(world.outputs.get(pin, 0) << bit for bit, pin in enumerate((17, 18, 19)))
        switch = self._SWITCHES[chosen]
        if switch is not None and not world.outputs.get(switch, 0):
            return 0
        return min(65535, -(-world.analog[self._NAMES[chosen]] * 65535 // self._SCALES[chosen]))


class I2C:
    """The bus, with the chips of the world on it."""

    def __init__(self, number, scl=None, sda=None, freq=0):
        pass

    def readfrom_mem(self, address, register, count):
        if address not in world.chips:
            raise OSError(5)
        return bytes(world.chips[address][register : register + count])

    def writeto_mem(self, address, register, data):
        if address not in world.chips:
            raise OSError(5)
        world.chips[address][register : register + len(data)] = data


class UART:
    """The link, a terminal of this computer."""

    def __init__(self, number, baud, tx=None, rx=None, rxbuf=0, txbuf=0):
        self._file = open(world.port, "r+b")
        _fcntl(self._file.fileno(), F_SETFL, O_NONBLOCK)
        world.link = self._file

    def read(self):
        return self._file.read(512)

    def write(self, data):
        poll = select.poll()
        poll.register(self._file, select.POLLOUT)
        sent = 0
        while sent < len(data):
            sent += self._file.write(data[sent:]) or 0
            if sent < len(data):
                poll.poll(100)


class WDT:
    """The board's own watchdog."""

    def __init__(self, timeout):
        world.patience = timeout
        world.fed = world.now

    def feed(self):
        world.fed = world.now
