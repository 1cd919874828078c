"""A simulated Astribank: it takes its firmware in three stages, checks it, and speaks protocol 30."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from kernel_shims.astribank import fx2, mpp, pic
from kernel_shims.astribank.simulated.bri_card import BriCard
from kernel_shims.astribank.simulated.card import Card
from kernel_shims.astribank.simulated.cards import LINES, FxsCard
from kernel_shims.astribank.simulated.device import Interface, Look, Setup, SimulatedDevice, Stall
from kernel_shims.astribank.simulated.pri_card import PriCard
from kernel_shims.astribank.usb import XORCOM
from kernel_shims.astribank.xproto import VERSION, Op, Packet, Piece, Register, Sync, description, packets

_XPP = Interface(0, 0x02, 0x86)
_MPP = Interface(1, 0x04, 0x88)
_OK, _FAIL, _NODEST, _MISMATCH, _BAD_COMMAND, _TOO_SHORT, _FPGA_ERROR = 0, 1, 3, 4, 6, 7, 0x0D
_LARGE_EEPROM = 2 << 3
_EMPTY_SLOT = 7
_MEMORY = 0x10000
_DIGITAL = (BriCard, PriCard)
KINDS: dict[str, Callable[[int], Card]] = {
    "fxs": lambda number: FxsCard(number, contacts=number == 0),
    "bri": BriCard,
    "pri": PriCard,
}
"""Cards by what they are called: 8 telephones; a user and a network side on a cable; two E1 or T1 on a cable."""


class SimulatedAstribank(SimulatedDevice):
    """A box with cards of KINDS, without firmware or with that of ``stage``; ``tick`` is its clock of 1 ms."""

    def __init__(
        self, serial: str = "SIM00001", *, cards: Sequence[str] = ("fxs", "fxs"), stage: int = 0, release: int = 0x0203
    ) -> None:
        names = ("Xorcom LTD", "Simulated Astribank")
        look = Look(XORCOM, 0x1160, release, (_XPP, _MPP), *names, serial)
        super().__init__(replace(look, product=0x1160 + stage, serial=serial if stage else ""))
        self.serial = serial
        self.release = release
        self.cards: list[Card] = [KINDS[kind](number) for number, kind in enumerate(cards)]
        self.fxs = [card for card in self.cards if isinstance(card, FxsCard)]
        self.digital = {card.number: card for card in self.cards if isinstance(card, BriCard | PriCard)}
        self.memory = bytearray(_MEMORY)
        """Of the USB chip."""
        self.resting = False
        self.fpga = bytearray()
        """What was sent for the FPGA."""
        self.fpga_version = ""
        self.programs: dict[int, bytes] = {}
        """The cards' programs by card type."""
        self.twinstar_port = 0
        """Which of its two USB sockets it listens to; this host's is 0."""
        self.powered = [True, False]
        """Whether a host is at each of them."""
        self.watchdog = False
        self.sync = Sync.NONE
        self.ticking = False
        self.host_version = 0
        self._receiving = False
        self._fpga_loaded = stage == 2
        self._program: tuple[int, bytearray, int] | None = None

    @property
    def stage(self) -> int:
        """Which firmware it has: 0, 1 or 2."""
        return self.look.product & 0xF

    def _go(self, stage: int) -> None:
        self.ticking = False
        serial = self.serial if stage else ""
        self.become(replace(self.look, product=0x1160 + stage, serial=serial))

    def unplugged(self) -> None:
        """Power is gone: all of its firmware with it."""
        self.memory = bytearray(_MEMORY)
        self.fpga.clear()
        self.programs.clear()
        self.fpga_version, self._fpga_loaded = "", False
        self.sync = Sync.NONE
        for card in self.cards:
            card.unplugged()
        self._go(0)

    # ---- the USB chip ------------------------------------------------------------------------------------------

    def vendor(self, setup: Setup, data: bytes) -> bytes:
        """See SimulatedDevice: loading the USB chip, which is possible at every stage."""
        if setup.request != fx2.LOAD or setup.request_type != fx2.VENDOR_OUT:
            raise Stall
        if setup.value == fx2.CPU_CONTROL:
            was, self.resting = self.resting, bool(data[:1] == fx2.RESTING)
            if was and not self.resting and self._starts():
                self._go(1)
            return b""
        if not self.resting:
            raise Stall
        self.memory[setup.value : setup.value + len(data)] = data
        return b""

    def _starts(self) -> bool:
        """Whether the processor finds something to run: it begins at address 0."""
        return any(self.memory[:0x4000])

    # ---- the board and its cards' programs -----------------------------------------------------------------------

    def written(self, endpoint: int, data: bytes) -> None:
        """See SimulatedDevice."""
        if endpoint == _MPP.out and self.stage:
            self._board(data)
        elif endpoint == _XPP.out and self.stage == 1:
            self._cards_program(data)
        elif endpoint == _XPP.out and self.stage == 2:
            for packet in packets(data):
                self._obey(packet)
        else:
            raise Stall

    def _board(self, data: bytes) -> None:
        if len(data) < mpp.HEADER.size:
            return
        length, sequence, operation = mpp.HEADER.unpack_from(data)
        body = data[mpp.HEADER.size : length]
        try:
            asked = mpp.Operation(operation)
        except ValueError:
            self._acknowledge(sequence, _BAD_COMMAND)
            return
        match asked:
            case mpp.Operation.SEND_START | mpp.Operation.SEND_SEGMENT | mpp.Operation.SEND_END:
                self._acknowledge(sequence, self._fpga(asked, body))
            case mpp.Operation.WATCHDOG_SET:
                self.watchdog = bool(body[:1] == b"\1")
                self._acknowledge(sequence, _OK)
            case mpp.Operation.RENUMERATE:
                self._go(2 if self._fpga_loaded else 1)
            case mpp.Operation.RESET | mpp.Operation.HALF_RESET:
                self._fpga_loaded = False
                self._go(0 if asked is mpp.Operation.RESET else 1)
            case mpp.Operation.PORT_SET:
                self._jump(body[0] if body else 0)
            case _:
                self._reply(sequence, operation | mpp.ANSWER, self._told(asked, body))

    def _jump(self, port: int) -> None:
        """TwinStar: an unpowered socket is no place to go; what has gone over has its firmware still."""
        if port < len(self.powered) and self.powered[port] and port != self.twinstar_port:
            self.twinstar_port = port
            self.ticking, self.sync = False, Sync.NONE
            self.leave()

    def _reply(self, sequence: int, operation: int, body: bytes) -> None:
        self.say(_MPP.into, mpp.HEADER.pack(mpp.HEADER.size + len(body), sequence, operation) + body)

    def _acknowledge(self, sequence: int, status: int) -> None:
        self._reply(sequence, mpp.ACKNOWLEDGE, bytes([status]))

    def _fpga(self, asked: mpp.Operation, body: bytes) -> int:
        if asked is mpp.Operation.SEND_START:
            if len(body) < 7:
                return _TOO_SHORT
            if body[0] != mpp.FPGA:
                return _NODEST
            self._receiving, self.fpga_version = True, body[1:7].rstrip(b"\0").decode("latin-1")
            self.fpga.clear()
            return _OK
        if not self._receiving:
            return _NODEST
        if asked is mpp.Operation.SEND_SEGMENT:
            if len(body) < 3:
                return _TOO_SHORT
            self.fpga += body[2:]
            return _OK
        self._receiving = False
        self._fpga_loaded = bool(self.fpga)
        return _OK if self._fpga_loaded else _FPGA_ERROR

    def _told(self, asked: mpp.Operation, body: bytes) -> bytes:
        match asked:
            case mpp.Operation.STATUS:
                versions = b"1.0\0\0\0", self.fpga_version.encode("latin-1"), b""
                return struct.pack("<BB6s6s6s", _LARGE_EEPROM, self._fpga_loaded, *versions)
            case mpp.Operation.CAPABILITIES:
                identity = (0xC2, XORCOM, 0x1160, self.release, 0, self.serial.encode("latin-1"))
                digital = [
                    sum(len(one.ports) for one in self.digital.values() if isinstance(one, kind)) for kind in _DIGITAL
                ]
                ports = (LINES * len(self.fxs), 0, *digital, 1, 0, 0)
                return struct.pack("<BHHHB8sBBBBBBxxI", *identity, *ports) + bytes(16)
            case mpp.Operation.EXTRA_INFO:
                return b"simulated".ljust(24, b"\xff")
            case mpp.Operation.SERIAL:
                slot = body[1] >> 4 if len(body) > 1 else 0
                known = slot < len(self.cards)
                kind = self.cards[slot].unit.kind if known else _EMPTY_SLOT
                return bytes([body[0], body[1], kind << 4, known and kind in self.programs])
            case mpp.Operation.WATCHDOG:
                return bytes([self.watchdog])
            case mpp.Operation.PORT:
                return bytes([self.twinstar_port])
            case mpp.Operation.POWER:
                return bytes([sum(1 << port for port, on in enumerate(self.powered) if on)])
            case _:
                return b"\x01"

    def _cards_program(self, data: bytes) -> None:
        _, operation, _, flags, kind, _ = pic.PACKET.unpack_from(data)
        body = data[pic.PACKET.size :]
        if operation != pic.REQUEST:
            return
        if flags == pic.START:
            self._program = (kind, bytearray(), 0)
        elif flags == pic.DATA and self._program is not None:
            kind, code, check = self._program
            for octet in body:
                check ^= octet
            self._program = (kind, code + body, check)
        elif flags == pic.END and self._program is not None:
            kind, code, check = self._program
            right = body[:1] == bytes([check]) and self._fpga_loaded
            if right:
                self.programs[kind] = bytes(code)
            self._program = None
            answer = pic.PACKET.pack(pic.PACKET.size + 1, pic.REPLY, 0, pic.END, kind, 0) + bytes([not right])
            self.say(_XPP.into, answer)

    # ---- protocol 30 ---------------------------------------------------------------------------------------------

    def _obey(self, packet: Packet) -> None:
        match packet.operation:
            case Op.AB_REQUEST:
                self.host_version = packet.body[0] if packet.body else 0
                if self.host_version == VERSION:
                    self._tell(description(card.unit for card in self.cards))
            case Op.REGISTER_REQUEST if packet.unit < len(self.cards):
                for answer in self._ask(self.cards[packet.unit], packet.body):
                    self._tell(answer)
            case Op.PCM_WRITE if packet.unit < len(self.cards):
                self.cards[packet.unit].hear(packet.subunit, packet.body)
            case Op.SYNC_SOURCE if len(packet.body) >= 2:
                if packet.body[0] != Sync.QUERY:
                    self.sync = Sync(packet.body[0])
                    self.ticking = self.sync is not Sync.NONE
                self._tell(Packet(Op.SYNC_REPLY, body=bytes([self.sync, packet.body[1]])))

    @staticmethod
    def _ask(card: Card, body: bytes) -> Iterable[Packet]:
        asked, piece = Register.decode(body), Piece.decode(body)
        if asked is not None:
            return card.register(asked)
        return card.piece(piece) if piece is not None else ()

    def _tell(self, packet: Packet) -> None:
        self.say(_XPP.into, packet.encode())

    def hook(self, line: int, off_hook: bool) -> None:
        """Lift the handset of a line, or put it down; lines count from 0 over all cards."""
        packet = self.fxs[line // LINES].hook(line % LINES, off_hook)
        if self.ticking:
            self._tell(packet)

    def tick(self) -> None:
        """A millisecond passed: sound of all cards in as few transfers as hold it, the clock in the first."""
        if not self.ticking:
            return
        sound = b""
        for card in self.cards:
            for packet in card.speak(first=card is self.cards[0]):
                if len(sound) + len(packet) > self.look.packet:
                    self.say(_XPP.into, sound)
                    sound = b""
                sound += packet
        self.say(_XPP.into, sound)
