"""The stages of an Astribank's firmware: USB chip, FPGA and the cards' controllers; after each it enumerates anew.

11x0 --fx2--> 11x1 --mpp (FPGA), pic (cards)--> 11x2, which xpp_usb takes
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from kernel_shims.astribank import fx2, mpp, pic
from kernel_shims.astribank.hexfile import HexFile, read_hex
from kernel_shims.astribank.usb import BLANK_FX2, CYPRESS, UsbAddress, UsbBus
from kernel_shims.line import LineError

FOLDERS = (Path("/usr/share/dahdi"), Path("/usr/lib/firmware/dahdi"))
_PACKAGE = "Debian's dahdi-firmware-nonfree (component non-free-firmware)"
_CARD_TYPES = (1, 2, 3, 4, 6)
_FIRST_RELEASE, _SECOND_RELEASES = 0x0101, (0x0201, 0x0202, 0x0203)
_NEEDS_PROGRAMS = 0x1160
_ECHO_CARD = 5


@dataclass(frozen=True, slots=True)
class Library:
    """Where firmware files lie."""

    folders: tuple[Path, ...] = FOLDERS

    def find(self, name: str) -> Path:
        """A file. Raises LineError with the package that has it."""
        for folder in self.folders:
            path = folder / name
            if path.exists():
                return path
        places = " or ".join(map(str, self.folders))
        raise LineError(f"firmware {name} is not in {places}; install {_PACKAGE}")

    def read(self, name: str) -> HexFile:
        """A file's content. Raises LineError."""
        return read_hex(self.find(name))


@dataclass(slots=True)
class Report:
    """What was found out about a box while its firmware was loaded."""

    capabilities: mpp.Capabilities | None = None
    cards: list[mpp.Card] = field(default_factory=list)

    @property
    def echo_module(self) -> bool:
        """Whether it has a canceller of its own, which is left alone: the engine cancels."""
        return any(card.kind == _ECHO_CARD for card in self.cards)


def usb_firmware(address: UsbAddress) -> str:
    """The file for the USB chip. Raises LineError for a box that there is none for."""
    if (address.vendor, address.product) == (CYPRESS, BLANK_FX2):
        return "USB_RECOV.hex"
    if address.release == _FIRST_RELEASE:
        return "USB_FW.hex"
    if address.model == _NEEDS_PROGRAMS and address.release in _SECOND_RELEASES:
        return f"USB_FW.{address.release:x}.hex"
    raise LineError(f"{address}: no USB firmware is known for {address.product:04x} of release {address.release:x}")


def fpga_firmware(address: UsbAddress) -> str:
    """The file for the FPGA. Raises LineError."""
    if address.release == _FIRST_RELEASE:
        return "FPGA_FXS.hex" if address.model == 0x1130 else f"FPGA_{address.product:04x}.hex"
    if address.product == 0x1161 and address.release in _SECOND_RELEASES:
        return f"FPGA_1161.{address.release:x}.hex"
    raise LineError(f"{address}: no FPGA firmware is known for {address.product:04x} of release {address.release:x}")


def needs(address: UsbAddress) -> bool:
    """Whether a device is an Astribank that has not all of its firmware."""
    return address.is_astribank and address.stage != 2


def load_stage(bus: UsbBus, address: UsbAddress, library: Library, report: Report | None = None) -> Iterator[str]:
    """Load what a device needs next. Yields a sentence for each file begun. Blocks for seconds; raises LineError."""
    if address.stage in (0, 3) or address.vendor == CYPRESS:
        yield from _load_usb(bus, address, library)
    elif address.stage == 1:
        yield from _load_board(bus, address, library, report or Report())


def _load_usb(bus: UsbBus, address: UsbAddress, library: Library) -> Iterator[str]:
    file = library.read(usb_firmware(address))
    yield f"{address}: {file.path.name} {file.version} for its USB chip"
    device = bus.open(address)
    try:
        fx2.load(device, file)
    finally:
        device.close()


def _load_board(bus: UsbBus, address: UsbAddress, library: Library, report: Report) -> Iterator[str]:
    file = library.read(fpga_firmware(address))
    programs: list[HexFile] = []
    if address.model == _NEEDS_PROGRAMS:
        programs = [library.read(f"PIC_TYPE_{kind}.hex") for kind in _CARD_TYPES]
    device = bus.open(address)
    try:
        board = mpp.Board(device)
        if not board.status().fpga_loaded:
            yield f"{address}: {file.path.name} {file.version} for its FPGA"
            board.send_fpga(file)
        if programs:
            report.capabilities, report.cards = board.capabilities(), board.cards()
            yield f"{address}: {', '.join(program.path.name for program in programs)} for its cards"
            pic.load(device, programs)
        board.renumerate()
    finally:
        device.close()
