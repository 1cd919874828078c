"""A serial line with SMDI: messages wait until somebody asks for them, or until they are too old."""

from __future__ import annotations

import asyncio
import logging
import os
import termios
from collections.abc import Callable
from dataclasses import dataclass

from offhook.drivers.smdi.protocol import CallMessage, LampRefused, Reader, lamp_order

log = logging.getLogger(__name__)

_READ = 512
_MOST_WAITING = 1000
SPEEDS = {"1200": termios.B1200, "2400": termios.B2400, "4800": termios.B4800, "9600": termios.B9600}


@dataclass(frozen=True, slots=True)
class LineSettings:
    """How a serial port is set."""

    speed: str = "9600"
    parity: str = "even"
    bits: int = 7
    two_stop_bits: bool = False
    strip: int = 0
    expires_s: float = 30.0


class SmdiLink:
    """One port. Raises OSError when it cannot be opened or set."""

    def __init__(self, path: str, settings: LineSettings, loop: asyncio.AbstractEventLoop) -> None:
        self.path = path
        self.settings = settings
        self._loop = loop
        self._reader = Reader(settings.strip)
        self._waiting: list[tuple[float, CallMessage]] = []
        self._askers: list[tuple[Callable[[CallMessage], bool], asyncio.Future[CallMessage]]] = []
        self._descriptor = os.open(path, os.O_RDWR | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            self._set_up()
        except (OSError, termios.error) as error:
            os.close(self._descriptor)
            raise OSError(f"{path}: {error}") from None
        loop.add_reader(self._descriptor, self._readable)

    def _set_up(self) -> None:
        if not os.isatty(self._descriptor):
            raise OSError("it is no serial port")
        found = termios.tcgetattr(self._descriptor)
        speed = SPEEDS[self.settings.speed]
        control = termios.CREAD | termios.CLOCAL | (termios.CS7 if self.settings.bits == 7 else termios.CS8)
        control |= termios.CSTOPB if self.settings.two_stop_bits else 0
        if self.settings.parity != "none":
            control |= termios.PARENB | (termios.PARODD if self.settings.parity == "odd" else 0)
        # Neither lines nor signals nor flow control are made of what comes.
        termios.tcsetattr(self._descriptor, termios.TCSANOW, [0, 0, control, 0, speed, speed, found[6]])

    def close(self) -> None:
        """Give the port back. Harmless twice."""
        if self._descriptor >= 0:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1
        for _, asker in self._askers:
            asker.cancel()
        self._askers.clear()

    def _readable(self) -> None:
        try:
            octets = os.read(self._descriptor, _READ)
        except BlockingIOError:
            return
        except OSError as error:
            log.error("%s: %s; SMDI is read no more", self.path, error.strerror)
            self.close()
            return
        for message in self._reader.feed(octets):
            if isinstance(message, LampRefused):
                log.warning("%s: the exchange refuses the lamp of %s: %s", self.path, message.station, message.cause)
            else:
                self._came(message)

    def _came(self, message: CallMessage) -> None:
        for place, (fits, asker) in enumerate(self._askers):
            if not asker.done() and fits(message):
                del self._askers[place]
                asker.set_result(message)
                return
        self._waiting = [*self._fresh(), (self._loop.time(), message)][-_MOST_WAITING:]

    def _fresh(self) -> list[tuple[float, CallMessage]]:
        oldest = self._loop.time() - self.settings.expires_s
        return [entry for entry in self._waiting if entry[0] > oldest]

    async def take(self, fits: Callable[[CallMessage], bool], within_s: float) -> CallMessage | None:
        """Take the oldest message that fits, waiting for it so long; None when none came."""
        self._waiting = self._fresh()
        for entry in self._waiting:
            if fits(entry[1]):
                self._waiting.remove(entry)
                return entry[1]
        asker: asyncio.Future[CallMessage] = self._loop.create_future()
        asked = (fits, asker)
        self._askers.append(asked)
        try:
            return await asyncio.wait_for(asker, within_s)
        except TimeoutError:
            return None
        finally:
            if asked in self._askers:
                self._askers.remove(asked)

    def lamp(self, station: str, on: bool) -> None:
        """Have the exchange light a station's lamp, or put it out."""
        try:
            os.write(self._descriptor, lamp_order(station, on, self.settings.strip))
        except OSError as error:
            log.error("%s: the lamp of %s: %s", self.path, station, error.strerror)
