"""MPP, the protocol of an Astribank's board on USB interface 1: loads its FPGA, tells what it is, TwinStar.

A message is {u16 length, u16 sequence, u8 operation} and its arguments, little-endian; the answer to operation N is
N | 0x80 with the same sequence, or an acknowledgement with a status. Learned from dahdi-tools' xpp/mpptalk.c.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

from kernel_shims.astribank.hexfile import HexFile
from kernel_shims.astribank.usb import MPP_INTERFACE, UsbDevice, UsbGone, UsbTimeout
from kernel_shims.line import LineError

HEADER = struct.Struct("<HHB")
ANSWER, ACKNOWLEDGE = 0x80, 0x80
FPGA = 1
_PATIENCE_MS = 2000
_MOST_STALE = 8

STATUSES = {
    0x00: "done",
    0x01: "the last command failed",
    0x02: "the reset failed",
    0x03: "no destination is selected",
    0x04: "the data do not match",
    0x05: "no access",
    0x06: "it does not know the command",
    0x07: "the packet is too short",
    0x08: "the offset is wrong",
    0x09: "nothing was burned before",
    0x0A: "there is no large EEPROM",
    0x0B: "there is no EEPROM",
    0x0C: "writing to the device failed",
    0x0D: "the FPGA reports an error",
    0x0E: "the key of its capabilities is wrong",
    0x0F: "it has no such capability",
    0x10: "there is no power on that USB connector",
    0x11: "capabilities cannot be set while the FPGA is loaded",
}


class Operation(IntEnum):
    """What can be asked of the board."""

    SEND_START = 0x05
    SEND_SEGMENT = 0x07
    SEND_END = 0x09
    RENUMERATE = 0x0B
    CAPABILITIES = 0x0E
    STATUS = 0x11
    EXTRA_INFO = 0x13
    WATCHDOG_SET = 0x31
    WATCHDOG = 0x32
    PORT_SET = 0x34
    PORT = 0x35
    POWER = 0x36
    SERIAL = 0x37
    RESET = 0x45
    HALF_RESET = 0x47


_IDENTITY = struct.Struct("<BHHHB8s")
_CAPABILITIES = struct.Struct("<BBBBBBxxI")
_STATUS = struct.Struct("<BB6s6s6s")
_CARD_INFO = 1
_CARDS = 5
_TWINSTAR = 1


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a board is and which ports its licence opens."""

    label: str
    vendor: int
    product: int
    release: int
    fxs: int
    fxo: int
    bri: int
    pri: int
    echo: int
    """Channels that its echo canceller module may cancel; 0: none."""
    twinstar: bool


@dataclass(frozen=True, slots=True)
class Status:
    """Firmware of a board; versions are "" where there is none."""

    fpga_loaded: bool
    usb_version: str
    fpga_version: str
    eeprom: str
    """"none", "small" or "large"."""


@dataclass(frozen=True, slots=True)
class Card:
    """A module in its slot: 1 FXS, 2 FXO, 3 BRI, 4 PRI, 5 echo canceller, 6 FXS of the newer kind; 7: empty."""

    slot: int
    kind: int
    subtype: int
    ready: bool
    """Its controller has its program."""


@dataclass(frozen=True, slots=True)
class TwinStar:
    """Which of two hosts a box with two USB sockets listens to."""

    port: int
    watchdog: bool
    """It goes over to the other host by itself when this one falls silent."""
    power: tuple[bool, bool]


def _text(octets: bytes) -> str:
    return octets.split(b"\0", 1)[0].decode("latin-1").rstrip("\xff").strip()


class Board:
    """The dialogue with a board. Every method raises LineError."""

    def __init__(self, device: UsbDevice) -> None:
        self._device = device
        self._pipes = device.claim(MPP_INTERFACE)
        self._sequence = 0

    def ask(self, operation: Operation, data: bytes = b"", *, silent: bool = False) -> bytes:
        """Make a request and wait for what it answers, "" for a mere acknowledgement; ``silent``: none comes."""
        sequence, self._sequence = self._sequence, (self._sequence + 1) & 0xFFFF
        message = HEADER.pack(HEADER.size + len(data), sequence, operation) + data
        try:
            self._device.write(self._pipes.out, message)
        except (UsbGone, UsbTimeout):
            if silent:  # it left the bus at once, as it was told
                return b""
            raise
        if silent:
            return b""
        for _ in range(_MOST_STALE):
            try:
                answer = self._device.read(self._pipes.into, _PATIENCE_MS)
            except UsbTimeout:
                raise LineError(
                    f"{self._device.address}: no answer to {operation.name.lower()}; switch the box off and on"
                ) from None
            if len(answer) < HEADER.size:
                raise LineError(f"{self._device.address}: an answer of {len(answer)} octets makes no sense")
            length, its_sequence, its_operation = HEADER.unpack_from(answer)
            if its_sequence == sequence:  # else: to somebody who asked before and did not wait
                return self._answered(operation, its_operation, answer[HEADER.size : length])
        raise LineError(f"{self._device.address}: only answers to other questions came; switch the box off and on")

    def _answered(self, asked: Operation, operation: int, data: bytes) -> bytes:
        if operation == ACKNOWLEDGE and data:
            if data[0]:
                why = STATUSES.get(data[0], f"status {data[0]:#04x}")
                raise LineError(f"{self._device.address}: {asked.name.lower()} is refused: {why}")
            return b""
        if operation != asked | ANSWER:
            raise LineError(f"{self._device.address}: {operation:#04x} is no answer to {asked.name.lower()}")
        return data

    def _short(self, asked: Operation, data: bytes) -> LineError:
        return LineError(
            f"{self._device.address}: {len(data)} octets are too few for {asked.name.lower()}; "
            "its USB firmware is another than this program knows"
        )

    def send_fpga(self, firmware: HexFile) -> None:
        """Load the FPGA."""
        version = firmware.version.encode("latin-1")[:6].ljust(6, b"\0")
        self.ask(Operation.SEND_START, bytes([FPGA]) + version)
        for record in firmware.records:
            self.ask(Operation.SEND_SEGMENT, record.address.to_bytes(2, "little") + record.data)
        self.ask(Operation.SEND_END)

    def renumerate(self) -> None:
        """Leave the bus and come back with the interface of the cards."""
        self.ask(Operation.RENUMERATE, silent=True)

    def reset(self, *, whole: bool) -> None:
        """Forget the FPGA's firmware, or that of the USB chip too."""
        self.ask(Operation.RESET if whole else Operation.HALF_RESET, silent=True)

    def status(self) -> Status:
        """Its firmware."""
        data = self.ask(Operation.STATUS)
        if len(data) < _STATUS.size:
            raise self._short(Operation.STATUS, data)
        kinds, loaded, usb, fpga, _ = _STATUS.unpack_from(data)
        eeprom = ("none", "small", "large", "none")[kinds >> 3 & 3]
        return Status(bool(loaded & 1), _text(usb), _text(fpga) if loaded & 1 else "", eeprom)

    def capabilities(self) -> Capabilities:
        """What it is, and what it is licensed for."""
        data = self.ask(Operation.CAPABILITIES)
        if len(data) < _IDENTITY.size + _CAPABILITIES.size:
            raise self._short(Operation.CAPABILITIES, data)
        _, vendor, product, release, _, label = _IDENTITY.unpack_from(data)
        fxs, fxo, bri, pri, features, echo, _ = _CAPABILITIES.unpack_from(data, _IDENTITY.size)
        twinstar = bool(features & _TWINSTAR)
        return Capabilities(_text(label), vendor, product, release, fxs, fxo, bri, pri, echo, twinstar)

    def cards(self) -> list[Card]:
        """Its modules; the FPGA must be loaded."""
        found = []
        for slot in range(_CARDS):
            data = self.ask(Operation.SERIAL, bytes([_CARD_INFO, slot << 4, 0, 0]))
            if len(data) < 4:
                raise LineError(f"{self._device.address}: no information on the card in slot {slot}")
            found.append(Card(slot, data[2] >> 4, data[2] & 0xF, bool(data[3] & 1)))
        return found

    def extra_info(self) -> str:
        """What its maker wrote into it beside."""
        return _text(self.ask(Operation.EXTRA_INFO))

    def _octet(self, operation: Operation) -> int:
        data = self.ask(operation)
        if not data:
            raise LineError(f"{self._device.address}: {operation.name.lower()} was answered by nothing")
        return data[0]

    def twinstar(self) -> TwinStar:
        """Which host it listens to."""
        power = self._octet(Operation.POWER)
        watchdog, port = self._octet(Operation.WATCHDOG) == 1, self._octet(Operation.PORT)
        return TwinStar(port, watchdog, (bool(power & 1), bool(power & 2)))

    def set_watchdog(self, on: bool) -> None:
        """Have it go over to the other host by itself, or not."""
        self.ask(Operation.WATCHDOG_SET, bytes([on]))

    def jump(self, port: int) -> None:
        """Go over to the host on that port, 0 or 1; it is gone from the other one."""
        self.ask(Operation.PORT_SET, bytes([port]), silent=True)
