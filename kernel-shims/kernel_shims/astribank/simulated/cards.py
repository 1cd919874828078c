"""Simulated FXS cards: registers of their line chips (Si3210), telephones on their lines, contacts of the first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from kernel_shims.astribank.simulated.card import Port
from kernel_shims.astribank.xproto import CHUNK, Op, Packet, Piece, Register, Unit, hooks, pcm, pcm_lines

FXS = 1
LINES = 8
OUTPUTS, INPUTS = 2, 4
LINEFEED, LOOP_CLOSURE, CALIBRATE, CONTACTS = 0x40, 0x44, 0x60, 0x06
OPEN, RINGING = 0x00, 0x04
_SUB_REGISTER = 0x1E
_SILENCE = b"\xff" * CHUNK
_WIRES = {79: (0, 16), 80: (7, 13), 81: (130, 27), 82: (138, 138)}
"""Loop current and voltages as the chip tells them, on hook and off hook."""
_IDLE = pcm(Op.PCM_READ, 0, {0: _SILENCE}, sync=True).encode()
_KEEP = 60 * 1000
"""Chunks: a minute."""
_INPUT_OF = {6: 0, 7: 1, 2: 2, 3: 3}
"""Which input contact is read at which chip (card_fxs.c)."""
_OUTPUT_OF = {0: 0, 4: 1}
_OUTPUT_MASKED, _OUTPUT_ON = 0x20, 0x01
_LAMP_MASKED, _LAMP_ON = 0x80, 0x10
_DEFAULTS = {0: 0x05, LINEFEED: OPEN}


class Telephone:
    """A telephone on a line of a card. Sound is octets of the mu-law, whatever the law of the span."""

    def __init__(self) -> None:
        self.is_off_hook = False
        self.rings = 0
        """How often its bell began to ring."""
        self.linefeed = OPEN
        self.battery_drops = 0
        """How often the line was opened while it was off hook."""
        self.heard: deque[bytes] = deque(maxlen=_KEEP)
        self.lamp = False
        """Whether the green lamp of its socket is lit."""
        self.flashes = 0
        """How often it was lit."""
        self.echo = False
        """Whether it says what it hears."""
        self._speech: deque[bytes] = deque()

    @property
    def ringing(self) -> bool:
        """Whether its bell rings now."""
        return self.linefeed == RINGING

    def say(self, octets: bytes) -> None:
        """Speak, after what is being said."""
        self._speech += [octets[at : at + CHUNK] for at in range(0, len(octets) - CHUNK + 1, CHUNK)]

    def light(self, on: bool) -> None:
        """The lamp is switched."""
        self.flashes += on and not self.lamp
        self.lamp = on

    def feed(self, state: int) -> None:
        """The line's feed changes."""
        if state == RINGING and not self.ringing:
            self.rings += 1
        if state == OPEN and self.linefeed != OPEN and self.is_off_hook:
            self.battery_drops += 1
        self.linefeed = state

    def hear(self, chunk: bytes) -> None:
        """A millisecond of sound."""
        if self.is_off_hook:
            self.heard.append(chunk)
            if self.echo:
                self._speech.append(chunk)

    def speak(self) -> bytes:
        """A millisecond of sound."""
        return self._speech.popleft() if self._speech else _SILENCE


class FxsCard:
    """A card of eight lines; the first card of a box has two output and four input contacts too."""

    def __init__(self, number: int, *, contacts: bool = False) -> None:
        self.number = number
        self.telephones = [Telephone() for _ in range(LINES)]
        self._lifted: list[int] = []
        self.outputs = [False] * (OUTPUTS if contacts else 0)
        self.inputs = [False] * (INPUTS if contacts else 0)
        """Which contacts are closed."""
        self._registers: list[dict[int, int]] = [dict(_DEFAULTS) for _ in range(LINES)]
        self._subs: list[dict[tuple[int, int], tuple[int, int]]] = [{} for _ in range(LINES)]

    @property
    def unit(self) -> Unit:
        """How the box describes it."""
        return Unit(self.number, FXS, 0, LINES, 1, 0xFF)

    @property
    def ports(self) -> list[Port]:
        """See Card."""
        return [Port("FXS", ("fxo_ks",) * (LINES + len(self.outputs) + len(self.inputs)))]

    def unplugged(self) -> None:
        """See Card."""
        for phone in self.telephones:
            phone.feed(0)
        self.outputs = [False] * len(self.outputs)

    def hook(self, line: int, off_hook: bool) -> Packet:
        """A handset is lifted or put down: what the box says of it."""
        self.telephones[line].is_off_hook = off_hook
        self._lifted = [place for place, phone in enumerate(self.telephones) if phone.is_off_hook]
        return hooks(self.number, sum(1 << place for place in self._lifted), 1 << line)

    def register(self, asked: Register) -> Iterator[Packet]:
        """A read or write of a chip; a read is answered."""
        ports = range(LINES) if asked.all_ports else (asked.port,)
        for port in ports:
            if asked.read:
                answer = asked.answered(*self._read(port, asked))
                yield Packet(Op.REGISTER_REPLY, self.number, 0, answer.encode())
            else:
                self._write(port, asked)

    def _read(self, port: int, asked: Register) -> tuple[int, int]:
        if asked.number == _SUB_REGISTER and asked.sub is not None:
            return self._subs[port].get((asked.number, asked.sub), (0, 0))
        if asked.number in _WIRES:
            return _WIRES[asked.number][self.telephones[port].is_off_hook], 0
        if asked.number == LOOP_CLOSURE:
            return int(self.telephones[port].is_off_hook), 0
        if asked.number == CONTACTS and port in _INPUT_OF and self.inputs:
            return int(not self.inputs[_INPUT_OF[port]]), 0
        return self._registers[port].get(asked.number, 0), 0

    def _write(self, port: int, asked: Register) -> None:
        if asked.sub is not None:
            self._subs[port][asked.number, asked.sub] = (asked.low, asked.high or 0)
            return
        if asked.number == CONTACTS:
            if self.outputs and port in _OUTPUT_OF and not asked.low & _OUTPUT_MASKED:
                self.outputs[_OUTPUT_OF[port]] = bool(asked.low & _OUTPUT_ON)
            if not asked.low & _LAMP_MASKED:
                self.telephones[port].light(bool(asked.low & _LAMP_ON))
            return
        # Calibration is over at once, as its register tells by 0.
        self._registers[port][asked.number] = 0 if asked.number == CALIBRATE else asked.low
        if asked.number == LINEFEED:
            self.telephones[port].feed(asked.low & 7)

    def piece(self, piece: Piece) -> tuple[()]:
        """See Card: telephone lines have no D channel."""
        return ()

    def hear(self, subunit: int, body: bytes) -> None:
        """See Card; nobody hears it on hook."""
        if self._lifted:
            for line, chunk in pcm_lines(body).items():
                if line < LINES:
                    self.telephones[line].hear(chunk)

    def speak(self, *, first: bool) -> list[bytes]:
        """See Card: of the lines off hook."""
        if self._lifted:
            lines = {line: self.telephones[line].speak() for line in self._lifted}
            return [pcm(Op.PCM_READ, self.number, lines, sync=first).encode()]
        return [_IDLE] if first else []
