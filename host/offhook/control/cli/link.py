"""A console's end of the control socket."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from offhook.control.cli.protocol import (
    BYE,
    CANCEL,
    CANDIDATES,
    COMPLETE,
    END,
    HELLO,
    LOG,
    OUTPUT,
    RUN,
    WATCH,
    Frames,
    ProtocolError,
    frame,
)

Result = TypeVar("Result")


class Lost(Exception):
    """The connection to the daemon is gone."""


class Link:
    """One connection. ``on_log`` gets each line of the log, ``on_output`` each piece of an answer; ``lost`` is set when
    the daemon went away."""

    def __init__(self, on_log: Callable[[str], None], on_output: Callable[[str], None]) -> None:
        self.on_log = on_log
        self.on_output = on_output
        self.host = ""
        self.pid = ""
        self.version = ""
        self.bye = ""
        """"stop" or "restart" when the daemon said that it goes."""
        self.lost = asyncio.Event()
        self._greeted = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._answers: deque[asyncio.Future[bool]] = deque()
        self._completions: deque[asyncio.Future[list[str]]] = deque()

    async def open(self, path: str) -> None:
        """Connect and wait for the daemon's greeting. Raises OSError."""
        reader, self._writer = await asyncio.open_unix_connection(path)
        self._reading = asyncio.create_task(self._read(reader), name="control socket")
        await self._greeted.wait()
        if self.lost.is_set():
            raise ConnectionError("the daemon closed the connection")

    async def close(self) -> None:
        """Disconnect."""
        if self._writer is not None:
            self._writer.close()
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)

    async def run(self, command: str) -> bool:
        """Have a command carried out: whether it succeeded. Raises Lost."""
        answer = asyncio.get_running_loop().create_future()
        self._answers.append(answer)
        self._send(frame(RUN, command))
        result: bool = await answer
        return result

    def cancel(self) -> None:
        """Have what is being carried out end, if it takes its time."""
        with suppress(Lost):
            self._send(frame(CANCEL))

    async def complete(self, line: str) -> list[str]:
        """What the last word of a line may become. Raises Lost."""
        answer = asyncio.get_running_loop().create_future()
        self._completions.append(answer)
        self._send(frame(COMPLETE, line))
        result: list[str] = await answer
        return result

    def watch(self, verbosity: int, *, colours: bool, timestamp: bool, mute: bool) -> None:
        """Ask for the log. Raises Lost."""
        self._send(frame(WATCH, f"{verbosity} {int(colours)} {int(timestamp)} {int(mute)}"))

    def _send(self, data: bytes) -> None:
        if self._writer is None or self.lost.is_set():
            raise Lost
        self._writer.write(data)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        frames = Frames()
        try:
            while data := await reader.read(65536):
                for letter, body in frames.feed(data):
                    self._take(letter, body)
        except (OSError, ProtocolError):
            pass
        finally:
            self.lost.set()
            self._greeted.set()
            everybody: list[asyncio.Future[Any]] = [*self._answers, *self._completions]
            for waiting in everybody:
                if not waiting.done():
                    waiting.set_exception(Lost())
                    waiting.exception()

    def _take(self, letter: bytes, body: str) -> None:
        if letter == LOG:
            self.on_log(body)
        elif letter == OUTPUT:
            self.on_output(body)
        elif letter == END and self._answers:
            _settle(self._answers.popleft(), body == "0")
        elif letter == CANDIDATES and self._completions:
            _settle(self._completions.popleft(), body.split("\n") if body else [])
        elif letter == HELLO:
            self.host, self.pid, self.version = (*body.split("\n"), "", "", "")[:3]
            self._greeted.set()
        elif letter == BYE:
            self.bye = body


def _settle(waiting: asyncio.Future[Result], result: Result) -> None:
    if not waiting.done():
        waiting.set_result(result)
