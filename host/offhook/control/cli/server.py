"""The control socket: consoles connect to it, run commands and watch the log."""

from __future__ import annotations

import asyncio
import contextlib
import grp
import logging
import os
import pwd
import socket
import struct
import threading
from typing import TYPE_CHECKING, cast

from offhook import ASTERISK_VERSION
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
from offhook.control.cli.run import run_command
from offhook.daemon.logchannel import Message, for_console
from offhook.log import verbose

if TYPE_CHECKING:
    from offhook.calls.pbx import Pbx
    from offhook.config.paths import Paths
    from offhook.daemon.logger import Log

log = logging.getLogger(__name__)

MOST_UNSENT = 1024 * 1024
"""A console that reads nothing loses log lines beyond so many bytes."""


class Session(asyncio.Protocol):
    """One console."""

    def __init__(self, server: ControlServer) -> None:
        self.server = server
        self.verbosity = 0
        self.colours = False
        self.timestamp = False
        self.muted = False
        self.levels_off: set[str] = set()
        self.uid = self.gid = -1
        self.transport: asyncio.Transport | None = None
        self._frames = Frames()
        self._work: asyncio.Queue[tuple[bytes, str]] = asyncio.Queue()
        self._worker: asyncio.Task[None] | None = None
        self._command: asyncio.Task[tuple[bool, str]] | None = None
        """What is being carried out."""
        self.watching = False
        """Whether it shows the log, and so has a verbosity of its own."""

    # ---- connection ---------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        peer: socket.socket = transport.get_extra_info("socket")
        with contextlib.suppress(OSError):
            _pid, self.uid, self.gid = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        self.server.sessions.add(self)
        self._worker = self.server.loop.create_task(self._serve(), name="console")
        self.send(HELLO, f"{os.uname().nodename}\n{os.getpid()}\n{ASTERISK_VERSION}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.server.sessions.discard(self)
        if self.watching:
            self.server.log.detach(self)
            if not self.server.hide_connect:
                verbose(3, "Remote UNIX connection disconnected")
        if self._worker is not None:
            self._worker.cancel()
        self.transport = None

    def data_received(self, data: bytes) -> None:
        try:
            for letter, body in self._frames.feed(data):
                if letter != CANCEL:
                    self._work.put_nowait((letter, body))
                elif self._command is not None:
                    self._command.cancel()
        except ProtocolError as error:
            log.warning("a console was disconnected: %s", error)
            if self.transport is not None:
                self.transport.close()

    def send(self, letter: bytes, body: str = "") -> None:
        if self.transport is not None:
            self.transport.write(frame(letter, body))

    # ---- what it asks -------------------------------------------------------------------------------

    async def _serve(self) -> None:
        while True:
            letter, body = await self._work.get()
            if letter == RUN:
                await self._carry_out(body)
            elif letter == COMPLETE:
                self.send(CANDIDATES, "\n".join(self.server.pbx.registry.complete(self.server.pbx, body)))
            elif letter == WATCH:
                self._watch(body)

    async def _carry_out(self, line: str) -> None:
        self._command = self.server.loop.create_task(run_command(self.server.pbx, line, self), name="command")
        try:
            await asyncio.wait((self._command,))
        except asyncio.CancelledError:
            self._command.cancel()
            raise
        ok, text = (False, "") if self._command.cancelled() else self._command.result()
        self._command = None
        if text:
            self.send(OUTPUT, text)
        self.send(END, "0" if ok else "1")

    def _watch(self, body: str) -> None:
        verbosity, colours, timestamp, mute = (int(word) for word in body.split())
        self.verbosity, self.colours, self.timestamp, self.muted = verbosity, bool(colours), bool(timestamp), bool(mute)
        if not self.watching:
            self.watching = True
            if not self.server.hide_connect:
                verbose(3, "Remote UNIX connection")
            self.server.log.attach(self)
        else:
            self.server.log.update_levels()

    def stream(self, text: str) -> None:
        """Show a piece of a command's answer before the rest."""
        self.send(OUTPUT, text)

    def may_run(self, line: str) -> bool:
        """Whether cli_permissions.conf lets the user at this console run a line."""
        permissions = self.server.pbx.parts.get("cli_permissions")
        return permissions is None or permissions.may_run(self.uid, self.gid, line)

    # ---- the log ------------------------------------------------------------------------------------

    def set_verbosity(self, level: int) -> None:
        """How verbose this console is."""
        self.verbosity = level
        self.server.log.update_levels()

    def show(self, message: Message, date: str) -> None:
        """Show a line of the log here; may be called by any thread."""
        if self.muted or message.level in self.levels_off:
            return
        text = for_console(message, date, colours=self.colours, timestamp=self.timestamp)
        if threading.get_ident() == self.server.thread:
            self._show(text)
        else:
            self.server.loop.call_soon_threadsafe(self._show, text)

    def _show(self, text: str) -> None:
        if self.transport is not None and self.transport.get_write_buffer_size() < MOST_UNSENT:
            self.send(LOG, text)


class ControlServer:
    """Listens on the control socket."""

    def __init__(self, pbx: Pbx, logger: Log, *, hide_connect: bool = False) -> None:
        self.pbx = pbx
        self.log = logger
        self.loop = pbx.loop
        self.thread = threading.get_ident()
        self.hide_connect = hide_connect
        self.sessions: set[Session] = set()
        self._server: asyncio.Server | None = None
        self._path = ""

    async def start(self, paths: Paths, given: socket.socket | None = None) -> None:
        """Listen, with the owner and mode of asterisk.conf's [files]; ``given`` is systemd's socket.

        A socket that cannot be made costs the consoles, not the calls: it is logged.
        """
        if given is not None:
            self._server = await self.loop.create_unix_server(lambda: Session(self), sock=given)
            return
        path = paths.socket
        try:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
            listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
            mask = os.umask(0o177)
            try:
                listening.bind(path)
            finally:
                os.umask(mask)
            self._server = await self.loop.create_unix_server(lambda: Session(self), sock=listening)
        except OSError as error:
            log.error("consoles cannot connect: %s: %s", path, error.strerror or error)
            return
        self._path = path
        _own(paths)

    def say_bye(self, how: str) -> None:
        """Tell every console that the daemon ends ("stop") or comes back ("restart")."""
        for session in list(self.sessions):
            session.send(BYE, how)

    async def stop(self) -> None:
        """Disconnect everybody and take the socket away."""
        if self._server is not None:
            self._server.close()
        for session in list(self.sessions):
            if session.transport is not None:
                session.transport.close()
        if self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._path)


def _own(paths: Paths) -> None:
    """Give the socket the owner, group and mode of [files]."""
    uid = gid = -1
    try:
        if paths.control_owner:
            uid = pwd.getpwnam(paths.control_owner).pw_uid
        if paths.control_group:
            gid = grp.getgrnam(paths.control_group).gr_gid
    except KeyError as error:
        log.warning("asterisk.conf [files]: %s", error.args[0])
    mode = 0o755
    if paths.control_mode:
        try:
            mode = int(paths.control_mode, 8)
        except ValueError:
            log.warning(
                'asterisk.conf [files]: astctlpermissions "%s" is no octal mode such as 0660', paths.control_mode
            )
    try:
        os.chown(paths.socket, uid, gid)
        os.chmod(paths.socket, mode)
    except OSError as error:
        log.warning("owner and mode of %s cannot be set: %s", paths.socket, error.strerror)
