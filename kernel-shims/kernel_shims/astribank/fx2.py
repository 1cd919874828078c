"""Loading a Cypress FX2, the USB chip of an Astribank: vendor request 0xA0 writes its memory while its processor rests.

EZ-USB FX2 Technical Reference Manual 3.8 ("Firmware Load") and 5 (the memory map).
"""

from __future__ import annotations

from collections.abc import Iterator

from kernel_shims.astribank.hexfile import HexFile
from kernel_shims.astribank.usb import UsbDevice, UsbGone, UsbTimeout
from kernel_shims.line import LineError

LOAD = 0xA0
VENDOR_OUT = 0x40
CPU_CONTROL = 0xE600
RESTING, RUNNING = b"\x01", b"\x00"
_ON_CHIP = (range(0x4000), range(0xE000, 0xE200))
_LONGEST = 1023


def blocks(firmware: HexFile) -> Iterator[tuple[int, bytes]]:
    """What follows each other in one piece, as few transfers as may be. Raises LineError for memory off the chip."""
    start, data = 0, b""
    for record in firmware.records:
        last = record.address + len(record.data) - 1
        if not any(record.address in part and last in part for part in _ON_CHIP):
            raise LineError(
                f"{firmware.path}:{record.line}: address {record.address:#06x} is not in the chip; "
                "this firmware is for another one"
            )
        if data and record.address == start + len(data) and len(data) + len(record.data) <= _LONGEST:
            data += record.data
            continue
        if data:
            yield start, data
        start, data = record.address, record.data
    if data:
        yield start, data


def load(device: UsbDevice, firmware: HexFile) -> None:
    """Load a firmware and start it; the device leaves the bus and comes back as another. Raises LineError."""
    parts = list(blocks(firmware))
    device.control(VENDOR_OUT, LOAD, CPU_CONTROL, 0, RESTING)
    for address, data in parts:
        device.control(VENDOR_OUT, LOAD, address, 0, data)
    try:
        device.control(VENDOR_OUT, LOAD, CPU_CONTROL, 0, RUNNING)
    except (UsbGone, UsbTimeout):
        # The processor runs and has already left the bus, before it could acknowledge.
        return
