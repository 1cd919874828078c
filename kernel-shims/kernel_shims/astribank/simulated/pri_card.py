"""A simulated PRI card: ports of a QuadFALC framer, two and two of them joined by a cable.

A port hears its far end once that is set up, is not off the line (tristate) and frames alike; what is on the line, time
slots and signalling bits, comes out at the other end as it went in.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from kernel_shims.astribank.initcard import falc
from kernel_shims.astribank.simulated.card import Port
from kernel_shims.astribank.xproto import CHUNK, Op, Packet, Piece, Register, Unit

PRI = 4
FRAMER_STATUS = 0x4C
LOSS_OF_SIGNAL, LOSS_OF_FRAME, REMOTE_ALARM = 0x80, 0x20, 0x10
FRAMING, IS_T1 = 0x1D, 0x10
"""FMR1 and its bit PMOD."""
_SYSTEM, _AT_8_MHZ = 0x3E, 0xC2
"""SIC1 as sound on the PCM bus needs it."""
_BITS = range(0x70, 0x80)
"""RS1 to RS16: what is written is sent, what is read was received."""
_QUEUE = 64
"""Milliseconds of sound that are on their way at most."""
_NOBODY = b"\xff" * CHUNK
_ONE_LINE = b"\x02\0\0\0" + _NOBODY
_E1 = ("clear",) * 15 + ("hdlcfcs",) + ("clear",) * 15
_T1 = ("clear",) * 23 + ("hdlcfcs",)


@dataclass(slots=True)
class Framer:
    """One port."""

    registers: dict[int, int] = field(default_factory=dict)
    received: dict[int, int] = field(default_factory=dict)
    """Signalling bits."""
    sound: deque[bytes] = field(default_factory=lambda: deque(maxlen=_QUEUE))
    idle: bytes = b""
    """What the host is told while nothing comes, on the time slots that it uses."""

    @property
    def sends(self) -> bool:
        """Whether it is on the line."""
        is_off = self.registers.get(falc.TRANSMIT, falc.TRISTATE) & falc.TRISTATE
        return not is_off and self.registers.get(_SYSTEM) == _AT_8_MHZ

    @property
    def is_t1(self) -> bool:
        """How it frames."""
        return bool(self.registers.get(FRAMING, 0) & IS_T1)


class PriCard:
    """A card of 1 to 4 ports; 0 and 1 are joined, 2 and 3."""

    def __init__(self, number: int, count: int = 2) -> None:
        self.number = number
        self.count = count
        self.cabled = True
        self.lines: list[Framer] = []
        self._linked: list[bool] = []
        """Whether sound passes from a port to its far end."""
        self.unplugged()

    def unplugged(self) -> None:
        """See Card."""
        self.lines = [Framer() for _ in range(self.count)]
        self._linked = [False] * self.count

    @property
    def unit(self) -> Unit:
        """See Card."""
        return Unit(self.number, PRI, 0, 1, self.count, 0)

    @property
    def ports(self) -> list[Port]:
        """See Card."""
        return [Port("T1", _T1) if line.is_t1 else Port("E1", _E1) for line in self.lines]

    # ---- the line --------------------------------------------------------------------------------------------

    def plug(self, *, cabled: bool) -> None:
        """Plug the cables in, or pull them out."""
        self.cabled = cabled
        self._look()

    def status(self, port: int) -> int:
        """What a port's framer says of its line; 0: all is well."""
        here, far = self.lines[port], self._far(port)
        if far is None or not far.sends:
            return LOSS_OF_SIGNAL
        if far.is_t1 != here.is_t1:
            return LOSS_OF_FRAME | REMOTE_ALARM
        return 0 if here.sends else REMOTE_ALARM

    def _far(self, port: int) -> Framer | None:
        far = port ^ 1
        return self.lines[far] if self.cabled and far < self.count else None

    def _look(self) -> None:
        self._linked = [not self.status(port) for port in range(self.count)]

    # ---- what the host wants ---------------------------------------------------------------------------------

    def register(self, asked: Register) -> Iterator[Packet]:
        """See Card. Signalling bits that arrive are told by themselves."""
        if asked.port >= self.count:
            return
        line = self.lines[asked.port]
        if asked.read:
            if asked.number == FRAMER_STATUS:
                value = self.status(asked.port)
            else:
                value = (line.received if asked.number in _BITS else line.registers).get(asked.number, 0)
            yield Packet(Op.REGISTER_REPLY, self.number, 0, asked.answered(value).encode())
            return
        line.registers[asked.number] = asked.low
        self._look()
        far = self._far(asked.port)
        if asked.number not in _BITS or far is None or not self._linked[asked.port]:
            return
        if far.received.get(asked.number) != asked.low:
            far.received[asked.number] = asked.low
            told = Register(asked.port ^ 1, asked.number, low=asked.low, read=True)
            yield Packet(Op.REGISTER_REPLY, self.number, 0, told.encode())

    def piece(self, piece: Piece) -> tuple[()]:
        """See Card: D channels are time slots like others here."""
        return ()

    # ---- sound -----------------------------------------------------------------------------------------------

    def hear(self, subunit: int, body: bytes) -> None:
        """See Card: each port has its own."""
        if subunit >= self.count:
            return
        line = self.lines[subunit]
        if len(body) != len(line.idle) or body[:4] != line.idle[:4]:
            line.idle = body[:4] + _NOBODY * (len(body) // CHUNK)
        if self._linked[subunit]:
            self.lines[subunit ^ 1].sound.append(body)

    def speak(self, *, first: bool) -> list[bytes]:
        """See Card."""
        told: list[bytes] = []
        for port, line in enumerate(self.lines):
            body = line.sound.popleft() if line.sound else line.idle
            if not body and first and not port:
                body = _ONE_LINE
            if body:
                told.append(Packet(Op.PCM_READ, self.number, port, body, first and not told).encode())
        return told
