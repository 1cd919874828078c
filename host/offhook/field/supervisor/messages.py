"""What host and supervisor say to each other: one file for both ends, frozen into the firmware as it is.

The host asks with a kind below 0x40 and a sequence number; the answer has the kind with bit 7 set, the same sequence
and a result as its first byte. A question that comes again with the same kind, sequence and body is answered again and
not carried out again. The supervisor tells with NEWS, repeated until the host acknowledges its sequence number.

MicroPython reads this file too: plain classes, nothing imported but struct.
"""

import struct

# ---- kinds

HELLO = 0x01
"""-> Identity."""
BEAT = 0x02
"""Calls can be made: u32 wall seconds (0: the host does not know the time). -> Status."""
STATUS = 0x03
"""-> Status."""
RELAY = 0x04
"""u8 relay, u8 RELAY_...: a relay for a test."""
SUPPLY = 0x05
"""u8 supply, u8 on."""
RESUME = 0x06
"""End an emergency stop (whose button is released again) and forget trips."""
STOP = 0x07
"""Emergency stop by the host."""
LED = 0x08
"""u8 led, u8 pattern."""
CLOCK = 0x09
"""u32 wall seconds: set the clock."""
LOG = 0x0A
"""u16 first number -> u16 number of the first that follows, entries of ENTRY."""
HOLD = 0x0B
"""u16 seconds: the host restarts on purpose; power is not cycled for so long."""
UPDATE_BEGIN = 0x10
"""u32 size, 32 bytes SHA-256."""
UPDATE_DATA = 0x11
"""u32 offset, bytes. -> u32 offset expected next."""
UPDATE_END = 0x12
"""Check it and unpack it into the slot that is not running."""
UPDATE_START = 0x13
"""Restart from that slot, on trial."""
UPDATE_CONFIRM = 0x14
"""The host is content with what runs: it is no trial any longer."""
NEWS = 0x40
"""Supervisor -> host: u8 code, u8 a, u16 b."""
ACKNOWLEDGE = 0x41
"""Host -> supervisor: the sequence number is that of the NEWS; not answered."""
ANSWER = 0x80

# ---- results

OK = 0
UNKNOWN = 1
MALFORMED = 2
REFUSED = 3
FAILED = 4
RESULTS = ("ok", "unknown request", "malformed request", "refused", "failed")

# ---- states of the host as the supervisor sees it

STARTING, HEALTHY, LOST, POWER_OFF, RESTING = range(5)
STATES = ("starting", "healthy", "lost", "power off", "resting")

# ---- supplies, trips, relays, LEDs

BATTERY, RINGING = 0, 1
SUPPLIES = ("battery", "ringing")
OVER_CURRENT, OVER_VOLTAGE, UNDER_VOLTAGE, OVER_TEMPERATURE = range(1, 5)
TRIPS = ("", "over-current", "over-voltage", "under-voltage", "over-temperature")
RELAYS = 2
RELAY_AUTOMATIC, RELAY_LIFELINE = range(2)
"""A relay follows the host's health, or is held released: FXS n is connected to FXO n."""
LED_AUTOMATIC, LED_OFF, LED_ON, LED_SLOW, LED_FAST = range(5)
LEDS = ("status", "fault")
LED_PATTERNS = ("automatic", "off", "on", "slow", "fast")

# ---- flags of Status

STOPPED = 0x01
FAILING = 0x02
TRIAL = 0x04
CLOCK_SET = 0x08

# ---- news and log codes

STARTED, HOST_STATE, RELAYS_CHANGED, TRIPPED, STOP_CHANGED, POWER_CHANGED, BUTTON, CARD, SUPPLY_CHANGED = range(1, 10)
"""STARTED slot, trial; HOST_STATE state, power cycles; RELAYS_CHANGED bits; TRIPPED supply << 4 | why, value (mA, tens
of mV, degrees); STOP_CHANGED on; POWER_CHANGED failing, mV; BUTTON number, how; CARD slot << 4 | present, identity;
SUPPLY_CHANGED supply, on."""
BUTTONS = ("mode", "reset")
SHORT, LONG = 1, 2

_STATUS = ">BBBBHHHHHhBBIIB"
_IDENTITY = ">BBBBBI"
ENTRY = ">IBBH"
"""A log entry: seconds of uptime, code, a, b."""


class Status:
    """How the supervisor and what it looks after are."""

    def __init__(self) -> None:
        self.host = STARTING
        self.relays = 0
        """Bit n: relay n is energised, its lifeline open."""
        self.flags = 0
        self.supplies = 0
        """Bit n: supply n is on; bit n + 4: it has tripped."""
        self.battery_mv = 0
        self.battery_ma = 0
        self.ringing_mv = 0
        self.ringing_ma = 0
        self.input_mv = 0
        self.temperature = 0
        """Hundredths of a degree Celsius."""
        self.cards = 0
        self.buttons = 0
        self.uptime_s = 0
        self.wall_s = 0
        self.cycles = 0
        """How often the host's power was cycled since it last was healthy."""

    def pack(self) -> bytes:
        """As it goes over the link."""
        return struct.pack(
            _STATUS,
            self.host,
            self.relays,
            self.flags,
            self.supplies,
            min(self.battery_mv, 0xFFFF),
            min(self.battery_ma, 0xFFFF),
            min(self.ringing_mv // 10, 0xFFFF),
            min(self.ringing_ma, 0xFFFF),
            min(self.input_mv, 0xFFFF),
            self.temperature,
            self.cards,
            self.buttons,
            self.uptime_s & 0xFFFFFFFF,
            self.wall_s & 0xFFFFFFFF,
            min(self.cycles, 0xFF),
        )

    @staticmethod
    def unpack(data: bytes) -> "Status":
        """From the link. Raises ValueError when it is no status."""
        if len(data) != struct.calcsize(_STATUS):
            raise ValueError("no status")
        made = Status()
        (
            made.host,
            made.relays,
            made.flags,
            made.supplies,
            made.battery_mv,
            made.battery_ma,
            made.ringing_mv,
            made.ringing_ma,
            made.input_mv,
            made.temperature,
            made.cards,
            made.buttons,
            made.uptime_s,
            made.wall_s,
            made.cycles,
        ) = struct.unpack(_STATUS, data)
        made.ringing_mv *= 10
        return made


class Identity:
    """Which firmware runs: its version, the slot it came from (0: frozen into the image, 1 and 2), on trial or not."""

    def __init__(self, version: tuple[int, int, int], slot: int, trial: bool, uptime_s: int) -> None:
        self.version = version
        self.slot = slot
        self.trial = trial
        self.uptime_s = uptime_s

    def pack(self) -> bytes:
        """As it goes over the link."""
        major, minor, patch = self.version
        return struct.pack(_IDENTITY, major, minor, patch, self.slot, self.trial, self.uptime_s)

    @staticmethod
    def unpack(data: bytes) -> "Identity":
        """From the link. Raises ValueError when it is none."""
        if len(data) != struct.calcsize(_IDENTITY):
            raise ValueError("no identity")
        major, minor, patch, slot, trial, uptime_s = struct.unpack(_IDENTITY, data)
        return Identity((major, minor, patch), slot, bool(trial), uptime_s)
