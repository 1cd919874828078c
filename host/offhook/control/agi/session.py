"""One program's hold on a channel: its commands one after the other, and what the call's end means to it."""

from __future__ import annotations

import asyncio
import logging
import random
from inspect import isawaitable
from typing import TYPE_CHECKING

from offhook import ASTERISK_VERSION
from offhook.calls.channel import Channel, Hangup, Interruption
from offhook.calls.frames import Frame
from offhook.config.model import FALSE_WORDS, TRUE_WORDS
from offhook.control.agi.events import AgiExecEnd, AgiExecStart
from offhook.control.agi.protocol import (
    DEAD,
    UNKNOWN,
    AgiCommand,
    CommandFailed,
    Superseded,
    UsageError,
    environment,
    find,
    split_line,
    usage_answer,
)
from offhook.dialplan.executor import take_interruption
from offhook.dialplan.outcome import Outcome
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.control.agi.links import Link

log = logging.getLogger(__name__)

DEBUG = "agi.debug"
"""Where ``pbx.parts`` has whether the talk with programs is shown on the console."""


class Session:
    """A program in charge of a channel."""

    def __init__(self, channel: Channel, link: Link, request: str) -> None:
        self.channel = channel
        self.link = link
        self.request = request
        self.dead = not channel.alive
        self.interruption: Interruption | None = None
        """What broke into the channel meanwhile; given back when the program has ended."""
        self.broken = "-1"
        """The answer of the running command if the call ends meanwhile."""
        self.left = False
        """ASYNCAGI BREAK was given."""
        self._lines_at_start = 0

    # ---- talking ------------------------------------------------------------------------------------

    def send(self, text: str) -> None:
        """Send text to the program, with what debugging shows of it."""
        if self.channel.pbx.parts.get(DEBUG):
            for line in text.splitlines():
                verbose(0, "<%s>AGI Tx >> %s", self.channel.name, line)
        self.link.send(text)

    def introduce(self, arguments: list[str], *, enhanced: bool = False) -> None:
        """Send the opening environment."""
        version = ASTERISK_VERSION
        self.send(environment(self.channel, self.request, arguments, enhanced=enhanced, version=version))

    async def run(self) -> str:
        """Serve the program until it ends; what AGISTATUS becomes, its exit status not yet looked at."""
        channel, link = self.channel, self.link
        status = "SUCCESS"
        signals = (channel.get("AGISIGHUP") or "").lower() not in FALSE_WORDS
        leaves = (channel.get("AGIEXITONHANGUP") or "").lower() in TRUE_WORDS
        link.on_arrival = self._wake
        try:
            while True:
                if channel.interruption is not None and not self.dead:
                    self._take_interruption()
                    status = "HANGUP"
                    self.dead = True
                    if signals:
                        link.hang_up()
                    if leaves:
                        break
                line = await self._line()
                if line is None:
                    if channel.interruption is not None and not self.dead:
                        continue
                    verbose(3, "<%s>AGI Script %s completed, returning %s", channel.name, self.request, status)
                    break
                if line is not _BROKEN and not await self.execute(line) and channel.interruption is None:
                    status = "FAILURE" if status == "SUCCESS" else status
        finally:
            link.on_arrival = None
            if signals and not link.ended:
                link.hang_up()
        return status

    async def _line(self) -> str | None:
        try:
            line = await self.link.line()
        except asyncio.CancelledError:
            if self.channel.interruption is None:
                raise
            self._uncancel()
            return _BROKEN
        self.channel.frames.clear()
        return line

    def _take_interruption(self) -> None:
        self.interruption = take_interruption(self.channel)

    def _uncancel(self) -> None:
        """The cancellation that came with an interruption has been seen; the interruption stays noted."""
        why = take_interruption(self.channel)
        self.channel.interruption = why

    def _wake(self) -> None:
        waiter = self.channel.waiter
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    # ---- commands -----------------------------------------------------------------------------------

    async def execute(self, line: str) -> bool:
        """Carry out one command line and answer it; False when it failed."""
        channel = self.channel
        bus = channel.pbx.bus
        if channel.pbx.parts.get(DEBUG):
            verbose(0, "<%s>AGI Rx << %s", channel.name, line)
        line = line.removesuffix("\r")
        number = random.getrandbits(31)
        bus.publish(AgiExecStart(channel, number, line))
        code, result = await self._execute(line)
        bus.publish(AgiExecEnd(channel, number, line, code, result))
        return code != -1

    async def _execute(self, line: str) -> tuple[int, str]:
        found = find(split_line(line))
        if found is None:
            self.send(UNKNOWN)
            return 510, "Invalid or unknown command"
        entry, arguments = found
        if self.dead and not entry.dead:
            self.send(DEAD)
            return 511, "Command Not Permitted on a dead channel or intercept routine"
        self.broken = "-1"
        self._lines_at_start = len(self.link.lines)
        try:
            answer = await self._answer(entry, arguments)
        except UsageError:
            self.send(usage_answer(entry))
            return 520, "Usage"
        except CommandFailed as failure:
            self.send(f"200 result={failure.answer}\n")
            return -1, "Failure"
        except Superseded:
            return 200, "Success"
        except Outcome:
            self.send(f"200 result={self.broken}\n")
            return -1, "Failure"
        except asyncio.CancelledError:
            if self.channel.interruption is None:
                raise
            self._uncancel()
            self.send(f"200 result={self.broken}\n")
            return -1, "Failure"
        if answer is not None:
            self.send(f"200 result={answer}\n")
        return 200, "Success"

    async def _answer(self, entry: AgiCommand, arguments: list[str]) -> str | None:
        answer = entry.run(self, arguments)
        return await answer if isawaitable(answer) else answer

    async def read(self, timeout: float | None = None) -> Frame | None:
        """The channel's next frame, None after some seconds. Raises Superseded when another command has come."""
        if not self.channel.alive:
            raise Hangup
        frame = await self.channel.read(timeout)
        if frame is None and (self.link.ended or len(self.link.lines) > self._lines_at_start):
            raise Superseded
        return frame


_BROKEN = "\0"
"""Given instead of a line when the channel was interrupted."""
