"""A simulated BRI card: ports of XHFC chips, two and two of them joined by a cable.

Nothing passes that the chip was not set up for: layer 1 wants the port's mode and a state machine that runs, a B
channel FIFOs that are transparent and its bit of both control registers, the D channel FIFOs for frames.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from kernel_shims.astribank.initcard import xhfc
from kernel_shims.astribank.simulated.card import Port
from kernel_shims.astribank.xproto import CHUNK, Op, Packet, Piece, Register, Unit, pcm, pcm_lines, pieces

BRI = 3
SILENCE = b"\xd5" * CHUNK
_SHIFT = 4
"""Lines of the card's sound that each port takes."""
_QUEUE = 64
"""Milliseconds of sound that are on their way at most."""
_LONGEST_FRAME = 300
_LOAD_STATE, _DEACTIVATE = 0x10, 0x40
_SYNCHRONOUS, _NO_SIGNAL = 0x10, 0x40
TE_DEACTIVATED, TE_WAITING, TE_ACTIVATED = 3, 4, 7
NT_DEACTIVATED, NT_ACTIVATING, NT_ACTIVATED = 1, 2, 3
"""States F and G of I.430, as the state register has them."""


def check_sequence(frame: bytes) -> bytes:
    """The FCS of a frame (Q.921 2.7)."""
    value = 0xFFFF
    for octet in frame:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return (value ^ 0xFFFF).to_bytes(2, "little")


@dataclass(slots=True)
class S0Port:
    """A port, ``network``: towards telephones, as its jumper is set."""

    network: bool
    registers: dict[int, int] = field(default_factory=dict)
    fifos: dict[tuple[int, int], dict[int, int]] = field(default_factory=dict)
    """Registers by channel and direction."""
    running: bool = False
    wanted: bool = False
    """Whether activation was asked for on this side."""
    loud: bool = True
    """Whether frames go to the host."""
    frame: bytearray = field(default_factory=bytearray)
    """What came of one for the far end."""

    @property
    def ready(self) -> bool:
        """Whether its state machine runs in the mode that its jumper says."""
        mode = bool(self.registers.get(xhfc.CONTROL_0, 0) & xhfc.NETWORK_MODE)
        return self.running and mode == self.network

    def passes(self, channel: int) -> bool:
        """Whether a channel is set up between host and line."""
        mode = xhfc.HDLC if channel == xhfc.SIGNALS else xhfc.TRANSPARENT
        modes = [self.fifos.get((channel, way), {}).get(xhfc.FIFO_MODE) for way in xhfc.DIRECTIONS]
        if channel == xhfc.SIGNALS:
            return modes == [mode, mode]
        controls = [self.registers.get(number, 0) for number in (xhfc.CONTROL_0, xhfc.CONTROL_2)]
        return modes == [mode, mode] and all(control >> channel & 1 for control in controls)

    def order(self, value: int) -> None:
        """The state register is written."""
        self.running = not value & _LOAD_STATE
        if value & xhfc.ACTIVATE == xhfc.ACTIVATE:
            self.wanted = True
        elif value & xhfc.ACTIVATE == _DEACTIVATE:
            self.wanted = False


class BriCard:
    """A card of 1 to 8 ports; 0 and 1 are joined, 2 and 3, and so on."""

    def __init__(self, number: int, network: tuple[bool, ...] = (False, True)) -> None:
        self.number = number
        self.network = network
        self.cabled = True
        self.lines: list[S0Port] = []
        self._selected: list[int] = []
        """FIFO by chip."""
        self._sound: deque[dict[int, bytes]] = deque(maxlen=_QUEUE)
        self._idle: dict[int, bytes] = {}
        """Silence on the lines that the host uses."""
        self._routes: dict[int, int] | None = None
        """Where sound of a line goes; None when that has to be found anew."""
        self.unplugged()

    def unplugged(self) -> None:
        """See Card."""
        self.lines = [S0Port(one) for one in self.network]
        self._selected = [0] * -(-len(self.network) // xhfc.PORTS_PER_CHIP)
        self._sound.clear()
        self._idle, self._routes = {}, None

    @property
    def unit(self) -> Unit:
        """See Card."""
        towards = sum(1 << place for place, one in enumerate(self.network) if one)
        return Unit(self.number, BRI, 0, len(self._selected), len(self.network) // len(self._selected), towards)

    @property
    def ports(self) -> list[Port]:
        """See Card."""
        return [Port("BRI_NT" if one else "BRI_TE", ("clear", "clear", "hardhdlc")) for one in self.network]

    # ---- the line --------------------------------------------------------------------------------------------

    def _far(self, port: int) -> S0Port | None:
        """The port at the other end of a port's cable."""
        far = port ^ 1
        return self.lines[far] if self.cabled and far < len(self.lines) else None

    def is_up(self, port: int) -> bool:
        """Layer 1: one end asks for it and the other, which always agrees, is there."""
        here, far = self.lines[port], self._far(port)
        if far is None or not (here.ready and far.ready) or here.network == far.network:
            return False
        return here.wanted or far.wanted

    def plug(self, *, cabled: bool) -> None:
        """Plug the cables in, or pull them out: a user side that lost its signal does not ask again by itself."""
        self.cabled = cabled
        for port in self.lines:
            port.wanted = port.wanted and (cabled or port.network)
        self._routes = None

    def _state(self, port: int) -> int:
        here, up = self.lines[port], self.is_up(port)
        if not here.ready:
            return _NO_SIGNAL
        if here.network:
            state = NT_ACTIVATED if up else NT_ACTIVATING if here.wanted else NT_DEACTIVATED
        else:
            state = TE_ACTIVATED if up else TE_WAITING if here.wanted else TE_DEACTIVATED
        return state | (_SYNCHRONOUS if up else _NO_SIGNAL)

    # ---- what the host wants ---------------------------------------------------------------------------------

    def register(self, asked: Register) -> Iterator[Packet]:
        """See Card."""
        if asked.port >= len(self.lines):
            return
        if asked.read:
            value = self._state(asked.port) if asked.number == xhfc.STATE else self._find(asked.port, asked.number)
            yield Packet(Op.REGISTER_REPLY, self.number, 0, asked.answered(value).encode())
            return
        self._routes = None
        line, chip = self.lines[asked.port], asked.port // xhfc.PORTS_PER_CHIP
        match asked.number:
            case xhfc.SELECT_FIFO:
                self._selected[chip] = asked.low
            case xhfc.FIFO_MODE | xhfc.FIFO_BITS | xhfc.FIFO_CONTROL | xhfc.SLOT | xhfc.SLOT_WHERE:
                self._fifo(chip)[asked.number] = asked.low
            case xhfc.STATE:
                line.order(asked.low)
                far = self._far(asked.port)
                if far is not None and line.network and not line.wanted and asked.low & _DEACTIVATE:
                    far.wanted = False
            case _:
                line.registers[asked.number] = asked.low

    def _fifo(self, chip: int) -> dict[int, int]:
        number = self._selected[chip]
        port = min(number >> 3, len(self.lines) - 1)
        return self.lines[port].fifos.setdefault((number >> 1 & 3, number & 1), {})

    def _find(self, port: int, number: int) -> int:
        if number in (xhfc.FIFO_MODE, xhfc.FIFO_BITS, xhfc.FIFO_CONTROL, xhfc.SLOT, xhfc.SLOT_WHERE):
            return self._fifo(port // xhfc.PORTS_PER_CHIP).get(number, 0)
        return self.lines[port].registers.get(number, 0)

    def piece(self, piece: Piece) -> Iterator[Packet]:
        """See Card."""
        if piece.port >= len(self.lines):
            return
        line, far = self.lines[piece.port], self._far(piece.port)
        if not piece.octets:
            line.loud = not piece.last
            return
        line.frame += piece.octets
        if not piece.last and len(line.frame) <= _LONGEST_FRAME:
            return
        frame = bytes(line.frame)
        line.frame.clear()
        if far is None or not self.is_up(piece.port) or not far.loud:
            return
        if line.passes(xhfc.SIGNALS) and far.passes(xhfc.SIGNALS):
            for one in pieces(piece.port ^ 1, frame + check_sequence(frame) + b"\0"):
                yield Packet(Op.REGISTER_REPLY, self.number, 0, one.encode())

    # ---- sound -----------------------------------------------------------------------------------------------

    def _route(self) -> dict[int, int]:
        found = {}
        for port, line in enumerate(self.lines):
            far = self._far(port)
            for channel in xhfc.BEARERS:
                if far is not None and self.is_up(port) and line.passes(channel) and far.passes(channel):
                    found[port * _SHIFT + channel] = (port ^ 1) * _SHIFT + channel
        return found

    def hear(self, subunit: int, body: bytes) -> None:
        """See Card: sound of all ports comes at once."""
        if self._routes is None:
            self._routes = self._route()
        lines = pcm_lines(body)
        if lines.keys() != self._idle.keys():
            self._idle = dict.fromkeys(lines, SILENCE)
        routes = self._routes
        self._sound.append({routes[line]: chunk for line, chunk in lines.items() if line in routes})

    def speak(self, *, first: bool) -> list[bytes]:
        """See Card."""
        lines = self._idle | self._sound.popleft() if self._sound else self._idle
        if not lines and first:
            lines = {0: SILENCE}
        return [pcm(Op.PCM_READ, self.number, lines, sync=first).encode()] if lines else []
