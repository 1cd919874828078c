"""The far end of a simulated leg, and small tools to make and judge sound."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from offhook.media import RtpLeg, format_named
from offhook.media.simulated import SimulatedEngine

TYPES = {
    "ulaw": 0,
    "gsm": 3,
    "alaw": 8,
    "g722": 9,
    "g729": 18,
    "siren7": 102,
    "slin16": 118,
    "opus": 107,
    "speex": 110,
    "speex16": 117,
    "speex32": 119,
    "adpcm": 5,
    "g726": 111,
    "g726aal2": 112,
    "h264": 99,
    "vp8": 100,
}
EVENTS = 101
RATE = 8000


class Rtp(NamedTuple):
    """An RTP packet taken apart."""

    marker: bool
    type: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes

    @classmethod
    def parse(cls, data: bytes) -> Rtp:
        """Read a packet without contributing sources or extension, as the engine sends them."""
        first, second, sequence, timestamp, ssrc = struct.unpack_from("!BBHII", data)
        assert first == 0x80
        return cls(bool(second & 0x80), second & 0x7F, sequence, timestamp, ssrc, data[12:])

    def pack(self) -> bytes:
        """The packet's octets."""
        second = self.type | (0x80 if self.marker else 0)
        header = struct.pack(
            "!BBHII", 0x80, second, self.sequence & 0xFFFF, self.timestamp & 0xFFFFFFFF, self.ssrc & 0xFFFFFFFF
        )
        return header + self.payload


def from_ulaw(code: int) -> int:
    """G.711 u-law to linear."""
    code = ~code & 0xFF
    value = (((code & 15) << 3) + 0x84) << ((code & 0x70) >> 4)
    return 0x84 - value if code & 0x80 else value - 0x84


def from_alaw(code: int) -> int:
    """G.711 A-law to linear."""
    code ^= 0x55
    value, segment = (code & 15) << 4, (code & 0x70) >> 4
    value = value + 8 if segment == 0 else (value + 0x108) << (segment - 1)
    return value if code & 0x80 else -value


ULAW = [from_ulaw(code) for code in range(256)]
ALAW = [from_alaw(code) for code in range(256)]
_ULAW_OF = sorted((value, code) for code, value in enumerate(ULAW) if code != 0x7F)
_ALAW_OF = sorted((value, code) for code, value in enumerate(ALAW))


def _nearest(table: Sequence[tuple[int, int]], value: float) -> int:
    low, high = 0, len(table) - 1
    while low < high:
        middle = (low + high) // 2
        if (table[middle][0] + table[min(middle + 1, len(table) - 1)][0]) / 2 < value:
            low = middle + 1
        else:
            high = middle
    return table[low][1]


def to_ulaw(samples: Iterable[float]) -> bytes:
    """Linear samples to u-law."""
    return bytes(_nearest(_ULAW_OF, each) for each in samples)


def to_alaw(samples: Iterable[float]) -> bytes:
    """Linear samples to A-law."""
    return bytes(_nearest(_ALAW_OF, each) for each in samples)


def sine(frequency: float, ms: int, amplitude: float = 8000, rate: int = RATE, start: int = 0) -> list[float]:
    """A sine, beginning at sample ``start`` of its time."""
    return [amplitude * math.sin(2 * math.pi * frequency * (start + i) / rate) for i in range(ms * rate // 1000)]


def mix(*sounds: Sequence[float]) -> list[float]:
    """The sum."""
    return [sum(each) for each in zip(*sounds, strict=True)]


def amplitude(samples: Sequence[float], frequency: float, rate: int = RATE) -> float:
    """Amplitude of one frequency; the length should hold whole turns."""
    if not samples:
        return 0.0
    turn = 2 * math.pi * frequency / rate
    real = sum(each * math.cos(turn * i) for i, each in enumerate(samples))
    imaginary = sum(each * math.sin(turn * i) for i, each in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples)


def loudness(samples: Sequence[float]) -> float:
    """Root of the mean square."""
    return math.sqrt(sum(each * each for each in samples) / len(samples)) if samples else 0.0


def correlation(one: Sequence[float], two: Sequence[float], most_delay: int = 1600) -> tuple[float, int]:
    """The best normalised correlation of ``two`` delayed against ``one``, and that delay in samples."""
    best, at = 0.0, 0
    for delay in range(most_delay):
        tail = two[delay : delay + len(one) : 5]
        head = one[::5][: len(tail)]
        power = math.sqrt(sum(a * a for a in head) * sum(b * b for b in tail))
        match = sum(a * b for a, b in zip(head, tail, strict=True)) / power if power else 0.0
        if match > best:
            best, at = match, delay
    return best, at


class FarEnd:
    """Speaks to one leg: sends what it is given and keeps what it gets."""

    def __init__(
        self,
        engine: SimulatedEngine,
        codec: str = "ulaw",
        *,
        events: bool = True,
        address: tuple[str, int] | None = None,
        ptime: int = 0,
        accept: Sequence[str] = (),
    ) -> None:
        self.engine = engine
        self.leg: RtpLeg = engine.rtp_leg()
        self.address = address or ("192.0.2.1", 4000 + self.leg.local_port % 1000)
        self.heard: list[object] = []
        self.leg.on_event = self.heard.append
        self.sequence, self.timestamp, self.ssrc = 65000, 0xFFFFF000, 0x1000 + self.leg.local_port
        self.packets: list[Rtp] = []
        self.control: list[bytes] = []
        self.codec(codec, events=events, ptime=ptime, accept=accept)
        self.leg.set_remote(*self.address)

    def codec(self, name: str, *, events: bool = True, ptime: int = 0, accept: Sequence[str] = ()) -> None:
        """Agree on a codec."""
        receive = {TYPES[each]: format_named(each) for each in [name, *accept]}
        send = (TYPES[name], format_named(name))
        self.leg.set_codecs(receive, send, (EVENTS, 8000) if events else None, ptime)
        self.name = name

    def send(self, payload: bytes, samples: int = 160, *, marker: bool = False, type: int | None = None) -> None:
        """Send one packet and move on by its samples."""
        number = TYPES[self.name] if type is None else type
        packet = Rtp(marker, number, self.sequence, self.timestamp, self.ssrc, payload)
        self.engine.inject(self.leg.local_port, self.address, packet.pack())
        self.sequence += 1
        self.timestamp += samples

    def event(
        self, digit: str, duration: int, *, end: bool = False, start: int | None = None, type: int = EVENTS
    ) -> None:
        """Send one packet of a telephone event (RFC 4733) that began at timestamp ``start``."""
        code = "0123456789*#ABCD!".index(digit)
        payload = struct.pack("!BBH", code, 10 | (0x80 if end else 0), duration)
        at = self.timestamp if start is None else start
        packet = Rtp(False, type, self.sequence, at, self.ssrc, payload)
        self.engine.inject(self.leg.local_port, self.address, packet.pack())
        self.sequence += 1

    def events(self, kind: type) -> list[object]:
        """Media events of a kind so far."""
        return [each for each in self.heard if isinstance(each, kind)]

    def sound(self) -> list[int]:
        """What arrived so far as linear samples (G.711 only), without the packets of other types."""
        table = {0: ULAW, 8: ALAW}
        return [table[packet.type][code] for packet in self.packets if packet.type in table for code in packet.payload]


class Scene:
    """An engine in simulated time and the far ends of its legs."""

    def __init__(self, **settings: object) -> None:
        self.engine = SimulatedEngine()
        for name, value in settings.items():
            setattr(self.engine.settings, name, value)
        self.engine.start()
        self.far_ends: list[FarEnd] = []

    def far_end(self, codec: str = "ulaw", **options: object) -> FarEnd:
        """A new leg and its far end."""
        far = FarEnd(self.engine, codec, **options)  # type: ignore[arg-type]
        self.far_ends.append(far)
        return far

    def pair(self, one: str = "ulaw", two: str = "ulaw", *, digits: bool = True) -> tuple[FarEnd, FarEnd]:
        """Two connected legs."""
        first, second = self.far_end(one), self.far_end(two)
        first.leg.connect(second.leg, digits=digits)
        self.run(10)
        return first, second

    def decoded_pair(self, one: str = "ulaw", two: str = "alaw") -> tuple[FarEnd, FarEnd]:
        """Two connected legs. Nothing is relayed from the first to the second: digits are listened for in its sound."""
        first, second = self.pair(one, two)
        first.leg.detect_digits(True)
        self.run(10)
        return first, second

    def run(self, ms: int) -> None:
        """Let time pass and give the far ends what was sent."""
        self.engine.advance(ms)
        ports = {far.leg.local_port: far for far in self.far_ends}
        for packet in self.engine.sent():
            far = ports.get(packet.local_port // 2 * 2)
            if far is None:
                continue
            if packet.local_port & 1:
                far.control.append(packet.data)
            else:
                far.packets.append(Rtp.parse(packet.data))

    def speak(self, far: FarEnd, samples: Sequence[float]) -> None:
        """Let a far end speak in packets of 20 ms (G.711), in time."""
        encode = to_ulaw if far.name == "ulaw" else to_alaw
        for at in range(0, len(samples), 160):
            far.send(encode(samples[at : at + 160]))
            self.run(20)
