"""The DAHDI drivers of this machine as a LineSystem."""

from __future__ import annotations

import asyncio
import logging
import os
import select
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from kernel_shims.dahdi.port import DahdiPort
from kernel_shims.dahdi.request import DEV, RETURN_MASTER, Device
from kernel_shims.dahdi.system_conf import able
from kernel_shims.line import CONNECTED_THROUGH, ChannelStatus, LineError, LinePort, SpanStatus, no_such_channel

log = logging.getLogger(__name__)

_SYSFS = Path("/sys/bus/dahdi_spans/devices")
_MOST_SPANS = 128
_BATCH = 64
_CODING = ((1 << 7, "B8ZS"), (1 << 6, "AMI"), (1 << 9, "HDB3"))
_FRAMING = ((1 << 5, "ESF"), (1 << 4, "D4"), (1 << 8, "CCS"))
_CRC4 = 1 << 10
_LEGACY_OPENING = 1 << 16


def present() -> bool:
    """Whether the drivers are loaded."""
    return os.path.exists(f"{DEV}/ctl")


class DahdiSystem:
    """Every channel of the drivers. Events of all open ports come through one descriptor."""

    def __init__(self) -> None:
        self.on_event: Callable[[LinePort], None] | None = None
        self._control = Device(f"{DEV}/ctl")
        self._poll = select.epoll()
        self._ports: dict[int, DahdiPort] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """See LineSystem."""
        self._loop = loop
        loop.add_reader(self._poll.fileno(), self._readable)

    def stop(self) -> None:
        """See LineSystem. Harmless twice."""
        for port in list(self._ports.values()):
            port.close()
        if not self._poll.closed:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(self._poll.fileno())
            self._poll.close()
        self._control.close()

    def _readable(self) -> None:
        """Edges of POLLPRI: the listener takes events until there are none."""
        for descriptor, _ in self._poll.poll(0, _BATCH):
            port = self._ports.get(descriptor)
            if port is not None and self.on_event is not None:
                self.on_event(port)

    def open(self, number: int) -> DahdiPort:
        """See LineSystem."""
        try:
            port = DahdiPort(number, self._closed)
        except LineError as error:
            raise LineError(self._explained(number, error)) from None
        self._ports[port.descriptor] = port
        self._poll.register(port.descriptor, select.EPOLLPRI | select.EPOLLET)
        return port

    def _explained(self, number: int, error: LineError) -> str:
        try:
            found = self.channel(number)
        except LineError as unknown:
            return str(unknown)
        if not found.signalling:
            return f"channel {number} is not set up; add it to system.conf: it can be {able(found.capabilities)}"
        if found.signalling & CONNECTED_THROUGH:
            return f"channel {number} is connected through to another one by the drivers (dacs in system.conf)"
        if found.master != number:
            return f"channel {number} belongs to the bundle of channel {found.master} (system.conf)"
        return str(error)

    def channel(self, number: int) -> ChannelStatus:
        """See LineSystem."""
        found = self._control.struct("params", channo=number | RETURN_MASTER)
        if self._control.attempt("GET_PARAMS", found) < 0:
            raise LineError(f"{DEV}/channel: {no_such_channel(str(number), self.spans())}")
        name, master = self._control.text(found.name), int(found.channo) >> 16
        return ChannelStatus(number, name, int(found.sigtype), int(found.sigcap), master)

    def channel_at(self, place: str) -> int:
        """See LineSystem."""
        try:
            found = os.stat(f"{DEV}/{place}")
        except OSError as error:
            raise LineError(f"{DEV}/{place}: {error.strerror}") from None
        if not stat.S_ISCHR(found.st_mode):
            raise LineError(f"{DEV}/{place} is no device")
        return os.minor(found.st_rdev)

    def _closed(self, port: DahdiPort) -> None:
        del self._ports[port.descriptor]
        # The descriptor of a D channel that was lost leads elsewhere: with its channel it has left the poll already.
        with suppress(FileNotFoundError, PermissionError):
            self._poll.unregister(port.descriptor)

    def spans(self) -> list[SpanStatus]:
        """See LineSystem."""
        found: list[SpanStatus] = []
        first = 1
        for number in range(1, _MOST_SPANS + 1):
            info = self._control.struct("spaninfo", spanno=number)
            if self._control.attempt("SPANSTAT", info) < 0:
                continue
            base = _sysfs_number(number, "basechan")
            found.append(self._status(info, number, first if base is None else base))
            first = found[-1].first + found[-1].channels
            if len(found) >= info.totalspans:
                break
        return found

    def _status(self, info: Any, number: int, first: int) -> SpanStatus:
        text = self._control.text
        line = int(info.lineconfig)
        options = [word for bit, word in ((_CRC4, "CRC4"), (_LEGACY_OPENING, "NOTOPEN")) if line & bit]
        digital = bool(info.linecompat)
        return SpanStatus(
            number=number,
            name=text(info.name),
            description=text(info.desc),
            first=first,
            channels=int(info.totalchans),
            alarms=int(info.alarms),
            irq_misses=int(info.irqmisses),
            bipolar_violations=int(info.bpvcount),
            crc_errors=int(info.crc4count),
            framing=next((word for bit, word in _FRAMING if line & bit), "CAS"),
            coding=next((word for bit, word in _CODING if line & bit), "Unk"),
            options="/".join(options),
            line_build_out=text(info.lboname),
            sync_source=int(info.syncsrc),
            master=_sysfs_number(number, "is_sync_master") == 1,
            digital=digital,
        )

    def version(self) -> tuple[str, str]:
        """See LineSystem."""
        found = self._control.struct("versioninfo")
        self._control.ask("GETVERSION", found, "read the version")
        return self._control.text(found.version), self._control.text(found.echo_canceller)


def _sysfs_number(span: int, name: str) -> int | None:
    try:
        return int((_SYSFS / f"span-{span}" / name).read_text())
    except (OSError, ValueError):
        return None
