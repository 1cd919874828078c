"""A simulated device in this machine's kernel: usbip's protocol with vhci_hcd over a socket pair, without any daemon.

Documentation/usb/usbip_protocol.rst of the kernel: a message has 48 octets, big-endian, and the data of the transfer.
"""

from __future__ import annotations

import socket
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kernel_shims.astribank.simulated.device import Setup, SimulatedDevice, Stall
from kernel_shims.line import LineError

VHCI = Path("/sys/devices/platform/vhci_hcd.0")
_HEAD = struct.Struct(">IIIII")
_SUBMIT = struct.Struct(">IiiiI8s")
_RESULT = struct.Struct(">iiiii8x")
_UNLINK = struct.Struct(">I24x")
_UNLINKED = struct.Struct(">i24x")
_MESSAGE = 48
_CMD_SUBMIT, _CMD_UNLINK, _RET_SUBMIT, _RET_UNLINK = 1, 2, 3, 4
_IN = 1
_HIGH_SPEED = 3
_FREE = 4
_EPIPE, _ECONNRESET = 32, 104
_LARGEST_READ = 1 << 16
_SETTLE_TICKS = 100
"""How long a device is away from the bus while it enumerates anew, in ms."""


def free_port(vhci: Path = VHCI) -> int:
    """A socket of the virtual hub that nothing is plugged into. Raises LineError."""
    try:
        text = (vhci / "status").read_text()
    except OSError as error:
        raise LineError(f"{vhci}/status: {error.strerror}; load the driver: modprobe vhci-hcd") from None
    for line in text.splitlines()[1:]:
        fields = line.split()
        if len(fields) >= 3 and fields[0] == "hs" and int(fields[2]) == _FREE:
            return int(fields[1])
    raise LineError("every socket of the virtual USB hub is taken")


class VirtualSocket:
    """A device plugged into the virtual hub; it is unplugged and plugged in again when it enumerates anew.

    Whoever has it calls ``readable`` when ``descriptor`` is, and ``tick`` every millisecond.
    """

    def __init__(self, device: SimulatedDevice, vhci: Path = VHCI) -> None:
        self._device = device
        self._vhci = vhci
        self._socket: socket.socket | None = None
        self._input = bytearray()
        self._held: bytearray | None = None
        self._reads: dict[int, deque[tuple[int, int]]] = {}
        """Reads that wait for data, by endpoint: their sequence and room."""
        self._back_in = -1
        device.on_change = self.enumerate_anew
        device.on_leave = self.unplug
        device.on_data = self._data

    @property
    def descriptor(self) -> int:
        """-1 while it is not plugged in."""
        return self._socket.fileno() if self._socket is not None else -1

    def plug(self) -> None:
        """Plug it in. Raises LineError."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        port = free_port(self._vhci)
        try:
            (self._vhci / "attach").write_text(f"{port} {theirs.fileno()} {1 << 16 | port + 1} {_HIGH_SPEED}")
        except OSError as error:
            ours.close()
            raise LineError(f"{self._vhci}/attach: {error.strerror}; attaching needs root") from None
        finally:
            theirs.close()
        ours.setblocking(True)
        self._socket = ours

    def unplug(self) -> None:
        """Pull it out. Harmless twice."""
        if self._socket is not None:
            if self._held:
                # What it acknowledged before it left.
                self._socket.sendall(bytes(self._held))
            self._socket.close()
            self._socket = None
        self._input.clear()
        if self._held is not None:
            self._held.clear()
        self._reads.clear()
        self._back_in = -1

    def enumerate_anew(self) -> None:
        """The device left the bus and comes back as another."""
        self.unplug()
        self._back_in = _SETTLE_TICKS

    def tick(self) -> None:
        """A millisecond passed."""
        if self._back_in > 0:
            self._back_in -= 1
            if not self._back_in:
                self.plug()

    def readable(self) -> None:
        """The kernel has something for the device."""
        assert self._socket is not None
        data = self._socket.recv(_LARGEST_READ)
        if not data:
            self.unplug()
            return
        self._input += data
        with self.together():
            for head, body, payload in self._messages():
                if self._socket is None:
                    return
                self._take(head, body, payload)

    def _messages(self) -> Iterator[tuple[tuple[int, ...], bytes, bytes]]:
        while len(self._input) >= _MESSAGE:
            head = _HEAD.unpack_from(self._input)
            body = bytes(self._input[_HEAD.size : _MESSAGE])
            length = 0
            if head[0] == _CMD_SUBMIT and head[3] != _IN:
                length = _SUBMIT.unpack(body)[1]
            if len(self._input) < _MESSAGE + length:
                return
            payload = bytes(self._input[_MESSAGE : _MESSAGE + length])
            del self._input[: _MESSAGE + length]
            yield head, body, payload

    def _take(self, head: tuple[int, ...], body: bytes, payload: bytes) -> None:
        command, sequence, _, direction, endpoint = head
        if command == _CMD_UNLINK:
            self._unlink(sequence, _UNLINK.unpack(body)[0])
            return
        _, room, _, _, _, setup = _SUBMIT.unpack(body)
        if endpoint == 0:
            self._control(sequence, Setup(*struct.unpack("<BBHHH", setup)), payload)
        elif direction == _IN:
            self._reads.setdefault(endpoint | 0x80, deque()).append((sequence, room))
            self._data(endpoint | 0x80)
        else:
            # Acknowledged first: what the device makes of it may take it off the bus.
            self._done(sequence, 0, len(payload))
            try:
                self._device.written(endpoint, payload)
            except (Stall, ValueError):
                return

    def _control(self, sequence: int, setup: Setup, payload: bytes) -> None:
        try:
            answer = self._device.control(setup, payload)
        except Stall:
            self._done(sequence, -_EPIPE, 0)
            return
        self._done(sequence, 0, len(answer) if setup.request_type & 0x80 else len(payload), answer)

    def _unlink(self, sequence: int, wanted: int) -> None:
        for reads in self._reads.values():
            for read in reads:
                if read[0] == wanted:
                    reads.remove(read)
                    self._send(_HEAD.pack(_RET_UNLINK, sequence, 0, 0, 0) + _UNLINKED.pack(-_ECONNRESET))
                    return
        self._send(_HEAD.pack(_RET_UNLINK, sequence, 0, 0, 0) + _UNLINKED.pack(0))

    def _data(self, endpoint: int) -> None:
        reads = self._reads.get(endpoint)
        while reads and (data := self._device.read(endpoint)) is not None:
            sequence, room = reads.popleft()
            self._done(sequence, 0, len(data[:room]), data[:room])

    def _done(self, sequence: int, status: int, length: int, data: bytes = b"") -> None:
        head = _HEAD.pack(_RET_SUBMIT, sequence, 0, 0, 0)
        self._send(head + _RESULT.pack(status, length, 0, 0, 0) + data)

    @contextmanager
    def together(self) -> Iterator[None]:
        """What is to be sent meanwhile goes in one piece at the end."""
        self._held = bytearray()
        try:
            yield
        finally:
            held, self._held = self._held, None
            if held:
                self._send(bytes(held))

    def _send(self, message: bytes) -> None:
        if self._held is not None:
            self._held += message
            return
        if self._socket is None:
            return
        try:
            self._socket.sendall(message)
        except OSError:  # the kernel has let go of it
            self.unplug()
