"""What a line is to whoever uses it: hook, ringing, events, a descriptor of sound. Hardware and simulators are this.

A port is one channel of a span. Its signalling is named after the *far* end, as DAHDI does: a port with a phone on it
(an FXS port) is signalled FXO, a port with a line from an exchange on it (an FXO port) is signalled FXS.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, IntEnum
from typing import Protocol


class LineError(Exception):
    """A port or span cannot do what was asked; the sentence names it, what is there instead and the remedy."""


class Hook(IntEnum):
    """What can be done to a loop; the numbers are DAHDI_HOOK's."""

    ON = 0
    OFF = 1
    WINK = 2
    FLASH = 3
    START = 4
    RING = 5
    RINGOFF = 6


class Happening(Enum):
    """What happens on a line; values are DAHDI's event numbers."""

    ON_HOOK = 1
    OFF_HOOK = 2
    """Off hook; or, from an exchange, the end of a burst of ringing."""
    FLASH = 3
    """A hook flash from a phone; a wink from a trunk."""
    ALARM = 4
    NO_ALARM = 5
    HDLC_ABORT = 6
    HDLC_OVERRUN = 7
    HDLC_BAD_FCS = 8
    DIAL_COMPLETE = 9
    RINGER_ON = 10
    RINGER_OFF = 11
    HOOK_COMPLETE = 12
    BITS_CHANGED = 13
    PULSE_START = 14
    TIMER_EXPIRED = 15
    TIMER_PING = 16
    POLARITY = 17
    RING_BEGIN = 18
    ECHO_DISABLED = 19
    REMOVED = 20
    NEON_WAITING = 21
    NEON_NOT_WAITING = 22
    TX_CED = 23
    RX_CED = 24
    TX_CNG = 25
    RX_CNG = 26
    NLP_DISABLED = 27
    NLP_ENABLED = 28
    READ_OVERRUN = 29
    WRITE_UNDERRUN = 30
    PULSE_DIGIT = 1 << 16
    DTMF_DOWN = 1 << 17
    DTMF_UP = 1 << 18


@dataclass(frozen=True, slots=True)
class LineEvent:
    """Something happened; ``digit`` goes with the kinds that have one."""

    kind: Happening
    digit: str = ""


class Alarm(IntEnum):
    """Bits of a span's or channel's alarms."""

    NONE = 0
    RECOVERING = 1
    LOOPBACK = 2
    YELLOW = 4
    RED = 8
    BLUE = 16
    NOT_OPEN = 32


SIGNALLINGS: dict[str, int] = {
    "fxs_ls": 0x2001,
    "fxs_gs": 0x2002,
    "fxs_ks": 0x2004,
    "fxo_ls": 0x1008,
    "fxo_gs": 0x1010,
    "fxo_ks": 0x1020,
    "em": 0x40,
    "em_e1": 0x20000,
    "clear": 0x80,
    "hdlcraw": 0x180,
    "hdlcfcs": 0x380,
    "hdlcnet": 0x780,
    "hardhdlc": 0x80080,
    "mtp2": 0x100380,
    "cas": 0x8000,
    "sf": 0x4000,
    "dacs": 0x10080,
    "dacs_rbs": 0x50000,
}
"""The kernel's signalling types by name."""

CONNECTED_THROUGH = 1 << 16
"""The bit that a signalling has whose channel is connected through to another one by the kernel."""

TIMES = ("prewink", "preflash", "wink", "flash", "start", "rxwink", "rxflash", "debounce")
"""What ``LinePort.timing`` can set."""

PORT_KINDS = {
    "fxs": frozenset({SIGNALLINGS[name] for name in ("fxo_ls", "fxo_gs", "fxo_ks")}),
    "fxo": frozenset({SIGNALLINGS[name] for name in ("fxs_ls", "fxs_gs", "fxs_ks")}),
}


@dataclass(frozen=True, slots=True)
class Voltages:
    """What is on a pair of wires, in V against ground; an exchange's line tells the voltage between them alone."""

    tip: float
    ring: float
    battery: float
    loop_ma: float | None = None
    """Current in the loop; None where the chip does not tell."""


@dataclass(frozen=True, slots=True)
class Termination:
    """How an FXO port meets its line: the impedance (ACIM, 0 to 15) and eight taps of its hybrid's filter."""

    impedance: int
    taps: tuple[int, ...] = (0,) * 8

    def __str__(self) -> str:
        return ",".join(map(str, (self.impedance, *self.taps)))


@dataclass(frozen=True, slots=True)
class SpanStatus:
    """One span, as ``dahdi show status`` tells it. Counts are since the driver's start; -1: none are kept."""

    number: int
    name: str
    description: str
    first: int
    """Number of its first channel."""
    channels: int
    alarms: int = 0
    irq_misses: int = 0
    bipolar_violations: int = -1
    crc_errors: int = -1
    framing: str = "CAS"
    coding: str = "Unk"
    options: str = ""
    line_build_out: str = "0 db (CSU)/0-133 feet (DSX-1)"
    sync_source: int = 0
    """The span whose clock it follows; 0: its own."""
    master: bool = False
    """Whether all spans go by its clock."""
    digital: bool = False

    def __contains__(self, channel: int) -> bool:
        return self.first <= channel < self.first + self.channels


@dataclass(frozen=True, slots=True)
class ChannelStatus:
    """A channel as its driver has it, whoever has it open."""

    number: int
    name: str
    signalling: int
    """The kernel's signalling type, one of SIGNALLINGS; 0 while it has none: it cannot be opened then."""
    capabilities: int
    """The bits of all signalling types that it could have."""
    master: int
    """The channel that leads its bundle; its own number in none."""


def no_such_channel(channels: str, spans: Iterable[SpanStatus]) -> str:
    """What is wrong with the number of a channel (or a list of them), and what there is."""
    there = ", ".join(f"span {span.number} has {span.first}-{span.first + span.channels - 1}" for span in spans)
    plural = "s" if set(channels) & set(",-") else ""
    return f"no such channel{plural} {channels}; {there or 'there is no span at all'}"


class LinePort(Protocol):
    """One open channel. Nothing here blocks; each method raises LineError when the port is gone."""

    number: int
    name: str
    span: int
    law: str
    """"ulaw" or "alaw": how sound on the descriptor is coded."""
    signalling: int
    """The kernel's signalling type, one of SIGNALLINGS; 0 while it has none."""
    capabilities: int
    """The bits of all signalling types that it could have."""

    @property
    def descriptor(self) -> int:
        """Sound: reads and writes at the line's pace. -1 once closed."""

    def hook(self, state: Hook) -> None:
        """Go on or off hook, flash, wink; or ring the phone in the cadence set last, and stop ringing."""

    def off_hook(self) -> bool:
        """Whether the far end is off hook (a phone), or there is battery and ringing (an exchange)."""

    def cadence(self, times_ms: Sequence[int]) -> None:
        """Ringing on, off, on, off ... in ms for the next ring, which repeats from a negative one on, else from its
        beginning; empty: the tone zone's."""

    def ready_audio(self, block: int) -> None:
        """Sound in blocks of that many samples from now on, nothing waiting from before."""

    def ready_frames(self) -> None:
        """A D channel or signalling link: reads and writes are whole frames with two octets of check sum."""

    def voice(self, on: bool) -> None:
        """A B channel carries voice, or clear data."""

    def loop(self, on: bool) -> None:
        """What comes goes back to the far end, which checks the circuit so."""

    def dial(self, digits: str) -> None:
        """Have the driver dial: "P123" pulses, "T123" DTMF, "M123" MF; DIAL_COMPLETE follows."""

    def dialing(self) -> bool:
        """Whether the driver still dials."""

    def on_hook_transfer(self, ms: int) -> None:
        """Let sound pass to a phone that is on hook for that long (caller ID, message waiting)."""

    def polarity(self, reversed_: bool) -> None:
        """Reverse the battery towards the phone, or put it back."""

    def message_waiting(self, count: int) -> None:
        """Light or clear the lamp of the phone by the means set with ``message_lamp``."""

    def message_lamp(self, kinds: frozenset[str]) -> None:
        """How the lamp works: any of "lrev", "hvdc", "hvac"."""

    def timing(self, times_ms: Mapping[str, int]) -> None:
        """Times of the loop by name (TIMES); those that are not given stay as they are."""

    def hardware_gain(self, db: float, *, transmit: bool) -> None:
        """The level of the line's own amplifier."""

    def voltages(self) -> Voltages:
        """Measure the wires. Raises LineError where the driver cannot."""

    def terminate(self, how: Termination) -> None:
        """Meet the line so. Raises LineError where the driver cannot."""

    def alarms(self) -> int:
        """Alarm bits."""

    def bits(self) -> int:
        """Received signalling bits (ABCD)."""

    def set_bits(self, value: int) -> None:
        """Send signalling bits (ABCD)."""

    def next_event(self) -> LineEvent | None:
        """Take the oldest event, or None."""

    def close(self) -> None:
        """Give the channel back. Harmless twice."""


class LineSystem(Protocol):
    """All ports of a kind of hardware."""

    on_event: Callable[[LinePort], None] | None
    """Called on the loop when a port has events to take."""

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to deliver events."""

    def stop(self) -> None:
        """Close every port and end."""

    def open(self, number: int) -> LinePort:
        """Open a channel. Raises LineError with what there is instead."""

    def spans(self) -> list[SpanStatus]:
        """The spans there are, by number."""

    def channel(self, number: int) -> ChannelStatus:
        """A channel, open or not. Raises LineError with what there is instead."""

    def channel_at(self, place: str) -> int:
        """The channel of a device by its place below /dev/dahdi. Raises LineError when there is none."""

    def version(self) -> tuple[str, str]:
        """The driver's version and its echo canceller."""
