"""A bounded capture: SIP messages, decrypted; headers of RTP where the daemon may see packets; frames of D channels."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from offhook.calls.signalling import DChannelFrame

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.drivers.sip.transport.flow import Flow

MOST_BYTES: Final = 8_000_000
SNAP: Final = 60
"""Bytes kept of a packet: IP with options, UDP, RTP's header and a little. No audio."""
ETH_P_IP: Final = 0x0800
SO_ATTACH_FILTER: Final = 26
_FILTER: Final = (
    (0x30, 0, 0, 9),  # load the protocol
    (0x15, 0, 1, 17),  # UDP?
    (0x06, 0, 0, SNAP),  # keep so much
    (0x06, 0, 0, 0),  # keep nothing
)
"""A classic BPF program over the IP packet (packet(7), SOCK_DGRAM)."""
GSMTAP_PORT: Final = 4729
_LOOPBACK: Final = ("127.0.0.1", GSMTAP_PORT)


def d_channel(event: DChannelFrame) -> bytes:
    """A frame in a GSMTAP datagram, which Wireshark shows as LAPD and Q.931 beside the SIP of the same file.

    Header (libosmocore's gsmtap.h): version 2, four words, type E1/T1, time slot, channel number with bit 14 for
    what goes out, no levels, no frame number, sub-type LAPD. The span stands in the channel number.
    """
    outgoing = 0x4000 if event.sent else 0
    return struct.pack("!BBBBHbbIBBBB", 2, 4, 0x13, 16, outgoing | event.span, 0, 0, 0, 1, 0, 0, 0) + event.data


class Capture:
    """Gathers records of a pcap file in memory, up to a size."""

    def __init__(self, pbx: Pbx, ports: tuple[int, int]) -> None:
        from offhook.drivers.sip.transport.wirelog import PCAP_HEADER

        self.pbx = pbx
        self.data = bytearray(PCAP_HEADER)
        self.messages = self.packets = self.frames = 0
        self.missed = ""
        """Why there are no RTP headers, "" when there are."""
        self.full = asyncio.Event()
        """No more fits."""
        self._ports = ports
        self._stack = pbx.parts.get("pjsip")
        if self._stack is not None:
            self._stack.on_received.append(self._received)
            self._stack.on_sent.append(self._sent)
        self._drop = pbx.bus.subscribe(DChannelFrame, self._frame)
        self._socket: socket.socket | None = None
        try:
            self._socket = self._open()
        except OSError as error:
            self.missed = f"RTP headers are missing: {error.strerror} (the daemon needs CAP_NET_RAW)"
        else:
            pbx.loop.add_reader(self._socket.fileno(), self._readable)

    @staticmethod
    def _open() -> socket.socket:
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC, socket.htons(ETH_P_IP))
        try:
            code = b"".join(struct.pack("=HBBI", *step) for step in _FILTER)
            buffer = ctypes.create_string_buffer(code)
            program = struct.pack("HP", len(_FILTER), ctypes.addressof(buffer))
            sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, program)
            sock.setblocking(False)
        except OSError:
            sock.close()
            raise
        return sock

    def _add(self, record: bytes) -> bool:
        """Add a record, unless no more fits."""
        if len(self.data) + len(record) > MOST_BYTES:
            self.full.set()
            return False
        self.data += record
        return True

    def _received(self, data: bytes, flow: Flow) -> None:
        self._message(data, flow, sent=False)

    def _sent(self, data: bytes, flow: Flow) -> None:
        self._message(data, flow, sent=True)

    def _message(self, data: bytes, flow: Flow, *, sent: bool) -> None:
        if self._stack is None:
            return
        from offhook.drivers.sip.transport.wirelog import packet
        from offhook.field.diag.redact import redacted

        clean = redacted(data.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")
        local, far = self._stack.local_address(flow), (flow.host, flow.port)
        source, target = (local, far) if sent else (far, local)
        self.messages += self._add(packet(clean, source, target, self.pbx.wall()))

    def _frame(self, event: DChannelFrame) -> None:
        from offhook.drivers.sip.transport.wirelog import packet

        self.frames += self._add(packet(d_channel(event), _LOOPBACK, _LOOPBACK, self.pbx.wall()))

    def _readable(self) -> None:
        assert self._socket is not None
        low, high = self._ports
        for _ in range(64):
            try:
                data = self._socket.recv(SNAP)
            except OSError:
                return
            size = (data[0] & 0x0F) * 4 if data else 0
            if len(data) < size + 20:
                continue
            source, target = struct.unpack_from("!HH", data, size)
            if not (low <= source <= high or low <= target <= high):
                continue
            (whole,) = struct.unpack_from("!H", data, 2)
            frame = bytes(12) + b"\x08\x00" + data[: size + 20]
            wall = self.pbx.wall()
            head = struct.pack("<IIII", int(wall), int(wall % 1 * 1e6), len(frame), 14 + whole)
            self.packets += self._add(head + frame)

    def close(self) -> None:
        """Gather no more."""
        self._drop()
        if self._stack is not None:
            self._stack.on_received.remove(self._received)
            self._stack.on_sent.remove(self._sent)
        if self._socket is not None:
            with suppress(OSError):
                self.pbx.loop.remove_reader(self._socket.fileno())
            self._socket.close()
