"""A client's connection to the manager port: banner, messages one after the other, and bounded output."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import deque
from typing import TYPE_CHECKING, Final, cast

from offhook.control.http.listening import plain
from offhook.control.manager import AMI_VERSION
from offhook.control.manager.protocol import Framing, Message
from offhook.control.manager.session import Session
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.control.manager.ami import Ami

log = logging.getLogger(__name__)

MOST_UNSENT: Final = 1 << 20
"""Bytes that a client may leave unread, beyond the socket's own buffers, before it is a slow one."""
MOST_KEPT: Final = 8 << 20
"""Bytes that are kept for a slow one as long as it takes some of them."""
LEAST_PATIENCE_S: Final = 30.0
"""A client that is busy with what it read last is not a dead one, however short its write timeout."""
MOST_WAITING: Final = 32
"""Messages read ahead of the one being carried out."""


class Connection(asyncio.Protocol):
    """Feeds a session from a transport and writes what it says."""

    def __init__(self, ami: Ami, kind: str) -> None:
        self.ami = ami
        self._kind = kind
        self._loop = ami.pbx.loop
        self._framing = Framing()
        self._messages: deque[Message] = deque()
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._slow: asyncio.TimerHandle | None = None
        self._out: list[str] = []
        self._written = 0
        """Bytes handed to the transport so far."""
        self._taken = 0
        """Bytes of these that the client had taken when it was last looked whether it is slow."""
        self._paused = False

    # ---- the transport's calls ----------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        settings = self.ami.settings
        if self.ami.unauthenticated() >= settings.most_unauthenticated:
            transport.abort()
            return
        self._transport = transport
        transport.set_write_buffer_limits(high=MOST_UNSENT)
        remote = plain(transport.get_extra_info("peername"))
        local = plain(transport.get_extra_info("sockname"))
        self._session = session = Session(self.ami, remote, local, self._kind, self)
        sock = transport.get_extra_info("socket")
        if sock is not None:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            session.descriptor = sock.fileno()
        self.ami.add(session)
        self._timer = self._loop.call_later(settings.auth_timeout_s, self._late)
        self.write(f"Asterisk Call Manager/{AMI_VERSION}\r\n")

    def connection_lost(self, error: Exception | None) -> None:
        session, self._session = self._session, None
        self._transport = None
        for timer in (self._timer, self._slow):
            if timer is not None:
                timer.cancel()
        if session is None:
            return
        session.ended = True
        self.ami.remove(session)
        if session.authenticated:
            session.tell("kicked" if session.kicked else "logged off")
        elif self.ami.settings.display_connects:
            verbose(2, "Connect attempt from '%s' unable to authenticate", session.remote[0])
        if self._task is not None:
            self._task.cancel()

    def data_received(self, data: bytes) -> None:
        self._messages.extend(self._framing.receive(data))
        session = self._session
        if session is None or not self._messages:
            return
        if len(self._messages) > MOST_WAITING and self._transport is not None and not self._paused:
            self._paused = True
            self._transport.pause_reading()
        if session.waiter is not None and not session.waiter.done():
            session.waiter.set_result(None)
        if self._task is None:
            self._task = self._loop.create_task(self._work(session))

    def pause_writing(self) -> None:
        self._look()

    def _look(self) -> None:
        """Note how much the client has taken, and look again after its write timeout."""
        assert self._transport is not None
        user = self.ami.settings.user(self._session.username) if self._session is not None else None
        seconds = max(LEAST_PATIENCE_S, user.write_timeout_ms / 1000 if user is not None else 0)
        self._taken = self._written - self._transport.get_write_buffer_size()
        self._slow = self._loop.call_later(seconds, self._look_again)

    def resume_writing(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    # ---- work ---------------------------------------------------------------------------------------

    async def _work(self, session: Session) -> None:
        """Carry out the messages that have come, each after the other."""
        try:
            while self._messages and not session.ended:
                text = await session.act(self._messages.popleft())
                if session.authenticated and self._timer is not None:
                    self._timer.cancel()
                    self._timer = None
                self.write(text)
                if not session.ended:
                    self.write(session.take_pending())
                if self._paused and self._transport is not None and len(self._messages) <= MOST_WAITING // 2:
                    self._paused = False
                    self._transport.resume_reading()
        finally:
            self._task = None
        if session.ended:
            self.end()

    def _late(self) -> None:
        """The time to log in is over."""
        self._timer = None
        session = self._session
        if session is None or session.authenticated:
            return
        if self.ami.settings.display_connects:
            verbose(
                2,
                "Client from %s, failed to authenticate in %d seconds",
                session.remote[0],
                self.ami.settings.auth_timeout_s,
            )
        self.end()

    def _look_again(self) -> None:
        """Cut a client off that took nothing meanwhile, or leaves too much: a burst of events is not its fault."""
        self._slow = None
        if self._transport is None or self._session is None:
            return
        unsent = self._transport.get_write_buffer_size()
        if self._written - unsent > self._taken and unsent <= MOST_KEPT:
            self._look()
            return
        log.warning("manager %r reads too slowly and is cut off", self._session.username)
        self._transport.abort()

    # ---- what the session writes --------------------------------------------------------------------

    def write(self, text: str) -> None:
        """Send text at the end of this turn of the loop, together with what else is written in it."""
        if text:
            if not self._out:
                self._loop.call_soon(self._flush)
            self._out.append(text)

    def _flush(self) -> None:
        text = "".join(self._out)
        self._out.clear()
        if self._transport is not None and text:
            data = text.encode("utf-8", "surrogateescape")
            self._written += len(data)
            self._transport.write(data)

    def end(self) -> None:
        """Send what is written and close."""
        self._flush()
        if self._transport is not None:
            self._transport.close()

    @property
    def waiting(self) -> bool:
        """Whether messages wait behind the one being carried out."""
        return bool(self._messages)
