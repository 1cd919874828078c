"""DAHDI's channel devices by their plain ioctls: an independent hand on the far end of a line.

Numbers from include/dahdi/user.h for 64-bit processors; what kernel-shims makes of them is checked against the same
kernel by its own stories.
"""

from __future__ import annotations

import fcntl
import os
import select
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

SPECIFY = 0x4004DA26
HOOK = 0x4004DA07
GETEVENT = 0x8004DA08
SET_BUFINFO = 0x4018DA1B
DIAL = 0x4104DA1F
BLOCK = 160  # bytes, 20 ms
EVENT_WAITS = 500  # ELAST: an event has to be taken before audio goes on


class Hook(IntEnum):
    """Arguments of DAHDI_HOOK."""

    ON = 0
    OFF = 1
    WINK = 2
    FLASH = 3
    START = 4
    RING = 5
    RINGOFF = 6


class Event(IntEnum):
    """What DAHDI_GETEVENT tells."""

    NONE = 0
    ONHOOK = 1
    RINGOFFHOOK = 2
    WINKFLASH = 3
    ALARM = 4
    NOALARM = 5
    DIALCOMPLETE = 9
    RINGERON = 10
    RINGEROFF = 11
    HOOKCOMPLETE = 12
    PULSE_START = 14
    RINGBEGIN = 18
    REMOVED = 20


PULSE_DIGIT = 1 << 16


class Line:
    """One channel. Times are seconds of the guest's clock."""

    def __init__(self, channel: int, block: int = BLOCK, blocks: int = 8) -> None:
        self.channel = channel
        self.fd = os.open("/dev/dahdi/channel", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(self.fd, SPECIFY, struct.pack("i", channel))
        fcntl.ioctl(self.fd, SET_BUFINFO, struct.pack("6i", 0, 0, blocks, block, 0, 0))

    def close(self) -> None:
        """Give the channel back; a line that is off hook goes on hook."""
        os.close(self.fd)

    def hook(self, state: Hook) -> None:
        """Set the hook; ringing says EINPROGRESS while it goes on, which is no error."""
        try:
            fcntl.ioctl(self.fd, HOOK, struct.pack("i", state))
        except BlockingIOError:
            pass
        except OSError as error:
            if error.errno != 115:
                raise

    def dial(self, digits: str) -> None:
        """Dial: "T123" in tones, "P123" in pulses."""
        fcntl.ioctl(self.fd, DIAL, struct.pack("i256s", 2, digits.encode()))

    def event(self, timeout: float = 5.0) -> int:
        """The next event; NONE when there was none in time."""
        poll = select.poll()
        poll.register(self.fd, select.POLLPRI)
        if not poll.poll(timeout * 1000):
            return Event.NONE
        return int(struct.unpack("i", fcntl.ioctl(self.fd, GETEVENT, bytes(4)))[0])

    def expect(self, wanted: int, timeout: float = 5.0) -> list[int]:
        """Wait for an event; those that came before it."""
        before: list[int] = []
        deadline = time.monotonic() + timeout
        while (left := deadline - time.monotonic()) > 0:
            found = self.event(left)
            if found == wanted:
                return before
            if found:
                before.append(found)
        raise AssertionError(f"channel {self.channel}: event {wanted!r} did not come; {before} came")

    def drain(self) -> None:
        """Forget the events so far."""
        while self.event(0.01):
            pass


@contextmanager
def lines(*channels: int, block: int = BLOCK, blocks: int = 8) -> Iterator[list[Line]]:
    """Some channels, closed at the end."""
    opened: list[Line] = []
    try:
        for channel in channels:
            opened.append(Line(channel, block, blocks))
        yield opened
    finally:
        for line in opened:
            line.close()


def carry(source: Line, target: Line, data: bytes, idle: bytes = b"\xff", seconds: float = 10.0) -> bytes:
    """Send bytes from one end, followed by idle, until they all came out of the other; what came out there."""
    heard = b""
    todo = data
    poll = select.poll()
    poll.register(source.fd, select.POLLOUT)
    poll.register(target.fd, select.POLLIN)
    deadline = time.monotonic() + seconds
    while data not in heard and time.monotonic() < deadline:
        for fd, ready in poll.poll(1000):
            try:
                if fd == target.fd and ready & select.POLLIN:
                    heard += os.read(target.fd, BLOCK)
                if fd == source.fd and ready & select.POLLOUT:
                    block = (todo + idle * BLOCK)[:BLOCK]
                    todo = todo[os.write(source.fd, block) :]
            except OSError as error:
                if error.errno != EVENT_WAITS:
                    raise
                (source if fd == source.fd else target).event(0)
    return heard


def frame(source: Line, target: Line, content: bytes, timeout: float = 2.0) -> bytes:
    """Send one HDLC frame over a D channel; what arrived. Two bytes more both ways stand for the check sum."""
    os.write(source.fd, content + b"\0\0")
    poll = select.poll()
    poll.register(target.fd, select.POLLIN | select.POLLPRI)
    deadline = time.monotonic() + timeout
    while (left := deadline - time.monotonic()) > 0:
        for _, ready in poll.poll(left * 1000):
            if ready & select.POLLPRI:
                target.event(0)
            if ready & select.POLLIN:
                return os.read(target.fd, 1024)[:-2]
    return b""
