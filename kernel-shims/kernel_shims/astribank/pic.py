"""Programs for the controllers (PIC) of an Astribank's cards, sent over the cards' interface once the FPGA is loaded.

A packet is {u16 length, u8 operation, u8 unit, u8 flags, u8 card type, u16 offset} and its data; as dahdi-tools'
xpp/pic_loader.c has it.
"""

from __future__ import annotations

import re
import struct

from kernel_shims.astribank.hexfile import HexFile
from kernel_shims.astribank.usb import XPP_INTERFACE, UsbDevice, UsbTimeout
from kernel_shims.line import LineError

PACKET = struct.Struct("<HBBBBH")
REQUEST, REPLY = 0x09, 0x0A
DATA, START, END, ALL_DONE = 0, 1, 2, 4
LINE = 3
"""Octets of a record: one instruction of the controller."""
_NAME = re.compile(r"PIC_TYPE_(\d)\.hex", re.IGNORECASE)
_PATIENCE_MS, _LEFT_MS = 500, 100
_MOST_STALE = 2
_USB2 = 512


def load(device: UsbDevice, programs: list[HexFile]) -> None:
    """Load the programs of every kind of card; cards take their own. Raises LineError."""
    pipes = device.claim(XPP_INTERFACE)
    if pipes.packet != _USB2:
        raise LineError(f"{device.address}: it is plugged into USB 1; its cards need a socket of USB 2")
    _forget(device, pipes.into)
    for program in programs:
        _burn(device, pipes.out, pipes.into, program)
    device.write(pipes.out, _packet(ALL_DONE))


def _packet(flags: int, kind: int = 0, offset: int = 0, data: bytes = b"") -> bytes:
    return PACKET.pack(PACKET.size + len(data), REQUEST, 0, flags, kind, offset) + data


def _forget(device: UsbDevice, endpoint: int) -> None:
    """What somebody left unread would be taken for an answer."""
    for _ in range(_MOST_STALE):
        try:
            device.read(endpoint, _LEFT_MS)
        except UsbTimeout:
            return


def _burn(device: UsbDevice, out: int, into: int, program: HexFile) -> None:
    found = _NAME.fullmatch(program.path.name)
    if found is None or not int(found[1]):
        raise LineError(f"{program.path}: the name says no card type; it should be PIC_TYPE_1.hex or the like")
    kind, check = int(found[1]), 0
    device.write(out, _packet(START, kind))
    for record in program.records:
        if len(record.data) != LINE:
            raise LineError(f"{program.path}:{record.line}: {len(record.data)} octets instead of {LINE}")
        for octet in record.data:
            check ^= octet
        device.write(out, _packet(DATA, kind, record.address, record.data))
    device.write(out, _packet(END, kind, 0, bytes([check])))
    try:
        answer = device.read(into, _PATIENCE_MS)
    except UsbTimeout:
        raise LineError(
            f"{device.address}: {program.path.name}: the cards did not answer; is the FPGA loaded?"
        ) from None
    if len(answer) <= PACKET.size or answer[2] != REPLY:
        raise LineError(f"{device.address}: {program.path.name}: the cards' answer is none ({answer[:12].hex(' ')})")
    if answer[PACKET.size]:
        raise LineError(f"{device.address}: {program.path.name}: a card reports a wrong checksum; try again")
