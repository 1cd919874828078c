"""The link to the supervisor on a serial port: a Conversation, a descriptor on the loop, answers to await."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from offhook.field.supervisor import messages as m
from offhook.field.supervisor.conversation import Answered, Conversation, Event, Told, Unanswered

log = logging.getLogger(__name__)

REOPEN_S: Final = 2.0
"""A port that is not there, or went away, is tried again so often."""


class LinkError(Exception):
    """The supervisor does not answer, or refuses; the sentence says which."""


class Link:
    """The link. ``told`` is called with the supervisor's news."""

    def __init__(self, device: str, baud: int, told: Callable[[Told], None]) -> None:
        self.device = device
        self.baud = baud
        self.conversation = Conversation()
        self.problem = "the port is not open yet"
        """Why nothing can be sent; "" while it can."""
        self._told = told
        self._port: Any = None
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._reopen: asyncio.TimerHandle | None = None
        self._answers: dict[int, asyncio.Future[Answered]] = {}
        self._unsent = bytearray()
        self._closed = False

    # ---- the port -----------------------------------------------------------------------------------

    def open(self) -> None:
        """Open the port; while it cannot be opened, that is tried again and again."""
        import serial  # only a box with a supervisor has it

        self._reopen = None
        if self._closed:
            return
        try:
            self._port = serial.Serial(self.device, self.baud, timeout=0, write_timeout=0, exclusive=True)
        except (OSError, ValueError) as error:
            number = getattr(error, "errno", None)  # pyserial's own text names the port twice
            problem = f"{self.device} cannot be opened: {os.strerror(number) if number else error}"
            if problem != self.problem:
                log.warning("supervisor: %s", problem)
            self.problem = problem
            self._reopen = self._loop.call_later(REOPEN_S, self.open)
            return
        self.problem = ""
        os.set_blocking(self._port.fileno(), False)
        self._loop.add_reader(self._port.fileno(), self._readable)
        self._flush()

    def close(self) -> None:
        """Give the port up; whoever waits for an answer gets a LinkError."""
        self._closed = True
        if self._reopen is not None:
            self._reopen.cancel()
        if self._timer is not None:
            self._timer.cancel()
        self._drop("the link is closed")

    def _drop(self, problem: str) -> None:
        self.problem = problem
        port, self._port = self._port, None
        if port is not None:
            self._loop.remove_reader(port.fileno())
            self._loop.remove_writer(port.fileno())
            with suppress(OSError):
                port.close()
        self._unsent.clear()
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(LinkError(problem))
        self._answers.clear()

    def _lost(self, error: OSError) -> None:
        log.warning("supervisor: %s: %s", self.device, error.strerror or error)
        self._drop(f"{self.device}: {error.strerror or error}")
        self._reopen = self._loop.call_later(REOPEN_S, self.open)

    def _readable(self) -> None:
        try:
            data = os.read(self._port.fileno(), 4096)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
            return
        if not data:
            self._lost(OSError(0, "the device is gone"))
            return
        self._happened(self.conversation.receive(data, self._loop.time()))

    def _flush(self) -> None:
        self._unsent += self.conversation.to_send()
        if self._port is None:
            self._unsent.clear()  # asked again when the port is back, or given up
        while self._unsent and self._port is not None:
            try:
                sent = os.write(self._port.fileno(), self._unsent)
            except BlockingIOError:
                self._loop.add_writer(self._port.fileno(), self._writable)
                break
            except OSError as error:
                self._lost(error)
                break
            del self._unsent[:sent]
        self._set_timer()

    def _writable(self) -> None:
        self._loop.remove_writer(self._port.fileno())
        self._flush()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due = self.conversation.next_timer
        if due is not None and not self._closed:
            self._timer = self._loop.call_at(due, self._time)

    def _time(self) -> None:
        self._timer = None
        self._happened(self.conversation.timer(self._loop.time()))

    def _happened(self, events: list[Event]) -> None:
        self._flush()
        for event in events:
            if isinstance(event, Told):
                if event.code == m.STARTED:
                    self.conversation.restarted()
                self._told(event)
                continue
            answer = self._answers.pop(event.ticket, None)
            if answer is None or answer.done():
                continue
            if isinstance(event, Unanswered):
                answer.set_exception(LinkError(f"the supervisor on {self.device} does not answer"))
            else:
                answer.set_result(event)

    # ---- questions ----------------------------------------------------------------------------------

    async def ask(self, kind: int, body: bytes = b"", *, first: bool = False) -> bytes:
        """Ask, and return the body of the answer. Raises LinkError."""
        if self._port is None:
            raise LinkError(self.problem)
        ticket = self.conversation.ask(kind, body, self._loop.time(), first=first)
        answer: asyncio.Future[Answered] = self._loop.create_future()
        self._answers[ticket] = answer
        self._flush()
        event = await answer
        if event.result != m.OK:
            word = m.RESULTS[event.result] if event.result < len(m.RESULTS) else f"result {event.result}"
            detail = event.body.decode("ascii", "replace")
            raise LinkError(f"the supervisor says: {word}{f' ({detail})' if detail else ''}")
        return event.body
